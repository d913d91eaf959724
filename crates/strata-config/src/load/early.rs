//! Early evaluation: sources and versions of modules from variables and locals, before anything else is known.
//!
//! As OpenTofu 1.8 and later have it. Only variables with values, locals of those, `path` and `terraform.workspace`
//! are known; a reference to anything else is a mistake.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Type, Value};
use strata_hcl::{Environment, Expression, Reference, Resolved, Scope, evaluate};

use crate::module::Module;

/// How deep locals may refer to locals here.
const MOST_LEVELS: usize = 64;

/// The values of a module's variables, those that are known.
pub(super) type Variables = Arc<BTreeMap<Arc<str>, Value>>;

/// The scope of one place in the module tree.
pub(super) struct EarlyScope<'a> {
    pub(super) module: &'a Module,
    pub(super) variables: &'a BTreeMap<Arc<str>, Value>,
    pub(super) workspace: &'a str,
    /// The folder that the program runs in, where that is known.
    pub(super) working_directory: Option<&'a Path>,
    pub(super) level: usize,
}

impl EarlyScope<'_> {
    /// The text of an expression; none after a mistake, which is reported.
    pub(super) fn text(
        &self,
        expression: &Expression,
        what: &str,
        diags: &mut Diagnostics,
    ) -> Option<Arc<str>> {
        let value = self.value(expression, diags)?;
        let text = match value.unmarked().convert(&Type::String) {
            Ok(text) => text,
            Err(error) => {
                diags.push(
                    Diagnostic::error("unsuitable-value", "Unsuitable value type")
                        .detail(format!("Unsuitable value: {error}."))
                        .at(expression.span()),
                );
                return None;
            }
        };
        if let Some(text) = text.as_str().filter(|_| value.marks().is_none()) {
            return Some(text.into());
        }
        diags.push(
            Diagnostic::error("early-value", format!("Invalid {what}"))
                .detail(format!(
                    "The {} must be known before anything is planned, and neither null nor secret.",
                    what.rsplit(' ').next().unwrap_or(what)
                ))
                .at(expression.span()),
        );
        None
    }

    /// The value of an expression; none after a mistake, which is reported.
    pub(super) fn value(&self, expression: &Expression, diags: &mut Diagnostics) -> Option<Value> {
        let before = diags.len();
        let constant = expression
            .json_value()
            .filter(|_| expression.references().is_empty());
        let value = constant.unwrap_or_else(|| evaluate(expression, self, diags));
        (diags.len() == before).then_some(value)
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let variable = self.module.variables.get(name)?;
        let given = self.variables.get(name).cloned();
        given.or_else(|| variable.default.clone())
    }

    fn local(&self, name: &str, diags: &mut Diagnostics) -> Option<Value> {
        let local = self.module.locals.get(name)?;
        let deeper = EarlyScope {
            level: self.level + 1,
            ..*self
        };
        (self.level < MOST_LEVELS).then(|| evaluate(&local.value, &deeper, diags))
    }
}

impl Scope for EarlyScope<'_> {
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
        let found = match (reference.root, reference.attribute(0)) {
            ("var", Some(name)) => self.variable(name),
            ("local", Some(name)) => self.local(name, diags),
            ("path", Some("module")) => Some(Value::from(&*self.module.relative.to_string_lossy())),
            ("path", Some("root" | "cwd")) => Some(Value::from(".")),
            ("terraform", Some("workspace")) => Some(Value::from(self.workspace)),
            _ => None,
        };
        Some(match found {
            Some(value) => Resolved::new(value, 1),
            None => {
                diags.push(unknown(reference));
                Resolved::failed()
            }
        })
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            directory: Path::new("."),
            working_directory: self.working_directory,
            ..Environment::none()
        }
    }
}

fn unknown(reference: &Reference<'_>) -> Diagnostic {
    let name = reference.attribute(0).unwrap_or_default();
    let found = Diagnostic::error("variables-not-allowed", "Variables not allowed");
    let why = match reference.root {
        "var" => {
            format!("`var.{name}` has no value here: what is needed before planning must have one.")
        }
        _ => {
            "Only variables, locals, `path` and `terraform.workspace` may be used here.".to_owned()
        }
    };
    found.detail(why).at(reference.span())
}
