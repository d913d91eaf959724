//! `provider` blocks, and references to them.

use std::{fmt, sync::Arc};

use strata_core::Span;
use strata_hcl::{Body, Expression};

/// What names a provider configuration inside its module: `incus`, or `incus.east` with an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderKey {
    /// The local name.
    pub name: Arc<str>,
    /// The alias.
    pub alias: Option<Arc<str>>,
}

/// A `provider` block.
#[derive(Clone, Debug)]
pub struct ProviderBlock {
    /// What it is called.
    pub key: ProviderKey,
    /// What makes an instance for each of its elements (OpenTofu).
    pub for_each: Option<Expression>,
    /// Its arguments, without `alias`, `version` and `for_each`.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

/// A provider configuration that something refers to.
#[derive(Clone, Debug)]
pub struct ProviderReference {
    /// Which.
    pub key: ProviderKey,
    /// Which of its instances, where it has `for_each`.
    pub instance: Option<Expression>,
    /// Where.
    pub span: Span,
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.alias {
            Some(alias) => write!(f, "{}.{alias}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
