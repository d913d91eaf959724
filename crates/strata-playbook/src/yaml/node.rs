//! The tree.

use strata_core::Span;

/// One node of a YAML document, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
    /// Its tag, such as `!vault`, if it has one of its own.
    pub tag: Option<String>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A text, number, boolean or null; which of them is decided by [`Node::to_json`].
    Scalar {
        /// The text after unfolding and unescaping.
        text: String,
        /// How it was written.
        style: ScalarStyle,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, merge keys resolved, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes: it may be a number, a boolean or null.
    Plain,
    /// In quotes or as a block: always a text.
    Quoted,
}
