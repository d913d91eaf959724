//! What `file` shows under `--diff`: one diff of the path, as Ansible shows it.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{File, Found, walk};
use crate::change::Change;
use crate::diff::{attribute_diff, state_name};
use crate::host::{Host, Kind, Metadata};
use crate::module::ModuleError;
use crate::protocol::Diff;

/// Both sides of the diff, under the names of what differs.
#[derive(Default)]
struct Sides {
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Sides {
    fn put(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        let (before, after) = (before.into(), after.into());
        if before != after {
            self.before.insert(name.to_owned(), before);
            self.after.insert(name.to_owned(), after);
        }
    }
}

impl File {
    pub(super) fn shown(
        &self,
        found: &Found,
        changes: &[Change],
        host: &dyn Host,
    ) -> Result<Vec<Diff>, ModuleError> {
        let new = found.there.is_none();
        // Of what is only rehearsed, Ansible knows no attributes yet, and nothing of what is touched.
        if changes.is_empty() || self.check && new && found.state == "touch" {
            return Ok(Vec::new());
        }
        let changes = match self.check && new && found.state == "directory" {
            true => &[],
            false => changes,
        };
        let mut sides = Sides::default();
        let before = state_name(found.there.as_ref());
        match (found.state.as_str(), &found.there) {
            ("absent", there) => {
                sides.put("state", before, "absent");
                let is_folder = there.as_ref().is_some_and(|it| it.kind == Kind::Directory);
                // A folder that cannot be walked goes all the same.
                if let (true, Ok(content)) = (is_folder, content(host, found)) {
                    sides.before.insert("path_content".to_owned(), content);
                }
            }
            ("link", Some(there)) if there.kind == Kind::Symlink => {
                let target = |path: &Path| path.to_string_lossy().into_owned();
                if let (Some(old), Some(new)) = (&found.target, &self.source) {
                    sides.put("src", target(old), target(new));
                }
            }
            ("link" | "hard", _) if found.linked => {}
            ("touch" | "link" | "hard", _) | ("directory", None) => {
                sides.put("state", before, found.state.as_str());
            }
            _ => {}
        }
        for change in changes {
            self.put_change(&mut sides, found, change, host)?;
        }
        Ok(vec![attribute_diff(&found.path, sides.before, sides.after)])
    }

    /// What a change does to the path itself; of what is below it nothing is shown.
    fn put_change(
        &self,
        sides: &mut Sides,
        found: &Found,
        change: &Change,
        host: &dyn Host,
    ) -> Result<(), ModuleError> {
        match change {
            Change::Permissions {
                path, permissions, ..
            } if *path == found.path || found.state == "link" => {
                let current = self.current(found, host)?;
                let mode = |mode| Value::from(crate::mode::show(mode));
                if let Some(new) = permissions.mode {
                    sides.put("mode", mode(current.mode), mode(new));
                }
                if let Some(uid) = permissions.uid {
                    sides.put("owner", current.uid, uid);
                }
                if let Some(gid) = permissions.gid {
                    sides.put("group", current.gid, gid);
                }
            }
            Change::Times {
                access,
                modification,
                ..
            } => {
                let there = found.there.as_ref();
                if let (Some(there), Some(new)) = (there, access) {
                    sides.put("atime", there.accessed, *new);
                }
                if let (Some(there), Some(new)) = (there, modification) {
                    sides.put("mtime", there.modified, *new);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is there, or what a new one is before anything is set.
    fn current(&self, found: &Found, host: &dyn Host) -> Result<Metadata, ModuleError> {
        if let Some((_, there)) = &found.aim {
            return Ok(there.clone());
        }
        let gives_way = found.state == "hard" && !found.linked;
        if let Some(there) = found.there.as_ref().filter(|_| !gives_way) {
            return Ok(there.clone());
        }
        if let ("hard", Some(source)) = (found.state.as_str(), &self.source)
            && let Some(source) = host.metadata_followed(source)?
        {
            return Ok(source);
        }
        let (kind, mode) = match found.state.as_str() {
            "directory" => (Kind::Directory, 0o755),
            _ => (Kind::File, 0o644),
        };
        let uid = host.user_id();
        let user = host.users()?.into_iter().find(|user| user.uid == uid);
        Ok(Metadata {
            uid,
            gid: user.map_or(uid, |user| user.gid),
            ..super::fresh(kind, mode)
        })
    }
}

/// What is in a folder that goes.
fn content(host: &dyn Host, found: &Found) -> Result<Value, ModuleError> {
    let mut below = Vec::new();
    walk(host, &found.path, 0, &mut below)?;
    let of = |folders: bool| -> Vec<String> {
        let those = below
            .iter()
            .filter(|(_, metadata)| (metadata.kind == Kind::Directory) == folders);
        those
            .map(|(path, _)| path.to_string_lossy().into_owned())
            .collect()
    };
    Ok(json!({"directories": of(true), "files": of(false)}))
}
