//! `bench`: our figures beside those of the programs we replace, in one run on one machine.
//!
//! A bench is one file here and one line in [`BENCHES`]. It prints what it measured and its
//! [`Goal`]s; a goal missed fails the command.

mod agent;
mod startup;

use crate::failure::Failure;

/// One thing to measure.
struct Bench {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<Vec<Goal>, Failure>,
}

// The next one, `up`, takes ten containers up against the same raw API calls.
const BENCHES: &[Bench] = &[
    Bench {
        name: "startup",
        about: "`strata version` beside `terraform version`",
        run: startup::measure,
    },
    Bench {
        name: "agent",
        about: "the agent's bytes on the wire and in memory",
        run: agent::measure,
    },
];

/// A figure and what it may be at most.
#[derive(Debug)]
pub(crate) struct Goal {
    name: &'static str,
    unit: &'static str,
    measured: f64,
    at_most: f64,
}

impl Goal {
    fn is_met(&self) -> bool {
        self.measured <= self.at_most
    }

    fn line(&self) -> String {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        format!(
            "{}: {:.3}{} (goal: at most {}{}) {verdict}",
            self.name, self.measured, self.unit, self.at_most, self.unit
        )
    }
}

/// Runs the benches named; without a name, says which there are.
pub(crate) fn run(names: &[&str]) -> Result<(), Failure> {
    if names.is_empty() {
        for bench in BENCHES {
            println!("{:<8} {}", bench.name, bench.about);
        }
        return Ok(());
    }
    let mut missed = Vec::new();
    for name in names {
        let bench = BENCHES
            .iter()
            .find(|bench| bench.name == *name)
            .ok_or_else(|| unknown(name))?;
        for goal in (bench.run)()? {
            println!("{}", goal.line());
            if !goal.is_met() {
                missed.push(goal.name);
            }
        }
    }
    match missed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("goals missed: {}", missed.join(", ")))),
    }
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
    Failure::new(format!(
        "there is no bench `{name}`; there are {}",
        known.join(", ")
    ))
}

/// Gives the middle one of the figures, or the mean of the two in the middle.
fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_goal_says_whether_it_is_met() {
        let goal = |measured| Goal {
            name: "size",
            unit: " MiB",
            measured,
            at_most: 4.0,
        };
        assert_eq!(
            goal(1.5).line(),
            "size: 1.500 MiB (goal: at most 4 MiB) met"
        );
        assert_eq!(
            goal(4.5).line(),
            "size: 4.500 MiB (goal: at most 4 MiB) MISSED"
        );
        assert!(!goal(f64::NAN).is_met());
    }
}
