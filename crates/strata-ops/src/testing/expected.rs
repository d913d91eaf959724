//! Failures that a run wants: `expect_failures`.

use std::sync::Arc;

use strata_config::{
    Config, Run,
    module::{Check, ResourceKey},
};
use strata_core::{
    Diagnostic, Diagnostics, Severity, Span, Subject,
    addr::{InstanceKey, ResourceMode},
};
use strata_hcl::Traversal;

/// What stands in `expect_failures` of a run.
pub(super) struct Expected {
    wanted: Vec<Wanted>,
}

/// One object with conditions.
struct Wanted {
    name: String,
    /// Where it is expected.
    span: Span,
    /// The places of its conditions.
    conditions: Vec<Span>,
    /// The instance of a resource that is meant; none for all of them.
    key: Option<InstanceKey>,
}

/// The codes of conditions that do not hold.
const FAILED: [&str; 3] = ["condition-failed", "check-failed", "invalid-variable"];

impl Expected {
    /// Finds the objects of a run's `expect_failures`; what has no conditions is reported.
    pub(super) fn new(run: &Run, config: &Config, diags: &mut Diagnostics) -> Self {
        let references = run.expect_failures.iter();
        let wanted = references.filter_map(|reference| wanted(reference, config, diags));
        Self {
            wanted: wanted.collect(),
        }
    }

    /// What is left of mistakes of a plan, without which there is no apply.
    pub(super) fn judge_plan(&self, found: Diagnostics, applies: bool) -> Diagnostics {
        if !applies {
            return self.judge(found);
        }
        let names = found
            .iter()
            .filter(|found| found.is_error())
            .filter_map(|found| self.meets(found));
        let names: Vec<&Wanted> = names.collect();
        let mut diags = Diagnostics::new();
        for wanted in names {
            let detail = format!(
                "A custom condition within `{}` failed during the planning stage and prevented the requested apply operation. \
                 While this was an expected failure, the apply operation could not be executed and so the overall test \
                 case is marked as a failure.",
                wanted.name
            );
            diags.push(
                Diagnostic::warning("expected-failure", "Expected failure while planning")
                    .detail(detail),
            );
        }
        diags.extend(found.into_iter().map(as_error));
        diags
    }

    /// Takes out what is expected, and adds what is expected and not there. Checks that fail are mistakes of a test.
    pub(super) fn judge(&self, found: Diagnostics) -> Diagnostics {
        let mut met = vec![false; self.wanted.len()];
        let mut left = Diagnostics::new();
        for diagnostic in found {
            let mut expected = false;
            for (wanted, met) in self.wanted.iter().zip(&mut met) {
                if wanted.is_met_by(&diagnostic) {
                    (*met, expected) = (true, true);
                }
            }
            if !expected {
                left.push(as_error(diagnostic));
            }
        }
        let missing = self.wanted.iter().zip(met).filter(|(_, met)| !met);
        left.extend(missing.map(|(wanted, _)| wanted.missing()));
        left
    }

    fn meets(&self, diagnostic: &Diagnostic) -> Option<&Wanted> {
        self.wanted
            .iter()
            .find(|wanted| wanted.is_met_by(diagnostic))
    }
}

/// A check that fails is a warning elsewhere.
fn as_error(mut diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.code == "check-failed" {
        diagnostic.severity = Severity::Error;
    }
    diagnostic
}

impl Wanted {
    fn is_met_by(&self, diagnostic: &Diagnostic) -> bool {
        let is_here = diagnostic
            .labels
            .iter()
            .any(|label| self.conditions.contains(&label.span));
        let is_instance = match (&self.key, &diagnostic.subject) {
            (None, _) => true,
            (Some(key), Some(Subject::Resource(address))) => address.key.as_ref() == Some(key),
            (Some(_), _) => false,
        };
        FAILED.contains(&diagnostic.code) && is_here && is_instance
    }

    fn missing(&self) -> Diagnostic {
        Diagnostic::error("missing-failure", "Missing expected failure")
            .detail(format!(
                "The checkable object, {}, was expected to report an error but did not.",
                self.name
            ))
            .at(self.span.clone())
    }
}

fn wanted(reference: &Traversal, config: &Config, diags: &mut Diagnostics) -> Option<Wanted> {
    let module = config.root();
    let spans = |checks: &[Check]| {
        checks
            .iter()
            .map(|check| check.condition.span())
            .collect::<Vec<_>>()
    };
    let name = reference.attribute(0).unwrap_or_default();
    // What is not declared has no conditions, and so never fails.
    let (conditions, used) = match &*reference.root {
        "var" => {
            // A variable's value is what is wrong; the rule is named beside it.
            let rules = module
                .variables
                .get(name)
                .map(|variable| variable.validations.iter());
            let rules = rules.into_iter().flatten();
            (rules.map(|rule| rule.span.clone()).collect(), 1)
        }
        "output" => {
            let output = module.outputs.get(name);
            (
                output
                    .map(|output| spans(&output.preconditions))
                    .unwrap_or_default(),
                1,
            )
        }
        "check" => {
            let check = module.checks.get(name);
            (
                check.map(|check| spans(&check.asserts)).unwrap_or_default(),
                1,
            )
        }
        "local" | "module" | "path" | "terraform" | "each" | "count" | "self" | "run" => {
            diags.push(not_checkable(reference));
            return None;
        }
        root => {
            let (mode, type_name, at) = match root {
                "data" => (ResourceMode::Data, name, 1),
                "resource" => (ResourceMode::Managed, name, 1),
                root => (ResourceMode::Managed, root, 0),
            };
            let key = ResourceKey {
                mode,
                type_name: type_name.into(),
                name: reference.attribute(at).unwrap_or_default().into(),
            };
            let lifecycle = module
                .resources
                .get(&key)
                .map(|resource| &resource.lifecycle);
            let conditions = lifecycle.map(|lifecycle| {
                [
                    spans(&lifecycle.preconditions),
                    spans(&lifecycle.postconditions),
                ]
                .concat()
            });
            (conditions.unwrap_or_default(), at + 1)
        }
    };
    Some(Wanted {
        name: reference.to_string(),
        span: reference.span(),
        conditions,
        key: key(reference, used),
    })
}

fn key(reference: &Traversal, at: usize) -> Option<InstanceKey> {
    let key = reference.index(at)?;
    match (
        key.as_str(),
        key.as_number().and_then(strata_core::Number::as_i64),
    ) {
        (Some(text), _) => Some(InstanceKey::String(Arc::from(text))),
        (None, Some(index)) => Some(InstanceKey::Int(index)),
        (None, None) => None,
    }
}

fn not_checkable(reference: &Traversal) -> Diagnostic {
    Diagnostic::error("invalid-expected-failure", "Invalid `expect_failures` reference")
        .detail(format!(
            "You cannot expect failures from `{reference}`: only variables, outputs, checks, resources and data sources \
             of the configuration under test have conditions."
        ))
        .at(reference.span())
}
