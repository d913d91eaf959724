//! Short words for what goes wrong.

use strata_core::{Diagnostic, Diagnostics};

/// One error: what is wrong, and why.
pub(crate) fn failed(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostics {
    error(summary, detail).into()
}

/// The same as a diagnostic, for checks that go on.
pub(crate) fn error(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error("builtin-failed", summary).detail(detail)
}

/// An import id that is not of the form that the type documents.
pub(crate) fn bad_import(type_name: &str, form: &str) -> Diagnostics {
    let detail = format!("The import id of `{type_name}` must have the form `{form}`.");
    Diagnostic::error("invalid-import-id", "Unexpected Import Identifier")
        .detail(detail)
        .into()
}
