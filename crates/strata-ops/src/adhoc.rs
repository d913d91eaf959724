//! One module on some hosts, as `ansible` does it.

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Events, files::MemoryFiles};
use strata_runner::Recap;

use crate::playbook::{self, Around, Options, Project, inventory};

/// What to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// The hosts' pattern.
    pub pattern: String,
    /// The module.
    pub module: String,
    /// Its arguments: `name=value` words, a command, or a mapping in JSON or YAML.
    pub arguments: String,
    /// Seconds that it may run in the background.
    pub background: Option<u64>,
    /// Seconds between looks at what runs in the background; 0: it is left behind.
    pub poll: Option<u64>,
    /// Seconds that it may take.
    pub timeout: Option<u64>,
}

/// The hosts that a pattern means.
pub fn hosts(
    task: &Task,
    options: &Options,
    around: &Around<'_>,
) -> Result<Vec<String>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(
        &options.vault,
        around.process,
        around.ask.as_ref(),
        &mut diags,
    );
    let found = inventory::read(
        &options.inventory,
        &project,
        around.process,
        None,
        &mut diags,
    );
    diags.into_result(())?;
    let find = |pattern: &str| {
        found.inventory.matching(pattern).map_err(|reason| {
            let message = format!("the host pattern `{pattern}` cannot be used");
            Diagnostics::from(Diagnostic::error("bad-host-pattern", message).detail(reason))
        })
    };
    let mut hosts = find(&task.pattern)?;
    if let Some(limit) = &options.limit {
        let allowed = find(limit)?;
        hosts.retain(|host| allowed.contains(host));
    }
    Ok(hosts)
}

/// Runs a module on hosts.
pub async fn run(
    task: &Task,
    options: &Options,
    around: &Around<'_>,
    events: &Events,
) -> Result<Recap, Diagnostics> {
    let text = json!([play(task)]).to_string();
    let files = Arc::new(MemoryFiles::new([("adhoc.json", text.as_str())]));
    playbook::run_text(
        files.as_ref(),
        Path::new("adhoc.json"),
        options,
        around,
        events,
    )
    .await
}

fn play(task: &Task) -> Json {
    let mut entry = Map::new();
    let given = task.arguments.trim();
    let arguments = match given.starts_with('{') {
        true => serde_json::from_str(given).unwrap_or_else(|_| Json::from(given)),
        false => Json::from(given),
    };
    entry.insert(task.module.clone(), arguments);
    let seconds = [
        ("async", task.background),
        ("poll", task.poll),
        ("timeout", task.timeout),
    ];
    for (name, value) in seconds {
        if let Some(value) = value {
            entry.insert(name.to_owned(), value.into());
        }
    }
    json!({
        "name": "Ansible Ad-Hoc",
        "hosts": task.pattern,
        "gather_facts": false,
        "tasks": [entry],
    })
}
