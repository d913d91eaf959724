//! The files of a rehearsal: what would be there, and what would be gone, over those of the machine.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::host::{Host, HostError, Kind, Metadata, Permissions};

/// Links are followed so many times, then they are a loop.
const MAX_LINKS: u32 = 40;

/// The first inode number of what is imagined.
const FIRST_INODE: u64 = 1 << 62;

/// Paths that are other than on the machine; none stands for what is gone.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    paths: BTreeMap<PathBuf, Option<Node>>,
    /// When each of them was changed last.
    stamps: BTreeMap<PathBuf, u64>,
    clock: u64,
    inodes: u64,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) metadata: Metadata,
    pub(super) content: Content,
    /// Nothing of the machine is below it or in it.
    pub(super) is_new: bool,
}

/// What is in it.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Nothing, or what is on the machine.
    None,
    Bytes(Arc<Vec<u8>>),
    Link(PathBuf),
    /// Nobody knows before it is done.
    Unknown,
}

impl Node {
    pub(super) fn new(kind: Kind, mode: u32, user: u32, now: f64, content: Content) -> Node {
        Node {
            metadata: Metadata {
                kind,
                mode,
                uid: user,
                gid: user,
                size: 0,
                inode: 0,
                device: 0,
                links: 1,
                accessed: now,
                modified: now,
                changed: now,
                blocks: 0,
                block_size: 4096,
                device_type: 0,
            },
            content,
            is_new: true,
        }
    }

    pub(super) fn set(&mut self, permissions: Permissions) {
        let metadata = &mut self.metadata;
        metadata.mode = permissions.mode.unwrap_or(metadata.mode);
        metadata.uid = permissions.uid.unwrap_or(metadata.uid);
        metadata.gid = permissions.gid.unwrap_or(metadata.gid);
    }
}

impl Overlay {
    /// What stands at a place, whose folders are no links.
    pub(super) fn node(&self, base: &dyn Host, place: &Path) -> Result<Option<Node>, HostError> {
        if let Some(known) = self.paths.get(place) {
            return Ok(known.clone());
        }
        if self.hides(place) {
            return Ok(None);
        }
        let found = base.metadata(place)?;
        Ok(found.map(|metadata| Node {
            metadata,
            content: Content::None,
            is_new: false,
        }))
    }

    /// True if a folder above is gone, or new.
    fn hides(&self, place: &Path) -> bool {
        let above = place.ancestors().skip(1);
        above
            .filter_map(|folder| self.paths.get(folder))
            .any(|known| known.as_ref().is_none_or(|node| node.is_new))
    }

    pub(super) fn put(&mut self, place: PathBuf, mut node: Node) {
        if node.metadata.inode == 0 {
            self.inodes += 1;
            node.metadata.inode = FIRST_INODE + self.inodes;
        }
        let stamp = self.tick();
        self.stamps.insert(place.clone(), stamp);
        self.paths.insert(place, Some(node));
    }

    pub(super) fn remove(&mut self, place: &Path) {
        self.paths.retain(|known, _| !known.starts_with(place));
        self.stamps.retain(|known, _| !known.starts_with(place));
        let stamp = self.tick();
        self.stamps.insert(place.to_owned(), stamp);
        self.paths.insert(place.to_owned(), None);
    }

    /// A stamp that is later than all before.
    pub(super) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// The stamp of the last change.
    pub(super) fn clock(&self) -> u64 {
        self.clock
    }

    /// True for a place that is other than on the machine.
    pub(super) fn holds(&self, place: &Path) -> bool {
        self.paths.contains_key(place)
    }

    /// What was changed after a stamp, in the order of the changes.
    pub(super) fn since(&self, stamp: u64) -> Vec<(&PathBuf, u64, Option<&Node>)> {
        let later = self.stamps.iter().filter(|(_, at)| **at > stamp);
        let mut found: Vec<_> = later
            .filter_map(|(path, at)| Some((path, *at, self.paths.get(path)?.as_ref())))
            .collect();
        found.sort_by_key(|(_, at, _)| *at);
        found
    }

    /// Takes a change over that was made elsewhere, unless a later one is known here.
    pub(super) fn adopt(&mut self, place: PathBuf, stamp: u64, node: Option<Node>) {
        if self.stamps.get(&place).is_some_and(|known| *known > stamp) {
            return;
        }
        let clock = self.clock.max(stamp);
        match node {
            Some(node) => self.put(place.clone(), node),
            None => self.remove(&place),
        }
        self.stamps.insert(place, stamp);
        self.clock = clock;
    }

    /// Says that changes up to this stamp were made elsewhere.
    pub(super) fn advance(&mut self, stamp: u64) {
        self.clock = self.clock.max(stamp);
    }

    /// The names in a folder.
    pub(super) fn list(&self, base: &dyn Host, folder: &Path) -> Result<Vec<String>, HostError> {
        let is_new = match self.paths.get(folder) {
            Some(known) => known.as_ref().is_none_or(|node| node.is_new),
            None => self.hides(folder),
        };
        let mut names = match is_new {
            true => Vec::new(),
            false => base.list(folder)?,
        };
        names.retain(|name| !matches!(self.paths.get(&folder.join(name)), Some(None)));
        let inside = self
            .paths
            .iter()
            .filter(|(path, node)| node.is_some() && path.parent() == Some(folder));
        names.extend(
            inside
                .filter_map(|(path, _)| path.file_name())
                .map(|name| name.to_string_lossy().into_owned()),
        );
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Follows every link but the last.
    pub(super) fn place(&self, base: &dyn Host, path: &Path) -> Result<PathBuf, HostError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(self.follow(base, parent)?.join(name)),
            (Some(_), None) => self.follow(base, path),
            (None, _) => Ok(PathBuf::from("/")),
        }
    }

    /// Follows every link; the end need not be there.
    pub(super) fn follow(&self, base: &dyn Host, path: &Path) -> Result<PathBuf, HostError> {
        let mut links = 0;
        let mut done = PathBuf::from("/");
        let mut left: Vec<std::ffi::OsString> = names(path);
        while let Some(name) = left.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            done.push(&name);
            let Some(target) = self.target(base, &done)? else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(HostError::Other(format!(
                    "too many symbolic links: {}",
                    path.display()
                )));
            }
            done.pop();
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            left.extend(names(&target));
        }
        Ok(done)
    }

    /// Where a link points; none if there is none.
    fn target(&self, base: &dyn Host, place: &Path) -> Result<Option<PathBuf>, HostError> {
        match self.paths.get(place) {
            Some(Some(Node {
                content: Content::Link(target),
                ..
            })) => return Ok(Some(target.clone())),
            Some(Some(node)) if node.metadata.kind != Kind::Symlink => return Ok(None),
            Some(None) => return Ok(None),
            None if self.hides(place) => return Ok(None),
            _ => {}
        }
        // What may not be looked at is no link that could be followed.
        match base.metadata(place) {
            Ok(Some(found)) if found.kind == Kind::Symlink => base.link_target(place).map(Some),
            _ => Ok(None),
        }
    }
}

/// The names of a path, last one first.
fn names(path: &Path) -> Vec<std::ffi::OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    let mut names: Vec<_> = parts.collect();
    names.reverse();
    names
}
