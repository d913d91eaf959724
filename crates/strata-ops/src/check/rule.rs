//! What a rule is.

use std::fmt;

use strata_core::{Diagnostic, Severity};

use super::{finding::Findings, view::View};

/// Files by path, as an example has them.
pub type Example = &'static [(&'static str, &'static str)];

/// Something that these systems have learnt the hard way.
pub struct Rule {
    /// A stable name in kebab case, as in waivers and results.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// Why that is wrong.
    pub reason: &'static str,
    /// What to do instead.
    pub fix: &'static str,
    /// What is looked at and what is left alone, for the rule's page; may be empty.
    pub scope: &'static str,
    /// Files that break it.
    pub bad: Example,
    /// The same, mended.
    pub good: Example,
    pub(super) find: fn(&View, &mut Findings<'_>),
}

impl Rule {
    /// A diagnostic with the rule's reason and fix.
    pub(crate) fn diagnostic(&self, summary: impl Into<String>) -> Diagnostic {
        let diagnostic = match self.severity {
            Severity::Error => Diagnostic::error(self.name, summary),
            Severity::Warning => Diagnostic::warning(self.name, summary),
        };
        diagnostic.detail(self.reason).hint(self.fix)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
