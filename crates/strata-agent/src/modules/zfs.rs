//! `zfs`: a file system, volume, snapshot or clone of ZFS is there with its properties, or is not.
//!
//! As `community.general.zfs` 11.4, on Linux. A property that had another value is a change, which the original tells in
//! check mode alone; sizes are the same however they are written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(super) struct Zfs {
    name: String,
    is_present: bool,
    origin: Option<String>,
    properties: BTreeMap<String, String>,
    /// The properties as they were given.
    given: Value,
    diff: bool,
}

/// What is there of that name.
pub(super) struct Found {
    is_there: bool,
    /// Those that differ, with what they are now.
    differ: BTreeMap<String, Option<String>>,
}

impl Module for Zfs {
    const SPEC: Spec = Spec::new(
        "community.general.zfs",
        &[
            Field::str("name").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .required(),
            Field::str("origin"),
            Field::new("extra_zfs_properties", FieldKind::Dict),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Zfs, ModuleError> {
        let name = arguments.text("name");
        let origin = arguments.filled("origin");
        if origin.is_some() && name.contains('@') {
            return Err(ModuleError::new(
                "cannot specify origin when operating on a snapshot",
            ));
        }
        Ok(Zfs {
            name,
            is_present: arguments.text("state") == "present",
            origin,
            properties: arguments.texts("extra_zfs_properties"),
            given: arguments
                .raw("extra_zfs_properties")
                .cloned()
                .unwrap_or_default(),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "zfs")?;
        programs::required(host, "zpool")?;
        let pool = self.name.split(['/', '@']).next().unwrap_or_default();
        programs::checked(host, &plain(["zpool", "get", "version", pool]))?;
        let list = host.run(&plain(["zfs", "list", "-t", "all", &self.name]))?;
        let mut found = Found {
            is_there: list.status == 0,
            differ: BTreeMap::new(),
        };
        if found.is_there && self.is_present && !self.properties.is_empty() {
            let own = self.own_properties(host)?;
            for (property, wanted) in &self.properties {
                let value = match own.contains(property) {
                    true => self.value(host, property)?,
                    false => None,
                };
                if !value
                    .as_ref()
                    .is_some_and(|value| is_same(property, value, wanted))
                {
                    found.differ.insert(property.clone(), value);
                }
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let command = match (self.is_present, found.is_there) {
            (false, false) => return Vec::new(),
            (false, true) => words(&["zfs", "destroy", "-R", &self.name]),
            (true, false) => self.create(),
            (true, true) => {
                let set = found.differ.keys().map(|property| {
                    let pair = format!("{property}={}", self.properties[property]);
                    programs::change(plain(["zfs", "set", &pair, &self.name]))
                });
                return set.collect();
            }
        };
        vec![programs::change(plain(command))]
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.is_present { "present" } else { "absent" };
        let mut values = crate::module::values(json!({"name": self.name, "state": state}));
        for (property, value) in &self.properties {
            let given = &self.given[property];
            let value = match given {
                Value::Bool(_) => json!(value),
                given => given.clone(),
            };
            values.insert(property.clone(), value);
        }
        let sides = match (self.is_present, found.is_there) {
            (true, true) => {
                let after: BTreeMap<&String, &String> = found
                    .differ
                    .keys()
                    .map(|property| (property, &self.properties[property]))
                    .collect();
                let before = json!({"extra_zfs_properties": found.differ});
                Some((before, json!({"extra_zfs_properties": after})))
            }
            (true, false) => Some((json!({"state": "absent"}), json!({"state": "present"}))),
            (false, true) => Some((json!({"state": "present"}), json!({"state": "absent"}))),
            (false, false) => None,
        };
        let diff = sides
            .filter(|_| self.diff)
            .map(|(before, after)| diff::of_values(&self.name, &before, &after));
        Ok(Report {
            diff: diff.into_iter().collect(),
            ..Report::of(values)
        })
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether a property has its value; `zfs get -p` tells sizes in bytes, and `none` as a number where there is one for it.
fn is_same(property: &str, value: &str, wanted: &str) -> bool {
    let wanted = match (property, wanted) {
        ("quota" | "refquota" | "reservation" | "refreservation", "none") => "0",
        ("filesystem_limit" | "snapshot_limit", "none") => "18446744073709551615",
        (_, wanted) => wanted,
    };
    value == wanted
        || value
            .parse::<u64>()
            .is_ok_and(|bytes| size(wanted) == Some(bytes))
}

/// The bytes of a size such as `10M` or `1.5GB`.
fn size(text: &str) -> Option<u64> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_suffix('B').unwrap_or(&text);
    let text = text.strip_suffix('I').unwrap_or(text);
    let unit = text.chars().last()?;
    let power = "KMGTPE".find(unit)?;
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let bytes = number * 1024f64.powi(i32::try_from(power).ok()? + 1);
    (bytes >= 0.0 && bytes < 2f64.powi(63)).then_some(bytes as u64)
}

impl Zfs {
    fn create(&self) -> Vec<String> {
        let mut argv = match (&self.origin, self.name.contains('@')) {
            (_, true) => words(&["zfs", "snapshot"]),
            (Some(_), false) => words(&["zfs", "clone", "-p"]),
            (None, false) => words(&["zfs", "create", "-p"]),
        };
        for (property, value) in &self.properties {
            match property.as_str() {
                "volsize" => argv.extend(words(&["-V", value])),
                "volblocksize" => argv.extend(words(&["-b", value])),
                property => argv.extend(["-o".to_owned(), format!("{property}={value}")]),
            }
        }
        argv.extend(self.origin.clone());
        argv.push(self.name.clone());
        argv
    }

    /// The properties that were set here, and those that only creation sets.
    fn own_properties(&self, host: &dyn Host) -> Result<BTreeSet<String>, ModuleError> {
        let argv = [
            "zfs",
            "get",
            "-H",
            "-p",
            "-o",
            "property,source",
            "all",
            &self.name,
        ];
        let said = programs::checked(host, &plain(argv))?;
        let own = said.stdout.lines().filter_map(|line| {
            let (property, source) = line.split_once('\t')?;
            matches!(source, "local" | "received" | "-").then(|| property.to_owned())
        });
        Ok(own.collect())
    }

    fn value(&self, host: &dyn Host, property: &str) -> Result<Option<String>, ModuleError> {
        let argv = [
            "zfs", "get", "-H", "-p", "-o", "value", property, &self.name,
        ];
        let said = host.run(&plain(argv))?;
        let value = said.stdout.strip_suffix('\n').unwrap_or(&said.stdout);
        Ok((said.status == 0).then(|| value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_same_however_they_are_written() {
        assert!(is_same("compression", "lz4", "lz4"));
        assert!(is_same("quota", "10485760", "10M"));
        assert!(is_same("quota", "1610612736", "1.5GiB"));
        assert!(!is_same("quota", "10485760", "10G"));
        assert!(!is_same("compression", "on", "1M"));
        assert!(is_same("quota", "0", "none"));
        assert!(!is_same("filesystem_limit", "0", "none"));
    }
}
