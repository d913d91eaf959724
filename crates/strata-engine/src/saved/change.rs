//! A change as text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use strata_config::ProviderAddress;
use strata_core::{
    AttributePath, PathStep,
    addr::{Module, parse_resource_instance},
    provider::{Effect, EffectKind},
};

use super::{action_name, action_of, read_values, value_to_json};
use crate::{
    objects::Template,
    plan::{Change, Reason},
};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedChange {
    address: String,
    deposed: Option<Arc<str>>,
    action: String,
    reason: Option<String>,
    importing: Option<Arc<str>>,
    before: Option<Json>,
    after: Option<Json>,
    replace: Vec<Vec<Json>>,
    effects: Vec<(String, String)>,
    provider: SavedProvider,
    private: Vec<u8>,
    tainted: bool,
    dependencies: Vec<String>,
    create_before_destroy: bool,
    config_known: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedProvider {
    module: Vec<Arc<str>>,
    source: Arc<str>,
    local_name: Arc<str>,
    alias: Option<Arc<str>>,
    #[serde(default)]
    instance: Option<Arc<str>>,
}

impl SavedChange {
    pub(super) fn new(change: &Change) -> Self {
        let provider = &change.provider;
        Self {
            address: change.address.to_string(),
            deposed: change.deposed.clone(),
            action: action_name(change.action).to_owned(),
            reason: change
                .reason
                .as_ref()
                .map(|reason| reason_name(reason).to_owned()),
            importing: change.importing.clone(),
            before: change.before.as_ref().map(value_to_json),
            after: change.after.as_ref().map(value_to_json),
            replace: change.requires_replace.iter().map(path_to_json).collect(),
            effects: change.effects.iter().map(effect_to_saved).collect(),
            provider: SavedProvider {
                module: provider.module.0.clone(),
                source: provider.source.clone(),
                local_name: provider.local_name.clone(),
                alias: provider.alias.clone(),
                instance: provider.instance.clone(),
            },
            private: change.private.clone(),
            tainted: change.template.tainted,
            dependencies: change
                .template
                .dependencies
                .iter()
                .map(ToString::to_string)
                .collect(),
            create_before_destroy: change.template.create_before_destroy,
            config_known: change.config_known,
        }
    }

    /// None if something in it cannot be read.
    pub(super) fn read(self) -> Option<Change> {
        let resource = |text: &String| Some(parse_resource_instance(text).ok()?.resource.config());
        let dependencies: Option<Vec<_>> = self.dependencies.iter().map(resource).collect();
        let reason = match &self.reason {
            None => None,
            Some(name) => Some(reason_of(name)?),
        };
        let replace = self.replace.iter().map(|path| path_from_json(path));
        Some(Change {
            address: parse_resource_instance(&self.address).ok()?,
            deposed: self.deposed,
            action: action_of(&self.action)?,
            reason,
            importing: self.importing,
            before: read_values(self.before.as_ref())?,
            after: read_values(self.after.as_ref())?,
            requires_replace: replace.collect::<Option<_>>()?,
            effects: self
                .effects
                .into_iter()
                .map(effect_from_saved)
                .collect::<Option<_>>()?,
            provider: ProviderAddress {
                module: Module(self.provider.module),
                source: self.provider.source,
                local_name: self.provider.local_name,
                alias: self.provider.alias,
                instance: self.provider.instance,
            },
            private: self.private,
            template: Template {
                tainted: self.tainted,
                dependencies: dependencies?.into(),
                create_before_destroy: self.create_before_destroy,
            },
            config_known: self.config_known,
        })
    }
}

fn effect_to_saved(effect: &Effect) -> (String, String) {
    (effect.kind.label().to_owned(), effect.reason.clone())
}

fn effect_from_saved((kind, reason): (String, String)) -> Option<Effect> {
    let mut kinds = EffectKind::ALL.into_iter();
    let kind = kinds.find(|known| known.label() == kind)?;
    Some(Effect { kind, reason })
}

/// Attributes and keys are one in the path of a plan, but not in ours.
fn path_to_json(path: &AttributePath) -> Vec<Json> {
    let step = |step: &PathStep| match step {
        PathStep::Attribute(name) => json!(&**name),
        PathStep::Key(key) => json!({ "key": &**key }),
        PathStep::Index(index) => json!({ "index": index.to_string() }),
        PathStep::Element => json!({}),
    };
    path.0.iter().map(step).collect()
}

fn path_from_json(path: &[Json]) -> Option<AttributePath> {
    let step = |step: &Json| {
        Some(match (step.as_str(), step.get("key"), step.get("index")) {
            (Some(name), _, _) => PathStep::Attribute(name.into()),
            (_, Some(key), _) => PathStep::Key(key.as_str()?.into()),
            (_, _, Some(index)) => PathStep::Index(index.as_str()?.parse().ok()?),
            _ => PathStep::Element,
        })
    };
    let steps: Option<Vec<_>> = path.iter().map(step).collect();
    Some(AttributePath(steps?))
}

const REASONS: [(Reason, &str); 13] = [
    (Reason::CannotUpdate, "cannot-update"),
    (Reason::Tainted, "tainted"),
    (Reason::Requested, "requested"),
    (Reason::Triggered, "triggered"),
    (Reason::NotInConfiguration, "not-in-configuration"),
    (Reason::NoMoveTarget, "no-move-target"),
    (Reason::NoModule, "no-module"),
    (Reason::CountIndex, "count-index"),
    (Reason::EachKey, "each-key"),
    (Reason::WrongRepetition, "wrong-repetition"),
    (Reason::Deposed, "deposed"),
    (Reason::ConfigUnknown, "config-unknown"),
    (Reason::DependencyPending, "dependency-pending"),
];

fn reason_name(reason: &Reason) -> &'static str {
    let mut reasons = REASONS.iter();
    reasons
        .find(|(known, _)| known == reason)
        .map_or("", |(_, name)| name)
}

fn reason_of(name: &str) -> Option<Reason> {
    let mut reasons = REASONS.iter();
    reasons
        .find(|(_, known)| *known == name)
        .map(|(reason, _)| reason.clone())
}
