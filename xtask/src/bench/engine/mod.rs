//! What planning and applying cost: beside Terraform, with ten times as many instances, and with a large state.
//!
//! Each of [`PARTS`] can be run alone with `--shape`, since Terraform takes minutes for one at the size
//! that we publish.

mod growth;
mod lives;
mod reads;
mod shapes;
mod state;

use super::options::{Options, Side};
use super::{Goal, meter, strata};
use crate::failure::Failure;
pub(super) use shapes::{GROUP, Shape};

const INSTANCES: usize = 100;

/// From this size on the goals are those that we publish.
const PUBLISHED: usize = 1000;

/// What one run works with.
struct Bench<'a> {
    /// Our binary, if our side is run.
    strata: Option<String>,
    peer: bool,
    instances: usize,
    options: &'a Options,
}

/// One thing to measure, by the name that `--shape` takes.
enum Part {
    Life(Shape),
    Pairs,
    State,
    Reads,
}

const PARTS: [(&str, Part); 7] = [
    ("for_each", Part::Life(Shape::ForEach)),
    ("count", Part::Life(Shape::Count)),
    ("chains", Part::Life(Shape::Chains)),
    ("modules", Part::Life(Shape::Modules)),
    ("pairs", Part::Pairs),
    ("state", Part::State),
    ("reads", Part::Reads),
];

/// Measures the part that is asked for, or all.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    let chosen = chosen(options.shape.as_deref())?;
    let instances = options.instances.unwrap_or(INSTANCES);
    if !instances.is_multiple_of(GROUP) {
        return Err(Failure::new(format!(
            "`--instances` must be a multiple of {GROUP}, since there are {GROUP} chains and modules have {GROUP} resources"
        )));
    }
    meter::require()?;
    let strata = match options.runs(Side::Strata) {
        true => Some(strata(options)?.display().to_string()),
        false => None,
    };
    let bench = Bench {
        strata,
        peer: options.runs(Side::Peer),
        instances,
        options,
    };
    let mut goals = Vec::new();
    for part in chosen {
        goals.extend(bench.part(part)?);
    }
    Ok(goals)
}

fn chosen(name: Option<&str>) -> Result<Vec<&'static Part>, Failure> {
    let found: Vec<_> = PARTS
        .iter()
        .filter(|(known, _)| name.is_none_or(|name| name == *known))
        .map(|(_, part)| part)
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failure::new(format!(
            "there is no shape `{}`; there are {}",
            name.unwrap_or_default(),
            PARTS.map(|(name, _)| name).join(", ")
        ))),
    }
}

impl Bench<'_> {
    fn part(&self, part: &Part) -> Result<Vec<Goal>, Failure> {
        let ours = self.strata.as_deref();
        let mut goals = match part {
            Part::Life(shape) => lives::compared(self, *shape)?,
            _ => Vec::new(),
        };
        if let Some(strata) = ours {
            goals.extend(match part {
                Part::Life(shape) => growth::tenfold(strata, *shape, self.instances)?,
                Part::Pairs => growth::pairs(strata)?,
                Part::State => state::measure(strata)?,
                Part::Reads => reads::measure(strata)?,
            });
        }
        Ok(goals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_chosen_by_name() {
        assert_eq!(chosen(Some("pairs")).map(|parts| parts.len()), Ok(1));
        assert_eq!(chosen(None).map(|parts| parts.len()), Ok(PARTS.len()));
        let said = chosen(Some("ring")).map(drop).unwrap_err().to_string();
        assert!(
            said.contains("no shape `ring`; there are for_each"),
            "{said}"
        );
    }
}
