//! Configuration for objects that are to be taken over and have none: what they are now, as `resource` blocks.

use std::fmt::Write;

use strata_core::{
    Diagnostic, Diagnostics, Events, Value,
    addr::ResourceInstance,
    schema::{Block, Nesting, Presence},
};

use crate::{
    environment::Environment,
    ephemeral,
    plan::import::{ImportId, ask},
    providers::Providers,
    session::Session,
};

/// The blocks of all import targets of the root module that configuration does not have; empty if it has all.
pub async fn generate(
    environment: &Environment,
    providers: &Providers,
    events: &Events,
) -> Result<String, Diagnostics> {
    let session = Session::planning(environment, providers, events);
    let mut diags = Diagnostics::new();
    let mut text = String::new();
    for target in session.evaluator.import_targets(&mut diags) {
        let address = &target.to;
        let is_there = environment
            .config
            .resource(&address.resource.config())
            .is_some();
        if is_there {
            continue;
        }
        if !address.resource.module.0.is_empty() || address.key.is_some() {
            let summary = "Configuration for import target does not exist";
            diags.push(
                Diagnostic::error("generate", summary)
                    .detail(format!("Only resources of the root module without count and for_each can be generated, not {address}."))
                    .at(target.span.clone()),
            );
            continue;
        }
        let Some(id) = ImportId::of(&target) else {
            continue;
        };
        match one(&session, address, &id, &mut diags).await {
            Ok(block) => text.push_str(&block),
            Err(errors) => diags.append(errors),
        }
    }
    ephemeral::close(&session, &mut diags).await;
    if text.is_empty() {
        return diags.into_result(text);
    }
    let head = "# __generated__ by Strata\n# Please review these resources and move them into your main configuration files.\n";
    diags.into_result(format!("{head}{text}"))
}

async fn one(
    session: &Session<'_>,
    address: &ResourceInstance,
    id: &ImportId,
    diags: &mut Diagnostics,
) -> Result<String, Diagnostics> {
    let resource = &address.resource;
    let source = session
        .providers
        .source_of(resource.mode, &resource.type_name);
    let stored = format!("provider[\"{}\"]", source.unwrap_or_default());
    let provider_address = session.provider_of(address, Some(&stored))?;
    ephemeral::open_for_provider(session, &provider_address).await?;
    let kind = session.kind(&provider_address, address, diags);
    let provider = session.configured(&provider_address, diags);
    let (Some(kind), Some(provider)) = (kind, provider) else {
        return Ok(String::new());
    };
    let object = ask(session, &*provider, address, id).await?;
    let mut text = format!(
        "\n# __generated__ by Strata from {}\nresource \"{}\" \"{}\" {{\n",
        quoted(&id.shown()),
        resource.type_name,
        resource.name
    );
    body(kind.block(), &object.value, 2, &mut text);
    text.push_str("}\n");
    Ok(text)
}

/// The arguments that a user may set; what is secret stays out.
fn body(block: &Block, value: &Value, indent: usize, text: &mut String) {
    let settable = block
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.presence != Presence::Computed);
    let width = settable
        .clone()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, attribute) in settable {
        let known = value.get(name).filter(|known| !known.is_null());
        let shown = match known {
            None => "null".to_owned(),
            Some(_) if attribute.sensitive => "null # sensitive".to_owned(),
            Some(known) => expression(known, indent),
        };
        writeln!(text, "{:indent$}{name:<width$} = {shown}", "").expect("a text takes everything");
    }
    for (name, nested) in &block.blocks {
        let Some(found) = value.get(name) else {
            continue;
        };
        let mut one = |label: &str, inner: &Value| {
            writeln!(text, "{:indent$}{name}{label} {{", "").expect("a text takes everything");
            body(&nested.block, inner, indent + 2, text);
            writeln!(text, "{:indent$}}}", "").expect("a text takes everything");
        };
        match nested.nesting {
            Nesting::Single if !found.is_null() => one("", found),
            Nesting::Single => {}
            Nesting::Map => {
                for (label, inner) in found.as_entries().into_iter().flatten() {
                    one(&format!(" {}", quoted(label)), inner);
                }
            }
            Nesting::List | Nesting::Set => {
                found
                    .as_sequence()
                    .into_iter()
                    .flatten()
                    .for_each(|inner| one("", inner));
            }
        }
    }
}

/// A value as configuration writes it.
fn expression(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    let end = " ".repeat(indent);
    match value.unmarked() {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|item| expression(item, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(_, entries) | Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(_, entries) | Value::Object(entries) => {
            let entry = |(name, value): (&strata_core::Text, &Value)| {
                format!(
                    "{pad}{} = {}\n",
                    quoted(name),
                    expression(value, indent + 2)
                )
            };
            format!(
                "{{\n{}{end}}}",
                entries.iter().map(entry).collect::<String>()
            )
        }
        _ => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace("${", "$${").replace("%{", "%%{")
}
