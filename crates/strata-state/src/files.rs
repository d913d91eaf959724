//! Writing files so that a crash leaves the old one or the new one, never half of one.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::error::StateError;

/// State holds secrets: only its owner may read it.
const MODE: u32 = 0o600;

/// Reads a file; none if there is none. A pipe that lies in a folder is refused: nobody would ever write into it.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let is_handed_over = ["/dev", "/proc"]
        .iter()
        .any(|folder| path.starts_with(folder));
    let is_pipe = |found: fs::Metadata| found.file_type().is_fifo();
    if !is_handed_over && fs::metadata(path).is_ok_and(is_pipe) {
        let why = std::io::Error::other("it is a pipe, and no file");
        return Err(StateError::io("read", path)(why));
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io("read", path)(error)),
    }
}

/// Reads a file; none if there is none, or nothing in it.
pub(crate) fn read_filled(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    Ok(read(path)?.filter(|bytes| !bytes.is_empty()))
}

/// Writes a file that only its owner may read; a crash leaves the old one or the new one.
///
/// What is no file (`/dev/null`, a pipe) is written to and stays what it is.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    replace(path, bytes).map(drop)
}

/// Replaces a file by way of a temporary one beside it, and gives the new one; what is no file is written to.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<File, StateError> {
    replace_with(path, bytes, |_| Ok(()))
}

/// How many links are followed, as by Linux.
const MOST_LINKS: usize = 40;

/// Where a path leads, whether there is a file or not: that file is replaced, and the link stays what it is.
pub(crate) fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = match path.parent() {
            Some(folder) => folder.join(target),
            None => target,
        };
    }
    path
}

/// Writes to what is no file and so cannot be replaced.
fn write_to(path: &Path, bytes: &[u8]) -> Result<File, StateError> {
    let opened = OpenOptions::new().write(true).open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(bytes)?;
        Ok(file)
    });
    written.map_err(StateError::io("write", path))
}

/// The same as [`replace`]; `prepare` is given the new file before it takes the place of the old one.
pub(crate) fn replace_with(
    path: &Path,
    bytes: &[u8],
    prepare: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<File, StateError> {
    let is_other = |found: fs::Metadata| !found.is_file() && !found.is_dir();
    if fs::metadata(path).is_ok_and(is_other) {
        return write_to(path, bytes);
    }
    let path = &followed(path);
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    let written = write_new(&temporary, bytes).and_then(|file| {
        prepare(&file).map_err(StateError::io("lock", path))?;
        fs::rename(&temporary, path).map_err(StateError::io("replace", path))?;
        Ok(file)
    });
    if written.is_err() {
        // What is left of a failed attempt is of no use; the error that counts is the first one.
        drop(fs::remove_file(&temporary));
    }
    let file = written?;
    sync_folder(path)?;
    Ok(file)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<File, StateError> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(path);
    let mut file = file.map_err(StateError::io("create", path))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(StateError::io("write", path))?;
    Ok(file)
}

/// Opens a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .append(true)
        .read(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
}

/// Removes a file, if it is there, for good.
pub(crate) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StateError::io("remove", path)(error)),
    }
}

/// Makes sure that a file's name survives a crash of the machine.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StateError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(StateError::io("sync the folder of", path))
}

/// The path with something more at its end.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What tells whether a file is still the same.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
