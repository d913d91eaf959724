//! `ephemeral` blocks.

use std::sync::Arc;

use strata_core::Span;
use strata_hcl::{Body, Traversal};

use super::{Lifecycle, ProviderReference, Repeat};

/// What names an ephemeral resource inside its module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EphemeralKey {
    /// The type.
    pub type_name: Arc<str>,
    /// The block's name.
    pub name: Arc<str>,
}

/// An `ephemeral` block: an object that is opened for one run, and never stored.
#[derive(Clone, Debug)]
pub struct EphemeralResource {
    /// What it is called.
    pub key: EphemeralKey,
    /// `count` or `for_each`.
    pub repeat: Repeat,
    /// The provider configuration it asks for; none for the default one of its type.
    pub provider: Option<ProviderReference>,
    /// What it waits for, beyond what it refers to.
    pub depends_on: Vec<Traversal>,
    /// Its conditions.
    pub lifecycle: Lifecycle,
    /// Its arguments, without those that every resource has.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

impl std::fmt::Display for EphemeralKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ephemeral.{}.{}", self.type_name, self.name)
    }
}
