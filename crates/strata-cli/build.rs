//! Links the `strata` binary so that it starts quickly: at a fixed address, with its own unwinder.
//!
//! Position-independent, it has 33,000 addresses to fix at every start, which takes a quarter of the
//! time of a short command. Price: the program's own code is not placed at random (its libraries,
//! stack and heap still are), as in programs that Go's compiler makes by default. And with the
//! compiler's unwinder linked in, one library less is looked for, mapped and searched for symbols.

use std::{path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if !target.ends_with("-linux-gnu") {
        return;
    }
    println!("cargo::rustc-link-arg-bin=strata=-no-pie");
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={folder}");
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
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
