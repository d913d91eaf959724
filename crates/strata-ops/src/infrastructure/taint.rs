//! `taint` and `untaint`: whether the next plan replaces an object.

use strata_core::{
    Diagnostic, Diagnostics, Events,
    addr::{ResourceInstance, ResourceMode},
};

use super::{Settings, edit::Edited};
use crate::process::Process;

/// Marks an object as tainted, or as sound again; false if it is not there and `allow_missing` lets that pass.
pub async fn taint(
    address: &ResourceInstance,
    tainted: bool,
    allow_missing: bool,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<bool, Diagnostics> {
    let operation = if tainted { "taint" } else { "untaint" };
    if address.resource.mode == ResourceMode::Data {
        let summary = format!("Resource instance {address} cannot be {operation}ed");
        return Err(Diagnostic::error("cannot-taint", summary)
            .detail("Data sources are read anew at each run, so there is nothing to replace.")
            .into());
    }
    let mut edited = Edited::open(settings, operation, process, events).await?;
    let Some(current) = edited.state_ref().current(address) else {
        return match allow_missing {
            true => Ok(false),
            false => Err(missing(address, operation).into()),
        };
    };
    if !tainted && !current.tainted {
        let error = Diagnostic::error("not-tainted", "Resource instance is not tainted");
        let why = format!(
            "Resource instance {address} is not currently tainted, and so it cannot be untainted."
        );
        return Err(error.detail(why).into());
    }
    edited.state().set_tainted(address, tainted);
    edited.write()?;
    Ok(true)
}

fn missing(address: &ResourceInstance, operation: &str) -> Diagnostic {
    Diagnostic::error("not-in-state", "No such resource instance")
        .detail(format!(
            "There is no resource instance in the state with the address {address}."
        ))
        .hint(format!(
            "If it was added to the configuration just now, apply it before you {operation} it."
        ))
        .hint("`strata state list` lists what is in the state.")
}
