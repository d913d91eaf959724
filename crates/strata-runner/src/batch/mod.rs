//! One batch of hosts through one play: the loop that owns all state.
//!
//! It asks each host's walk for the next step, starts what may start ([`schedule`]), waits for whatever is done
//! first and settles it ([`settle`]). Nothing else changes the state of a run.

mod debugger;
mod facts;
mod meta;
mod notified;
mod progress;
mod roles;
mod schedule;
mod settle;
mod show;
mod telling;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::Value as Json;
use strata_jinja::{Engine, Templar};
use strata_playbook::{
    Inventory,
    play::{Play, Task},
    variables::HostVariables,
    walk::{Position, Walk},
};
use tokio::sync::Semaphore;

use debugger::Verdict;
use roles::RolesRun;

use crate::{
    HostProgress, JsonMap, Pace,
    counts::Counts,
    magic::PlayScope,
    resume::Replay,
    scope::{Peers, Templates, Watch},
    tags::{TagFilter, words},
    task::{self, Job, Report, Shared},
};

/// What a run remembers from batch to batch.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) counts: Counts,
    pub(crate) failed: BTreeSet<Arc<str>>,
    pub(crate) unreachable: BTreeSet<Arc<str>>,
    /// Hosts that failed only because others did: a rescue takes them through this play, but not into the next.
    pub(crate) condemned: BTreeSet<Arc<str>>,
    pub(crate) statistics: JsonMap,
    /// Hosts and groups that tasks added to the inventory.
    pub(crate) added: Vec<Inventory>,
    /// Whether `--start-at-task` was reached.
    pub(crate) started: bool,
    pub(crate) stopped: bool,
    /// Whether a play could not be run.
    pub(crate) broken: bool,
    /// Whether a mistake of the playbook ended the run at once.
    pub(crate) aborted: bool,
    /// How far each host came.
    pub(crate) progress: BTreeMap<Arc<str>, HostProgress>,
    /// Values of hosts that must not be written anywhere.
    pub(crate) secret: BTreeSet<(Arc<str>, String)>,
    /// What was said of files of variables that are left out.
    pub(crate) missing_files: BTreeSet<String>,
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// The next batch follows.
    Done,
    /// The next play follows.
    EndPlay,
    /// Nothing follows.
    EndRun,
}

/// A batch under way.
pub(crate) struct Batch<'a> {
    shared: &'a Shared<'a>,
    memory: &'a mut Memory,
    engine: Arc<Engine>,
    scope: Arc<PlayScope>,
    hosts: Vec<HostRun>,
    /// How many hosts the batch has, those that failed in earlier plays included.
    size: usize,
    /// The hosts that may have a step to begin, while each goes at its own pace.
    awake: BTreeSet<usize>,
    /// All hosts of the play, for those that are left.
    all_hosts: Vec<Arc<str>>,
    pace: Pace,
    free: bool,
    pinned: bool,
    max_fail_percentage: Option<f64>,
    peers: Arc<Peers>,
    /// Whether the user is asked about each failure.
    debugs: bool,
    /// Whether the user, asked about a result, wants no more of the run.
    quits: bool,
    /// What the user said to each task (`--step`); none any more once all are to be done.
    confirmed: Option<HashMap<(Position, String), bool>>,
    /// Tasks whose start was shown.
    shown: HashSet<(Position, String)>,
    throttles: HashMap<String, Arc<Semaphore>>,
    /// The hosts that failed in this round of lockstep.
    round_failed: BTreeSet<Arc<str>>,
    /// Whether tasks added to the inventory what no task has seen yet.
    has_grown: bool,
    /// Whether a failure of this round is to fail all hosts.
    fatal: bool,
    end: BatchEnd,
    /// The play's place in the playbook.
    place: usize,
}

/// A host in a batch.
struct HostRun {
    name: Arc<str>,
    walk: Walk,
    /// The gathering of facts, as long as it was not done.
    gather: Option<Arc<Task>>,
    state: State,
    /// Whether `--start-at-task` was reached.
    started: bool,
    /// What it did in an earlier run, as long as it has not passed that by.
    replay: Option<Replay>,
    /// Where its first failure was that it has not recovered from.
    trouble: Option<HostProgress>,
    /// Whether `meta` took it out of the play.
    ended: bool,
    /// Whether it was lost and taken up again: what it missed is done when the others are through.
    late: bool,
    roles: RolesRun,
    /// Whether its failure left it nothing to do.
    through: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for its next step.
    Idle,
    /// A task of it runs.
    Busy,
    /// It is through, or dropped out.
    Gone,
}

/// What a batch starts with.
pub(crate) struct Start {
    pub(crate) engine: Arc<Engine>,
    pub(crate) scope: Arc<PlayScope>,
    /// The hosts of the batch, failed ones left out.
    pub(crate) hosts: Vec<Arc<str>>,
    /// How many they were with those.
    pub(crate) size: usize,
    pub(crate) all_hosts: Vec<Arc<str>>,
    /// The task that gathers facts first.
    pub(crate) gather: Option<Arc<Task>>,
    /// Whether hosts whose facts are known are spared that.
    pub(crate) smart: bool,
    pub(crate) pace: Pace,
    pub(crate) free: bool,
    /// No new host begins before another is through, beyond as many as tasks may run at a time.
    pub(crate) pinned: bool,
    pub(crate) force_handlers: bool,
    /// Whether the user is asked about each failure.
    pub(crate) debugs: bool,
    pub(crate) max_fail_percentage: Option<f64>,
    /// The play's place in the playbook.
    pub(crate) place: usize,
}

/// Which tasks tags let run. Tags that are templates may be any.
fn runs(only: &[String], skip: &[String]) -> Arc<dyn Fn(&Task) -> bool + Send + Sync> {
    let (only, skip) = (only.to_vec(), skip.to_vec());
    Arc::new(move |task| {
        let tags = task.keywords.tags.iter();
        let tags: Vec<String> = tags.flat_map(|tag| words(&tag.value)).collect();
        let (only, skip) = (&only, &skip);
        tags.iter().any(|tag| tag.contains("{{")) || TagFilter { only, skip }.allows(&tags)
    })
}

/// Takes the hosts through the play.
pub(crate) async fn run(shared: &Shared<'_>, memory: &mut Memory, start: Start) -> BatchEnd {
    let play = start.scope.play.clone();
    let started = memory.started;
    let replay = |name: &str| {
        let resume = shared.options.resume.as_ref()?;
        Replay::of(resume.hosts.get(name)?, start.place)
    };
    let skips = |tag: &String| tag == "always" || tag == "tagged";
    let skips_flushes = shared.options.skip_tags.iter().any(skips);
    let runs = runs(&shared.options.tags, &shared.options.skip_tags);
    let hosts = start.hosts.iter().map(|name| HostRun {
        name: name.clone(),
        walk: Walk::new(&play)
            .running(runs.clone())
            .forcing_handlers(start.force_handlers)
            .without_flushes(skips_flushes),
        gather: start.gather.clone().filter(|_| {
            let done = replay(name).is_some_and(|replay| replay.is_whole());
            !done
                && (!start.smart
                    || shared
                        .table
                        .get(name)
                        .is_none_or(|data| data.facts.is_empty()))
        }),
        state: State::Idle,
        started,
        replay: replay(name),
        trouble: None,
        ended: false,
        late: false,
        roles: RolesRun::default(),
        through: false,
    });
    let mut batch = Batch {
        hosts: hosts.collect(),
        size: start.size,
        awake: (0..start.hosts.len()).collect(),
        peers: Peers::new(&shared.table, start.hosts.clone()),
        // Who is alone has nobody to wait for, and nobody to get ahead of.
        pace: if start.free {
            Pace::Ready
        } else if start.hosts.len() == 1 || shared.options.any_errors_fatal {
            Pace::Lockstep
        } else {
            start.pace
        },
        free: start.free,
        pinned: start.pinned,
        shared,
        memory,
        engine: start.engine,
        scope: start.scope,
        all_hosts: start.all_hosts,
        max_fail_percentage: start.max_fail_percentage,
        debugs: start.debugs,
        quits: false,
        confirmed: shared.options.step.then(HashMap::new),
        shown: HashSet::new(),
        throttles: HashMap::new(),
        round_failed: BTreeSet::new(),
        has_grown: false,
        fatal: false,
        end: BatchEnd::Done,
        place: start.place,
    };
    batch.go().await;
    batch.note_progress();
    batch.end
}

impl Batch<'_> {
    async fn go(&mut self) {
        let shared = self.shared;
        let mut running = FuturesUnordered::new();
        let mut stop = shared.options.stop.clone();
        let mut again = None;
        loop {
            if !stop.requested() && !self.quits && !self.memory.aborted {
                let again = again.take().into_iter();
                for (at, job) in again.chain(self.startable().await) {
                    running.push(async move {
                        let report = task::perform(&job, shared).await;
                        (at, job, report)
                    });
                }
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                Some((at, job, report)) = running.next() => again = self.settle(at, job, report),
                () = stop.hard() => break,
            }
        }
        self.memory.stopped |= stop.requested() || self.quits;
    }

    /// Takes a result in. Gives a job that the user wants to be done again.
    fn settle(&mut self, at: usize, mut job: Job, report: Report) -> Option<(usize, Job)> {
        // As long as the job shares the host's maps, adding one fact would copy them all.
        job.variables = HostVariables::default();
        self.hosts[at].state = State::Idle;
        self.awake.insert(at);
        if self.memory.aborted {
            return None;
        }
        match report {
            Report::Crossing => self.pace = Pace::Lockstep,
            Report::Done { whole, includes } => {
                let verdict = self.debug(at, &mut job, &whole);
                if matches!(verdict, Verdict::Redo) {
                    self.awake.remove(&at);
                    return Some((at, job));
                }
                job.variables = HostVariables::default();
                let is_shown = !matches!(verdict, Verdict::Unasked);
                self.settle_result(at, &job, *whole, includes, is_shown);
            }
        }
        None
    }

    fn play(&self) -> &Arc<Play> {
        &self.scope.play
    }

    /// Watches for other hosts only as long as hosts go at their own pace.
    fn watch(&self, host: &str) -> Arc<Watch> {
        let watched = self.pace == Pace::Ready && !self.free;
        let data = self.shared.table.get(host);
        let unknown = data.map(|data| data.unknown.clone()).unwrap_or_default();
        Watch::with_unknown(watched.then(|| self.peers.clone()), unknown)
    }

    /// The variables of a task on a host.
    fn variables(&self, host: &str, task: &Task, watch: &Arc<Watch>) -> HostVariables {
        self.scope.of(host, watch).for_task(self.play(), task)
    }

    fn templates(&self, task: &Task, watch: Arc<Watch>) -> Templates {
        let role = task.role.as_ref().map(|role| role.path.clone());
        let mut folders: Vec<std::path::PathBuf> = Vec::new();
        let places = role
            .into_iter()
            .chain([task.folder.clone(), self.play().folder.clone()]);
        for folder in places {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Templates {
            engine: self.engine.clone(),
            options: self.shared.options.clone(),
            folders,
            watch,
        }
    }

    /// Templates of what the play itself says.
    fn play_templates(&self, play: &Play, watch: Arc<Watch>) -> Templates {
        Templates {
            engine: self.engine.clone(),
            options: self.shared.options.clone(),
            folders: vec![play.folder.clone()],
            watch,
        }
    }

    /// A templar for a task's keywords, outside of its run.
    fn templar(&self, host: &str, task: &Task) -> Templar {
        let watch = Watch::new(None);
        let variables = self.variables(host, task, &watch);
        self.templates(task, watch).templar(&variables)
    }

    /// Tells templates which hosts are left.
    fn refresh_hosts(&mut self) {
        let ended = |host: &Arc<str>| self.hosts.iter().any(|run| run.ended && run.name == *host);
        let gone = |host: &Arc<str>| {
            self.memory.failed.contains(host)
                || self.memory.condemned.contains(host)
                || self.memory.unreachable.contains(host)
                || ended(host)
        };
        let left = |hosts: &mut dyn Iterator<Item = &Arc<str>>| -> Json {
            hosts
                .filter(|host| !gone(host))
                .map(|host| Json::from(&**host))
                .collect()
        };
        let play_hosts = left(&mut self.all_hosts.iter());
        let batch_hosts = left(&mut self.hosts.iter().map(|host| &host.name));
        let scope = Arc::make_mut(&mut self.scope);
        scope.play_hosts = Arc::new(play_hosts);
        scope.batch_hosts = Arc::new(batch_hosts);
    }
}
