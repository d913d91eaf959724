//! Bodies: attributes and blocks, in the order in which they stand.

use std::sync::Arc;

use strata_core::{Source, Span};

use super::{ByteRange, Expression, Name};

/// What a file or a block holds.
#[derive(Clone, Debug)]
pub struct Body {
    /// The source it stands in.
    pub source: Arc<Source>,
    /// Attributes, each name once.
    pub attributes: Vec<Attribute>,
    /// Blocks.
    pub blocks: Vec<Block>,
    /// From after the opening brace to before the closing one, or the whole file.
    pub range: ByteRange,
}

/// `name = expression`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: Name,
    /// What it is set to.
    pub expression: Expression,
}

/// `type "label" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The word it begins with, such as `resource`.
    pub kind: Name,
    /// Its labels, quoted or bare.
    pub labels: Vec<Name>,
    /// What it holds.
    pub body: Body,
    /// From the type to the closing brace.
    pub range: ByteRange,
}

impl Body {
    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.name.text == name)
    }

    /// The blocks of a type.
    pub fn blocks_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks
            .iter()
            .filter(move |block| &*block.kind.text == kind)
    }

    /// Its place.
    pub fn span(&self) -> Span {
        self.range.span(&self.source)
    }
}

impl Attribute {
    /// From its name to the end of its expression.
    pub fn span(&self) -> Span {
        self.name
            .range
            .to(self.expression.node().range)
            .span(self.expression.source())
    }

    /// The place of its name.
    pub fn name_span(&self) -> Span {
        self.name.range.span(self.expression.source())
    }
}

impl Block {
    /// From its type to its closing brace.
    pub fn span(&self) -> Span {
        self.range.span(&self.body.source)
    }

    /// The place of its type.
    pub fn kind_span(&self) -> Span {
        self.kind.range.span(&self.body.source)
    }

    /// The place of its type and labels, what a message about the whole block points at.
    pub fn header_span(&self) -> Span {
        let last = self.labels.last().unwrap_or(&self.kind);
        self.kind.range.to(last.range).span(&self.body.source)
    }

    /// The place of one label.
    pub fn label_span(&self, at: usize) -> Option<Span> {
        Some(self.labels.get(at)?.range.span(&self.body.source))
    }

    /// The text of one label.
    pub fn label(&self, at: usize) -> Option<&str> {
        Some(&*self.labels.get(at)?.text)
    }
}
