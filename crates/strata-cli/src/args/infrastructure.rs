//! Options of the infrastructure commands, named as Terraform names them.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use super::{truth::parse_bool, variables::Variables};

/// What every command that evaluates configuration takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// State file to use instead of `terraform.tfstate`.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Write the state to this file instead of the one that it was read from.
    #[arg(long, value_name = "FILE")]
    pub(crate) state_out: Option<PathBuf>,
    /// Where to keep the previous state; `-` for nowhere.
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,
    /// Take the state's lock.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) lock: bool,
    /// How long to wait for the state's lock, such as `30s` or `2m`.
    #[arg(long, default_value = "0s", value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) lock_timeout: Duration,
    /// How many provider calls run at once; 0 means 10.
    #[arg(long, default_value_t = USUAL_PARALLELISM, value_parser = parse_parallelism, value_name = "N")]
    pub(crate) parallelism: u16,
    /// Ask on the terminal for variables without value.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) input: bool,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the commands take that write a state which others may write, too.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoteVersion {
    /// Of no effect, as in Terraform with any backend but `remote` and `cloud`: no state has a version of Terraform to obey.
    #[arg(long = "ignore-remote-version")]
    pub(crate) ignored: bool,
}

/// What decides on the plan.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Plan to destroy everything.
    #[arg(long)]
    pub(crate) destroy: bool,
    /// Only update the state to match what exists.
    #[arg(long)]
    pub(crate) refresh_only: bool,
    /// Read every object from its platform before planning.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) refresh: bool,
    /// Replace this resource instance; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
    /// Only this and what it depends on; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// All but this and what depends on it; may be repeated.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "target")]
    pub(crate) exclude: Vec<String>,
    /// Show only the summaries of warnings.
    #[arg(long)]
    pub(crate) compact_warnings: bool,
}

/// `apply`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Apply {
    /// A plan saved by `plan -out`; without it, a new plan is made.
    #[arg(value_name = "PLAN")]
    pub(crate) saved: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plan: Plan,
    /// Do not ask before changing anything.
    #[arg(long)]
    pub(crate) auto_approve: bool,
}

/// `destroy`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) plan: Plan,
    /// Do not ask before deleting anything.
    #[arg(long)]
    pub(crate) auto_approve: bool,
}

/// `import`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Import {
    /// Address of a resource instance in the configuration.
    pub(crate) address: String,
    /// The id of the object on its platform.
    pub(crate) id: String,
    /// Folder with the configuration, if that is another one than this; the state stays in this one.
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remote_version: RemoteVersion,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// `refresh`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Refresh {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Only this and what it depends on; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// All but this and what depends on it; may be repeated.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "target")]
    pub(crate) exclude: Vec<String>,
    /// Show only the summaries of warnings.
    #[arg(long)]
    pub(crate) compact_warnings: bool,
}

/// `validate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Validate {
    /// The folder with the configuration, instead of this one.
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Write the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not check test files.
    #[arg(long)]
    pub(crate) no_tests: bool,
    /// Folder with test files, in addition to this one.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub(crate) test_directory: PathBuf,
}

/// `output`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Output {
    /// Name of one output.
    pub(crate) name: Option<String>,
    /// What else is given, which is a mistake.
    #[arg(hide = true)]
    pub(crate) names: Vec<String>,
    /// Write JSON, sensitive values too.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write one output's text as it is.
    #[arg(long)]
    pub(crate) raw: bool,
    /// State file to use instead of `terraform.tfstate`.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// `show`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Show {
    /// A saved plan or a state file, instead of the state.
    pub(crate) file: Option<PathBuf>,
    /// Write JSON in the published format.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How many calls run at once if nobody says so.
const USUAL_PARALLELISM: u16 = 10;

/// Reads how many calls run at once; 0 is the usual number, as in Terraform.
fn parse_parallelism(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) => Ok(USUAL_PARALLELISM),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("`{text}` is no number from 0 to {}", u16::MAX)),
    }
}

/// Reads `90s`, `2m`, `1h`, `500ms` and sums such as `1m30s`, as Go does.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number
            .parse()
            .map_err(|_| format!("`{text}` is no duration: write `30s` or `2m`"))?;
        let seconds = match unit {
            "ms" => number / 1000.0,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            "" if number == 0.0 => 0.0,
            _ => return Err(format!("`{text}` needs a unit: `ms`, `s`, `m` or `h`")),
        };
        total +=
            Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is too long"))?;
        rest = after;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_writes_them() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        assert!(parse_duration("5").is_err() && parse_duration("x").is_err());
    }

    #[test]
    fn nobody_waits_for_no_calls() {
        assert_eq!(parse_parallelism("0"), Ok(USUAL_PARALLELISM));
        assert_eq!(parse_parallelism("1000"), Ok(1000));
        assert!(parse_parallelism("-1").is_err() && parse_parallelism("x").is_err());
    }
}
