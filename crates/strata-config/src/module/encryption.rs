//! `encryption` in a `terraform` block, as OpenTofu has it.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Span, Value};

/// What the block and `TF_ENCRYPTION` say together.
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// `key_provider` blocks by type and name.
    pub key_providers: BTreeMap<EncryptionName, EncryptionPart>,
    /// `method` blocks by type and name.
    pub methods: BTreeMap<EncryptionName, EncryptionPart>,
    /// How the state is encrypted; none for not at all.
    pub state: Option<EncryptionTarget>,
    /// How plans are encrypted.
    pub plan: Option<EncryptionTarget>,
    /// How states are that `terraform_remote_state` reads and of which nothing else is said.
    pub remote_states: Option<EncryptionTarget>,
    /// The same of those that are named here: by data source, such as `module.a.network` or `network[0]`.
    pub named_remote_states: BTreeMap<Arc<str>, EncryptionTarget>,
}

/// Type and name of a part.
pub type EncryptionName = (Arc<str>, Arc<str>);

/// A key provider or a method.
#[derive(Clone, Debug)]
pub struct EncryptionPart {
    /// Its arguments.
    pub arguments: BTreeMap<Arc<str>, EncryptionArgument>,
    /// The place of the block's header.
    pub span: Span,
}

/// An argument of a part.
#[derive(Clone, Debug)]
pub enum EncryptionArgument {
    /// A value, wholly known and without marks.
    Value(Value, Span),
    /// `key_provider.TYPE.NAME`.
    KeyProvider(EncryptionName, Span),
}

/// How something is encrypted.
#[derive(Clone, Debug)]
pub struct EncryptionTarget {
    /// The method by type and name; none where only `TF_ENCRYPTION` may say it.
    pub method: Option<EncryptionName>,
    /// What to read it with where the method does not fit.
    pub fallback: Option<Box<EncryptionTarget>>,
    /// True if it must be encrypted.
    pub enforced: bool,
    /// The place of the block's header.
    pub span: Span,
}
