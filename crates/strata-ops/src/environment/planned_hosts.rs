//! Which hosts a plan makes, or makes anew: they are configured from nothing.

use std::sync::Arc;

use strata_core::{Action, Event, StageKind, Value, addr::ResourceMode};
use strata_engine::{Change, Plan};

use super::{Run, inventory::unmarked};
use crate::project::Stage;

impl Run<'_> {
    /// Says which hosts a plan makes new; gives the names of those that are there and go.
    pub(super) fn tell_hosts(&self, stage: &Stage, plan: &Plan) -> Vec<Arc<str>> {
        let (mut new, mut replaced, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for change in &plan.changes {
            let host = |value| self.planned_host(change, value);
            match change.action {
                Action::Create => new.extend(host(&change.after)),
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    replaced.extend(host(&change.after).or_else(|| host(&change.before)));
                    gone.extend(host(&change.before));
                }
                Action::Delete => gone.extend(host(&change.before)),
                _ => {}
            }
        }
        let mut stages = self.environment.stages.iter();
        let is_configured = stages.any(|stage| stage.kind() == StageKind::Configure);
        if is_configured && !(new.is_empty() && replaced.is_empty()) {
            self.events.send(Event::HostsPlanned {
                stage: stage.name.clone(),
                new,
                replaced,
            });
        }
        gone
    }

    /// The name of the host that an object is, if it is one.
    fn planned_host(&self, change: &Change, value: &Option<Value>) -> Option<Arc<str>> {
        let resource = &change.address.resource;
        if resource.mode != ResourceMode::Managed || change.deposed.is_some() {
            return None;
        }
        let object = unmarked(value.as_ref()?);
        Some(self.platforms.host(&resource.type_name, &object)?.name)
    }
}
