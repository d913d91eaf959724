//! What a check found, and what it set aside.

use std::collections::BTreeSet;

use strata_core::{Diagnostic, Severity, Span};

use super::{rule::Rule, view::expand::Resource};

/// One place that breaks a rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong and where; its code is the rule's name.
    pub diagnostic: Diagnostic,
}

/// A finding that the author of the file accepts.
#[derive(Clone, Debug)]
pub struct Waived {
    /// What was found.
    pub finding: Finding,
    /// Why it is accepted, in the author's words.
    pub reason: String,
}

/// All that a check has to say.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is wrong, by place.
    pub findings: Vec<Finding>,
    /// What would be wrong, were it not waived in place.
    pub waived: Vec<Waived>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// How many files were looked at.
    pub files: usize,
}

/// Takes the findings of one rule.
pub(crate) struct Findings<'a> {
    rule: &'static Rule,
    found: &'a mut Vec<Finding>,
    unchecked: &'a mut Vec<String>,
    seen: BTreeSet<(Option<Span>, String)>,
}

impl Report {
    /// How many findings have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.diagnostic.severity == severity)
            .count()
    }
}

impl Finding {
    /// The main place.
    pub fn span(&self) -> Option<&Span> {
        self.diagnostic.labels.first().map(|label| &label.span)
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(
        rule: &'static Rule,
        found: &'a mut Vec<Finding>,
        unchecked: &'a mut Vec<String>,
    ) -> Self {
        Self {
            rule,
            found,
            unchecked,
            seen: BTreeSet::new(),
        }
    }

    /// Adds a finding with the rule's own reason and fix.
    pub(crate) fn at(&mut self, span: &Span, summary: impl Into<String>) {
        let diagnostic = self.rule.diagnostic(summary).at(span.clone());
        self.push(diagnostic);
    }

    /// Adds a finding about a resource; instances that come from the same lines count once.
    pub(crate) fn on(&mut self, resource: &Resource, span: &Span, summary: impl Into<String>) {
        let mut diagnostic = self.rule.diagnostic(summary).at(span.clone());
        if let Some(call) = &resource.called {
            diagnostic = diagnostic.label(call.clone(), "called here");
        }
        let same = |finding: &Finding| {
            finding.rule.name == self.rule.name && finding.diagnostic.labels == diagnostic.labels
        };
        if !self.found.iter().any(same) {
            self.push(diagnostic);
        }
    }

    /// Begins a finding with the rule's own reason and fix, to which places are added.
    pub(crate) fn draft(&self, summary: impl Into<String>) -> Diagnostic {
        self.rule.diagnostic(summary)
    }

    /// Adds a finding; the same words at the same place count once.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.labels.first().map(|label| label.span.clone());
        if self.seen.insert((place, diagnostic.summary.clone())) {
            let rule = self.rule;
            self.found.push(Finding { rule, diagnostic });
        }
    }

    /// Says what this rule could not look at.
    pub(crate) fn unchecked(&mut self, what: impl AsRef<str>) {
        let note = format!("`{}`: {}", self.rule.name, what.as_ref());
        if !self.unchecked.contains(&note) {
            self.unchecked.push(note);
        }
    }
}
