//! Programs of this machine: started without a shell, fed, and waited for.

use std::{
    io,
    path::PathBuf,
    process::{Output, Stdio},
};

use tokio::{io::AsyncWriteExt, process::Command};

/// Why there is no output.
pub(crate) enum NotRun {
    /// It cannot be started.
    NotStarted(io::Error),
    /// It was started and lost.
    Lost(io::Error),
}

/// Runs a program in a folder with `input` on its standard input; gives what it said and how it ended.
pub(crate) async fn run(
    program: &str,
    arguments: &[&str],
    folder: PathBuf,
    input: &[u8],
) -> Result<Output, NotRun> {
    // A program with a path is looked for from the folder, as the shell would.
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(NotRun::NotStarted)?;
    let to = child.stdin.take();
    let feed = async move {
        // A program need not read its input: that it closes it is not wrong.
        if let Some(mut to) = to {
            to.write_all(input).await.unwrap_or_default();
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    output.map_err(NotRun::Lost)
}

/// The most of a program's complaint that is told.
const MOST_TOLD: usize = 4000;

/// What a program said on its standard error, without what it was given in secret: each with the name to show instead.
pub(crate) fn complaint<'a>(
    said: &[u8],
    secrets: impl IntoIterator<Item = (String, &'a str)>,
) -> String {
    let mut text = String::from_utf8_lossy(said).into_owned();
    for (name, secret) in secrets.into_iter().filter(|(_, value)| value.len() > 3) {
        text = text.replace(secret, &name);
    }
    let end = text
        .char_indices()
        .nth(MOST_TOLD)
        .map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    match text.trim() {
        "" => "The program said nothing on its standard error.".to_owned(),
        said => said.to_owned(),
    }
}
