//! Conditions of tests: they may use everything in the root module, its outputs, and what earlier runs gave.

use std::collections::BTreeMap;

use strata_core::{Diagnostic, Diagnostics, Type, Value, addr};
use strata_hcl::{Environment, Expression, Reference, Resolved, Scope, evaluate, explain};

use super::{Evaluator, scope::InModule, state::Repetition};
use crate::{module::Check, validate};

/// What may be named besides the root module's own: a root, such as `run`, and its value.
pub type Named = BTreeMap<&'static str, Value>;

/// The scope of the root module with more roots.
struct WithNamed<'a> {
    inner: InModule<'a>,
    named: &'a Named,
}

impl Scope for WithNamed<'_> {
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
        match self.named.get(reference.root) {
            Some(value) => Some(Resolved::new(value.clone(), 0)),
            None => self.inner.resolve(reference, diags),
        }
    }

    fn environment(&self) -> Environment<'_> {
        self.inner.environment()
    }

    fn roots(&self) -> Vec<String> {
        let named = self.named.keys().map(ToString::to_string);
        named.chain(self.inner.roots()).collect()
    }
}

impl Evaluator {
    /// Checks a condition of a test. True if it holds; all else is reported.
    pub fn assertion(&self, check: &Check, named: &Named, diags: &mut Diagnostics) -> bool {
        let mut found = Diagnostics::new();
        for expression in [&check.condition, &check.error_message] {
            self.check_names(expression, named, &mut found);
        }
        let root = addr::ModuleInstance::root();
        let holds = match self.find_module(&root) {
            Some(module) if !found.has_errors() => {
                let inner = self.scope(&module, &Repetition::Once, None);
                holds(check, &WithNamed { inner, named }, &mut found)
            }
            _ => false,
        };
        diags.append(found);
        self.report(diags);
        holds
    }

    /// The references of an expression that do not begin with one of these names.
    fn check_names(&self, expression: &Expression, named: &Named, diags: &mut Diagnostics) {
        let mut found = Diagnostics::new();
        validate::expression(&self.config, &addr::Module::root(), expression, &mut found);
        let references = expression.references();
        let ours = references
            .iter()
            .filter(|reference| named.contains_key(&*reference.root));
        let ours: Vec<_> = ours.map(|reference| reference.span()).collect();
        let is_ours = |found: &Diagnostic| {
            let at = found.labels.first().map(|label| &label.span);
            at.is_some_and(|at| {
                let inside = |span: &strata_core::Span| {
                    span.start.byte <= at.start.byte && at.end.byte <= span.end.byte
                };
                ours.iter().any(inside)
            })
        };
        diags.extend(found.into_iter().filter(|found| !is_ours(found)));
    }
}

fn holds(check: &Check, scope: &dyn Scope, diags: &mut Diagnostics) -> bool {
    let before = diags.len();
    let result = evaluate(&check.condition, scope, diags);
    if diags.iter().skip(before).any(Diagnostic::is_error) {
        return false;
    }
    let at = check.condition.span();
    let wrong = |summary: &str, detail: String| {
        let found = Diagnostic::error("invalid-condition", summary).detail(detail);
        let mut found = Diagnostics::from(found.at(at.clone()));
        explain(&check.condition, scope, &mut found);
        found
    };
    let truth = result.unmarked().convert(&Type::Bool);
    match truth {
        Ok(truth) if !truth.is_known() => {
            diags.append(wrong(
                "Unknown condition value",
                "Condition expression could not be evaluated at this time. This means you have executed a `run` block \
                 with `command = plan` and one of the values your condition depended on is not known until after the \
                 plan has been applied. Either remove this value from your condition, or execute an `apply` command \
                 from this `run` block."
                    .to_owned(),
            ));
            false
        }
        Ok(truth) => match truth.as_bool() {
            Some(true) => true,
            Some(false) => {
                let message = super::checks::message(check, scope, diags);
                let mut failed = Diagnostics::from(
                    Diagnostic::error("assertion-failed", "Test assertion failed")
                        .detail(message)
                        .at(at),
                );
                explain(&check.condition, scope, &mut failed);
                diags.append(failed);
                false
            }
            None => {
                let detail = "The result of the condition must be either true or false, not null.";
                diags.append(wrong("Invalid condition run", detail.to_owned()));
                false
            }
        },
        Err(error) => {
            let detail = format!("Invalid condition value: {error}.");
            diags.append(wrong("Invalid condition run", detail));
            false
        }
    }
}
