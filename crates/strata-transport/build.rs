//! Builds the agent that is pushed to hosts: a static program, compressed, to be embedded, and its sum.
//!
//! It is built by a cargo of its own, since it needs another target, other features and another
//! profile than we. Its target folder lies beside ours, so that it survives changes here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::Digest;

fn main() {
    let manifest = variable("CARGO_MANIFEST_DIR");
    let workspace = manifest
        .ancestors()
        .nth(2)
        .expect("crates/strata-transport is two down");
    for path in ["Cargo.lock", "Cargo.toml", "crates/strata-agent"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let agent = build(workspace);
    let out = variable("OUT_DIR");
    let bytes = fs::read(&agent).unwrap_or_else(|error| panic!("{}: {error}", agent.display()));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &bytes).expect("memory takes all");
    let packed = encoder.finish().expect("memory takes all");
    fs::write(out.join("agent.gz"), packed).expect("OUT_DIR can be written");
    let digest = sha2::Sha256::digest(&bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(out.join("agent.sha256"), hex).expect("OUT_DIR can be written");
}

fn variable(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}")))
}

fn build(workspace: &Path) -> PathBuf {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let profile = if release { "agent" } else { "agent-dev" };
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
        .args(["--target", &target, "--target-dir"])
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
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static");
    let status = cargo
        .status()
        .unwrap_or_else(|error| panic!("cargo cannot be run: {error}"));
    assert!(
        status.success(),
        "the agent cannot be built; cargo says why above"
    );
    folder.join(&target).join(profile).join("strata-agent")
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
