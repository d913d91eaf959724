//! Counting results as Ansible's recap does.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::HostCounts;

/// How a task on a host counts. Finer than an event's outcome: it knows rescues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Ok,
    Changed,
    Skipped,
    Failed,
    Rescued,
    /// A failure that is ignored counts as ok, too, and as changed if something changed before.
    Ignored {
        changed: bool,
    },
    Unreachable,
}

/// The counts of all hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(BTreeMap<Arc<str>, HostCounts>);

impl Counts {
    pub(crate) fn add(&mut self, host: &Arc<str>, count: Count) {
        let counts = self.0.entry(host.clone()).or_default();
        match count {
            Count::Ok => counts.ok += 1,
            Count::Changed => {
                counts.ok += 1;
                counts.changed += 1;
            }
            Count::Skipped => counts.skipped += 1,
            Count::Failed => counts.failed += 1,
            Count::Rescued => counts.rescued += 1,
            Count::Ignored { changed } => {
                counts.ok += 1;
                counts.ignored += 1;
                counts.changed += usize::from(changed);
            }
            Count::Unreachable => counts.unreachable += 1,
        }
    }

    /// By host name, as the recap is sorted.
    pub(crate) fn into_hosts(self) -> Vec<(Arc<str>, HostCounts)> {
        self.0.into_iter().collect()
    }
}
