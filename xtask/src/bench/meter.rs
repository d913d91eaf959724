//! Wall time and peak memory of one command.
//!
//! The peak comes from GNU time, which asks the kernel for it when the command has ended; looking
//! from outside would miss commands that take milliseconds. Since GNU time itself takes two of them to start,
//! this program runs once more between it and the command, and takes the time there ([`clock`]).

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use super::median;
use crate::failure::Failure;
use crate::process;

/// What one command took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) seconds: f64,
    pub(super) mebibytes: f64,
    /// Processor time of the command and all it waited for.
    pub(super) cpu: f64,
}

/// Says what is missing on a machine that cannot measure.
pub(super) fn require() -> Result<(), Failure> {
    match process::succeeds(&["time", "--version"]) {
        true => Ok(()),
        false => Err(Failure::new(
            "peak memory is measured with GNU time: install the package `time`",
        )),
    }
}

impl Reading {
    /// The medians of readings, each by itself.
    pub(super) fn middle(readings: &[Reading]) -> Reading {
        let of = |part: fn(&Reading) -> f64| median(&readings.iter().map(part).collect::<Vec<_>>());
        Reading {
            seconds: of(|reading| reading.seconds),
            mebibytes: of(|reading| reading.mebibytes),
            cpu: of(|reading| reading.cpu),
        }
    }

    /// The figures, or that there are none.
    pub(super) fn shown(self) -> String {
        match self.seconds.is_nan() {
            true => "not run".to_owned(),
            false => format!(
                "{:.3} s ({:.2} s CPU) {:.1} MiB",
                self.seconds, self.cpu, self.mebibytes
            ),
        }
    }
}

/// Runs a command in a folder and measures it; it must end with this exit code.
pub(super) fn measure(folder: &Path, words: &[&str], code: i32) -> Result<Reading, Failure> {
    run(folder, words, code, None)
}

/// The same with a file of that folder as standard input.
pub(super) fn measure_reading(
    folder: &Path,
    words: &[&str],
    input: &str,
) -> Result<Reading, Failure> {
    run(folder, words, 0, Some(&folder.join(input)))
}

fn run(folder: &Path, words: &[&str], code: i32, input: Option<&Path>) -> Result<Reading, Failure> {
    let (peak, clock) = (folder.join("peak.txt"), folder.join("clock.txt"));
    let [file, clock_file] = [&peak, &clock].map(|path| path.display().to_string());
    let this = std::env::current_exe()
        .map_err(|error| Failure::new(format!("this program is not found: {error}")))?;
    let this = this.display().to_string();
    let mut command = process::command(&["time", "-q", "-f", "%M %U %S", "-o", &file]);
    command.args([&this, "clock", &clock_file]).args(words);
    command.current_dir(folder).env("NO_COLOR", "1");
    alone(&mut command);
    if let Some(input) = input {
        command.stdin(File::open(input).map_err(|error| Failure::file(input, &error))?);
    }
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("`time` could not be run: {error}")))?;
    if output.status.code() != Some(code) {
        return Err(unexpected(words, &output));
    }
    let [kibibytes, user, system] = numbers(&peak)?;
    let [seconds] = numbers(&clock)?;
    Ok(Reading {
        seconds,
        mebibytes: kibibytes / 1024.0,
        cpu: user + system,
    })
}

/// `xtask clock FILE PROGRAM ARGUMENT…`: runs the program, and writes the seconds from its start to its end into the file.
/// The exit code is the program's, or 127 where it did not run to its end.
pub(crate) fn clock(file: &str, words: &[&str]) -> ExitCode {
    let [program, arguments @ ..] = words else {
        return ExitCode::from(127);
    };
    let start = Instant::now();
    let status = Command::new(program).args(arguments).status();
    let seconds = start.elapsed().as_secs_f64();
    let code = status.ok().and_then(|status| status.code());
    match std::fs::write(file, seconds.to_string()) {
        Ok(()) => ExitCode::from(code.and_then(|code| code.try_into().ok()).unwrap_or(127)),
        Err(_) => ExitCode::from(127),
    }
}

/// Keeps Terraform from asking a server for newer versions, and from the settings of whoever measures.
pub(super) fn alone(command: &mut Command) -> &mut Command {
    command
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
}

fn unexpected(words: &[&str], output: &std::process::Output) -> Failure {
    // Some tools tell mistakes on standard output, after all else.
    let printed = String::from_utf8_lossy(&output.stdout);
    let last: Vec<&str> = printed.lines().rev().take(20).collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let mut said: Vec<&str> = last.into_iter().rev().collect();
    said.extend(complaint.lines().take(20));
    Failure::new(format!(
        "`{}` ended with {}:\n{}",
        words.join(" "),
        output.status,
        said.join("\n")
    ))
}

/// So many numbers, with blanks in between, from a file.
fn numbers<const N: usize>(path: &Path) -> Result<[f64; N], Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    parse(&text).ok_or_else(|| {
        let path = path.display();
        Failure::new(format!(
            "`{path}` should hold {N} numbers, but holds `{}`",
            text.trim()
        ))
    })
}

fn parse<const N: usize>(text: &str) -> Option<[f64; N]> {
    let words = text.split_whitespace();
    let numbers: Option<Vec<f64>> = words.map(|word| word.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_and_both_times_are_given() {
        assert_eq!(parse("2048 1.50 0.25\n"), Some([2048.0, 1.5, 0.25]));
        assert_eq!(parse::<3>("Command exited with non-zero status 1\n"), None);
    }
}
