//! `acl`: an entry of a file's access control list, by `setfacl` and `getfacl`.

use std::path::PathBuf;

use serde_json::json;

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Acl {
    path: PathBuf,
    state: String,
    entry: String,
    default: bool,
    flags: Vec<&'static str>,
}

/// Whether the entry is to be set or removed.
pub(super) struct Found {
    differs: bool,
}

impl Module for Acl {
    const SPEC: Spec = Spec::new(
        "ansible.posix.acl",
        &[
            Field::path("path").alias(&["name"]).required(),
            Field::str("entry"),
            Field::str("entity").default(""),
            Field::str("etype").choices(&["group", "mask", "other", "user"]),
            Field::str("permissions"),
            Field::str("state")
                .choices(&["absent", "present", "query"])
                .default("query"),
            Field::bool("follow", true),
            Field::bool("default", false),
            Field::bool("recursive", false).alias(&["recurse"]),
            Field::str("recalculate_mask")
                .choices(&["default", "mask", "no_mask"])
                .default("default"),
            Field::unsupported("use_nfsv4_acls"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Acl, ModuleError> {
        let state = arguments.text("state");
        let (default, entry) = entry(arguments, &state)?;
        let mut flags = Vec::new();
        flags.extend(arguments.bool("recursive").then_some("--recursive"));
        match arguments.text("recalculate_mask").as_str() {
            "mask" => flags.push("--mask"),
            "no_mask" => flags.push("--no-mask"),
            _ => {}
        }
        flags.extend((!arguments.bool("follow")).then_some("--physical"));
        Ok(Acl {
            path: arguments.path("path").unwrap_or_default(),
            state,
            entry,
            default: default.unwrap_or_else(|| arguments.bool("default")),
            flags,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if host.metadata_followed(&self.path)?.is_none() {
            return Err(ModuleError::new("Path not found or not accessible."));
        }
        programs::required(host, "setfacl")?;
        if self.state == "query" {
            return Ok(Found { differs: false });
        }
        let said = checked(host, &self.setfacl(true))?;
        let mut lines = said.stdout.lines().filter(|line| !line.starts_with('#'));
        // It prints stars for what stays as it is.
        let differs = !lines.any(|line| line.trim().ends_with("*,*"));
        Ok(Found { differs })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let set = found.differs.then(|| programs::change(self.setfacl(false)));
        set.into_iter().collect()
    }

    fn report(&self, host: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let path = self.path.to_string_lossy();
        let mut argv = vec!["getfacl"];
        argv.extend(self.default.then_some("-d"));
        argv.extend(["--absolute-names", "--omit-header"]);
        let taken = ["--recursive", "--physical"];
        argv.extend(self.flags.iter().filter(|flag| taken.contains(flag)));
        argv.push(&path);
        let said = checked(host, &plain(argv))?;
        let mut acl: Vec<&str> = said
            .stdout
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::trim)
            .collect();
        if acl.last() == Some(&"") {
            acl.pop();
        }
        Ok(Report {
            msg: match self.state.as_str() {
                "present" => format!("{} is present", self.entry),
                "absent" => format!("{} is absent", self.entry),
                _ => "current acl".to_owned(),
            },
            values: values(json!({ "acl": acl })),
            ..Report::default()
        })
    }
}

impl Acl {
    fn setfacl(&self, test: bool) -> Command {
        let path = self.path.to_string_lossy();
        let mut argv = vec!["setfacl"];
        argv.extend(test.then_some("--test"));
        argv.extend(self.default.then_some("-d"));
        argv.extend([
            if self.state == "absent" { "-x" } else { "-m" },
            &self.entry,
        ]);
        argv.extend(self.flags.iter());
        argv.push(&path);
        plain(argv)
    }
}

/// The entry as `setfacl` takes it, and whether it says itself that it is a default one.
fn entry(arguments: &Arguments, state: &str) -> Result<(Option<bool>, String), ModuleError> {
    let fail = |msg: String| Err(ModuleError::new(msg));
    let (kind, entity) = (arguments.string("etype"), arguments.text("entity"));
    let permissions = arguments.string("permissions");
    let Some(entry) = arguments.string("entry").filter(|entry| !entry.is_empty()) else {
        if state == "absent" && permissions.is_some() {
            return fail("'permissions' MUST NOT be set when 'state=absent'.".to_owned());
        }
        if state == "absent" && entity.is_empty() {
            return fail("'entity' MUST be set when 'state=absent'.".to_owned());
        }
        let Some(kind) = kind else {
            if state == "query" {
                return Ok((None, String::new()));
            }
            return fail(format!("'etype' MUST be set when 'state={state}'."));
        };
        let permissions = permissions
            .map(|text| format!(":{text}"))
            .unwrap_or_default();
        return Ok((None, format!("{kind}:{entity}{permissions}")));
    };
    if kind.is_some() || !entity.is_empty() || permissions.is_some() {
        return fail(
            "'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.".to_owned(),
        );
    }
    let colons = entry.matches(':').count();
    match state {
        "query" => return fail("'entry' MUST NOT be set when 'state=query'.".to_owned()),
        "present" if !matches!(colons, 2 | 3) => {
            return fail(
                "'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.".to_owned(),
            );
        }
        "absent" if !matches!(colons, 1 | 2) => {
            return fail(
                "'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.".to_owned(),
            );
        }
        _ => {}
    }
    let mut parts: Vec<&str> = entry.split(':').collect();
    let is_default = entry.to_lowercase().starts_with('d');
    if is_default {
        parts.remove(0);
    }
    let kind = match parts[0].to_lowercase().chars().next() {
        Some('u') => "user",
        Some('g') => "group",
        Some('m') => "mask",
        Some('o') => "other",
        _ => return fail(format!("`{entry}` is not an entry")),
    };
    parts[0] = kind;
    parts.truncate(if state == "absent" { 2 } else { 3 });
    Ok((is_default.then_some(true), parts.join(":")))
}
