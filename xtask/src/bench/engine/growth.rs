//! Whether the cost is linear: the same with ten times as many, and pairs of resources that refer to each other.

use super::super::Goal;
use super::super::meter::Reading;
use super::lives::{self, Readings, STEPS};
use super::shapes::{self, Shape};
use crate::failure::Failure;

const TIMES: usize = 3;

/// Ten times as many instances may take eleven times as long.
const TENFOLD: f64 = 11.0;

/// Twice as many pairs may take this many times as long.
const TWOFOLD: f64 = 2.2;

/// So many `b[i]` refer to as many `a[i]`.
const PAIRS: usize = 2000;

/// Compares the steps of one shape with those of the same ten times as large.
pub(super) fn tenfold(strata: &str, shape: Shape, instances: usize) -> Result<Vec<Goal>, Failure> {
    let few = lived(strata, &shape.files(instances))?;
    let many = lived(strata, &shape.files(instances * 10))?;
    let title = format!("{} {}", shape.name(), instances * 10);
    Ok(grown(&title, &few, &many, TENFOLD))
}

/// Measures pairs of resources, and twice as many.
pub(super) fn pairs(strata: &str) -> Result<Vec<Goal>, Failure> {
    let few = lived(strata, &[("main.tf", shapes::pairs(PAIRS))])?;
    let many = lived(strata, &[("main.tf", shapes::pairs(PAIRS * 2))])?;
    let mut goals = Vec::new();
    for (step, reading) in STEPS.iter().zip(&few) {
        println!("pairs {PAIRS}, {}: strata {}", step.name, reading.shown());
        goals.push(Goal {
            name: format!("pairs {PAIRS}, {}", step.name),
            unit: " s",
            measured: reading.seconds,
            wanted: None,
            at_most: 1.0,
        });
    }
    goals.extend(grown(&format!("pairs {}", PAIRS * 2), &few, &many, TWOFOLD));
    Ok(goals)
}

/// The medians of several lives, by step.
fn lived(strata: &str, files: &[(&str, String)]) -> Result<Vec<Reading>, Failure> {
    let mut readings = Readings::default();
    lives::live(strata, files, TIMES, &mut readings)?;
    Ok(readings.iter().map(|step| Reading::middle(step)).collect())
}

fn grown(title: &str, few: &[Reading], many: &[Reading], at_most: f64) -> Vec<Goal> {
    let steps = STEPS.iter().zip(few.iter().zip(many));
    steps
        .map(|(step, (few, many))| {
            println!("{title}, {}: strata {}", step.name, many.shown());
            Goal {
                name: format!("{title}, {}, time beside the smaller one", step.name),
                unit: "",
                measured: many.seconds / few.seconds,
                wanted: None,
                at_most,
            }
        })
        .collect()
}
