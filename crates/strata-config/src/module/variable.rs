//! `variable` blocks.

use std::sync::Arc;

use strata_core::{Span, Value};
use strata_hcl::TypeWithDefaults;

use super::Check;

/// A `variable` block.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Arc<str>,
    /// Its type with the defaults of optional attributes; none for any type.
    pub ty: Option<TypeWithDefaults>,
    /// Its default, converted to the type; none if a value must be given.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// Conditions on its value.
    pub validations: Vec<Check>,
    /// True if its value must not be shown.
    pub sensitive: bool,
    /// True if its value must not be stored.
    pub ephemeral: bool,
    /// Why it should no longer be set (OpenTofu).
    pub deprecated: Option<Arc<str>>,
    /// True if null is a value of its own; else null stands for the default.
    pub nullable: bool,
    /// The place of the block's header.
    pub span: Span,
}
