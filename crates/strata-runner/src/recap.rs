//! What came out of a run.

use std::{collections::BTreeSet, sync::Arc};

use strata_core::HostCounts;

use crate::{Findings, JsonMap, Progress};

/// The results of a run, as the recap shows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recap {
    /// Every host that did something, by name, with its counts.
    pub hosts: Vec<(Arc<str>, HostCounts)>,
    /// The hosts that failed and were not rescued, nor had their errors cleared.
    pub failed: BTreeSet<Arc<str>>,
    /// The hosts that could not be reached.
    pub unreachable: BTreeSet<Arc<str>>,
    /// Whether the run was stopped from outside before its end.
    pub stopped: bool,
    /// Whether a mistake in a later play ended the run, after earlier plays had run.
    pub broken: bool,
    /// Whether a mistake of the playbook ended the run in the middle of a play.
    pub aborted: bool,
    /// What `set_stats` collected for the whole run.
    pub statistics: JsonMap,
    /// How far each host came, if the run did not come to its end.
    pub progress: Progress,
    /// What the next playbook of the same command line knows from this one.
    pub findings: Arc<Findings>,
}

impl Recap {
    /// The exit code of `ansible-playbook`: 4 if hosts were unreachable, 2 if hosts failed, 1 if a play could
    /// not be run at all, or the run ended in the middle of one, else 0.
    pub fn exit_code(&self) -> u8 {
        if self.aborted {
            return 1;
        }
        match (self.unreachable.is_empty(), self.failed.is_empty()) {
            (false, _) => 4,
            (true, false) => 2,
            (true, true) => u8::from(self.broken),
        }
    }

    /// How many tasks changed something, over all hosts.
    pub fn changed(&self) -> usize {
        self.hosts.iter().map(|(_, counts)| counts.changed).sum()
    }
}
