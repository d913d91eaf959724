//! The whole run: its plays one after the other, each in batches of hosts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Event, Events};
use strata_jinja::{Engine, Templar};
use strata_playbook::{
    Inventory, Playbook, load,
    play::{Action, Keywords, LoopControl, Order, Play, Spanned, Strategy, Task},
    variables::HostVariables,
};
use tokio::sync::Semaphore;

use crate::{
    Connect, JsonMap, Options, Recap,
    batch::{self, BatchEnd, Memory, Start},
    hosts::HostTable,
    magic::{MagicCache, PlayScope},
    outcome::text,
    scope::{Templates, Watch},
    session::Sessions,
    supported,
    task::{Shared, boolean},
};

/// Runs a playbook on the hosts of an inventory.
///
/// An error means that nothing was run. Tasks that fail are in the recap, and each sends a diagnostic as an event.
pub async fn run(
    playbook: &Playbook,
    inventory: &Inventory,
    connect: &Connect<'_>,
    options: &Options,
    events: &Events,
) -> Result<Recap, Diagnostics> {
    let table = HostTable::new(Arc::new(inventory.clone()), &options.inventory_variables);
    let options = Arc::new(options.clone());
    let shared = Shared {
        sessions: Sessions::new(connect, options.ready_timeout, events),
        table: Arc::new(table),
        events,
        forks: Semaphore::new(options.forks.max(1)),
        options,
    };
    let mut run = Run {
        shared: &shared,
        engine: Engine::new(),
        memory: Memory {
            started: shared.options.start_at_task.is_none(),
            ..Memory::default()
        },
    };
    run.check(playbook)?;
    let done = run.plays(playbook).await;
    shared.sessions.close().await;
    done?;
    Ok(run.recap())
}

struct Run<'a> {
    shared: &'a Shared<'a>,
    engine: Arc<Engine>,
    memory: Memory,
}

impl Run<'_> {
    /// Finds, before anything runs, what cannot be run.
    fn check(&self, playbook: &Playbook) -> Result<(), Diagnostics> {
        let mut diags = supported::unsupported_modules(playbook, &self.shared.options);
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
            !given && prompt.default.is_none()
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
        for play in &playbook.plays {
            if self.shared.options.stop.requested() {
                self.memory.stopped = true;
                break;
            }
            if self.play(play).await? == BatchEnd::EndRun {
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

    async fn play(&mut self, play: &Arc<Play>) -> Result<BatchEnd, Diagnostics> {
        let facts = self.play_facts(play)?;
        let hosts = facts.hosts.clone();
        if hosts.is_empty() {
            self.started(&facts, 0);
            return Ok(BatchEnd::Done);
        }
        for batch in batches(&facts, play)? {
            let bad_before = self.bad(&batch);
            let end = self.batch(play, &facts, &batch).await?;
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
        self.memory.failed.contains(host) || self.memory.unreachable.contains(host)
    }

    fn started(&self, facts: &PlayFacts, hosts: usize) {
        self.shared.events.send(Event::PlayStarted {
            name: facts.name.as_str().into(),
            hosts,
        });
    }

    async fn batch(
        &mut self,
        play: &Arc<Play>,
        facts: &PlayFacts,
        hosts: &[Arc<str>],
    ) -> Result<BatchEnd, Diagnostics> {
        let left: Vec<Arc<str>> = hosts
            .iter()
            .filter(|host| !self.is_bad(host))
            .cloned()
            .collect();
        self.started(facts, left.len());
        if left.is_empty() {
            return Ok(BatchEnd::Done);
        }
        let scope = self.scope(play, facts, &left)?;
        let options = &self.shared.options;
        let start = Start {
            engine: self.engine.clone(),
            scope,
            hosts: left,
            all_hosts: facts.hosts.clone(),
            gather: facts.gather.clone(),
            pace: options.pace,
            free: play.strategy == Strategy::Free,
            force_handlers: facts.force_handlers,
            max_fail_percentage: facts.max_fail_percentage,
        };
        Ok(batch::run(self.shared, &mut self.memory, start).await)
    }

    /// What a play's own keywords say, rendered without any host.
    fn play_facts(&self, play: &Arc<Play>) -> Result<PlayFacts, Diagnostics> {
        let templar = self.play_templar(play);
        let mut diags = Diagnostics::new();
        let pattern = match templar.render(&play.hosts.value) {
            Ok(Json::Array(parts)) => parts.iter().map(text).collect::<Vec<_>>().join(","),
            Ok(value) => text(&value),
            Err(error) => {
                diags.push(unusable("hosts", &error.to_string(), &play.hosts));
                String::new()
            }
        };
        let hosts = self.matching(play, &pattern).unwrap_or_else(|diagnostic| {
            diags.push(*diagnostic);
            Vec::new()
        });
        let name = templar
            .render(&play.name.value)
            .map_or(pattern.clone(), |name| text(&name));
        let mut flag =
            |keyword: Option<&Spanned<Json>>, what: &str| match boolean(&templar, keyword) {
                Ok(value) => value,
                Err(error) => {
                    let span = keyword.expect("only what is there can be wrong");
                    diags.push(unusable(what, &error.to_string(), span));
                    None
                }
            };
        let force = flag(play.force_handlers.as_ref(), "force_handlers");
        let gather = flag(play.gather_facts.as_ref(), "gather_facts").unwrap_or(true);
        let mut number = |keyword: &Spanned<Json>, what: &str| match templar.render(&keyword.value)
        {
            Ok(value) => Some(text(&value)),
            Err(error) => {
                diags.push(unusable(what, &error.to_string(), keyword));
                None
            }
        };
        let serial = play
            .serial
            .iter()
            .filter_map(|serial| number(serial, "serial"))
            .collect();
        let most = play.max_fail_percentage.as_ref();
        let most = most.and_then(|most| number(most, "max_fail_percentage"));
        let subset = play.gather_subset.as_ref();
        let facts = PlayFacts {
            name,
            hosts,
            serial,
            force_handlers: force.unwrap_or(self.shared.options.force_handlers),
            max_fail_percentage: most
                .and_then(|most| most.trim_end_matches('%').trim().parse().ok()),
            gather: gather.then(|| Arc::new(gathering(play, subset))),
        };
        diags.into_result(facts)
    }

    fn play_templar(&self, play: &Arc<Play>) -> Templar {
        let variables = HostVariables {
            play_vars: vec![play.vars.clone()],
            extra_vars: self.shared.options.load.extra_vars.clone(),
            magic: Arc::new(strata_playbook::variables::magic(
                &self.shared.table.inventory(),
                "localhost",
                play,
            )),
            ..HostVariables::default()
        };
        self.templates(play, Watch::new(None)).templar(&variables)
    }

    fn templates(&self, play: &Play, watch: Arc<Watch>) -> Templates {
        Templates {
            engine: self.engine.clone(),
            options: self.shared.options.clone(),
            folders: vec![play.folder.clone()],
            watch,
        }
    }

    /// The hosts of a play, in its order.
    fn matching(&self, play: &Play, pattern: &str) -> Result<Vec<Arc<str>>, Box<Diagnostic>> {
        let inventory = self.shared.table.inventory();
        let find = |pattern: &str| {
            inventory.matching(pattern).map_err(|reason| {
                Box::new(
                    Diagnostic::error(
                        "bad-host-pattern",
                        format!("the host pattern `{pattern}` cannot be used"),
                    )
                    .detail(reason)
                    .at(play.hosts.span.clone()),
                )
            })
        };
        let mut names = find(pattern)?;
        if let Some(limit) = &self.shared.options.limit {
            let allowed = find(limit)?;
            names.retain(|name| allowed.contains(name));
        }
        if names.is_empty() {
            let warning = Diagnostic::warning(
                "no-hosts-matched",
                format!("no host matches `{pattern}`, the play is left out"),
            );
            self.shared
                .events
                .diagnostic(warning.at(play.hosts.span.clone()));
        }
        Ok(ordered(names, play.order))
    }

    /// What the templates of a batch's hosts see.
    fn scope(
        &self,
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
            play_hosts: names(&facts.hosts),
            play_hosts_all: Arc::new(facts.hosts.iter().map(|host| Json::from(&**host)).collect()),
            batch_hosts: names(hosts),
            cache: MagicCache::default(),
        };
        let mut diags = Diagnostics::new();
        for host in hosts {
            let without = Arc::new(scope.clone());
            let read = self.vars_files(play, host, &without, &mut diags);
            scope.vars_files.insert(host.clone(), read);
        }
        diags.into_result(Arc::new(scope))
    }

    /// Answers to a play's questions, or their defaults.
    fn answers(&self, play: &Play) -> Arc<JsonMap> {
        let options = &self.shared.options;
        let prompts = play.vars_prompt.iter().filter_map(|prompt| {
            let answer = options
                .prompted
                .get(&prompt.name)
                .or(prompt.default.as_ref())?;
            Some((prompt.name.clone(), answer.clone()))
        });
        Arc::new(prompts.collect())
    }

    /// Reads the `vars_files` of a play for one host, whose variables may be in their names.
    fn vars_files(
        &self,
        play: &Arc<Play>,
        host: &Arc<str>,
        scope: &Arc<PlayScope>,
        diags: &mut Diagnostics,
    ) -> Vec<Arc<JsonMap>> {
        let mut read: Vec<Arc<JsonMap>> = Vec::new();
        for entry in &play.vars_files {
            let watch = Watch::new(None);
            let mut variables = scope.of(host, &watch);
            variables.vars_files.clone_from(&read);
            let templar = self.templates(play, watch).templar(&variables);
            let names = match templar.render(&entry.value) {
                Ok(Json::Array(names)) => names.iter().map(text).collect(),
                Ok(name) => vec![text(&name)],
                Err(error) => {
                    diags.push(unusable("vars_files", &error.to_string(), entry));
                    continue;
                }
            };
            let files = self.shared.options.files.as_ref();
            let found = names
                .iter()
                .find_map(|name| first_place(files, &play.folder, name));
            let Some(path) = found else {
                diags.push(missing_vars_file(&names, entry));
                continue;
            };
            if let Some(map) = load::vars_file(files, &path, diags) {
                read.push(Arc::new(map));
            }
        }
        read
    }

    fn recap(self) -> Recap {
        let hosts = self.memory.counts.into_hosts();
        for (host, counts) in &hosts {
            self.shared.events.send(Event::HostRecap {
                host: host.clone(),
                counts: *counts,
            });
        }
        Recap {
            hosts,
            failed: self.memory.failed,
            unreachable: self.memory.unreachable,
            stopped: self.memory.stopped,
            statistics: self.memory.statistics,
        }
    }
}

/// What a play's own keywords say.
struct PlayFacts {
    name: String,
    hosts: Vec<Arc<str>>,
    serial: Vec<String>,
    force_handlers: bool,
    max_fail_percentage: Option<f64>,
    gather: Option<Arc<Task>>,
}

fn unusable(what: &str, reason: &str, at: &Spanned<Json>) -> Diagnostic {
    Diagnostic::error("bad-play-keyword", format!("`{what}` cannot be used"))
        .detail(reason)
        .at(at.span.clone())
}

fn missing_vars_file(names: &[String], entry: &Spanned<Json>) -> Diagnostic {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error(
        "missing-vars-file",
        format!("the variables file {} was not found", names.join(" or ")),
    )
    .at(entry.span.clone())
    .hint("Files are looked for in the playbook's folder, first below `vars`.")
}

fn first_place(
    files: &dyn strata_core::files::Files,
    folder: &Path,
    name: &str,
) -> Option<PathBuf> {
    let places = [folder.join("vars").join(name), folder.join(name)];
    places.into_iter().find(|path| files.kind(path).is_some())
}

fn ordered(mut names: Vec<String>, order: Order) -> Vec<Arc<str>> {
    match order {
        Order::Inventory => {}
        Order::ReverseInventory => names.reverse(),
        Order::Sorted => names.sort(),
        Order::ReverseSorted => {
            names.sort();
            names.reverse();
        }
        Order::Shuffle => names.sort_by_cached_key(|name| {
            use std::hash::BuildHasher;
            std::hash::RandomState::new().hash_one(name)
        }),
    }
    names.into_iter().map(Arc::from).collect()
}

/// Divides the hosts of a play by its `serial`: numbers and shares, of which the last repeats.
fn batches(facts: &PlayFacts, play: &Play) -> Result<Vec<Vec<Arc<str>>>, Diagnostics> {
    let mut rest = &facts.hosts[..];
    let mut batches = Vec::new();
    let mut sizes = facts.serial.iter();
    let mut size = 0;
    while !rest.is_empty() {
        if let Some(serial) = sizes.next() {
            size = batch_size(serial, facts.hosts.len()).ok_or_else(|| {
                let at = &play.serial[0];
                unusable(
                    "serial",
                    &format!("`{serial}` is neither a number nor a percentage"),
                    at,
                )
            })?;
        }
        let take = if size == 0 {
            rest.len()
        } else {
            size.min(rest.len())
        };
        let (batch, later) = rest.split_at(take);
        batches.push(batch.to_vec());
        rest = later;
    }
    Ok(batches)
}

/// A share is at least one host; 0 means all.
fn batch_size(serial: &str, all: usize) -> Option<usize> {
    match serial.trim().strip_suffix('%') {
        Some(share) => {
            let share: f64 = share.trim().parse().ok()?;
            Some(((share / 100.0 * all as f64) as usize).max(1))
        }
        None => serial
            .trim()
            .parse::<i64>()
            .ok()
            .map(|size| size.max(0) as usize),
    }
}

/// The task that gathers a play's facts.
fn gathering(play: &Play, subset: Option<&Spanned<Json>>) -> Task {
    let mut arguments = JsonMap::new();
    if let Some(subset) = subset {
        arguments.insert("gather_subset".to_owned(), subset.value.clone());
    }
    let spanned = |value: Json| Spanned {
        value,
        span: play.span.clone(),
    };
    let keywords = Keywords {
        tags: vec![spanned(json!("always"))],
        // The play's conditions of failure are for its tasks; facts are gathered even in check mode.
        ..(*play.keywords).clone()
    };
    Task {
        name: Some(spanned(json!("Gathering Facts"))),
        action: Action::Module {
            name: Spanned {
                value: "setup".to_owned(),
                span: play.span.clone(),
            },
            arguments: spanned(Json::Object(arguments)),
        },
        inherited: play.keywords.clone(),
        keywords: Arc::new(keywords),
        r#loop: None,
        loop_control: LoopControl::default(),
        register: None,
        notify: Vec::new(),
        changed_when: None,
        failed_when: None,
        until: None,
        retries: None,
        delay: None,
        r#async: None,
        poll: None,
        role: None,
        folder: play.folder.clone(),
        include_parameters: Vec::new(),
        implicit: false,
        span: play.span.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::truth;

    #[test]
    fn a_share_of_hosts_is_rounded_down_to_at_least_one() {
        assert_eq!(batch_size("50%", 3), Some(1));
        assert_eq!(batch_size("1%", 3), Some(1));
        assert_eq!(batch_size("100%", 3), Some(3));
        assert_eq!(batch_size("2", 3), Some(2));
        assert_eq!(batch_size("0", 3), Some(0));
        assert_eq!(batch_size("two", 3), None);
    }

    #[test]
    fn words_say_yes_as_in_yaml() {
        assert!(truth(&json!("yes")) && truth(&json!("True")) && truth(&json!(1)));
        assert!(!truth(&json!("no")) && !truth(&json!(0)) && !truth(&Json::Null));
    }
}
