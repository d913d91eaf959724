//! What source text says, as a tree: bodies, blocks, attributes, expressions.
//!
//! Nodes hold byte ranges, not spans; an [`Expression`] carries the [`Source`] that turns them into places.
//! [`node`] holds the tree of expressions, [`body`] what contains them; the parser is in [`crate::parser`].

pub mod body;
pub mod node;

use std::{fmt, sync::Arc};

use strata_core::{Source, Span};

use node::{Node, NodeKind};

/// A stretch of a source in bytes; files are smaller than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRange {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl ByteRange {
    /// Makes a range of two offsets.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// From the beginning of this one to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }

    /// The place it names in a source.
    pub fn span(self, source: &Source) -> Span {
        source.span(self.start as usize..self.end as usize)
    }

    /// The text it names in a source; empty if it is of another source.
    pub fn text(self, source: &Source) -> &str {
        source
            .text
            .get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}

/// A name as written, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: Arc<str>,
    /// Where it stands.
    pub range: ByteRange,
}

/// An expression with the source it stands in; cheap to clone and independent of its body.
#[derive(Clone)]
pub struct Expression {
    source: Arc<Source>,
    node: Arc<Node>,
}

impl Expression {
    /// Joins a tree and its source.
    pub fn new(source: Arc<Source>, node: Node) -> Self {
        Self {
            source,
            node: Arc::new(node),
        }
    }

    /// The tree.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The source it stands in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its place.
    pub fn span(&self) -> Span {
        self.node.range.span(&self.source)
    }

    /// Its text as written.
    pub fn text(&self) -> &str {
        self.node.range.text(&self.source)
    }

    /// A part of it as an expression of its own; copies that part.
    pub(crate) fn part(&self, node: &Node) -> Expression {
        Expression::new(self.source.clone(), node.clone())
    }

    /// True where a mistake was reported instead of an expression.
    pub fn is_error(&self) -> bool {
        matches!(self.node.kind, NodeKind::Error)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
