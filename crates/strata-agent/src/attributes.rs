//! `owner`, `group` and `mode`, which many modules take.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::arguments::Arguments;
use crate::change::{Change, Heading};
use crate::host::{Host, Kind, Metadata, Permissions};
use crate::mode::{self, Mode};
use crate::module::ModuleError;

/// The arguments about the context of SELinux.
const SELINUX: &[&str] = &["seuser", "serole", "setype", "selevel"];

/// The arguments as they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// Mode.
    pub mode: Option<Mode>,
    /// Name or number of the owner.
    pub owner: Option<String>,
    /// Name or number of the group.
    pub group: Option<String>,
    /// The names of those about SELinux.
    pub selinux: Vec<&'static str>,
}

/// The same with numbers for names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Mode.
    pub mode: Option<Mode>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

impl Attributes {
    /// Takes them out of a module's arguments.
    pub fn read(arguments: &Arguments) -> Result<Attributes, ModuleError> {
        let attributes = Attributes::read_with_source(arguments)?;
        match attributes.mode {
            Some(Mode::Preserve) => Err(ModuleError::new("mode must be in octal or symbolic form")),
            _ => Ok(attributes),
        }
    }

    /// The same for a module whose files have a source, of which `preserve` takes the mode.
    pub fn read_with_source(arguments: &Arguments) -> Result<Attributes, ModuleError> {
        Ok(Attributes {
            mode: arguments.raw("mode").map(Mode::read).transpose()?,
            owner: arguments.string("owner"),
            group: arguments.string("group"),
            selinux: SELINUX
                .iter()
                .copied()
                .filter(|name| arguments.string(name).is_some())
                .collect(),
        })
    }

    /// The mode alone.
    pub fn without_owners(&self) -> Wanted {
        Wanted {
            mode: self.mode.clone(),
            uid: None,
            gid: None,
        }
    }

    /// Looks the names up.
    pub fn resolve(&self, host: &dyn Host) -> Result<Wanted, ModuleError> {
        // A host without SELinux has nothing that they could set, and Ansible leaves them out there, too.
        if let Some(name) = self.selinux.first()
            && host
                .metadata(Path::new("/sys/fs/selinux/enforce"))?
                .is_some()
        {
            return Err(ModuleError::new(format!(
                "the argument `{name}` is not supported by Strata yet on hosts with SELinux"
            )));
        }
        let uid = self
            .owner
            .as_deref()
            .map(|name| user_number(host, name))
            .transpose()?;
        let gid = self
            .group
            .as_deref()
            .map(|name| group_number(host, name))
            .transpose()?;
        Ok(Wanted {
            mode: self.mode.clone(),
            uid,
            gid,
        })
    }
}

fn user_number(host: &dyn Host, name: &str) -> Result<u32, ModuleError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = host.users()?.into_iter().find(|user| user.name == name);
    match found.map_or_else(|| host.find_user(name), |user| Ok(Some(user)))? {
        Some(user) => Ok(user.uid),
        None => Err(ModuleError::new(format!(
            "chown failed: failed to look up user {name}"
        ))),
    }
}

fn group_number(host: &dyn Host, name: &str) -> Result<u32, ModuleError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = host.groups()?.into_iter().find(|group| group.name == name);
    match found.map_or_else(|| host.find_group(name), |group| Ok(Some(group)))? {
        Some(group) => Ok(group.gid),
        None => Err(ModuleError::new(format!(
            "chgrp failed: failed to look up group {name}"
        ))),
    }
}

impl Wanted {
    /// For a file that is about to be written in place of `current`.
    pub fn for_write(&self, current: Option<&Metadata>, default_mode: u32) -> Permissions {
        let before = current.map_or(default_mode, |found| found.mode);
        let mode = self
            .mode
            .as_ref()
            .and_then(|mode| mode.apply(before, false));
        Permissions {
            mode,
            uid: self.uid,
            gid: self.gid,
        }
    }

    /// What must be set on something that is there (or will be, as `current` tells).
    pub fn change(&self, path: &Path, current: &Metadata, follow: bool) -> Option<Change> {
        let is_directory = current.kind == Kind::Directory;
        let mode = match current.kind {
            // A link has no mode of its own.
            Kind::Symlink => None,
            _ => self
                .mode
                .as_ref()
                .and_then(|mode| mode.apply(current.mode, is_directory)),
        };
        let permissions = Permissions {
            mode: mode.filter(|mode| *mode != current.mode),
            uid: self.uid.filter(|uid| *uid != current.uid),
            gid: self.gid.filter(|gid| *gid != current.gid),
        };
        let change = Change::Permissions {
            path: path.to_owned(),
            permissions,
            follow,
            heading: Heading::File,
        };
        (permissions != Permissions::default()).then_some(change)
    }
}

/// What Ansible's modules return about a path: `owner`, `mode`, `size`, `state` and so on.
pub fn describe(host: &dyn Host, path: &Path) -> Result<Map<String, Value>, ModuleError> {
    let Some(found) = host.metadata(path)? else {
        return Ok(Map::new());
    };
    // As Ansible, which asks whether the path exists, links followed.
    if found.kind == Kind::Symlink && host.metadata_followed(path)?.is_none() {
        return Ok(Map::new());
    }
    let owner = host.users()?.into_iter().find(|user| user.uid == found.uid);
    let group = host
        .groups()?
        .into_iter()
        .find(|group| group.gid == found.gid);
    Ok(crate::module::values(json!({
        "uid": found.uid,
        "gid": found.gid,
        "owner": owner.map_or(found.uid.to_string(), |user| user.name),
        "group": group.map_or(found.gid.to_string(), |group| group.name),
        "mode": mode::show(found.mode),
        "state": crate::diff::state_name(Some(&found)),
        "size": found.size,
    })))
}
