//! A folder of the host copied to another place there, for `copy` with `remote_src`.
//!
//! As in Ansible: with a slash at its end only what is in the folder is copied, else the folder itself, too. Files and
//! folders keep their modes (`mode` is that of the destination alone, `directory_mode` of none), links stay links, and
//! nothing is taken away that is only in the destination.

use std::path::{Path, PathBuf};

use super::file::{fresh, missing_folders};
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
    pub(super) force: bool,
    pub(super) backup: bool,
}

/// What copying a folder comes to.
pub(super) struct Copied {
    /// The destination as it is told, which gets the mode: with the folder's name, if it comes to lie in one that is there.
    pub(super) dest: String,
    /// The destination before.
    pub(super) there: Option<Metadata>,
    pub(super) changes: Vec<Change>,
}

/// Where the folder comes to lie, and what has to be done for it.
pub(super) fn copied(host: &dyn Host, request: &Request<'_>) -> Result<Copied, ModuleError> {
    let given = request.from.as_os_str().to_string_lossy();
    let inside_only = given.ends_with('/');
    let is_folder = request.dest.ends_with('/');
    let found = host.metadata_followed(Path::new(request.dest))?;
    let mut root = PathBuf::from(request.dest);
    let mut dest = request.dest.to_owned();
    match request.from.file_name() {
        Some(name) if !inside_only => {
            root.push(name);
            if found.is_some() || is_folder {
                dest = root.to_string_lossy().into_owned();
            }
        }
        _ if found.is_some() && !is_folder => dest.push('/'),
        _ => {}
    }
    let parent = Path::new(request.dest).parent().unwrap_or(Path::new("/"));
    if found.is_none() && !is_folder && host.metadata_followed(parent)?.is_none() {
        let shown = parent.display();
        let msg = format!("Destination directory {shown} does not exist");
        return Err(ModuleError::new(msg));
    }
    let there = host.metadata_followed(Path::new(&dest))?;
    let mut changes: Vec<Change> = Vec::new();
    if there.is_some() && !request.force {
        return Ok(Copied {
            dest,
            there,
            changes,
        });
    }
    for path in missing_folders(host, root.parent().unwrap_or(Path::new("/")))? {
        changes.push(Change::CreateDirectory { path, mode: 0o755 });
    }
    let from = host.resolve(request.from)?;
    let mut copy = Copying {
        host,
        request,
        owners: Wanted {
            mode: None,
            ..request.wanted.clone()
        },
        changes,
    };
    copy.folder(&from, &root, 0)?;
    copy.mode(&from, &root, (Path::new(&dest), there.as_ref()))?;
    Ok(Copied {
        dest,
        there,
        changes: copy.changes,
    })
}

struct Copying<'a> {
    host: &'a dyn Host,
    request: &'a Request<'a>,
    /// Whose all that is copied shall be.
    owners: Wanted,
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

    /// Gives the destination its mode.
    fn mode(
        &mut self,
        from: &Path,
        root: &Path,
        (dest, there): (&Path, Option<&Metadata>),
    ) -> Result<(), ModuleError> {
        let source = self.host.metadata(from)?.map_or(0o755, |found| found.mode);
        let mode = match &self.request.wanted.mode {
            Some(Mode::Preserve) => Some(Mode::Absolute(source)),
            other => other.clone(),
        };
        let made = fresh(Kind::Directory, if dest == root { source } else { 0o755 });
        let wanted = Wanted {
            mode,
            ..Wanted::default()
        };
        let current = there.unwrap_or(&made);
        self.changes.extend(wanted.change(dest, current, true));
        Ok(())
    }

    fn make_folder(&mut self, source: &Metadata, to: &Path) -> Result<(), ModuleError> {
        let there = self.host.metadata_followed(to)?;
        match &there {
            Some(found) if found.kind == Kind::Directory => {
                self.changes.extend(self.owners.change(to, found, true));
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
                let made = fresh(Kind::Directory, source.mode);
                self.changes.extend(self.owners.change(to, &made, true));
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
            let made = fresh(Kind::Symlink, 0o777);
            self.changes.extend(self.owners.change(to, &made, false));
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, source: &Metadata, to: &Path) -> Result<(), ModuleError> {
        let there = self.host.metadata(to)?;
        let there = there.filter(|found| found.kind == Kind::File);
        if let Some(found) = &there
            && found.size == source.size
            && self.is_same(from, to)?
        {
            self.changes.extend(self.owners.change(to, found, true));
            return Ok(());
        }
        let mut wanted = self.owners.clone();
        if there.is_none() {
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
