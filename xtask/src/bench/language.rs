//! How long expressions over a hundred thousand elements take, pairwise with Terraform, and whether the cost is linear.
//!
//! Each expression goes to `console` on standard input and answers with a number or a hash, so that printing is not
//! measured. The elements come from a file, since `range` makes 1,024 at most. They are
//! mapped to texts and to objects.

use super::meter::{self, Reading};
use super::options::{Options, Side};
use super::scratch::Scratch;
use super::{Goal, strata};
use crate::failure::Failure;

const PAIRS: usize = 3;

/// Ours takes moments, so it has several turns for each of Terraform's.
const OURS: usize = 9;

const ELEMENTS: usize = 100_000;

/// Larger sizes, for ourselves alone: how many, and how many times the time of [`ELEMENTS`] it may take. Smaller ones would
/// measure the start of the program.
const SIZES: [(usize, f64); 2] = [(200_000, 2.2), (400_000, 4.4)];

const EXPRESSIONS: [(&str, &str); 5] = [
    ("for", "length(local.all)"),
    ("jsonencode", "sha256(jsonencode(local.all))"),
    ("jsondecode", "length(jsondecode(jsonencode(local.all)))"),
    ("merge", "length(merge(local.all, { more = 1 }))"),
    (
        "templatefile",
        "sha256(templatefile(\"list.tftpl\", { all = local.all }))",
    ),
];

/// What elements are mapped to. Each is a configuration of its own, since Terraform evaluates all locals there are.
struct Kind {
    name: &'static str,
    value: &'static str,
    line: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "texts",
        value: "\"value ${i}\"",
        line: "${item}",
    },
    Kind {
        name: "objects",
        value: "{ id = i, name = \"n${i}\" }",
        line: "${item.name} (${item.id})",
    },
];

impl Kind {
    fn folder(&self, elements: usize) -> Result<Scratch, Failure> {
        let numbers: Vec<String> = (1..=elements).map(|at| at.to_string()).collect();
        let main = format!(
            "locals {{\n  numbers = split(\"\\n\", file(\"numbers.txt\"))\n  all     = {{ for i in local.numbers : \
             \"key-${{i}}\" => {} }}\n}}\n",
            self.value
        );
        let template = format!(
            "%{{ for key, item in all ~}}\n${{key}} = {}\n%{{ endfor ~}}\n",
            self.line
        );
        let folder = Scratch::with(&[
            ("main.tf", main),
            ("list.tftpl", template),
            ("numbers.txt", numbers.join("\n")),
        ])?;
        for (name, text) in EXPRESSIONS {
            folder.write(name, &format!("{text}\n"))?;
        }
        Ok(folder)
    }
}

/// Measures all expressions on both sides, and ours in other sizes.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    meter::require()?;
    let strata = match options.runs(Side::Strata) {
        true => Some(strata(options)?.display().to_string()),
        false => None,
    };
    let pairs = options.pairs.unwrap_or(PAIRS);
    let mut goals = Vec::new();
    for (kind, name) in cases() {
        let folder = kind.folder(ELEMENTS)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..pairs {
            if let Some(strata) = &strata {
                asked(&folder, strata, name, OURS, &mut ours)?;
            }
            if options.runs(Side::Peer) {
                asked(&folder, "terraform", name, 1, &mut theirs)?;
            }
        }
        goals.extend(compared(&title(kind, name), &ours, &theirs));
        if let Some(strata) = &strata {
            goals.extend(sized(strata, kind, name, Reading::middle(&ours))?);
        }
    }
    Ok(goals)
}

/// Each expression over each kind.
fn cases() -> impl Iterator<Item = (&'static Kind, &'static str)> {
    KINDS
        .iter()
        .flat_map(|kind| EXPRESSIONS.iter().map(move |(name, _)| (kind, *name)))
}

fn title(kind: &Kind, name: &str) -> String {
    format!("{name}, {}", kind.name)
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

fn sized(strata: &str, kind: &Kind, name: &str, usual: Reading) -> Result<Vec<Goal>, Failure> {
    let title = title(kind, name);
    let mut goals = Vec::new();
    for (elements, at_most) in SIZES {
        let folder = kind.folder(elements)?;
        let mut readings = Vec::new();
        asked(&folder, strata, name, OURS, &mut readings)?;
        let middle = Reading::middle(&readings);
        println!("{title} of {elements}: strata {}", middle.shown());
        goals.push(Goal {
            name: format!("{title} of {elements}, time beside that of {ELEMENTS}"),
            unit: "",
            measured: middle.seconds / usual.seconds,
            wanted: None,
            at_most,
        });
    }
    Ok(goals)
}
