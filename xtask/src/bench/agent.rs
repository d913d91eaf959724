//! The agent's size as it travels, and its memory once it waits for its first task.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Goal, options::Options};
use crate::failure::Failure;
use crate::process;

const MIB: f64 = 1024.0 * 1024.0;

/// Builds the agent as hosts get it and measures it.
pub(super) fn measure(_options: &Options) -> Result<Vec<Goal>, Failure> {
    let binary = build()?;
    let size = fs::metadata(&binary)
        .map_err(|error| Failure::new(format!("`{binary}`: {error}")))?
        .len();
    println!("agent: {size} bytes, static, before compression");
    Ok(vec![
        Goal {
            name: "agent, gzip".to_owned(),
            unit: " MiB",
            measured: compressed(&["gzip", "-9c"], &binary)? / MIB,
            wanted: None,
            at_most: 4.0,
        },
        Goal {
            name: "agent, memory while idle".to_owned(),
            unit: " MiB",
            measured: memory(&binary)? / MIB,
            wanted: None,
            at_most: 10.0,
        },
    ])
}

fn build() -> Result<String, Failure> {
    let target = "x86_64-unknown-linux-gnu";
    let words = [
        "cargo",
        "build",
        "--quiet",
        "--locked",
        "--features",
        "fetch",
        "--profile",
        "agent",
        "--package",
        "strata-agent",
    ];
    let mut cargo = process::command(
        &[
            &words[..],
            &["--target", target, "--target-dir", "target/static"],
        ]
        .concat(),
    );
    process::output_of(cargo.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    Ok(format!("target/static/{target}/agent/strata-agent"))
}

fn compressed(program: &[&str], path: &str) -> Result<f64, Failure> {
    let mut command = process::command(&[program, &[path]].concat());
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("`{}`: {error}", program[0])))?;
    match output.status.success() {
        true => Ok(output.stdout.len() as f64),
        false => Err(Failure::new(format!(
            "`{}` failed: {}",
            program[0], output.status
        ))),
    }
}

/// Starts the agent, lets it settle, and reads the most memory it had.
fn memory(binary: &str) -> Result<f64, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("`{binary}` could not be run: {error}"));
    let mut command = process::command(&[binary]);
    let mut agent = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let most = settled(agent.id());
    agent.kill().map_err(failed)?;
    agent.wait().map_err(failed)?;
    most.ok_or_else(|| {
        Failure::new(format!(
            "`{binary}` ended by itself, without waiting for a task"
        ))
    })
}

/// Reads the peak until it has not grown for a while.
fn settled(pid: u32) -> Option<f64> {
    let mut last = 0.0;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        let peak = peak_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)?;
        if peak > last {
            (last, since) = (peak, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(last)
}

/// Finds the peak of the resident memory, in bytes; a process that has ended has none.
fn peak_in(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(
            peak_in("Name:\ta\nVmHWM:\t    1536 kB\nVmRSS:\t 9 kB\n"),
            Some(1_572_864.0)
        );
        assert_eq!(peak_in("Name:\ta\nState:\tZ (zombie)\n"), None);
    }
}
