//! What the test provider offers.

use strata_core::{
    Type,
    schema::{Attribute, Block, Presence, ProviderSchema, Resource},
};

pub(crate) fn provider_schema() -> ProviderSchema {
    let resource = || Resource {
        version: 0,
        block: thing(),
    };
    ProviderSchema {
        provider: Block {
            attributes: [(
                "endpoint".into(),
                Attribute::new(Type::String, Presence::Optional, "Not used."),
            )]
            .into(),
            ..Block::default()
        },
        resources: [("test_thing".into(), resource())].into(),
        data_sources: [(
            "test_thing".into(),
            Resource {
                version: 0,
                block: data(),
            },
        )]
        .into(),
        ephemerals: [(
            "test_secret".into(),
            Resource {
                version: 0,
                block: secret(),
            },
        )]
        .into(),
        ..ProviderSchema::default()
    }
}

fn secret() -> Block {
    let attribute = Attribute::new;
    let attributes = [
        (
            "name",
            attribute(Type::String, Presence::Required, "Which."),
        ),
        (
            "token",
            attribute(Type::String, Presence::Computed, "Another each time."),
        ),
    ];
    Block {
        attributes: attributes.map(|(name, made)| (name.into(), made)).into(),
        ..Block::default()
    }
}

fn thing() -> Block {
    let attributes = [
        (
            "id",
            Attribute::new(Type::String, Presence::Computed, "Given by the platform."),
        ),
        (
            "name",
            Attribute::new(
                Type::String,
                Presence::Required,
                "Its name; a change replaces it.",
            ),
        ),
        (
            "size",
            Attribute::new(Type::Number, Presence::Optional, "Changes in place."),
        ),
        (
            "kind",
            Attribute::new(
                Type::String,
                Presence::OptionalComputed,
                "`plain` if left out.",
            ),
        ),
        (
            "note",
            Attribute::new(Type::String, Presence::Optional, "Kept in state only."),
        ),
        (
            "secret",
            Attribute::new(
                Type::String,
                Presence::Optional,
                "Kept in state only, hidden.",
            )
            .sensitive(),
        ),
        (
            "needs",
            Attribute::new(
                Type::list(Type::String),
                Presence::Optional,
                "Kept in state only.",
            ),
        ),
    ];
    Block {
        attributes: attributes
            .into_iter()
            .map(|(name, attribute)| (name.into(), attribute))
            .collect(),
        ..Block::default()
    }
}

fn data() -> Block {
    let attributes = [
        (
            "id",
            Attribute::new(Type::String, Presence::Computed, "Given by the platform."),
        ),
        (
            "name",
            Attribute::new(Type::String, Presence::Required, "Which."),
        ),
        (
            "size",
            Attribute::new(Type::Number, Presence::Computed, "Its size."),
        ),
    ];
    Block {
        attributes: attributes
            .into_iter()
            .map(|(name, attribute)| (name.into(), attribute))
            .collect(),
        ..Block::default()
    }
}
