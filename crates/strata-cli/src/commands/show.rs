//! `show`: the whole state, or a saved plan.

use std::path::{Path, PathBuf};

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    infrastructure::{SavedPlan, Settings, plan_json, stored},
    process::Process,
    registry::Platforms,
};

use super::{Exit, process};
use crate::{
    args,
    commands::state,
    render::{plan as draw, print_whole},
};

const UNREADABLE: &str = "Failed to read the given file as a state or plan file";

pub(super) fn run(arguments: &args::Show) -> Result<Exit, Diagnostics> {
    let process = process()?;
    if let Some(missing) = arguments.file.as_ref().filter(|path| !path.exists()) {
        let missing = missing.display();
        let detail = format!(
            "State read error: Error loading statefile: open {missing}: no such file or directory\n\nPlan read error: \
             open {missing}: no such file or directory"
        );
        return Err(Diagnostic::error("plan-file", UNREADABLE)
            .detail(detail)
            .into());
    }
    if let Some(path) = &arguments.file
        && let Some(saved) = SavedPlan::read(path, &Settings::of(PathBuf::from(".")), &process)?
    {
        return plan(&saved, arguments.json, &process);
    }
    let settings = Settings {
        state: arguments.file.clone(),
        ..Settings::of(PathBuf::from("."))
    };
    let file = stored::read(&settings, &process).map_err(|diags| match &arguments.file {
        Some(path) => neither(path, diags),
        None => diags,
    })?;
    let providers = Platforms::real(&process).providers();
    if arguments.json {
        println!(
            "{}",
            stored::exact_text(&stored::json(&file, &providers), false)
        );
        return Ok(0);
    }
    if file.is_empty() {
        println!("The state is empty: nothing was made yet.");
        return Ok(0);
    }
    for (at, (address, resource, instance)) in file.instances().enumerate() {
        if at > 0 {
            println!();
        }
        state::draw(&address, resource, instance, &providers);
    }
    if !file.outputs.is_empty() {
        println!("\n\nOutputs:\n");
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

fn plan(saved: &SavedPlan, json: bool, process: &Process) -> Result<Exit, Diagnostics> {
    let platforms = Platforms::real(process);
    let plan = saved.plan(process, &platforms)?;
    match json {
        true => println!(
            "{}",
            stored::exact_text(&plan_json(&plan, &platforms.providers()), false)
        ),
        false => print_whole(&format!("\n{}", draw::plan(&plan, &platforms.providers()))),
    }
    Ok(0)
}

/// What is said of a file that is no saved plan, and no state because of these mistakes.
fn neither(path: &Path, diags: Diagnostics) -> Diagnostics {
    let whys = diags
        .iter()
        .map(|found| format!("{}: {}", found.summary, found.detail));
    let whys: Vec<String> = whys.collect();
    Diagnostic::error("plan-file", UNREADABLE)
        .detail(format!(
            "`{}` is no plan that Strata saved, and it cannot be read as a state: {}",
            path.display(),
            whys.join(" ")
        ))
        .into()
}
