//! What an object will look like, worked out from what its type declares.
//!
//! 1. Where configuration is silent, a default is planned.
//! 2. If that changes the object, attributes that only the provider sets become unknown, unless `stable`;
//!    those that configuration may set too keep their value.
//! 3. Changed attributes that say `replace` need a new object; those that say `live`, `restart` or
//!    `rebuild` tell what the change does.
//!
//! A type's own [`plan`](crate::ResourceType::plan) then changes what it knows better.

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, PathStep, Value,
    provider::{Effect, EffectKind, Object, PlanRequest, PlanResponse},
    schema::{Nesting, Presence},
};

use crate::{
    spec::{BlockSpec, FieldSpec},
    typed::{Misfit, Typed},
};

/// A plan in the making; all values may be unknown.
pub struct Plan<'a, C> {
    /// The object as it is; none for a create.
    pub prior: Option<&'a Value>,
    /// The configuration.
    pub config: &'a Value,
    /// The object as it shall be.
    pub planned: Value,
    /// What the provider's configuration made; none while that is not wholly known.
    pub client: Option<&'a C>,
    /// What the type remembers about the object, hidden from users.
    pub private: Vec<u8>,
    /// What should be said.
    pub warnings: Diagnostics,
    requires_replace: Vec<AttributePath>,
    effects: Vec<Effect>,
}

impl<'a, C> Plan<'a, C> {
    /// Plans by what the type declares.
    pub(crate) fn new(spec: &BlockSpec, request: &'a PlanRequest, client: Option<&'a C>) -> Self {
        let prior = request.prior.as_ref().map(|prior| &prior.value);
        let mut planned = with_defaults(spec, &request.config, &request.proposed);
        if prior.is_some_and(|prior| *prior != planned) {
            planned = with_unknown(spec, &planned);
        }
        let mut plan = Self {
            prior,
            config: &request.config,
            planned,
            client,
            private: request.prior.as_ref().map(private).unwrap_or_default(),
            warnings: Diagnostics::new(),
            requires_replace: Vec::new(),
            effects: Vec::new(),
        };
        if let Some(prior) = prior {
            let planned = plan.planned.clone();
            consequences(
                spec,
                prior,
                &planned,
                &AttributePath::root(),
                &mut |path, field| {
                    plan.consequence(path, field);
                },
            );
        }
        plan
    }

    fn consequence(&mut self, path: AttributePath, field: &FieldSpec) {
        if let Some(kind) = field.effect {
            self.effect(kind, format!("{path} {}", told(kind)));
        }
        if field.replace {
            self.requires_replace.push(path);
        }
    }

    /// True if there is no object yet.
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// What is planned for an attribute, as a Rust type; none if it is null or not wholly known.
    pub fn get<T: Typed>(&self, name: &str) -> Option<T> {
        known(self.planned.get(name)?)
    }

    /// What an attribute was; none if it was null, or there is no object yet.
    pub fn before<T: Typed>(&self, name: &str) -> Option<T> {
        known(self.prior?.get(name)?)
    }

    /// True if an attribute changes, or may; false for a create.
    pub fn changes(&self, name: &str) -> bool {
        self.prior
            .is_some_and(|prior| prior.get(name) != self.planned.get(name))
    }

    /// True if anything changes, or may; false for a create.
    pub fn is_update(&self) -> bool {
        self.prior.is_some_and(|prior| *prior != self.planned)
    }

    /// True if configuration sets an attribute, or may: what is unknown counts.
    pub fn is_configured(&self, name: &str) -> bool {
        self.config.get(name).is_some_and(|value| !value.is_null())
    }

    /// The planned object as a struct; none if something is unknown that is not left to the provider.
    pub fn object<T: Typed>(&self) -> Option<Result<T, Misfit>> {
        self.config
            .is_wholly_known()
            .then(|| T::read(&self.planned))
    }

    /// Plans a value.
    pub fn set<T: Typed>(&mut self, name: &str, value: &T) {
        self.set_value(name, value.write());
    }

    /// Plans a value that only apply can tell.
    pub fn set_unknown(&mut self, name: &str) {
        if let Some(before) = self.planned.get(name) {
            let unknown = Value::unknown(before.ty());
            self.set_value(name, unknown);
        }
    }

    /// Plans the value that it has already.
    pub fn keep(&mut self, name: &str) {
        if let Some(before) = self.prior.and_then(|prior| prior.get(name)) {
            self.set_value(name, before.clone());
        }
    }

    /// Plans a value as it is in the language.
    pub fn set_value(&mut self, name: &str, value: Value) {
        let mut entries = self.planned.as_entries().cloned().unwrap_or_default();
        entries.insert(name.into(), value);
        self.planned = Value::object(entries);
    }

    /// Says that the change of an attribute needs a new object.
    pub fn replace(&mut self, name: &str) {
        self.requires_replace.push(AttributePath::attribute(name));
    }

    /// Says that the change of an attribute needs no new object after all.
    pub fn update_in_place(&mut self, name: &str) {
        let path = AttributePath::attribute(name);
        self.requires_replace
            .retain(|other| !path.is_prefix_of(other));
    }

    /// Says what the change does to a running guest.
    pub fn effect(&mut self, kind: EffectKind, reason: impl Into<String>) {
        let reason = reason.into();
        self.effects.push(Effect { kind, reason });
    }

    /// Warns.
    pub fn warn(&mut self, warning: Diagnostic) {
        self.warnings.push(warning);
    }

    pub(crate) fn response(self) -> PlanResponse {
        PlanResponse {
            planned: self.planned,
            requires_replace: self.requires_replace,
            effects: self.effects,
            private: self.private,
            warnings: self.warnings,
        }
    }
}

fn private(object: &Object) -> Vec<u8> {
    object.private.clone()
}

fn known<T: Typed>(value: &Value) -> Option<T> {
    let there = !value.is_null() && value.is_wholly_known();
    there.then(|| T::read(value).ok()).flatten()
}

fn told(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::None => "changes nothing that runs",
        EffectKind::DataLoss => "loses data",
        EffectKind::Live => "is applied live",
        EffectKind::Restart => "needs a restart",
        EffectKind::Rebuild => "needs a new guest",
    }
}

/// The proposed value with defaults where configuration is silent.
pub(crate) fn with_defaults(spec: &BlockSpec, config: &Value, proposed: &Value) -> Value {
    fill(spec, Some(config), proposed)
}

/// `config` is none for an element of a set: it has no place there, but what it left open is null or unknown.
fn fill(spec: &BlockSpec, config: Option<&Value>, proposed: &Value) -> Value {
    change_fields(spec, proposed, &mut |field, value| {
        let configured = config.map(|config| config.get(field.name));
        let silent = match configured {
            Some(configured) => configured.is_none_or(Value::is_null),
            None => value.is_null() || !value.is_known(),
        };
        match (&field.default, field.inner()) {
            (Some(default), _) if silent => default.clone(),
            (_, Some((_, inner))) => fill_inner(inner, configured.flatten(), value),
            _ => value.clone(),
        }
    })
}

fn fill_inner(inner: &BlockSpec, config: Option<&Value>, value: &Value) -> Value {
    // In a set that is not wholly known, what is unknown cannot be told from what is left open.
    if matches!(value, Value::Set(..)) && config.is_some_and(|config| !config.is_wholly_known()) {
        return value.clone();
    }
    change_objects(value, &mut |step, child| {
        let config = match step {
            None => config,
            Some(step) => config.and_then(|config| config.at(std::slice::from_ref(&step))),
        };
        fill(inner, config, child)
    })
}

/// The object with unknown values where only the provider can tell what a change makes of them.
fn with_unknown(spec: &BlockSpec, planned: &Value) -> Value {
    change_fields(spec, planned, &mut |field, value| {
        if field.presence() == Some(Presence::Computed) {
            return match field.stable && !value.is_null() {
                true => value.clone(),
                false => Value::unknown(value.ty()),
            };
        }
        match field.inner() {
            // Elements of sets must stay wholly known to be told apart.
            Some((nesting, inner)) if nesting != Nesting::Set => {
                change_objects(value, &mut |_, child| with_unknown(inner, child))
            }
            _ => value.clone(),
        }
    })
}

fn change_fields(
    spec: &BlockSpec,
    object: &Value,
    change: &mut dyn FnMut(&FieldSpec, &Value) -> Value,
) -> Value {
    if !matches!(object, Value::Object(_)) {
        return object.clone();
    }
    object.map_children(|step, child| {
        let PathStep::Attribute(name) = &step else {
            return child.clone();
        };
        match spec.fields.iter().find(|field| field.name == &**name) {
            Some(field) => change(field, child),
            None => child.clone(),
        }
    })
}

/// Changes an object, or each in a collection of objects; the step leads to it in the collection.
fn change_objects(
    value: &Value,
    change: &mut dyn FnMut(Option<PathStep>, &Value) -> Value,
) -> Value {
    match value {
        Value::Object(_) => change(None, value),
        Value::List(..) | Value::Set(..) | Value::Map(..) => {
            value.map_children(|step, child| change(Some(step), child))
        }
        other => other.clone(),
    }
}

/// Tells `each` changed field that says what its change means.
fn consequences(
    spec: &BlockSpec,
    prior: &Value,
    planned: &Value,
    path: &AttributePath,
    each: &mut dyn FnMut(AttributePath, &FieldSpec),
) {
    for field in &spec.fields {
        let (Some(before), Some(after)) = (prior.get(field.name), planned.get(field.name)) else {
            continue;
        };
        if before == after {
            continue;
        }
        // A state of before the attribute was there: that it is filled in is no change of the user's.
        if before.is_null() && field.default.as_ref() == Some(after) {
            continue;
        }
        let path = path.then(PathStep::Attribute(field.name.into()));
        if field.replace || field.effect.is_some() {
            each(path.clone(), field);
        }
        let Some((nesting, inner)) = field.inner() else {
            continue;
        };
        inner_consequences(nesting, inner, (before, after), &path, each);
    }
}

fn inner_consequences(
    nesting: Nesting,
    inner: &BlockSpec,
    (before, after): (&Value, &Value),
    path: &AttributePath,
    each: &mut dyn FnMut(AttributePath, &FieldSpec),
) {
    let known = before.is_known() && after.is_known() && !before.is_null() && !after.is_null();
    match nesting {
        Nesting::Single if known => consequences(inner, before, after, path, each),
        Nesting::List | Nesting::Map if known => {
            for (step, child) in after.children() {
                if let Some(before) = before.at(std::slice::from_ref(&step)) {
                    consequences(inner, before, child, &path.then(step), each);
                }
            }
        }
        // Which element became which cannot be told: any that says `replace` counts.
        _ => {
            let first = inner.fields.iter().find(|field| field.replace);
            if let Some(field) = first {
                each(path.clone(), field);
            }
        }
    }
}
