//! Puts stages behind those they come after.

use std::collections::BTreeSet;

use strata_core::{Diagnostic, Diagnostics};

use super::{Stage, stage_id};

/// Sorts stages so that each is behind those it comes after, otherwise in the order of the file.
///
/// A cycle is reported with its path, and gives no order.
pub(super) fn sort(stages: Vec<Stage>, diags: &mut Diagnostics) -> Vec<Stage> {
    let mut order: Vec<usize> = Vec::new();
    let mut placed = BTreeSet::new();
    while order.len() < stages.len() {
        let free = |at: &usize| {
            !placed.contains(at)
                && stages[*at]
                    .after
                    .iter()
                    .all(|before| placed.contains(before))
        };
        let Some(next) = (0..stages.len()).find(free) else {
            diags.push(cycle(&stages, &placed));
            return Vec::new();
        };
        placed.insert(next);
        order.push(next);
    }
    renumber(stages, &order)
}

fn renumber(stages: Vec<Stage>, order: &[usize]) -> Vec<Stage> {
    let mut stages: Vec<Option<Stage>> = stages.into_iter().map(Some).collect();
    let position = |old: usize| {
        order
            .iter()
            .position(|at| *at == old)
            .expect("every stage is in the order")
    };
    let mut sorted = Vec::new();
    for old in order {
        let mut stage = stages[*old]
            .take()
            .expect("every stage is in the order once");
        stage.after = stage.after.iter().map(|before| position(*before)).collect();
        sorted.push(stage);
    }
    sorted
}

/// Walks from any stage that could not be placed until one comes up again.
fn cycle(stages: &[Stage], placed: &BTreeSet<usize>) -> Diagnostic {
    let waiting = |at: usize| {
        stages[at]
            .after
            .iter()
            .copied()
            .find(|before| !placed.contains(before))
    };
    let mut path: Vec<usize> = (0..stages.len())
        .find(|at| !placed.contains(at))
        .into_iter()
        .collect();
    while let Some(next) = path.last().copied().and_then(waiting) {
        if let Some(start) = path.iter().position(|at| *at == next) {
            path.drain(..start);
            path.push(next);
            break;
        }
        path.push(next);
    }
    let names: Vec<_> = path
        .iter()
        .map(|at| format!("`{}`", stage_id(stages[*at].kind(), &stages[*at].name)))
        .collect();
    let mut diagnostic = Diagnostic::error("stage-cycle", "Stages wait for each other").detail(
        format!("Each of these comes after the next: {}.", names.join(" → ")),
    );
    for at in path.iter().skip(1) {
        diagnostic = diagnostic.at(stages[*at].span.clone());
    }
    diagnostic
}
