//! What can go wrong in a template.

use minijinja::{Error, ErrorKind};

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

impl TemplateError {
    /// What is undefined, in Python's words.
    pub(crate) fn in_python(&self) -> String {
        if let Some(name) = self.message.strip_suffix("` is undefined") {
            return format!("'{}' is undefined", name.trim_start_matches('`'));
        }
        let rest = self.message.strip_prefix("a value of type ");
        match rest.and_then(|rest| rest.split_once(" has no attribute `")) {
            Some((kind, name)) => format!(
                "object of type '{kind}' has no attribute '{}'",
                name.trim_end_matches('`')
            ),
            None => self.message.clone(),
        }
    }

    /// Takes what the engine says; `missing` is what was last asked for and not there.
    pub(crate) fn from_engine(error: &Error, missing: Option<String>) -> Self {
        if let Some(own) = own_error(error) {
            let line = own.line.or_else(|| line_of(error));
            return Self {
                line,
                ..own.clone()
            };
        }
        let (kind, message) = describe(error, missing);
        Self {
            line: line_of(error),
            file: error
                .name()
                .filter(|name| !name.starts_with('<'))
                .map(str::to_owned),
            ..Self::new(kind, message)
        }
    }
}

/// Our own error, if one is the cause.
fn own_error(error: &Error) -> Option<&TemplateError> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(own) = inner.downcast_ref::<TemplateError>() {
            return Some(own);
        }
        source = inner.source();
    }
    None
}

fn line_of(error: &Error) -> Option<u32> {
    error.line().and_then(|line| u32::try_from(line).ok())
}

fn describe(error: &Error, missing: Option<String>) -> (TemplateErrorKind, String) {
    let detail = error.detail().map(str::to_owned);
    match error.kind() {
        ErrorKind::UndefinedError => (
            TemplateErrorKind::Undefined,
            missing
                .or(detail)
                .unwrap_or_else(|| "a value is undefined".to_owned()),
        ),
        ErrorKind::SyntaxError => (
            TemplateErrorKind::Syntax,
            format!(
                "the template is not valid Jinja: {}",
                detail.unwrap_or_default()
            ),
        ),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => (
            TemplateErrorKind::Unsupported,
            detail.unwrap_or_else(|| error.to_string()),
        ),
        ErrorKind::OutOfFuel => (
            TemplateErrorKind::Recursion,
            "the template takes too many steps".to_owned(),
        ),
        _ => (
            TemplateErrorKind::Failed,
            detail.unwrap_or_else(|| error.to_string()),
        ),
    }
}
