//! What shells complete.

use std::process::Command;

use crate::strata::Folder;

#[test]
fn bash_completes_commands_and_options() {
    let folder = Folder::new(&[]);
    let script = folder.run(&["completion", "bash"]).succeeded().stdout;
    let completed = |words: &str| {
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _strata strata \"${{COMP_WORDS[COMP_CWORD]}}\"\necho \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &asked]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("strata pl"), "plan playbook\n");
    assert_eq!(completed("strata apply --auto"), "--auto-approve\n");
    let wrong = folder.run(&["completion", "tcsh"]);
    assert_ne!(wrong.code, Some(0));
    assert!(
        wrong.stderr.contains("bash, elvish, fish"),
        "{}",
        wrong.stderr
    );
}
