//! Options of the project commands.

use std::path::PathBuf;

use clap::Args;

use super::infrastructure::Plan;

/// Which environment, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Environment {
    /// Environment in `strata.hcl`.
    #[arg(value_name = "ENV")]
    pub(crate) environment: String,
    /// Rehearse on a model of the platform and its hosts, kept in `.strata/twin`.
    #[arg(long)]
    pub(crate) twin: bool,
    /// Only this stage; may be repeated.
    #[arg(long, value_name = "STAGE")]
    pub(crate) only: Vec<String>,
    /// Not this stage; may be repeated.
    #[arg(long, value_name = "STAGE")]
    pub(crate) skip: Vec<String>,
    /// Only this stage and those that come after it.
    #[arg(long, value_name = "STAGE")]
    pub(crate) from: Option<String>,
    /// Only this stage and those before it (`down`: after it); `provision.STAGE.ADDRESS` narrows its plan.
    #[arg(long, value_name = "STAGE")]
    pub(crate) target: Vec<String>,
    /// Of stages with instances, only this one; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Vec<String>,
    /// How many provider calls, and how many hosts, at once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(crate) parallelism: u16,
    /// Also show what did not change.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show how files change.
    #[arg(long)]
    pub(crate) diff: bool,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) environment: Environment,
    /// Do not ask, even if data would be lost.
    #[arg(long)]
    pub(crate) auto_approve: bool,
}

/// `down`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) environment: Environment,
    /// Do not ask.
    #[arg(long)]
    pub(crate) auto_approve: bool,
}

/// `configure` and `verify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Stages {
    #[command(flatten)]
    pub(crate) environment: Environment,
}

/// `status`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) environment: Environment,
}

/// `plan`, of an environment or of the folder.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanTarget {
    /// Environment in `strata.hcl`; without it, the configuration in this folder is planned.
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// Rehearse the environment on a model of the platform and its hosts, kept in `.strata/twin`.
    #[arg(long, requires = "environment")]
    pub(crate) twin: bool,
    /// Of an environment, only this stage; may be repeated.
    #[arg(long, value_name = "STAGE", requires = "environment")]
    pub(crate) only: Vec<String>,
    /// Of an environment, not this stage; may be repeated.
    #[arg(long, value_name = "STAGE", requires = "environment")]
    pub(crate) skip: Vec<String>,
    /// Of an environment, only this stage and those that come after it.
    #[arg(long, value_name = "STAGE", requires = "environment")]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) plan: Plan,
    /// Exit with 2 if there are changes.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Save the plan, for `apply FILE`.
    #[arg(long, value_name = "FILE", conflicts_with = "environment")]
    pub(crate) out: Option<PathBuf>,
    /// Write configuration for `import` blocks that have none.
    #[arg(long, value_name = "FILE", conflicts_with = "environment")]
    pub(crate) generate_config_out: Option<PathBuf>,
}
