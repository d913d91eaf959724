//! Which roles have run for a host: another role that depends on one of them does not run it again.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value as Json;
use strata_playbook::play::{Role, Task};

/// The roles of one host in one play.
#[derive(Default)]
pub(super) struct RolesRun {
    /// Roles of which a task was done, not only skipped.
    begun: BTreeSet<String>,
    finished: BTreeSet<String>,
}

impl RolesRun {
    pub(super) fn did(&mut self, task: &Task) {
        if let Some(role) = &task.role {
            self.begun.insert(key(role));
        }
    }

    pub(super) fn finish(&mut self, role: &Arc<Role>) {
        let key = key(role);
        if self.begun.contains(&key) {
            self.finished.insert(key);
        }
    }

    /// True for a task of a dependency that has run before with equal parameters.
    pub(super) fn is_repeated(&self, task: &Task) -> bool {
        task.role.as_ref().is_some_and(|role| {
            let dependency = !role.parents.is_empty() && !role.allow_duplicates;
            dependency && self.finished.contains(&key(role))
        })
    }
}

fn key(role: &Role) -> String {
    let parameters = Json::Object((*role.parameters).clone());
    format!("{}\0{parameters}", role.path.display())
}
