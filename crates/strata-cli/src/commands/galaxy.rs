//! `galaxy`, as `ansible-galaxy`.

use anstream::{print, println};
use strata_core::Diagnostics;
use strata_ops::galaxy::{self, Kind, Options};

use super::{Exit, process};
use crate::args::{Galaxy, GalaxyCommand, GalaxyInstall, GalaxyKind, GalaxyPlace};

pub(super) fn run(arguments: &Galaxy) -> Result<Exit, Diagnostics> {
    match &arguments.command {
        GalaxyCommand::Install(wanted) => install(wanted, None),
        GalaxyCommand::List(place) => list(place, None),
        GalaxyCommand::Role { command } => of_kind(command, Kind::Role),
        GalaxyCommand::Collection { command } => of_kind(command, Kind::Collection),
    }
}

fn of_kind(command: &GalaxyKind, kind: Kind) -> Result<Exit, Diagnostics> {
    match command {
        GalaxyKind::Install(wanted) => install(wanted, Some(kind)),
        GalaxyKind::List(place) => list(place, Some(kind)),
    }
}

fn install(wanted: &GalaxyInstall, only: Option<Kind>) -> Result<Exit, Diagnostics> {
    let options = Options {
        requirements: wanted.requirements.clone(),
        names: wanted.names.clone(),
        only,
        path: wanted.place.path.clone(),
        force: wanted.force,
        server: wanted.server.clone(),
    };
    galaxy::install(&options, &process()?, &|line| println!("{line}"))?;
    Ok(0)
}

fn list(place: &GalaxyPlace, only: Option<Kind>) -> Result<Exit, Diagnostics> {
    let options = Options {
        only,
        path: place.path.clone(),
        ..Options::default()
    };
    print!("{}", galaxy::list(&options, &process()?)?);
    Ok(0)
}
