//! A plan as text, so that it can be applied later, by another process.
//!
//! Everything that apply needs is in it, but for the environment (configuration and variables), which whoever
//! stores the plan stores beside it. Values keep their types, what is unknown in them, and their marks.

mod change;
mod value;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use strata_core::{Action, Diagnostics, Value, addr::parse_resource_instance};
use strata_state::State;

use crate::{
    checks,
    environment::Environment,
    plan::{Graph, Node, OutputChange, Plan, PlanMode, Work},
};
use change::SavedChange;

pub use value::{value_from_json, value_to_json};

#[derive(Serialize, Deserialize)]
struct SavedPlan {
    mode: String,
    prior: String,
    drift: Vec<SavedChange>,
    changes: Vec<SavedChange>,
    outputs: BTreeMap<Arc<str>, SavedOutput>,
    graph: Vec<SavedNode>,
    targeted: bool,
    moves: Vec<(String, String)>,
    refreshed: bool,
    /// True if it is not whole, since something was wrong.
    #[serde(default)]
    errored: bool,
    /// The file with configuration that was written for it.
    #[serde(default)]
    generated_in: Option<Arc<str>>,
    /// What conditions have found, as the state file says it.
    #[serde(default)]
    checks: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct SavedOutput {
    action: String,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    sensitive: bool,
}

/// What is done, with which change, after which others.
type SavedNode = (String, Option<usize>, Vec<usize>);

/// Writes a plan; what is ephemeral in its values is not in it.
pub fn plan_to_text(plan: &Plan) -> Result<String, String> {
    let mode = match plan.mode {
        PlanMode::Normal => "normal",
        PlanMode::RefreshOnly => "refresh-only",
        PlanMode::Destroy => "destroy",
    };
    let text = |address: &strata_core::addr::ResourceInstance| address.to_string();
    let saved = SavedPlan {
        mode: mode.to_owned(),
        prior: plan.prior.print(),
        drift: plan.drift.iter().map(SavedChange::new).collect(),
        changes: plan.changes.iter().map(SavedChange::new).collect(),
        outputs: plan
            .outputs
            .iter()
            .map(|(name, output)| (name.clone(), output_to_saved(output)))
            .collect(),
        graph: plan.graph.nodes.iter().map(node_to_saved).collect(),
        targeted: plan.targeted,
        moves: plan
            .moves
            .iter()
            .map(|(from, to)| (text(from), text(to)))
            .collect(),
        refreshed: plan.refreshed,
        errored: plan.errored,
        generated_in: plan.generated_in.clone(),
        checks: checks::to_state(&plan.checks),
    };
    serde_json::to_string(&saved).map_err(|error| error.to_string())
}

/// Reads a plan; `environment` must be the one that it was made with.
pub fn plan_from_text(text: &str, environment: Environment) -> Result<Plan, String> {
    let saved: SavedPlan = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let prior = State::parse(&saved.prior, Path::new("plan")).map_err(|error| error.to_string())?;
    let changes = |saved: Vec<SavedChange>| -> Result<Vec<_>, String> {
        let read = |change: SavedChange| change.read().ok_or("a change cannot be read");
        Ok(saved.into_iter().map(read).collect::<Result<_, _>>()?)
    };
    let (drift, changes) = (changes(saved.drift)?, changes(saved.changes)?);
    let nodes = saved.graph.into_iter().map(node_from_saved);
    let nodes: Option<Vec<_>> = nodes.collect();
    let graph = Graph {
        nodes: nodes.ok_or("an action is not known")?,
    };
    check_graph(&graph, changes.len())?;
    let outputs = saved
        .outputs
        .into_iter()
        .map(|(name, output)| Some((name, output_from_saved(output)?)));
    let moves = saved.moves.iter().map(|(from, to)| {
        let address = |text: &str| parse_resource_instance(text).ok();
        Some((address(from)?, address(to)?))
    });
    Ok(Plan {
        environment,
        mode: match saved.mode.as_str() {
            "normal" => PlanMode::Normal,
            "refresh-only" => PlanMode::RefreshOnly,
            "destroy" => PlanMode::Destroy,
            other => return Err(format!("the mode `{other}` is not known")),
        },
        prior,
        drift,
        changes,
        outputs: outputs
            .collect::<Option<_>>()
            .ok_or("an output cannot be read")?,
        graph,
        checks: checks::from_state(saved.checks.as_deref()),
        warnings: Diagnostics::new(),
        errors: Diagnostics::new(),
        errored: saved.errored,
        generated_in: saved.generated_in,
        targeted: saved.targeted,
        moves: moves
            .collect::<Option<_>>()
            .ok_or("a move cannot be read")?,
        origins: OnceLock::new(),
        refreshed: saved.refreshed,
    })
}

/// Positions are used without looking, so none may lead nowhere.
fn check_graph(graph: &Graph, changes: usize) -> Result<(), String> {
    let is_sound = |node: &Node| {
        node.after.iter().all(|at| *at < graph.nodes.len())
            && node.work.change().is_none_or(|at| at < changes)
    };
    match graph.nodes.iter().all(is_sound) {
        true => Ok(()),
        false => Err("its order of actions is damaged".to_owned()),
    }
}

fn node_to_saved(node: &Node) -> SavedNode {
    let name = match node.work {
        Work::Join => "join",
        Work::Create(_) => "create",
        Work::Update(_) => "update",
        Work::Delete(_) => "delete",
        Work::Read(_) => "read",
        Work::Forget(_) => "forget",
    };
    (name.to_owned(), node.work.change(), node.after.clone())
}

fn node_from_saved((name, change, after): SavedNode) -> Option<Node> {
    let work = match (name.as_str(), change) {
        ("join", _) => Work::Join,
        ("create", Some(at)) => Work::Create(at),
        ("update", Some(at)) => Work::Update(at),
        ("delete", Some(at)) => Work::Delete(at),
        ("read", Some(at)) => Work::Read(at),
        ("forget", Some(at)) => Work::Forget(at),
        _ => return None,
    };
    Some(Node { work, after })
}

fn output_to_saved(output: &OutputChange) -> SavedOutput {
    SavedOutput {
        action: action_name(output.action).to_owned(),
        before: output.before.as_ref().map(value_to_json),
        after: output.after.as_ref().map(value_to_json),
        sensitive: output.sensitive,
    }
}

fn output_from_saved(saved: SavedOutput) -> Option<OutputChange> {
    Some(OutputChange {
        action: action_of(&saved.action)?,
        before: read_values(saved.before.as_ref())?,
        after: read_values(saved.after.as_ref())?,
        sensitive: saved.sensitive,
    })
}

/// A value that may not be there; none if it is there and cannot be read.
fn read_values(saved: Option<&serde_json::Value>) -> Option<Option<Value>> {
    match saved {
        None => Some(None),
        Some(saved) => value_from_json(saved).map(Some),
    }
}

const ACTIONS: [(Action, &str); 8] = [
    (Action::NoOp, "no-op"),
    (Action::Create, "create"),
    (Action::Read, "read"),
    (Action::Update, "update"),
    (Action::DeleteThenCreate, "delete-then-create"),
    (Action::CreateThenDelete, "create-then-delete"),
    (Action::Delete, "delete"),
    (Action::Forget, "forget"),
];

fn action_name(action: Action) -> &'static str {
    let mut actions = ACTIONS.iter();
    actions
        .find(|(known, _)| *known == action)
        .map_or("no-op", |(_, name)| name)
}

fn action_of(name: &str) -> Option<Action> {
    let mut actions = ACTIONS.iter();
    actions
        .find(|(_, known)| *known == name)
        .map(|(action, _)| *action)
}
