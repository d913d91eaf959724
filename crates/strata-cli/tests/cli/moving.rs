//! What is under way, as it is shown below the lines of a playbook on a terminal.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::strata::Folder;

#[test]
fn what_a_host_is_at_moves_below_the_lines_on_a_terminal() {
    let project = Folder::new(&[]);
    project.write(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Wait for it\n      \
         wait_for: {path: \"{{ playbook_dir }}/go\"}\n    - debug: {msg: done}\n",
    );
    // As from a terminal: `script` gives the command one of its own.
    let strata = env!("CARGO_BIN_EXE_strata");
    let command = format!("{strata} playbook site.yml");
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(project.path())
        .env("HOME", project.path())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut said, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = out.read(&mut part).unwrap();
        if read == 0 {
            break;
        }
        said.extend_from_slice(&part[..read]);
        // The task ends only once it was seen to be under way.
        if String::from_utf8_lossy(&said).contains("localhost: Wait for it") {
            project.write("go", "");
        }
    }
    assert!(child.wait().unwrap().success());
    let said = String::from_utf8_lossy(&said);
    let banner = said.find("TASK [Wait for it]").expect("the banner");
    let moving = said.find("localhost: Wait for it").expect("what moves");
    let result = said.find("ok: [localhost]").expect("the result");
    assert!(banner < moving && moving < result, "{said}");
    // It is taken away before a line is printed.
    let before = said[moving..result].trim_end_matches("\u{1b}[32m");
    assert!(before.ends_with("\r\u{1b}[2K"), "{said:?}");
}
