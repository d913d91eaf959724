//! A folder of the host copied to another place there, for `copy` with `remote_src`.
//!
//! As in Ansible: with a slash at its end only what is in the folder is copied, else the folder itself, too. Files
//! keep their modes, links stay links, and nothing is taken away that is only in the destination.

use std::path::{Path, PathBuf};

use super::file::missing_folders;
use crate::attributes::Wanted;
use crate::change::{Change, FileContent, FileWrite, Heading};
use crate::digest;
use crate::host::{Host, HostError, Kind, Metadata};
use crate::mode::Mode;
use crate::module::ModuleError;

/// How deep folders are copied.
const DEEPEST: usize = 128;

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) from: &'a Path,
    pub(super) dest: &'a str,
    pub(super) wanted: &'a Wanted,
    pub(super) directory_mode: Option<&'a Mode>,
    pub(super) force: bool,
    pub(super) backup: bool,
}

/// Where the folder comes to lie, and what has to be done for it.
pub(super) fn changes(
    host: &dyn Host,
    request: &Request<'_>,
) -> Result<(PathBuf, Vec<Change>), ModuleError> {
    let given = request.from.as_os_str().to_string_lossy();
    let inside_only = given.ends_with('/');
    let mut root = PathBuf::from(request.dest);
    if !inside_only && let Some(name) = request.from.file_name() {
        root.push(name);
    }
    let mut changes: Vec<Change> = Vec::new();
    for path in missing_folders(host, root.parent().unwrap_or(Path::new("/")))? {
        changes.push(Change::CreateDirectory { path, mode: 0o755 });
    }
    let from = host.resolve(request.from)?;
    let mut copy = Copying {
        host,
        request,
        changes,
    };
    copy.folder(&from, &root, 0)?;
    Ok((root, copy.changes))
}

struct Copying<'a> {
    host: &'a dyn Host,
    request: &'a Request<'a>,
    changes: Vec<Change>,
}

impl Copying<'_> {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), ModuleError> {
        if depth > DEEPEST {
            let shown = from.display();
            return Err(ModuleError::new(format!("{shown} is nested too deep")));
        }
        let Some(source) = self.host.metadata(from)? else {
            return Ok(());
        };
        self.make_folder(&source, to)?;
        for name in self.host.list(from)? {
            let (from, to) = (from.join(&name), to.join(&name));
            let Some(found) = self.host.metadata(&from)? else {
                continue;
            };
            match found.kind {
                Kind::Directory => self.folder(&from, &to, depth + 1)?,
                Kind::Symlink => self.link(&from, &to)?,
                Kind::File => self.file(&from, &found, &to)?,
                // Sockets and devices belong to who made them.
                _ => {}
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, source: &Metadata, to: &Path) -> Result<(), ModuleError> {
        let there = self.host.metadata_followed(to)?;
        match &there {
            Some(found) if found.kind == Kind::Directory => {
                let owners = Wanted {
                    mode: None,
                    ..self.request.wanted.clone()
                };
                self.changes.extend(owners.change(to, found, true));
            }
            Some(_) => {
                let shown = to.display();
                let msg = format!("Cannot copy a directory over the file {shown}");
                return Err(ModuleError::new(msg));
            }
            None => {
                self.changes.push(Change::CreateDirectory {
                    path: to.to_owned(),
                    mode: source.mode,
                });
                let made = super::file::fresh(Kind::Directory, source.mode);
                let wanted = Wanted {
                    mode: self.request.directory_mode.cloned(),
                    ..self.request.wanted.clone()
                };
                self.changes.extend(wanted.change(to, &made, true));
            }
        }
        Ok(())
    }

    fn link(&mut self, from: &Path, to: &Path) -> Result<(), ModuleError> {
        let target = self.host.link_target(from)?;
        let is_same = match self.host.metadata(to)? {
            Some(found) if found.kind == Kind::Symlink => self.host.link_target(to)? == target,
            _ => false,
        };
        if !is_same {
            let path = to.to_owned();
            self.changes.push(Change::Symlink { path, target });
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, source: &Metadata, to: &Path) -> Result<(), ModuleError> {
        let there = self.host.metadata(to)?;
        let there = there.filter(|found| found.kind == Kind::File);
        let mut wanted = self.request.wanted.clone();
        if matches!(wanted.mode, Some(Mode::Preserve)) {
            wanted.mode = Some(Mode::Absolute(source.mode));
        }
        match &there {
            Some(_) if !self.request.force => return Ok(()),
            Some(found) if found.size == source.size && self.is_same(from, to)? => {
                self.changes.extend(wanted.change(to, found, true));
                return Ok(());
            }
            _ => {}
        }
        if there.is_none() && wanted.mode.is_none() {
            wanted.mode = Some(Mode::Absolute(source.mode));
        }
        self.changes.push(Change::Write(FileWrite {
            path: to.to_owned(),
            content: FileContent::HostFile(from.to_owned()),
            permissions: wanted.for_write(there.as_ref(), source.mode),
            backup: self.request.backup,
            validate: None,
            heading: Heading::From(from.to_string_lossy().into_owned()),
        }));
        Ok(())
    }

    fn is_same(&self, from: &Path, to: &Path) -> Result<bool, ModuleError> {
        let sum = |path: &Path| {
            let digest = digest::of_stream("sha1", &mut self.host.open(path)?);
            digest.map_err(|error| HostError::io("read", path, &error))
        };
        Ok(sum(from)? == sum(to)?)
    }
}
