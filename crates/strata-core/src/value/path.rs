//! Where in a value something is.

use std::fmt;

use super::{Number, Text};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// An attribute of an object.
    Attribute(Text),
    /// An element of a list or tuple, from 0.
    Index(Number),
    /// An element of a map.
    Key(Text),
    /// An element of a set; which one cannot be said, since sets have no order.
    Element,
}

/// Steps from a whole value to a part of it; empty for the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributePath(pub Vec<PathStep>);

impl AttributePath {
    /// The whole value.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of one attribute of the whole.
    pub fn attribute(name: impl Into<Text>) -> Self {
        Self(vec![PathStep::Attribute(name.into())])
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// True if `self` leads to `other` or to something that contains it.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for AttributePath {
    /// Writes it as a user would in an expression: `network[0].name`, `config["boot.autostart"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attribute(name) if position == 0 => write!(f, "{name}")?,
                PathStep::Attribute(name) => write!(f, ".{name}")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Key(key) => write!(f, "[{key:?}]")?,
                PathStep::Element => write!(f, "[*]")?,
            }
        }
        Ok(())
    }
}
