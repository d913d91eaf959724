//! How long expressions over a hundred thousand elements take, pairwise with Terraform, and whether the cost is linear.
//!
//! Each expression goes to `console` on standard input and answers with a number, so that nothing is measured that
//! prints. The elements come from a file, since `range` makes 1,024 at most.

use super::meter::{self, Reading};
use super::options::{Options, Side};
use super::scratch::Scratch;
use super::{Goal, strata};
use crate::failure::Failure;

const PAIRS: usize = 3;

/// Ours takes moments, so it has several turns for each of Terraform's.
const OURS: usize = 3;

const ELEMENTS: usize = 100_000;

/// Other sizes, for ourselves alone: how many, and how many times the time of [`ELEMENTS`] it may take.
const SIZES: [(usize, f64); 2] = [(10_000, 0.2), (200_000, 2.2)];

const EXPRESSIONS: [(&str, &str); 5] = [
    ("for", "length(local.items)"),
    ("jsonencode", "length(jsonencode(local.items))"),
    ("jsondecode", "length(jsondecode(jsonencode(local.items)))"),
    ("merge", "length(merge(local.items, { more = 1 }))"),
    (
        "templatefile",
        "length(templatefile(\"list.tftpl\", { items = local.items }))",
    ),
];

const MAIN: &str = "locals {
  numbers = split(\"\\n\", file(\"numbers.txt\"))
  items = {
    for i in local.numbers : \"key-${i}\" => { id = i, name = upper(\"name ${i}\"), tags = [\"a\", \"b-${i}\"] }
  }
}
";

const TEMPLATE: &str = "%{ for key, item in items ~}
${key} = ${item.name} (${item.id})
%{ endfor ~}
";

/// Measures all expressions on both sides, and ours in other sizes.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    meter::require()?;
    let strata = match options.runs(Side::Strata) {
        true => Some(strata(options)?.display().to_string()),
        false => None,
    };
    let pairs = options.pairs.unwrap_or(PAIRS);
    let folder = folder(ELEMENTS)?;
    let mut goals = Vec::new();
    for (name, _) in EXPRESSIONS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..pairs {
            if let Some(strata) = &strata {
                asked(&folder, strata, name, OURS, &mut ours)?;
            }
            if options.runs(Side::Peer) {
                asked(&folder, "terraform", name, 1, &mut theirs)?;
            }
        }
        goals.extend(compared(name, &ours, &theirs));
        if let Some(strata) = &strata {
            goals.extend(sized(strata, name, Reading::middle(&ours))?);
        }
    }
    Ok(goals)
}

fn folder(elements: usize) -> Result<Scratch, Failure> {
    let numbers: Vec<String> = (1..=elements).map(|at| at.to_string()).collect();
    let folder = Scratch::with(&[
        ("main.tf", MAIN.to_owned()),
        ("list.tftpl", TEMPLATE.to_owned()),
        ("numbers.txt", numbers.join("\n")),
    ])?;
    for (name, text) in EXPRESSIONS {
        folder.write(name, &format!("{text}\n"))?;
    }
    Ok(folder)
}

fn asked(
    folder: &Scratch,
    program: &str,
    name: &str,
    times: usize,
    readings: &mut Vec<Reading>,
) -> Result<(), Failure> {
    for _ in 0..times {
        let words = [program, "console"];
        readings.push(meter::measure_reading(folder.path(), &words, name)?);
    }
    Ok(())
}

fn compared(name: &str, ours: &[Reading], theirs: &[Reading]) -> Vec<Goal> {
    let (strata, terraform) = (Reading::middle(ours), Reading::middle(theirs));
    println!(
        "{name} of {ELEMENTS}: strata {}, terraform {} (medians of {} and {})",
        strata.shown(),
        terraform.shown(),
        ours.len(),
        theirs.len()
    );
    if ours.is_empty() || theirs.is_empty() {
        return Vec::new();
    }
    let goal = |what: &str, measured: f64, at_most: f64| Goal {
        name: format!("{name} of {ELEMENTS}, {what}, strata / terraform"),
        unit: "",
        measured,
        wanted: None,
        at_most,
    };
    vec![
        goal("time", strata.seconds / terraform.seconds, 1.0 / 20.0),
        goal(
            "peak memory",
            strata.mebibytes / terraform.mebibytes,
            1.0 / 3.0,
        ),
    ]
}

fn sized(strata: &str, name: &str, usual: Reading) -> Result<Vec<Goal>, Failure> {
    let mut goals = Vec::new();
    for (elements, at_most) in SIZES {
        let folder = folder(elements)?;
        let mut readings = Vec::new();
        asked(&folder, strata, name, OURS, &mut readings)?;
        let middle = Reading::middle(&readings);
        println!("{name} of {elements}: strata {}", middle.shown());
        goals.push(Goal {
            name: format!("{name} of {elements}, time beside that of {ELEMENTS}"),
            unit: "",
            measured: middle.seconds / usual.seconds,
            wanted: None,
            at_most,
        });
    }
    Ok(goals)
}
