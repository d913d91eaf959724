//! A folder to work in, gone afterwards whatever happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::Failure;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A folder of this process; dropping it deletes it.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes a folder with these files, given by their paths in it.
    pub(super) fn with(files: &[(&str, String)]) -> Result<Scratch, Failure> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("strata-bench-{}-{number}", std::process::id());
        let scratch = Scratch(std::env::temp_dir().join(name));
        for (path, text) in files {
            scratch.write(path, text)?;
        }
        Ok(scratch)
    }

    /// Gives its path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one more file.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.0.join(path);
        let folder = path.parent().expect("it lies in the folder");
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        fs::write(&path, text).map_err(|error| Failure::file(&path, &error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: `{}` is left over: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_stays() {
        let scratch = Scratch::with(&[("a/b.txt", "text".to_owned())]).expect("it can be written");
        let path = scratch.path().to_owned();
        assert!(path.join("a/b.txt").is_file());
        drop(scratch);
        assert!(!path.exists());
    }
}
