//! `taint` and `untaint`.

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::infrastructure::{self, Settings};

use super::{
    Exit, complain, process,
    surgery::{instance, settings, work},
};
use crate::args;

pub(super) fn run(arguments: &args::Taint, tainted: bool) -> Result<Exit, Diagnostics> {
    let address = instance(&arguments.address)?;
    let settings = Settings {
        state_out: arguments.state_out.clone(),
        ..settings(&arguments.file)
    };
    let process = process()?;
    let done = work(async |events| {
        let missing = arguments.allow_missing;
        infrastructure::taint(&address, tainted, missing, &settings, &process, events).await
    })?;
    if !done {
        let warning = Diagnostic::warning("not-in-state", "No such resource instance").detail(format!(
            "Resource instance {address} was not found, but this is not an error because -allow-missing was set."
        ));
        complain(&warning.into());
        return Ok(0);
    }
    let how = if tainted {
        "marked as tainted"
    } else {
        "successfully untainted"
    };
    println!("Resource instance {address} has been {how}.");
    Ok(0)
}
