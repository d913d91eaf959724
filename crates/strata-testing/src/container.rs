//! Commands in a container of the testbed.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

/// Runs a line of the shell in a container, without input, and gives what it prints on standard output.
///
/// Of a program that ends at once, Incus 6.0.4 loses the output now and then when the machine is busy: this one stays
/// until it is heard. A line that leaves the shell (`exit`) does not.
///
/// # Panics
///
/// If there is no `incus`.
pub fn shell(container: &str, line: &str) -> String {
    let held = format!("{{ {line}\n}} </dev/null; printf '\\0'; read -r _");
    let mut child = Command::new("incus")
        .args(["exec", container, "--", "sh", "-c", &held])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the testbed has `incus`");
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut said = Vec::new();
    let heard = output.read_until(0, &mut said);
    drop(child.stdin.take());
    let rest = output.read_to_end(&mut said);
    let ended = child.wait();
    assert!(
        heard.is_ok() && rest.is_ok() && ended.is_ok(),
        "`incus exec {container}` broke"
    );
    said.pop_if(|last| *last == 0);
    String::from_utf8_lossy(&said).into_owned()
}
