//! `state list` and `state show`.

use std::path::PathBuf;

use anstream::println;
use strata_core::{
    Diagnostic, Diagnostics,
    addr::{ResourceInstance, ResourceMode, parse_resource_instance},
};
use strata_ops::{
    infrastructure::{Settings, stored},
    registry::Platforms,
};

use super::{Exit, process};
use crate::render::value::long;

pub(super) fn list(addresses: &[String], state: Option<PathBuf>) -> Result<Exit, Diagnostics> {
    let settings = Settings {
        state,
        ..Settings::of(PathBuf::from("."))
    };
    let state = stored::read(&settings, &process()?)?;
    for address in stored::addresses(&state, addresses)? {
        println!("{address}");
    }
    Ok(0)
}

pub(super) fn show(address: &str, state: Option<PathBuf>, json: bool) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let settings = Settings {
        state,
        ..Settings::of(PathBuf::from("."))
    };
    let state = stored::read(&settings, &process)?;
    let wanted = parse_resource_instance(address).map_err(|error| {
        Diagnostics::from(
            Diagnostic::error(
                "invalid-address",
                format!("`{address}` is no address of a resource instance"),
            )
            .detail(error.to_string()),
        )
    })?;
    let Some((_, resource, instance)) =
        state.instances().find(|(address, _, _)| *address == wanted)
    else {
        let diagnostic =
            Diagnostic::error("not-in-state", format!("`{address}` is not in the state"));
        return Err(diagnostic.hint("`strata state list` lists what is.").into());
    };
    let providers = Platforms::real(&process).providers();
    if json {
        println!("{:#}", stored::instance_json(&wanted, instance, &providers));
    } else {
        draw(&wanted, resource, instance, &providers);
    }
    Ok(0)
}

/// Draws one instance as a block of configuration.
pub(super) fn draw(
    address: &ResourceInstance,
    resource: &stored::Resource,
    instance: &stored::Instance,
    providers: &stored::Providers,
) {
    println!("# {address}:");
    let keyword = if address.resource.mode == ResourceMode::Data {
        "data"
    } else {
        "resource"
    };
    println!(
        "{keyword} {:?} {:?} {{",
        &*address.resource.type_name, &*address.resource.name
    );
    match stored::value(address, instance, providers) {
        Some(value) => {
            let entries: Vec<_> = value
                .as_entries()
                .into_iter()
                .flatten()
                .filter(|(_, value)| !value.is_null())
                .collect();
            let width = entries
                .iter()
                .map(|(name, _)| name.chars().count())
                .max()
                .unwrap_or(0);
            for (name, value) in entries {
                println!("    {name:<width$} = {}", long(value, 4));
            }
        }
        None => println!(
            "    # of provider {}, which is not there",
            resource.provider
        ),
    }
    println!("}}\n");
}
