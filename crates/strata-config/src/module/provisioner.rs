//! `provisioner` and `connection` blocks of resources.

use std::sync::Arc;

use strata_core::Span;
use strata_hcl::Body;

/// A `provisioner` block.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// `local-exec`, `remote-exec` or `file`; anything else is reported by `validate`.
    pub kind: Arc<str>,
    /// When it runs.
    pub when: ProvisionerWhen,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// Its own `connection`, which wins over the resource's argument by argument.
    pub connection: Option<Connection>,
    /// Its arguments, without those that every provisioner has.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}

/// When a provisioner runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProvisionerWhen {
    /// After the object is made.
    #[default]
    Create,
    /// Before the object is destroyed.
    Destroy,
}

/// What the failure of a provisioner means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The object is tainted, or not destroyed, and the run fails.
    #[default]
    Fail,
    /// A warning.
    Continue,
}

/// A `connection` block.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its arguments.
    pub body: Arc<Body>,
    /// The place of the block's header.
    pub span: Span,
}
