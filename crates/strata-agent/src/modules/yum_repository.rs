//! `yum_repository`: one repository in a file of `/etc/yum.repos.d`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Heading, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};

pub(super) struct YumRepository {
    name: String,
    present: bool,
    folder: PathBuf,
    file: String,
    /// Options and their values, sorted by name.
    options: Vec<(String, String)>,
    attributes: Attributes,
    diff: bool,
}

/// The file and what it becomes.
pub(super) struct Found {
    file: Existing,
    text: String,
    wanted: Wanted,
}

const BOOLEANS: &[&str] = &[
    "async",
    "countme",
    "enabled",
    "enablegroups",
    "gpgcheck",
    "keepalive",
    "module_hotfixes",
    "protect",
    "repo_gpgcheck",
    "s3_enabled",
    "skip_if_unavailable",
    "ssl_check_cert_permissions",
    "sslverify",
];
/// Lists, with what stands between their items.
const LISTS: &[(&str, &str)] = &[
    ("baseurl", "\n"),
    ("exclude", " "),
    ("gpgkey", "\n"),
    ("includepkgs", "\n"),
];
const TEXTS: &[&str] = &[
    "bandwidth",
    "cost",
    "deltarpm_metadata_percentage",
    "deltarpm_percentage",
    "failovermethod",
    "gpgcakey",
    "http_caching",
    "include",
    "ip_resolve",
    "keepcache",
    "metadata_expire",
    "metadata_expire_filter",
    "metalink",
    "mirrorlist",
    "mirrorlist_expire",
    "password",
    "priority",
    "proxy",
    "proxy_password",
    "proxy_username",
    "retries",
    "sslcacert",
    "sslclientcert",
    "sslclientkey",
    "throttle",
    "timeout",
    "ui_repoid_vars",
    "username",
];

impl Module for YumRepository {
    const SPEC: Spec = Spec::new(
        "yum_repository",
        &[
            Field::str("name").required(),
            Field::str("description"),
            Field::str("file"),
            Field::path("reposdir").default("/etc/yum.repos.d"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::maybe("async"),
            Field::maybe("countme"),
            Field::maybe("enabled"),
            Field::maybe("enablegroups"),
            Field::maybe("gpgcheck"),
            Field::maybe("keepalive"),
            Field::maybe("module_hotfixes"),
            Field::maybe("protect"),
            Field::maybe("repo_gpgcheck"),
            Field::maybe("s3_enabled"),
            Field::maybe("skip_if_unavailable"),
            Field::maybe("ssl_check_cert_permissions"),
            Field::maybe("sslverify").alias(&["validate_certs"]),
            Field::list("baseurl"),
            Field::list("exclude").alias(&["excludepkgs"]),
            Field::list("gpgkey"),
            Field::list("includepkgs"),
            Field::str("bandwidth"),
            Field::str("cost"),
            Field::str("deltarpm_metadata_percentage"),
            Field::str("deltarpm_percentage"),
            Field::str("failovermethod").choices(&["roundrobin", "priority"]),
            Field::str("gpgcakey"),
            Field::str("http_caching").choices(&["all", "packages", "none"]),
            Field::str("include"),
            Field::str("ip_resolve").choices(&["4", "6", "IPv4", "IPv6", "whatever"]),
            Field::str("keepcache").choices(&["0", "1"]),
            Field::str("metadata_expire"),
            Field::str("metadata_expire_filter").choices(&[
                "never",
                "read-only:past",
                "read-only:present",
                "read-only:future",
            ]),
            Field::str("metalink"),
            Field::str("mirrorlist"),
            Field::str("mirrorlist_expire"),
            Field::str("password"),
            Field::str("priority"),
            Field::str("proxy"),
            Field::str("proxy_password"),
            Field::str("proxy_username"),
            Field::str("retries"),
            Field::str("sslcacert").alias(&["ca_cert"]),
            Field::str("sslclientcert").alias(&["client_cert"]),
            Field::str("sslclientkey").alias(&["client_key"]),
            Field::str("throttle"),
            Field::new("timeout", FieldKind::Str),
            Field::str("ui_repoid_vars"),
            Field::str("username"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<YumRepository, ModuleError> {
        let name = arguments.text("name");
        let present = arguments.text("state") == "present";
        let description = arguments.string("description");
        if present && description.is_none() {
            return Err(ModuleError::new("Parameter 'description' is required."));
        }
        let sources = ["baseurl", "metalink", "mirrorlist"];
        if present && !sources.iter().any(|source| arguments.raw(source).is_some()) {
            return Err(ModuleError::new(
                "Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.",
            ));
        }
        let file = arguments.string("file").unwrap_or_else(|| name.clone());
        if file.contains('/') {
            return Err(ModuleError::new(format!(
                "`{file}` cannot be the name of a file"
            )));
        }
        Ok(YumRepository {
            options: options(arguments, description),
            name,
            present,
            folder: arguments.path("reposdir").unwrap_or_default(),
            file,
            attributes: Attributes::read(arguments)?,
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let folder = host.metadata_followed(&self.folder)?;
        if folder.is_none_or(|folder| folder.kind != Kind::Directory) {
            let shown = self.folder.display();
            return Err(ModuleError::new(format!(
                "Repo directory '{shown}' does not exist."
            )));
        }
        let file = Existing::read(host, &self.folder.join(format!("{}.repo", self.file)))?;
        let text = self.edit(&file.text);
        Ok(Found {
            file,
            text,
            wanted: self.attributes.resolve(host)?,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.text == found.file.text {
            return found.file.changes(None, &found.wanted);
        }
        // A file without repositories goes.
        if found.text.is_empty() {
            let path = found.file.path.clone();
            return vec![Change::Remove { path }];
        }
        let edited = Edited {
            heading: Heading::File,
            text: found.text.clone(),
            backup: false,
            validate: None,
        };
        let mut changes = found.file.changes(Some(edited), &found.wanted);
        for change in &mut changes {
            // The diff is ours to make: it must not show passwords.
            if let Change::Write(FileWrite { content, .. }) = change
                && let FileContent::Bytes(bytes) = content
            {
                *content = FileContent::Hidden(std::mem::take(bytes));
            }
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        let path = found.file.path.to_string_lossy().into_owned();
        let written = found.text != found.file.text && !found.text.is_empty();
        let diff = (self.diff && written).then(|| Diff {
            before_header: path.clone(),
            after_header: path.clone(),
            before: without_passwords(&found.file.text),
            after: without_passwords(&found.text),
            path,
        });
        Ok(Report {
            values: values(json!({"repo": self.name, "state": state})),
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl YumRepository {
    /// The text with our section at its end, or without it; the same text where that says nothing new, in whatever order.
    fn edit(&self, text: &str) -> String {
        let before = sections(text);
        let mut after = before.clone();
        after.retain(|(name, _)| *name != self.name);
        if self.present {
            after.push((self.name.clone(), self.options.clone()));
        }
        if in_order(before) == in_order(after.clone()) {
            return text.to_owned();
        }
        let mut new = String::new();
        for (name, options) in after {
            new.push_str(&format!("[{name}]\n"));
            for (option, value) in options {
                let value = value.replace('\n', "\n\t");
                new.push_str(&format!("{option} = {value}\n"));
            }
            new.push('\n');
        }
        new
    }
}

/// Sections and their options by their names.
fn in_order(mut sections: Vec<Section>) -> Vec<Section> {
    for (_, options) in &mut sections {
        options.sort();
    }
    sections.sort();
    sections
}

/// A file's text for people to read. Values of passwords that are there already are hidden, too, where Ansible hides the
/// given one alone.
fn without_passwords(text: &str) -> String {
    let mut hides = false;
    let mut shown = String::new();
    for line in text.split_inclusive('\n') {
        if hides && line.starts_with([' ', '\t']) {
            continue;
        }
        let name = line.split(['=', ':']).next().unwrap_or(line).trim();
        let secrets = ["password", "proxy_password"];
        hides = secrets.iter().any(|word| name.eq_ignore_ascii_case(word));
        match hides {
            true => shown.push_str(&format!("{name} = ********\n")),
            false => shown.push_str(line),
        }
    }
    shown
}

type Section = (String, Vec<(String, String)>);

/// Reads the sections of a file as Python's `configparser` does: names are in small letters and end at `=` or `:`; lines
/// that begin with a gap go on with the value above.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        let bare = line.trim();
        let header = bare
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let goes_on = line.starts_with([' ', '\t']);
        match (header, sections.last_mut()) {
            _ if bare.is_empty() || bare.starts_with(['#', ';']) => {}
            (Some(name), _) => sections.push((name.to_owned(), Vec::new())),
            (None, Some((_, options))) => match (bare.split_once(['=', ':']), options.last_mut()) {
                (_, Some((_, value))) if goes_on => value.push_str(&format!("\n{bare}")),
                (Some((name, value)), _) => {
                    options.push((name.trim().to_lowercase(), value.trim().to_owned()));
                }
                _ => {}
            },
            (None, None) => {}
        }
    }
    sections
}

fn options(arguments: &Arguments, description: Option<String>) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        options.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("name", description);
    for name in BOOLEANS {
        let value = arguments.maybe(name);
        add(name, value.map(|value| u8::from(value).to_string()));
    }
    for (name, between) in LISTS {
        add(name, arguments.list(name).map(|items| items.join(between)));
    }
    for name in TEXTS {
        let number = || {
            arguments
                .raw(name)
                .filter(|value| value.is_number())
                .map(Value::to_string)
        };
        add(name, arguments.string(name).or_else(number));
    }
    options.sort();
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let text = "[a]\nPassword: x\n more\nusername = u\nproxy_password=y\n";
        let shown = "[a]\nPassword = ********\nusername = u\nproxy_password = ********\n";
        assert_eq!(without_passwords(text), shown);
    }
}
