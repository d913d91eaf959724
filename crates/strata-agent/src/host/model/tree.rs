//! The files of a model: a map from path to node, with symbolic links that can be followed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::{HostError, Kind, Metadata};

/// Links are followed so many times, then they are a loop.
const MAX_LINKS: usize = 40;

/// All that stands in the model's file system.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    next_inode: u64,
}

/// One thing in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) content: Vec<u8>,
    pub(super) target: PathBuf,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) accessed: f64,
    pub(super) modified: f64,
    inode: u64,
}

impl Tree {
    pub(super) fn get(&self, path: &Path) -> Option<&Node> {
        self.nodes.get(&self.parent_resolved(path)?)
    }

    pub(super) fn get_mut(&mut self, path: &Path) -> Option<&mut Node> {
        let path = self.parent_resolved(path)?;
        self.nodes.get_mut(&path)
    }

    /// Puts a node in place of what is there; its folder must be there.
    pub(super) fn put(
        &mut self,
        action: &'static str,
        path: &Path,
        kind: Kind,
        now: f64,
    ) -> Result<&mut Node, HostError> {
        let resolved = self
            .parent_resolved(path)
            .filter(|resolved| self.has_parent(resolved))
            .ok_or_else(|| absent(action, path))?;
        self.next_inode += 1;
        let node = Node {
            kind,
            content: Vec::new(),
            target: PathBuf::new(),
            mode: if kind == Kind::Directory {
                0o755
            } else {
                0o644
            },
            uid: 0,
            gid: 0,
            accessed: now,
            modified: now,
            inode: self.next_inode,
        };
        self.nodes.insert(resolved.clone(), node);
        Ok(self
            .nodes
            .get_mut(&resolved)
            .expect("it was inserted just now"))
    }

    fn has_parent(&self, path: &Path) -> bool {
        match path.parent() {
            None => true,
            Some(parent) => self
                .nodes
                .get(parent)
                .is_some_and(|node| node.kind == Kind::Directory),
        }
    }

    pub(super) fn remove(&mut self, path: &Path) {
        if let Some(path) = self.parent_resolved(path) {
            self.nodes.retain(|known, _| !known.starts_with(&path));
        }
    }

    /// The names in a folder.
    pub(super) fn list(&self, path: &Path) -> Vec<String> {
        let inside = self
            .nodes
            .keys()
            .filter(|known| known.parent() == Some(path));
        inside
            .filter_map(|known| known.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// All paths, sorted.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&PathBuf, &Node)> {
        self.nodes.iter()
    }

    /// Follows every link on the way and the last one; the end must be there.
    pub(super) fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let resolved = self.follow(path, 0)?;
        self.nodes.contains_key(&resolved).then_some(resolved)
    }

    /// Follows every link but the last.
    fn parent_resolved(&self, path: &Path) -> Option<PathBuf> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Some(self.follow(parent, 0)?.join(name)),
            _ => Some(PathBuf::from("/")),
        }
    }

    fn follow(&self, path: &Path, depth: usize) -> Option<PathBuf> {
        if depth > MAX_LINKS {
            return None;
        }
        let mut resolved = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::ParentDir => {
                    resolved.pop();
                }
                Component::Normal(name) => {
                    resolved.push(name);
                    let target = match self.nodes.get(&resolved) {
                        Some(node) if node.kind == Kind::Symlink => node.target.clone(),
                        _ => continue,
                    };
                    resolved.pop();
                    resolved = self.follow(&resolved.join(target), depth + 1)?;
                }
                _ => {}
            }
        }
        Some(resolved)
    }
}

impl Node {
    pub(super) fn metadata(&self) -> Metadata {
        let size = match self.kind {
            Kind::Symlink => self.target.as_os_str().len(),
            _ => self.content.len(),
        };
        Metadata {
            kind: self.kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size: size as u64,
            inode: self.inode,
            device: 1,
            links: 1,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.modified,
            blocks: (size as u64).div_ceil(512),
            block_size: 4096,
            device_type: 0,
        }
    }
}

/// The error of a path that is not there.
pub(super) fn absent(action: &'static str, path: &Path) -> HostError {
    HostError::Io {
        action,
        path: path.to_owned(),
        kind: io::ErrorKind::NotFound,
        reason: "No such file or directory".to_owned(),
    }
}
