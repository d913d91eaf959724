//! The whole run: its plays one after the other, each in batches of hosts.

mod play;
mod prompts;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Event, Events};
use strata_jinja::Engine;
use strata_playbook::{
    Inventory, Playbook,
    play::{Play, Strategy},
};
use tokio::sync::Semaphore;

use crate::{
    Connect, Findings, Gathering, HostProgress, JsonMap, Options, Progress, Recap,
    batch::{self, BatchEnd, Memory, Start},
    hosts::{FactLevel, HostTable},
    jobs::Jobs,
    magic::{MagicCache, PlayScope},
    outcome, resume,
    scope::{Templates, Watch},
    session::Sessions,
    supported,
    task::Shared,
    vars_files::{self, Facts},
};
pub(crate) use play::unusable;
use play::{PlayFacts, batches};

/// Runs a playbook on the hosts of an inventory.
///
/// An error means that nothing was run. Tasks that fail are in the recap, and each sends a diagnostic as an event;
/// so does a play that cannot be run after others were.
pub async fn run(
    playbook: &Playbook,
    inventory: &Inventory,
    connect: &Connect<'_>,
    options: &Options,
    events: &Events,
) -> Result<Recap, Diagnostics> {
    let table = HostTable::new(Arc::new(inventory.clone()), &options.inventory_variables);
    for host in inventory.hosts() {
        let known = options
            .fact_cache
            .as_ref()
            .and_then(|cache| cache.load(&host.name));
        if let Some(facts) = known {
            table.change(&host.name, |data| data.add(FactLevel::Gathered, &facts));
        }
    }
    options.findings.tell(&table);
    for (host, progress) in options.resume.iter().flat_map(|resume| &resume.hosts) {
        table.change(host, |data| {
            data.add(FactLevel::Set, &progress.values);
            data.add(FactLevel::Gathered, &progress.facts);
        });
    }
    let options = Arc::new(options.clone());
    let shared = Shared {
        sessions: Sessions::new(connect, options.ready_timeout, events),
        table: Arc::new(table),
        events,
        jobs: Jobs::default(),
        forks: Semaphore::new(options.forks.max(1)),
        options,
    };
    let mut run = Run {
        shared: &shared,
        engine: engine(&shared.options),
        memory: Memory {
            counts: shared.options.findings.counts.clone(),
            statistics: shared.options.findings.statistics.clone(),
            secret: shared.options.findings.secret.clone(),
            added: shared.options.findings.added.clone(),
            started: shared.options.start_at_task.is_none(),
            ..Memory::default()
        },
        any_play: false,
        answers: JsonMap::new(),
    };
    run.check(playbook)?;
    let done = run.plays(playbook).await;
    if !shared.options.stop.requested() {
        shared.jobs.wait().await;
    }
    shared.sessions.close().await;
    match done {
        Err(diags) if !run.any_play => return Err(diags),
        Err(diags) => {
            run.memory.broken = true;
            diags
                .into_iter()
                .for_each(|diagnostic| events.diagnostic(diagnostic));
        }
        Ok(()) => {}
    }
    Ok(run.recap(playbook))
}

/// The language with what the project adds to it.
fn engine(options: &Options) -> Arc<Engine> {
    let plugins = options.plugins.as_ref();
    let names = plugins.map_or(&[][..], |plugins| &plugins.names);
    Engine::with_plugins(options.lenient_conditions, names)
}

struct Run<'a> {
    shared: &'a Shared<'a>,
    engine: Arc<Engine>,
    memory: Memory,
    /// Whether a batch of some play was begun.
    any_play: bool,
    /// What the user answered.
    answers: JsonMap,
}

impl Run<'_> {
    /// Finds, before anything runs, what cannot be run.
    fn check(&self, playbook: &Playbook) -> Result<(), Diagnostics> {
        let mut diags = supported::unsupported_modules(playbook, &self.shared.options);
        if let Some(progress) = &self.shared.options.resume {
            diags.extend(resume::changes(playbook, progress));
        }
        for play in &playbook.plays {
            diags.extend(self.unanswered(play));
        }
        if diags.has_errors() {
            return Err(diags);
        }
        for warning in diags {
            self.shared.events.diagnostic(warning);
        }
        Ok(())
    }

    /// Questions of a play that nobody answered.
    fn unanswered(&self, play: &Play) -> Vec<Diagnostic> {
        let open = play.vars_prompt.iter().filter(|prompt| {
            let options = &self.shared.options;
            let name = &prompt.name;
            let given =
                options.load.extra_vars.contains_key(name) || options.prompted.contains_key(name);
            !given && prompt.default.is_none() && options.ask.is_none()
        });
        open.map(|prompt| {
            Diagnostic::error(
                "unanswered-prompt",
                format!(
                    "the play asks for `{}`, and there is no answer",
                    prompt.name
                ),
            )
            .at(play.span.clone())
            .hint(format!("Give it with `-e {}=...`.", prompt.name))
        })
        .collect()
    }

    async fn plays(&mut self, playbook: &Playbook) -> Result<(), Diagnostics> {
        for (place, play) in playbook.plays.iter().enumerate() {
            if self.shared.options.stop.requested() {
                self.memory.stopped = true;
                break;
            }
            if self.play(place, play).await? == BatchEnd::EndRun {
                break;
            }
        }
        if !self.memory.started {
            let wanted = self
                .shared
                .options
                .start_at_task
                .clone()
                .unwrap_or_default();
            let warning = Diagnostic::warning(
                "start-at-task-not-found",
                format!("no task is named `{wanted}`, so nothing was run"),
            );
            self.shared.events.diagnostic(warning.hint(
                "Tasks of included files cannot be started at, only those of imported ones.",
            ));
        }
        Ok(())
    }

    async fn play(&mut self, place: usize, play: &Arc<Play>) -> Result<BatchEnd, Diagnostics> {
        self.ask(play)?;
        let facts = self.play_facts(play)?;
        let hosts = facts.hosts.clone();
        if hosts.is_empty() {
            self.started(play, &facts, 0);
            return Ok(BatchEnd::Done);
        }
        for batch in batches(&facts, play)? {
            let bad_before = self.bad(&batch);
            let end = self.batch(place, play, &facts, &batch).await?;
            let newly_bad = self.bad(&batch) - bad_before;
            if end == BatchEnd::EndRun || newly_bad == batch.len() || self.memory.stopped {
                return Ok(BatchEnd::EndRun);
            }
            if end == BatchEnd::EndPlay {
                break;
            }
        }
        Ok(BatchEnd::Done)
    }

    fn bad(&self, hosts: &[Arc<str>]) -> usize {
        hosts.iter().filter(|host| self.is_bad(host)).count()
    }

    fn is_bad(&self, host: &Arc<str>) -> bool {
        let memory = &self.memory;
        memory.failed.contains(host)
            || memory.unreachable.contains(host)
            || memory.condemned.contains(host)
    }

    fn started(&self, play: &Play, facts: &PlayFacts, hosts: usize) {
        let check = play.keywords.check_mode.as_ref();
        self.shared.events.send(Event::PlayStarted {
            name: facts.name.as_str().into(),
            hosts,
            check: outcome::marked_as_check(check, self.shared.options.check),
        });
    }

    async fn batch(
        &mut self,
        place: usize,
        play: &Arc<Play>,
        facts: &PlayFacts,
        hosts: &[Arc<str>],
    ) -> Result<BatchEnd, Diagnostics> {
        // Those whom a rescue took through the play before are missing in this one: for the exit code they failed.
        self.memory.failed.append(&mut self.memory.condemned);
        let left: Vec<Arc<str>> = hosts
            .iter()
            .filter(|host| !self.is_bad(host))
            .cloned()
            .collect();
        if left.is_empty() {
            // Some matched, as the number says, but none of them is left.
            self.started(play, facts, hosts.len());
            return Ok(BatchEnd::Done);
        }
        self.started(play, facts, left.len());
        let scope = self.scope(play, facts, &left)?;
        self.any_play = true;
        let options = &self.shared.options;
        let start = Start {
            engine: self.engine.clone(),
            scope,
            hosts: left,
            size: hosts.len(),
            all_hosts: facts.hosts.clone(),
            gather: facts.gather.clone(),
            smart: options.gathering == Gathering::Smart && play.gather_facts.is_none(),
            pace: options.pace,
            free: matches!(play.strategy, Strategy::Free | Strategy::HostPinned),
            debugs: options.debugs || play.strategy == Strategy::Debug,
            pinned: play.strategy == Strategy::HostPinned,
            force_handlers: facts.force_handlers,
            max_fail_percentage: facts.max_fail_percentage,
            place,
        };
        Ok(batch::run(self.shared, &mut self.memory, start).await)
    }

    fn templates(&self, play: &Play, watch: Arc<Watch>) -> Templates {
        Templates {
            engine: self.engine.clone(),
            options: self.shared.options.clone(),
            folders: vec![play.folder.clone()],
            watch,
        }
    }

    /// What the templates of a batch's hosts see.
    fn scope(
        &mut self,
        play: &Arc<Play>,
        facts: &PlayFacts,
        hosts: &[Arc<str>],
    ) -> Result<Arc<PlayScope>, Diagnostics> {
        let names = |hosts: &[Arc<str>]| -> Arc<Json> {
            let left = hosts.iter().filter(|host| !self.is_bad(host));
            Arc::new(left.map(|host| Json::from(&**host)).collect())
        };
        let mut scope = PlayScope {
            play: play.clone(),
            table: self.shared.table.clone(),
            options: self.shared.options.clone(),
            play_vars: vec![play.vars.clone(), self.answers(play)],
            vars_files: BTreeMap::new(),
            roles: BTreeMap::new(),
            included_roles: BTreeMap::new(),
            play_hosts: names(&facts.listed),
            play_hosts_all: Arc::new(
                facts
                    .listed
                    .iter()
                    .map(|host| Json::from(&**host))
                    .collect(),
            ),
            batch_hosts: names(hosts),
            cache: MagicCache::default(),
        };
        let mut diags = Diagnostics::new();
        let without = Arc::new(scope.clone());
        for host in hosts.iter().filter(|_| !play.vars_files.is_empty()) {
            let data = self.shared.table.get(host);
            let known = match data.is_some_and(|data| !data.facts.is_empty()) {
                true => Facts::There,
                false if facts.gather.is_some() => Facts::Follow,
                false => Facts::None,
            };
            let templates = |watch| self.templates(play, watch);
            let read = vars_files::read(templates, &without, host, known, &mut diags);
            scope.vars_files.insert(host.clone(), read);
        }
        let told = &mut self.memory.missing_files;
        let errors = vars_files::tell(diags, told, self.shared.events);
        errors.into_result(Arc::new(scope))
    }

    /// Answers to a play's questions, or their defaults.
    fn answers(&self, play: &Play) -> Arc<JsonMap> {
        let options = &self.shared.options;
        let prompts = play.vars_prompt.iter().filter_map(|prompt| {
            let answer = options
                .prompted
                .get(&prompt.name)
                .or(self.answers.get(&prompt.name))
                .or(prompt.default.as_ref())?;
            Some((prompt.name.clone(), answer.clone()))
        });
        Arc::new(prompts.collect())
    }

    fn recap(self, playbook: &Playbook) -> Recap {
        let progress = self.progress(playbook);
        let findings = Findings {
            counts: self.memory.counts.clone(),
            statistics: self.memory.statistics.clone(),
            secret: self.memory.secret.clone(),
            added: self.memory.added.clone(),
            ..Findings::of(&self.shared.table)
        };
        let hosts = self.memory.counts.into_hosts();
        for (host, counts) in &hosts {
            self.shared.events.send(Event::HostRecap {
                host: host.clone(),
                counts: *counts,
            });
        }
        if !self.memory.statistics.is_empty() {
            self.shared.events.send(Event::Statistics {
                values: Json::Object(self.memory.statistics.clone())
                    .to_string()
                    .into(),
            });
        }
        Recap {
            hosts,
            failed: self.memory.failed,
            unreachable: self.memory.unreachable,
            stopped: self.memory.stopped,
            broken: self.memory.broken,
            aborted: self.memory.aborted,
            statistics: self.memory.statistics,
            progress,
            findings: Arc::new(findings),
        }
    }

    /// How far the hosts came, if they are not all through.
    fn progress(&self, playbook: &Playbook) -> Progress {
        let memory = &self.memory;
        let whole = memory.failed.is_empty() && memory.unreachable.is_empty();
        if whole && !memory.stopped && !memory.broken && !memory.aborted {
            return Progress::default();
        }
        let hosts = memory.progress.iter().map(|(host, progress)| {
            let mut progress = progress.clone();
            self.keep_values(host, &mut progress);
            (host.to_string(), progress)
        });
        Progress {
            plays: resume::milestones(playbook),
            hosts: hosts.collect(),
        }
    }

    /// Adds what tasks found out, without what is secret.
    fn keep_values(&self, host: &Arc<str>, progress: &mut HostProgress) {
        let Some(data) = self.shared.table.get(host) else {
            return;
        };
        let revealed = self.shared.options.vault.revealed();
        let mut secret = Vec::new();
        let mut keep = |map: JsonMap| -> JsonMap {
            let kept = map.into_iter().filter(|(name, value)| {
                let marked = self.memory.secret.contains(&(host.clone(), name.clone()));
                let hidden = marked || (!revealed.is_empty() && holds_any(value, &revealed));
                if hidden {
                    secret.push(name.clone());
                }
                !hidden
            });
            kept.collect()
        };
        progress.values = keep((*data.set_facts).clone());
        progress.facts = keep(data.named_facts());
        progress.secret = secret;
    }
}

/// True if one of the texts is somewhere in a value.
pub(crate) fn holds_any(value: &Json, texts: &[String]) -> bool {
    match value {
        Json::String(text) => texts.iter().any(|secret| text.contains(secret.as_str())),
        Json::Array(items) => items.iter().any(|item| holds_any(item, texts)),
        Json::Object(map) => map.values().any(|item| holds_any(item, texts)),
        _ => false,
    }
}
