//! Packages on this machine, by absolute paths.

use std::{fs::File, os::unix::fs::symlink, path::Path};

use super::{Failure, archive, query};

/// Links a folder, or unpacks an archive.
pub(super) fn link(address: &str, folder: &Path) -> Result<(), Failure> {
    let (plain, pairs) = query(address);
    let path = Path::new(plain.strip_prefix("file://").unwrap_or(plain));
    if !path.is_absolute() {
        return Err(Failure::new(
            "A path of this machine must be absolute here; a relative one begins with `./`.",
        ));
    }
    let metadata = path
        .metadata()
        .map_err(|error| Failure::io("source path error", &error))?;
    if metadata.is_dir() {
        return symlink(path, folder)
            .map_err(|error| Failure::io("the folder cannot be linked", &error));
    }
    let named = pairs
        .iter()
        .find(|(name, _)| *name == "archive")
        .map(|(_, kind)| *kind);
    let Some(kind) = archive::kind(plain, named)? else {
        return Err(Failure::new("The path is neither a folder nor an archive."));
    };
    let file =
        File::open(path).map_err(|error| Failure::io("the archive cannot be read", &error))?;
    archive::unpack(kind, file, folder)
}
