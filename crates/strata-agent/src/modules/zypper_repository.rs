//! `zypper_repository`: one repository of zypper.
//!
//! A `.repo` file is read for the name, the address and the switches of its one repository, so that it is known whether
//! that is there; zypper itself then takes the file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::download;
use super::programs::{self, attempt, plain};
use super::zypper_xml::elements;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct ZypperRepository {
    repo: Option<String>,
    name: Option<String>,
    present: bool,
    wanted: Wanted,
    refresh: bool,
    import_keys: bool,
    overwrite_several: bool,
}

/// What a repository is to be like.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    url: Option<String>,
    alias: Option<String>,
    description: Option<String>,
    priority: Option<i64>,
    enabled: bool,
    autorefresh: bool,
    gpg_check: bool,
}

/// What is asked for, and the repositories that are meant, as `zypper repos` has them.
pub(super) struct Found {
    wanted: Wanted,
    import_keys: bool,
    there: Vec<Repository>,
    is_same: bool,
}

#[derive(Debug, PartialEq)]
struct Repository {
    alias: String,
    url: String,
    description: String,
    priority: i64,
    enabled: bool,
    autorefresh: bool,
    gpg_check: bool,
}

impl Module for ZypperRepository {
    const SPEC: Spec = Spec::new(
        "community.general.zypper_repository",
        &[
            Field::str("repo"),
            Field::str("name"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("runrefresh", false),
            Field::str("description"),
            Field::bool("disable_gpg_check", false),
            Field::bool("autorefresh", true).alias(&["refresh"]),
            Field::int("priority"),
            Field::bool("enabled", true),
            Field::bool("overwrite_multiple", false),
            Field::bool("auto_import_keys", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<ZypperRepository, ModuleError> {
        let given = |name: &str| arguments.string(name).filter(|text| !text.is_empty());
        let module = ZypperRepository {
            repo: given("repo"),
            name: given("name"),
            present: arguments.text("state") == "present",
            wanted: Wanted {
                url: given("repo"),
                alias: given("name"),
                description: given("description"),
                priority: arguments.int("priority"),
                enabled: arguments.bool("enabled"),
                autorefresh: arguments.bool("autorefresh"),
                gpg_check: !arguments.bool("disable_gpg_check"),
            },
            refresh: arguments.bool("runrefresh"),
            import_keys: arguments.bool("auto_import_keys"),
            overwrite_several: arguments.bool("overwrite_multiple"),
        };
        match module.mistake() {
            Some(mistake) => Err(ModuleError::new(mistake)),
            None => Ok(module),
        }
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "zypper")?;
        let mut found = Found {
            wanted: self.wanted.clone(),
            import_keys: self.import_keys,
            there: Vec::new(),
            is_same: false,
        };
        if self.is_all() {
            return Ok(found);
        }
        if let Some(file) = self.file() {
            let options = self.read_file(host, file)?;
            found.import_keys |= options.contains_key("gpgkey");
            found.wanted.take(&options);
        }
        let mut there = repositories(host)?;
        there.retain(|one| {
            let by_url = found.wanted.url.as_ref() == Some(&one.url);
            by_url || found.wanted.alias.as_ref() == Some(&one.alias)
        });
        if there.len() > 1 && !self.overwrite_several {
            let aliases: Vec<&str> = there.iter().map(|one| one.alias.as_str()).collect();
            return Err(ModuleError::new(format!(
                "More than one repo matched \"{}\": \"{}\". Use overwrite_multiple to allow more \
                 than one repo to be overwritten",
                found.wanted.url.as_deref().unwrap_or_default(),
                aliases.join(", ")
            )));
        }
        if let [one] = &there[..] {
            found.is_same = found.wanted.is_so(host, one)?;
        }
        found.there = there;
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let wanted = &found.wanted;
        let alias = wanted.alias.as_deref().or(wanted.url.as_deref());
        let alias = alias.unwrap_or_default();
        if self.is_all() {
            return vec![self.run_refresh(found, &[])];
        }
        if !self.present {
            let is_there = !found.there.is_empty();
            let remove = is_there.then(|| programs::change(zypper(&["removerepo", alias])));
            return remove.into_iter().collect();
        }
        let mut changes = Vec::new();
        if !found.is_same {
            let old = found.there.iter();
            changes.extend(old.map(|one| programs::change(zypper(&["removerepo", &one.alias]))));
            changes.push(self.add(wanted));
        }
        if self.refresh || !found.is_same && found.import_keys {
            changes.push(self.run_refresh(found, &["-r", alias]));
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        if self.is_all() {
            return Ok(Report {
                changed: Some(false),
                ..Report::of(values(json!({ "runrefresh": true })))
            });
        }
        let state = if self.present { "present" } else { "absent" };
        let changed = match self.present {
            true => !found.is_same,
            false => !found.there.is_empty(),
        };
        Ok(Report {
            changed: Some(changed),
            ..Report::of(values(
                json!({ "repodata": found.wanted.shown(), "state": state }),
            ))
        })
    }
}

impl ZypperRepository {
    /// What cannot be asked for.
    fn mistake(&self) -> Option<&'static str> {
        if self.is_all() {
            let msg = "repo=* can only be used with the runrefresh option.";
            return (!self.refresh).then_some(msg);
        }
        match (self.present, &self.repo, &self.name) {
            (true, None, _) => Some("Module option state=present requires repo"),
            (false, None, None) => Some("Alias or repo parameter required when state=absent"),
            (_, Some(_), Some(_)) if self.file().is_some() => {
                Some("Incompatible option: 'name'. Do not use name when adding .repo files")
            }
            (true, Some(_), None) if self.file().is_none() => {
                Some("Name required when adding non-repo files.")
            }
            _ => None,
        }
    }

    fn is_all(&self) -> bool {
        let all = Some("*");
        self.repo.as_deref() == all || self.name.as_deref() == all
    }

    fn file(&self) -> Option<&str> {
        self.repo.as_deref().filter(|repo| repo.ends_with(".repo"))
    }

    /// The options of the one section of a `.repo` file, and its name as `alias`.
    fn read_file(
        &self,
        host: &dyn Host,
        file: &str,
    ) -> Result<BTreeMap<String, String>, ModuleError> {
        let text = match file.starts_with("http://") || file.starts_with("https://") {
            true => {
                let bytes = download::fetch(host, file, true).map_err(|_| {
                    ModuleError::new("Error downloading .repo file from provided URL")
                })?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
            false => host
                .read_text(file.as_ref())
                .ok_or_else(|| ModuleError::new("Error opening .repo file from provided path"))?,
        };
        let mut options = BTreeMap::new();
        let mut sections = 0;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                sections += 1;
                options.insert("alias".to_owned(), name.to_owned());
            } else if let Some((name, value)) = line.split_once(['=', ':'])
                && !line.starts_with(['#', ';'])
            {
                options.insert(name.trim().to_lowercase(), value.trim().to_owned());
            }
        }
        if sections != 1 {
            return Err(ModuleError::new(format!(
                "Invalid format, .repo file contains {sections} repositories, expected 1"
            )));
        }
        if !options.contains_key("baseurl") {
            return Err(ModuleError::new("No baseurl found in .repo file"));
        }
        Ok(options)
    }

    fn add(&self, wanted: &Wanted) -> Change {
        let priority = wanted.priority.map(|number| number.to_string());
        let mut words = vec!["addrepo", "--check"];
        if let Some(description) = &wanted.description {
            words.extend(["--name", description]);
        }
        if let Some(priority) = &priority {
            words.extend(["--priority", priority]);
        }
        words.extend((!wanted.enabled).then_some("--disable"));
        words.push(match wanted.gpg_check {
            true => "--gpgcheck",
            false => "--no-gpgcheck",
        });
        words.extend(wanted.autorefresh.then_some("--refresh"));
        match self.file() {
            Some(file) => words.push(file),
            None => {
                words.extend(wanted.url.as_deref());
                words.extend(wanted.alias.as_deref());
            }
        }
        attempt(zypper(&words), "Zypper failed")
    }

    fn run_refresh(&self, found: &Found, words: &[&str]) -> Change {
        let mut argv = Vec::new();
        argv.extend(found.import_keys.then_some("--gpg-auto-import-keys"));
        argv.extend(["refresh", "--force"]);
        argv.extend(words);
        programs::change(zypper(&argv))
    }
}

impl Wanted {
    /// Takes what a `.repo` file says.
    fn take(&mut self, options: &BTreeMap<String, String>) {
        let is = |name: &str, otherwise: bool| match options.get(name).map(String::as_str) {
            Some(text) => matches!(text.to_lowercase().as_str(), "1" | "yes" | "true" | "on"),
            None => otherwise,
        };
        self.alias = options.get("alias").cloned();
        self.url = options.get("baseurl").cloned();
        self.description = options.get("name").cloned().or(self.description.take());
        self.enabled = is("enabled", self.enabled);
        self.autorefresh = is("autorefresh", self.autorefresh);
        self.gpg_check = is("gpgcheck", self.gpg_check);
    }

    fn is_so(&self, host: &dyn Host, found: &Repository) -> Result<bool, ModuleError> {
        let same_url = match &self.url {
            Some(url) => address(&expanded(host, url)?) == address(&expanded(host, &found.url)?),
            None => true,
        };
        let or_any = |is: Option<bool>| is.unwrap_or(true);
        Ok(same_url
            && or_any(self.alias.as_ref().map(|alias| *alias == found.alias))
            && or_any(
                self.description
                    .as_ref()
                    .map(|text| *text == found.description),
            )
            && or_any(self.priority.map(|number| number == found.priority))
            && (self.enabled, self.autorefresh) == (found.enabled, found.autorefresh)
            && self.gpg_check == found.gpg_check)
    }

    fn shown(&self) -> Value {
        let digit = |is: bool| if is { "1" } else { "0" };
        json!({
            "url": self.url, "alias": self.alias, "name": self.description,
            "priority": self.priority, "enabled": digit(self.enabled),
            "gpgcheck": digit(self.gpg_check), "autorefresh": digit(self.autorefresh),
        })
    }
}

fn zypper(words: &[&str]) -> crate::system::Command {
    let head = ["zypper", "--quiet", "--non-interactive"].into_iter();
    plain(head.chain(words.iter().copied()))
}

fn repositories(host: &dyn Host) -> Result<Vec<Repository>, ModuleError> {
    let said = host.run(&zypper(&["--xmlout", "repos"]))?;
    match said.status {
        0 => Ok(read(&said.stdout)),
        // There are none.
        6 => Ok(Vec::new()),
        _ => Err(programs::failed(&said)),
    }
}

/// An address as it compares: zypper writes that of a file with one stroke.
fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.strip_prefix("file:///") {
        Some(path) => format!("file:/{path}"),
        None => url.to_owned(),
    }
}

/// An address with the release's own words in it.
fn expanded(host: &dyn Host, url: &str) -> Result<String, ModuleError> {
    let mut url = url.to_owned();
    for (name, field) in [("$releasever", "%{version}"), ("$basearch", "%{arch}")] {
        if url.contains(name) {
            let argv = ["rpm", "-q", "--qf", field, "-f", "/etc/os-release"];
            let said = programs::checked(host, &plain(argv))?;
            url = url.replace(name, &said.stdout);
        }
    }
    Ok(url)
}

/// Reads the elements `<repo …><url>…</url></repo>` of zypper's XML.
fn read(xml: &str) -> Vec<Repository> {
    let repositories = elements(xml, "repo").filter_map(|one| {
        let is = |name: &str| one.attribute(name).as_deref() == Some("1");
        let url = one.text_of("url").or_else(|| one.attribute("metalink"));
        Some(Repository {
            alias: one.attribute("alias")?,
            url: url.unwrap_or_default(),
            description: one.attribute("name").unwrap_or_default(),
            priority: one
                .attribute("priority")
                .and_then(|text| text.parse().ok())
                .unwrap_or(99),
            enabled: is("enabled"),
            autorefresh: is("autorefresh"),
            gpg_check: one.attribute("gpgcheck").as_deref() != Some("0"),
        })
    });
    repositories.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_read_from_xml() {
        let found = read(
            "<repo-list><repo alias=\"a\" name=\"A &amp; B\" priority=\"90\" enabled=\"1\" \
             autorefresh=\"0\" gpgcheck=\"1\"><url>http://h/r/</url></repo></repo-list>",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].description.as_str(), found[0].priority),
            ("A & B", 90)
        );
        assert!(found[0].enabled && !found[0].autorefresh);
    }
}
