//! `layout`: finds out which functions short commands of `strata` run, so that the linker puts them side by side.
//!
//! The program is large, and the kernel maps its code in pieces of 64 KiB: a plan that runs 600 KiB of functions
//! scattered over all of it holds 13 MiB. [`COMMANDS`] are run under valgrind, and the names of the functions that
//! ran go to [`FUNCTIONS`], which `crates/strata-cli/build.rs` hands to the linker. Where the hash in a name has changed,
//! the rest of it mostly still says which function is meant; what is not found costs nothing but its place. To be run
//! again before a release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::bench::Scratch;
use crate::failure::Failure;
use crate::process;

const FUNCTIONS: &str = "crates/strata-cli/functions.txt";

/// A name without its hash may stand for so many times the code that has run.
const TOO_MUCH: u64 = 8;

/// And for this much more in any case.
const LITTLE: u64 = 4096;

/// What nearly everybody does, once. Each takes place in the same folder.
const COMMANDS: [&[&str]; 9] = [
    &["version"],
    &["validate", "-no-color"],
    &["plan", "-no-color"],
    &["apply", "-no-color", "-auto-approve"],
    &["plan", "-no-color"],
    &["output"],
    &["state", "list"],
    &["console"],
    &["destroy", "-no-color", "-auto-approve"],
];

const MAIN: &str = r#"variable "name" {
  type    = string
  default = "group"
}

locals {
  items = { for at in range(3) : "item-${at}" => "value ${at}" }
}

resource "terraform_data" "each" {
  for_each = local.items
  input    = each.value
}

resource "terraform_data" "count" {
  count = 3
  input = "${var.name} ${terraform_data.each["item-${count.index}"].output}"
}

module "group" {
  source = "./group"
  count  = 2
  name   = "${var.name} ${count.index}"
}

output "all" {
  value = merge(local.items, { count = terraform_data.count[0].output, more = jsonencode(module.group[*].name) })
}
"#;

const GROUP: &str = r#"variable "name" {
  type = string
}

resource "terraform_data" "one" {
  input = var.name
}

output "name" {
  value = terraform_data.one.output
}
"#;

/// Writes the functions that the commands run, of a release built for that or of the binary named.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let binary = match words {
        [] => built()?,
        ["--strata", path] => PathBuf::from(path),
        _ => {
            return Err(Failure::new(
                "usage: cargo xtask layout [--strata PATH], a binary that still has its symbols",
            ));
        }
    };
    let binary = binary
        .canonicalize()
        .map_err(|error| Failure::file(&binary, &error))?;
    let sizes = sizes(&binary)?;
    let ran = ran(&binary)?;
    let chosen = chosen(&sizes, &ran);
    let text: String = chosen.iter().map(|name| format!("{name}\n")).collect();
    std::fs::write(FUNCTIONS, text).map_err(|error| Failure::file(Path::new(FUNCTIONS), &error))?;
    println!(
        "{} of {} functions ran: {FUNCTIONS}",
        ran.len(),
        sizes.len()
    );
    Ok(())
}

/// A release with the names of its functions.
fn built() -> Result<PathBuf, Failure> {
    let package = ["--package", "strata-cli", "--bin", "strata"];
    let build = ["cargo", "rustc", "--quiet", "--release", "--locked"];
    process::run(&[&build[..], &package, &["--", "-C", "strip=none"]].concat())?;
    Ok(PathBuf::from("target/release/strata"))
}

/// The functions of a binary and their sizes.
fn sizes(binary: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let listed = process::output(&["nm", "--print-size", &binary.display().to_string()])?;
    let sizes: BTreeMap<_, _> = listed.lines().filter_map(symbol).collect();
    match sizes.is_empty() {
        false => Ok(sizes),
        true => Err(Failure::new(format!(
            "`{}` has no symbols",
            binary.display()
        ))),
    }
}

/// Reads a line of `nm`: address, size, kind, name.
fn symbol(line: &str) -> Option<(String, u64)> {
    let [_, size, kind, name] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let size = u64::from_str_radix(size, 16).ok()?;
    ["t", "T", "w", "W"]
        .contains(&kind)
        .then(|| (name.to_owned(), size))
}

/// The functions that the commands run.
fn ran(binary: &Path) -> Result<BTreeSet<String>, Failure> {
    let folder = Scratch::with(&[
        ("main.tf", MAIN.to_owned()),
        ("group/main.tf", GROUP.to_owned()),
        ("asked", "upper(\"a\")\n".to_owned()),
    ])?;
    let profile = folder.path().join("profile");
    let out = format!("--callgrind-out-file={}", profile.display());
    let mut ran = BTreeSet::new();
    for words in COMMANDS {
        let valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--demangle=no"];
        let program = binary.display().to_string();
        let mut command =
            process::command(&[&valgrind[..], &[out.as_str(), program.as_str()], words].concat());
        let asked = folder.path().join("asked");
        let asked = std::fs::File::open(&asked).map_err(|error| Failure::file(&asked, &error))?;
        process::output_of(command.current_dir(folder.path()).stdin(asked))?;
        let text =
            std::fs::read_to_string(&profile).map_err(|error| Failure::file(&profile, &error))?;
        ran.extend(text.lines().filter_map(function));
    }
    Ok(ran)
}

/// Reads a line of callgrind's that names a function for the first time: `fn=(12) name`, `'2` behind it if it calls
/// itself.
fn function(line: &str) -> Option<String> {
    let named = line.strip_prefix("cfn=(").or(line.strip_prefix("fn=("))?;
    let (_, name) = named.split_once(") ")?;
    Some(name.split('\'').next().unwrap_or(name).to_owned())
}

/// The names of the functions that ran, as [`FUNCTIONS`] has them: behind `=` those whose pattern would bring much else
/// along.
fn chosen(sizes: &BTreeMap<String, u64>, ran: &BTreeSet<String>) -> BTreeSet<String> {
    let mut of_pattern: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (name, size) in sizes {
        let (all, run) = of_pattern.entry(pattern(name)).or_default();
        *all += size;
        *run += if ran.contains(name) { *size } else { 0 };
    }
    let is_good = |name: &str| {
        let (all, run) = of_pattern[pattern(name)];
        all - run < LITTLE || all < run * TOO_MUCH
    };
    let names = ran.iter().filter(|name| sizes.contains_key(*name));
    names
        .map(|name| match is_good(name) {
            true => whole(name).to_owned(),
            false => format!("={}", whole(name)),
        })
        .collect()
}

/// A name without what the optimizer hangs on.
fn whole(name: &str) -> &str {
    name.split(".llvm.").next().unwrap_or(name)
}

/// What a name has in common with that of the same function in another version of the program: it ends before the hash.
fn pattern(name: &str) -> &str {
    let hash = name.rfind("17h").filter(|_| name.starts_with("_ZN"));
    hash.map_or(whole(name), |hash| &name[..hash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_no_part_of_a_pattern() {
        assert_eq!(
            pattern("_ZN12strata_state4file10parse_text17h0123456789abcdefE.llvm.123"),
            "_ZN12strata_state4file10parse_text"
        );
        assert_eq!(pattern("aws_lc_17h_SHA256"), "aws_lc_17h_SHA256");
    }

    #[test]
    fn what_would_bring_much_along_is_marked() {
        let sizes = [
            ("_ZN1a1b17h0000000000000001E", 10_000),
            ("_ZN1a1b17h0000000000000002E", 20_000),
            ("_ZN1a1c17h0000000000000003E", 10),
            ("_ZN1a1c17h0000000000000004E", 5_000),
            ("_ZN1a1d17h0000000000000005E", 10),
        ];
        let sizes = sizes.map(|(name, size)| (name.to_owned(), size)).into();
        let ran = [
            "_ZN1a1b17h0000000000000001E",
            "_ZN1a1c17h0000000000000003E",
            "main",
        ];
        let ran = ran.map(str::to_owned).into();
        let wanted = [
            "=_ZN1a1c17h0000000000000003E",
            "_ZN1a1b17h0000000000000001E",
        ];
        assert_eq!(chosen(&sizes, &ran), wanted.map(str::to_owned).into());
    }

    #[test]
    fn tools_are_read() {
        assert_eq!(
            symbol("00000000019d2500 000000000000002f T _ZN1a1b17h1E"),
            Some(("_ZN1a1b17h1E".to_owned(), 47))
        );
        assert_eq!(symbol("                 U memcpy"), None);
        assert_eq!(function("fn=(12) _ZN1a'2"), Some("_ZN1a".to_owned()));
        assert_eq!(function("cfn=(13) memcpy"), Some("memcpy".to_owned()));
        assert_eq!(function("fn=(12)"), None);
    }
}
