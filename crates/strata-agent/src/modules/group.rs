//! `group`: a group is there, or is not.

use serde_json::json;

use super::user::local;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{self, AccountChange};

pub(super) struct Group {
    name: String,
    present: bool,
    gid: Option<u32>,
    system: bool,
    non_unique: bool,
    force: bool,
    /// By the tools of libuser, which know only this machine's own files.
    local: bool,
    /// Words for `groupadd` about which numbers it may give.
    range: Vec<String>,
}

impl Module for Group {
    const SPEC: Spec = Spec::new(
        "group",
        &[
            Field::str("name").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::int("gid"),
            Field::bool("system", false),
            Field::bool("non_unique", false),
            Field::bool("force", false),
            Field::int("gid_min"),
            Field::int("gid_max"),
            Field::bool("local", false),
        ],
    );
    type Current = Option<system::Group>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Group, ModuleError> {
        if arguments.bool("non_unique") && arguments.raw("gid").is_none() {
            return Err(ModuleError::new(
                "non_unique is True but all of the following are missing: gid",
            ));
        }
        Ok(Group {
            name: account_name(arguments)?,
            present: arguments.text("state") == "present",
            gid: number(arguments, "gid")?,
            system: arguments.bool("system"),
            non_unique: arguments.bool("non_unique"),
            force: arguments.bool("force"),
            local: arguments.bool("local"),
            range: ranges(arguments, &["gid_min", "gid_max"]),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<system::Group>, ModuleError> {
        Ok(host
            .groups()?
            .into_iter()
            .find(|group| group.name == self.name))
    }

    fn decide(&self, current: &Option<system::Group>) -> Vec<Change> {
        let name = self.name.clone();
        let change = match (current, self.present) {
            (None, true) => AccountChange::CreateGroup {
                name,
                gid: self.gid,
                system: self.system,
                more: [self.unique(), self.range.clone()].concat(),
            },
            (Some(_), false) => AccountChange::RemoveGroup {
                name,
                force: self.force,
            },
            (Some(group), true) => match self.gid {
                Some(gid) if gid != group.gid => AccountChange::ModifyGroup {
                    name,
                    gid,
                    more: self.unique(),
                },
                _ => return Vec::new(),
            },
            (None, false) => return Vec::new(),
        };
        match self.local {
            true => local::changes(change, &[], None),
            false => vec![Change::Account(change)],
        }
    }

    fn report(
        &self,
        host: &dyn Host,
        _: &Option<system::Group>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        let mut values = values(json!({ "name": self.name, "state": state }));
        if self.present {
            values.insert("system".to_owned(), self.system.into());
            let group = host
                .groups()?
                .into_iter()
                .find(|group| group.name == self.name);
            let gid = group.map(|group| group.gid).or(self.gid);
            values.insert("gid".to_owned(), gid.into());
        }
        Ok(Report::of(values))
    }
}

impl Group {
    fn unique(&self) -> Vec<String> {
        let shares = self.non_unique && self.gid.is_some();
        shares.then(|| "-o".to_owned()).into_iter().collect()
    }
}

/// Settings of `login.defs` that are given for this time, as the tools take them.
pub(super) fn ranges(arguments: &Arguments, names: &[&str]) -> Vec<String> {
    let given = names.iter().filter_map(|name| {
        let number = arguments.int(name)?;
        Some(["-K".to_owned(), format!("{}={number}", name.to_uppercase())])
    });
    given.flatten().collect()
}

/// The name of a user or group; one that would be an option of the tools is refused.
pub(super) fn account_name(arguments: &Arguments) -> Result<String, ModuleError> {
    let name = arguments.text("name");
    if name.is_empty() || name.starts_with('-') || name.contains([':', '\n']) {
        return Err(ModuleError::new(format!(
            "`{name}` cannot be the name of a user or group"
        )));
    }
    Ok(name)
}

/// The number of a user or group.
pub(super) fn number(arguments: &Arguments, name: &str) -> Result<Option<u32>, ModuleError> {
    let Some(given) = arguments.int(name) else {
        return Ok(None);
    };
    let number = u32::try_from(given).ok();
    number
        .map(Some)
        .ok_or_else(|| ModuleError::new(format!("{name} cannot be {given}")))
}
