//! `output` blocks.

use std::sync::Arc;

use strata_core::Span;
use strata_hcl::{Expression, Traversal};

use super::Check;

/// An `output` block.
#[derive(Clone, Debug)]
pub struct Output {
    /// What it is.
    pub value: Expression,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// True if its value must not be shown.
    pub sensitive: bool,
    /// True if its value must not be stored.
    pub ephemeral: bool,
    /// Why it should no longer be used (OpenTofu).
    pub deprecated: Option<Arc<str>>,
    /// What it waits for.
    pub depends_on: Vec<Traversal>,
    /// What must hold before it is given out.
    pub preconditions: Vec<Check>,
    /// The place of the block's header.
    pub span: Span,
}
