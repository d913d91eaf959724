//! A tree of files in which those that are encrypted are read as what is in them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::files::{Entry, EntryKind, FileError, FileErrorReason, Files};

use super::{Secrets, is_encrypted};

/// Reads through to another tree, and decrypts what begins as a vaulted text.
pub struct VaultFiles {
    files: Arc<dyn Files>,
    secrets: Arc<Secrets>,
}

impl VaultFiles {
    /// Takes the tree and the passwords.
    pub fn new(files: Arc<dyn Files>, secrets: Arc<Secrets>) -> Self {
        Self { files, secrets }
    }
}

impl Files for VaultFiles {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        let bytes = self.files.read(path)?;
        if !is_encrypted(&bytes) {
            return Ok(bytes);
        }
        self.secrets
            .file(&bytes)
            .map(Arc::from)
            .map_err(|error| FileError {
                path: path.to_owned(),
                reason: FileErrorReason::Other(error.to_string()),
            })
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        self.files.list(folder)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        self.files.kind(path)
    }

    fn real(&self, path: &Path) -> PathBuf {
        self.files.real(path)
    }

    fn is_link(&self, path: &Path) -> bool {
        self.files.is_link(path)
    }

    fn is_mount(&self, path: &Path) -> bool {
        self.files.is_mount(path)
    }

    fn current(&self) -> Option<PathBuf> {
        self.files.current()
    }

    fn home(&self) -> Option<PathBuf> {
        self.files.home()
    }
}
