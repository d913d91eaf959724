//! `terraform` blocks.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Span, Value};
use strata_hcl::Body;

use super::ProviderReference;

/// What all `terraform` blocks of a module say together.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The place of the `required_providers` block.
    pub required_providers_span: Option<Span>,
    /// Providers by local name.
    pub required_providers: BTreeMap<Arc<str>, ProviderRequirement>,
    /// Where state is kept; none for the default, a local file.
    pub backend: Option<Backend>,
    /// `cloud`.
    pub cloud: Option<SettingsBlock>,
    /// `provider_meta` by provider.
    pub provider_meta: BTreeMap<Arc<str>, SettingsBlock>,
    /// `encryption`, as OpenTofu has it.
    pub encryption: Option<SettingsBlock>,
}

/// An entry of `required_providers`.
#[derive(Clone, Debug)]
pub struct ProviderRequirement {
    /// The full address, such as `registry.terraform.io/lxc/incus`.
    pub source: Arc<str>,
    /// The versions that will do, as written; none for any.
    pub version: Option<Arc<str>>,
    /// The configurations with alias that callers must pass: `configuration_aliases`.
    pub aliases: Vec<ProviderReference>,
    /// Where it stands.
    pub span: Span,
}

/// A block of settings that is kept as written.
#[derive(Clone, Debug)]
pub struct SettingsBlock {
    /// Its arguments as written.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

/// A `backend` block.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Which backend; any word.
    pub kind: Arc<str>,
    /// The values of its arguments, without marks; those of the root module only.
    ///
    /// Which there may be and of which types is known to who keeps states.
    pub arguments: BTreeMap<Arc<str>, BackendArgument>,
    /// Its arguments as written.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

/// An argument of a backend, as far as variables have values before anything is planned.
#[derive(Clone, Debug)]
pub struct BackendArgument {
    /// Its value; wholly known.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}
