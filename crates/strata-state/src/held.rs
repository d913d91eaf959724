//! The lock on the state file itself, which Terraform and OpenTofu take: while we hold it they wait, and we for them.
//!
//! They take a record lock of POSIX on the whole file. Ours is one on the open file description: the two exclude
//! each other, but ours does not end when this process closes some other handle of the file, as reading it does.
//! We replace the file where they write into it, so the new file is locked before it takes its name.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::fcntl::{FcntlArg, fcntl};

use crate::error::StateError;

/// The locked state file, if it is locked; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<Option<File>>>);

impl Held {
    /// Locks the state file, made empty if it is not there; false if somebody else has it locked.
    pub(crate) fn take(&self, path: &Path) -> Result<bool, StateError> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(StateError::io("open", path))?;
        match lock(&file) {
            Ok(()) => {
                *self.file() = Some(file);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_denied(&error) => {
                Ok(false)
            }
            // Where the file system has no locks the file beside the state has to do.
            Err(_) => Ok(true),
        }
    }

    /// Locks what will take the place of the locked file; nothing if none is locked.
    pub(crate) fn lock_too(&self, new: &File) -> io::Result<()> {
        match *self.file() {
            Some(_) => lock(new),
            None => Ok(()),
        }
    }

    /// From now on the new file is the locked one.
    pub(crate) fn pass_on(&self, new: File) {
        let mut file = self.file();
        if file.is_some() {
            *file = Some(new);
        }
    }

    /// Gives the lock back, and takes the file away if there was never anything in it.
    pub(crate) fn release(&self, path: &Path) {
        let file = self.file().take();
        if file.is_some() {
            remove_if_empty(path);
        }
        // Only now may others have it.
        drop(file);
    }

    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(file: &File) -> io::Result<()> {
    let whole = nix::libc::flock {
        l_type: nix::libc::F_WRLCK as i16,
        l_whence: nix::libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&whole))?;
    Ok(())
}

/// Some systems say that it is not permitted where others say that it is busy.
fn is_denied(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EACCES)
}

fn remove_if_empty(path: &Path) {
    if fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == 0) {
        // It is of no use to anybody; who minds that it stays will say so when opening it.
        drop(fs::remove_file(path));
    }
}
