//! Links the `strata` binary so that it starts quickly: at a fixed address, with its own unwinder, and with the code
//! that most runs need in one place.
//!
//! Position-independent, it has 33,000 addresses to fix at every start, which takes a quarter of the
//! time of a short command. Price: the program's own code is not placed at random (its libraries,
//! stack and heap still are), as in programs that Go's compiler makes by default. And with the
//! compiler's unwinder linked in, one library less is looked for, mapped and searched for symbols.
//!
//! Code is brought into memory in pieces of 64 KiB. The functions named in `functions.txt`, which
//! `cargo xtask layout` finds, lie side by side, so that a run brings in what it needs and little else.

use std::{collections::BTreeSet, env, error::Error, fs, path::Path, process::Command};

const FUNCTIONS: &str = "functions.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FUNCTIONS}");
    let target = env::var("TARGET").unwrap_or_default();
    if !target.ends_with("-linux-gnu") {
        return Ok(());
    }
    println!("cargo::rustc-link-arg-bin=strata=-no-pie");
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={folder}");
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        let script = Path::new(&env::var("OUT_DIR")?).join("functions.ld");
        fs::write(&script, layout(&fs::read_to_string(FUNCTIONS)?))?;
        let script = script.display();
        println!("cargo::rustc-link-arg-bin=strata=-Wl,--script={script}");
    }
    Ok(())
}

/// The folder of the C compiler's `libgcc_eh.a`; without it the shared library does the same.
fn unwinder() -> Option<String> {
    let asked = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let path = String::from_utf8(asked.stdout).ok()?;
    let folder = Path::new(path.trim()).parent()?;
    folder.is_absolute().then(|| folder.display().to_string())
}

/// A linker script that adds to the linker's own: what is named comes before all other code. Behind it comes what has
/// the same name but another hash: that is how functions are found after a change, or with another compiler.
fn layout(functions: &str) -> String {
    let section = |name: &str| format!("    *(.text.{name}*)\n");
    let names = functions.lines().map(|line| line.trim_start_matches('='));
    let exact: String = names.map(section).collect();
    let similar: BTreeSet<&str> = functions.lines().filter_map(without_hash).collect();
    let similar: String = similar.into_iter().map(section).collect();
    format!("SECTIONS {{\n  .text.first : {{\n{exact}{similar}  }}\n}} INSERT BEFORE .text;\n")
}

/// What stands before the hash of a function's name; none where too much else begins like that, which `=` says.
fn without_hash(line: &str) -> Option<&str> {
    let hash = line.rfind("17h").filter(|_| line.starts_with("_ZN"))?;
    Some(&line[..hash + "17h".len()])
}
