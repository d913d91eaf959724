//! Options of the commands that work on the language alone, named as Terraform names them.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// `fmt`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Format {
    /// Files and folders; `-` for standard input. This folder if there are none.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<PathBuf>,
    /// List the files that change.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) list: bool,
    /// Write the files that change.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) write: bool,
    /// Show what changes.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) diff: bool,
    /// Write nothing; exit with 3 if a file would change.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) check: bool,
    /// Go into folders inside of folders, too.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) recursive: bool,
    /// No colours.
    #[arg(long)]
    pub(crate) no_color: bool,
}
