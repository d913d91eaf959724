//! What the variables of a play take from a host's facts once they are there.

use std::sync::Arc;

use strata_core::Diagnostics;

use super::Batch;
use crate::{
    counts::Count,
    vars_files::{self, Facts},
};

impl Batch<'_> {
    /// Reads `vars_files` again where their names are made of variables; a host whose file cannot be
    /// read drops out.
    pub(super) fn read_vars_files(&mut self, host: &Arc<str>, facts: Facts) {
        let play = self.play().clone();
        if !vars_files::depend_on_facts(&play) {
            return;
        }
        let mut diags = Diagnostics::new();
        let templates = |watch| self.play_templates(&play, watch);
        let read = vars_files::read(templates, &self.scope, host, facts, &mut diags);
        let told = &mut self.memory.missing_files;
        let errors = vars_files::tell(diags, told, self.shared.events);
        if errors.is_empty() {
            let scope = Arc::make_mut(&mut self.scope);
            scope.vars_files.insert(host.clone(), read);
            return;
        }
        for diagnostic in errors {
            self.shared.events.diagnostic(diagnostic);
        }
        if let Some(at) = self.hosts.iter().position(|run| run.name == *host) {
            self.memory.counts.add(host, Count::Failed);
            self.drop_out(at);
        }
    }
}
