//! Runs a program that prints a secret.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use crate::process::Process;

/// How long a program may take; some unlock a store over the network.
const LONGEST: Duration = Duration::from_secs(60);
/// How much of its output is read, in bytes.
const MOST: u64 = 1 << 20;
/// How many lines of its complaint are shown.
const LINES: usize = 5;

/// Runs a program in a session of its own, which has no terminal.
const SETSID: &str = "setsid";

/// Where a program is, if it is there.
fn find(program: &str, process: &Process) -> Option<PathBuf> {
    let folders = process.environment.get("PATH")?;
    let mut files = std::env::split_paths(folders).map(|folder| folder.join(program));
    let given = process.working_directory.join(program);
    match program.contains('/') {
        true => given.is_file().then_some(given),
        false => files.find(|file| file.is_file()),
    }
}

/// What the program prints. It gets no input, and is ended when its time is up.
///
/// The reason of a failure has what it said on standard error, never what it printed.
pub(super) async fn output(words: Vec<String>, process: &Process) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("the command is empty".to_owned());
    };
    // Without a terminal, a program that asks for a password ends instead of waiting.
    let mut command = match find(SETSID, process) {
        Some(setsid) if find(program, process).is_some() => {
            let mut command = Command::new(setsid);
            command.arg(program);
            command
        }
        _ => Command::new(program),
    };
    command
        .args(arguments)
        .current_dir(&process.working_directory)
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
