//! What can go wrong in a template.

/// Why a template has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What kind of mistake it is.
    pub kind: TemplateErrorKind,
    /// What is wrong, in one sentence, with the user's names in backticks.
    pub message: String,
    /// The line in the template, from 1, where known.
    pub line: Option<u32>,
    /// The variables whose templates led here, outermost first.
    pub through: Vec<String>,
    /// The file of the template (an included one), if it has a name.
    pub file: Option<String>,
}

/// The kinds of mistakes in templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateErrorKind {
    /// It is not Jinja.
    Syntax,
    /// A variable or attribute is not there.
    Undefined,
    /// A filter, test or lookup that Strata does not have.
    Unsupported,
    /// A condition whose value is not true or false.
    NotBoolean,
    /// A variable that needs itself, or templates nested too deep.
    Recursion,
    /// A value that must be decrypted first.
    NeedsVault,
    /// A filter or operator refused its values.
    Failed,
}

impl TemplateError {
    /// Makes an error without a place.
    pub fn new(kind: TemplateErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            line: None,
            through: Vec::new(),
            file: None,
        }
    }
}
