//! Links the `strata` binary so that it starts quickly: at a fixed address, with its own unwinder, and with the functions
//! that most runs need side by side.
//!
//! Position-independent, it has 33,000 addresses to fix at every start, which takes a quarter of the
//! time of a short command. Price: the program's own code is not placed at random (its libraries,
//! stack and heap still are), as in programs that Go's compiler makes by default. And with the
//! compiler's unwinder linked in, one library less is looked for, mapped and searched for symbols.
//!
//! A page of the program that is touched brings fifteen around it into memory. Where what is needed lies anywhere among
//! 34 MB, that is half of it; [`ORDER`] tells the linker what to put together. `cargo xtask order` writes it, from what
//! runs touch. It may well be old: names that are no more are passed over, and functions that are new stand behind.

use std::{env, fmt::Write as _, fs, io, path::Path, process::Command};

/// The functions that most runs need: patterns of their names, as sections have them behind `.text.`, each in a line.
const ORDER: &str = "functions.txt";

/// Where the linker writes what lies where, for `cargo xtask order`.
const MAP: &str = "STRATA_LINK_MAP";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ORDER}");
    println!("cargo::rerun-if-env-changed={MAP}");
    let target = env::var("TARGET").unwrap_or_default();
    if !target.ends_with("-linux-gnu") {
        return;
    }
    println!("cargo::rustc-link-arg-bin=strata=-no-pie");
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={folder}");
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
    if let Ok(map) = env::var(MAP) {
        println!("cargo::rustc-link-arg-bin=strata=-Wl,-Map={map},--no-demangle");
    }
    if is_ordered(&target) {
        let folder = env::var("OUT_DIR").unwrap_or_default();
        let script = Path::new(&folder).join("order.ld");
        match order(&script) {
            Ok(()) => println!(
                "cargo::rustc-link-arg-bin=strata=-Wl,-T,{}",
                script.display()
            ),
            Err(error) => println!("cargo::warning={}: {error}", script.display()),
        }
    }
}

/// Writes the script that has the linker put what [`ORDER`] names before all other functions. Each has a section of its
/// own.
fn order(script: &Path) -> io::Result<()> {
    let mut sections = String::new();
    for pattern in fs::read_to_string(ORDER)?.lines() {
        writeln!(sections, "*(.text.{pattern})").map_err(io::Error::other)?;
    }
    let text = format!("SECTIONS {{ .text.first : {{\n{sections}}} }} INSERT BEFORE .text;\n");
    fs::write(script, text)
}

/// True if the names are those of this build, and its linker knows how to order: `rust-lld`, which the compiler brings for
/// this target unless another one is asked for.
fn is_ordered(target: &str) -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_usual = env::var_os("RUSTC_LINKER").is_none() && !flags.contains("link");
    is_usual
        && target == "x86_64-unknown-linux-gnu"
        && is("HOST", target)
        && is("PROFILE", "release")
        && is("OPT_LEVEL", "3")
        && Path::new(ORDER).exists()
        && has_its_own_linker()
}

/// True from Rust 1.90 on.
fn has_its_own_linker() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(told) = Command::new(rustc).arg("--version").output() else {
        return false;
    };
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let version = told.split_whitespace().nth(1).unwrap_or_default();
    let minor = version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse::<u32>().ok());
    version.starts_with("1.") && minor.is_some_and(|minor| minor >= 90)
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
