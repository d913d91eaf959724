//! Schemas of providers in Terraform's format 1.0, as editors read it.

use serde_json::{Map, Value as Json, json};
use strata_core::schema::{
    Attribute, Block, NestedAttributes, NestedBlock, Nesting, Presence, ProviderSchema, Resource,
};
use strata_ops::functions::{built_in_signatures, type_json};

use crate::render::functions;

/// The provider that has functions.
const BUILT_IN: &str = "terraform.io/builtin/terraform";

/// The schemas of providers by their full addresses.
pub(crate) fn providers<'a>(schemas: impl Iterator<Item = (&'a str, &'a ProviderSchema)>) -> Json {
    let entry =
        |(source, schema): (&str, &ProviderSchema)| (source.to_owned(), provider(source, schema));
    Json::Object(schemas.map(entry).collect())
}

fn provider(source: &str, schema: &ProviderSchema) -> Json {
    let mut shown = json!({ "provider": { "version": 0 } });
    let arguments = &schema.provider;
    if !arguments.attributes.is_empty() || !arguments.blocks.is_empty() {
        shown["provider"]["block"] = block(arguments);
    }
    let kinds = [
        ("resource_schemas", &schema.resources),
        ("data_source_schemas", &schema.data_sources),
        ("ephemeral_resource_schemas", &schema.ephemerals),
    ];
    for (name, types) in kinds.into_iter().filter(|(_, types)| !types.is_empty()) {
        let types = types.iter();
        shown[name] = types
            .map(|(name, ty)| (name.to_string(), resource(ty)))
            .collect();
    }
    if source == BUILT_IN {
        let all = built_in_signatures().into_iter();
        shown["functions"] = all
            .map(|(name, signature)| (name.to_owned(), functions::described(&signature)))
            .collect();
    }
    shown
}

fn resource(resource: &Resource) -> Json {
    json!({ "version": resource.version, "block": block(&resource.block) })
}

fn block(of: &Block) -> Json {
    let mut shown = Map::new();
    if !of.attributes.is_empty() {
        shown.insert("attributes".to_owned(), attributes(of.attributes.iter()));
    }
    if !of.blocks.is_empty() {
        let blocks = of.blocks.iter();
        let blocks = blocks.map(|(name, nested)| (name.to_string(), nested_block(nested)));
        shown.insert("block_types".to_owned(), blocks.collect());
    }
    describe(of.description, &mut shown);
    shown.into()
}

fn nested_block(nested: &NestedBlock) -> Json {
    let mut shown = json!({ "nesting_mode": mode(nested.nesting), "block": block(&nested.block) });
    for (name, number) in [
        ("min_items", nested.min_items),
        ("max_items", nested.max_items),
    ] {
        if number > 0 {
            shown[name] = number.into();
        }
    }
    shown
}

fn attributes<'a, N: ToString>(all: impl Iterator<Item = (N, &'a Attribute)>) -> Json {
    all.map(|(name, of)| (name.to_string(), attribute(of)))
        .collect()
}

fn attribute(of: &Attribute) -> Json {
    let mut shown = Map::new();
    match &of.nested {
        Some(nested) => shown.insert("nested_type".to_owned(), nested_type(nested)),
        None => shown.insert("type".to_owned(), type_json(&of.ty)),
    };
    describe(of.description, &mut shown);
    let said: &[&str] = match of.presence {
        Presence::Required => &["required"],
        Presence::Optional => &["optional"],
        Presence::OptionalComputed => &["optional", "computed"],
        Presence::Computed => &["computed"],
    };
    let more = [
        (of.deprecated.is_some(), "deprecated"),
        (of.sensitive, "sensitive"),
    ];
    let more = more.into_iter().filter(|(holds, _)| *holds);
    let all = said.iter().copied().chain(more.map(|(_, name)| name));
    shown.extend(all.map(|name| (name.to_owned(), Json::Bool(true))));
    shown.into()
}

fn nested_type(nested: &NestedAttributes) -> Json {
    json!({
        "attributes": attributes(nested.attributes.iter()),
        "nesting_mode": mode(nested.nesting),
    })
}

fn describe(description: &str, shown: &mut Map<String, Json>) {
    let kind = match description.contains('`') {
        true => "markdown",
        false => "plain",
    };
    if !description.is_empty() {
        shown.insert("description".to_owned(), description.into());
    }
    shown.insert("description_kind".to_owned(), kind.into());
}

fn mode(nesting: Nesting) -> &'static str {
    match nesting {
        Nesting::Single => "single",
        Nesting::List => "list",
        Nesting::Set => "set",
        Nesting::Map => "map",
    }
}
