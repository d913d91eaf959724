//! `fuzz`: the targets of `fuzz/`, each fed with random changes of our own test cases.
//!
//! They are built with the counters that libFuzzer follows, by options that a stable compiler takes; an address
//! sanitizer is left out, since there is no unsafe code to find out. Three run at a time. What made a target fail stays
//! in `target/fuzz/found` and is printed.

mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::failure::Failure;
use crate::process;

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET…] [--seconds N]

Targets: parse, evaluate and fmt, which run if none is named; jinja and playbook.";

/// What libFuzzer needs of the compiler.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Build scripts are not built with [`FLAGS`] if a target is named.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

const TARGETS: [&str; 5] = ["parse", "evaluate", "fmt", "jinja", "playbook"];

/// So many of them run without being named.
const USUAL: usize = 3;

const AT_ONCE: usize = 3;
const SECONDS: u64 = 60;

/// Where everything is that is made here.
const FOLDER: &str = "target/fuzz";

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Options<'a> {
    targets: Vec<&'a str>,
    seconds: u64,
}

/// Builds the targets and runs them; fails if one of them does.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = parse(words)?;
    build(&options.targets)?;
    let mut failed = Vec::new();
    for targets in options.targets.chunks(AT_ONCE) {
        let started = targets.iter().map(|target| start(target, options.seconds));
        let started = started.collect::<Result<Vec<_>, _>>()?;
        for (target, running) in targets.iter().zip(started) {
            if !ended_well(target, running)? {
                failed.push(*target);
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "found something for: {}; `{FOLDER}/found` has the input",
            failed.join(", ")
        ))),
    }
}

fn parse<'a>(words: &[&'a str]) -> Result<Options<'a>, Failure> {
    let mut options = Options {
        targets: Vec::new(),
        seconds: SECONDS,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seconds" => {
                let given = words.next().and_then(|word| word.parse().ok());
                options.seconds =
                    given.ok_or_else(|| Failure::new("`--seconds` needs a number"))?;
            }
            target if TARGETS.contains(&target) => options.targets.push(target),
            other => {
                return Err(Failure::new(format!(
                    "there is no target `{other}`\n{USAGE}"
                )));
            }
        }
    }
    if options.targets.is_empty() {
        options.targets = TARGETS[..USUAL].to_vec();
    }
    Ok(options)
}

fn build(targets: &[&str]) -> Result<(), Failure> {
    let mut words = vec!["cargo", "build", "--quiet", "--locked", "--release"];
    words.extend(["--manifest-path", "fuzz/Cargo.toml", "--target-dir", FOLDER]);
    words.extend(["--target", MACHINE]);
    for target in targets {
        words.extend(["--bin", target]);
    }
    let mut build = process::command(&words);
    build.env("RUSTFLAGS", FLAGS);
    process::watch(build)
}

/// Starts one target on its seeds, in a folder that begins empty.
fn start(target: &str, seconds: u64) -> Result<Child, Failure> {
    let folder = Path::new(FOLDER).join("work").join(target);
    let corpus = fresh(&folder.join("corpus"))?;
    let seeds = fresh(&folder.join("seeds"))?;
    seeds::write(target, &seeds)?;
    let found = PathBuf::from(FOLDER).join("found");
    fs::create_dir_all(&found).map_err(|error| Failure::file(&found, &error))?;
    let program = format!("{FOLDER}/{MACHINE}/release/{target}");
    let mut command = process::command(&[
        &program,
        &format!("-max_total_time={seconds}"),
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=4096",
        "-print_final_stats=1",
        "-verbosity=0",
        &format!("-artifact_prefix={}/{target}-", found.display()),
    ]);
    command
        .arg(&corpus)
        .arg(&seeds)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| Failure::new(format!("`{program}` could not be run: {error}")))
}

fn fresh(folder: &Path) -> Result<PathBuf, Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    Ok(folder.to_owned())
}

fn ended_well(target: &str, running: Child) -> Result<bool, Failure> {
    let output = running
        .wait_with_output()
        .map_err(|error| Failure::new(format!("`{target}`: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    println!("{target}: {}", tried(&said));
    if !output.status.success() {
        println!("{said}");
    }
    Ok(output.status.success())
}

/// What libFuzzer counted.
fn tried(said: &str) -> String {
    let of = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    format!(
        "{} inputs tried, {} new ways found, {} MiB",
        of("stat::number_of_executed_units:"),
        of("stat::new_units_added:"),
        of("stat::peak_rss_mb:")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_name_the_usual_ones_run() {
        let usual = parse(&["--seconds", "5"]).expect("it is right");
        assert_eq!(usual.targets, ["parse", "evaluate", "fmt"]);
        assert_eq!(usual.seconds, 5);
        assert_eq!(
            parse(&["jinja"]).map(|options| options.targets),
            Ok(vec!["jinja"])
        );
        assert!(parse(&["lint"]).is_err());
        assert!(parse(&["--seconds"]).is_err());
    }

    #[test]
    fn the_counts_are_read() {
        let said = "stat::number_of_executed_units: 12\nstat::new_units_added:          3\nstat::peak_rss_mb:              45\n";
        assert_eq!(tried(said), "12 inputs tried, 3 new ways found, 45 MiB");
    }
}
