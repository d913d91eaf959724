//! The contract of a way to a host: start a program there and talk to it, put a file there.
//!
//! It is deliberately small: everything else that is done on a host is done by our agent, which is
//! one program started through this contract.

use crate::BoxFuture;

/// A way to one host. One value per host; it may multiplex several channels over one link.
pub trait Connection: Send + Sync {
    /// Names the way for messages: `incus exec web01`, `ssh root@10.0.0.5`, `local`.
    fn describe(&self) -> String;

    /// Waits until the host is up, answers, and its cloud-init (if it has one) is done.
    ///
    /// Gives an error when that cannot come about any more, or the caller's time is up.
    fn ready<'a>(
        &'a self,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>>;

    /// Starts a program (argv, no shell) and gives its streams.
    fn start<'a>(&'a self, argv: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>>;

    /// How often a program is started again when the host could not be reached.
    fn retries(&self) -> u32 {
        0
    }

    /// The program by which lines are run on the host, for tools that bring their own other side,
    /// as rsync; none where the way is no such program.
    fn remote_shell(&self) -> Option<RemoteShell> {
        None
    }

    /// Writes a file, replacing what is there, with the given mode. Its folder is made if need be.
    fn upload<'a>(
        &'a self,
        path: &'a str,
        mode: u32,
        content: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>>;
}

/// A program that runs lines on a host, as `ssh` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteShell {
    /// The program with its options, without the host.
    pub command: Vec<String>,
    /// The host as the program takes it, with the user.
    pub host: String,
}

/// The streams of a running program.
pub struct Channel {
    /// Its standard input.
    pub input: Box<dyn ChannelInput>,
    /// Its standard output and error, and how it ended.
    pub output: Box<dyn ChannelOutput>,
}

/// Writes to a program. Dropping it closes the program's standard input.
pub trait ChannelInput: Send {
    /// Sends bytes; returns when they are accepted, so that a slow reader slows the sender down.
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), ConnectionError>>;

    /// Closes the program's standard input.
    fn close<'a>(&'a mut self) -> BoxFuture<'a, Result<(), ConnectionError>>;
}

/// Reads from a program. Dropping it ends the program.
pub trait ChannelOutput: Send {
    /// Waits for the next piece; after [`Output::Exit`] there is none.
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Output, ConnectionError>>;
}

/// A piece of what a program gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout(Vec<u8>),
    /// Standard error.
    Stderr(Vec<u8>),
    /// It ended, with this exit code; 128 plus the signal if one ended it.
    Exit(i32),
}

/// Why a host cannot be worked with. The reason never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// There is no such host on the platform, or it is stopped.
    #[error("{0}")]
    Absent(String),
    /// It does not answer, or refuses us.
    #[error("{0}")]
    Unreachable(String),
    /// The connection broke while in use.
    #[error("{0}")]
    Broken(String),
    /// It is up, but will not get ready: cloud-init failed, for example; with the log's last lines.
    #[error("{0}")]
    NotReady(String),
}
