//! Addresses and attribute paths as state has them.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use strata_core::{AttributePath, Number, PathStep, addr};

/// A step of an attribute path, as `sensitive_attributes` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    #[serde(rename = "type")]
    kind: String,
    value: Json,
}

/// Writes a path; it ends before the first element of a set, which cannot be named.
pub(crate) fn path_to_json(path: &AttributePath) -> Vec<Step> {
    path.0.iter().map_while(step_to_json).collect()
}

fn step_to_json(step: &PathStep) -> Option<Step> {
    let (kind, value) = match step {
        PathStep::Attribute(name) => ("get_attr", json!(&**name)),
        PathStep::Key(key) => ("index", json!({"value": &**key, "type": "string"})),
        PathStep::Index(index) => ("index", json!({"value": index.as_i64()?, "type": "number"})),
        PathStep::Element => return None,
    };
    Some(Step {
        kind: kind.to_owned(),
        value,
    })
}

/// Reads a path, as far as it can be understood: what contains the rest is meant then.
pub(crate) fn path_from_json(steps: &[Step]) -> AttributePath {
    AttributePath(steps.iter().map_while(step_from_json).collect())
}

fn step_from_json(step: &Step) -> Option<PathStep> {
    if step.kind == "get_attr" {
        return Some(PathStep::Attribute(step.value.as_str()?.into()));
    }
    match step.value.get("value")? {
        Json::String(key) => Some(PathStep::Key(key.as_str().into())),
        Json::Number(index) => Some(PathStep::Index(Number::from(index.as_i64()?))),
        _ => None,
    }
}

/// Reads the address of a resource block, as `dependencies` has them.
pub(crate) fn config_resource(text: &str) -> Result<addr::ConfigResource, addr::ParseAddressError> {
    Ok(addr::parse_resource_instance(text)?.resource.config())
}
