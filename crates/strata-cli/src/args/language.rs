//! Options of the commands that work on the language alone, named as Terraform names them.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use super::{truth::parse_bool, variables::Variables};

/// `fmt`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Format {
    /// Files and folders, or `-` for standard input; without any, this folder.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<PathBuf>,
    /// List the files that change.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) list: bool,
    /// Write the files that change.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) write: bool,
    /// Show what changes.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) diff: bool,
    /// Write nothing; exit with 3 if a file would change.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) check: bool,
    /// Go into folders inside of folders, too.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) recursive: bool,
}

/// `console`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Console {
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// State file to use instead of `terraform.tfstate`.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Plan first, and use the planned values instead of those in the state.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// `graph`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Graph {
    /// `plan`, `plan-refresh-only` or `apply`: the steps of evaluating the configuration, instead of its resources;
    /// `plan-destroy`: those of destroying what is in the state.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Mark cycles.
    #[arg(long)]
    pub(crate) draw_cycles: bool,
    /// No effect, as in Terraform since 1.7: all modules are shown.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) module_depth: Option<i64>,
    /// Show the actions of a saved plan, and what each waits for.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
}

/// `metadata`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Metadata {
    #[command(subcommand)]
    pub(crate) command: MetadataCommand,
}

/// What the language consists of.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MetadataCommand {
    /// Show the signatures of all functions.
    Functions {
        /// As JSON, the only form there is.
        #[arg(long, required = true)]
        json: bool,
    },
}
