//! Runs a program that prints a secret.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use crate::process::Process;

/// How long a program may take; some unlock a store over the network.
const LONGEST: Duration = Duration::from_secs(60);
/// How much of its output is read, in bytes.
const MOST: u64 = 1 << 20;
/// How many lines of its complaint are shown.
const LINES: usize = 5;

/// What the program prints. It gets no input, and is ended when its time is up.
///
/// The reason of a failure has what it said on standard error, never what it printed.
pub(super) async fn output(words: Vec<String>, process: &Process) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(&process.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .map_err(|error| format!("the program `{program}` cannot be run: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (printed, complaint) = tokio::join!(text(stdout), text(stderr));
        (printed, complaint, child.wait().await)
    };
    let Ok((printed, complaint, status)) = timeout(LONGEST, work).await else {
        let seconds = LONGEST.as_secs();
        return Err(format!("`{program}` has not ended after {seconds} seconds"));
    };
    match status {
        Ok(status) if status.success() => {
            String::from_utf8(printed).map_err(|_| format!("`{program}` printed no text"))
        }
        Ok(status) => Err(failed(program, &status.to_string(), &complaint)),
        Err(error) => Err(failed(program, &error.to_string(), &complaint)),
    }
}

/// All that a stream gives, up to the limit.
async fn text(stream: Option<impl AsyncReadExt + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read before an error is all there is.
        stream.take(MOST).read_to_end(&mut bytes).await.ok();
    }
    bytes
}

fn failed(program: &str, status: &str, complaint: &[u8]) -> String {
    let complaint = String::from_utf8_lossy(complaint);
    let lines: Vec<&str> = complaint.lines().take(LINES).collect();
    format!("`{program}` failed ({status}): {}", lines.join(" / "))
}
