//! The stages of the project file, as far as rules need them.
//!
//! Read from the syntax alone: a check must work where `.env` is missing, too.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostics, Source, StageKind, Type, Value, files::normalize};
use strata_hcl::{Block, Body, Environment, Expression, Reference, Resolved, Scope};

/// A stage of an environment.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Its environment.
    pub(crate) environment: Arc<str>,
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What it does.
    pub(crate) kind: StageKind,
    /// The folder of the root module, or the playbook; none if it is computed.
    pub(crate) path: Option<PathBuf>,
    /// Inventories that are files or folders.
    pub(crate) inventories: Vec<PathBuf>,
    /// The instances of the application.
    pub(crate) instances: Vec<String>,
    /// What the block says.
    pub(crate) body: Body,
}

impl Stage {
    /// True if it should have a path and that cannot be told.
    pub(crate) fn is_computed(&self) -> bool {
        self.path.is_none() && self.kind != StageKind::Verify
    }

    /// True for a stage whose inventory is made from outputs.
    pub(crate) fn is_by_convention(&self) -> bool {
        let given = ["hosts", "inventory", "inventories"];
        self.kind == StageKind::Configure
            && given.iter().all(|name| self.body.attribute(name).is_none())
    }

    /// The playbook and the inventories: beside them stand variables.
    pub(crate) fn starts(&self) -> impl Iterator<Item = &Path> {
        let own = self.path.iter().chain(&self.inventories);
        own.map(PathBuf::as_path)
    }

    /// An argument, as far as it is known before anything runs; none without it.
    pub(crate) fn evaluated(&self, name: &str) -> Option<Value> {
        let attribute = self.body.attribute(name)?;
        Some(known(&self.environment, &attribute.expression))
    }

    /// What the stage gives to a variable of its root module; none if it does not.
    pub(crate) fn given(&self, name: &str) -> Option<Value> {
        let variables = &self.body.attribute("variables")?.expression;
        let entries = variables.as_map()?;
        let entry = entries.iter().find(|(key, _)| {
            key.as_keyword().is_some_and(|key| key == name) || key.text().trim_matches('"') == name
        })?;
        Some(known(&self.environment, &entry.1))
    }
}

/// Reads the stages of one environment, or of all.
///
/// None if the file cannot be parsed or has no such environment; the diagnostics say which.
pub(crate) fn read(
    source: &Arc<Source>,
    folder: &Path,
    environment: Option<&str>,
    diags: &mut Diagnostics,
) -> Option<Vec<Stage>> {
    let body = strata_hcl::parse(source, diags);
    if diags.has_errors() {
        return None;
    }
    let mut stages = Vec::new();
    let mut names = Vec::new();
    for block in body.blocks_of("environment") {
        for name in block.labels.iter().map(|label| &*label.text) {
            names.push(format!("`{name}`"));
            if environment.is_none_or(|wanted| wanted == name) {
                let inner = block.body.blocks.iter();
                stages.extend(inner.flat_map(|block| stages_of(block, name, folder)));
            }
        }
    }
    match environment {
        Some(name) if !names.contains(&format!("`{name}`")) => {
            let summary = format!("The project has no environment `{name}`");
            let diagnostic = strata_core::Diagnostic::error("unknown-environment", summary);
            diags.push(diagnostic.hint(format!("It has {}.", names.join(", "))));
            None
        }
        _ => Some(stages),
    }
}

/// What a block is: an `image` has a root module and a playbook, as two stages have.
fn stages_of(block: &Block, environment: &str, folder: &Path) -> Vec<Stage> {
    let (provision, configure) = (
        (StageKind::Provision, "directory"),
        (StageKind::Configure, "playbook"),
    );
    let parts = match &*block.kind.text {
        "provision" => vec![provision],
        "configure" => vec![configure],
        "image" if block.body.attribute("playbook").is_none() => vec![provision],
        "image" => vec![provision, configure],
        "verify" => vec![(StageKind::Verify, "")],
        _ => Vec::new(),
    };
    let parts = parts.into_iter();
    parts
        .map(|part| stage(block, part, environment, folder))
        .collect()
}

fn stage(
    block: &Block,
    (kind, argument): (StageKind, &str),
    environment: &str,
    folder: &Path,
) -> Stage {
    let evaluated = |name: &str| {
        let expression = &block.body.attribute(name)?.expression;
        Some(known(environment, expression))
    };
    let path = evaluated(argument).and_then(|path| path.as_str().map(|path| folder.join(path)));
    let instances = evaluated("instances").unwrap_or(Value::Null(Type::Dynamic));
    Stage {
        environment: environment.into(),
        name: block.label(0).unwrap_or_default().into(),
        kind,
        path: path.map(|path| normalize(&path)),
        inventories: inventories(evaluated("inventory"), folder),
        instances: names(&instances),
        body: block.body.clone(),
    }
}

fn inventories(value: Option<Value>, folder: &Path) -> Vec<PathBuf> {
    let value = value.unwrap_or(Value::Null(Type::Dynamic));
    let one = value.as_str().map(str::to_owned);
    let all = one.into_iter().chain(names(&value));
    all.map(|path| normalize(&folder.join(path))).collect()
}

/// Names in a list, or keys of a map.
fn names(value: &Value) -> Vec<String> {
    if let Some(entries) = value.as_entries() {
        return entries.keys().map(|name| name.to_string()).collect();
    }
    let items = value.as_sequence().unwrap_or_default().iter();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn known(environment: &str, expression: &Expression) -> Value {
    strata_hcl::evaluate(expression, &Known(environment), &mut Diagnostics::new())
}

/// Knows the environment's name and nothing else.
struct Known<'a>(&'a str);

impl Scope for Known<'_> {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let name = reference.root == "environment" && reference.attribute(0) == Some("name");
        Some(if name {
            Resolved::new(Value::string(self.0), 1)
        } else {
            Resolved::failed()
        })
    }

    fn environment(&self) -> Environment<'_> {
        Environment::none()
    }
}
