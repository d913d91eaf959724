//! The names that a template sees, and scopes inside of it such as `hostvars`.

use std::{fmt, sync::Arc};

use minijinja::{
    Value,
    value::{Enumerator, Object, ObjectRepr},
};

use crate::{
    Scopes, Templar, Variables,
    run::{RUN, Run},
};

/// The root of names.
pub(crate) struct RootScope(pub(crate) Arc<Run>);

impl fmt::Debug for RootScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("variables")
    }
}

impl Object for RootScope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            RUN => Some(Value::from_dyn_object(self.0.clone())),
            "omit" => Some(Value::from(crate::OMIT)),
            "vars" => Some(Value::from_object(VariableMap {
                run: self.0.clone(),
                is_vars: true,
            })),
            _ => self.0.variable(key),
        }
    }
}

/// All variables of a run as a mapping: `vars`, and each value of `hostvars`.
pub(crate) struct VariableMap {
    run: Arc<Run>,
    /// Whether this is `vars`.
    is_vars: bool,
}

impl VariableMap {
    fn has(&self, name: &str) -> bool {
        !self.is_vars || self.run.templar.variables.is_in_vars(name)
    }
}

impl fmt::Debug for VariableMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("variables")
    }
}

impl Object for VariableMap {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().filter(|name| self.has(name))?;
        self.run.variable(name)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.run.templar.variables.names();
        let names = names.into_iter().filter(|name| self.has(name));
        Enumerator::Values(names.map(Value::from).collect())
    }
}

/// A mapping of scopes.
pub(crate) struct ScopeMap {
    run: Arc<Run>,
    scopes: Arc<dyn Scopes>,
}

impl ScopeMap {
    pub(crate) fn new(run: Arc<Run>, scopes: Arc<dyn Scopes>) -> Self {
        Self { run, scopes }
    }

    fn scope(&self, name: &str, variables: Arc<dyn Variables>) -> Value {
        let templar = Templar {
            variables,
            ..self.run.templar.clone()
        };
        Value::from_object(VariableMap {
            run: self
                .run
                .inside(&format!("{:p} {name}", self.scopes), templar),
            is_vars: false,
        })
    }
}

impl fmt::Debug for ScopeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scopes")
    }
}

impl Object for ScopeMap {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let found = self.scopes.get(name).map(|scope| self.scope(name, scope));
        if found.is_none() {
            self.run.note_missing(format!("`{name}` is not there"));
        }
        found
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.scopes.names();
        Enumerator::Values(names.into_iter().map(Value::from).collect())
    }
}
