//! A folder of our own for what a host's program wants to have in files; it goes with the value.

use std::path::PathBuf;

use crate::change::temporary_folder;
use crate::host::{Host, HostError, Permissions};
use crate::module::ModuleError;

pub(super) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(super) fn new(host: &dyn Host) -> Result<Scratch, ModuleError> {
        let folder = temporary_folder(host)?;
        Ok(Scratch { folder })
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Puts a file there that only we can read.
    pub(super) fn put(&self, host: &dyn Host, name: &str, text: &str) -> Result<String, HostError> {
        let private = Permissions {
            mode: Some(0o600),
            ..Permissions::default()
        };
        host.write(&self.folder.join(name), &mut text.as_bytes(), private)?;
        Ok(self.path(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // In a model the folder is not there; on a machine nobody else uses it.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
