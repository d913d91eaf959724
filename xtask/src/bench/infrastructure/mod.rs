//! A whole life of many `terraform_data`, step by step: `strata` beside `terraform`.
//!
//! For each of the four [`Shape`]s both sides run the same [`STEPS`] on the same files in folders
//! of their own, taking turns step by step. What is compared are medians over all pairs.

mod meter;
mod shapes;

use super::options::{Options, Side};
use super::scratch::Scratch;
use super::{Goal, median, strata};
use crate::failure::Failure;
use crate::process;
use meter::Reading;
use shapes::{GROUP, Shape};

const PAIRS: usize = 3;
const INSTANCES: usize = 100;

/// From this size on the goals are those that we publish.
const PUBLISHED: usize = 1000;

/// One command of a life.
struct Step {
    name: &'static str,
    words: &'static [&'static str],
    /// With this exit code it has done what it should.
    code: i32,
    /// How many times faster than Terraform we are, at the published size.
    times_faster: f64,
}

const STEPS: [Step; 5] = [
    Step {
        name: "validate",
        words: &["validate", "-no-color"],
        code: 0,
        times_faster: 10.0,
    },
    Step {
        name: "plan",
        words: &["plan", "-input=false", "-no-color", "-detailed-exitcode"],
        code: 2,
        times_faster: 100.0,
    },
    Step {
        name: "apply",
        words: &["apply", "-input=false", "-no-color", "-auto-approve"],
        code: 0,
        times_faster: 100.0,
    },
    Step {
        name: "no-op plan",
        words: &["plan", "-input=false", "-no-color", "-detailed-exitcode"],
        code: 0,
        times_faster: 100.0,
    },
    Step {
        name: "destroy",
        words: &["destroy", "-input=false", "-no-color", "-auto-approve"],
        code: 0,
        times_faster: 100.0,
    },
];

/// Our peak memory is to be at most this part of Terraform's.
const MEMORY: f64 = 0.2;

/// Measures every shape and compares step by step.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    let instances = options.instances.unwrap_or(INSTANCES);
    if !instances.is_multiple_of(GROUP) {
        return Err(Failure::new(format!(
            "`--instances` must be a multiple of {GROUP}, since chains and modules have {GROUP} each"
        )));
    }
    meter::require()?;
    let strata = match options.runs(Side::Strata) {
        true => Some(strata(options)?.display().to_string()),
        false => None,
    };
    let mut goals = Vec::new();
    for shape in Shape::ALL {
        let mut lives = Lives::default();
        for _ in 0..options.pairs.unwrap_or(PAIRS) {
            lives.live(
                shape,
                instances,
                strata.as_deref(),
                options.runs(Side::Peer),
            )?;
        }
        goals.extend(lives.compare(shape, instances));
    }
    Ok(goals)
}

/// Readings of all pairs, by step.
#[derive(Debug, Default)]
struct Lives {
    strata: [Vec<Reading>; STEPS.len()],
    terraform: [Vec<Reading>; STEPS.len()],
}

impl Lives {
    fn live(
        &mut self,
        shape: Shape,
        instances: usize,
        strata: Option<&str>,
        peer: bool,
    ) -> Result<(), Failure> {
        let ours = Scratch::with(&shape.files(instances))?;
        let theirs = Scratch::with(&shape.files(instances))?;
        if peer {
            // Not timed: what it fetches and links has no counterpart here.
            let mut init = process::command(&["terraform", "init", "-input=false", "-no-color"]);
            process::output_of(
                init.current_dir(theirs.path())
                    .env("CHECKPOINT_DISABLE", "1"),
            )?;
        }
        for (at, step) in STEPS.iter().enumerate() {
            let run = |folder: &Scratch, program: &str| {
                meter::measure(folder.path(), &[&[program], step.words].concat(), step.code)
            };
            if let Some(strata) = strata {
                self.strata[at].push(run(&ours, strata)?);
            }
            if peer {
                self.terraform[at].push(run(&theirs, "terraform")?);
            }
        }
        Ok(())
    }

    fn compare(&self, shape: Shape, instances: usize) -> Vec<Goal> {
        let mut goals = Vec::new();
        for (at, step) in STEPS.iter().enumerate() {
            let title = format!("{} {instances}, {}", shape.name(), step.name);
            let (ours, theirs) = (middle(&self.strata[at]), middle(&self.terraform[at]));
            println!(
                "{title}: strata {}, terraform {}",
                shown(ours),
                shown(theirs)
            );
            if !self.strata[at].is_empty() && !self.terraform[at].is_empty() {
                goals.extend(goals_of(step, &title, instances, ours, theirs));
            }
        }
        goals
    }
}

/// Below the published size Terraform's start-up weighs most, and we only must not lose.
fn goals_of(
    step: &Step,
    title: &str,
    instances: usize,
    ours: Reading,
    theirs: Reading,
) -> [Goal; 2] {
    let published = instances >= PUBLISHED;
    let goal = |what: &str, measured: f64, at_most: f64| Goal {
        name: format!("{title}, {what}, strata / terraform"),
        unit: "",
        measured,
        wanted: None,
        at_most: if published { at_most } else { 1.0 },
    };
    [
        goal(
            "time",
            ours.seconds / theirs.seconds,
            1.0 / step.times_faster,
        ),
        goal("peak memory", ours.mebibytes / theirs.mebibytes, MEMORY),
    ]
}

fn middle(readings: &[Reading]) -> Reading {
    let of = |part: fn(&Reading) -> f64| median(&readings.iter().map(part).collect::<Vec<_>>());
    Reading {
        seconds: of(|reading| reading.seconds),
        mebibytes: of(|reading| reading.mebibytes),
    }
}

fn shown(reading: Reading) -> String {
    match reading.seconds.is_nan() {
        true => "not run".to_owned(),
        false => format!("{:.3} s {:.1} MiB", reading.seconds, reading.mebibytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goals(instances: usize) -> [Goal; 2] {
        let reading = |seconds, mebibytes| Reading { seconds, mebibytes };
        goals_of(
            &STEPS[1],
            "count",
            instances,
            reading(0.05, 10.0),
            reading(1.0, 100.0),
        )
    }

    #[test]
    fn the_published_goals_hold_for_the_published_size() {
        let [time, memory] = goals(PUBLISHED);
        assert!(!time.is_met(), "{time:?}");
        assert!(memory.is_met(), "{memory:?}");
    }

    #[test]
    fn below_that_size_we_must_not_lose() {
        let [time, _] = goals(PUBLISHED - GROUP);
        assert!(time.is_met(), "{time:?}");
    }
}
