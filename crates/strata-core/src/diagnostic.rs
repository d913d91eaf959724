//! What is wrong: one type for every mistake, in every layer.

use serde::Serialize;

use crate::{addr, span::Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The operation cannot go on, or did not do what was asked.
    Error,
    /// The user should know, the operation goes on.
    Warning,
}

/// What a diagnostic is about, where a place in a file does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A resource instance.
    Resource(addr::ResourceInstance),
    /// A host, and the task on it.
    Task {
        /// Inventory name of the host.
        host: String,
        /// Name of the task as the recap shows it; none when the host itself is the matter.
        task: Option<String>,
    },
    /// A stage of an environment.
    Stage {
        /// The environment's name.
        environment: String,
        /// The stage's name.
        stage: String,
    },
}

/// A name at a mistaken place, and what it stands for in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedValue {
    /// As written, such as `local.x`.
    pub name: String,
    /// What it is, such as `is "abc"` or `is tuple with 2 elements`.
    pub statement: String,
}

/// A place with a few words about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One mistake or warning.
///
/// The summary says what is wrong, the detail why, each hint what to do next. The user's own names
/// stand in backticks. Sensitive values must be masked before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name in kebab case, such as `undefined-variable`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub summary: String,
    /// Why; may be empty.
    pub detail: String,
    /// Where; the first is the main place.
    pub labels: Vec<Label>,
    /// What it is about, where no place says it.
    pub subject: Option<Subject>,
    /// What the names at the place stand for, such as `local.x` and `is "abc"`; without secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<NamedValue>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// Makes an error.
    pub fn error(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, summary.into())
    }

    /// Makes a warning.
    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, summary.into())
    }

    fn new(severity: Severity, code: &'static str, summary: String) -> Self {
        Self {
            severity,
            code,
            summary,
            detail: String::new(),
            labels: Vec::new(),
            subject: None,
            values: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Says why.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds a place without words.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        self.label(span, "")
    }

    /// Adds a place with a few words.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what it is about.
    #[must_use]
    pub fn subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// True for errors.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What has been found so far, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// True if at least one is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// True if there is none, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are, warnings too.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Looks at each in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Gives `value` unless there are errors; warnings are then lost, so pass them on before.
    pub fn into_result<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.has_errors() {
            Err(self)
        } else {
            Ok(value)
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}
