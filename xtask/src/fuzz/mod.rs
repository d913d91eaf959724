//! `fuzz`: the targets of `fuzz/`, each fed with random changes of our own test cases.
//!
//! They are built with the counters that libFuzzer follows, by options that a stable compiler takes; an address
//! sanitizer is left out, since there is no unsafe code to find out. Three run at a time. What made a target fail stays
//! in `target/fuzz/found` and is printed.
//!
//! The same code, cases, seed and number of inputs try the same again, so that CI, which names all of them, fails for
//! what a change brings. To hunt is another thing: `cargo xtask fuzz --seconds 900 --seed $RANDOM`. What a hunt finds
//! is mended, and its input becomes a case of the ordinary tests: a line in `tests/cases` of `strata-hcl`, or a test
//! beside the code. All seeds are such cases, so that each run begins with what was found before.

mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::failure::Failure;
use crate::process;

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET…] [--seconds N] [--runs N] [--seed N]

Targets: parse, evaluate and fmt, which run if none is named; jinja and playbook. Each ends after N seconds (60), or
after N inputs if that is sooner. The seed is 1 if none is named: another one tries other inputs.";

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
/// Not zero, which libFuzzer takes for a random one.
const SEED: u64 = 1;

/// Where everything is that is made here.
const FOLDER: &str = "target/fuzz";

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Options<'a> {
    targets: Vec<&'a str>,
    limits: Limits,
}

/// How long a target runs, and what its random changes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    seconds: u64,
    /// How many inputs are tried at most.
    runs: Option<u64>,
    seed: u64,
}

/// Builds the targets and runs them; fails if one of them does.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = parse(words)?;
    build(&options.targets)?;
    let mut failed = Vec::new();
    for targets in options.targets.chunks(AT_ONCE) {
        let started = targets.iter().map(|target| start(target, options.limits));
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
        limits: Limits {
            seconds: SECONDS,
            runs: None,
            seed: SEED,
        },
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seconds" => options.limits.seconds = number(word, words.next())?,
            "--runs" => options.limits.runs = Some(number(word, words.next())?),
            "--seed" => options.limits.seed = number(word, words.next())?,
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

/// The number behind an option, which may not be zero.
fn number(option: &str, word: Option<&&str>) -> Result<u64, Failure> {
    let given = word.and_then(|word| word.parse::<u32>().ok());
    match given {
        None | Some(0) => Err(Failure::new(format!("`{option}` needs a number above 0"))),
        Some(number) => Ok(number.into()),
    }
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
fn start(target: &str, limits: Limits) -> Result<Child, Failure> {
    let folder = Path::new(FOLDER).join("work").join(target);
    let corpus = fresh(&folder.join("corpus"))?;
    let seeds = seeds::write(target, &fresh(&folder.join("seeds"))?)?;
    let found = PathBuf::from(FOLDER).join("found");
    fs::create_dir_all(&found).map_err(|error| Failure::file(&found, &error))?;
    let program = format!("{FOLDER}/{MACHINE}/release/{target}");
    let mut command = process::command(&[
        &program,
        &format!("-seed={}", limits.seed),
        &format!("-max_total_time={}", limits.seconds),
        &format!("-runs={}", runs(limits)),
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=4096",
        "-print_final_stats=1",
        "-verbosity=0",
        &format!("-artifact_prefix={}/{target}-", found.display()),
        &format!("-seed_inputs=@{}", seeds.display()),
    ]);
    command
        .arg(&corpus)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| Failure::new(format!("`{program}` could not be run: {error}")))
}

/// libFuzzer's own way to say that there is no limit is -1.
fn runs(limits: Limits) -> String {
    limits.runs.map_or("-1".to_owned(), |runs| runs.to_string())
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
        assert_eq!(usual.limits.seconds, 5);
        assert_eq!(
            parse(&["jinja"]).map(|options| options.targets),
            Ok(vec!["jinja"])
        );
        assert!(parse(&["lint"]).is_err());
        assert!(parse(&["--seconds"]).is_err());
    }

    #[test]
    fn the_same_is_tried_again_unless_another_seed_is_named() {
        let limits = |words: &[&str]| parse(words).map(|options| options.limits);
        let usual = Limits {
            seconds: 60,
            runs: None,
            seed: 1,
        };
        assert_eq!(limits(&[]), Ok(usual));
        let named = Limits {
            runs: Some(500),
            seed: 7,
            ..usual
        };
        assert_eq!(limits(&["--seed", "7", "--runs", "500"]), Ok(named));
        assert!(
            limits(&["--seed", "0"]).is_err(),
            "libFuzzer would take a random one"
        );
        assert!(limits(&["--runs", "many"]).is_err());
    }

    #[test]
    fn the_counts_are_read() {
        let said = "stat::number_of_executed_units: 12\nstat::new_units_added:          3\nstat::peak_rss_mb:              45\n";
        assert_eq!(tried(said), "12 inputs tried, 3 new ways found, 45 MiB");
    }
}
