//! `zypper_repository`: one repository of zypper.

use serde_json::json;

use super::programs::{self, plain};
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

#[derive(Debug, PartialEq)]
struct Wanted {
    enabled: bool,
    autorefresh: bool,
    gpg_check: bool,
    priority: Option<i64>,
    description: Option<String>,
}

/// The repositories that are meant, as `zypper repos` has them.
pub(super) struct Found {
    there: Vec<Repository>,
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
        let (repo, name) = (arguments.string("repo"), arguments.string("name"));
        let present = arguments.text("state") == "present";
        let refresh = arguments.bool("runrefresh");
        let all = repo.as_deref() == Some("*") || name.as_deref() == Some("*");
        if all {
            return Err(ModuleError::new(
                "repo: '*' is not supported by Strata yet; name the repositories",
            ));
        }
        let is_file = repo.as_ref().is_some_and(|repo| repo.ends_with(".repo"));
        if is_file {
            return Err(ModuleError::new(
                "a .repo file is not supported by Strata yet; give the repository's own address",
            ));
        }
        if present && repo.is_none() {
            return Err(ModuleError::new(
                "Module option state=present requires repo",
            ));
        }
        if !present && repo.is_none() && name.is_none() {
            return Err(ModuleError::new(
                "Alias or repo parameter required when state=absent",
            ));
        }
        if present && name.is_none() {
            return Err(ModuleError::new(
                "Name required when adding non-repo files.",
            ));
        }
        Ok(ZypperRepository {
            repo,
            name,
            present,
            wanted: Wanted {
                enabled: arguments.bool("enabled"),
                autorefresh: arguments.bool("autorefresh"),
                gpg_check: !arguments.bool("disable_gpg_check"),
                priority: arguments.int("priority"),
                description: arguments.string("description"),
            },
            refresh,
            import_keys: arguments.bool("auto_import_keys"),
            overwrite_several: arguments.bool("overwrite_multiple"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "zypper")?;
        let argv = [
            "zypper",
            "--quiet",
            "--non-interactive",
            "--xmlout",
            "repos",
        ];
        let said = host.run(&plain(argv))?;
        // Status 6: there are none.
        if !matches!(said.status, 0 | 6) {
            return Err(programs::failed(&said));
        }
        let mut there = read(&said.stdout);
        there.retain(|found| {
            let by_url = self
                .repo
                .as_ref()
                .is_some_and(|repo| same_url(repo, &found.url));
            by_url || self.name.as_ref() == Some(&found.alias)
        });
        if self.present && there.len() > 1 && !self.overwrite_several {
            return Err(ModuleError::new(format!(
                "More than one repo matched \"{}\". Use overwrite_multiple to allow more than one \
                 repo to be overwritten",
                self.name.as_deref().unwrap_or_default()
            )));
        }
        Ok(Found { there })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = |words: &[&str]| {
            let mut argv = vec!["zypper", "--quiet", "--non-interactive"];
            argv.extend(self.import_keys.then_some("--gpg-auto-import-keys"));
            argv.extend(words);
            programs::change(plain(argv))
        };
        let remove = |one: &Repository| run(&["removerepo", &one.alias]);
        if !self.present {
            return found.there.iter().map(remove).collect();
        }
        let mut changes = Vec::new();
        let same = matches!(&found.there[..], [one] if self.is_so(one));
        let (repo, name) = (self.repo.as_deref(), self.name.as_deref());
        let (repo, name) = (repo.unwrap_or_default(), name.unwrap_or_default());
        if !same {
            changes.extend(found.there.iter().map(remove));
            let priority = self.wanted.priority.map(|number| number.to_string());
            let mut words = vec!["addrepo"];
            words.push(if self.wanted.gpg_check {
                "--gpgcheck"
            } else {
                "--no-gpgcheck"
            });
            if let Some(description) = &self.wanted.description {
                words.extend(["--name", description]);
            }
            if let Some(priority) = &priority {
                words.extend(["--priority", priority]);
            }
            words.extend(self.wanted.autorefresh.then_some("--refresh"));
            words.extend((!self.wanted.enabled).then_some("--disable"));
            words.extend([repo, name]);
            changes.push(run(&words));
        }
        if self.refresh {
            changes.push(run(&["refresh", "--force", name]));
        }
        changes
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        Ok(Report::of(values(json!({
            "repodata": {"repo": self.repo, "alias": self.name, "name": self.wanted.description},
            "state": state,
        }))))
    }
}

impl ZypperRepository {
    fn is_so(&self, found: &Repository) -> bool {
        let wanted = &self.wanted;
        self.name.as_ref().is_none_or(|name| *name == found.alias)
            && self
                .repo
                .as_ref()
                .is_none_or(|repo| same_url(repo, &found.url))
            && wanted
                .description
                .as_ref()
                .is_none_or(|text| *text == found.description)
            && wanted
                .priority
                .is_none_or(|number| number == found.priority)
            && (wanted.enabled, wanted.autorefresh) == (found.enabled, found.autorefresh)
            && wanted.gpg_check == found.gpg_check
    }
}

fn same_url(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}

/// Reads the elements `<repo …><url>…</url></repo>` of zypper's XML.
fn read(xml: &str) -> Vec<Repository> {
    let elements = xml.split("<repo ").skip(1).filter_map(|rest| {
        let (head, body) = rest.split_once('>')?;
        let attribute = |name: &str| {
            let (_, value) = head.split_once(&format!("{name}=\""))?;
            value.split('"').next().map(unescape)
        };
        let url = body
            .split_once("<url>")
            .and_then(|(_, rest)| rest.split("</url>").next());
        let is = |name: &str| attribute(name).as_deref() == Some("1");
        Some(Repository {
            alias: attribute("alias")?,
            url: unescape(url.unwrap_or_default()),
            description: attribute("name").unwrap_or_default(),
            priority: attribute("priority")
                .and_then(|text| text.parse().ok())
                .unwrap_or(99),
            enabled: is("enabled"),
            autorefresh: is("autorefresh"),
            gpg_check: attribute("gpgcheck").as_deref() != Some("0"),
        })
    });
    elements.collect()
}

fn unescape(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    text.replace("&apos;", "'").replace("&amp;", "&")
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
        assert!(same_url("http://h/r", &found[0].url));
    }
}
