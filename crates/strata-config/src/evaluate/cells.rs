//! How each kind of cell is computed.

use std::sync::{Arc, PoisonError};

use strata_core::{Diagnostic, Diagnostics, Marks, Span, Text, Type, Value, addr::InstanceKey};
use strata_hcl::evaluate;

use super::{
    Evaluator, Expansion, Mode,
    cell::{Asked, Cell},
    expansion::expand,
    scope::marks_of,
    state::{Children, ModuleState, Repetition, ResourceState, StateId},
    table::Table,
};
use crate::{graph, inputs, module::Argument};

/// The stack that must be left before a cell is computed, and how much is added where it is not: chains of
/// references may be as long as the user likes.
const STACK_LEFT: usize = 256 * 1024;
const STACK_ADDED: usize = 4 * 1024 * 1024;

impl Evaluator {
    /// Computes a cell unless that has been done. A cell that refers to itself reads as `otherwise`.
    fn compute<T: Clone>(
        &self,
        cell: &Cell<T>,
        otherwise: impl FnOnce() -> T,
        span: Option<&Span>,
        compute: impl FnOnce(&mut Diagnostics) -> T,
    ) -> T {
        match cell.ask() {
            Asked::Done(value) => value,
            Asked::Cycle => {
                self.keep(cycle(span).into());
                otherwise()
            }
            Asked::Compute => {
                let mut diags = Diagnostics::new();
                let value = stacker::maybe_grow(STACK_LEFT, STACK_ADDED, || compute(&mut diags));
                cell.fill(value.clone());
                self.keep(diags);
                value
            }
        }
    }

    fn keep(&self, diags: Diagnostics) {
        if !diags.is_empty() {
            self.pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .append(diags);
        }
    }

    pub(super) fn local(&self, module: &Arc<ModuleState>, name: &str) -> Option<Value> {
        let local = module.module.locals.get(name)?;
        let cell = module.locals.get(name)?;
        Some(self.compute(cell, unknown, Some(&local.span), |diags| {
            evaluate(
                &local.value,
                &self.scope(module, &Repetition::Once, None),
                diags,
            )
        }))
    }

    /// The value of an output, marked if it is declared so.
    pub(super) fn output_cell(&self, module: &Arc<ModuleState>, name: &str) -> Option<Value> {
        let output = module.module.outputs.get(name)?;
        let cell = module.outputs.get(name)?;
        Some(self.compute(cell, unknown, Some(&output.span), |diags| {
            let value = evaluate(
                &output.value,
                &self.scope(module, &Repetition::Once, None),
                diags,
            );
            value.with_marks(declared(output.sensitive, output.ephemeral))
        }))
    }

    pub(super) fn variable(&self, module: &Arc<ModuleState>, name: &str) -> Option<Value> {
        let variable = module.module.variables.get(name)?;
        let cell = module.variables.get(name)?;
        let marks = declared(variable.sensitive, variable.ephemeral);
        Some(self.compute(cell, unknown, Some(&variable.span), |diags| {
            let value = match module.parent {
                None => self.root_variable(name, variable),
                Some(parent) => self.passed_variable(module, parent, variable, diags),
            };
            value.with_marks(marks)
        }))
    }

    fn root_variable(&self, name: &str, variable: &crate::module::Variable) -> Value {
        let given = self
            .options
            .variables
            .get(name)
            .filter(|_| self.options.mode == Mode::Run);
        given.cloned().unwrap_or_else(|| inputs::unknown(variable))
    }

    /// What the call of a module passes for a variable.
    fn passed_variable(
        &self,
        module: &Arc<ModuleState>,
        parent: StateId,
        variable: &crate::module::Variable,
        diags: &mut Diagnostics,
    ) -> Value {
        let call = graph::call_of(&self.config, module.node);
        let argument = call.and_then(|call| call.arguments.get(&variable.name));
        let given = argument.map(|argument| self.argument(module, parent, argument, diags));
        let marks = given.as_ref().map_or(Marks::NONE, Value::marks_deep);
        if let Some(argument) =
            argument.filter(|_| marks.contains(Marks::EPHEMERAL) && !variable.ephemeral)
        {
            let what = "This input variable is not declared as accepting ephemeral values";
            diags.push(super::checks::ephemeral_value(what, argument.value.span()));
        }
        match inputs::prepare(variable, given.as_ref()) {
            Ok(value) => value,
            // A missing argument is found from the words alone, before anything is evaluated.
            Err(inputs::Unfit::Missing) => inputs::unknown(variable),
            Err(unfit) => {
                let span = argument.map(|argument| argument.value.span());
                let summary = match unfit {
                    inputs::Unfit::Null => "Required variable not set",
                    _ => "Invalid value for input variable",
                };
                let found = Diagnostic::error("invalid-variable", summary).detail(format!(
                    "The given value is not suitable for {}.var.{}: {}.",
                    module.address, variable.name, unfit
                ));
                let found = match span {
                    Some(span) => found.at(span),
                    None => found,
                };
                diags.push(found.label(variable.span.clone(), "declared here"));
                inputs::unknown(variable)
            }
        }
    }

    fn argument(
        &self,
        module: &Arc<ModuleState>,
        parent: StateId,
        argument: &Argument,
        diags: &mut Diagnostics,
    ) -> Value {
        let parent = self.state(parent);
        evaluate(
            &argument.value,
            &self.scope(&parent, &module.repetition, None),
            diags,
        )
    }

    /// The instances of a resource.
    pub(super) fn expansion(&self, module: &Arc<ModuleState>, state: &ResourceState) -> Expansion {
        let Some(resource) = module.module.resources.get(&state.key) else {
            return Expansion::Unknown;
        };
        self.compute(
            &state.expansion,
            || Expansion::Unknown,
            Some(&resource.span),
            |diags| {
                let scope = self.scope(module, &Repetition::Once, None);
                expand(&resource.repeat, self.counting_in(module), &scope, diags)
            },
        )
    }

    /// The module instances that a call makes; none if there is no such call.
    pub(super) fn children(&self, module: &Arc<ModuleState>, name: &str) -> Option<Arc<Children>> {
        let call = module.module.calls.get(name)?;
        let node = *self.config.nodes[module.node].children.get(name)?;
        let cell = module.calls.get(name)?;
        let mut cyclic = false;
        let mark = || {
            cyclic = true;
            Arc::new(Children::Count(Vec::new()))
        };
        let children = self.compute(&cell.children, mark, Some(&call.span), |diags| {
            let scope = self.scope(module, &Repetition::Once, None);
            let expansion = expand(&call.repeat, self.counting_in(module), &scope, diags);
            let parent = Parent {
                state: module,
                name,
                node,
            };
            Arc::new(self.make_children(&parent, &expansion, &call.repeat))
        });
        (!cyclic).then_some(children)
    }

    fn make_children(
        &self,
        parent: &Parent<'_>,
        expansion: &Expansion,
        repeat: &crate::module::Repeat,
    ) -> Children {
        let keyed = |key: InstanceKey| {
            let repetition = Repetition::of(expansion, Some(&key));
            self.make_child(parent, Some(key), repetition)
        };
        match expansion {
            Expansion::Single => Children::Once(self.make_child(parent, None, Repetition::Once)),
            Expansion::Count(count) => Children::Count(
                (0..*count)
                    .map(|at| keyed(InstanceKey::Int(at as i64)))
                    .collect(),
            ),
            Expansion::ForEach(entries) => {
                let child = |key: &Text| {
                    let key: Arc<str> = key.clone().into();
                    (key.clone(), keyed(InstanceKey::String(key)))
                };
                Children::ForEach(entries.keys().map(child).collect())
            }
            Expansion::Disabled => Children::Disabled,
            Expansion::Unknown => {
                let child = self.make_child(parent, None, Repetition::unknown(repeat));
                match repeat {
                    crate::module::Repeat::Once | crate::module::Repeat::Enabled(_) => {
                        Children::Once(child)
                    }
                    _ => Children::Unknown(child),
                }
            }
        }
    }

    fn make_child(
        &self,
        parent: &Parent<'_>,
        key: Option<InstanceKey>,
        repetition: Repetition,
    ) -> StateId {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let address = parent.state.address.child(parent.name, key);
        let stand_in = self.config.stand_in(&address);
        let module = stand_in.unwrap_or(&self.config.nodes[parent.node].module);
        let module = module.clone();
        let id = states.len();
        states.push(Arc::new(ModuleState::new(
            id,
            parent.node,
            module,
            address,
            Some(parent.state.id),
            repetition,
        )));
        id
    }

    /// All outputs of all instances of a module call, where a reference does not say which.
    pub(super) fn whole_module(&self, module: &Arc<ModuleState>, name: &str) -> Option<Value> {
        let children = self.children(module, name)?;
        let call = module.calls.get(name)?;
        let span = module.module.calls.get(name).map(|call| &call.span);
        Some(
            self.compute(&call.whole, unknown, span, |_| match &*children {
                Children::Once(child) => self.outputs(*child),
                Children::Count(ids) => {
                    Value::tuple(ids.iter().map(|id| self.outputs(*id)).collect())
                }
                Children::ForEach(ids) => {
                    Value::object(ids.iter().map(|(key, id)| (key.clone(), self.outputs(*id))))
                }
                Children::Disabled => Value::Null(Type::Dynamic),
                Children::Unknown(_) => unknown(),
            }),
        )
    }

    fn outputs(&self, child: StateId) -> Value {
        let child = self.state(child);
        let names = child.module.outputs.keys();
        let value = |name: &Arc<str>| self.output_cell(&child, name).unwrap_or_else(unknown);
        Value::object(names.map(|name| (name.clone(), value(name))))
    }

    /// What an instance without a value reads as: unknown, of the type its schema says.
    pub(super) fn missing(&self, module: &Arc<ModuleState>, state: &ResourceState) -> Value {
        let make = || {
            let schema = self.schema(module, &state.key);
            let value = schema.map(|schema| Value::unknown(schema.block.implied_type()));
            value.unwrap_or_else(unknown).with_marks(marks_of(state))
        };
        state.missing.get_or_init(make).clone()
    }

    pub(super) fn instance_value(
        &self,
        module: &Arc<ModuleState>,
        state: &ResourceState,
        find: impl FnOnce(&Table) -> Option<&Value>,
    ) -> Value {
        let table = state.table.lock().unwrap_or_else(PoisonError::into_inner);
        find(&table)
            .cloned()
            .unwrap_or_else(|| self.missing(module, state))
    }

    pub(super) fn whole_resource(
        &self,
        module: &Arc<ModuleState>,
        state: &ResourceState,
        expansion: &Expansion,
    ) -> Value {
        let missing = self.missing(module, state);
        let mut table = state.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.whole(expansion, &missing)
    }
}

struct Parent<'a> {
    state: &'a ModuleState,
    name: &'a str,
    node: crate::tree::NodeId,
}

fn unknown() -> Value {
    Value::unknown(Type::Dynamic)
}

pub(super) fn declared(sensitive: bool, ephemeral: bool) -> Marks {
    let sensitive = if sensitive {
        Marks::SENSITIVE
    } else {
        Marks::NONE
    };
    let ephemeral = if ephemeral {
        Marks::EPHEMERAL
    } else {
        Marks::NONE
    };
    sensitive | ephemeral
}

fn cycle(span: Option<&Span>) -> Diagnostic {
    let found = Diagnostic::error("cycle", "Cycle")
        .detail("This value refers to itself, by way of others.");
    match span {
        Some(span) => found.at(span.clone()),
        None => found,
    }
}
