//! The second half of a step: what came back is recorded, and what waits for it may begin.

use std::sync::Arc;

use strata_core::{Action, ApplyPhase, Diagnostics, Value, provider::ApplyResponse};
use strata_state::{Call, Outcome};

use super::{
    finish,
    run::{Flight, Run, Status, Step},
};
use crate::{
    objects::Kind,
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
}

/// The id that users know an object by, unless it is secret.
fn shown_id(value: &Value) -> Option<String> {
    let id = value.get("id").or_else(|| value.get("name"))?;
    match id.marks().is_none() && value.marks().is_none() {
        true => id.as_str().map(str::to_owned),
        false => None,
    }
}
