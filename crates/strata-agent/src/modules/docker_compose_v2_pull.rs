//! `docker_compose_v2_pull`: the images of a Compose project's services, by the `docker compose` plugin.
//!
//! As `community.docker.docker_compose_v2_pull` 4.8: pulling counts as a change where layers came. Only a rehearsal with
//! `policy: always` cannot tell, and says that there would be a change.

use serde_json::{Value, json};

use super::docker_compose_v2::{EXCLUSIVE, PROJECT, Project, actions, failed};
use super::programs;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct DockerComposeV2Pull {
    project: Project,
    is_always: bool,
    words: Vec<String>,
}

/// What a rehearsal says.
pub(super) struct Found {
    actions: Vec<Value>,
}

impl Module for DockerComposeV2Pull {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_compose_v2_pull",
        &[
            Field::str("policy")
                .choices(&["always", "missing"])
                .default("always"),
            Field::bool("ignore_buildable", false),
            Field::bool("include_deps", false),
            Field::list("services"),
        ],
    )
    .with(PROJECT)
    .exclusive(EXCLUSIVE)
    .one_of(&[&["definition", "project_src"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<DockerComposeV2Pull, ModuleError> {
        let policy = arguments.text("policy");
        let is_always = policy == "always";
        let mut words = vec!["pull".to_owned()];
        if !is_always {
            words.extend(["--policy".to_owned(), policy]);
        }
        let flags = [
            ("ignore_buildable", "--ignore-buildable"),
            ("include_deps", "--include-deps"),
        ];
        let flags = flags.iter().filter(|(name, _)| arguments.bool(name));
        words.extend(flags.map(|(_, flag)| (*flag).to_owned()));
        words.push("--".to_owned());
        words.extend(arguments.list("services").unwrap_or_default());
        Ok(DockerComposeV2Pull {
            project: Project::read(arguments)?,
            is_always,
            words,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        self.project.must_be_there(host)?;
        let said = host.run(&self.project.compose(&self.words(), true))?;
        if said.status != 0 {
            return Err(failed(&said));
        }
        Ok(Found {
            actions: actions(&said.stderr),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.actions.is_empty() {
            return Vec::new();
        }
        vec![Change::Run {
            command: self.project.compose(&self.words(), false),
            may_fail: true,
        }]
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let Some(output) = outcome.outputs.last() else {
            return Ok(Report::of(values(
                json!({"rc": 0, "stdout": "", "stderr": "", "actions": found.actions}),
            )));
        };
        let mut done = actions(&output.stderr);
        let layers = layers(&output.stderr);
        let changed = !layers.is_empty() || !self.is_always && !done.is_empty();
        done.extend(layers);
        let mut report = values(programs::results(output));
        report.insert("actions".to_owned(), done.into());
        if output.status != 0 {
            return Err(ModuleError {
                values: report,
                changed,
                kept: !changed,
                ..failed(output)
            });
        }
        Ok(Report {
            changed: Some(changed),
            ..Report::of(report)
        })
    }
}

impl DockerComposeV2Pull {
    fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

/// Layers that came, each with what was done about it: lines as ` 31e352740f53 Pulling fs layer `.
fn layers(said: &str) -> Vec<Value> {
    const WORKING: &[&str] = &[
        "Pulling fs layer",
        "Waiting",
        "Downloading",
        "Verifying Checksum",
        "Extracting",
        "Working",
    ];
    let mut found: Vec<Value> = Vec::new();
    for line in said.lines() {
        let Some((id, status)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        let is_layer = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        // What has come so far is told behind it.
        let status = WORKING
            .iter()
            .find(|word| status.trim().starts_with(**word));
        if let Some(status) = status.filter(|_| is_layer) {
            let layer = json!({"what": "image-layer", "id": id, "status": status});
            if !found.contains(&layer) {
                found.push(layer);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_come_are_told_once() {
        let said = " web Pulling \n 31e352740f53 Pulling fs layer \n 31e352740f53 Downloading [==>] 1MB/3MB\n \
                    31e352740f53 Downloading [===>] 2MB/3MB\n 31e352740f53 Pull complete \n web Pulled \n";
        let shown: Vec<Value> = layers(said);
        assert_eq!(
            shown,
            [
                json!({"what": "image-layer", "id": "31e352740f53", "status": "Pulling fs layer"}),
                json!({"what": "image-layer", "id": "31e352740f53", "status": "Downloading"}),
            ]
        );
        assert!(layers(" web Pulling \n 9d16cba9fb96 Already exists \n").is_empty());
    }
}
