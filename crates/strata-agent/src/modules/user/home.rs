//! The home of a user who is there already: where it is missing it is made, as `user` of ansible-core 2.19 does.

use std::path::{Path, PathBuf};

use super::{UserOptions, system};
use crate::change::{Change, FileContent, FileWrite, Heading};
use crate::host::{Host, Kind, Permissions};
use crate::module::ModuleError;

const SKELETON: &str = "/etc/skel";

/// What makes the home that the user will have, with what the skeleton holds; nothing where it is there, or comes
/// there by a move.
pub(super) fn changes(
    host: &dyn Host,
    options: &UserOptions,
    user: &system::User,
    gid: u32,
) -> Result<Vec<Change>, ModuleError> {
    let home = PathBuf::from(options.home.as_ref().unwrap_or(&user.home));
    let is_there = |path: &Path| host.metadata(path).map(|found| found.is_some());
    let moves = options.move_home && is_there(Path::new(&user.home))?;
    if !options.create_home || home.as_os_str().is_empty() || moves || is_there(&home)? {
        return Ok(Vec::new());
    }
    let mut changes = Vec::new();
    let parents: Vec<&Path> = home.ancestors().skip(1).collect();
    for parent in parents.into_iter().rev() {
        if !is_there(parent)? {
            changes.push(directory(parent, 0o755));
        }
    }
    let skeleton = options.skeleton.as_deref().unwrap_or(SKELETON);
    let skeleton = Path::new(skeleton);
    let owner = Permissions {
        mode: None,
        uid: Some(options.uid.unwrap_or(user.uid)),
        gid: Some(gid),
    };
    changes.extend([directory(&home, mode(host)), owned(&home, owner)]);
    if is_directory(host, skeleton)? {
        copy(host, skeleton, &home, owner, &mut changes)?;
    }
    Ok(changes)
}

/// Copies what is in a folder; how deep is bounded by the length of paths.
fn copy(
    host: &dyn Host,
    from: &Path,
    to: &Path,
    owner: Permissions,
    changes: &mut Vec<Change>,
) -> Result<(), ModuleError> {
    for name in host.list(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        let Some(found) = host.metadata(&from)? else {
            continue;
        };
        match found.kind {
            Kind::Directory => {
                changes.extend([directory(&to, found.mode), owned(&to, owner)]);
                copy(host, &from, &to, owner, changes)?;
            }
            Kind::Symlink => changes.push(Change::Symlink {
                target: host.link_target(&from)?,
                path: to,
            }),
            Kind::File => changes.push(Change::Write(FileWrite {
                content: FileContent::HostFile(from),
                permissions: Permissions {
                    mode: Some(found.mode),
                    ..owner
                },
                ..FileWrite::new(to, Vec::new())
            })),
            _ => {}
        }
    }
    Ok(())
}

fn is_directory(host: &dyn Host, path: &Path) -> Result<bool, ModuleError> {
    let found = host.metadata(path)?;
    Ok(found.is_some_and(|found| found.kind == Kind::Directory))
}

fn directory(path: &Path, mode: u32) -> Change {
    Change::CreateDirectory {
        path: path.to_owned(),
        mode,
    }
}

fn owned(path: &Path, permissions: Permissions) -> Change {
    Change::Permissions {
        path: path.to_owned(),
        permissions,
        follow: true,
        heading: Heading::File,
    }
}

/// The mode of new homes, by `HOME_MODE` or else `UMASK` of `/etc/login.defs`.
fn mode(host: &dyn Host) -> u32 {
    let text = host
        .read_text("/etc/login.defs".as_ref())
        .unwrap_or_default();
    let said = |name: &str| {
        let mut lines = text.lines().map(str::split_whitespace);
        let value = lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()));
        u32::from_str_radix(value??, 8).ok()
    };
    let umask = || 0o777 & !said("UMASK").unwrap_or(0o022);
    said("HOME_MODE").map_or_else(umask, |mode| mode & 0o777)
}
