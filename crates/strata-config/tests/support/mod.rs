//! What the tests of this crate share: schemas.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::Schemas;
use strata_core::{
    Type,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence, ProviderSchema, Resource},
};

/// The built-in provider, and one with nested blocks of every kind.
pub(crate) fn schemas() -> Schemas {
    Schemas::new([
        ("terraform.io/builtin/terraform", Arc::new(terraform())),
        ("registry.terraform.io/hashicorp/test", Arc::new(test())),
    ])
}

fn attributes(list: &[(&str, Type, Presence)]) -> BTreeMap<Arc<str>, Attribute> {
    let attribute = |(name, ty, presence): &(&str, Type, Presence)| {
        (Arc::from(*name), Attribute::new(ty.clone(), *presence, ""))
    };
    list.iter().map(attribute).collect()
}

fn provider(name: &str, attributes: BTreeMap<Arc<str>, Attribute>, blocks: Vec<(&str, NestedBlock)>) -> ProviderSchema {
    let blocks = blocks.into_iter().map(|(name, block)| (Arc::from(name), block)).collect();
    let block = Block { attributes, blocks, description: "" };
    let resource = Resource { version: 0, block };
    ProviderSchema {
        resources: [(Arc::from(name), resource)].into(),
        ..ProviderSchema::default()
    }
}

fn terraform() -> ProviderSchema {
    let list = [
        ("input", Type::Dynamic, Presence::Optional),
        ("output", Type::Dynamic, Presence::Computed),
        ("triggers_replace", Type::Dynamic, Presence::Optional),
        ("id", Type::String, Presence::Computed),
    ];
    provider("terraform_data", attributes(&list), Vec::new())
}

fn test() -> ProviderSchema {
    let inner = |nesting, min_items, max_items| NestedBlock {
        nesting,
        block: Block {
            attributes: attributes(&[
                ("name", Type::String, Presence::Required),
                ("size", Type::Number, Presence::Optional),
            ]),
            blocks: BTreeMap::new(),
            description: "",
        },
        min_items,
        max_items,
    };
    let mut list = attributes(&[
        ("name", Type::String, Presence::Required),
        ("config", Type::map(Type::String), Presence::Optional),
        ("tags", Type::set(Type::String), Presence::Optional),
        ("address", Type::String, Presence::Computed),
    ]);
    list.insert("secret".into(), Attribute::new(Type::String, Presence::Optional, "").sensitive());
    let source = [
        ("image", Attribute::new(Type::String, Presence::Required, "")),
        ("alias", Attribute::new(Type::String, Presence::Optional, "")),
    ];
    list.insert("source".into(), Attribute::nested(Nesting::Single, source, Presence::Optional, ""));
    let blocks = vec![
        ("device", inner(Nesting::List, 0, 3)),
        ("port", inner(Nesting::Set, 0, 0)),
        ("wait", inner(Nesting::Single, 0, 0)),
        ("volume", inner(Nesting::Map, 0, 0)),
    ];
    provider("test_machine", list, blocks)
}
