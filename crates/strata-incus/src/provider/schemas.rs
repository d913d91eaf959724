//! Short words for writing schemas down.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    Type,
    schema::{Attribute, Block, NestedBlock, Presence, Resource},
};

/// A named attribute.
pub(crate) type Named = (&'static str, Attribute);

/// A text that configuration must set.
pub(crate) fn required(name: &'static str, description: &'static str) -> Named {
    (
        name,
        Attribute::new(Type::String, Presence::Required, description),
    )
}

/// A text that configuration may set.
pub(crate) fn optional(name: &'static str, description: &'static str) -> Named {
    (
        name,
        Attribute::new(Type::String, Presence::Optional, description),
    )
}

/// A value that configuration may set and that has a default or is computed otherwise.
pub(crate) fn defaulted(name: &'static str, ty: Type, description: &'static str) -> Named {
    (
        name,
        Attribute::new(ty, Presence::OptionalComputed, description),
    )
}

/// A value that only the server sets.
pub(crate) fn computed(name: &'static str, ty: Type, description: &'static str) -> Named {
    (name, Attribute::new(ty, Presence::Computed, description))
}

/// The `config` of an object.
pub(crate) fn config() -> Named {
    defaulted(
        "config",
        Type::map(Type::String),
        "Configuration keys of the object.",
    )
}

/// Where the object is.
pub(crate) fn place() -> [Named; 2] {
    [
        optional("project", "The project that it is in."),
        optional("remote", "The remote that it is on."),
    ]
}

/// A resource of attributes and blocks.
pub(crate) fn resource(
    description: &'static str,
    attributes: impl IntoIterator<Item = Named>,
    blocks: impl IntoIterator<Item = (&'static str, NestedBlock)>,
) -> Resource {
    Resource {
        version: 0,
        block: Block {
            attributes: named(attributes),
            blocks: named(blocks),
            description,
        },
    }
}

fn named<T>(items: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<Arc<str>, T> {
    items
        .into_iter()
        .map(|(name, item)| (name.into(), item))
        .collect()
}
