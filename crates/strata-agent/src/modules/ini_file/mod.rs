//! `ini_file`: options and sections of an INI file.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::edit::{Edited, Existing};
use super::file::missing_folders;
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use lines::{Edit, assignment};

mod lines;

pub(super) struct IniFile {
    path: PathBuf,
    rule: Rule,
    create: bool,
    backup: bool,
    follow: bool,
    attributes: Attributes,
}

/// What shall be in the file, and how lines are compared.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    section: Option<String>,
    conditions: Vec<(String, Vec<String>)>,
    option: Option<String>,
    values: Vec<String>,
    present: bool,
    exclusive: bool,
    no_extra_spaces: bool,
    ignore_spaces: bool,
    allow_no_value: bool,
    modify_inactive: bool,
}

/// The file and what becomes of it.
pub(super) struct Found {
    file: Existing,
    missing: Vec<PathBuf>,
    wanted: Wanted,
    edit: Edit,
}

impl Module for IniFile {
    const SPEC: Spec = Spec::new(
        "community.general.ini_file",
        &[
            Field::path("path").alias(&["dest"]).required(),
            Field::str("section"),
            Field::new("section_has_values", FieldKind::Raw),
            Field::str("option"),
            Field::str("value"),
            Field::list("values"),
            Field::bool("backup", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("exclusive", true),
            Field::bool("no_extra_spaces", false),
            Field::bool("ignore_spaces", false),
            Field::bool("allow_no_value", false),
            Field::bool("modify_inactive_option", true),
            Field::bool("create", true),
            Field::bool("follow", false),
        ],
    )
    .with_file_attributes()
    .exclusive(&[&["value", "values"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<IniFile, ModuleError> {
        Ok(IniFile {
            path: arguments.path("path").unwrap_or_default(),
            rule: Rule::read(arguments)?,
            create: arguments.bool("create"),
            backup: arguments.bool("backup"),
            follow: arguments.bool("follow"),
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut file = Existing::read(host, &self.path)?;
        if file.is_linked && !self.follow {
            // The link itself gives way to a file.
            file.path.clone_from(&self.path);
        }
        if file.there.is_none() && !self.create {
            let shown = file.path.display();
            let error = ModuleError::new(format!("Destination {shown} does not exist!"));
            return Err(error.with(json!({"rc": 257})));
        }
        let missing = match (file.there.is_none(), file.path.parent()) {
            (true, Some(folder)) => missing_folders(host, folder)?,
            _ => Vec::new(),
        };
        // As Python reads lines, and so writes them.
        let text = file.text.replace("\r\n", "\n").replace('\r', "\n");
        let edit = self.rule.apply(text.trim_start_matches('\u{feff}'));
        Ok(Found {
            file,
            missing,
            wanted: self.attributes.resolve(host)?,
            edit,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.edit.text.clone().map(|text| Edited {
            heading: Heading::Content,
            text,
            backup: self.backup,
            validate: None,
        });
        let folders = match edited {
            Some(_) => found.missing.as_slice(),
            None => &[],
        };
        let folders = folders.iter().map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o755,
        });
        let mut changes: Vec<Change> = folders.collect();
        changes.extend(found.file.changes(edited, &found.wanted));
        if let (Some(Change::Write(write)), Some(there), true) =
            (changes.last_mut(), &found.file.there, found.file.is_linked)
        {
            // The file in place of a link looks as the one it led to.
            let permissions = &mut write.permissions;
            permissions.mode = permissions.mode.or(Some(there.mode));
            permissions.uid = permissions.uid.or(Some(there.uid));
            permissions.gid = permissions.gid.or(Some(there.gid));
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.edit.msg.to_owned(),
            values: values(json!({"path": self.path.to_string_lossy()})),
            ..Report::default()
        })
    }
}

impl Rule {
    fn read(arguments: &Arguments) -> Result<Rule, ModuleError> {
        let value = arguments.string("value");
        let mut values: Vec<String> = Vec::new();
        let given = value.clone().into_iter();
        for value in given.chain(arguments.list("values").unwrap_or_default()) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let present = arguments.text("state") == "present";
        let section = arguments.string("section").filter(|name| !name.is_empty());
        let allow_no_value = arguments.bool("allow_no_value");
        if present && !allow_no_value && values.is_empty() {
            return Err(ModuleError::new(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        if present && !allow_no_value && section.is_none() && arguments.string("option").is_none() {
            return Err(ModuleError::new(
                "one of `section` and `option` is required with state=present",
            ));
        }
        Ok(Rule {
            section,
            conditions: conditions(arguments.raw("section_has_values"))?,
            option: arguments.string("option"),
            values,
            present,
            exclusive: arguments.bool("exclusive"),
            no_extra_spaces: arguments.bool("no_extra_spaces"),
            ignore_spaces: arguments.bool("ignore_spaces"),
            allow_no_value,
            modify_inactive: arguments.bool("modify_inactive_option"),
        })
    }

    fn assignment(&self, option: &str, value: &str) -> String {
        assignment(option, value, self.no_extra_spaces)
    }
}

/// Reads `section_has_values`: options with the values of which one must be there.
fn conditions(given: Option<&Value>) -> Result<Vec<(String, Vec<String>)>, ModuleError> {
    let mut conditions = Vec::new();
    for entry in given.and_then(Value::as_array).into_iter().flatten() {
        let option = entry.get("option").and_then(text);
        let option = option.ok_or_else(|| {
            ModuleError::new("missing required arguments: option found in section_has_values")
        })?;
        let values = match (entry.get("value").and_then(text), entry.get("values")) {
            (Some(value), _) => vec![value],
            (None, Some(Value::Array(values))) => values.iter().filter_map(text).collect(),
            _ => Vec::new(),
        };
        conditions.push((option, values));
    }
    Ok(conditions)
}
