//! Which handlers are notified, by a changed task and by what is included behind it.

use std::{collections::BTreeSet, sync::Arc};

use strata_core::Diagnostic;
use strata_playbook::{
    play::{Handler, Node},
    walk::Walk,
};

use super::{Batch, settle::missing_handler};
use crate::{handlers, outcome::ItemResult, task::Job};

impl Batch<'_> {
    /// Notes the handlers that a changed task notifies. Gives the name that nobody has.
    pub(super) fn notify(
        &mut self,
        at: usize,
        job: &Job,
        whole: &mut ItemResult,
    ) -> Result<(), String> {
        if !whole.is_changed() || whole.is_failed() || whole.notify.is_empty() {
            return Ok(());
        }
        let templar = self.templar(&job.host, &job.task);
        for name in std::mem::take(&mut whole.notify) {
            let walk = &mut self.hosts[at].walk;
            let found = handlers::find(walk.handlers(), &name, &templar);
            if found.is_empty() && self.shared.options.needs_handlers {
                return Err(name);
            }
            if found.is_empty() {
                let warning =
                    Diagnostic::warning("missing-handler-ignored", missing_handler(&name));
                self.shared
                    .events
                    .diagnostic(warning.at(job.task.span.clone()));
            }
            let walk = &mut self.hosts[at].walk;
            for handler in found {
                walk.notify(handler);
            }
            walk.notify_name(name);
        }
        Ok(())
    }

    /// Puts included tasks behind the current step, and notifies the handlers that the names notified so far mean now:
    /// of several with one name the last is meant when handlers run, not when the name is notified.
    pub(super) fn put_in(
        &mut self,
        at: usize,
        job: &Job,
        nodes: Vec<Node>,
        handlers: Vec<Arc<Handler>>,
    ) {
        let templar = self.templar(&job.host, &job.task);
        let walk = &mut self.hosts[at].walk;
        if handlers.is_empty() || walk.notified_names().is_empty() {
            walk.include(nodes, handlers);
            return;
        }
        let meant = |walk: &Walk| -> BTreeSet<usize> {
            let names = walk.notified_names().iter();
            names
                .flat_map(|name| handlers::find(walk.handlers(), name, &templar))
                .collect()
        };
        let before = meant(walk).into_iter();
        let before: Vec<_> = before.map(|place| walk.handlers()[place].clone()).collect();
        walk.include(nodes, handlers);
        walk.take_back(&before);
        for place in meant(walk) {
            walk.notify(place);
        }
    }
}
