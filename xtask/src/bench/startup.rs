//! How long it takes to start and say a version, pairwise with Terraform.
//!
//! The two take turns, so that whatever else the machine does weighs on both alike.

use std::time::Instant;

use super::{Goal, median, options::Options, strata};
use crate::failure::Failure;
use crate::process;

const PAIRS: usize = 30;

/// Measures both and compares their medians.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    if !process::succeeds(&["terraform", "version"]) {
        return Err(Failure::new(
            "`startup` compares with `terraform`, which is not installed",
        ));
    }
    let strata = strata(options)?.display().to_string();
    let pairs = options.pairs.unwrap_or(PAIRS);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        ours.push(milliseconds(&strata)?);
        theirs.push(milliseconds("terraform")?);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!("startup: strata {ours:.2} ms, terraform {theirs:.2} ms (medians of {pairs} pairs)");
    Ok(vec![Goal {
        name: "startup, strata / terraform".to_owned(),
        unit: "",
        measured: ours / theirs,
        wanted: None,
        at_most: 0.05,
    }])
}

fn milliseconds(program: &str) -> Result<f64, Failure> {
    let mut version = process::command(&[program, "version"]);
    // Otherwise it would ask a server for newer versions, which is no part of starting.
    version.env("CHECKPOINT_DISABLE", "1");
    let start = Instant::now();
    process::output_of(&mut version)?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}
