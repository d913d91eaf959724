//! What keys of an object ask for.

use crate::{provider::attributes::Attributes, units::bytes};

/// A number of things or of bytes that a key of `config` asks for.
pub(super) fn amount(object: Attributes<'_>, key: &str) -> Option<i64> {
    bytes(object.map("config").get(key)?)
}
