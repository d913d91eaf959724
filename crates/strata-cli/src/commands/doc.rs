//! `doc`: what resources and data sources take and give.

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{reference, registry::Platforms};

use super::{Exit, process};
use crate::{args, render};

pub(super) fn run(arguments: &args::Doc) -> Result<Exit, Diagnostics> {
    let platforms = Platforms::real(&process()?);
    let Some(name) = &arguments.name else {
        println!("{}", render::reference::list(&reference::all(&platforms)));
        return Ok(0);
    };
    let found = reference::find(&platforms, name);
    if found.is_empty() {
        let summary = format!("There is no resource, data source or provider `{name}`");
        return Err(Diagnostic::error("unknown-name", summary)
            .hint("`strata doc` lists all there are; modules of playbooks are not among them yet")
            .into());
    }
    println!("{}", render::reference::pages(&found));
    Ok(0)
}
