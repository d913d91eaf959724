//! The attributes and blocks of an image.

use strata_core::{
    Diagnostics, Type, Value,
    schema::{Attribute, NestedBlock, Nesting, Presence, Resource},
};

use crate::provider::{
    attributes::{self, Attributes},
    schemas::{Named, computed, defaulted, optional, place, required, resource},
    source::at_most_one,
    validate,
};

/// The ways to make one.
pub(super) const SOURCES: [&str; 3] = ["source_image", "source_file", "source_instance"];

/// The schema of `incus_image`.
pub(crate) fn schema() -> Resource {
    let texts = Type::set(Type::String);
    let shown = [
        computed("resource_id", Type::String, "Its remote and fingerprint."),
        computed(
            "created_at",
            Type::Number,
            "When it was made, in Unix time.",
        ),
        computed(
            "fingerprint",
            Type::String,
            "What it is known by everywhere.",
        ),
        computed("copied_aliases", texts, "Aliases that came with it."),
    ];
    let attributes = place().into_iter().chain(sources()).chain(shown);
    resource("An image.", attributes, [("alias", alias())])
}

fn sources() -> [Named; 3] {
    let flag = "Whether its aliases there are taken over.";
    let flag = Attribute::new(Type::Bool, Presence::Optional, flag);
    let image = [
        required("remote", "The remote that it is copied from."),
        required("name", "Its alias or fingerprint there."),
        defaulted("type", Type::String, "`container` or `virtual-machine`."),
        defaulted("architecture", Type::String, "Its architecture."),
        ("copy_aliases", flag),
    ];
    let file = [
        required(
            "data_path",
            "A unified image, or the root file system of a split one.",
        ),
        optional("metadata_path", "The metadata of a split image."),
    ];
    let instance = [
        required(
            "name",
            "The instance that it is made from; it must not run.",
        ),
        optional("snapshot", "Its snapshot."),
    ];
    let source = |name, attributes: Vec<Named>, description| {
        let presence = Presence::Optional;
        let nested = Attribute::nested(Nesting::Single, attributes, presence, description);
        (name, nested)
    };
    [
        source("source_image", image.into(), "An image of another remote."),
        source("source_file", file.into(), "Files of this machine."),
        source("source_instance", instance.into(), "An instance."),
    ]
}

fn alias() -> NestedBlock {
    let attributes = [
        required("name", "The alias."),
        defaulted("description", Type::String, "What it is for."),
    ];
    NestedBlock {
        nesting: Nesting::Set,
        block: resource("A name for it.", attributes, []).block,
        min_items: 0,
        max_items: 0,
    }
}

/// Checks a configuration beyond what the schema says.
pub(crate) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    at_most_one(config, &SOURCES, diags);
    if !SOURCES.iter().any(|source| config.is_set(source)) {
        validate::present(config, SOURCES[0], diags);
    }
    if let Some(image) = config.object("source_image") {
        validate::one_of(image, "type", &["container", "virtual-machine"], diags);
    }
}

/// The object with defaults filled in.
pub(super) fn with_defaults(proposed: &Value) -> Value {
    let mut changes = Vec::new();
    if let Some(image) = proposed
        .get("source_image")
        .filter(|image| image.as_entries().is_some())
    {
        let unset = |name: &str| {
            image
                .get(name)
                .is_none_or(|value| value.is_null() || !value.is_known())
        };
        let defaults = [
            ("type", Value::from("container")),
            ("architecture", Value::Null(Type::String)),
        ];
        let defaults = defaults.into_iter().filter(|(name, _)| unset(name));
        changes.push(("source_image", attributes::with(image, defaults)));
    }
    if let Some(Value::Set(element, aliases)) = proposed.get("alias") {
        let aliases = aliases.iter().map(|alias| {
            let unset = alias.get("description").and_then(Value::as_str).is_none();
            let empty = unset.then(|| ("description", Value::from("")));
            attributes::with(alias, empty)
        });
        changes.push((
            "alias",
            Value::set(element.clone(), aliases.collect::<Vec<_>>()),
        ));
    }
    attributes::with(proposed, changes)
}
