//! One module as its files describe it: plain data, expressions not evaluated.

mod check;
mod encryption;
mod output;
mod provider;
mod provisioner;
mod refactor;
mod resource;
mod settings;
mod variable;

use std::{cmp::Ordering, collections::BTreeMap, path::PathBuf, sync::Arc};

use strata_core::{Span, addr::ResourceMode};
use strata_hcl::{Expression, Traversal};

pub use check::CheckBlock;
pub use encryption::{
    Encryption, EncryptionArgument, EncryptionName, EncryptionPart, EncryptionTarget,
};
pub use output::Output;
pub use provider::{ProviderBlock, ProviderKey, ProviderReference};
pub use provisioner::{Connection, OnFailure, Provisioner, ProvisionerWhen};
pub use refactor::{Import, Moved, Removed};
pub use resource::{Check, IgnoreChanges, Lifecycle, PlayedInstances, Repeat, Resource};
pub use settings::{Backend, BackendArgument, ProviderRequirement, Settings, SettingsBlock};
pub use variable::Variable;

/// Everything that the files of one folder declare.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The folder, as the root folder was given, joined with the way to here.
    pub folder: PathBuf,
    /// The folder relative to the root module: what `path.module` gives.
    pub relative: PathBuf,
    /// `terraform` blocks.
    pub settings: Settings,
    /// `provider` blocks.
    pub providers: BTreeMap<ProviderKey, ProviderBlock>,
    /// `variable` blocks.
    pub variables: BTreeMap<Arc<str>, Variable>,
    /// The entries of all `locals` blocks.
    pub locals: BTreeMap<Arc<str>, Local>,
    /// `output` blocks.
    pub outputs: BTreeMap<Arc<str>, Output>,
    /// `resource`, `data` and `ephemeral` blocks.
    pub resources: BTreeMap<ResourceKey, Resource>,
    /// `module` blocks.
    pub calls: BTreeMap<Arc<str>, ModuleCall>,
    /// `moved` blocks, in the order in which they stand.
    pub moved: Vec<Moved>,
    /// `removed` blocks, in the order in which they stand.
    pub removed: Vec<Removed>,
    /// `import` blocks, in the order in which they stand.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: BTreeMap<Arc<str>, CheckBlock>,
}

/// What names a resource inside its module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceKey {
    /// `resource`, `data` or `ephemeral`.
    pub mode: ResourceMode,
    /// The resource type, such as `incus_instance`.
    pub type_name: Arc<str>,
    /// The block's name.
    pub name: Arc<str>,
}

/// One entry of a `locals` block.
#[derive(Clone, Debug)]
pub struct Local {
    /// What it is.
    pub value: Expression,
    /// The place of its name.
    pub span: Span,
}

/// A `module` block.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// Where the module comes from; [`ModuleSource`](crate::ModuleSource) reads its value.
    pub source: Expression,
    /// Which versions will do, for modules of registries.
    pub version: Option<Expression>,
    /// `count` or `for_each`.
    pub repeat: Repeat,
    /// The child's provider names and the caller's configurations they get.
    pub providers: BTreeMap<ProviderKey, ProviderReference>,
    /// What all of the module waits for.
    pub depends_on: Vec<Traversal>,
    /// The values of the child's variables.
    pub arguments: BTreeMap<Arc<str>, Argument>,
    /// The place of the block's header.
    pub span: Span,
}

/// A value for a variable of a called module.
#[derive(Clone, Debug)]
pub struct Argument {
    /// What it is.
    pub value: Expression,
    /// The place of its name.
    pub span: Span,
}

impl Ord for ResourceKey {
    /// By mode, type and name. Most resources of a file share the text of their type.
    fn cmp(&self, other: &Self) -> Ordering {
        let types = || match Arc::ptr_eq(&self.type_name, &other.type_name) {
            true => Ordering::Equal,
            false => self.type_name.cmp(&other.type_name),
        };
        let modes = self.mode.cmp(&other.mode);
        modes
            .then_with(types)
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for ResourceKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}.{}", self.mode.prefix(), self.type_name, self.name)
    }
}
