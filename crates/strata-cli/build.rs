//! Links the `strata` binary at a fixed address.
//!
//! Position-independent, it has 33,000 addresses to fix at every start, which takes a quarter of the
//! time of a short command. Price: the program's own code is not placed at random (its libraries,
//! stack and heap still are), as in programs that Go's compiler makes by default.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.ends_with("-linux-gnu") {
        println!("cargo::rustc-link-arg-bin=strata=-no-pie");
    }
}
