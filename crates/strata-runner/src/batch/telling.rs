//! Telling how far hosts came and what they found out, for a run that may be killed.

use std::sync::Arc;

use serde_json::Value as Json;
use strata_playbook::{play::Task, walk::Position};

use super::Batch;
use crate::{HostProgress, JsonMap, Note, resume::label, run::holds_any};

impl Batch<'_> {
    /// Tells that a host begins a task.
    pub(super) fn tell_start(&self, at: usize, position: &Position, task: &Task, handler: bool) {
        if self.shared.options.journal.is_none() || position.is_empty() {
            return;
        }
        let host = &self.hosts[at];
        let here = || {
            let name = label(task);
            let notified = host.walk.notified();
            let notified = notified.map(|(_, waiting)| label(&waiting.task));
            HostProgress {
                play: self.place,
                position: position.clone(),
                notified: notified.chain(handler.then(|| name.clone())).collect(),
                task: name,
                ..HostProgress::default()
            }
        };
        // A host that recovers goes on where it failed.
        let progress = host.trouble.clone().unwrap_or_else(here);
        self.tell(&Note::At {
            host: host.name.clone(),
            progress,
        });
    }

    /// Tells what a task found out.
    pub(super) fn tell_values(
        &self,
        host: &Arc<str>,
        values: &JsonMap,
        gathered: bool,
        no_log: bool,
    ) {
        if self.shared.options.journal.is_none() {
            return;
        }
        let revealed = self.shared.options.vault.revealed();
        let hidden = |value: &Json| no_log || (!revealed.is_empty() && holds_any(value, &revealed));
        let (secret, open): (Vec<_>, Vec<_>) = values.iter().partition(|(_, value)| hidden(value));
        self.tell(&Note::Values {
            host: host.clone(),
            values: open
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            gathered,
            secret: secret.into_iter().map(|(name, _)| name.clone()).collect(),
        });
    }

    pub(super) fn tell(&self, note: &Note) {
        if let Some(journal) = &self.shared.options.journal {
            journal(note);
        }
    }
}
