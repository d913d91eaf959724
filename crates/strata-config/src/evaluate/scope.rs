//! What the references of one module instance lead to.

use std::sync::Arc;

use strata_core::{Diagnostics, Marks, Type, Value, addr::ResourceMode};
use strata_hcl::{Environment, Reference, Resolved, Scope};

use super::{
    Evaluator, Expansion, Mode,
    state::{Children, ModuleState, Repetition, ResourceState},
};
use crate::{inputs, module::Repeat, references::ROOTS};

/// The scope of expressions in one module instance, perhaps inside a repeated block.
///
/// References to what is not declared lead to unknown values without a message: that is reported from the words
/// alone, by [`crate::validate()`].
pub(super) struct InModule<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) module: &'a Arc<ModuleState>,
    pub(super) repetition: &'a Repetition,
    pub(super) self_value: Option<&'a Value>,
    /// The variable whose validation this is: it alone is known while a module is validated.
    pub(super) validated: Option<&'a str>,
}

impl Scope for InModule<'_> {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let found = match reference.root {
            "var" => self.variable(reference),
            "local" => self.local(reference),
            "module" => self.call(reference),
            "path" => self.path(reference),
            "terraform" => self.terraform(reference),
            "each" | "count" => self.repetition(reference),
            "ephemeral" => self.resource(
                ResourceMode::Ephemeral,
                reference.attribute(0),
                reference,
                1,
            ),
            "self" => self.self_value.map(|value| Resolved::new(value.clone(), 0)),
            "data" => self.resource(ResourceMode::Data, reference.attribute(0), reference, 1),
            "resource" => {
                self.resource(ResourceMode::Managed, reference.attribute(0), reference, 1)
            }
            type_name => self.resource(ResourceMode::Managed, Some(type_name), reference, 0),
        };
        Some(found.unwrap_or_else(Resolved::failed))
    }

    fn environment(&self) -> Environment<'_> {
        let options = &self.evaluator.options;
        Environment {
            files: options.files.as_deref(),
            directory: self.evaluator.config.folder(),
            working_directory: Some(&options.working_directory),
            home: None,
            chance: options
                .chance
                .as_ref()
                .map(|chance| &**chance as &dyn strata_hcl::Chance),
            plan_timestamp: options.plan_timestamp.as_deref(),
        }
    }

    fn roots(&self) -> Vec<String> {
        ROOTS.iter().map(ToString::to_string).collect()
    }
}

impl InModule<'_> {
    fn variable(&self, reference: &Reference<'_>) -> Option<Resolved> {
        let name = reference.attribute(0)?;
        let value = self.evaluator.variable(self.module, name)?;
        if self.validated == Some(name) || self.evaluator.options.mode == Mode::Run {
            return Some(Resolved::new(value, 1));
        }
        // A module must be right whatever it is given, so Terraform validates it with unknown variables. What is
        // secret in a part of the value alone does not make a secret of the rest.
        let unknown = inputs::unknown(self.module.module.variables.get(name)?);
        Some(Resolved::new(unknown.with_marks(value.marks()), 1))
    }

    fn local(&self, reference: &Reference<'_>) -> Option<Resolved> {
        let value = self.evaluator.local(self.module, reference.attribute(0)?)?;
        Some(Resolved::new(value, 1))
    }

    /// Goes straight to the output of one instance where the reference says which.
    fn call(&self, reference: &Reference<'_>) -> Option<Resolved> {
        let name = reference.attribute(0)?;
        let children = self.evaluator.children(self.module, name)?;
        let (child, used) = match (&*children, reference.index(1)) {
            (Children::Once(child), _) => (Some(*child), 1),
            (Children::Count(ids), Some(key)) => {
                (known_index(key).and_then(|at| ids.get(at).copied()), 2)
            }
            (Children::ForEach(ids), Some(Value::String(key))) => {
                (ids.get(key.as_str()).copied(), 2)
            }
            _ => (None, 0),
        };
        if let (Some(child), Some(output)) = (child, reference.attribute(used)) {
            let child = self.evaluator.state(child);
            let value = self.evaluator.output_cell(&child, output)?;
            return Some(Resolved::new(value, used + 1));
        }
        Some(Resolved::new(
            self.evaluator.whole_module(self.module, name)?,
            1,
        ))
    }

    fn path(&self, reference: &Reference<'_>) -> Option<Resolved> {
        let options = &self.evaluator.options;
        let path = match reference.attribute(0)? {
            "module" => &self.module.module.relative,
            "root" => &self.evaluator.config.root().relative,
            "cwd" => &options.working_directory,
            _ => return None,
        };
        Some(Resolved::new(Value::from(&*path.to_string_lossy()), 1))
    }

    fn terraform(&self, reference: &Reference<'_>) -> Option<Resolved> {
        match reference.attribute(0)? {
            "workspace" => {
                let workspace = self.evaluator.options.workspace.clone();
                Some(Resolved::new(Value::string(workspace), 1))
            }
            _ => None,
        }
    }

    fn repetition(&self, reference: &Reference<'_>) -> Option<Resolved> {
        let value = match (reference.root, self.repetition, reference.attribute(0)?) {
            ("count", Repetition::Count(index), "index") => index,
            ("each", Repetition::Each { key, .. }, "key") => key,
            ("each", Repetition::Each { value, .. }, "value") => value,
            _ => return None,
        };
        Some(Resolved::new(value.clone(), 1))
    }

    /// Goes straight to one instance where the reference says which; the name of the resource is at step `at`.
    fn resource(
        &self,
        mode: ResourceMode,
        type_name: Option<&str>,
        reference: &Reference<'_>,
        at: usize,
    ) -> Option<Resolved> {
        let name = reference.attribute(at)?;
        let state = self.module.resource(mode, type_name?, name)?;
        let resource = self.module.module.resources.get(&state.key)?;
        if !matches!(resource.repeat, Repeat::Once | Repeat::Enabled(_))
            && reference.attribute(at + 1).is_some()
        {
            // An attribute of all instances at once: reported from the words alone.
            return None;
        }
        let expansion = self.evaluator.expansion(self.module, state);
        let found = match (&expansion, reference.index(at + 1)) {
            // Whatever has an instance as a whole is not judged before it is known which one: of two that differ in
            // type a condition may take either, as in Terraform.
            (Expansion::Unknown, Some(_)) if reference.steps.len() == at + 2 => {
                let unknown = Value::unknown(Type::Dynamic).with_marks(marks_of(state));
                return Some(Resolved::new(unknown, at + 2));
            }
            (Expansion::Unknown, _) => {
                return Some(self.unknown_number(state, at));
            }
            (Expansion::Count(count), Some(key)) => {
                known_index(key).filter(|index| index < count).map(|index| {
                    self.evaluator
                        .instance_value(self.module, state, |table| table.at(index))
                })
            }
            (Expansion::ForEach(entries), Some(Value::String(key)))
                if entries.contains_key(key) =>
            {
                Some(
                    self.evaluator
                        .instance_value(self.module, state, |table| table.key(key)),
                )
            }
            _ => None,
        };
        Some(match found {
            Some(value) => Resolved::new(value, at + 2),
            None => {
                let whole = self
                    .evaluator
                    .whole_resource(self.module, state, &expansion);
                Resolved::new(whole, at + 1)
            }
        })
    }

    /// Where the number of instances is not known, all of them are one unknown collection of the right type.
    fn unknown_number(&self, state: &ResourceState, at: usize) -> Resolved {
        let ty = self.evaluator.missing(self.module, state).unmarked().ty();
        let resource = self.module.module.resources.get(&state.key);
        let whole = match resource.map(|resource| &resource.repeat) {
            Some(Repeat::Count(_)) if ty != Type::Dynamic => Type::list(ty),
            Some(Repeat::ForEach(_)) if ty != Type::Dynamic => Type::map(ty),
            _ => Type::Dynamic,
        };
        Resolved::new(Value::unknown(whole).with_marks(marks_of(state)), at + 1)
    }
}

/// What all of a resource is marked with.
pub(super) fn marks_of(state: &ResourceState) -> Marks {
    match state.key.mode {
        ResourceMode::Ephemeral => Marks::EPHEMERAL,
        ResourceMode::Managed | ResourceMode::Data => Marks::NONE,
    }
}

fn known_index(key: &Value) -> Option<usize> {
    match key {
        Value::Number(number) => number.as_usize(),
        _ => None,
    }
}
