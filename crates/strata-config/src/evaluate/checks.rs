//! Conditions: `validation`, `precondition`, `postcondition`.

use std::sync::{Arc, atomic::Ordering};

use strata_core::{Diagnostic, Diagnostics, Marks, Span, Type, Value, addr};
use strata_hcl::{Scope, evaluate, explain};

use super::{
    Evaluator, Mode,
    cells::declared,
    state::{ModuleState, Repetition},
};
use crate::{
    graph, inputs,
    module::{Check, Variable},
};

/// What is said of a condition that is neither true nor false.
const CONDITION_RESULT: &str = "Invalid condition result";
const VALIDATION_RESULT: &str = "Invalid variable validation result";

/// What came of one condition of a `check` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// It holds.
    Pass,
    /// It does not hold: its message.
    Fail(String),
    /// It depends on what is not known yet.
    Unknown,
    /// It could not be evaluated; that has been reported.
    Error,
}

impl Evaluator {
    /// Evaluates the conditions of a `check` block in a module instance, in order. One that does not hold is reported
    /// as a warning, with Terraform's summary.
    pub fn check_block(
        &self,
        module: &addr::ModuleInstance,
        name: &str,
        diags: &mut Diagnostics,
    ) -> Vec<CheckStatus> {
        let Some(module) = self.find_module(module) else {
            return Vec::new();
        };
        let Some(check) = module.module.checks.get(name) else {
            return Vec::new();
        };
        let scope = self.scope(&module, &Repetition::Once, None);
        let asserts = check.asserts.iter();
        let found = asserts
            .map(|assert| status(assert, &scope, diags))
            .collect();
        self.report(diags);
        found
    }

    /// What the preconditions of an output find; mistakes in them were reported with its value.
    pub fn output_preconditions(
        &self,
        module: &addr::ModuleInstance,
        output: &str,
    ) -> Vec<CheckStatus> {
        let Some(module) = self.find_module(module) else {
            return Vec::new();
        };
        let Some(output) = module.module.outputs.get(output) else {
            return Vec::new();
        };
        let scope = self.scope(&module, &Repetition::Once, None);
        let mut reported = Diagnostics::new();
        let checks = output.preconditions.iter();
        checks
            .map(|check| status(check, &scope, &mut reported))
            .collect()
    }

    pub(super) fn check_variables(&self, module: &Arc<ModuleState>, diags: &mut Diagnostics) {
        for variable in module.module.variables.values() {
            self.variable(module, &variable.name);
            let mut scope = self.scope(module, &Repetition::Once, None);
            scope.validated = Some(&variable.name);
            let call = graph::call_of(&self.config, module.node);
            let argument = call.and_then(|call| call.arguments.get(&variable.name));
            let place = argument.map_or(&variable.span, |argument| &argument.span);
            let mut is_refused = false;
            for check in &variable.validations {
                if let Some(message) = fails(check, VALIDATION_RESULT, &scope, diags) {
                    diags.push(
                        Diagnostic::error("invalid-variable", "Invalid value for variable")
                            .detail(message)
                            .at(place.clone())
                            .label(check.span.clone(), "this rule checked it"),
                    );
                    is_refused = true;
                }
            }
            if is_refused && self.options.mode == Mode::Run {
                self.refuse(module, variable);
            }
        }
    }

    /// Hides a value that its own rules refuse: what is made of it would be wrong once more.
    fn refuse(&self, module: &ModuleState, variable: &Variable) {
        if let Some(cell) = module.variables.get(&variable.name) {
            let marks = declared(variable.sensitive, variable.ephemeral);
            cell.fill(inputs::unknown(variable).with_marks(marks));
            self.refused.store(true, Ordering::Relaxed);
        }
    }

    /// Checks the preconditions of an output and, in the root module, that it does not give secrets away.
    pub(super) fn check_output(
        &self,
        module: &Arc<ModuleState>,
        name: &str,
        value: Option<&Value>,
        diags: &mut Diagnostics,
    ) {
        let Some(output) = module.module.outputs.get(name) else {
            return;
        };
        let scope = self.scope(module, &Repetition::Once, None);
        for check in &output.preconditions {
            self.condition(
                check,
                "Module output value precondition failed",
                &scope,
                diags,
            );
        }
        let marks = value.map_or(Marks::NONE, Value::marks_deep);
        let is_root = module.parent.is_none();
        if is_root && !output.sensitive && marks.contains(Marks::SENSITIVE) {
            diags.push(sensitive_output(&output.span));
        }
        if is_root && output.ephemeral {
            diags.push(
                Diagnostic::error("ephemeral-output", "Ephemeral output not allowed")
                    .detail("Ephemeral outputs are not allowed in the root module: nobody could use them.")
                    .at(output.span.clone()),
            );
        } else if marks.contains(Marks::EPHEMERAL) && !output.ephemeral {
            let what = "This output value is not declared as returning an ephemeral value";
            diags.push(ephemeral_value(what, output.value.span()));
        }
    }

    /// Reports a condition that is false. Without values from outside that says nothing, and only its type counts.
    pub(super) fn condition(
        &self,
        check: &Check,
        summary: &str,
        scope: &dyn Scope,
        diags: &mut Diagnostics,
    ) {
        let failed =
            fails(check, CONDITION_RESULT, scope, diags).filter(|_| self.options.mode == Mode::Run);
        if let Some(message) = failed {
            let found = Diagnostic::error("condition-failed", summary).detail(message);
            let mut found = Diagnostics::from(found.at(check.condition.span()));
            explain(&check.condition, scope, &mut found);
            diags.append(found);
        }
    }
}

pub(super) fn status(assert: &Check, scope: &dyn Scope, diags: &mut Diagnostics) -> CheckStatus {
    let before = diags.iter().filter(|found| found.is_error()).count();
    let Some(holds) = holds(assert, CONDITION_RESULT, scope, diags) else {
        let after = diags.iter().filter(|found| found.is_error()).count();
        return match after > before {
            true => CheckStatus::Error,
            false => CheckStatus::Unknown,
        };
    };
    if holds {
        return CheckStatus::Pass;
    }
    let message = message(assert, scope, diags);
    diags.push(
        Diagnostic::warning("check-failed", "Check block assertion failed")
            .detail(message.clone())
            .at(assert.condition.span()),
    );
    CheckStatus::Fail(message)
}

/// An ephemeral value where something would keep it.
pub(super) fn ephemeral_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("ephemeral-value", "Ephemeral value not allowed")
        .detail(format!(
            "{what}, so it cannot be set to a result derived from an ephemeral value."
        ))
        .at(span)
}

fn sensitive_output(span: &Span) -> Diagnostic {
    Diagnostic::error("sensitive-output", "Output refers to sensitive values")
        .detail(
            "An output of the root module is shown and stored. Data that is sensitive must be declared as such there, \
             so that it is not given away by accident.",
        )
        .at(span.clone())
        .hint("If you mean to export it, add `sensitive = true` to the output.")
}

/// The message of a condition that is false; none if it is true, not known, or mistaken and reported.
fn fails(
    check: &Check,
    summary: &'static str,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Option<String> {
    match holds(check, summary, scope, diags) {
        Some(false) => Some(message(check, scope, diags)),
        _ => None,
    }
}

/// The truth of a condition; none if it is not known, or mistaken and reported.
fn holds(
    check: &Check,
    summary: &'static str,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Option<bool> {
    let result = evaluate(&check.condition, scope, diags);
    let wrong = |why: String| {
        Diagnostic::error("invalid-condition", summary)
            .detail(why)
            .at(check.condition.span())
    };
    let result = match result.unmarked().convert(&Type::Bool) {
        Ok(result) => result,
        Err(error) => {
            diags.push(wrong(format!(
                "Condition expression must return either true or false: {error}."
            )));
            return None;
        }
    };
    if result.is_null() {
        diags.push(wrong(
            "Condition expression must return either true or false, not null.".to_owned(),
        ));
    }
    result.as_bool()
}

pub(super) fn message(check: &Check, scope: &dyn Scope, diags: &mut Diagnostics) -> String {
    let value = evaluate(&check.error_message, scope, diags);
    if !value.marks_deep().is_none() {
        return "The error message included a sensitive value, so it will not be displayed."
            .to_owned();
    }
    match value.convert(&Type::String) {
        Ok(text) => text
            .as_str()
            .unwrap_or("The error message is not known yet.")
            .trim()
            .to_owned(),
        Err(error) => format!("The error message is not a string: {error}."),
    }
}
