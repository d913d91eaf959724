//! Options of the commands that work on the state alone, named as Terraform names them.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Subcommand};

use super::{
    infrastructure::{RemoteVersion, parse_duration},
    truth::parse_bool,
};

/// Which state, and how it is held while it is changed.
#[derive(Args, Clone, Debug)]
pub(crate) struct StateFile {
    /// State file to use instead of `terraform.tfstate`.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Where to keep the previous state; `-` for nowhere.
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) held: Held,
    #[command(flatten)]
    pub(crate) remote_version: RemoteVersion,
}

/// How a state is held while it is changed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Held {
    /// Take the state's lock.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub(crate) lock: bool,
    /// How long to wait for the state's lock, such as `30s` or `2m`.
    #[arg(long, default_value = "0s", value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) lock_timeout: Duration,
}

/// `state`.
#[derive(Args, Clone, Debug)]
pub(crate) struct State {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

/// What can be asked of the state.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// List the resource instances in the state.
    List {
        /// Only these addresses, or what is in them.
        addresses: Vec<String>,
        /// Only objects with this id.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// State file to use instead of `terraform.tfstate`.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
    },
    /// Show one resource instance.
    Show {
        /// Its address.
        address: String,
        /// State file to use instead of `terraform.tfstate`.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Move an object, a resource or a module to another address.
    #[command(name = "mv")]
    Move {
        /// The present address.
        from: String,
        /// The new address.
        to: String,
        /// Change nothing; show what would be moved.
        #[arg(long)]
        dry_run: bool,
        /// Move it to this state file.
        #[arg(long, value_name = "FILE")]
        state_out: Option<PathBuf>,
        /// Where to keep the version before of the state file that it is moved to; `-` for nowhere.
        #[arg(long, value_name = "FILE", requires = "state_out")]
        backup_out: Option<PathBuf>,
        #[command(flatten)]
        file: StateFile,
    },
    /// Forget objects without destroying them.
    #[command(name = "rm")]
    Remove {
        /// Their addresses, or those of resources and modules.
        #[arg(required = true)]
        addresses: Vec<String>,
        /// Change nothing; show what would be forgotten.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        file: StateFile,
    },
    /// Write the state file to standard output.
    Pull {
        /// State file to use instead of `terraform.tfstate`.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
    },
    /// Replace the state by a state file.
    Push {
        /// The file, or `-` for standard input.
        path: PathBuf,
        /// Even if it is a different state, or an older one.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        file: StateFile,
    },
    /// Assign the objects of one provider to another.
    ReplaceProvider {
        /// The present provider.
        from: String,
        /// The new provider.
        to: String,
        /// Do not ask.
        #[arg(long)]
        auto_approve: bool,
        #[command(flatten)]
        file: StateFile,
    },
}

/// `taint` and `untaint`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Taint {
    /// Address of a resource instance.
    pub(crate) address: String,
    /// Succeed even if it does not exist.
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Where the state is written, if not to the file that it was read from.
    #[arg(long, value_name = "FILE")]
    pub(crate) state_out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: StateFile,
}

/// `force-unlock`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ForceUnlock {
    /// The lock's id, as the error message gives it.
    pub(crate) id: String,
    /// Do not ask.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `workspace`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Workspace {
    #[command(subcommand)]
    pub(crate) command: WorkspaceCommand,
}

/// What can be done with workspaces.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List the workspaces.
    List,
    /// Show which workspace is selected.
    Show,
    /// Create a workspace and select it.
    New {
        /// Its name.
        name: String,
        /// A state file to copy into it.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        #[command(flatten)]
        held: Held,
    },
    /// Select another workspace.
    Select {
        /// Its name.
        name: String,
        /// Create it if it does not exist.
        #[arg(long)]
        or_create: bool,
    },
    /// Delete a workspace.
    Delete {
        /// Its name.
        name: String,
        /// Even if it still has objects.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        held: Held,
    },
}
