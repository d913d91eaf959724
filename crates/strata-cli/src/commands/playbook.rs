//! `playbook` and `inventory`, as `ansible-playbook` and `ansible-inventory`.

use anstream::println;
use strata_core::Diagnostics;
use strata_ops::{
    playbook::{self, Options},
    registry::Platforms,
    stop::Stop,
};

use super::{Exit, Look, block_on, process, screen, signals::stoppable};
use crate::args;

/// What `ansible-playbook` ends with when a playbook cannot be read.
const UNREADABLE: Exit = 4;

pub(super) fn run(arguments: &args::Playbook) -> Result<Exit, Diagnostics> {
    let options = options(arguments);
    if arguments.syntax_check {
        playbook::syntax_check(&arguments.playbooks, &options)?;
        arguments
            .playbooks
            .iter()
            .for_each(|path| println!("\nplaybook: {}", path.display()));
        return Ok(0);
    }
    let process = process()?;
    let platforms = Platforms::real(&process);
    let look = if arguments.json {
        Look::Json
    } else {
        Look::Ansible(arguments.verbose)
    };
    let screen = screen(&look);
    let events = screen.events();
    let stop = Stop::new();
    let signal = stop.signal();
    let work = playbook::run(
        &arguments.playbooks,
        &options,
        &process,
        &platforms,
        &signal,
        &events,
    );
    let recaps = block_on(stoppable(&stop, &screen.printer(), work))?;
    drop(screen);
    match recaps {
        Ok(recaps) => Ok(recaps
            .iter()
            .map(|recap| recap.exit_code())
            .max()
            .unwrap_or(0)),
        Err(diags) => {
            super::complain(&diags);
            Ok(UNREADABLE)
        }
    }
}

fn options(arguments: &args::Playbook) -> Options {
    Options {
        inventory: arguments.inventory.clone(),
        limit: arguments.limit.clone(),
        extra_vars: arguments.extra_vars.clone(),
        tags: arguments.tags.clone(),
        skip_tags: arguments.skip_tags.clone(),
        start_at_task: arguments.start_at_task.clone(),
        check: arguments.check,
        diff: arguments.diff,
        forks: usize::from(arguments.forks),
        become_enabled: arguments.become_,
        become_user: arguments.become_user.clone(),
        remote_user: arguments.remote_user.clone(),
        private_key: arguments.private_key.clone(),
        connection: arguments.connection.clone(),
        verbosity: arguments.verbose,
    }
}

pub(super) fn inventory(arguments: &args::Inventory) -> Result<Exit, Diagnostics> {
    let json = match &arguments.host {
        Some(host) => playbook::inventory_host(&arguments.inventory, host)?,
        None => playbook::inventory_list(&arguments.inventory)?,
    };
    println!("{json:#}");
    Ok(0)
}
