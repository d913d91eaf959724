//! `yum_repository`: one repository in a file of `/etc/yum.repos.d`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct YumRepository {
    name: String,
    present: bool,
    folder: PathBuf,
    file: String,
    /// Options and their values, sorted by name.
    options: Vec<(String, String)>,
    attributes: Attributes,
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

    fn new(arguments: &Arguments, _task: &Task) -> Result<YumRepository, ModuleError> {
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
        found.file.changes(Some(edited), &found.wanted)
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        Ok(Report::of(values(
            json!({"repo": self.name, "state": state}),
        )))
    }
}

impl YumRepository {
    /// The sections of the file in order of their names, ours among them or left out.
    fn edit(&self, text: &str) -> String {
        let mut sections = sections(text);
        let there = sections.iter().position(|(name, _)| *name == self.name);
        if !self.present && there.is_none() {
            return text.to_owned();
        }
        if let Some(at) = there {
            sections.remove(at);
        }
        if self.present {
            sections.push((self.name.clone(), self.options.clone()));
        }
        sections.sort_by(|left, right| left.0.cmp(&right.0));
        let mut new = String::new();
        for (name, mut options) in sections {
            options.sort();
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

type Section = (String, Vec<(String, String)>);

/// Reads the sections of a file; lines that begin with a gap go on with the value above.
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
            (None, Some((_, options))) => match (bare.split_once('='), options.last_mut()) {
                (_, Some((_, value))) if goes_on => value.push_str(&format!("\n{bare}")),
                (Some((name, value)), _) => {
                    options.push((name.trim().to_owned(), value.trim().to_owned()));
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
