//! Runs a program of this machine and looks how it ends.

use std::process::Stdio;

use tokio::process::Command;

use super::Answer;

/// Whether the program succeeds; it is ended if nobody waits for it any more.
pub(super) async fn ask(words: &[String]) -> Answer {
    let Some((program, arguments)) = words.split_first() else {
        return answer(false, "the command is empty");
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match command.output().await {
        Ok(output) if output.status.success() => answer(true, "it succeeds"),
        Ok(output) => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint.lines().rfind(|line| !line.trim().is_empty());
            let status = output.status;
            answer(
                false,
                &last.map_or(status.to_string(), |line| format!("{status}: {line}")),
            )
        }
        Err(error) => answer(false, &format!("`{program}` cannot be run: {error}")),
    }
}

fn answer(passed: bool, detail: &str) -> Answer {
    Answer {
        passed,
        detail: detail.to_owned(),
    }
}
