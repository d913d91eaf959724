//! What resources and data sources take and give, in Markdown that reads well as it is.

use std::fmt::Write;

use strata_core::{
    Type,
    provider::ObjectKind,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};
use strata_ops::reference::Documented;

/// All types, one a line.
pub(crate) fn list(all: &[Documented]) -> String {
    let widest = all
        .iter()
        .map(|documented| documented.name.len())
        .max()
        .unwrap_or(0);
    let line = |documented: &Documented| {
        let kind = match documented.kind {
            ObjectKind::Resource => "resource",
            ObjectKind::DataSource => "data",
            ObjectKind::Ephemeral => "ephemeral",
        };
        let first = documented
            .block
            .description
            .split(['.', '\n'])
            .next()
            .unwrap_or_default();
        let name = &documented.name;
        format!(
            "{:<10}  {kind:<9}  {name:<widest$}  {first}",
            documented.provider
        )
        .trim_end()
        .to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A page of several types.
pub(crate) fn pages(types: &[Documented]) -> String {
    types.iter().map(page).collect::<Vec<_>>().join("\n\n")
}

fn page(documented: &Documented) -> String {
    let (kind, name) = match documented.kind {
        ObjectKind::Resource => ("resource", documented.name.to_string()),
        ObjectKind::DataSource => ("data source", format!("data.{}", documented.name)),
        ObjectKind::Ephemeral => (
            "ephemeral resource",
            format!("ephemeral.{}", documented.name),
        ),
    };
    let article = match documented.kind {
        ObjectKind::Ephemeral => "An",
        ObjectKind::Resource | ObjectKind::DataSource => "A",
    };
    let mut text = format!(
        "## `{name}`\n\n{article} {kind} of `{}`.",
        documented.source
    );
    if !documented.block.description.is_empty() {
        text.push_str(&format!("\n\n{}", documented.block.description));
    }
    family(&mut text, "Arguments", &documented.block, true);
    family(&mut text, "Attributes", &documented.block, false);
    for (name, nested) in &documented.block.blocks {
        block(&mut text, name, nested, 0);
    }
    text
}

/// The attributes that configuration may set, or those that it may not.
fn family(text: &mut String, title: &str, block: &Block, configurable: bool) {
    let mut attributes: Vec<_> = block
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.presence.is_configurable() == configurable)
        .collect();
    if attributes.is_empty() {
        return;
    }
    // What must be there is read first.
    attributes.sort_by_key(|(_, attribute)| attribute.presence != Presence::Required);
    text.push_str(&format!("\n\n{title}:\n"));
    for (name, attribute) in attributes {
        item(text, name, attribute, 0);
    }
}

fn item(text: &mut String, name: &str, attribute: &Attribute, depth: usize) {
    let indent = "  ".repeat(depth);
    let words = words(attribute).join(", ");
    let description = attribute.description.replace('\n', " ");
    let colon = if description.is_empty() { "" } else { ": " };
    write!(text, "\n{indent}- `{name}` ({words}){colon}{description}")
        .expect("writing to a string cannot fail");
    if let Some(instead) = attribute.deprecated {
        text.push_str(&format!(" Deprecated: {instead}."));
    }
    for (name, inner) in attribute
        .nested
        .iter()
        .flat_map(|nested| &nested.attributes)
    {
        item(text, name, inner, depth + 1);
    }
}

fn words(attribute: &Attribute) -> Vec<String> {
    let ty = match &attribute.nested {
        Some(nested) => nesting(nested.nesting).to_owned(),
        None => type_name(&attribute.ty),
    };
    let mut words = vec![ty];
    words.extend((attribute.presence == Presence::Required).then(|| "required".to_owned()));
    words.extend(attribute.sensitive.then(|| "sensitive".to_owned()));
    words
}

/// A type as users write it, objects in short.
fn type_name(ty: &Type) -> String {
    match ty {
        Type::Object(_) => "object".to_owned(),
        Type::List(inner) => format!("list({})", type_name(inner)),
        Type::Set(inner) => format!("set({})", type_name(inner)),
        Type::Map(inner) => format!("map({})", type_name(inner)),
        other => other.to_string(),
    }
}

fn nesting(nesting: Nesting) -> &'static str {
    match nesting {
        Nesting::Single => "object",
        Nesting::List => "list of objects",
        Nesting::Set => "set of objects",
        Nesting::Map => "map of objects",
    }
}

fn block(text: &mut String, name: &str, nested: &NestedBlock, depth: usize) {
    let often = match (nested.nesting, nested.min_items, nested.max_items) {
        (Nesting::Single, ..) | (_, 0, 1) => "at most one",
        (_, 1, 1) => "exactly one",
        (_, 0, _) => "any number",
        (_, 1, _) => "at least one",
        _ => "several",
    };
    let most = match nested.max_items {
        0 | 1 => String::new(),
        most => format!(", at most {most}"),
    };
    let indent = "  ".repeat(depth);
    let description = match nested.block.description {
        "" => String::new(),
        description => format!(": {}", description.replace('\n', " ")),
    };
    match depth {
        0 => text.push_str(&format!(
            "\n\nBlock `{name}` ({often}{most}){description}\n"
        )),
        _ => text.push_str(&format!(
            "\n{indent}- block `{name}` ({often}{most}){description}"
        )),
    }
    let mut attributes: Vec<_> = nested.block.attributes.iter().collect();
    attributes.sort_by_key(|(_, attribute)| attribute.presence != Presence::Required);
    for (name, attribute) in attributes {
        item(text, name, attribute, depth + usize::from(depth > 0));
    }
    for (name, inner) in &nested.block.blocks {
        block(text, name, inner, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use strata_core::schema::Block;

    use super::*;

    #[test]
    fn a_page_has_arguments_attributes_and_blocks() {
        let attribute = |presence, description| Attribute::new(Type::String, presence, description);
        let inner = Block {
            attributes: [("path".into(), attribute(Presence::Required, "Where."))].into(),
            ..Block::default()
        };
        let block = Block {
            attributes: [
                (
                    "id".into(),
                    attribute(Presence::Computed, "Its id.").sensitive(),
                ),
                ("a".into(), attribute(Presence::Optional, "")),
                ("name".into(), attribute(Presence::Required, "Its name.")),
            ]
            .into(),
            blocks: [(
                "disk".into(),
                NestedBlock {
                    nesting: Nesting::List,
                    block: inner,
                    min_items: 1,
                    max_items: 2,
                },
            )]
            .into(),
            description: "A machine.",
        };
        let documented = Documented {
            provider: "x",
            source: "example.org/a/x",
            kind: ObjectKind::Resource,
            name: "x_machine".into(),
            block,
        };
        let expected = "## `x_machine`\n\nA resource of `example.org/a/x`.\n\nA machine.\n\nArguments:\n\n\
            - `name` (string, required): Its name.\n- `a` (string)\n\nAttributes:\n\n- `id` (string, sensitive): Its id.\n\n\
            Block `disk` (at least one, at most 2)\n\n- `path` (string, required): Where.";
        assert_eq!(pages(&[documented]), expected);
    }
}
