//! Checks that are made on hosts: by a command, or by a service, which is asked what it would take to start it.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Event, Events, HostCounts, Value, files::MemoryFiles};
use strata_playbook::{Inventory, InventoryInput, variables::InventoryVariables};
use strata_runner::Recap;

use super::{
    Made, Run,
    configure::{Manner, Prepared, absolute},
    inventory,
    verify::words_of,
};
use crate::{
    playbook::{Project, inventory::given},
    project::{Configure, Stage, StageBody, Verify, VerifyCheck},
    verify::again,
};

/// A check as a task.
struct Question {
    /// What is checked, for people.
    what: String,
    task: Json,
    /// Groups or hosts with colons between them.
    pattern: String,
    /// True if the task is to be looked at and not done.
    check: bool,
    /// How its answers are told.
    words: (&'static str, &'static str),
}

/// Hosts, what is known of them, and the settings by which they are reached.
struct Known {
    project: Project,
    inventory: Inventory,
    variables: InventoryVariables,
}

fn configure_of(stage: &Stage) -> Option<&Configure> {
    match &stage.body {
        StageBody::Configure(configure) => Some(configure),
        _ => None,
    }
}

impl Run<'_> {
    /// Asks on each host until all say yes or the time is up; tells the last answers.
    ///
    /// None if all hosts are models that do not know.
    pub(super) async fn verify_on_hosts(
        &self,
        stage: &Stage,
        settings: &Verify,
        made: &Made,
    ) -> Result<Option<bool>, Diagnostics> {
        let mut diags = Diagnostics::new();
        let question = self.question(&settings.check, made, &mut diags);
        let known = self.known_hosts(stage, made, &mut diags);
        let Some(question) = diags.into_result(question)? else {
            return Ok(Some(false));
        };
        let prepared = question.prepare(known)?;
        let manner = Manner {
            check: question.check,
            ..Manner::default()
        };
        let ignored = Events::ignored();
        let ask = || self.play(&prepared, &manner, &ignored);
        let is_good = |recap: &Result<Recap, Diagnostics>| recap.as_ref().is_ok_and(all_as_desired);
        let recap = again(settings.retry, ask, is_good).await?;
        let is_unknown = |counts: &HostCounts| counts.ok + counts.failed + counts.unreachable == 0;
        let mut hosts = recap.hosts.iter();
        if self.platforms.are_twins() && hosts.any(|(_, counts)| is_unknown(counts)) {
            return Ok(None);
        }
        for (host, counts) in &recap.hosts {
            let passed = is_as_desired(counts);
            let (yes, no) = question.words;
            self.events.send(Event::Verified {
                what: format!("{} on {host}", question.what),
                passed,
                detail: if passed { yes } else { no }.to_owned(),
            });
        }
        if recap.hosts.is_empty() {
            let diagnostic = Diagnostic::error("no-hosts", "There is no host to verify this on");
            return Err(diagnostic.at(stage.span.clone()).into());
        }
        Ok(Some(all_as_desired(&recap)))
    }

    /// All hosts of the environment, with what its configure stages know of them; the settings are those of the stage
    /// that goes before.
    fn known_hosts(&self, stage: &Stage, made: &Made, diags: &mut Diagnostics) -> Known {
        let stages = &self.environment.stages;
        let mut before = stage.after.iter().rev();
        let before = before.find_map(|at| configure_of(&stages[*at]));
        let all: Vec<&Configure> = stages.iter().filter_map(configure_of).collect();
        let project = before.or(all.first().copied());
        let project = project.map_or_else(Project::bare, |stage| self.ansible(stage, diags));
        let sources = all.iter().flat_map(|stage| &stage.inventory);
        // What another stage has yet to write names no hosts.
        let sources = sources.map(|path| absolute(path));
        let sources = sources.filter(|path| project.files.kind(path).is_some());
        let sources: Vec<String> = sources.map(|path| path.display().to_string()).collect();
        let (mut inventory, mut folders) = given(&sources, &project, self.process, diags);
        inventory.merge(Inventory::from_input(self.hosts_of_stages(made, diags)));
        let playbooks = all.iter().map(|stage| absolute(&stage.playbook));
        folders.extend(playbooks.filter_map(|path| Some(path.parent()?.to_owned())));
        let files = project.files.as_ref();
        let reading = project.reading();
        let variables = InventoryVariables::load(files, &inventory, &folders, None, reading, diags);
        Known {
            project,
            inventory,
            variables,
        }
    }

    /// The hosts of outputs, and those that configure stages name themselves.
    fn hosts_of_stages(&self, made: &Made, diags: &mut Diagnostics) -> InventoryInput {
        let mut all = inventory::from_outputs(made);
        let stages = self.environment.stages.iter().filter_map(configure_of);
        for hosts in stages.filter_map(|stage| stage.hosts.as_ref()) {
            let groups = self.scope(&made.outputs).evaluate(hosts, diags);
            match inventory::from_groups(&groups, made, hosts.span()) {
                Ok(input) => inventory::add(&mut all, input),
                Err(mistakes) => diags.append(mistakes),
            }
        }
        all
    }

    /// The question that a check puts to hosts; none for one that is made from this machine.
    fn question(
        &self,
        check: &VerifyCheck,
        made: &Made,
        diags: &mut Diagnostics,
    ) -> Option<Question> {
        let scope = self.scope(&made.outputs);
        let pattern = |hosts: &Option<_>, diags: &mut Diagnostics| {
            let hosts = hosts.as_ref().map(|hosts| scope.evaluate(hosts, diags));
            pattern(hosts.as_ref())
        };
        let question = match check {
            VerifyCheck::Command { words, hosts } => {
                let value = scope.evaluate(words, diags);
                let argv = words_of(&value, words, diags);
                Question {
                    what: argv.join(" "),
                    task: json!({ "ansible.builtin.command": { "argv": argv }, "changed_when": false }),
                    pattern: pattern(hosts, diags),
                    check: false,
                    words: ("succeeds", "fails"),
                }
            }
            VerifyCheck::Service { service, hosts } => {
                let service = scope.evaluate(service, diags);
                let name = service.as_str().unwrap_or_default().to_owned();
                Question {
                    what: format!("service {name}"),
                    task: json!({ "ansible.builtin.service": { "name": name, "state": "started" } }),
                    pattern: pattern(hosts, diags),
                    check: true,
                    words: ("runs", "does not run"),
                }
            }
            VerifyCheck::Http { .. } | VerifyCheck::Tcp(_) => return None,
        };
        Some(question)
    }
}

impl Question {
    /// A playbook of the one task.
    fn prepare(&self, known: Known) -> Result<Prepared, Diagnostics> {
        let mut diags = Diagnostics::new();
        // JSON is YAML, and leaves no doubt about quotes. The tags of settings choose among tasks of playbooks.
        let play = json!([{
            "hosts": self.pattern, "gather_facts": false, "tags": ["always"], "tasks": [self.task],
        }]);
        let files = MemoryFiles::new([("verify.yml", play.to_string().as_str())]);
        let options = known.project.load_options(Map::new());
        let playbook = strata_playbook::load(&files, "verify.yml".as_ref(), &options, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        Ok(Prepared {
            folder: None,
            playbook,
            inventory: known.inventory,
            variables: Arc::new(known.variables),
            extra: Map::new(),
            project: known.project,
            from_outputs: true,
        })
    }
}

/// Groups and hosts as one pattern; all without any.
fn pattern(hosts: Option<&Value>) -> String {
    let names = hosts.and_then(Value::as_sequence);
    names.map_or("all".to_owned(), |names| {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        names.join(":")
    })
}

/// True if no host failed and nothing is left to do on any.
fn all_as_desired(recap: &Recap) -> bool {
    recap.exit_code() == 0 && recap.hosts.iter().all(|(_, counts)| is_as_desired(counts))
}

fn is_as_desired(counts: &HostCounts) -> bool {
    counts.ok > 0 && counts.changed + counts.failed + counts.unreachable == 0
}
