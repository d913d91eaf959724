//! The infrastructure layer: a folder with Terraform configuration, its state, and what is done to both.
//!
//! [`Settings`] say which folder and how; [`Session::open`] loads the configuration, takes the lock,
//! reads the state and settles what a killed run left; then [`Session::plan`] and
//! [`Session::apply`]. What only reads the state is in [`stored`]; what changes it by hand, without configuration,
//! begins in `edit`.

pub(crate) mod backend;
mod edit;
pub(crate) mod encryption;
mod errored;
mod forgetting;
mod import;
pub(crate) mod initial;
mod inputs;
mod lock;
mod moving;
pub(crate) mod places;
pub(crate) mod provisioners;
mod recording;
mod replace_provider;
mod saved;
mod session;
pub mod stored;
mod taint;
mod transfer;
mod trouble;
mod unlock;
mod unset;
mod validate;
pub mod workspaces;

use std::{path::PathBuf, sync::Arc, time::Duration};

use strata_core::Value;

pub use forgetting::forget;
pub use inputs::VariableArgument;
pub(crate) use inputs::{collect as variable_inputs, unset as unset_inputs};
pub(crate) use lock::LOCK_PAUSE;
pub use moving::{Into, Move, move_objects};
pub(crate) use places::data_folder;
pub use replace_provider::{full as full_provider, replace_provider};
pub use saved::SavedPlan;
pub use session::{Applied, Session};
pub(crate) use session::{check_inputs, outputs};
pub use strata_config::context;
pub use strata_engine::json::plan_json;
pub use strata_engine::{
    Change, OutputChange, Plan, PlanMode, PlanOptions, Providers, Reason, announce_saved,
};
pub use taint::taint;
pub use transfer::{pull, push};
pub use unlock::force_unlock;
pub use unset::{UnsetVariable, unset_variables};
pub use validate::validate;
pub(crate) use validate::validate_with;

/// Which configuration, which state, and how to work with them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the root module, and of what is kept beside it.
    pub directory: PathBuf,
    /// Folder of the configuration, if that is another one.
    pub configuration: Option<PathBuf>,
    /// The state file; none for the one that the folder and the workspace give.
    pub state: Option<PathBuf>,
    /// The file that the state is written to, if not the one that it is read from.
    pub state_out: Option<PathBuf>,
    /// Where the version before goes when the state is changed by hand, `-` for nowhere; none for beside the state.
    pub backup: Option<PathBuf>,
    /// The workspace; none for the one that is selected in the folder.
    pub workspace: Option<Arc<str>>,
    /// Files of values that the project file names.
    pub variable_files: Vec<PathBuf>,
    /// `-var` and `-var-file` arguments, of which the last one counts.
    pub variables: Vec<VariableArgument>,
    /// Values that Strata itself gives, from the project file; they count above all others.
    pub given: Vec<(Arc<str>, Value)>,
    /// Files that Strata itself adds to the root module, by their names.
    pub added: Vec<(&'static str, String)>,
    /// Whether to take the state's lock.
    pub lock: bool,
    /// How long to wait for the lock.
    pub lock_timeout: Duration,
    /// How many provider calls run at once.
    pub parallelism: usize,
    /// True if a folder without configuration will do, as for deleting all that is in the state.
    pub may_be_empty: bool,
}

impl Settings {
    /// The settings of a command without options.
    pub fn of(directory: PathBuf) -> Self {
        Self {
            directory,
            configuration: None,
            state: None,
            state_out: None,
            backup: None,
            workspace: None,
            variable_files: Vec::new(),
            variables: Vec::new(),
            given: Vec::new(),
            added: Vec::new(),
            lock: true,
            lock_timeout: Duration::ZERO,
            parallelism: 10,
            may_be_empty: false,
        }
    }
}
