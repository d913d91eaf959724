//! Locking a state, so that two runs do not work on it at once.
//!
//! The lock is a lock of the operating system on the file that says who holds it, beside the state, under the
//! name and in the format that Terraform uses. The system gives the lock back when a process dies, so a file
//! without lock tells of a run that was killed.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    process::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{backend::Remote, error::StateError, held::Held};

/// Who wants to lock, and what for.
#[derive(Clone, Debug)]
pub struct LockRequest {
    /// What is to be done, such as `apply`.
    pub operation: String,
    /// Who: `user@host`.
    pub who: String,
    /// This machine's name.
    pub host: String,
    /// Which Strata this is.
    pub version: String,
}

/// Who holds a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LockInfo {
    /// Names the lock, to break it by hand.
    #[serde(rename = "ID")]
    pub id: String,
    /// What is being done.
    pub operation: String,
    /// Anything more.
    pub info: String,
    /// Who: `user@host`.
    pub who: String,
    /// Which version of the program.
    pub version: String,
    /// Since when, in RFC 3339.
    pub created: String,
    /// The state's path.
    pub path: String,
    /// The machine's name; Terraform does not say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The process; Terraform does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    state: PathBuf,
    held: Held,
    /// What the file says now.
    info: LockInfo,
    /// Where the state is kept, if not in a file; locked too.
    remote: Option<Arc<dyn Remote>>,
    /// True if the file must stay when the lock ends.
    keeps_file: bool,
    /// The lock of a run that was killed, which this one replaces.
    pub stale: Option<LockInfo>,
}

impl fmt::Display for LockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.operation, self.who)?;
        if let Some(pid) = self.pid {
            write!(f, ", process {pid}")?;
        }
        write!(f, ", since {} (lock {})", self.created, self.id)
    }
}

pub(crate) fn lock(
    path: &Path,
    state: &Path,
    held: Option<&Held>,
    request: &LockRequest,
) -> Result<Lock, StateError> {
    loop {
        let mut file = open(path)?;
        let before = info(&mut file);
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StateError::Locked(Box::new(before.unwrap_or_default())));
        }
        // Whoever held the lock may have removed the file between our opening and our locking it.
        if !is_at(&file, path) {
            continue;
        }
        let before = info(&mut file);
        let is_free = held.map_or(Ok(true), |held| held.take(state));
        if is_free.is_err() {
            leave(&mut file, path, before.as_ref());
        }
        if !is_free? {
            return Err(StateError::Locked(Box::new(before.unwrap_or_else(unknown))));
        }
        if let Some(before) = &before
            && may_be_held(before, &request.host)
        {
            if let Some(held) = held {
                held.release(state);
            }
            return Err(StateError::Locked(Box::new(before.clone())));
        }
        let new = new_info(state.display().to_string(), request);
        if let Err(error) = write(&mut file, &new) {
            leave(&mut file, path, before.as_ref());
            if let Some(held) = held {
                held.release(state);
            }
            return Err(StateError::io("write", path)(error));
        }
        return Ok(Lock {
            path: path.to_owned(),
            file,
            state: state.to_owned(),
            held: held.cloned().unwrap_or_default(),
            info: new,
            remote: None,
            keeps_file: false,
            stale: before,
        });
    }
}

/// Locks a state that is not in a file: first among the runs of this machine, at `path`, then where it is kept.
///
/// A lock that a killed run of this machine left there is broken: the file tells that it was ours.
pub(crate) fn lock_remote(
    path: &Path,
    remote: &Arc<dyn Remote>,
    request: &LockRequest,
) -> Result<Lock, StateError> {
    let mut lock = lock(path, path, None, request)?;
    let place = remote.lock_path();
    // What Terraform says and no more: there are servers that look at it.
    let info = LockInfo {
        path: place,
        host: String::new(),
        pid: None,
        ..lock.info.clone()
    };
    let locked = match (remote.lock(&info), &lock.stale) {
        (Err(StateError::Locked(holder)), Some(stale)) if holder.id == stale.id => {
            remote.force_unlock(&holder.id)?;
            remote.lock(&info)
        }
        (locked, _) => locked,
    };
    if locked.is_err()
        && let Some(stale) = &lock.stale
    {
        // Whoever comes next must still know which lock there was ours.
        write(&mut lock.file, stale).map_err(StateError::io("write", path))?;
        lock.keeps_file = true;
    }
    locked?;
    lock.info = info;
    lock.remote = Some(remote.clone());
    Ok(lock)
}

/// Leaves the file as it was found: half of what a lock says would keep everybody out.
fn leave(file: &mut File, path: &Path, before: Option<&LockInfo>) {
    // What cannot be undone either is seen by the next run.
    drop(match before {
        None => fs::remove_file(path),
        Some(before) => write(file, before),
    });
}

/// Somebody holds the state file itself, and says nothing more.
fn unknown() -> LockInfo {
    LockInfo {
        operation: "some work".to_owned(),
        who: "another program, such as terraform".to_owned(),
        ..LockInfo::default()
    }
}

fn open(path: &Path) -> Result<File, StateError> {
    let mut options = OpenOptions::new();
    let opened = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    opened.map_err(StateError::io("open", path))
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.ino() == there.ino() && ours.dev() == there.dev(),
        _ => false,
    }
}

/// Whether a lock may be held although the system says it is free: Terraform does not lock this file, and a
/// network file system may not carry locks between machines.
fn may_be_held(info: &LockInfo, host: &str) -> bool {
    match info.pid {
        Some(pid) if info.host == host => is_alive(pid) && pid != std::process::id() as i32,
        // Terraform says no process, but would hold the state file, which we hold.
        None => info
            .who
            .rsplit_once('@')
            .is_none_or(|(_, machine)| machine != host),
        Some(_) => true,
    }
}

fn is_alive(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else {
        return false;
    };
    // A process of somebody else answers that we may not ask.
    let asked = rustix::process::test_kill_process(pid);
    !matches!(asked, Err(rustix::io::Errno::SRCH)) && !has_ended(pid)
}

/// Whether a process has ended, and its parent has not asked for its end yet: the first process of many a
/// container never does, so there it would hold its locks for ever.
fn has_ended(pid: Pid) -> bool {
    let said = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let said = said.unwrap_or_default();
    // The program's name may have any letters; behind its parenthesis stands the state.
    let state = said.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| state.starts_with(['Z', 'X']))
}

fn new_info(path: String, request: &LockRequest) -> LockInfo {
    LockInfo {
        id: uuid::Uuid::new_v4().to_string(),
        operation: request.operation.clone(),
        info: String::new(),
        who: request.who.clone(),
        version: request.version.clone(),
        created: jiff::Timestamp::now().to_string(),
        path,
        host: request.host.clone(),
        pid: Some(std::process::id() as i32),
    }
}

fn info(file: &mut File) -> Option<LockInfo> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    if text.trim().is_empty() {
        return None;
    }
    Some(serde_json::from_str(&text).unwrap_or_default())
}

fn write(file: &mut File, info: &LockInfo) -> std::io::Result<()> {
    // A file that is truncated is written to disk when it is closed, by ext4 at least: not for nothing.
    if file.metadata()?.len() > 0 {
        file.set_len(0)?;
    }
    file.rewind()?;
    file.write_all(serde_json::to_string(info)?.as_bytes())?;
    file.flush()
}

/// Breaks the lock with this id.
pub(crate) fn force(path: &Path, id: &str) -> Result<LockInfo, StateError> {
    let bytes = crate::files::read(path)?.unwrap_or_default();
    match serde_json::from_slice::<LockInfo>(&bytes) {
        Ok(info) if info.id == id => fs::remove_file(path)
            .map(|()| info)
            .map_err(StateError::io("remove", path)),
        _ => Err(StateError::NoSuchLock(id.to_owned())),
    }
}

impl Lock {
    /// Gives the lock back, and says so if the place where the state is kept does not take it.
    pub fn release(mut self) -> Result<(), StateError> {
        self.release_remote()
    }

    fn release_remote(&mut self) -> Result<(), StateError> {
        let Some(remote) = self.remote.take() else {
            return Ok(());
        };
        let released = remote.unlock(&self.info);
        // The next run on this machine then knows that the lock there was ours.
        self.keeps_file = released.is_err();
        released
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Who wants to know whether it worked calls `release`.
        drop(self.release_remote());
        self.held.release(&self.state);
        if self.keeps_file {
            return;
        }
        // Removed while still locked, and only if nobody broke the lock meanwhile.
        if is_at(&self.file, &self.path)
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            // The file stays, and will be seen to be of a dead process.
            drop(self.file.set_len(0));
        }
    }
}
