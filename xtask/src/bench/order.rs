//! `order`: writes down which functions most runs need, for the linker to put them together.
//!
//! A release is built with the linker's map, which says what lies where; a few ordinary runs are watched by valgrind's
//! callgrind, which says what was touched. Both together are the list that `crates/strata-cli/build.rs` gives to the
//! linker. It need not be up to date: what is not on it stands behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{
    engine::{GROUP, Shape},
    scratch::Scratch,
};
use crate::{failure::Failure, process};

const LIST: &str = "crates/strata-cli/functions.txt";
const PROGRAM: &str = "target/release/strata";
const INSTANCES: usize = 2 * GROUP;

/// What is run on each configuration, in turn; all of it ends well, or with 2 where there are changes.
const RUNS: [&[&str]; 9] = [
    &["version"],
    &["validate", "-no-color"],
    &["plan", "-input=false", "-no-color"],
    &["plan", "-input=false", "-no-color", "-out=saved"],
    &["apply", "-input=false", "-no-color", "saved"],
    &["plan", "-input=false", "-no-color"],
    &["output", "-json"],
    &["state", "list"],
    &["destroy", "-input=false", "-no-color", "-auto-approve"],
];

/// Writes the list anew.
pub(crate) fn write() -> Result<(), Failure> {
    let map = absolute(Path::new("target"))? + "/strata.map";
    let build = ["cargo", "build", "--release", "--locked", "--package"];
    let mut build = process::command(&[&build[..], &["strata-cli"]].concat());
    build.env("STRATA_LINK_MAP", &map);
    process::watch(build)?;
    let read = fs::read_to_string(&map).map_err(|error| Failure::file(Path::new(&map), &error))?;
    let functions = functions(&read);
    let program = absolute(Path::new(PROGRAM))?;
    let mut uses: BTreeMap<u64, usize> = BTreeMap::new();
    for shape in Shape::ALL {
        let folder = Scratch::with(&shape.files(INSTANCES))?;
        for run in RUNS {
            for at in touched(&functions, &watched(&folder, &program, run)?) {
                *uses.entry(at).or_default() += 1;
            }
        }
    }
    let list = listed(&functions, uses);
    println!("{LIST}: {} functions", list.lines().count());
    fs::write(LIST, list).map_err(|error| Failure::file(Path::new(LIST), &error))
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let path = path
        .canonicalize()
        .map_err(|error| Failure::file(path, &error))?;
    Ok(path.display().to_string())
}

/// What a run touches, as callgrind tells it.
fn watched(folder: &Scratch, program: &str, run: &[&str]) -> Result<String, Failure> {
    let valgrind = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--dump-instr=yes",
        "--compress-pos=no",
        "--callgrind-out-file=touched",
        program,
    ];
    let mut command = process::command(&[&valgrind[..], run].concat());
    process::output_of(command.current_dir(folder.path()))?;
    let path = folder.path().join("touched");
    fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))
}

/// The functions of a map of `lld`, by where they begin: their ends and their names.
///
/// A line has address, address in memory, size and alignment, then what it is about: a symbol stands deepest.
fn functions(map: &str) -> BTreeMap<u64, (u64, &str)> {
    map.lines().filter_map(function).collect()
}

fn function(line: &str) -> Option<(u64, (u64, &str))> {
    let mut words = line.split_whitespace();
    let mut number = || u64::from_str_radix(words.next()?, 16).ok();
    let (begin, _, size) = (number()?, number()?, number()?);
    let name = words
        .nth(1)
        .filter(|_| line.contains("                 "))?;
    let is_other = name.starts_with('.') || name.contains([':', '=', '/']);
    let is_symbol = words.next().is_none() && !is_other && size > 0;
    is_symbol.then_some((begin, (begin + size, name)))
}

/// The functions, by where they begin, in which instructions were carried out.
fn touched(functions: &BTreeMap<u64, (u64, &str)>, told: &str) -> BTreeSet<u64> {
    let address = |line: &str| {
        let digits = line.strip_prefix("0x")?.split_whitespace().next()?;
        u64::from_str_radix(digits, 16).ok()
    };
    let addresses: BTreeSet<u64> = told.lines().filter_map(address).collect();
    let of = |at: u64| {
        let (begin, (end, _)) = functions.range(..=at).next_back()?;
        (at < *end).then_some(*begin)
    };
    addresses.into_iter().filter_map(of).collect()
}

/// Their names: those that more runs need come first, and else they keep their order.
fn listed(functions: &BTreeMap<u64, (u64, &str)>, uses: BTreeMap<u64, usize>) -> String {
    let mut found: Vec<(u64, usize)> = uses.into_iter().collect();
    found.sort_by_key(|(at, uses)| (std::cmp::Reverse(*uses), *at));
    let names = found
        .into_iter()
        .filter_map(|(at, _)| Some(functions.get(&at)?.1));
    names.map(|name| format!("{name}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
             100              100       30    16 .text
             100              100       20    16         a.o:(.text.one)
             100              100       20     1                 a..one
             120              120       10     1                 two
             130              130        0     1                 nothing
";

    #[test]
    fn functions_are_found_by_the_instructions_in_them() {
        let functions = functions(MAP);
        assert_eq!(functions.len(), 2);
        let touched = touched(&functions, "fn=(1) x\n0x104 3\n0x11f 1\n+3 1\n0x130 9\n");
        assert_eq!(touched, [0x100].into());
    }

    #[test]
    fn what_more_runs_need_comes_first() {
        let functions = functions(MAP);
        assert_eq!(
            listed(&functions, [(0x100, 1), (0x120, 2)].into()),
            "two\na..one\n"
        );
    }
}
