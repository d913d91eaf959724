//! What a play costs: 100 mixed tasks on real containers beside other tools, one task, and many modelled hosts.
//!
//! Each of [`PARTS`] can be run alone with `--shape`. Other tools take part if they are there ([`peers`]); who is
//! missing is told by name.

mod compared;
mod many;
mod peers;
mod targets;
mod tasks;

use super::options::Options;
use super::{Goal, meter, strata};
use crate::failure::Failure;
use targets::Way;

/// One thing to measure.
enum Part {
    Compared(Way),
    Task,
    Modelled,
    Inventory,
}

const PARTS: [(&str, Part); 5] = [
    ("ssh", Part::Compared(Way::Ssh)),
    ("incus", Part::Compared(Way::Incus)),
    ("task", Part::Task),
    ("modelled", Part::Modelled),
    ("inventory", Part::Inventory),
];

/// Measures the part that is asked for, or all.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    meter::require()?;
    let wanted = |name: &str| options.shape.as_deref().is_none_or(|shape| shape == name);
    let chosen: Vec<_> = PARTS.iter().filter(|(name, _)| wanted(name)).collect();
    if chosen.is_empty() {
        let known = PARTS.map(|(name, _)| name).join(", ");
        return Err(Failure::new(format!("the parts of `play` are {known}")));
    }
    let strata = strata(options)?.display().to_string();
    let mut goals = Vec::new();
    for (_, part) in chosen {
        goals.extend(match part {
            Part::Compared(way) => compared::measure(&strata, *way, options)?,
            Part::Task => compared::one_task(&strata)?,
            Part::Modelled => many::modelled(&strata)?,
            Part::Inventory => many::inventory(&strata)?,
        });
    }
    Ok(goals)
}
