//! The end of an apply that did not do everything: what failed, what was not begun, what to do next.

use std::collections::BTreeSet;

use strata_core::{Diagnostic, Subject};
use strata_ops::infrastructure::{Applied, Plan};

use super::style::{BAD, HEADING, paint};

/// Sums up; empty if everything was done.
pub(crate) fn summary(applied: &Applied, plan: &Plan) -> String {
    let failed: BTreeSet<String> = applied.diagnostics.iter().filter_map(failed).collect();
    let planned = plan.counts();
    let done = &applied.counts;
    let wanted = planned.add + planned.change + planned.destroy;
    let made = done.add + done.change + done.destroy;
    let mut text = format!(
        "\n{} {made} of {wanted} changes were made: {} added, {} changed, {} destroyed.\n",
        paint(
            BAD,
            if applied.stopped {
                "Stopped."
            } else {
                "Failed."
            }
        ),
        done.add,
        done.change,
        done.destroy
    );
    for address in &failed {
        text.push_str(&format!("  {} {address}\n", paint(BAD, "!")));
    }
    text.push_str(&format!(
        "{} What was done is recorded in the state. Mend the cause and apply again: it goes on from here.\n",
        paint(HEADING, "Next:")
    ));
    text
}

fn failed(diagnostic: &Diagnostic) -> Option<String> {
    match &diagnostic.subject {
        Some(Subject::Resource(address)) if diagnostic.is_error() => {
            Some(format!("{address}: {}", diagnostic.summary))
        }
        _ => None,
    }
}
