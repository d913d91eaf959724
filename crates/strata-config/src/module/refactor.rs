//! `moved`, `removed` and `import` blocks: what becomes of objects that state has, or should have.

use strata_core::{Span, addr};
use strata_hcl::Expression;

use super::{Connection, ProviderReference, Provisioner};

/// A `moved` block.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The old address, relative to the module that the block is in.
    pub from: addr::Target,
    /// The new address, relative to the module that the block is in.
    pub to: addr::Target,
    /// The place of the block's header.
    pub span: Span,
}

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removed {
    /// What is no longer there, relative to the module that the block is in: a [`addr::Target::Module`] or a
    /// [`addr::Target::Resource`], without keys, and for all instances.
    pub from: addr::Target,
    /// `lifecycle { destroy }`: false if the object is only to be forgotten.
    pub destroy: bool,
    /// What runs before the object is destroyed; all are `when = destroy`.
    pub provisioners: Vec<Provisioner>,
    /// How provisioners reach the object.
    pub connection: Option<Connection>,
    /// The place of the block's header.
    pub span: Span,
}

/// An `import` block; only the root module has them.
///
/// [`Evaluator::import_targets`](crate::Evaluator::import_targets) evaluates it.
#[derive(Clone, Debug)]
pub struct Import {
    /// The address, whose keys may refer to `each`.
    pub to: Expression,
    /// The resource in it, without keys.
    pub resource: addr::ConfigResource,
    /// The identifier by which the provider finds the object.
    pub id: Expression,
    /// One import for each element.
    pub for_each: Option<Expression>,
    /// The provider configuration it asks for; none for that of the resource.
    pub provider: Option<ProviderReference>,
    /// The place of the block's header.
    pub span: Span,
}
