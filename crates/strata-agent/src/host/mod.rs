//! Everything that a module may do to a machine.
//!
//! [`Local`] is the real machine; [`Model`] is one in memory, for the twin and for tests; [`Rehearsal`]
//! is a real one on which changes are only imagined. A module sees only the trait, so it cannot tell them apart. Reading is free of side effects; the methods
//! that change something are called by `change.rs` alone.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::system::{
    AccountChange, Command, Dialogue, Group, HttpRequest, Output, PackageChange, Packages, Unit,
    UnitChange, UnitScope, User,
};

pub(crate) use local::open_terminal;
pub use local::{Cancel, Local};
pub use model::Model;
pub use rehearsal::{Carried, Imagined, Rehearsal};

mod local;
mod model;
mod rehearsal;

/// A machine.
pub trait Host: Send + Sync {
    /// What stands at a path, symbolic links not followed; `None` when there is nothing.
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError>;
    /// The path that a chain of symbolic links ends at; an error when that is not there.
    fn resolve(&self, path: &Path) -> Result<PathBuf, HostError>;
    /// Where one symbolic link points.
    fn link_target(&self, path: &Path) -> Result<PathBuf, HostError>;
    /// What the agent's user may do with a path.
    fn access(&self, path: &Path) -> Access;
    /// Opens a file to be read from its beginning.
    fn open(&self, path: &Path) -> Result<Box<dyn Read + Send>, HostError>;
    /// The names in a folder, sorted.
    fn list(&self, path: &Path) -> Result<Vec<String>, HostError>;

    /// Puts a file in its place at once: nobody ever sees half of it.
    fn write(
        &self,
        path: &Path,
        content: &mut dyn Read,
        permissions: Permissions,
    ) -> Result<(), HostError>;
    /// Makes one folder; its parent must be there.
    fn create_directory(&self, path: &Path, mode: u32) -> Result<(), HostError>;
    /// Makes a symbolic link, in place of whatever link or file is there.
    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError>;
    /// Makes a hard link, in place of whatever link or file is there.
    fn hard_link(&self, target: &Path, path: &Path) -> Result<(), HostError>;
    /// Removes a file, a link, or a folder with all that is in it.
    fn remove(&self, path: &Path) -> Result<(), HostError>;
    /// Sets the twelve mode bits.
    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError>;
    /// Sets owner and group; a link's own where `follow` is false.
    fn set_owner(
        &self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError>;
    /// Sets access and modification time (seconds since 1970); `None` keeps one.
    fn set_times(
        &self,
        path: &Path,
        access: Option<f64>,
        modification: Option<f64>,
    ) -> Result<(), HostError>;

    /// The users of the machine.
    fn users(&self) -> Result<Vec<User>, HostError>;
    /// The groups of the machine.
    fn groups(&self) -> Result<Vec<Group>, HostError>;
    /// Finds a user that `/etc/passwd` does not list (LDAP and the like).
    fn find_user(&self, name: &str) -> Result<Option<User>, HostError>;
    /// Finds a group that `/etc/group` does not list.
    fn find_group(&self, name: &str) -> Result<Option<Group>, HostError>;
    /// The password hash of a user, where it may be read.
    fn password_hash(&self, user: &str) -> Result<Option<String>, HostError>;
    /// Makes, changes or removes a user or group.
    fn change_account(&self, change: &AccountChange) -> Result<Output, HostError>;

    /// What the package manager has installed.
    fn packages(&self) -> Result<Packages, HostError>;
    /// What the package manager would do.
    fn simulate_packages(&self, change: &PackageChange) -> Result<Output, HostError>;
    /// Installs, removes, upgrades.
    fn change_packages(&self, change: &PackageChange) -> Result<Output, HostError>;

    /// What the service manager says about a unit.
    fn unit(&self, name: &str, scope: UnitScope) -> Result<Unit, HostError>;
    /// Starts, stops, enables, …
    fn change_unit(&self, change: &UnitChange) -> Result<Output, HostError>;

    /// Runs a program to its end.
    fn run(&self, command: &Command) -> Result<Output, HostError>;
    /// Runs a program on a terminal of its own and answers what it asks; output is one stream, with
    /// the answers in it where the dialogue echoes.
    fn converse(&self, command: &Command, dialogue: &Dialogue) -> Result<Output, HostError>;
    /// Finds a program in the search path and the system folders.
    fn find_program(&self, name: &str) -> Option<PathBuf>;
    /// The environment in which the task's programs run.
    fn environment(&self) -> BTreeMap<String, String>;
    /// Number of the user that the agent runs as.
    fn user_id(&self) -> u32;
    /// The kernel's names: system, node, release, version, machine.
    fn kernel(&self) -> Result<Kernel, HostError>;
    /// Size and free space of the file system at a path.
    fn filesystem(&self, path: &Path) -> Result<Filesystem, HostError>;

    /// Opens a TCP connection.
    fn connect(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> Result<Box<dyn Stream>, HostError>;
    /// Makes an HTTP request, following redirects.
    fn fetch(&self, request: &HttpRequest) -> Result<HttpResponse, HostError>;

    /// Seconds since 1970.
    fn now(&self) -> f64;
    /// Lets time pass (the model only advances its clock); fails when the task was cancelled.
    fn sleep(&self, duration: Duration) -> Result<(), HostError>;

    /// Whether changes are imagined only: what is read afterwards is as if they had been made.
    fn rehearses(&self) -> bool {
        false
    }

    /// Whether something would have been done of which nobody knows what it would have changed.
    fn in_doubt(&self) -> bool {
        false
    }

    /// Remembers that such a thing would have been done.
    fn doubt(&self) {}

    /// Reads a whole file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        let mut bytes = Vec::new();
        let read = self.open(path)?.take(MAX_READ + 1).read_to_end(&mut bytes);
        read.map_err(|error| HostError::io("read", path, &error))?;
        if bytes.len() as u64 > MAX_READ {
            return Err(HostError::Other(format!(
                "{} is too large to edit",
                path.display()
            )));
        }
        Ok(bytes)
    }

    /// Reads a whole file that may be missing, as text.
    fn read_text(&self, path: &Path) -> Option<String> {
        self.read(path)
            .ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What stands at a path, symbolic links followed; `None` also for a link into nothing.
    fn metadata_followed(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        match self.metadata(path)? {
            Some(found) if found.kind == Kind::Symlink => match self.resolve(path) {
                Ok(end) => self.metadata(&end),
                Err(_) => Ok(None),
            },
            found => Ok(found),
        }
    }
}

/// The largest file that is ever held in memory as a whole.
pub const MAX_READ: u64 = 64 << 20;

/// A connection to a port.
pub trait Stream: Read + Write + Send {
    /// Limits how long one read may wait.
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()>;
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Metadata {
    /// File, folder, link, …
    pub kind: Kind,
    /// The twelve mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    /// Hard links.
    pub links: u64,
    /// Last access, seconds since 1970.
    pub accessed: f64,
    /// Last change of the content.
    pub modified: f64,
    /// Last change of the inode.
    pub changed: f64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Preferred size of a transfer.
    pub block_size: u64,
    /// Device number of a device file.
    pub device_type: u64,
}

/// The kinds of things in a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    BlockDevice,
    CharacterDevice,
}

/// What the agent's user may do with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub execute: bool,
}

/// Owner, group and mode for a file that is written; what is `None` stays as it was, or takes the
/// system's default for a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    /// The twelve mode bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// The kernel's names, as `uname` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Kernel {
    pub system: String,
    pub node: String,
    pub release: String,
    pub version: String,
    pub machine: String,
}

/// Size and free space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Filesystem {
    pub block_size: u64,
    pub blocks: u64,
    pub blocks_available: u64,
    pub inodes: u64,
    pub inodes_available: u64,
}

/// The answer to an HTTP request; its body is still to be read.
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// The words after it.
    pub reason: String,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Each `Set-Cookie` field.
    pub cookies: Vec<String>,
    /// The address after redirects.
    pub url: String,
    /// The content.
    pub body: Box<dyn Read + Send>,
}

/// Why the machine refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The system refused an operation on a path.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        kind: io::ErrorKind,
        reason: String,
    },
    /// A program cannot be started.
    #[error("Error executing command: [Errno 2] No such file or directory: '{0}'")]
    NoProgram(String),
    /// The task was cancelled, or its time is over.
    #[error("the task was cancelled")]
    Cancelled,
    /// The time given for something is over.
    #[error("{0}")]
    TimedOut(String),
    /// A model is asked for something that only a real machine knows.
    #[error("unknown: the model cannot say {0}")]
    Unknown(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl HostError {
    /// Wraps an error of the system.
    pub fn io(action: &'static str, path: &Path, error: &io::Error) -> HostError {
        let reason = match error.raw_os_error() {
            // Without Rust's " (os error 2)".
            Some(_) => {
                let text = error.to_string();
                text.split(" (os error").next().unwrap_or(&text).to_owned()
            }
            None => error.to_string(),
        };
        HostError::Io {
            action,
            path: path.to_owned(),
            kind: error.kind(),
            reason,
        }
    }
}
