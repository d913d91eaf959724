//! Checks that are made on hosts: by a command, or by a service, which is asked what it would take to start it.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Event, Events, HostCounts, Value, files::MemoryFiles};
use strata_playbook::{Inventory, InventoryInput, variables::InventoryVariables};
use strata_runner::{Recap, Target};

use super::{
    Made, Run,
    configure::{Manner, Prepared},
    inventory,
    verify::words_of,
};
use crate::{
    playbook::Project,
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
        let input = self.all_hosts(made, &mut diags);
        let Some(question) = diags.into_result(question)? else {
            return Ok(Some(false));
        };
        let prepared = question.prepare(input)?;
        let manner = Manner {
            check: question.check,
            ..Manner::default()
        };
        let connect = |target: &Target| self.platforms.connect(target);
        let ignored = Events::ignored();
        let ask = || self.play(&prepared, &manner, &connect, &ignored);
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

    /// The hosts of outputs, and those that configure stages name.
    fn all_hosts(&self, made: &Made, diags: &mut Diagnostics) -> InventoryInput {
        let mut all = inventory::from_outputs(made);
        for stage in &self.environment.stages {
            let StageBody::Configure(Configure {
                hosts: Some(hosts), ..
            }) = &stage.body
            else {
                continue;
            };
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
    fn prepare(&self, input: InventoryInput) -> Result<Prepared, Diagnostics> {
        let mut diags = Diagnostics::new();
        // JSON is YAML, and leaves no doubt about quotes.
        let play = json!([{ "hosts": self.pattern, "gather_facts": false, "tasks": [self.task] }]);
        let files = MemoryFiles::new([("verify.yml", play.to_string().as_str())]);
        let project = Project::bare();
        let options = project.load_options(Map::new());
        let playbook = strata_playbook::load(&files, "verify.yml".as_ref(), &options, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        let inventory = Inventory::from_input(input);
        let variables = InventoryVariables::load(
            &files,
            &inventory,
            &[],
            None,
            false,
            &mut Diagnostics::new(),
        );
        Ok(Prepared {
            folder: None,
            playbook,
            inventory,
            variables: Arc::new(variables),
            extra: Map::new(),
            project,
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
