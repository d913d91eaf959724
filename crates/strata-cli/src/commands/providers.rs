//! `providers`: which module needs which providers.

use anstream::print;
use strata_core::Diagnostics;
use strata_ops::{
    files::Disk,
    requirements::{ModuleRequirements, Requirements, requirements},
};

use super::{Exit, process};

pub(super) fn run() -> Result<Exit, Diagnostics> {
    print!("{}", text(&requirements(&Disk, &process()?)?));
    Ok(0)
}

/// Draws the tree as Terraform does.
fn text(requirements: &Requirements) -> String {
    let mut out = String::from("\nProviders required by configuration:\n.\n");
    draw(&requirements.root, "", &mut out);
    out.push('\n');
    if !requirements.state.is_empty() {
        out.push_str("Providers required by state:\n\n");
        for provider in &requirements.state {
            out.push_str(&format!("    provider[{provider}]\n\n"));
        }
    }
    out
}

fn draw(module: &ModuleRequirements, indent: &str, out: &mut String) {
    let count = module.providers.len() + module.children.len();
    let branch = |number: usize| match number + 1 == count {
        true => ("└── ", "    "),
        false => ("├── ", "│\u{a0}\u{a0} "),
    };
    for (number, (provider, versions)) in module.providers.iter().enumerate() {
        let line = format!(
            "{indent}{}provider[{provider}] {versions}",
            branch(number).0
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for (number, child) in module.children.iter().enumerate() {
        let (sign, deeper) = branch(module.providers.len() + number);
        out.push_str(&format!("{indent}{sign}module.{}\n", child.name));
        draw(child, &format!("{indent}{deeper}"), out);
    }
}
