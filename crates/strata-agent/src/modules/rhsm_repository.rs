//! `rhsm_repository`: repositories of a Red Hat subscription are enabled or disabled.
//!
//! As `community.general.rhsm_repository` 11.4, by `subscription-manager`; `purge` leaves those alone that a pattern of the
//! task names, where the original disables them with the others.

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::glob;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};
use crate::system::Output;

pub(super) struct RhsmRepository {
    names: Vec<String>,
    enable: bool,
    purge: bool,
    diff: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Repository {
    id: String,
    name: String,
    url: String,
    enabled: bool,
}

/// The repositories as they shall be, and those that are asked for: each with whether it has to change.
pub(super) struct Found {
    repositories: Vec<Repository>,
    asked: Vec<(String, bool, bool)>,
}

impl Module for RhsmRepository {
    const SPEC: Spec = Spec::new(
        "community.general.rhsm_repository",
        &[
            Field::list("name").required(),
            Field::str("state")
                .choices(&["enabled", "disabled"])
                .default("enabled"),
            Field::bool("purge", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<RhsmRepository, ModuleError> {
        Ok(RhsmRepository {
            names: arguments.list("name").unwrap_or_default(),
            enable: arguments.text("state") == "enabled",
            purge: arguments.bool("purge"),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if host.user_id() != 0 {
            return Err(ModuleError::new(
                "Interacting with subscription-manager requires root permissions ('become: true')",
            ));
        }
        programs::required(host, "subscription-manager")?;
        let said = host.run(&plain(["subscription-manager", "repos", "--list"]))?;
        check(&said)?;
        let mut found = Found {
            repositories: read(&said.stdout),
            asked: Vec::new(),
        };
        for name in &self.names {
            self.ask(name, &mut found)?;
        }
        if self.purge {
            for repository in &mut found.repositories {
                let is_asked = found.asked.iter().any(|(id, ..)| *id == repository.id);
                if repository.enabled && !is_asked {
                    found.asked.push((repository.id.clone(), false, true));
                    repository.enabled = false;
                }
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if !found.asked.iter().any(|(.., differs)| *differs) {
            return Vec::new();
        }
        let mut argv = vec!["subscription-manager".to_owned(), "repos".to_owned()];
        for (id, enable, _) in &found.asked {
            let flag = if *enable { "--enable" } else { "--disable" };
            argv.extend([flag.to_owned(), id.clone()]);
        }
        vec![Change::Run {
            command: plain(argv),
            may_fail: true,
        }]
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut results: Vec<String> = found
            .asked
            .iter()
            .map(|(id, enable, _)| line(id, *enable))
            .collect();
        if let Some(output) = outcome.outputs.first() {
            check(output)?;
            results = output.stdout.lines().map(str::to_owned).collect();
        }
        let repositories = found.repositories.iter().map(|repository| {
            json!({
                "id": repository.id, "name": repository.name, "url": repository.url,
                "enabled": repository.enabled,
            })
        });
        let repositories: Vec<Value> = repositories.collect();
        let side = |after: bool| -> String {
            let differ = found.asked.iter().filter(|(.., differs)| *differs);
            let lines = differ.map(|(id, enable, _)| line(id, *enable == after) + "\n");
            lines.collect()
        };
        let header = "RHSM repositories".to_owned();
        let diff = (self.diff && outcome.changed).then(|| Diff {
            path: header.clone(),
            before_header: header.clone(),
            after_header: header,
            before: side(false),
            after: side(true),
        });
        Ok(Report {
            diff: diff.into_iter().collect(),
            ..Report::of(values(
                json!({"results": results, "repositories": repositories}),
            ))
        })
    }
}

impl RhsmRepository {
    /// Asks for all that a pattern names.
    fn ask(&self, name: &str, found: &mut Found) -> Result<(), ModuleError> {
        let pattern = glob::compile(name);
        let mut matches = false;
        for repository in &mut found.repositories {
            if !pattern
                .as_ref()
                .is_some_and(|it| it.is_match(&repository.id))
            {
                continue;
            }
            matches = true;
            if found.asked.iter().any(|(id, ..)| *id == repository.id) {
                continue;
            }
            let differs = repository.enabled != self.enable;
            found
                .asked
                .push((repository.id.clone(), self.enable, differs));
            repository.enabled = self.enable;
        }
        if matches {
            return Ok(());
        }
        let msg = format!("{name} is not a valid repository ID");
        Err(ModuleError::new(&msg).with(json!({"results": [msg]})))
    }
}

fn line(id: &str, is_enabled: bool) -> String {
    let state = if is_enabled { "enabled" } else { "disabled" };
    format!("Repository '{id}' is {state} for this system")
}

fn check(said: &Output) -> Result<(), ModuleError> {
    if said.status != 0 {
        return Err(ModuleError::new(format!(
            "subscription-manager failed with the following error: {}",
            said.stderr
        )));
    }
    let nothing = "This system has no repositories available through subscriptions";
    match said.stdout.strip_prefix(nothing) {
        Some(".\n") => Err(ModuleError::new(nothing)),
        _ => Ok(()),
    }
}

/// Reads what `subscription-manager repos --list` prints: four lines for each, the last says whether it is enabled.
fn read(said: &str) -> Vec<Repository> {
    let mut all = Vec::new();
    let mut now = Repository::default();
    for line in said.lines() {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        let value = value.trim();
        match name {
            "Repo ID" => value.clone_into(&mut now.id),
            "Repo Name" => value.clone_into(&mut now.name),
            "Repo URL" => value.clone_into(&mut now.url),
            "Enabled" => all.push(Repository {
                enabled: value == "1",
                ..now.clone()
            }),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_read_from_their_list() {
        let said = "+------+\n    Available Repositories in /etc/yum.repos.d/redhat.repo\n+------+\n\
                    Repo ID:   a-rpms\nRepo Name: A: all (RPMs)\nRepo URL:  https://x/$y\nEnabled:   1\n\n\
                    Repo ID:   b-rpms\nRepo Name: B\nRepo URL:  https://z\nEnabled:   0\n";
        let all = read(said);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].name, "A: all (RPMs)");
        assert!(all[0].enabled && !all[1].enabled);
        assert_eq!(all[1].id, "b-rpms");
    }
}
