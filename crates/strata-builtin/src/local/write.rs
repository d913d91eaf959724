//! Writing a file whole or not at all.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use strata_core::Diagnostics;

use super::content::mode;
use crate::{Settings, digests::sha1, failure::failed};

/// Writes a file with a mode, and makes the folders above with theirs; the umask applies to both.
pub(crate) fn write(
    settings: &Settings,
    filename: &str,
    content: &[u8],
    (file_mode, folder_mode): (&str, &str),
) -> Result<(), Diagnostics> {
    let path = settings.path(filename);
    let mode = |text| mode(text).unwrap_or(0o700);
    write_whole(&path, content, mode(file_mode), mode(folder_mode)).map_err(|error| {
        failed(
            "Create local file error",
            format!("The file `{filename}` cannot be written: {error}."),
        )
    })
}

fn write_whole(path: &Path, content: &[u8], file_mode: u32, folder_mode: u32) -> io::Result<()> {
    // Through a link, so that what it leads to changes and the link stays.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(folder_mode)
        .create(folder)?;
    // Others never see a part of it, and a secret never has another mode than it should.
    let mut file = tempfile::Builder::new()
        .prefix(".strata-")
        .permissions(fs::Permissions::from_mode(file_mode | 0o200))
        .tempfile_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    if file_mode & 0o200 == 0 {
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(file_mode))?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// True if the file is there with the content of this SHA-1.
pub(crate) fn is_there(
    settings: &Settings,
    filename: &str,
    expected: &str,
) -> Result<bool, Diagnostics> {
    match fs::read(settings.path(filename)) {
        Ok(content) => Ok(sha1(&content) == expected),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(failed(
            "Read local file error",
            format!("The file `{filename}` cannot be read: {error}."),
        )),
    }
}

/// Deletes the file; that it is gone is well.
pub(crate) fn delete(settings: &Settings, filename: &str) -> Result<(), Diagnostics> {
    match fs::remove_file(settings.path(filename)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(
            "Delete local file error",
            format!("The file `{filename}` cannot be deleted: {error}."),
        )),
        _ => Ok(()),
    }
}
