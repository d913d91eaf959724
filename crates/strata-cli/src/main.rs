//! The `strata` binary: arguments in, renderers out.
//!
//! Data takes this path: the command line becomes [`args::Args`], a function in [`commands`] turns
//! them into the options of one operation of `strata-ops`, and [`render`] draws the events that the
//! operation sends. How anything is done is never known here. Start reading at [`commands`].

mod args;
mod commands;
mod output_lost;
mod render;
mod terminal;

use std::{
    env,
    io::{Write, stdout},
    path::Path,
    process::ExitCode,
};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use strata_ops::askpass;

fn main() -> ExitCode {
    if let Some(socket) = env::var_os(askpass::SOCKET) {
        return hand_over(Path::new(&socket));
    }
    let argv = args::called_as(env::args_os());
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match args::environment::with_environment(argv, &environment.collect()) {
        Ok(argv) => {
            let is_of_ansible = argv.get(1).is_some_and(|name| {
                let name = name.to_string_lossy();
                ["playbook", "inventory", "vault", "run", "galaxy"].contains(&&*name)
            });
            let argv = args::single_dash::widen(argv);
            match args::Args::parse(&argv) {
                Ok(args) => output_lost::guard(|| commands::run(args)),
                Err(wrong)
                    if wrong.use_stderr()
                        && wrong.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        && args::environment::is_of_terraform(&argv) =>
                {
                    commands::refuse_arguments(&wrong, &argv)
                }
                Err(wrong) => refuse(&wrong, is_of_ansible),
            }
        }
        Err(wrong) => commands::refuse(&wrong),
    }
}

/// Answers `ssh`, which asks this program for a password; failing is how it is told that there is none.
fn hand_over(socket: &Path) -> ExitCode {
    let prompt = env::args_os().nth(1).unwrap_or_default();
    match askpass::answer(socket, &prompt.to_string_lossy()) {
        Ok(Some(password)) if writeln!(stdout(), "{password}").is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Says what is wrong with the command line, or gives the help that was asked for.
///
/// A mistake is 1, as with Terraform, whose 2 means that there are changes; for the commands of Ansible it is 2.
fn refuse(wrong: &clap::Error, is_of_ansible: bool) -> ExitCode {
    let option = match wrong.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => Some(option.as_str()),
        _ => None,
    };
    let typed = option.and_then(|option| Some((option, commands::with_one_dash(option)?)));
    match typed {
        Some((option, typed)) => {
            let said = wrong.render().ansi().to_string();
            anstream::eprint!("{}", said.replace(option, typed));
        }
        // Whoever would read it is gone.
        None => drop(wrong.print()),
    }
    if let Some(hint) = commands::environment_wanted(wrong) {
        anstream::eprintln!("\n{hint}");
    }
    match (wrong.use_stderr(), is_of_ansible) {
        (false, _) => ExitCode::SUCCESS,
        (true, false) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(2),
    }
}
