//! Files of the real machine.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Gid, StatVfs, Timespec, Timestamps, UTIME_OMIT, Uid};

use crate::host::{Access, Filesystem, HostError, HttpResponse, Kind, Metadata, Permissions};
use crate::system::HttpRequest;

pub(super) fn metadata(path: &Path) -> Result<Option<Metadata>, HostError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(describe(&found))),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(HostError::io("stat", path, &error)),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn describe(found: &fs::Metadata) -> Metadata {
    let seconds = |whole: i64, nanoseconds: i64| whole as f64 + nanoseconds as f64 / 1e9;
    Metadata {
        kind: kind(found.mode()),
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        size: found.size(),
        inode: found.ino(),
        device: found.dev(),
        links: found.nlink(),
        accessed: seconds(found.atime(), found.atime_nsec()),
        modified: seconds(found.mtime(), found.mtime_nsec()),
        changed: seconds(found.ctime(), found.ctime_nsec()),
        blocks: found.blocks(),
        block_size: found.blksize(),
        device_type: found.rdev(),
    }
}

fn kind(mode: u32) -> Kind {
    match mode & 0o170_000 {
        0o040_000 => Kind::Directory,
        0o120_000 => Kind::Symlink,
        0o010_000 => Kind::Fifo,
        0o140_000 => Kind::Socket,
        0o060_000 => Kind::BlockDevice,
        0o020_000 => Kind::CharacterDevice,
        _ => Kind::File,
    }
}

pub(super) fn access(path: &Path) -> Access {
    use rustix::fs::Access as Wish;
    let may = |wish| rustix::fs::access(path, wish).is_ok();
    Access {
        read: may(Wish::READ_OK),
        write: may(Wish::WRITE_OK),
        execute: may(Wish::EXEC_OK),
    }
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, HostError> {
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(HostError::io("open", path, &error)),
    }
}

pub(super) fn list(path: &Path) -> Result<Vec<String>, HostError> {
    let failed = |error: io::Error| HostError::io("list", path, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        names.push(
            entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

/// Writes beside the file, then renames over it.
/// What an address of a file of this machine answers.
pub(super) fn answer(request: &HttpRequest, path: &Path) -> Result<HttpResponse, HostError> {
    let wrong = |error: io::Error| HostError::io("read", path, &error);
    let file = File::open(path).map_err(wrong)?;
    let length = file.metadata().map_err(wrong)?.len();
    Ok(HttpResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: BTreeMap::from([("content-length".to_owned(), length.to_string())]),
        cookies: Vec::new(),
        url: request.url.clone(),
        body: Box::new(file),
    })
}

pub(super) fn write(
    path: &Path,
    content: &mut dyn Read,
    permissions: Permissions,
) -> Result<(), HostError> {
    // Of a link in the way nothing is kept.
    let before = metadata(path)?.filter(|found| found.kind != Kind::Symlink);
    if before
        .as_ref()
        .is_some_and(|found| found.kind == Kind::Directory)
    {
        return Err(HostError::Other(format!(
            "{} is a directory",
            path.display()
        )));
    }
    let temporary = temporary_beside(path);
    let written = fill(&temporary, content, permissions, before.as_ref()).and_then(|()| {
        match fs::rename(&temporary, path) {
            // A file that is mounted, as `/etc/hosts` in containers, can only be written in its place.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                fs::copy(&temporary, path).and_then(|_| fs::remove_file(&temporary))
            }
            renamed => renamed,
        }
        .map_err(|error| failed("replace", path, &error))
    });
    if written.is_err() {
        // The first error is the one to tell; what is left of the file cannot be helped.
        fs::remove_file(&temporary).ok();
    }
    written
}

fn fill(
    temporary: &Path,
    content: &mut dyn Read,
    permissions: Permissions,
    before: Option<&Metadata>,
) -> Result<(), HostError> {
    let told = |error: io::Error| failed("write", temporary, &error);
    // Nobody else may read it before it has its own mode.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)
        .map_err(told)?;
    io::copy(content, &mut file).map_err(told)?;
    let uid = permissions.uid.or(before.map(|found| found.uid));
    let gid = permissions.gid.or(before.map(|found| found.gid));
    keep_owner(temporary, uid, gid, permissions)?;
    let mode = permissions
        .mode
        .or(before.map(|found| found.mode))
        .unwrap_or(0o644);
    file.set_permissions(fs::Permissions::from_mode(mode))
        .map_err(told)?;
    file.sync_all().map_err(told)
}

/// Sets the owner if it must differ from ours. One that is only kept, not asked for, may be lost
/// when we are not root, as it is with every editor.
fn keep_owner(
    path: &Path,
    uid: Option<u32>,
    gid: Option<u32>,
    asked: Permissions,
) -> Result<(), HostError> {
    let Some(now) = metadata(path)? else {
        return Ok(());
    };
    let uid = uid.filter(|uid| *uid != now.uid);
    let gid = gid.filter(|gid| *gid != now.gid);
    match set_owner(path, uid, gid, false) {
        Err(_) if asked.uid.is_none() && asked.gid.is_none() => Ok(()),
        result => result,
    }
}

fn failed(action: &'static str, path: &Path, error: &io::Error) -> HostError {
    HostError::io(action, path, error)
}

fn temporary_beside(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!(".strata-{}-{number}.tmp", std::process::id());
    path.with_file_name(name)
}

/// Makes something beside the path, then renames it over.
pub(super) fn replace(
    path: &Path,
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), HostError> {
    let temporary = temporary_beside(path);
    make(&temporary).map_err(|error| failed("link", path, &error))?;
    fs::rename(&temporary, path).map_err(|error| {
        fs::remove_file(&temporary).ok();
        failed("link", path, &error)
    })?;
    // A rename between two links to one file does nothing and leaves both.
    fs::remove_file(&temporary).ok();
    Ok(())
}

pub(super) fn create_directory(path: &Path, mode: u32) -> Result<(), HostError> {
    let made = fs::DirBuilder::new().mode(mode).create(path);
    made.map_err(|error| failed("make the directory", path, &error))?;
    set_mode(path, mode)
}

pub(super) fn remove(path: &Path) -> Result<(), HostError> {
    let is_directory = metadata(path)?.is_some_and(|found| found.kind == Kind::Directory);
    let removed = if is_directory {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if !is_absence(&error) => Err(failed("remove", path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), HostError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| failed("set the mode of", path, &error))
}

pub(super) fn set_owner(
    path: &Path,
    uid: Option<u32>,
    gid: Option<u32>,
    follow: bool,
) -> Result<(), HostError> {
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    let flags = if follow {
        AtFlags::empty()
    } else {
        AtFlags::SYMLINK_NOFOLLOW
    };
    rustix::fs::chownat(
        CWD,
        path,
        uid.map(Uid::from_raw),
        gid.map(Gid::from_raw),
        flags,
    )
    .map_err(|error| failed("set the owner of", path, &error.into()))
}

pub(super) fn set_times(
    path: &Path,
    access: Option<f64>,
    modification: Option<f64>,
) -> Result<(), HostError> {
    let times = Timestamps {
        last_access: timespec(access),
        last_modification: timespec(modification),
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())
        .map_err(|error| failed("set the times of", path, &error.into()))
}

fn timespec(seconds: Option<f64>) -> Timespec {
    match seconds {
        None => Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT as _,
        },
        Some(seconds) => Timespec {
            tv_sec: seconds.floor() as _,
            tv_nsec: ((seconds - seconds.floor()) * 1e9) as _,
        },
    }
}

pub(super) fn filesystem(path: &Path) -> Result<Filesystem, HostError> {
    let found: StatVfs =
        rustix::fs::statvfs(path).map_err(|error| failed("measure", path, &error.into()))?;
    Ok(Filesystem {
        block_size: found.f_frsize,
        blocks: found.f_blocks,
        blocks_available: found.f_bavail,
        inodes: found.f_files,
        inodes_available: found.f_favail,
    })
}
