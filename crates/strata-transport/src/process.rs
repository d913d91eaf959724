//! A program of this machine as a channel: what `ssh` and this machine itself have in common.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use strata_core::BoxFuture;
use strata_core::connection::{Channel, ChannelInput, ChannelOutput, ConnectionError, Output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What becomes of a program that nobody listens to any more.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Dropped {
    /// It is killed: what runs at its other end is told so by that.
    Killed,
    /// It is left to end by the end of its input, which lets it end what it started.
    Closed,
}

/// Starts a program with pipes on all three streams and more in its `environment`; dropping both ends it.
pub(crate) fn spawn(
    argv: &[String],
    environment: &[(&str, PathBuf)],
    what: &str,
    dropped: Dropped,
) -> Result<Channel, ConnectionError> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| ConnectionError::Broken("no program".to_owned()))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // An interrupt from the terminal is ours to handle; the program ends when we close it.
        .process_group(0)
        .kill_on_drop(dropped == Dropped::Killed);
    let mut child = command.spawn().map_err(|error| {
        ConnectionError::Unreachable(format!("{what}: `{program}` cannot be run: {error}"))
    })?;
    let input = Input(child.stdin.take());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = Streams {
        child,
        stdout,
        stderr,
        exit: None,
    };
    Ok(Channel {
        input: Box::new(input),
        output: Box::new(output),
    })
}

struct Input(Option<ChildStdin>);

impl ChannelInput for Input {
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let closed = || ConnectionError::Broken("the input is closed".to_owned());
            let pipe = self.0.as_mut().ok_or_else(closed)?;
            pipe.write_all(bytes).await.map_err(broken)?;
            pipe.flush().await.map_err(broken)
        })
    }

    fn close<'a>(&'a mut self) -> BoxFuture<'a, Result<(), ConnectionError>> {
        self.0 = None;
        Box::pin(async { Ok(()) })
    }
}

struct Streams {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    exit: Option<i32>,
}

impl ChannelOutput for Streams {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Output, ConnectionError>> {
        Box::pin(self.next())
    }
}

impl Streams {
    /// The next piece; the end of the program is its end even where a pipe stays open: the master
    /// connection that `ssh` leaves behind keeps its standard error for as long as it lives.
    async fn next(&mut self) -> Result<Output, ConnectionError> {
        let mut out = vec![0; 64 << 10];
        let mut err = vec![0; 4 << 10];
        while self.stdout.is_some() || (self.stderr.is_some() && self.exit.is_none()) {
            tokio::select! {
                biased;
                count = read(&mut self.stdout, &mut out) => match count.map_err(broken)? {
                    0 => self.stdout = None,
                    count => return Ok(Output::Stdout(out[..count].to_vec())),
                },
                count = read(&mut self.stderr, &mut err) => match count.map_err(broken)? {
                    0 => self.stderr = None,
                    count => return Ok(Output::Stderr(err[..count].to_vec())),
                },
                status = self.child.wait(), if self.exit.is_none() => {
                    let status = status.map_err(broken)?;
                    self.exit = Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
                }
            }
        }
        // What was written to the standard error before the end is there by now.
        if let Some(said) = self
            .stderr
            .as_mut()
            .and_then(|pipe| now(pipe.read(&mut err)))
        {
            match said.map_err(broken)? {
                0 => self.stderr = None,
                count => return Ok(Output::Stderr(err[..count].to_vec())),
            }
        }
        match self.exit {
            Some(code) => Ok(Output::Exit(code)),
            None => {
                let status = self.child.wait().await.map_err(broken)?;
                let code = status
                    .code()
                    .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
                Ok(Output::Exit(*self.exit.insert(code)))
            }
        }
    }
}

/// The result of a future that is ready at once.
fn now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// Reads from a pipe that may have ended, in which case nothing ever comes.
async fn read(
    pipe: &mut Option<impl AsyncReadExt + Unpin>,
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => std::future::pending().await,
    }
}

fn broken(error: std::io::Error) -> ConnectionError {
    ConnectionError::Broken(error.to_string())
}
