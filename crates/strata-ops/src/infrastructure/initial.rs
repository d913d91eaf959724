//! What `init` must know of a folder before there is a session.

use std::{path::PathBuf, sync::Arc};

use strata_config::VariableInput;
use strata_core::Diagnostics;

use super::{Settings, inputs, places};
use crate::{files::Disk, process::Process};

/// Values for variables from everywhere.
pub(crate) fn inputs(
    settings: &Settings,
    process: &Process,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    inputs::collect(settings, &process.environment, &Disk, diags)
}

/// `.terraform`, or what `TF_DATA_DIR` says.
pub(crate) fn data_folder(settings: &Settings, process: &Process) -> PathBuf {
    places::data_folder(settings, process)
}

/// The selected workspace.
pub(crate) fn workspace(settings: &Settings, process: &Process) -> Arc<str> {
    places::workspace(settings, process)
}
