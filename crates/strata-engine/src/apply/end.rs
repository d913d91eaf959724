//! The second half of a step: what came back is recorded, and what waits for it may begin.

use std::sync::Arc;

use strata_config::module::ProvisionerWhen;
use strata_core::{Action, ApplyPhase, Diagnostics, Value, provider::ApplyResponse};
use strata_state::{Call, Outcome};

use super::{
    finish,
    provision::{self, Steps},
    run::{Flight, Made, Run, Status, Step},
};
use crate::{
    objects::{Kind, shown_id},
    plan::{Change, about, count},
};

impl<'a> Run<'a> {
    /// Takes what has come back: ends first, then begins, one sync, and only then the calls.
    pub(super) fn take(&mut self, steps: Vec<Step>) {
        let mut begun = Vec::new();
        let mut sync = false;
        for step in steps {
            match step {
                Step::Changed(at, flight, response) => self.changed(at, *flight, response),
                Step::Provisioned(at, made, result) => self.provisioned(at, *made, result),
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

    pub(super) fn changed(&mut self, at: usize, flight: Flight, response: ApplyResponse) {
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        let before = self
            .state
            .object(&change.address, flight.deposed.as_deref());
        let mut ended = finish::end(&flight.sent, &flight.kind, response, before);
        let is_made = flight.sent.call == Call::Create && !ended.diagnostics.has_errors();
        let steps = match is_made {
            true => provision::steps(self.session, &change.address, ProvisionerWhen::Create),
            false => None,
        };
        let made = match (&steps, &mut ended.outcome) {
            (Some(_), Outcome::Object(object)) => {
                let sound = (**object).clone();
                // Until its provisioners are done it is not what it should be, whatever happens meanwhile.
                object.tainted = true;
                Some(sound)
            }
            _ => None,
        };
        self.record(change, &flight, ended.outcome);
        if flight.sent.call == Call::Create {
            self.restore(index);
        }
        if let Some(value) = &ended.value {
            self.session
                .evaluator
                .set_instance(&change.address, value.clone());
        }
        match (steps, made, ended.value) {
            (Some(steps), Some(stored), Some(value)) => {
                let diagnostics = ended.diagnostics;
                let made = Box::new(Made {
                    stored,
                    value,
                    diagnostics,
                });
                self.provision(at, change, steps, made);
            }
            (_, _, value) => self.completed(at, flight.sent.call, value, ended.diagnostics),
        }
    }

    fn provision(&mut self, at: usize, change: &'a Change, steps: Steps<'a>, made: Box<Made>) {
        let (session, provisioners) = (self.session, self.provisioners.clone());
        self.running.push(Box::pin(async move {
            let address = &change.address;
            let run = provision::run(session, &*provisioners, address, steps, &made.value).await;
            Step::Provisioned(at, made, run)
        }));
    }

    /// Its provisioners are done, so that it is sound, or failed, so that it stays tainted.
    fn provisioned(&mut self, at: usize, made: Made, result: Result<(), Diagnostics>) {
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        let mut diagnostics = made.diagnostics;
        if let Err(errors) = result {
            diagnostics.append(errors);
            self.fail(at, diagnostics);
            return;
        }
        let provider: Arc<str> = change.provider.to_string().into();
        self.note(|journal| journal.put(&change.address, &provider, &made.stored));
        self.state
            .put(&change.address, None, &provider, made.stored);
        self.completed(at, Call::Create, Some(made.value), diagnostics);
    }

    /// All of a step is done, as far as it could be.
    fn completed(
        &mut self,
        at: usize,
        call: Call,
        value: Option<Value>,
        mut diagnostics: Diagnostics,
    ) {
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        if diagnostics.has_errors() {
            self.fail(at, diagnostics);
            return;
        }
        let id = value.as_ref().and_then(shown_id);
        self.announce(at, ApplyPhase::Finished(id), None);
        match call {
            Call::Create => count(&mut self.counts, Action::Create),
            Call::Update => count(&mut self.counts, Action::Update),
            Call::Delete => count(&mut self.counts, Action::Delete),
        }
        if let Some(value) = value {
            self.check_after(change, value, &mut diagnostics);
        }
        self.told(at, diagnostics);
    }

    /// The end of a step that has been told of: what depends on it goes on unless a condition does not hold.
    pub(super) fn told(&mut self, at: usize, diagnostics: Diagnostics) {
        let status = match diagnostics.has_errors() {
            true => Status::Failed,
            false => Status::Done,
        };
        self.keep_unmet(at, &diagnostics);
        self.diagnostics.append(diagnostics);
        self.settle(at, status);
    }

    /// An update that turned out to be none: only what state says of the object's surroundings may be new.
    pub(super) fn unchanged(&mut self, at: usize, value: Value) {
        self.untold[at] = None;
        let Some(index) = self.plan.graph.nodes[at].work.change() else {
            return;
        };
        let change = &self.plan.changes[index];
        if let Some(stored) = self.state.object(&change.address, None) {
            let mut stored = stored.clone();
            stored.dependencies = change.template.dependencies.clone();
            stored.create_before_destroy = change.template.create_before_destroy;
            let provider: Arc<str> = change.provider.to_string().into();
            self.note(|journal| journal.put(&change.address, &provider, &stored));
            self.state.put(&change.address, None, &provider, stored);
        }
        let evaluator = &self.session.evaluator;
        evaluator.set_instance(&change.address, value.clone());
        let mut diagnostics = Diagnostics::new();
        self.check_after(change, value, &mut diagnostics);
        self.told(at, diagnostics);
    }

    pub(super) fn check_after(&self, change: &Change, value: Value, diagnostics: &mut Diagnostics) {
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

    pub(super) fn record(&mut self, change: &Change, flight: &Flight, outcome: Outcome) {
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
    pub(super) fn restore(&mut self, index: usize) {
        let change = &self.plan.changes[index];
        if self.state.current(&change.address).is_none()
            && let Some(key) = self.set_aside[index].take()
        {
            self.note(|journal| journal.restore(&change.address, &key));
            self.state.restore(&change.address, &key);
        }
    }

    pub(super) fn read(
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
        let id = shown_id(&value);
        let stored = kind.encode(&value, Vec::new(), &change.template);
        let provider: Arc<str> = change.provider.to_string().into();
        self.note(|journal| journal.put(&change.address, &provider, &stored));
        self.state.put(&change.address, None, &provider, stored);
        self.session
            .evaluator
            .set_instance(&change.address, value.clone());
        let mut diagnostics = Diagnostics::new();
        self.check_after(change, value, &mut diagnostics);
        self.announce(at, ApplyPhase::Finished(id), None);
        self.told(at, diagnostics);
    }
}
