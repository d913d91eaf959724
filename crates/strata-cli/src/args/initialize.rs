//! Options of `init` and `get`, named as Terraform names them.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use super::{
    infrastructure::{RemoteVersion, parse_duration},
    truth::parse_bool,
    variables::Variables,
};

/// `init`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Init {
    /// Only draft a `strata.hcl` for the repository in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// First copy a module into this folder, which must be empty.
    #[arg(long, value_name = "SOURCE", conflicts_with = "from")]
    pub(crate) from_module: Option<String>,
    /// Fetch modules again, in the newest versions allowed.
    #[arg(long)]
    pub(crate) upgrade: bool,
    /// Install modules.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) get: bool,
    /// The same as `-backend`, for configuration with a `cloud` block, which is refused.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", conflicts_with = "backend")]
    pub(crate) cloud: Option<bool>,
    #[command(flatten)]
    pub(crate) remote_version: RemoteVersion,
    /// Look at the backend.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) backend: bool,
    /// An argument of the backend, or a file of them; may be repeated.
    #[arg(long, value_name = "NAME=VALUE|FILE")]
    pub(crate) backend_config: Vec<String>,
    /// Use the backend as configured now, and leave the state where it is.
    #[arg(long, conflicts_with = "migrate_state")]
    pub(crate) reconfigure: bool,
    /// Move the state if the backend has changed.
    #[arg(long)]
    pub(crate) migrate_state: bool,
    /// Move the state without asking.
    #[arg(long, conflicts_with = "reconfigure")]
    pub(crate) force_copy: bool,
    /// Leave `.terraform.lock.hcl` alone, as always: the providers are built in.
    #[arg(long, value_name = "MODE", value_parser = ["readonly"])]
    pub(crate) lockfile: Option<String>,
    /// Ignored with a warning: the providers are built in.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugin_dir: Vec<PathBuf>,
    /// Take the state's lock where it is moved.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) lock: bool,
    /// How long to wait for the state's lock, such as `30s` or `2m`.
    #[arg(long, default_value = "0s", value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) lock_timeout: Duration,
    /// Programs that fetch may ask on the terminal.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) input: bool,
    /// Folder with test files, in addition to this one.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub(crate) test_directory: PathBuf,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// Write lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `get`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Get {
    /// Fetch modules again, in the newest versions allowed.
    #[arg(long)]
    pub(crate) update: bool,
    /// Folder with test files, in addition to this one.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub(crate) test_directory: PathBuf,
}
