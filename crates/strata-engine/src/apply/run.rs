//! The loop.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{
    Stream, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use strata_core::{
    Action, ApplyPhase, BoxFuture, ChangeCounts, Diagnostic, Diagnostics, Event, Events, Value,
    addr, hash::HashMap, provider::ApplyResponse,
};
use strata_state::{Begun, Journal, State, StateError, StoredObject};

use super::{
    Applied, ApplyOptions, Provisioners, Stop, finish::Sent, places::Places, prepare::Prepared,
};
use crate::{
    ephemeral,
    objects::Kind,
    plan::{Change, Plan, Work, edges},
    providers::Providers,
    session::Session,
};

/// Does what a plan says. It always gives the state as it is then; the journal has been told of everything.
pub async fn apply(
    plan: &Plan,
    providers: &Providers,
    journal: &mut Journal,
    options: &ApplyOptions,
    stop: &Stop,
    events: &Events,
) -> Applied {
    let session = Session::applying(&plan.environment, providers, events);
    let mut run = Run::new(&session, plan, journal, stop, options);
    run.hand_in_what_stays();
    for (from, to) in &plan.moves {
        run.note(|journal| journal.rename(from, to));
    }
    let abandoned = run.go().await;
    if !abandoned {
        run.open_what_outputs_need().await;
        run.check_what_stays();
        run.outputs();
        run.checks().await;
    }
    ephemeral::close(&session, &mut run.diagnostics).await;
    run.sum_up(abandoned)
}

/// How far a node of the graph is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Waiting,
    Done,
    Failed,
}

/// What comes out of the futures of the loop.
pub(super) enum Step {
    Provisioned(usize, Box<Made>, Result<(), Diagnostics>),
    Prepared(usize, Result<Prepared, Diagnostics>),
    Changed(usize, Box<Flight>, ApplyResponse),
    Read(
        usize,
        Kind,
        Vec<(strata_core::AttributePath, strata_core::Marks)>,
        Result<Value, Diagnostics>,
    ),
}

/// An object that was made, and that its provisioners work on.
pub(super) struct Made {
    pub(super) stored: StoredObject,
    pub(super) value: Value,
    pub(super) diagnostics: Diagnostics,
}

/// A call under way.
pub(super) struct Flight {
    pub(super) begun: Begun,
    pub(super) sent: Sent,
    pub(super) kind: Kind,
    pub(super) deposed: Option<Arc<str>>,
}

pub(super) struct Run<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) plan: &'a Plan,
    pub(super) journal: &'a mut Journal,
    pub(super) stop: &'a Stop,
    pub(super) places: Places,
    fold_every: Duration,
    folded: Instant,
    pub(super) provisioners: Arc<dyn Provisioners>,
    pub(super) state: State,
    pub(super) status: Vec<Status>,
    pub(super) waiting: Vec<usize>,
    pub(super) dependents: Vec<Vec<usize>>,
    pub(super) ready: VecDeque<usize>,
    /// For each change that makes the new object first, the key under which the old one was set aside.
    pub(super) set_aside: Vec<Option<Arc<str>>>,
    /// Updates that have not been told of yet, with the id to tell.
    pub(super) untold: Vec<Option<Option<String>>>,
    pub(super) running: FuturesUnordered<BoxFuture<'a, Step>>,
    pub(super) diagnostics: Diagnostics,
    pub(super) counts: ChangeCounts,
    pub(super) skipped: bool,
    /// What is said of the conditions that do not hold, by the instance that they are of.
    pub(super) unmet: HashMap<addr::ResourceInstance, Vec<String>>,
    /// Set when the journal or the state cannot be written: nothing may begin any more.
    pub(super) broken: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        session: &'a Session<'a>,
        plan: &'a Plan,
        journal: &'a mut Journal,
        stop: &'a Stop,
        options: &ApplyOptions,
    ) -> Self {
        let (waiting, dependents) = edges(&plan.graph);
        Self {
            session,
            plan,
            journal,
            stop,
            places: Places::new(options.parallelism),
            fold_every: options.fold_every,
            folded: Instant::now(),
            provisioners: options.provisioners.clone(),
            state: plan.prior.clone(),
            status: vec![Status::Waiting; waiting.len()],
            untold: vec![None; waiting.len()],
            ready: (0..waiting.len()).filter(|at| waiting[*at] == 0).collect(),
            waiting,
            dependents,
            set_aside: vec![None; plan.changes.len()],
            running: FuturesUnordered::new(),
            diagnostics: Diagnostics::new(),
            counts: ChangeCounts::default(),
            skipped: false,
            unmet: HashMap::default(),
            broken: false,
        }
    }

    /// Values of all that is not to be changed are known from the start.
    pub(super) fn hand_in_what_stays(&mut self) {
        let makes = |change: &&Change| {
            change.deposed.is_none()
                && !matches!(
                    change.action,
                    Action::NoOp | Action::Delete | Action::Forget
                )
        };
        let changing: std::collections::BTreeSet<_> = self
            .plan
            .changes
            .iter()
            .filter(makes)
            .map(|change| &change.address)
            .collect();
        for (address, resource, instance) in self.plan.prior.instances() {
            if let Some(stored) = &instance.current
                && !changing.contains(&address)
                && let Ok(provider) = self
                    .session
                    .provider_of(&address, Some(&resource.provider_of(instance)))
            {
                self.session
                    .set_stored(&address, &provider, stored, &mut self.diagnostics);
            }
        }
    }

    /// Runs until nothing is left to do; true if calls were left without waiting for their end.
    pub(super) async fn go(&mut self) -> bool {
        let stop = self.stop.clone();
        let left = std::pin::pin!(stop.left());
        let mut left = left;
        loop {
            self.start();
            if self.running.is_empty() {
                return false;
            }
            let came = {
                let room = std::pin::pin!(self.places.room(!self.ready.is_empty()));
                match select(&mut left, select(self.running.next(), room)).await {
                    Either::Left(_) => None,
                    Either::Right((Either::Left((step, _)), _)) => Some(step),
                    Either::Right((Either::Right(_), _)) => Some(None),
                }
            };
            let Some(step) = came else {
                self.note(|journal| journal.sync());
                return true;
            };
            let mut steps: Vec<Step> = step.into_iter().collect();
            steps.extend(self.also_ready().await);
            self.take(steps);
            self.fold();
        }
    }

    /// Writes the state, if that was long ago: a long run must not have all it did in the journal alone.
    fn fold(&mut self) {
        let is_time = self.folded.elapsed() >= self.fold_every;
        if self.broken || !is_time || self.journal.ended() == 0 {
            return;
        }
        let mut state = std::mem::take(&mut self.state);
        self.note(|journal| journal.fold_so_far(&mut state));
        self.state = state;
        self.folded = Instant::now();
    }

    /// Everything that has come back besides the first, so that one sync serves all.
    pub(super) async fn also_ready(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        std::future::poll_fn(|context| {
            while let Poll::Ready(Some(step)) =
                std::pin::Pin::new(&mut self.running).poll_next(context)
            {
                steps.push(step);
            }
            Poll::Ready(())
        })
        .await;
        steps
    }

    /// Starts what is ready, as far as there is room.
    pub(super) fn start(&mut self) {
        while let Some(at) = self.ready.front().copied() {
            let node = &self.plan.graph.nodes[at];
            let failed = node
                .after
                .iter()
                .any(|before| self.status[*before] == Status::Failed);
            if failed {
                self.ready.pop_front();
                self.skipped |= node.work != Work::Join;
                self.settle(at, Status::Failed);
                continue;
            }
            if node.work == Work::Join {
                self.ready.pop_front();
                self.settle(at, Status::Done);
                continue;
            }
            if self.stop.is_soft() || self.broken {
                self.ready.pop_front();
                self.skipped = true;
                self.settle(at, Status::Failed);
                continue;
            }
            if !self.places.take(at) {
                return;
            }
            self.ready.pop_front();
            self.begin(at, node.work);
        }
    }

    pub(super) fn fail(&mut self, at: usize, errors: Diagnostics) {
        if let Some(known) = self.untold[at].take() {
            self.announce(at, ApplyPhase::Started, known);
        }
        self.announce(at, ApplyPhase::Failed, None);
        self.keep_unmet(at, &errors);
        self.diagnostics.append(errors);
        self.settle(at, Status::Failed);
    }

    /// Remembers conditions of a step that do not hold, for the state.
    pub(super) fn keep_unmet(&mut self, at: usize, found: &Diagnostics) {
        let plan = self.plan;
        if let Some(change) = plan.graph.nodes[at].work.change() {
            self.keep_unmet_of(&plan.changes[change].address, found);
        }
    }

    /// The same, of an instance.
    pub(super) fn keep_unmet_of(&mut self, address: &addr::ResourceInstance, found: &Diagnostics) {
        let failed = found
            .iter()
            .filter(|found| found.code == "condition-failed");
        let messages: Vec<String> = failed.map(|found| found.detail.clone()).collect();
        if !messages.is_empty() {
            self.unmet.insert(address.clone(), messages);
        }
    }

    pub(super) fn settle(&mut self, at: usize, status: Status) {
        self.places.give_back(at);
        self.status[at] = status;
        for next in &self.dependents[at] {
            self.waiting[*next] -= 1;
            if self.waiting[*next] == 0 {
                self.ready.push_back(*next);
            }
        }
    }

    /// Writes into the journal; if that fails, nothing more may begin.
    pub(super) fn note<T>(
        &mut self,
        write: impl FnOnce(&mut Journal) -> Result<T, StateError>,
    ) -> Option<T> {
        match write(self.journal) {
            Ok(written) => Some(written),
            Err(error) => {
                if !self.broken {
                    // To fold what was done, the state is written, too.
                    let (code, what) = match &error {
                        StateError::Changed(_) => (
                            "state-changed",
                            "the state was changed by somebody else meanwhile",
                        ),
                        _ => ("journal-not-written", "the journal cannot be written"),
                    };
                    let summary = format!("{what}, so nothing more is begun");
                    self.diagnostics
                        .push(Diagnostic::error(code, summary).detail(error.to_string()));
                }
                self.broken = true;
                None
            }
        }
    }

    /// Says how far a step is: a replacement is told as its two halves.
    pub(super) fn announce(&self, at: usize, phase: ApplyPhase, id: Option<String>) {
        let work = self.plan.graph.nodes[at].work;
        if let (Some(index), Some(action)) = (work.change(), work.action()) {
            self.session.events.send(Event::Apply {
                address: self.plan.changes[index].address.clone(),
                action,
                phase,
                id,
            });
        }
    }

    pub(super) fn sum_up(mut self, abandoned: bool) -> Applied {
        let imported = |change: &&Change| change.importing.is_some();
        self.counts.import = self.plan.changes.iter().filter(imported).count();
        Applied {
            state: self.state,
            stopped: self.stop.is_soft() && (self.skipped || abandoned),
            diagnostics: self.diagnostics,
            counts: self.counts,
            abandoned,
        }
    }
}
