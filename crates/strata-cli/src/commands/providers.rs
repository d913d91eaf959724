//! `providers`: which module needs which providers, and what those take and give.

use std::path::Path;

use anstream::{print, println};
use serde_json::json;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    files::Disk,
    infrastructure::full_provider,
    registry::Platforms,
    requirements::{ModuleRequirements, Requirements, requirements},
};

use super::{Exit, complain, process};
use crate::render::schema_json;

/// Where tests are if nobody says so.
const TESTS: &str = "tests";

pub(super) fn run(tests: &Path) -> Result<Exit, Diagnostics> {
    print!("{}", text(&requirements(&Disk, tests, &process()?)?));
    if tests != Path::new(TESTS) && !tests.is_dir() {
        let missing =
            Diagnostic::warning("test-folder", "Test directory does not exist").detail(format!(
                "Requested test directory {} does not exist.",
                tests.display()
            ));
        complain(&missing.into());
    }
    Ok(0)
}

/// Writes the schemas of all providers that configuration and state need.
pub(super) fn schemas() -> Result<Exit, Diagnostics> {
    let process = process()?;
    let needed = requirements(&Disk, Path::new(TESTS), &process)?.sources();
    let providers = Platforms::real(&process).providers();
    let (mut found, mut diags) = (Vec::new(), Diagnostics::new());
    for source in &needed {
        match providers.get(source) {
            Some(provider) => found.push((source.as_str(), provider.schema())),
            None => diags.push(not_there(source)),
        }
    }
    let mut shown = json!({ "format_version": "1.0" });
    if !found.is_empty() {
        shown["provider_schemas"] = schema_json::providers(found.into_iter());
    }
    diags.into_result(())?;
    println!("{shown}");
    Ok(0)
}

/// Looks whether all that is to be locked is there. A lock file holds the digests of packages; these providers have
/// none, so it stays as it is.
pub(super) fn lock(named: &[String], has_mirror: bool) -> Result<Exit, Diagnostics> {
    if has_mirror {
        return Err(no_packages().into());
    }
    let process = process()?;
    let needed: Vec<String> = match named.is_empty() {
        true => requirements(&Disk, Path::new(TESTS), &process)?
            .sources()
            .into_iter()
            .collect(),
        false => named.iter().map(|name| full_provider(name)).collect(),
    };
    let providers = Platforms::real(&process).providers();
    let missing = needed
        .iter()
        .filter(|source| providers.get(source).is_none());
    let mut diags = Diagnostics::new();
    diags.extend(missing.map(|source| not_there(source)));
    diags.into_result(())?;
    for source in &needed {
        println!("- {source} is built in to Strata");
    }
    println!("\nThere is nothing to lock: .terraform.lock.hcl stays as it is.");
    Ok(0)
}

/// What is said where packages of providers are asked for.
pub(super) fn no_packages() -> Diagnostic {
    Diagnostic::error("unsupported", "There are no packages of providers")
        .detail("The providers are built in to Strata, so that nothing is fetched and nothing can be mirrored.")
        .hint("A machine without network needs the program `strata` alone.")
}

fn not_there(source: &str) -> Diagnostic {
    Diagnostic::error("unknown-provider", "Provider not available").detail(format!(
        "The provider `{source}` is needed, and Strata does not have it."
    ))
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
        out.push_str(&format!("{indent}{sign}{}\n", child.name));
        draw(child, &format!("{indent}{deeper}"), out);
    }
}
