//! The disk as a [`Files`] tree.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::files::{Entry, EntryKind, FileError, FileErrorReason, Files};

/// The largest file that is read as configuration, in bytes: far above any that people write.
const MAX_SIZE: u64 = 64 << 20;

/// Reads from disk; relative paths are relative to the working directory.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        let wrong = |error: io::Error| file_error(path, &error);
        let file = fs::File::open(path).map_err(wrong)?;
        let mut bytes = Vec::new();
        // Not only by the length that is told: a device has none, and no end.
        let read = file.take(MAX_SIZE + 1).read_to_end(&mut bytes);
        match read.map_err(wrong)? as u64 > MAX_SIZE {
            false => Ok(bytes.into()),
            true => Err(FileError {
                path: path.to_owned(),
                reason: FileErrorReason::Other(format!(
                    "the file has more than the {MAX_SIZE} bytes that are read"
                )),
            }),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| file_error(folder, &error))? {
            let entry = entry.map_err(|error| file_error(folder, &error))?;
            let kind = self.kind(&entry.path()).unwrap_or(EntryKind::Other);
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind,
            });
        }
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        let metadata = fs::metadata(path).ok()?;
        Some(match () {
            () if metadata.is_file() => EntryKind::File,
            () if metadata.is_dir() => EntryKind::Folder,
            () => EntryKind::Other,
        })
    }

    fn real(&self, path: &Path) -> PathBuf {
        match fs::canonicalize(path) {
            Ok(real) if std::path::absolute(path).is_ok_and(|own| own != real) => real,
            _ => path.to_owned(),
        }
    }

    fn is_link(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
    }

    fn is_mount(&self, path: &Path) -> bool {
        let about = |path: &Path| fs::symlink_metadata(path).ok();
        match (about(path), about(&path.join(".."))) {
            (Some(own), Some(above)) if own.is_dir() => {
                own.dev() != above.dev() || own.ino() == above.ino()
            }
            _ => false,
        }
    }

    fn current(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    fn home(&self) -> Option<PathBuf> {
        std::env::home_dir().filter(|home| home.is_absolute())
    }
}

fn file_error(path: &Path, error: &io::Error) -> FileError {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => FileErrorReason::NotFound,
        _ => FileErrorReason::Other(error.to_string()),
    };
    FileError {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_with_links_on_their_way_become_others() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("store/role")).unwrap();
        std::os::unix::fs::symlink("store", root.join("roles")).unwrap();
        let own = root.join("store/role");
        assert_eq!(Disk.real(&own), own);
        assert_eq!(Disk.real(&root.join("roles/role")), own);
        assert_eq!(Disk.real(Path::new("src")), Path::new("src"));
        assert_eq!(Disk.real(Path::new("gone")), Path::new("gone"));
    }
}
