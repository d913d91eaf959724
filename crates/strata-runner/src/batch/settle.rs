//! What follows from a result: facts, registered variables, handlers, included tasks, counts, failures.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Event, ResultKind, TaskOutcome};
use strata_playbook::{
    inventory::{GroupInput, Inventory, InventoryInput},
    play::{Action, Role, Spanned},
    walk::Outcome,
};

use super::{Batch, BatchEnd, State, schedule::Next};
use crate::{
    JsonMap,
    counts::Count,
    hosts::FactLevel,
    include,
    magic::MagicCache,
    outcome::{self, Effect, Include, ItemResult},
    task::{self, Job, boolean, is_include, looks_up},
    vars_files::Facts,
};

impl Batch<'_> {
    pub(super) fn settle_result(
        &mut self,
        at: usize,
        job: &Job,
        mut whole: ItemResult,
        includes: Vec<Include>,
        is_shown: bool,
    ) {
        let next = Next {
            at,
            position: Vec::new(),
            task: job.task.clone(),
            handler: job.handler,
            of_handler: false,
        };
        let once = self.is_once(&next);
        let said_once = once && self.is_said_once(&next);
        let included = self.include(at, job, &mut whole, &includes);
        self.apply_effects(job, &whole, said_once);
        self.note_unknown(job, &whole, said_once);
        self.register(job, &whole, said_once);
        if let Err(unknown) = self.notify(at, job, &mut whole) {
            self.abort(job, &unknown);
            return;
        }
        let outcome = whole.outcome();
        let all = self.hosts_of_round(at, once);
        let rescued = self.report(&all, at, outcome, &whole);
        if outcome == TaskOutcome::Failed && rescued {
            self.remember_failure(job, &whole);
        }
        self.count(job, outcome, &whole, rescued, included);
        if !matches!(outcome, TaskOutcome::Skipped | TaskOutcome::Unreachable) {
            self.hosts[at].roles.did(&job.task);
        }
        let shown_already = included.is_some_and(|count| count > 0);
        if !(is_shown || shown_already && outcome == TaskOutcome::Ok) {
            self.show(job, &whole, rescued);
        }
        if matches!(outcome, TaskOutcome::Failed | TaskOutcome::Unreachable) {
            self.after_failure(job, once, &whole);
        }
    }

    /// The hosts that this result moves on: all that stand at a step which one does for all.
    fn hosts_of_round(&mut self, at: usize, once: bool) -> Vec<usize> {
        if !once || self.hosts[at].gather.is_some() {
            return vec![at];
        }
        let Some((position, _)) = self.hosts[at].walk.next() else {
            return vec![at];
        };
        let mut all = vec![at];
        for other in 0..self.hosts.len() {
            let host = &mut self.hosts[other];
            if other != at
                && host.state == State::Idle
                && host
                    .walk
                    .next()
                    .is_some_and(|(theirs, _)| theirs == position)
            {
                all.push(other);
            }
        }
        all
    }

    /// Moves the walks on. Gives true if the failure goes to a rescue.
    fn report(
        &mut self,
        all: &[usize],
        at: usize,
        outcome: TaskOutcome,
        whole: &ItemResult,
    ) -> bool {
        if outcome == TaskOutcome::Unreachable && !whole.ignore_unreachable {
            self.hosts[at].state = State::Gone;
            let name = self.hosts[at].name.clone();
            self.memory.unreachable.insert(name);
            self.refresh_hosts();
            for other in all.iter().filter(|other| **other != at) {
                self.hosts[*other].walk.report(Outcome::Ok);
            }
            return false;
        }
        let failed = outcome == TaskOutcome::Failed;
        if self.hosts[at].gather.take().is_some() {
            let name = self.hosts[at].name.clone();
            match failed {
                true => self.drop_out(at),
                false => self.read_vars_files(&name, Facts::There),
            }
            return false;
        }
        let mut rescued = false;
        for other in all {
            let went = self.move_on(*other, failed);
            if *other == at {
                rescued = went;
            }
        }
        rescued
    }

    /// Reports a step of one host. Gives true if its failure goes to a rescue.
    pub(super) fn move_on(&mut self, at: usize, failed: bool) -> bool {
        if !failed {
            self.hosts[at].walk.report(Outcome::Ok);
            return false;
        }
        self.note_trouble(at);
        let host = &mut self.hosts[at];
        let rescued = host.walk.report(Outcome::Failed);
        if !rescued {
            // Who still has an `always` part to do does not count among the failed that end a play for all, as in Ansible.
            host.through = !host.walk.is_recovering();
            self.memory.failed.insert(host.name.clone());
            self.refresh_hosts();
        }
        rescued
    }

    pub(super) fn drop_out(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.state = State::Gone;
        host.through = true;
        self.memory.failed.insert(host.name.clone());
        self.refresh_hosts();
    }

    /// What a rescue may look at.
    fn remember_failure(&mut self, job: &Job, whole: &ItemResult) {
        let facts = outcome::map(json!({
            "ansible_failed_task": failed_task(job, whole.no_log),
            "ansible_failed_result": Json::Object(whole.values.clone()),
        }));
        let table = &self.shared.table;
        table.change(&job.host, |data| data.add(FactLevel::Set, &facts));
    }

    fn count(
        &mut self,
        job: &Job,
        outcome: TaskOutcome,
        whole: &ItemResult,
        rescued: bool,
        included: Option<usize>,
    ) {
        let counts = &mut self.memory.counts;
        for _ in 0..included.unwrap_or_default() {
            counts.add(&job.host, Count::Ok);
        }
        if outcome == TaskOutcome::Ok && included.is_some() {
            return;
        }
        let changed = whole.is_changed();
        let count = match outcome {
            TaskOutcome::Ok => Count::Ok,
            TaskOutcome::Changed => Count::Changed,
            TaskOutcome::Skipped => Count::Skipped,
            TaskOutcome::Ignored => Count::Ignored { changed },
            TaskOutcome::Failed if rescued => Count::Rescued,
            TaskOutcome::Failed => Count::Failed,
            TaskOutcome::Unreachable if whole.ignore_unreachable => {
                Count::Ignored { changed: false }
            }
            TaskOutcome::Unreachable => Count::Unreachable,
        };
        counts.add(&job.host, count);
    }

    /// Notes a failure for the end of the round, when those that it concerns have finished what they do.
    fn after_failure(&mut self, job: &Job, once: bool, whole: &ItemResult) {
        self.round_failed.insert(job.host.clone());
        let templar = self.templar(&job.host, &job.task);
        let keyword = job.task.keywords.any_errors_fatal.as_ref();
        let usual = self.shared.options.any_errors_fatal;
        let said = boolean(&templar, keyword).is_ok_and(|fatal| fatal.unwrap_or(usual));
        self.fatal |= (once || said) && !self.free && !whole.ignore_errors;
    }

    /// `any_errors_fatal`, a failed `run_once`, `max_fail_percentage`: a failure of some that ends it for all.
    pub(super) fn end_round(&mut self) {
        let failed_now = std::mem::take(&mut self.round_failed);
        if failed_now.is_empty() {
            return;
        }
        if std::mem::take(&mut self.fatal) {
            self.fail_others(&failed_now);
        }
        let Some(most) = self.max_fail_percentage else {
            return;
        };
        let through = self.hosts.iter().filter(|host| host.through);
        let failed = through
            .filter(|host| self.memory.failed.contains(&host.name))
            .count();
        if 100.0 * failed as f64 / self.size.max(1) as f64 > most {
            self.fail_others(&failed_now);
            self.end = BatchEnd::EndRun;
            // Once for the share, and once for that nobody is left, as Ansible says it.
            self.shared.events.send(Event::NoHostsLeft);
            self.shared.events.send(Event::NoHostsLeft);
        }
    }

    /// Fails every other host where it stands; its rescue and always parts still run.
    fn fail_others(&mut self, failed_now: &BTreeSet<Arc<str>>) {
        for other in 0..self.hosts.len() {
            let host = &mut self.hosts[other];
            let unreachable = self.memory.unreachable.contains(&host.name);
            if unreachable || failed_now.contains(&host.name) {
                continue;
            }
            // It fails in the step that it did last: the rescue of that step's block is its rescue, too.
            if host.gather.is_none() && host.state != State::Gone && host.walk.end().is_none() {
                if host.walk.has_failed() {
                    continue;
                }
                let name = host.name.clone();
                if host.walk.has_left_block() || self.move_on(other, true) {
                    self.memory.condemned.insert(name);
                }
            } else {
                self.drop_out(other);
            }
        }
        self.refresh_hosts();
    }

    /// The hosts for which a result counts: with `run_once` all of the batch.
    fn recipients(&self, job: &Job, once: bool) -> Vec<Arc<str>> {
        if !once {
            return vec![job.host.clone()];
        }
        let hosts = self.hosts.iter().map(|host| host.name.clone());
        hosts
            .filter(|host| !self.memory.unreachable.contains(host))
            .collect()
    }

    fn register(&mut self, job: &Job, whole: &ItemResult, once: bool) {
        let Some(name) = &job.task.register else {
            return;
        };
        let value = JsonMap::from_iter([(name.clone(), Json::Object(whole.values.clone()))]);
        for host in self.recipients(job, once) {
            let table = &self.shared.table;
            table.change(&host, |data| {
                data.add(FactLevel::Set, &value);
                data.mark_unknown(value.keys(), whole.unknown);
            });
            self.mark_secret(&host, &value, whole.no_log);
            self.tell_values(&host, &value, false, whole.no_log);
        }
    }

    /// Variables that a task would have set, had it not been left out for something unknown.
    fn note_unknown(&mut self, job: &Job, whole: &ItemResult, once: bool) {
        let Action::Module { name, arguments } = &job.task.action else {
            return;
        };
        let (true, "set_fact", Json::Object(arguments)) =
            (whole.unknown, name.value.as_str(), &arguments.value)
        else {
            return;
        };
        for host in self.recipients(job, once) {
            let table = &self.shared.table;
            table.change(&host, |data| data.mark_unknown(arguments.keys(), true));
        }
    }

    /// Remembers which values must not be written anywhere.
    fn mark_secret(&mut self, host: &Arc<str>, values: &JsonMap, no_log: bool) {
        for name in values.keys() {
            let key = (host.clone(), name.clone());
            if no_log {
                self.memory.secret.insert(key);
            } else if !self.memory.secret.is_empty() {
                self.memory.secret.remove(&key);
            }
        }
    }

    fn apply_effects(&mut self, job: &Job, whole: &ItemResult, once: bool) {
        for effect in &whole.effects {
            match effect {
                Effect::Facts { level, facts, host } => {
                    let recipients = match host {
                        Some(host) => vec![host.clone()],
                        None => self.recipients(job, once),
                    };
                    for host in recipients {
                        let table = &self.shared.table;
                        table.change(&host, |data| {
                            data.add(*level, facts);
                            data.mark_unknown(facts.keys(), false);
                        });
                        let gathered =
                            matches!(level, FactLevel::Gathered | FactLevel::SetAndGathered);
                        if gathered {
                            self.keep_facts(&host);
                        }
                        self.mark_secret(&host, facts, whole.no_log);
                        if *level != FactLevel::Included {
                            self.tell_values(&host, facts, gathered, whole.no_log);
                        }
                        if gathered {
                            self.read_vars_files(&host, Facts::Follow);
                        }
                    }
                }
                Effect::Doubt { names } => {
                    for host in self.recipients(job, once) {
                        let table = &self.shared.table;
                        table.change(&host, |data| data.mark_unknown(names.iter(), true));
                    }
                }
                Effect::AddHost {
                    name,
                    groups,
                    variables,
                } => self.add_host(name, groups, variables),
                Effect::GroupBy { group, parents } => self.group_by(&job.host, group, parents),
                Effect::Statistics {
                    data,
                    per_host,
                    aggregate,
                } => self.add_statistics(&job.host, data, *per_host, *aggregate),
            }
        }
    }

    /// Hands a host's facts to the cache, if there is one.
    fn keep_facts(&self, host: &str) {
        let cache = self.shared.options.fact_cache.as_ref();
        if let (Some(cache), Some(data)) = (cache, self.shared.table.get(host)) {
            cache.store(host, &data.named_facts());
        }
    }

    fn add_host(&mut self, name: &str, groups: &[String], variables: &JsonMap) {
        let mut input = InventoryInput::default();
        input.hosts.insert(name.to_owned(), variables.clone());
        // A new one stands in `all` itself, before the hosts of the groups in that, as in Ansible.
        let all = "all".to_owned();
        let is_new = self.shared.table.inventory_before().host(name).is_none();
        for group in is_new.then_some(&all).into_iter().chain(groups) {
            let entry = input.groups.entry(group.clone()).or_default();
            entry.hosts.push(name.to_owned());
        }
        let addition = Inventory::from_input(input);
        self.grow_inventory(addition);
        let table = &self.shared.table;
        table.change(name, |data| {
            Arc::make_mut(&mut data.inventory).extend(variables.clone());
        });
    }

    fn group_by(&mut self, host: &str, group: &str, parents: &[String]) {
        let mut groups = BTreeMap::new();
        let own = GroupInput {
            hosts: vec![host.to_owned()],
            ..GroupInput::default()
        };
        groups.insert(group.to_owned(), own);
        for parent in parents.iter().filter(|parent| *parent != "all") {
            let entry: &mut GroupInput = groups.entry(parent.clone()).or_default();
            entry.children.push(group.to_owned());
        }
        let input = InventoryInput {
            groups,
            ..InventoryInput::default()
        };
        let addition = Inventory::from_input(input);
        self.grow_inventory(addition);
    }

    fn grow_inventory(&mut self, addition: Inventory) {
        self.memory.added.push(addition.clone());
        self.shared.table.add_to_inventory(addition);
        self.has_grown = true;
    }

    /// Lets the tasks that follow see what those before them added to the inventory.
    pub(super) fn take_in_additions(&mut self) {
        if std::mem::take(&mut self.has_grown) {
            self.shared.table.inventory();
            Arc::make_mut(&mut self.scope).cache = MagicCache::default();
        }
    }

    fn add_statistics(&mut self, host: &str, data: &JsonMap, per_host: bool, aggregate: bool) {
        let all = &mut self.memory.statistics;
        let owner = if per_host { host } else { "_run" };
        let slot = all
            .entry(owner.to_owned())
            .or_insert_with(|| Json::Object(JsonMap::new()));
        let Json::Object(map) = slot else { return };
        for (name, value) in data {
            let sum = map
                .get(name)
                .filter(|_| aggregate)
                .and_then(|old| plus(old, value));
            map.insert(name.clone(), sum.unwrap_or_else(|| value.clone()));
        }
    }

    /// Ends the run where a task notifies a handler that nobody has, as in Ansible.
    fn abort(&mut self, job: &Job, handler: &str) {
        let found = Diagnostic::error("missing-handler", missing_handler(handler))
            .detail("The task was done; the run ends here, for all hosts.")
            .at(job.task.span.clone())
            .hint("Name a handler of this play or of its roles, or a topic that one listens to.");
        self.shared.events.diagnostic(found);
        self.memory.aborted = true;
        self.end = BatchEnd::EndRun;
    }

    /// Puts included tasks behind the current step. Gives how many files or roles were read, for includes.
    fn include(
        &mut self,
        at: usize,
        job: &Job,
        whole: &mut ItemResult,
        includes: &[Include],
    ) -> Option<usize> {
        if !is_include(&job.task) {
            return None;
        }
        let mut nodes = Vec::new();
        let mut new_handlers = Vec::new();
        for (before, one) in includes.iter().enumerate() {
            match include::load(job, self.play(), one, &self.shared.options) {
                Ok(included) => {
                    let file = include::file(&included).unwrap_or_else(|| one.name.clone());
                    nodes.extend(included.nodes);
                    new_handlers.extend(included.handlers);
                    self.note_roles(job, &included.roles);
                    self.show_included(job, one, &file, whole.no_log);
                }
                Err(diags) => {
                    self.fail_include(whole, diags);
                    return Some(before);
                }
            }
        }
        self.put_in(at, job, nodes, new_handlers);
        Some(includes.len())
    }

    fn fail_include(&self, whole: &mut ItemResult, diags: Diagnostics) {
        let errors = diags.iter().filter(|diagnostic| diagnostic.is_error());
        let reasons: Vec<String> = errors
            .map(|diagnostic| diagnostic.summary.clone())
            .collect();
        whole.values.extend(outcome::failure(reasons.join("; ")));
        // As in Ansible: what is to be included must be there.
        whole.ignore_errors = false;
        for diagnostic in diags {
            self.shared.events.diagnostic(diagnostic);
        }
    }

    /// Lets the rest of the play know of included roles: of their names, and of what public ones say.
    fn note_roles(&mut self, job: &Job, roles: &[Arc<Role>]) {
        if roles.is_empty() {
            return;
        }
        let known = &mut Arc::make_mut(&mut self.scope).included_roles;
        known.entry(job.host.clone()).or_default().add(roles);
        let public = roles.iter().filter(|role| role.public).cloned();
        let public: Vec<_> = public.collect();
        if !public.is_empty() {
            let scope = Arc::make_mut(&mut self.scope);
            scope
                .roles
                .entry(job.host.clone())
                .or_default()
                .extend(public);
        }
    }

    fn show_included(&self, job: &Job, one: &Include, file: &str, no_log: bool) {
        let name = job.task.loop_control.loop_var.as_deref().unwrap_or("item");
        // A label that somebody chose is shown whatever it says.
        let item = match (&job.task.loop_control.label, &one.label) {
            (Some(_), Some(label)) => Some(label.clone()).filter(|label| !label.is_empty()),
            _ => {
                let item = one.parameters.get(name).filter(|item| is_shown(item));
                item.map(|item| one.label.clone().unwrap_or_else(|| outcome::text(item)))
            }
        };
        self.shared.events.send(Event::TaskFinished {
            host: job.host.clone(),
            task: job.name.clone(),
            item: match no_log {
                true => Some(task::CENSORED.to_owned()),
                false => item.filter(|_| job.task.r#loop.is_some()),
            },
            outcome: TaskOutcome::Ok,
            message: Some(include::message(job, one, file)),
            diffs: Vec::new(),
            result: json!({"changed": false, "include": one.name})
                .to_string()
                .into(),
            delegate: None,
            kind: ResultKind::Included,
        });
    }
}

pub(super) fn missing_handler(name: &str) -> String {
    format!(
        "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
    )
}

/// Ansible leaves out items that count as false.
fn is_shown(item: &Json) -> bool {
    match item {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// `ansible_failed_task`: the task as it is written, its name and arguments rendered.
fn failed_task(job: &Job, no_log: bool) -> Json {
    let task = &job.task;
    let keywords = &task.keywords;
    let templar = job.templates.templar(&job.variables);
    let (action, arguments) = match &task.action {
        Action::Module { name, arguments } => (name.value.clone(), arguments.value.clone()),
        _ => (task.written.clone(), Json::Null),
    };
    // What cannot be rendered, perhaps for the same reason as the task, stays a template; and so does what would run a
    // program or read a file a second time.
    let arguments = match no_log || looks_up(&arguments) {
        true => arguments,
        false => templar.render(&arguments).unwrap_or(arguments),
    };
    let name = task.name.as_ref().map(|_| own_name(&job.name));
    let flag = |keyword| boolean(&templar, keyword).ok().flatten();
    let texts = |values: &[Spanned<Json>]| -> Json {
        values.iter().map(|value| value.value.clone()).collect()
    };
    json!({
        "name": name.unwrap_or_default(),
        "action": action,
        "args": if no_log { Json::Null } else { arguments },
        "tags": texts(&keywords.tags),
        "when": texts(&keywords.when),
        "notify": texts(&task.notify),
        "register": task.register,
        "no_log": no_log,
        "become": flag(keywords.r#become.as_ref()),
        "ignore_errors": flag(keywords.ignore_errors.as_ref()),
        "run_once": flag(keywords.run_once.as_ref()),
        "delegate_to": keywords.delegate_to.as_ref().map(|host| &host.value),
        "role": task.role.as_ref().map(|role| &role.name),
    })
}

fn own_name(name: &str) -> String {
    name.rsplit(" : ").next().unwrap_or(name).to_owned()
}

/// Numbers add up, lists and texts follow one another; all else is replaced.
fn plus(old: &Json, new: &Json) -> Option<Json> {
    match (old, new) {
        (Json::Number(old), Json::Number(new)) => match (old.as_i64(), new.as_i64()) {
            (Some(old), Some(new)) => old.checked_add(new).map(Json::from),
            _ => Some((old.as_f64()? + new.as_f64()?).into()),
        },
        (Json::Array(old), Json::Array(new)) => Some(old.iter().chain(new).cloned().collect()),
        (Json::Object(old), Json::Object(new)) => {
            let mut all = old.clone();
            all.extend(new.clone());
            Some(Json::Object(all))
        }
        (Json::String(old), Json::String(new)) => Some(format!("{old}{new}").into()),
        _ => None,
    }
}
