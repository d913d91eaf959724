//! Which hosts a plan makes, or makes anew: they are configured from nothing.

use std::sync::Arc;

use strata_core::{Action, Event, StageKind, Value, addr::ResourceMode, inventory::InventoryHost};
use strata_engine::{Change, Plan};

use super::{Run, inventory::unmarked};
use crate::project::Stage;

impl Run<'_> {
    /// Says which hosts a plan makes new; gives the names of those that are there and go, and those that it makes.
    pub(super) fn tell_hosts(
        &self,
        stage: &Stage,
        plan: &Plan,
    ) -> (Vec<Arc<str>>, Vec<InventoryHost>) {
        let (mut new, mut replaced, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut made = Vec::new();
        for change in &plan.changes {
            let planned = |value| self.planned_host(change, value);
            let host = |value| planned(value).map(|host| host.name);
            match change.action {
                Action::Create => new.extend(host(&change.after)),
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    replaced.extend(host(&change.after).or_else(|| host(&change.before)));
                    gone.extend(host(&change.before));
                }
                Action::Delete => gone.extend(host(&change.before)),
                _ => continue,
            }
            made.extend(planned(&change.after));
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
        (gone, made)
    }

    /// The host that an object is, if it is one, with the variables that are known of it by now.
    fn planned_host(&self, change: &Change, value: &Option<Value>) -> Option<InventoryHost> {
        let resource = &change.address.resource;
        if resource.mode != ResourceMode::Managed || change.deposed.is_some() {
            return None;
        }
        let object = unmarked(value.as_ref()?);
        let mut host = self.platforms.host(&resource.type_name, &object)?;
        host.variables.retain(|_, value| value.is_wholly_known());
        Some(host)
    }
}
