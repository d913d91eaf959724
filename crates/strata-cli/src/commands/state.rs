//! The `state` commands.

use std::{
    fs,
    io::{Read, stdin},
    path::{Path, PathBuf},
};

use anstream::println;
use strata_core::{
    Diagnostic, Diagnostics,
    addr::{ResourceInstance, ResourceMode},
};
use strata_ops::{
    infrastructure::{self, Into, Move, stored},
    registry::Platforms,
};

use super::{
    Exit,
    approval::ask,
    process,
    surgery::{instance, reading, settings, targets, work},
};
use crate::{
    args::{StateCommand, StateFile},
    render::{print_whole, value::still},
};

pub(super) fn run(command: &StateCommand) -> Result<Exit, Diagnostics> {
    match command {
        StateCommand::List {
            addresses,
            id,
            state,
        } => list(addresses, id.as_deref(), state.clone()),
        StateCommand::Show {
            address,
            state,
            json,
        } => show(address, state.clone(), *json),
        StateCommand::Move {
            from,
            to,
            dry_run,
            state_out,
            backup_out,
            file,
        } => {
            let into = state_out.clone().map(|state| Into {
                state,
                backup: backup_out.clone(),
            });
            move_objects(from, to, *dry_run, into, file)
        }
        StateCommand::Remove {
            addresses,
            dry_run,
            file,
        } => remove(addresses, *dry_run, file),
        StateCommand::Pull { state } => {
            let text = infrastructure::pull(&reading(state.clone()), &process()?)?;
            anstream::print!("{text}");
            Ok(0)
        }
        StateCommand::Push { path, force, file } => push(path, *force, file),
        StateCommand::ReplaceProvider {
            from,
            to,
            auto_approve,
            file,
        } => replace_provider(from, to, *auto_approve, file),
    }
}

fn list(
    addresses: &[String],
    id: Option<&str>,
    state: Option<PathBuf>,
) -> Result<Exit, Diagnostics> {
    let Some(listed) = stored::list(&reading(state), &process()?, addresses, id)? else {
        return Err(Diagnostic::error("no-state", "No state file was found!")
            .detail("Nothing was applied here yet, or this is not the folder of the configuration.")
            .hint("Name another state file with `-state`.")
            .into());
    };
    let lines: String = listed
        .iter()
        .flat_map(|address| [address.as_str(), "\n"])
        .collect();
    print_whole(&lines);
    Ok(0)
}

fn show(address: &str, state: Option<PathBuf>, json: bool) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let state = stored::read(&reading(state), &process)?;
    let wanted = instance(address)?;
    // What was only set aside is no instance of that address.
    let is_wanted = |(address, _, instance): &(ResourceInstance, _, &stored::Instance)| {
        *address == wanted && instance.current.is_some()
    };
    let Some((_, resource, instance)) = state.instances().find(is_wanted) else {
        let diagnostic =
            Diagnostic::error("not-in-state", "No instance found for the given address!").detail(
                format!("`{address}` is not one specific instance that is in the state."),
            );
        return Err(diagnostic.hint("`strata state list` lists what is.").into());
    };
    let providers = Platforms::real(&process).providers();
    if json {
        let shown = stored::instance_json(&wanted, instance, &providers);
        println!("{}", stored::exact_text(&shown, true));
    } else {
        draw(&wanted, resource, instance, &providers);
    }
    Ok(0)
}

fn move_objects(
    from: &str,
    to: &str,
    dry_run: bool,
    into: Option<Into>,
    file: &StateFile,
) -> Result<Exit, Diagnostics> {
    let mut wished = targets(&[from.to_owned(), to.to_owned()])?.into_iter();
    let (Some(source), Some(target)) = (wished.next(), wished.next()) else {
        return Ok(super::FAILED);
    };
    let wish = Move {
        from: source,
        to: target,
        into,
        dry_run,
    };
    let (settings, process) = (settings(file), process()?);
    work(async |events| infrastructure::move_objects(&wish, &settings, &process, events).await)?;
    if dry_run {
        println!("Would move {from:?} to {to:?}");
    } else {
        println!("Move {from:?} to {to:?}\nSuccessfully moved 1 object(s).");
    }
    Ok(0)
}

fn remove(addresses: &[String], dry_run: bool, file: &StateFile) -> Result<Exit, Diagnostics> {
    let targets = targets(addresses)?;
    let (settings, process) = (settings(file), process()?);
    let found = work(async |events| {
        infrastructure::forget(&targets, dry_run, &settings, &process, events).await
    })?;
    let word = if dry_run { "Would remove" } else { "Removed" };
    for address in &found {
        println!("{word} {address}");
    }
    match dry_run {
        true if found.is_empty() => println!("Would have removed nothing."),
        true => {}
        false => println!("Successfully removed {} resource instance(s).", found.len()),
    }
    Ok(0)
}

fn push(path: &Path, force: bool, file: &StateFile) -> Result<Exit, Diagnostics> {
    let text = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            stdin().lock().read_to_string(&mut text).map(|_| text)
        }
        false => fs::read_to_string(path),
    };
    let text = text.map_err(|error| {
        let summary = format!("`{}` cannot be read", path.display());
        Diagnostics::from(Diagnostic::error("state-file", summary).detail(error.to_string()))
    })?;
    let (settings, process) = (settings(file), process()?);
    work(async |events| {
        infrastructure::push(&text, path, force, &settings, &process, events).await
    })?;
    Ok(0)
}

fn replace_provider(
    from: &str,
    to: &str,
    auto_approve: bool,
    file: &StateFile,
) -> Result<Exit, Diagnostics> {
    let (settings, process) = (settings(file), process()?);
    let full = infrastructure::full_provider;
    let mut asked = false;
    let found = work(async |events| {
        infrastructure::replace_provider(from, to, &settings, &process, events, |found| {
            asked = true;
            println!(
                "Strata will perform the following actions:\n\n  ~ Updating provider:\n    - {}\n    + {}\n\nChanging {} resources:\n",
                full(from), full(to), found.len()
            );
            found.iter().for_each(|address| println!("  {address}"));
            println!();
            auto_approve || ask("Do you want to make these changes?")
        })
        .await
    })?;
    match (asked, found.len()) {
        (false, _) => println!("No matching resources found."),
        (true, 0) => {
            println!("Cancelled replacing providers.");
        }
        (true, count) => println!("Successfully replaced provider for {count} resources."),
    }
    Ok(0)
}

/// Prints one instance as a block of configuration.
pub(super) fn draw(
    address: &ResourceInstance,
    resource: &stored::Resource,
    instance: &stored::Instance,
    providers: &stored::Providers,
) {
    print_whole(&text(address, resource, instance, providers));
}

/// One instance as a block of configuration.
pub(crate) fn text(
    address: &ResourceInstance,
    resource: &stored::Resource,
    instance: &stored::Instance,
    providers: &stored::Providers,
) -> String {
    let keyword = match address.resource.mode {
        ResourceMode::Data => "data",
        _ => "resource",
    };
    let (kind, name) = (&*address.resource.type_name, &*address.resource.name);
    let inside = match stored::value(address, instance, providers) {
        Some(value) => {
            let source = resource.provider.split('"').nth(1).unwrap_or_default();
            let schemas = providers.schemas();
            let schema = schemas.resource(source, address.resource.mode, kind);
            still(&value, schema.map(|schema| &schema.block))
        }
        None => format!(
            "    # of provider {}, which is not there\n",
            resource.provider
        ),
    };
    let is_tainted = instance
        .current
        .as_ref()
        .is_some_and(|object| object.tainted);
    let tainted = if is_tainted { " (tainted)" } else { "" };
    format!("# {address}:{tainted}\n{keyword} {kind:?} {name:?} {{\n{inside}}}\n")
}
