//! A whole life of many `terraform_data`, step by step: `strata` beside `terraform`.
//!
//! Both sides run the same [`STEPS`] on the same files in folders of their own. Ours takes moments, so
//! it is lived several times for each life of Terraform's; what is compared are medians.

use super::super::Goal;
use super::super::meter::{self, Reading};
use super::super::scratch::Scratch;
use super::{Bench, PUBLISHED, Shape};
use crate::failure::Failure;
use crate::process;

const PAIRS: usize = 3;

/// So many lives of ours go with one of Terraform's.
const OURS: usize = 3;

/// One command of a life.
pub(super) struct Step {
    pub(super) name: &'static str,
    words: &'static [&'static str],
    /// With this exit code it has done what it should.
    code: i32,
    /// How many times faster than Terraform we are, at the published size.
    times_faster: f64,
}

/// What is done with a configuration, in order.
pub(super) const STEPS: [Step; 5] = [
    Step {
        name: "validate",
        words: &["validate", "-no-color"],
        code: 0,
        times_faster: 1.0,
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

impl Step {
    /// Runs it in a folder.
    pub(super) fn run(&self, folder: &Scratch, program: &str) -> Result<Reading, Failure> {
        meter::measure(folder.path(), &[&[program], self.words].concat(), self.code)
    }
}

/// Our peak memory is to be at most this part of Terraform's.
const MEMORY: f64 = 0.2;

/// Readings of several lives, by step.
pub(super) type Readings = [Vec<Reading>; STEPS.len()];

/// Lives so many times with one program.
pub(super) fn live(
    program: &str,
    files: &[(&str, String)],
    times: usize,
    readings: &mut Readings,
) -> Result<(), Failure> {
    for _ in 0..times {
        let folder = Scratch::with(files)?;
        for (at, step) in STEPS.iter().enumerate() {
            readings[at].push(step.run(&folder, program)?);
        }
    }
    Ok(())
}

/// Measures one shape on both sides and compares step by step.
pub(super) fn compared(bench: &Bench<'_>, shape: Shape) -> Result<Vec<Goal>, Failure> {
    let files = shape.files(bench.instances);
    let (mut ours, mut theirs) = (Readings::default(), Readings::default());
    for _ in 0..bench.options.pairs.unwrap_or(PAIRS) {
        if let Some(strata) = &bench.strata {
            live(strata, &files, OURS, &mut ours)?;
        }
        if bench.peer {
            terraform(&files, &mut theirs)?;
        }
    }
    Ok(compare(shape, bench.instances, &ours, &theirs))
}

fn terraform(files: &[(&str, String)], readings: &mut Readings) -> Result<(), Failure> {
    let folder = Scratch::with(files)?;
    // Not timed: what it fetches and links has no counterpart here.
    let mut init = process::command(&["terraform", "init", "-input=false", "-no-color"]);
    process::output_of(meter::alone(&mut init).current_dir(folder.path()))?;
    for (at, step) in STEPS.iter().enumerate() {
        readings[at].push(step.run(&folder, "terraform")?);
    }
    Ok(())
}

fn compare(shape: Shape, instances: usize, ours: &Readings, theirs: &Readings) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (at, step) in STEPS.iter().enumerate() {
        let title = format!("{} {instances}, {}", shape.name(), step.name);
        let middles = (Reading::middle(&ours[at]), Reading::middle(&theirs[at]));
        println!(
            "{title}: strata {}, terraform {} (medians of {} and {})",
            middles.0.shown(),
            middles.1.shown(),
            ours[at].len(),
            theirs[at].len()
        );
        if !ours[at].is_empty() && !theirs[at].is_empty() {
            goals.extend(goals_of(step, &title, instances, middles));
        }
    }
    goals
}

/// Below the published size Terraform's start-up weighs most, and we only must not lose.
fn goals_of(
    step: &Step,
    title: &str,
    instances: usize,
    (ours, theirs): (Reading, Reading),
) -> [Goal; 2] {
    let published = instances >= PUBLISHED;
    let goal = |what: &str, measured: f64, at_most: f64| Goal {
        name: format!("{title}, {what}, strata / terraform"),
        unit: "",
        measured,
        wanted: None,
        at_most: if published { at_most } else { 1.0 },
    };
    let memory = if step.times_faster > 1.0 { MEMORY } else { 1.0 };
    [
        goal(
            "time",
            ours.seconds / theirs.seconds,
            1.0 / step.times_faster,
        ),
        goal("peak memory", ours.mebibytes / theirs.mebibytes, memory),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::GROUP;
    use super::*;

    fn goals(instances: usize) -> [Goal; 2] {
        let reading = |seconds, mebibytes| Reading {
            seconds,
            mebibytes,
            cpu: seconds,
        };
        let readings = (reading(0.05, 10.0), reading(1.0, 100.0));
        goals_of(&STEPS[1], "count", instances, readings)
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
