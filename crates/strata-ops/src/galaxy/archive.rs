//! Archives of roles and collections (`.tar.gz`), unpacked so that nothing lands outside of their folder.

use std::{
    fs,
    io::Read,
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use tar::EntryType;

/// The most that an archive may unpack to, in bytes.
const MAX_SIZE: u64 = 1 << 30;

/// How deep folders are copied.
const DEEPEST: usize = 64;

/// Unpacks into `folder`; of a role, without the folder that the archive has around it.
pub(super) fn unpack(bytes: &[u8], folder: &Path, inside: bool) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("the archive cannot be read: {error}");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(MAX_SIZE));
    fs::create_dir_all(folder).map_err(wrong)?;
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.into_owned();
        let Some(path) = within(&path, inside)? else {
            continue;
        };
        let place = folder.join(&path);
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&place).map_err(wrong)?,
            EntryType::Regular | EntryType::Continuous => {
                fs::create_dir_all(place.parent().unwrap_or(folder)).map_err(wrong)?;
                entry.unpack(&place).map_err(wrong)?;
            }
            EntryType::Symlink => {
                let target = entry
                    .link_name()
                    .map_err(wrong)?
                    .unwrap_or_default()
                    .into_owned();
                if !stays_inside(&path, &target) {
                    return Err(format!(
                        "the archive has a link out of its folder: `{}`",
                        path.display()
                    ));
                }
                std::os::unix::fs::symlink(target, &place).map_err(wrong)?;
            }
            // Comments of the format.
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            other => {
                return Err(format!(
                    "the archive has an entry of the kind {other:?}: `{}`",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

/// A path without its first part, if that is to go; none if nothing is left.
fn within(path: &Path, inside: bool) -> Result<Option<PathBuf>, String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part),
            _ => {
                return Err(format!(
                    "the archive has a path out of its folder: `{}`",
                    path.display()
                ));
            }
        }
    }
    let skip = usize::from(inside);
    let rest: PathBuf = parts.into_iter().skip(skip).collect();
    Ok((!rest.as_os_str().is_empty()).then_some(rest))
}

fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count() as i64 - 1;
    for component in target.components() {
        match component {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            _ => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

/// Copies a folder of this machine.
pub(super) fn copy(from: &Path, to: &Path, depth: usize) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("`{}`: {error}", from.display());
    if depth > DEEPEST {
        return Err(format!("`{}` is nested too deep", from.display()));
    }
    fs::create_dir_all(to).map_err(wrong)?;
    for entry in fs::read_dir(from).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let place = to.join(entry.file_name());
        if entry.file_name() == ".git" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &place, depth + 1)?;
        } else {
            fs::copy(entry.path(), place).map_err(wrong)?;
        }
    }
    Ok(())
}

/// Lower-case hexadecimal sha256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let sum = sha2::Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
