//! A plan, as `terraform show -json` gives it.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use strata_core::{Action, addr::ModuleInstance};
use strata_state::{
    Output as StateOutput, State,
    json::{exact, type_to_json},
};

use super::{
    changes::{change_json, output_json, path, reason},
    configuration::configuration_json,
    resources::{Tree, head, planned_json, values_json},
};
use crate::{
    checks,
    plan::{Change, Plan, PlanMode},
    providers::Providers,
};

/// Writes a plan for other programs.
pub fn plan_json(plan: &Plan, providers: &Providers) -> Json {
    let mut json = json!({
        "format_version": "1.2",
        "terraform_version": &*plan.prior.terraform_version,
    });
    let variables = variables(plan);
    if !variables.is_empty() {
        json["variables"] = Json::Object(variables);
    }
    json["planned_values"] = planned_values(plan, providers);
    if !plan.drift.is_empty() {
        json["resource_drift"] = plan
            .drift
            .iter()
            .map(|change| resource_json(plan, change))
            .collect();
    }
    if !plan.changes.is_empty() {
        json["resource_changes"] = plan
            .changes
            .iter()
            .map(|change| resource_json(plan, change))
            .collect();
    }
    if !plan.outputs.is_empty() {
        let outputs = plan
            .outputs
            .iter()
            .map(|(name, change)| (name.to_string(), output_json(change)));
        json["output_changes"] = Json::Object(outputs.collect());
    }
    let prior = prior_state(plan);
    if !prior.is_empty() {
        json["prior_state"] = json!({
            "format_version": "1.0",
            "terraform_version": &*prior.terraform_version,
            "values": values_json(&prior, providers),
        });
    }
    let relevant = relevant_json(plan);
    if !relevant.is_empty() {
        json["relevant_attributes"] = Json::Array(relevant);
    }
    json["configuration"] = configuration_json(
        &plan.environment.config,
        providers,
        plan.generated_in.as_deref(),
    );
    if !plan.checks.is_empty() {
        json["checks"] = checks::to_json(&plan.checks);
    }
    if let Some(timestamp) = &plan.environment.plan_timestamp {
        json["timestamp"] = json!(&**timestamp);
    }
    json["applyable"] = json!(plan.is_applyable());
    json["complete"] = json!(!plan.targeted && !plan.errored);
    json["errored"] = json!(plan.errored);
    json
}

/// What the changes may come from: that of resources that change, of outputs that do, and of all outputs of modules,
/// which are in no state and so are new in every plan; a module that goes away has none any more. A plan of a part has no
/// outputs of modules.
fn relevant_json(plan: &Plan) -> Vec<Json> {
    let changing = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp);
    let mut outputs: Vec<_> = plan
        .outputs
        .iter()
        .filter(|(_, change)| change.action != Action::NoOp)
        .map(|(name, _)| (ModuleInstance::root(), name.clone()))
        .collect();
    let modules: BTreeSet<&ModuleInstance> = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.action, Action::Delete | Action::Forget))
        .map(|change| &change.address.resource.module)
        .filter(|module| !module.0.is_empty() && !plan.is_partial())
        .collect();
    let config = &plan.environment.config;
    for instance in modules {
        let module = config.module(&instance.module());
        let names = module.into_iter().flat_map(|module| module.outputs.keys());
        outputs.extend(names.map(|name| (instance.clone(), name.clone())));
    }
    let resources = changing.map(|change| &change.address.resource);
    let found = strata_config::relevant(config, resources, outputs);
    let json = |found: &strata_config::Relevant| json!({ "resource": found.resource.to_string(), "attribute": path(&found.path) });
    found.iter().map(json).collect()
}

/// The state that was planned on, with the outputs that are known by now: Terraform shows those as if they were old.
fn prior_state(plan: &Plan) -> State {
    let mut prior = plan.prior.clone();
    if plan.mode == PlanMode::Destroy {
        return prior;
    }
    for (name, change) in &plan.outputs {
        let after = change.after.as_ref();
        let known = after.filter(|after| after.is_wholly_known() && !after.is_null());
        if let Some(known) = known {
            let output = StateOutput {
                value: known.unmark_paths().0,
                sensitive: change.sensitive,
            };
            prior.outputs.insert(name.clone(), output);
        }
    }
    prior
}

fn variables(plan: &Plan) -> Map<String, Json> {
    let variable = |(name, value): (&std::sync::Arc<str>, &strata_core::Value)| {
        (name.to_string(), json!({ "value": exact(value) }))
    };
    // A value that is not kept in a saved plan shows as the default.
    let given = &plan.environment.given;
    let declared = plan.environment.config.root().variables.iter();
    let unset = declared.filter(|(name, _)| !given.contains_key(*name));
    let defaults = unset.filter_map(|(name, found)| Some((name, found.default.as_ref()?)));
    defaults.chain(given).map(variable).collect()
}

fn planned_values(plan: &Plan, providers: &Providers) -> Json {
    let mut tree = Tree::default();
    for change in plan
        .changes
        .iter()
        .filter(|change| change.deposed.is_none())
    {
        let is_forgotten = change.action == Action::Forget;
        if change.after.is_some() || is_forgotten {
            let address = &change.address;
            let schema = providers.schemas().resource(
                &change.provider.source,
                address.resource.mode,
                &address.resource.type_name,
            );
            let version = schema.map_or(0, |schema| schema.version);
            tree.add(
                &address.resource.module,
                planned_json(
                    address,
                    &change.provider.source,
                    version,
                    change.after.as_ref(),
                ),
            );
        }
    }
    tree.sort();
    let outputs: Map<_, _> = plan
        .outputs
        .iter()
        .filter_map(|(name, change)| {
            let after = change.after.as_ref()?;
            let mut json = json!({ "sensitive": change.sensitive });
            if after.is_wholly_known() {
                json["type"] = type_to_json(&after.ty());
                json["value"] = exact(after);
            }
            Some((name.to_string(), json))
        })
        .collect();
    let mut json = json!({});
    if !outputs.is_empty() {
        json["outputs"] = Json::Object(outputs);
    }
    json["root_module"] = tree.into_json(&ModuleInstance::root());
    json
}

fn resource_json(plan: &Plan, change: &Change) -> Json {
    let mut json = head(&change.address, &change.provider.source);
    if let Some(from) = plan.moved_from(&change.address) {
        json["previous_address"] = json!(from.to_string());
    }
    if !change.address.resource.module.0.is_empty() {
        json["module_address"] = json!(change.address.resource.module.to_string());
    }
    if let Some(key) = &change.deposed {
        json["deposed"] = json!(&**key);
    }
    json["change"] = change_json(change);
    if let Some(text) = generated(plan, change) {
        json["change"]["generated_config"] = json!(text);
    }
    if let Some(reason) = change
        .reason
        .as_ref()
        .and_then(|why| reason(change.action, why))
    {
        json["action_reason"] = json!(reason);
    }
    json
}

/// The block that was written for an object that is taken over.
fn generated<'p>(plan: &'p Plan, change: &Change) -> Option<&'p str> {
    let file = plan.generated_in.as_ref()?;
    let config = &plan.environment.config;
    let span = &config.resource(&change.address.resource.config())?.span;
    if span.file != *file || change.importing.is_none() {
        return None;
    }
    let block = config.source(file)?.text.get(span.start.byte as usize..)?;
    // The block was written with its closing brace alone in a line.
    let end = block.find("\n}")?;
    block.get(..end + 2)
}
