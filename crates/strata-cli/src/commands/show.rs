//! `show`: the whole state.

use std::path::PathBuf;

use anstream::println;
use strata_core::Diagnostics;
use strata_ops::{
    infrastructure::{Settings, stored},
    registry::Platforms,
};

use super::{Exit, process};
use crate::{args, commands::state};

pub(super) fn run(arguments: &args::Show) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let settings = Settings {
        state: arguments.file.clone(),
        ..Settings::of(PathBuf::from("."))
    };
    let file = stored::read(&settings, &process)?;
    let providers = Platforms::real(&process).providers();
    if arguments.json {
        println!("{}", stored::json(&file, &providers));
        return Ok(0);
    }
    if file.is_empty() {
        println!("The state is empty: nothing was made yet.");
        return Ok(0);
    }
    for (address, resource, instance) in file.instances() {
        state::draw(&address, resource, instance, &providers);
    }
    if !file.outputs.is_empty() {
        println!("\nOutputs:\n");
        for (name, output) in &file.outputs {
            let text = if output.sensitive {
                "(sensitive value)".to_owned()
            } else {
                crate::render::value::long(&output.value, 0)
            };
            println!("{name} = {text}");
        }
    }
    Ok(0)
}
