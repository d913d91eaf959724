//! `check` blocks.

use std::sync::Arc;

use strata_core::Span;

use super::{Check, ResourceKey};

/// A `check` block.
#[derive(Clone, Debug)]
pub struct CheckBlock {
    /// Its name.
    pub name: Arc<str>,
    /// Its data source, which is among the module's resources with
    /// [`scoped_to`](super::Resource::scoped_to) set: a failure to read it is a warning.
    pub data: Option<ResourceKey>,
    /// What should hold; where it does not, that is a warning.
    pub asserts: Vec<Check>,
    /// The place of the block's header.
    pub span: Span,
}
