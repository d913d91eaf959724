//! What a value carries besides itself.

use std::ops::{BitOr, BitOrAssign};

/// A set of marks; they spread to everything computed from the marked value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marks(u8);

impl Marks {
    /// No mark.
    pub const NONE: Marks = Marks(0);
    /// Must not be shown: not in output, plans, logs, errors or events.
    pub const SENSITIVE: Marks = Marks(1);
    /// Must not be stored: neither in state nor in a saved plan.
    pub const EPHEMERAL: Marks = Marks(2);

    /// True without any mark.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// True if all of `other` are here.
    pub fn contains(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    /// These marks without those of `other`.
    #[must_use]
    pub fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }
}

impl BitOr for Marks {
    type Output = Marks;

    fn bitor(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

impl BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Marks) {
        *self = *self | other;
    }
}
