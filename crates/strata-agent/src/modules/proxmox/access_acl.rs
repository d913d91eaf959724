//! `proxmox_access_acl`: which role a user, group or token has at a path of Proxmox VE.
//!
//! Ansible's module knows no check mode; ours tells what it would do.

use serde_json::{Value, json};

use super::{API, Api, Session};
use crate::arguments::{Arguments, Field, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct ProxmoxAccessAcl {
    api: Api,
    path: Option<String>,
    role: Option<String>,
    kind: Option<String>,
    who: Option<String>,
    propagate: bool,
    present: bool,
}

/// The entries that there are, and what is to be done.
pub(in crate::modules) struct Found {
    session: Session,
    entries: Value,
    changes: Vec<Change>,
}

impl Module for ProxmoxAccessAcl {
    const SPEC: Spec = Spec::new(
        "community.proxmox.proxmox_access_acl",
        &[
            Field::str("state")
                .choices(&["present", "absent"])
                .required(),
            Field::str("path"),
            Field::str("roleid"),
            Field::str("type").choices(&["user", "group", "token"]),
            Field::str("ugid"),
            Field::bool("propagate", true),
        ],
    )
    .with(API);
    type Current = Found;

    fn new(arguments: &Arguments, _: &Task) -> Result<ProxmoxAccessAcl, ModuleError> {
        let present = arguments.text("state") == "present";
        let needed = ["path", "roleid", "type", "ugid"];
        let missing = needed
            .iter()
            .filter(|name| arguments.string(name).is_none());
        let missing: Vec<String> = missing.map(|name| format!("'{name}'")).collect();
        if present && !missing.is_empty() {
            return Err(ModuleError::new(format!(
                "The following required parameters are not provided [{}]",
                missing.join(", ")
            )));
        }
        Ok(ProxmoxAccessAcl {
            api: Api::read(arguments),
            path: arguments.string("path"),
            role: arguments.string("roleid"),
            kind: arguments.string("type"),
            who: arguments.string("ugid"),
            propagate: arguments.bool("propagate"),
            present,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let session = self.api.open(host)?;
        let entries = session.get(host, "/access/acl")?;
        let all = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        let changes = match self.present {
            true => self.grant(&session, all),
            false => self.withdraw(&session, all),
        };
        Ok(Found {
            changes,
            entries,
            session,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"old_acls": found.entries}));
        if outcome.changed && !outcome.check {
            let entries = found.session.get(host, "/access/acl")?;
            report.insert("new_acls".to_owned(), entries);
        }
        Ok(Report::of(report))
    }
}

/// Whether an entry goes on to what is below its path; it does where it says nothing.
fn propagates(entry: &Value) -> bool {
    match &entry["propagate"] {
        Value::Null => true,
        value => text(value).is_some_and(|text| text == "1" || text == "true"),
    }
}

/// A number of the API as it wants it back.
fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}

impl ProxmoxAccessAcl {
    fn grant(&self, session: &Session, entries: &[Value]) -> Vec<Change> {
        let (path, role) = (self.path.as_deref(), self.role.as_deref());
        let (kind, who) = (self.kind.as_deref(), self.who.as_deref());
        let is_it = |entry: &Value| {
            entry["path"].as_str() == path
                && entry["roleid"].as_str() == role
                && entry["type"].as_str() == kind
                && entry["ugid"].as_str() == who
                && propagates(entry) == self.propagate
        };
        if entries.iter().any(is_it) {
            return Vec::new();
        }
        let kind = format!("{}s", kind.unwrap_or_default());
        let form = [
            ("path", path.unwrap_or_default()),
            ("roles", role.unwrap_or_default()),
            ("propagate", flag(self.propagate)),
            (kind.as_str(), who.unwrap_or_default()),
        ];
        vec![session.call("PUT", "/access/acl", &form)]
    }

    /// Takes away all that fits; what is not named fits anything, and so does `propagate: false`, as in Ansible.
    fn withdraw(&self, session: &Session, entries: &[Value]) -> Vec<Change> {
        let fits = |entry: &&Value| {
            let same = |name: &str, wanted: &Option<String>| {
                let wanted = wanted.as_deref().filter(|wanted| !wanted.is_empty());
                wanted.is_none_or(|wanted| entry[name].as_str() == Some(wanted))
            };
            entry["path"].as_str() == self.path.as_deref()
                && same("roleid", &self.role)
                && same("type", &self.kind)
                && same("ugid", &self.who)
                && (!self.propagate || propagates(entry))
        };
        let remove = |entry: &Value| {
            let field = |name: &str| entry[name].as_str().unwrap_or_default();
            let kind = format!("{}s", field("type"));
            let form = [
                ("path", field("path")),
                ("roles", field("roleid")),
                ("propagate", flag(propagates(entry))),
                (kind.as_str(), field("ugid")),
                ("delete", "1"),
            ];
            session.call("PUT", "/access/acl", &form)
        };
        entries.iter().filter(fits).map(remove).collect()
    }
}
