//! `resource`, `data` and `ephemeral` blocks.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{AttributePath, Span, addr};
use strata_hcl::{Body, Expression, Traversal};

use super::{Connection, ProviderReference, Provisioner, ResourceKey};

/// A `resource`, `data` or `ephemeral` block.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What it is called.
    pub key: ResourceKey,
    /// `count` or `for_each`.
    pub repeat: Repeat,
    /// The provider configuration it asks for; none for the default one of its type.
    pub provider: Option<ProviderReference>,
    /// Providers of some of its instances, under local names of their own: tests put them in the place of the real one.
    pub played: BTreeMap<PlayedInstances, Arc<str>>,
    /// What it waits for, beyond what it refers to.
    pub depends_on: Vec<Traversal>,
    /// How it is replaced, kept, checked.
    pub lifecycle: Lifecycle,
    /// What runs after it is made or before it is destroyed, in order; only managed resources have any.
    pub provisioners: Vec<Provisioner>,
    /// How its provisioners reach it.
    pub connection: Option<Connection>,
    /// The `check` block that a data source stands in, if it does.
    pub scoped_to: Option<Arc<str>>,
    /// Its arguments, without those that every resource has.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

/// Instances of a resource that a test plays: all in a module instance, or one of them. The one counts more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlayedInstances {
    /// The module instance.
    pub module: addr::ModuleInstance,
    /// Which of the resource's; none for all.
    pub instance: Option<Option<addr::InstanceKey>>,
}

/// How many instances something has.
#[derive(Clone, Debug, Default)]
pub enum Repeat {
    /// One, without a key.
    #[default]
    Once,
    /// `count`.
    Count(Expression),
    /// `for_each`.
    ForEach(Expression),
    /// `lifecycle { enabled }` of OpenTofu: one without a key, or none.
    Enabled(Expression),
}

/// A `lifecycle` block.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// True if a replacement is made before the old object is destroyed.
    pub create_before_destroy: bool,
    /// True if a plan that destroys it is refused.
    pub prevent_destroy: bool,
    /// Which changes of configuration do not count.
    pub ignore_changes: IgnoreChanges,
    /// The places of those paths.
    pub ignore_changes_spans: Vec<Span>,
    /// What makes it be replaced when it changes.
    pub replace_triggered_by: Vec<Expression>,
    /// What must hold before it is planned.
    pub preconditions: Vec<Check>,
    /// What must hold after it is made or read.
    pub postconditions: Vec<Check>,
}

/// Which changes of configuration do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IgnoreChanges {
    /// All count.
    #[default]
    None,
    /// None counts.
    All,
    /// Those under these paths do not count.
    Paths(Vec<AttributePath>),
}

/// A condition with its message: `validation`, `precondition`, `postcondition`.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must be true.
    pub condition: Expression,
    /// What to say where it is false.
    pub error_message: Expression,
    /// The place of the block's header.
    pub span: Span,
}

impl Repeat {
    /// The expression of `count` or `for_each`.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Repeat::Once => None,
            Repeat::Count(expression)
            | Repeat::ForEach(expression)
            | Repeat::Enabled(expression) => Some(expression),
        }
    }
}
