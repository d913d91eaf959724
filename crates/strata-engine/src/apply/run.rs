//! The loop.

use std::{collections::VecDeque, sync::Arc, task::Poll};

use futures_util::{Stream, StreamExt, future::Either, stream::FuturesUnordered};
use strata_core::{
    Action, ApplyPhase, BoxFuture, ChangeCounts, Diagnostic, Diagnostics, Event, Events, Marks,
    Value,
    addr::ModuleInstance,
    provider::{ApplyResponse, Object, Progress},
};
use strata_state::{Begun, Call, Journal, Outcome, Output, State, StateError, StoredObject};

use super::{
    Applied, ApplyOptions, Stop,
    finish::{self, Sent},
    prepare::{Order, Prepared, Task, prepare, prepare_read},
};
use crate::{
    builtin,
    objects::{Kind, Template},
    plan::{Change, Plan, PlanMode, Work, about, count, edges},
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
        run.outputs();
    }
    run.sum_up(abandoned)
}

/// How far a node of the graph is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Waiting,
    Done,
    Failed,
}

/// What comes out of the futures of the loop.
enum Step {
    Prepared(usize, Result<Prepared, Diagnostics>),
    Changed(usize, Box<Flight>, ApplyResponse),
    Read(
        usize,
        Kind,
        Vec<(strata_core::AttributePath, strata_core::Marks)>,
        Result<Value, Diagnostics>,
    ),
}

/// A call under way.
struct Flight {
    begun: Begun,
    sent: Sent,
    kind: Kind,
    deposed: Option<Arc<str>>,
}

struct Run<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan,
    journal: &'a mut Journal,
    stop: &'a Stop,
    parallelism: usize,
    state: State,
    status: Vec<Status>,
    waiting: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    ready: VecDeque<usize>,
    /// For each change that makes the new object first, the key under which the old one was set aside.
    set_aside: Vec<Option<Arc<str>>>,
    running: FuturesUnordered<BoxFuture<'a, Step>>,
    diagnostics: Diagnostics,
    counts: ChangeCounts,
    skipped: bool,
    /// Set when the journal cannot be written: nothing may begin any more.
    broken: bool,
}

impl<'a> Run<'a> {
    fn new(
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
            parallelism: options.parallelism.max(1),
            state: plan.prior.clone(),
            status: vec![Status::Waiting; waiting.len()],
            ready: (0..waiting.len()).filter(|at| waiting[*at] == 0).collect(),
            waiting,
            dependents,
            set_aside: vec![None; plan.changes.len()],
            running: FuturesUnordered::new(),
            diagnostics: Diagnostics::new(),
            counts: ChangeCounts::default(),
            skipped: false,
            broken: false,
        }
    }

    /// Values of all that is not to be changed are known from the start.
    fn hand_in_what_stays(&mut self) {
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
                    .provider_of(&address.resource, Some(&resource.provider))
            {
                self.session
                    .set_stored(&address, &provider, stored, &mut self.diagnostics);
            }
        }
    }

    /// Runs until nothing is left to do; true if calls were left without waiting for their end.
    async fn go(&mut self) -> bool {
        let stop = self.stop.clone();
        let left = std::pin::pin!(stop.left());
        let mut left = left;
        loop {
            self.start();
            if self.running.is_empty() {
                return false;
            }
            let next = futures_util::future::select(&mut left, self.running.next());
            let mut steps: Vec<Step> = match next.await {
                Either::Left(_) => {
                    self.note(|journal| journal.sync());
                    return true;
                }
                Either::Right((step, _)) => step.into_iter().collect(),
            };
            steps.extend(self.also_ready().await);
            self.take(steps);
        }
    }

    /// Everything that has come back besides the first, so that one sync serves all.
    async fn also_ready(&mut self) -> Vec<Step> {
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
    fn start(&mut self) {
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
            if self.running.len() >= self.parallelism {
                return;
            }
            self.ready.pop_front();
            if self.stop.is_soft() || self.broken {
                self.skipped = true;
                self.settle(at, Status::Failed);
                continue;
            }
            self.begin(at, node.work);
        }
    }

    fn begin(&mut self, at: usize, work: Work) {
        match work {
            Work::Join => {}
            Work::Forget(change) => self.forget(at, change),
            Work::Read(change) => {
                let prepared = prepare_read(self.session, &self.plan.changes[change]);
                self.running
                    .push(Box::pin(std::future::ready(Step::Prepared(at, prepared))));
            }
            Work::Create(change) => self.order(at, change, Call::Create),
            Work::Update(change) => self.order(at, change, Call::Update),
            Work::Delete(change) => self.order(at, change, Call::Delete),
        }
    }

    fn forget(&mut self, at: usize, change: usize) {
        let change = &self.plan.changes[change];
        self.note(|journal| journal.remove(&change.address, change.deposed.as_ref()));
        self.state
            .remove(&change.address, change.deposed.as_deref());
        self.settle(at, Status::Done);
    }

    fn order(&mut self, at: usize, index: usize, call: Call) {
        let change = &self.plan.changes[index];
        let deposed = match call {
            Call::Delete => self.set_aside[index]
                .clone()
                .or_else(|| change.deposed.clone()),
            Call::Create | Call::Update => None,
        };
        let stored = match call {
            Call::Create => None,
            Call::Update | Call::Delete => self.state.object(&change.address, deposed.as_deref()),
        };
        let prior = match self.decode(change, stored) {
            Ok(prior) => prior,
            Err(errors) => {
                self.fail(at, errors);
                return;
            }
        };
        let order = Order {
            change,
            call,
            deposed,
            prior,
            template: self.template(change, call, stored),
            progress: self.progress(change),
        };
        self.announce(change, ApplyPhase::Started);
        let session = self.session;
        self.running.push(Box::pin(async move {
            Step::Prepared(at, prepare(session, order).await)
        }));
    }

    fn decode(
        &self,
        change: &Change,
        stored: Option<&StoredObject>,
    ) -> Result<Option<Object>, Diagnostics> {
        let Some(stored) = stored else {
            return Ok(None);
        };
        let mut diags = Diagnostics::new();
        let Some(kind) = self
            .session
            .kind(&change.provider, &change.address, &mut diags)
        else {
            return Err(diags);
        };
        kind.decode(stored).map(Some).map_err(|error| {
            let summary = format!("the state of `{}` cannot be read", change.address);
            Diagnostic::error("unreadable-state", summary)
                .detail(error.to_string())
                .into()
        })
    }

    fn template(&self, change: &Change, call: Call, stored: Option<&StoredObject>) -> Template {
        match (call, stored) {
            (Call::Delete, Some(stored)) => Template {
                tainted: stored.tainted,
                dependencies: stored.dependencies.clone(),
                create_before_destroy: stored.create_before_destroy,
            },
            _ => change.template.clone(),
        }
    }

    fn progress(&self, change: &Change) -> Progress {
        let (events, address, action) = (
            self.session.events.clone(),
            change.address.clone(),
            change.action,
        );
        Progress(Arc::new(move |note: &str| {
            events.send(Event::Apply {
                address: address.clone(),
                action,
                phase: ApplyPhase::Progress(note.to_owned()),
            });
        }))
    }

    fn announce(&self, change: &Change, phase: ApplyPhase) {
        self.session.events.send(Event::Apply {
            address: change.address.clone(),
            action: change.action,
            phase,
        });
    }

    /// Takes what has come back: ends first, then begins, one sync, and only then the calls.
    fn take(&mut self, steps: Vec<Step>) {
        let mut begun = Vec::new();
        let mut sync = false;
        for step in steps {
            match step {
                Step::Changed(at, flight, response) => self.changed(at, *flight, response),
                Step::Read(at, kind, marks, value) => self.read(at, &kind, &marks, value),
                Step::Prepared(at, Err(errors)) => self.fail(at, errors),
                Step::Prepared(at, Ok(prepared)) => {
                    if let Some((call, outside)) = self.note_begin(at, prepared) {
                        sync |= outside;
                        begun.push(call);
                    }
                }
            }
        }
        self.note(|journal| {
            if sync {
                journal.sync()
            } else {
                journal.flush()
            }
        });
        if self.broken {
            // The calls are not made, so what the journal may say of them is that nothing came of it.
            begun.clear();
            return;
        }
        self.running.extend(begun);
    }

    /// Writes a call into the journal, and gives it together with whether it reaches outside.
    fn note_begin(&mut self, at: usize, prepared: Prepared) -> Option<(BoxFuture<'a, Step>, bool)> {
        let Prepared {
            kind,
            provider,
            task,
        } = prepared;
        let index = self.plan.graph.nodes[at].work.change()?;
        let change = &self.plan.changes[index];
        let task = match task {
            Task::Read { config, marks } => {
                let type_name = change.address.resource.type_name.clone();
                let call = async move {
                    Step::Read(at, kind, marks, provider.read_data(type_name, config).await)
                };
                return Some((Box::pin(call), false));
            }
            Task::Change(task) => *task,
        };
        if task.begin.call == Call::Create {
            self.set_aside(index);
        }
        let begun = self.note(|journal| journal.begin(&task.begin))?;
        let flight = Box::new(Flight {
            begun,
            sent: Sent::new(&task),
            kind,
            deposed: task.begin.deposed.clone(),
        });
        // What lives only in state needs no trace that survives the machine: nothing could be left behind.
        let outside = &*change.provider.source != builtin::SOURCE;
        let call = async move { Step::Changed(at, flight, provider.apply(task.request).await) };
        Some((Box::pin(call), outside))
    }

    /// Before a replacement is made, the object it replaces goes under a key of its own.
    fn set_aside(&mut self, index: usize) {
        let change = &self.plan.changes[index];
        if change.action != Action::CreateThenDelete
            || self.state.current(&change.address).is_none()
        {
            return;
        }
        let key: Arc<str> = uuid::Uuid::new_v4().simple().to_string()[..8].into();
        self.note(|journal| journal.depose(&change.address, &key));
        self.state.depose(&change.address, &key);
        self.set_aside[index] = Some(key);
    }

    fn changed(&mut self, at: usize, flight: Flight, response: ApplyResponse) {
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        let before = self
            .state
            .object(&change.address, flight.deposed.as_deref());
        let ended = finish::end(&flight.sent, &flight.kind, response, before);
        self.record(change, &flight, ended.outcome);
        if flight.sent.call == Call::Create {
            self.restore(index);
        }
        let mut diagnostics = ended.diagnostics;
        if let Some(value) = ended.value {
            let id = shown_id(&value);
            self.session
                .evaluator
                .set_instance(&change.address, value.clone());
            if !diagnostics.has_errors() {
                self.check_after(change, value, &mut diagnostics);
                self.announce(change, ApplyPhase::Finished(id));
            }
        } else if !diagnostics.has_errors() {
            self.announce(change, ApplyPhase::Finished(None));
        }
        if diagnostics.has_errors() {
            self.fail(at, diagnostics);
            return;
        }
        self.diagnostics.append(diagnostics);
        match flight.sent.call {
            Call::Create => count(&mut self.counts, Action::Create),
            Call::Update => count(&mut self.counts, Action::Update),
            Call::Delete => count(&mut self.counts, Action::Delete),
        }
        self.settle(at, Status::Done);
    }

    fn check_after(&self, change: &Change, value: Value, diagnostics: &mut Diagnostics) {
        let block = self
            .plan
            .environment
            .config
            .resource(&change.address.resource.config());
        if block.is_some_and(|block| !block.lifecycle.postconditions.is_empty()) {
            self.session
                .evaluator
                .postconditions(&change.address, value, diagnostics);
        }
    }

    fn record(&mut self, change: &Change, flight: &Flight, outcome: Outcome) {
        self.note(|journal| journal.end(flight.begun, outcome.clone()));
        let deposed = flight.deposed.as_deref();
        match outcome {
            Outcome::Object(object) => {
                let provider: Arc<str> = change.provider.to_string().into();
                self.state.put(&change.address, deposed, &provider, *object);
            }
            Outcome::Gone => {
                self.state.remove(&change.address, deposed);
            }
            Outcome::Unchanged => {}
        }
    }

    /// If no replacement came to be, the object that was set aside for it is current again.
    fn restore(&mut self, index: usize) {
        let change = &self.plan.changes[index];
        if self.state.current(&change.address).is_none()
            && let Some(key) = self.set_aside[index].take()
        {
            self.note(|journal| journal.restore(&change.address, &key));
            self.state.restore(&change.address, &key);
        }
    }

    fn read(
        &mut self,
        at: usize,
        kind: &Kind,
        marks: &[(strata_core::AttributePath, strata_core::Marks)],
        value: Result<Value, Diagnostics>,
    ) {
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        let value = match value {
            Ok(value) => kind.mark(&value, marks),
            Err(errors) => {
                self.fail(at, about(errors, &change.address));
                return;
            }
        };
        let stored = kind.encode(&value, Vec::new(), &change.template);
        let provider: Arc<str> = change.provider.to_string().into();
        self.note(|journal| journal.put(&change.address, &provider, &stored));
        self.state.put(&change.address, None, &provider, stored);
        self.session
            .evaluator
            .set_instance(&change.address, value.clone());
        let mut diagnostics = Diagnostics::new();
        self.check_after(change, value, &mut diagnostics);
        match diagnostics.has_errors() {
            true => self.fail(at, diagnostics),
            false => self.settle(at, Status::Done),
        }
    }

    fn fail(&mut self, at: usize, errors: Diagnostics) {
        if let Some(index) = self.plan.graph.nodes[at].work.change() {
            self.announce(&self.plan.changes[index], ApplyPhase::Failed);
        }
        self.diagnostics.append(errors);
        self.settle(at, Status::Failed);
    }

    fn settle(&mut self, at: usize, status: Status) {
        self.status[at] = status;
        for next in &self.dependents[at] {
            self.waiting[*next] -= 1;
            if self.waiting[*next] == 0 {
                self.ready.push_back(*next);
            }
        }
    }

    /// Writes into the journal; if that fails, nothing more may begin.
    fn note<T>(&mut self, write: impl FnOnce(&mut Journal) -> Result<T, StateError>) -> Option<T> {
        match write(self.journal) {
            Ok(written) => Some(written),
            Err(error) => {
                if !self.broken {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "journal-not-written",
                            "the journal cannot be written, so nothing more is begun",
                        )
                        .detail(error.to_string()),
                    );
                }
                self.broken = true;
                None
            }
        }
    }

    fn outputs(&mut self) {
        if self.plan.mode == PlanMode::Destroy {
            if !self.plan.targeted && self.state.resources.is_empty() {
                self.state.outputs.clear();
            }
            return;
        }
        let complete = !self.skipped && !self.diagnostics.has_errors();
        for (name, change) in &self.plan.outputs {
            if change.action == Action::Delete {
                self.state.outputs.remove(name);
                continue;
            }
            let mut diags = Diagnostics::new();
            let value = self
                .session
                .evaluator
                .output(&ModuleInstance::root(), name, &mut diags);
            // Outputs that cannot be told after a failure stay as they were; the failure has been reported.
            if complete {
                self.diagnostics.append(diags);
            }
            let declared = self.plan.environment.config.root().outputs.get(name);
            let sensitive = declared.is_some_and(|output| output.sensitive)
                || value.marks_deep().contains(Marks::SENSITIVE);
            let value = value.unmark_paths().0;
            if !value.is_wholly_known() {
                continue;
            }
            match value.is_null() {
                true => self.state.outputs.remove(name),
                false => self
                    .state
                    .outputs
                    .insert(name.clone(), Output { value, sensitive }),
            };
        }
    }

    fn sum_up(self, abandoned: bool) -> Applied {
        Applied {
            state: self.state,
            stopped: self.stop.is_soft() && (self.skipped || abandoned),
            diagnostics: self.diagnostics,
            counts: self.counts,
            abandoned,
        }
    }
}

/// The id that users know an object by, unless it is secret.
fn shown_id(value: &Value) -> Option<String> {
    let id = value.get("id").or_else(|| value.get("name"))?;
    match id.marks().is_none() && value.marks().is_none() {
        true => id.as_str().map(str::to_owned),
        false => None,
    }
}
