//! The first half of a step: it is prepared, and its call is written into the journal.

use std::sync::Arc;

use strata_config::module::ProvisionerWhen;
use strata_core::{
    Action, ApplyPhase, AttributePath, BoxFuture, Diagnostic, Diagnostics, Event, PathStep,
    provider::{Object, Progress},
};
use strata_state::{Call, StoredObject};

use super::{
    finish::Sent,
    prepare::{Order, Prepared, Task, prepare, prepare_read},
    provision,
    run::{Flight, Run, Status, Step},
};
use crate::{
    builtin,
    objects::{Template, shown_id},
    plan::{Change, Work},
};

/// True if the id of an object, or all of it, must not be shown.
fn hides_id(sensitive: &[AttributePath]) -> bool {
    let hides = |path: &AttributePath| match path.0.first() {
        None => true,
        Some(PathStep::Attribute(name)) => matches!(&**name, "id" | "name"),
        Some(_) => false,
    };
    sensitive.iter().any(hides)
}

impl<'a> Run<'a> {
    pub(super) fn begin(&mut self, at: usize, work: Work) {
        match work {
            Work::Join => {}
            Work::Forget(change) => self.forget(at, change),
            Work::Read(change) => {
                self.announce(at, ApplyPhase::Started, None);
                let (session, change) = (self.session, &self.plan.changes[change]);
                self.running.push(Box::pin(async move {
                    Step::Prepared(at, prepare_read(session, change).await)
                }));
            }
            Work::Create(change) => self.order(at, change, Call::Create),
            Work::Update(change) => self.order(at, change, Call::Update),
            Work::Delete(change) => self.order(at, change, Call::Delete),
        }
    }

    pub(super) fn forget(&mut self, at: usize, change: usize) {
        let change = &self.plan.changes[change];
        self.note(|journal| journal.remove(&change.address, change.deposed.as_ref()));
        self.state
            .remove(&change.address, change.deposed.as_deref());
        self.settle(at, Status::Done);
    }

    pub(super) fn order(&mut self, at: usize, index: usize, call: Call) {
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
        let unmet = match call {
            Call::Delete => Diagnostics::new(),
            Call::Create | Call::Update => self.unmet_preconditions(change),
        };
        if unmet.has_errors() {
            // What never began is not told of.
            self.told(at, unmet);
            return;
        }
        let order = Order {
            change,
            call,
            deposed,
            prior,
            template: self.template(change, call, stored),
            progress: self.progress(at, change),
        };
        let known = order
            .prior
            .as_ref()
            .and_then(|prior| shown_id(&prior.value));
        let is_shown = stored.is_some_and(|stored| !hides_id(&stored.sensitive));
        let known = known.filter(|_| is_shown);
        // An update whose values were not known may turn out to be none: it is told of when that is clear.
        match call == Call::Update && !change.config_known {
            true => self.untold[at] = Some(known),
            false => self.announce(at, ApplyPhase::Started, known),
        }
        let session = self.session;
        let provisioners = self.provisioners.clone();
        // Neither what was set aside nor what was never finished has its provisioners run.
        let is_whole = order.deposed.is_none() && !order.template.tainted;
        let steps = match call == Call::Delete && is_whole {
            true => provision::steps(session, &change.address, ProvisionerWhen::Destroy),
            false => None,
        };
        self.running.push(Box::pin(async move {
            if let (Some(steps), Some(itself)) = (steps, &change.before) {
                let address = &change.address;
                let run = provision::run(session, &*provisioners, address, steps, itself).await;
                if let Err(errors) = run {
                    return Step::Prepared(at, Err(errors));
                }
            }
            Step::Prepared(at, prepare(session, order).await)
        }));
    }

    /// What is wrong with what must hold before a change is made; what only later is known to be wrong, `prepare` finds.
    pub(super) fn unmet_preconditions(&self, change: &Change) -> Diagnostics {
        let mut unmet = Diagnostics::new();
        let resource = change.address.resource.config();
        let block = self.plan.environment.config.resource(&resource);
        if block.is_some_and(|block| !block.lifecycle.preconditions.is_empty()) {
            let evaluator = &self.session.evaluator;
            evaluator.preconditions(&change.address, &mut unmet);
        }
        unmet
    }

    pub(super) fn decode(
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

    pub(super) fn template(
        &self,
        change: &Change,
        call: Call,
        stored: Option<&StoredObject>,
    ) -> Template {
        match (call, stored) {
            (Call::Delete, Some(stored)) => Template {
                tainted: stored.tainted,
                dependencies: stored.dependencies.clone(),
                create_before_destroy: stored.create_before_destroy,
            },
            _ => change.template.clone(),
        }
    }

    pub(super) fn progress(&self, at: usize, change: &Change) -> Progress {
        let action = self.plan.graph.nodes[at].work.action();
        let (events, address, action) = (
            self.session.events.clone(),
            change.address.clone(),
            action.unwrap_or(change.action),
        );
        let progress = Progress::new(move |note: &str| {
            events.send(Event::Apply {
                address: address.clone(),
                action,
                phase: ApplyPhase::Progress(note.to_owned()),
                id: None,
            });
        });
        progress.with_place(self.places.of(at))
    }

    /// Writes a call into the journal, and gives it together with whether it reaches outside.
    pub(super) fn note_begin(
        &mut self,
        at: usize,
        prepared: Prepared,
    ) -> Option<(BoxFuture<'a, Step>, bool)> {
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
            Task::Nothing(value) => {
                self.unchanged(at, value);
                return None;
            }
            Task::Change(task) => *task,
        };
        if let Some(known) = self.untold[at].take() {
            self.announce(at, ApplyPhase::Started, known);
        }
        if task.begin.call == Call::Create {
            self.set_aside(index);
        }
        let begun = self.note(|journal| journal.begin(&task.begin))?;
        let flight = Box::new(Flight {
            begun,
            sent: Sent::new(&task, provider.continues(&task.request.type_name)),
            kind,
            deposed: task.begin.deposed.clone(),
        });
        // What lives only in state needs no trace that survives the machine: nothing could be left behind.
        let outside = &*change.provider.source != builtin::SOURCE;
        let call = async move { Step::Changed(at, flight, provider.apply(task.request).await) };
        Some((Box::pin(call), outside))
    }

    /// Before a replacement is made, the object it replaces goes under a key of its own.
    pub(super) fn set_aside(&mut self, index: usize) {
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
}
