//! `strata version`.

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{files::Disk, requirements};

use super::Exit;
use crate::args;

/// The Terraform whose language and files we follow: what tools read to know what they talk to.
const LANGUAGE: &str = "1.11.4";

/// The same of OpenTofu.
const OPENTOFU: &str = "1.10.6";

pub(super) fn run(arguments: &args::Version) -> Result<Exit, Diagnostics> {
    let version = env!("CARGO_PKG_VERSION");
    let (name, language) = match arguments.tool.as_deref() {
        None => ("Strata", LANGUAGE),
        Some("terraform") => ("Terraform", LANGUAGE),
        Some("tofu") => ("OpenTofu", OPENTOFU),
        Some(tool) if arguments.json => return Err(no_json(tool).into()),
        Some(tool) => return Ok(of_ansible(tool, version)),
    };
    let platform = format!("{}_{}", std::env::consts::OS, architecture());
    let selections = requirements::selections(&Disk)?;
    if arguments.json {
        let versions = serde_json::json!({
            "terraform_version": language,
            "strata_version": version,
            "platform": platform,
            "provider_selections": selections,
            "terraform_outdated": false,
        });
        println!("{versions:#}");
        return Ok(0);
    }
    let shown = if arguments.tool.is_some() {
        language
    } else {
        version
    };
    println!("{name} v{shown}\non {platform}");
    for (provider, version) in selections {
        println!("+ provider {provider} v{version}");
    }
    if arguments.tool.is_some() {
        println!("\nThis is Strata v{version}.");
    }
    Ok(0)
}

fn no_json(tool: &str) -> Diagnostic {
    Diagnostic::error(
        "options",
        format!("`{tool}` tells its version as text only"),
    )
    .hint("`strata version -json` tells that of Strata as JSON.")
}

/// What a tool of Ansible says of its version.
fn of_ansible(tool: &str, version: &str) -> Exit {
    let core = strata_ops::playbook::ansible_core();
    println!("{tool} [core {core}]\n  strata version = {version}");
    0
}

/// The machine's architecture in the words of Go, which Terraform uses.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
