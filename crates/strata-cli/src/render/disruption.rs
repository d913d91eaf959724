//! What changes do to what runs, as far as a provider says it: a label and the reason, below the headline.

use strata_core::provider::EffectKind;
use strata_ops::infrastructure::{Change, Plan};

use super::style::{BAD, CHANGE, FAINT, paint};

/// The lines of one change, the worst first.
pub(super) fn lines(change: &Change) -> String {
    let mut effects: Vec<_> = change.effects.iter().collect();
    effects.sort_by_key(|effect| std::cmp::Reverse(effect.kind));
    let line = |kind: EffectKind, reason: &str| {
        let text = format!("# {}: {reason}", kind.label());
        let style = match kind {
            EffectKind::None | EffectKind::Live => FAINT,
            EffectKind::Restart => CHANGE,
            EffectKind::Rebuild | EffectKind::DataLoss => BAD,
        };
        format!("  {}\n", paint(style, &text))
    };
    effects
        .into_iter()
        .map(|effect| line(effect.kind, &effect.reason))
        .collect()
}

/// How many changes do what, each counted by the worst of it; empty if nothing that runs is disturbed.
pub(super) fn sum(plan: &Plan) -> String {
    let worst = |change: &Change| change.effects.iter().map(|effect| effect.kind).max();
    let kinds: Vec<EffectKind> = plan.changes.iter().filter_map(worst).collect();
    let counted = EffectKind::ALL.into_iter().rev().filter_map(|kind| {
        let count = kinds.iter().filter(|other| **other == kind).count();
        (kind > EffectKind::Live && count > 0).then(|| format!("{count} {}", kind.label()))
    });
    let counted: Vec<String> = counted.collect();
    match counted.is_empty() {
        true => String::new(),
        false => format!("Disruption: {}.\n", counted.join(", ")),
    }
}
