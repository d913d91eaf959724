//! The `workspace` commands.

use std::path::PathBuf;

use anstream::println;
use strata_core::Diagnostics;
use strata_ops::infrastructure::{Settings, workspaces};

use super::{
    Exit, process,
    surgery::{reading, work},
};
use crate::args::{Held, WorkspaceCommand};

pub(super) fn run(command: &WorkspaceCommand) -> Result<Exit, Diagnostics> {
    let (settings, process) = (reading(None), process()?);
    match command {
        WorkspaceCommand::List => list(&workspaces::list(&settings, &process)?),
        WorkspaceCommand::Show => println!("{}", workspaces::current(&settings, &process)?),
        WorkspaceCommand::New { name, state, held } => {
            let settings = holding(held);
            work(async |events| {
                let from = state.as_deref();
                workspaces::create(name, from, &settings, &process, events).await
            })?;
            created(name);
        }
        WorkspaceCommand::Select { name, or_create } => {
            let selected = work(async |events| {
                workspaces::select(name, *or_create, &settings, &process, events).await
            })?;
            match selected {
                None => {}
                Some(true) => created(name),
                Some(false) => println!("Switched to workspace \"{name}\"."),
            }
        }
        WorkspaceCommand::Delete { name, force, held } => {
            let settings = holding(held);
            let had_objects = work(async |events| {
                workspaces::delete(name, *force, &settings, &process, events).await
            })?;
            println!("Deleted workspace \"{name}\"!");
            if had_objects {
                println!(
                    "WARNING: \"{name}\" was non-empty. Its objects may still be there, but nothing tracks them any more."
                );
            }
        }
    }
    Ok(0)
}

/// The settings of a command that changes a workspace's state.
fn holding(held: &Held) -> Settings {
    Settings {
        lock: held.lock,
        lock_timeout: held.lock_timeout,
        ..Settings::of(PathBuf::from("."))
    }
}

fn list(found: &workspaces::Workspaces) {
    // The first one is always there, as Terraform shows it.
    let first = found.all.get("default");
    let others = found.all.iter().filter(|name| &***name != "default");
    for name in first.into_iter().chain(others) {
        let mark = if *name == found.current { "*" } else { " " };
        println!("{mark} {name}");
    }
    println!();
    if found.overridden {
        println!(
            "The active workspace is being overridden using the TF_WORKSPACE environment\nvariable."
        );
    }
}

fn created(name: &str) {
    println!(
        "Created and switched to workspace \"{name}\"!\n\nIt is empty: a plan here sees no state of other workspaces."
    );
}
