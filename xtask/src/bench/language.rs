//! How long expressions over a hundred thousand elements take, pairwise with Terraform, and whether the cost is linear.
//!
//! Each expression goes to `console` on standard input and answers with a number or a hash, so that printing is not
//! measured. The elements come from a file, since `range` makes 1,024 at most. They are
//! mapped to texts (`names`) and to objects (`items`).

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

const LOCALS: [&str; 2] = ["names", "items"];

const EXPRESSIONS: [(&str, &str); 5] = [
    ("for", "length(LOCAL)"),
    ("jsonencode", "sha256(jsonencode(LOCAL))"),
    ("jsondecode", "length(jsondecode(jsonencode(LOCAL)))"),
    ("merge", "length(merge(LOCAL, { more = 1 }))"),
    (
        "templatefile",
        "sha256(templatefile(\"NAME.tftpl\", { all = LOCAL }))",
    ),
];

const MAIN: &str = "locals {
  numbers = split(\"\\n\", file(\"numbers.txt\"))
  names   = { for i in local.numbers : \"key-${i}\" => \"value ${i}\" }
  items   = { for i in local.numbers : \"key-${i}\" => { id = i, name = \"n${i}\" } }
}
";

const TEMPLATES: [(&str, &str); 2] = [
    (
        "names.tftpl",
        "%{ for key, name in all ~}\n${key} = ${name}\n%{ endfor ~}\n",
    ),
    (
        "items.tftpl",
        "%{ for key, item in all ~}\n${key} = ${item.name} (${item.id})\n%{ endfor ~}\n",
    ),
];

/// What is asked, by the name of its file.
fn questions() -> Vec<(String, String)> {
    let of = |local: &str| {
        EXPRESSIONS.map(|(name, text)| {
            let text = text.replace("LOCAL", &format!("local.{local}"));
            (
                format!("{name}-{local}"),
                text.replace("NAME", local) + "\n",
            )
        })
    };
    LOCALS.iter().flat_map(|local| of(local)).collect()
}

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
    for (name, _) in &questions() {
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
        ("numbers.txt", numbers.join("\n")),
    ])?;
    for (name, text) in TEMPLATES {
        folder.write(name, text)?;
    }
    for (name, text) in questions() {
        folder.write(&name, &text)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_is_asked_of_each_local() {
        let questions = questions();
        assert_eq!(questions.len(), EXPRESSIONS.len() * LOCALS.len());
        let last = questions.last().map(|(name, text)| (&**name, &**text));
        let asked = "sha256(templatefile(\"items.tftpl\", { all = local.items }))\n";
        assert_eq!(last, Some(("templatefile-items", asked)));
    }
}
