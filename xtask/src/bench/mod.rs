//! `bench`: our figures beside those of the programs we replace, in one run on one machine.
//!
//! A bench is one file or folder here and one line in [`BENCHES`]. It prints what it measured and
//! its [`Goal`]s; a goal missed fails the command.

mod agent;
mod engine;
mod language;
mod machines;
mod meter;
mod options;
pub(crate) mod order;
mod play;
mod scratch;
mod startup;
mod up;
mod validate;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::process;
pub(crate) use meter::clock;
use options::Options;

const USAGE: &str = "\
Usage: cargo xtask bench NAME… [OPTION…]

  --pairs N          how often each side takes its turn
  --instances N      how many are made: by `up` 10, by `machines` 2000, by `engine` 100, by `play` all of 1, 5 and 10
  --shape NAME       only this part: of `engine` for_each, count, chains, modules, pairs, state or reads;
                     of `play` ssh, incus, task, modelled or inventory
  --side SIDE        run only `strata` or only the `peer`, and compare nothing
  --strata PATH      a binary to measure instead of building one

Benches:";

/// One thing to measure.
struct Bench {
    name: &'static str,
    about: &'static str,
    run: fn(&Options) -> Result<Vec<Goal>, Failure>,
}

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
    Bench {
        name: "up",
        about: "`strata up` of containers beside the same calls to Incus made by hand",
        run: up::measure,
    },
    Bench {
        name: "validate",
        about: "a configuration of 1,000 files beside `terraform validate`",
        run: validate::measure,
    },
    Bench {
        name: "language",
        about: "a map of 100,000 elements and functions over it beside `terraform console`",
        run: language::measure,
    },
    Bench {
        name: "machines",
        about: "a plan of 2,000 machines of Proxmox VE that are there, on the model",
        run: machines::measure,
    },
    Bench {
        name: "play",
        about: "100 tasks on 1, 5 and 10 containers beside ansible-core, mitogen and pyinfra; many hosts",
        run: play::measure,
    },
    Bench {
        name: "engine",
        about: "validate, plan, apply, no-op plan and destroy beside `terraform`; ten times as many; a large state",
        run: engine::measure,
    },
];

/// A figure, what we want it to be at most, and what it must be at most.
#[derive(Debug)]
pub(crate) struct Goal {
    name: String,
    unit: &'static str,
    measured: f64,
    /// Less than `at_most`; a figure between the two is told, but fails nothing.
    wanted: Option<f64>,
    at_most: f64,
}

impl Goal {
    fn is_met(&self) -> bool {
        self.measured <= self.at_most
    }

    fn line(&self) -> String {
        let Goal {
            name,
            unit,
            measured,
            wanted,
            at_most,
        } = self;
        let verdict = match wanted {
            _ if !self.is_met() => "MISSED",
            Some(wanted) if measured > wanted => "short of what is wanted",
            _ => "met",
        };
        let wanted = wanted.map_or(String::new(), |wanted| format!("{wanted}{unit} wanted, "));
        format!("{name}: {measured:.3}{unit} (goal: {wanted}at most {at_most}{unit}) {verdict}")
    }
}

/// Runs the benches named; without a name, says which there are.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let (names, options) = Options::parse(words)?;
    if names.is_empty() {
        println!("{USAGE}");
        for bench in BENCHES {
            println!("  {:<16} {}", bench.name, bench.about);
        }
        return Ok(());
    }
    let mut missed = Vec::new();
    for name in names {
        let bench = BENCHES
            .iter()
            .find(|bench| bench.name == name)
            .ok_or_else(|| unknown(name))?;
        for goal in (bench.run)(&options)? {
            println!("{}", goal.line());
            if !goal.is_met() {
                missed.push(goal.name);
            }
        }
    }
    match missed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("goals missed: {}", missed.join("; ")))),
    }
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
    Failure::new(format!(
        "there is no bench `{name}`; there are {}",
        known.join(", ")
    ))
}

/// Gives the binary to measure: the one named, or that of the release built now.
fn strata(options: &Options) -> Result<PathBuf, Failure> {
    let path = match &options.strata {
        Some(path) => path.clone(),
        None => {
            let build = ["cargo", "build", "--quiet", "--release", "--locked"];
            process::run(&[&build[..], &["--package", "strata-cli"]].concat())?;
            PathBuf::from("target/release/strata")
        }
    };
    // Absolute, since the benches run it in folders of their own.
    path.canonicalize()
        .map_err(|error| Failure::file(&path, &error))
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
        let goal = |measured, wanted| Goal {
            name: "size".to_owned(),
            unit: " MiB",
            measured,
            wanted,
            at_most: 4.0,
        };
        assert_eq!(
            goal(1.5, None).line(),
            "size: 1.500 MiB (goal: at most 4 MiB) met"
        );
        assert_eq!(
            goal(4.5, None).line(),
            "size: 4.500 MiB (goal: at most 4 MiB) MISSED"
        );
        assert_eq!(
            goal(1.5, Some(1.2)).line(),
            "size: 1.500 MiB (goal: 1.2 MiB wanted, at most 4 MiB) short of what is wanted"
        );
        assert!(goal(1.5, Some(1.2)).is_met());
        assert!(!goal(f64::NAN, None).is_met());
    }
}
