//! References as they stand in the source: a root and the steps from it.

use std::{fmt, sync::Arc};

use strata_core::{Source, Span, Value};

use crate::syntax::ByteRange;

/// A reference as written: `aws_instance.web[0].id`.
#[derive(Clone)]
pub struct Traversal {
    /// The name it begins with.
    pub root: Arc<str>,
    /// The steps after the root.
    pub steps: Vec<Step>,
    /// Where it stands.
    pub range: ByteRange,
    pub(crate) source: Arc<Source>,
}

/// One step of a traversal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which step.
    pub kind: TraversalStep,
    /// Where it stands, with its dot or brackets.
    pub range: ByteRange,
}

/// Which step a traversal takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraversalStep {
    /// `.name`.
    Attribute(Arc<str>),
    /// `[key]` with a known key.
    Index(Value),
    /// `[expression]` where the key is not constant; only in [`Traversal`]s, never while evaluating.
    Computed,
    /// `[*]` or `.*`; only in [`Traversal`]s.
    Splat,
}

impl Step {
    /// The name, if the step is an attribute.
    pub fn attribute(&self) -> Option<&str> {
        match &self.kind {
            TraversalStep::Attribute(name) => Some(name),
            _ => None,
        }
    }

    /// The key, if the step is a constant index.
    pub fn index(&self) -> Option<&Value> {
        match &self.kind {
            TraversalStep::Index(key) => Some(key),
            _ => None,
        }
    }
}

impl Traversal {
    /// Its place.
    pub fn span(&self) -> Span {
        self.range.span(&self.source)
    }

    /// The place of its first steps: root alone for 0.
    pub fn span_to(&self, steps: usize) -> Span {
        let end = match steps.checked_sub(1).and_then(|at| self.steps.get(at)) {
            Some(step) => step.range.end,
            None if steps == 0 => self.range.start + self.root.len() as u32,
            None => self.range.end,
        };
        ByteRange {
            start: self.range.start,
            end,
        }
        .span(&self.source)
    }

    /// The place of one of its steps.
    pub fn span_of(&self, step: &Step) -> Span {
        step.range.span(&self.source)
    }

    /// The name of the step at a position, if it is an attribute.
    pub fn attribute(&self, at: usize) -> Option<&str> {
        self.steps.get(at)?.attribute()
    }

    /// The key of the step at a position, if it is a constant index.
    pub fn index(&self, at: usize) -> Option<&Value> {
        self.steps.get(at)?.index()
    }
}

impl fmt::Display for Traversal {
    /// Writes it as in the source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.range.text(&self.source))
    }
}

impl fmt::Debug for Traversal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
