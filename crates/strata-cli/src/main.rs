//! The `strata` binary: arguments in, renderers out.
//!
//! Data takes this path: the command line becomes [`args::Args`], a function in [`commands`] turns
//! them into the options of one operation of `strata-ops`, and [`render`] draws the events that the
//! operation sends. How anything is done is never known here. Start reading at [`commands`].

mod args;
mod commands;
mod render;
mod terminal;

use std::{env, process::ExitCode};

use clap::Parser;

fn main() -> ExitCode {
    let argv = args::called_as(env::args_os());
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match args::environment::with_environment(argv, &environment.collect()) {
        Ok(argv) => commands::run(args::Args::parse_from(args::single_dash::widen(argv))),
        Err(wrong) => commands::refuse(&wrong),
    }
}
