//! Builds the agents that are pushed to hosts: static programs, compressed, to be embedded, and their sums.
//!
//! Each is built by a cargo of its own, since it needs another target, other features and another
//! profile than we. Its target folder lies beside ours, so that it survives changes here.
//!
//! An agent for our own processor is always there. One for another processor needs that target's standard library
//! (`rustup target add aarch64-unknown-linux-gnu`) and its linker (Debian's `gcc-aarch64-linux-gnu`): a release build
//! brings each for which both are there, and says which it does not bring. `STRATA_AGENTS=all` has any build bring
//! them all or fail, `STRATA_AGENTS=own` has it bring its own alone.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::Digest;

/// Says which agents a build brings: `own` or `all`.
const CHOICE: &str = "STRATA_AGENTS";

/// The processors of hosts that an agent may be brought for, as `uname -m` calls them.
const PROCESSORS: [&str; 2] = ["x86_64", "aarch64"];

fn main() {
    let manifest = variable("CARGO_MANIFEST_DIR");
    let workspace = manifest
        .ancestors()
        .nth(2)
        .expect("crates/strata-transport is two down");
    for path in ["Cargo.lock", "Cargo.toml", "crates/strata-agent"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    println!("cargo::rerun-if-env-changed={CHOICE}");
    let own = env::var("TARGET").expect("cargo sets TARGET");
    let mut list = String::from("&[\n");
    embed(workspace, &own, None, &mut list);
    for other in others(&own) {
        let linker = linker(&other);
        embed(workspace, &other, Some(&linker), &mut list);
    }
    list.push(']');
    fs::write(variable("OUT_DIR").join("agents.rs"), list).expect("OUT_DIR can be written");
}

/// The targets beside our own that this build brings agents for.
fn others(own: &str) -> Vec<String> {
    let choice = env::var(CHOICE).ok();
    let must = match choice.as_deref() {
        Some("all") => true,
        Some("own") => return Vec::new(),
        Some(other) => panic!("{CHOICE} is `{other}`; it may be `own` or `all`"),
        None if is_release() => false,
        None => return Vec::new(),
    };
    let mut targets = Vec::new();
    for name in PROCESSORS.iter().filter(|name| **name != processor(own)) {
        let target = format!("{name}-unknown-linux-gnu");
        match missing(&target) {
            None => targets.push(target),
            Some(what) if must => panic!("no agent for {name}: {what}"),
            Some(what) => println!("cargo::warning=no agent for hosts with {name}: {what}"),
        }
    }
    targets
}

/// What is not there to build for `target`, and where it is to be had.
fn missing(target: &str) -> Option<String> {
    let told = Command::new(variable("RUSTC"))
        .args(["--print", "target-libdir", "--target", target])
        .output();
    let folder = told.ok().filter(|told| told.status.success())?;
    let folder = String::from_utf8_lossy(&folder.stdout).trim().to_owned();
    if !Path::new(&folder).is_dir() {
        return Some(format!("`rustup target add {target}` brings what it needs"));
    }
    let linker = linker(target);
    let runs = Command::new(&linker).arg("--version").output();
    let package = linker.replace("-gcc", "").replace('_', "-");
    runs.is_err()
        .then(|| format!("there is no `{linker}`, as in Debian's package gcc-{package}"))
}

/// The C compiler that links for another processor's `target`.
fn linker(target: &str) -> String {
    format!("{}-linux-gnu-gcc", processor(target))
}

fn processor(target: &str) -> &str {
    target.split('-').next().unwrap_or_default()
}

/// Builds the agent for a target, and adds its entry to the list that `push.rs` includes.
fn embed(workspace: &Path, target: &str, linker: Option<&str>, list: &mut String) {
    let agent = build(workspace, target, linker);
    let bytes = fs::read(&agent).unwrap_or_else(|error| panic!("{}: {error}", agent.display()));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &bytes).expect("memory takes all");
    let packed = encoder.finish().expect("memory takes all");
    let processor = processor(target);
    let path = variable("OUT_DIR").join(format!("agent-{processor}.gz"));
    fs::write(&path, packed).expect("OUT_DIR can be written");
    let digest = sha2::Sha256::digest(&bytes);
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(
        list,
        "Agent {{ processor: {processor:?}, packed: include_bytes!({path:?}), sha256: {sha256:?} }},"
    )
    .expect("memory takes all");
}

fn is_release() -> bool {
    env::var("PROFILE").is_ok_and(|profile| profile == "release")
}

fn variable(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}")))
}

fn build(workspace: &Path, target: &str, linker: Option<&str>) -> PathBuf {
    let profile = if is_release() { "agent" } else { "agent-dev" };
    let folder = target_folder();
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--package", "strata-agent"]);
    cargo.args([
        "--features",
        "fetch",
        "--bin",
        "strata-agent",
        "--profile",
        profile,
    ]);
    cargo
        .args(["--target", target, "--target-dir"])
        .arg(&folder);
    for (name, _) in env::vars_os() {
        // What cargo told us about ourselves, and flags and wrappers (clippy) meant for our build.
        let name = name.to_string_lossy().into_owned();
        let ours = ["CARGO_", "RUSTC", "RUSTDOC", "RUSTFLAGS", "CLIPPY"];
        let keep = ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_NET_OFFLINE"];
        if ours.iter().any(|start| name.starts_with(start)) && !keep.contains(&name.as_str()) {
            cargo.env_remove(&name);
        }
    }
    // At a fixed address: position-independent, it had 20,000 addresses to fix at every start.
    cargo.env(
        "RUSTFLAGS",
        "-C target-feature=+crt-static -C relocation-model=static",
    );
    if let Some(linker) = linker {
        let name = target.replace('-', "_").to_uppercase();
        cargo.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    }
    let status = cargo
        .status()
        .unwrap_or_else(|error| panic!("cargo cannot be run: {error}"));
    assert!(
        status.success(),
        "the agent cannot be built; cargo says why above"
    );
    folder.join(target).join(profile).join("strata-agent")
}

/// `target/strata-agent`, which does not change with the hash in OUT_DIR's name.
fn target_folder() -> PathBuf {
    let out = variable("OUT_DIR");
    // target/<profile>/build/<package>-<hash>/out, or with the triple in between.
    let target = out
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.unwrap_or(&out).join("strata-agent")
}
