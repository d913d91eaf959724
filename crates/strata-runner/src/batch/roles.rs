//! Which roles have run for a host: they do not run again.

use std::{collections::BTreeSet, sync::Arc};

use strata_playbook::play::{Role, Task};

/// The roles of one host in one play.
#[derive(Default)]
pub(super) struct RolesRun {
    /// Roles of which a task was done, not only skipped.
    begun: BTreeSet<Arc<str>>,
    finished: BTreeSet<Arc<str>>,
}

impl RolesRun {
    pub(super) fn did(&mut self, task: &Task) {
        if let Some(role) = &task.role {
            self.begun.insert(role.identity.clone());
        }
    }

    pub(super) fn finish(&mut self, role: &Role) {
        if self.begun.contains(&role.identity) {
            self.finished.insert(role.identity.clone());
        }
    }

    /// True for a task of a role that has run before in the same way.
    pub(super) fn is_repeated(&self, task: &Task) -> bool {
        let role = task.role.as_ref();
        role.is_some_and(|role| !role.allow_duplicates && self.finished.contains(&role.identity))
    }
}
