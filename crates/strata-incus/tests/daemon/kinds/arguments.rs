//! That nothing of the original is left out: `arguments.txt` against our schemas, and against what the table of
//! kinds tries.

use std::collections::BTreeSet;

use strata_core::{
    Diagnostics, Type, Value,
    provider::{ObjectKind, Provider},
    schema::{Attribute, Block, Presence, Resource},
};

use super::{Here, How, Kind, table};

/// A resource or data source of the original.
struct Original {
    kind: ObjectKind,
    type_name: &'static str,
    /// How its import id is written, where it has one.
    id: Option<&'static str>,
    arguments: Vec<Argument>,
}

/// One argument of it.
struct Argument {
    path: &'static str,
    /// Its type as text; nothing where that is not told.
    ty: &'static str,
    presence: Presence,
    /// True if another value makes the object anew.
    replaces: bool,
    sensitive: bool,
    /// The only words that it may have.
    words: Vec<&'static str>,
    /// What it is where configuration says nothing.
    default: Option<&'static str>,
}

impl Argument {
    fn parse(line: &'static str) -> Self {
        let (line, default) = match line.split_once('|') {
            Some((line, default)) => (line, Some(default)),
            None => (line, None),
        };
        let (path, rest) = line.split_once(':').unwrap_or((line, ""));
        let (rest, words) = rest.split_once('{').unwrap_or((rest, ""));
        let words = words.trim_end_matches('}').split(',');
        let flags = rest.trim_start_matches(|c: char| c.is_alphanumeric() || "()".contains(c));
        Self {
            path,
            ty: &rest[..rest.len() - flags.len()],
            presence: match flags.chars().next() {
                Some('*') => Presence::Required,
                Some('?') => Presence::OptionalComputed,
                Some('=') => Presence::Computed,
                _ => Presence::Optional,
            },
            replaces: flags.contains('!'),
            sensitive: flags.contains('~'),
            words: words.filter(|word| !word.is_empty()).collect(),
            default,
        }
    }
}

fn originals() -> Vec<Original> {
    let lines = include_str!("arguments.txt").lines();
    let mut all: Vec<Original> = Vec::new();
    for line in lines.filter(|line| !line.starts_with('#')) {
        if let Some(argument) = line.strip_prefix("  ") {
            let last = all.last_mut().unwrap();
            last.arguments.push(Argument::parse(argument));
            continue;
        }
        let mut words = line.split(' ');
        let kind = match words.next() {
            Some("data") => ObjectKind::DataSource,
            _ => ObjectKind::Resource,
        };
        all.push(Original {
            kind,
            type_name: words.next().unwrap(),
            id: words.next(),
            arguments: Vec::new(),
        });
    }
    all
}

fn resources() -> impl Iterator<Item = Original> {
    let all = originals().into_iter();
    all.filter(|original| original.kind == ObjectKind::Resource)
}

fn provider() -> std::sync::Arc<dyn Provider> {
    strata_incus::Incus::new(crate::testbed::settings(&[], crate::testbed::short())).provider()
}

#[tokio::test]
async fn every_argument_is_in_the_table() {
    let here = Here::twin().await;
    let table = table(&here);
    let mut missing = Vec::new();
    for original in resources() {
        let type_name = original.type_name;
        let kind = table.iter().find(|kind| kind.type_name == type_name);
        let kind = kind.unwrap_or_else(|| panic!("{type_name} is not in the table"));
        let tried = tried(&here, kind);
        let arguments = original.arguments.iter();
        for argument in arguments.filter(|argument| argument.presence != Presence::Computed) {
            let named = |name: &str| kind.elsewhere.iter().any(|(other, _)| *other == name);
            if !tried.contains(argument.path) && !named(argument.path) {
                missing.push(format!("{type_name}.{}", argument.path));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test]
async fn what_makes_an_object_anew_is_what_the_original_says() {
    let here = Here::twin().await;
    let table = table(&here);
    let mut differing = Vec::new();
    for original in resources() {
        let type_name = original.type_name;
        let kind = table.iter().find(|kind| kind.type_name == type_name);
        for change in &kind.unwrap().changes {
            let mut arguments = original.arguments.iter();
            let Some(argument) = arguments.find(|one| one.path == change.argument) else {
                continue;
            };
            if argument.replaces != (change.how != How::InPlace) {
                differing.push(format!("{type_name}.{}", argument.path));
            }
        }
    }
    // No server changes the type of a certificate; of files it is the paths inside that replace there.
    assert_eq!(
        differing,
        ["incus_certificate.type", "incus_image.source_file"]
    );
}

/// Where ours differs from the original, and why.
const DIFFERING: [(&str, &str); 0] = [];

#[test]
fn every_argument_is_in_the_schemas_as_the_original_has_it() {
    let provider = provider();
    let mut differing = Vec::new();
    for original in originals() {
        let schema = provider.schema();
        let types = match original.kind {
            ObjectKind::Resource => &schema.resources,
            _ => &schema.data_sources,
        };
        let Some(ours) = types.get(original.type_name) else {
            differing.push(format!("{} is not there", original.type_name));
            continue;
        };
        for argument in &original.arguments {
            for how in compared(ours, argument, original.kind) {
                let of = match original.kind {
                    ObjectKind::Resource => "",
                    _ => "data.",
                };
                differing.push(format!(
                    "{of}{}.{}: {how}",
                    original.type_name, argument.path
                ));
            }
        }
    }
    let known = DIFFERING.map(|(what, _)| what);
    assert_eq!(differing, known);
}

/// What differs of an argument, if something does.
fn compared(ours: &Resource, argument: &Argument, kind: ObjectKind) -> Vec<String> {
    let path: Vec<&str> = argument.path.split('.').collect();
    let ty = ours.block.implied_type();
    let ty = path
        .iter()
        .try_fold(&ty, |ty, name| inner(ty).attribute(name));
    let Some(ty) = ty else {
        return vec!["is not there".to_owned()];
    };
    let mut differing = Vec::new();
    if !argument.ty.is_empty() && shape(ty) != argument.ty {
        differing.push(format!("is {}, not {}", shape(ty), argument.ty));
    }
    let Some(attribute) = attribute(&ours.block, &path) else {
        return differing;
    };
    // What a data source tells may be written there, although nothing comes of it.
    let told = |presence| matches!(presence, Presence::OptionalComputed | Presence::Computed);
    let same = attribute.presence == argument.presence
        || kind == ObjectKind::DataSource && told(attribute.presence) && told(argument.presence)
        || argument.ty.is_empty();
    if !same {
        differing.push(format!(
            "is {:?}, not {:?}",
            attribute.presence, argument.presence
        ));
    }
    if attribute.sensitive != argument.sensitive {
        differing.push("is it sensitive?".to_owned());
    }
    differing
}

fn attribute<'a>(block: &'a Block, path: &[&str]) -> Option<&'a Attribute> {
    let (name, rest) = path.split_first()?;
    if let Some(nested) = block.blocks.get(*name) {
        return attribute(&nested.block, rest);
    }
    let mut attribute = block.attributes.get(*name)?;
    for name in rest {
        attribute = attribute.nested.as_ref()?.attributes.get(*name)?;
    }
    Some(attribute)
}

/// A type as `arguments.txt` writes it.
fn shape(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Number => "number".to_owned(),
        Type::List(element) => format!("list({})", shape(element)),
        Type::Set(element) => format!("set({})", shape(element)),
        Type::Map(element) => format!("map({})", shape(element)),
        _ => "object".to_owned(),
    }
}

#[tokio::test]
async fn what_is_not_said_is_what_the_original_makes_of_it() {
    let here = Here::twin().await;
    let table = table(&here);
    let mut count = 0;
    for original in resources() {
        let type_name = original.type_name;
        let kind = table.iter().find(|kind| kind.type_name == type_name);
        let minimal = &kind.unwrap().minimal;
        let resource = here.testbed.resource(type_name);
        let plan = resource.plan(&resource.config(minimal)).await;
        for argument in &original.arguments {
            let is_said = minimal.iter().any(|(name, _)| *name == argument.path);
            let Some(default) = argument.default.filter(|_| !is_said) else {
                continue;
            };
            let planned = plan.planned.get(argument.path).unwrap();
            let same = match default {
                "{}" => planned
                    .as_entries()
                    .is_some_and(|entries| entries.is_empty()),
                "true" | "false" => *planned == Value::from(default == "true"),
                default => planned.as_str() == Some(default),
            };
            assert!(same, "{type_name}.{}: {planned:?}", argument.path);
            count += 1;
        }
    }
    assert!(count >= 12, "{count}");
}

#[tokio::test]
async fn every_import_id_is_read_as_the_original_writes_it() {
    for original in resources() {
        let Some(form) = original.id else { continue };
        // The longest form, with a remote that nobody has: it must come as far as that.
        let id = form
            .replace("<remote>", "nowhere")
            .replace("<image>", "debian/12");
        let id = id.replace("<project>", "p");
        let id = id.replace(['[', ']', '<', '>'], "");
        let block = provider().schema().provider.empty_value();
        let configured = provider().configure(block).unwrap();
        let imported = configured
            .import(original.type_name.into(), id.clone())
            .await;
        let told = summaries(&imported.unwrap_err());
        assert!(told.contains("remote `nowhere`"), "{id}: {told}");
    }
}

#[test]
fn only_the_words_of_the_original_are_taken() {
    let provider = provider();
    for original in resources() {
        let block = &provider.schema().resources[original.type_name].block;
        let arguments = original.arguments.iter();
        for argument in arguments.filter(|argument| !argument.words.is_empty()) {
            let refuses = |word: &str| {
                let path: Vec<&str> = argument.path.split('.').collect();
                let config = with(&block.implied_type(), &path, word, block.empty_value());
                let told = provider.validate(ObjectKind::Resource, original.type_name, &config);
                summaries(&told).contains(&format!("`{word}` is not a valid"))
            };
            let name = format!("{}.{}", original.type_name, argument.path);
            assert!(refuses("no-such-word"), "{name}");
            let wrong: Vec<_> = argument.words.iter().filter(|word| refuses(word)).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
        }
    }
}

fn summaries(diags: &Diagnostics) -> String {
    let all = diags
        .iter()
        .map(|told| format!("{} {}", told.summary, told.detail));
    all.collect::<Vec<_>>().join("\n")
}

/// A value of a type that holds a word at a path and nothing else; `empty` is the outermost without it.
fn with(ty: &Type, path: &[&str], word: &str, empty: Value) -> Value {
    let Some((name, rest)) = path.split_first() else {
        return Value::from(word);
    };
    let mut fields = empty.as_entries().unwrap().clone();
    let of = ty.attribute(name).unwrap();
    let object = inner(of);
    let value = match rest {
        [] => Value::from(word),
        rest => with(object, rest, word, nothing(object)),
    };
    let value = match of {
        Type::List(_) => Value::list(object.clone(), vec![value]),
        Type::Set(_) => Value::set(object.clone(), [value]),
        Type::Map(_) => Value::map(object.clone(), [("one", value)]),
        _ => value,
    };
    fields.insert((*name).into(), value);
    Value::object(fields)
}

/// An object with every attribute null.
fn nothing(ty: &Type) -> Value {
    let Type::Object(attributes) = ty else {
        panic!("only objects have attributes")
    };
    let attributes = attributes.iter();
    Value::object(attributes.map(|(name, one)| (name.clone(), Value::Null(one.ty.clone()))))
}

fn inner(ty: &Type) -> &Type {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => inner(element),
        other => other,
    }
}

/// The arguments that a kind's configurations set.
fn tried(here: &Here, kind: &Kind) -> BTreeSet<String> {
    let resource = here.testbed.resource(kind.type_name);
    let changed = kind.changes.iter().map(|change| kind.changed(change));
    let mut tried = BTreeSet::new();
    for attributes in changed.chain([kind.minimal.clone()]) {
        let config = resource.config(&attributes);
        for (name, value) in config.as_entries().unwrap() {
            walk(name, value, &mut tried);
        }
    }
    tried
}

fn walk(path: &str, value: &Value, tried: &mut BTreeSet<String>) {
    if value.is_null() {
        return;
    }
    tried.insert(path.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter() {
                walk(&format!("{path}.{name}"), value, tried);
            }
        }
        other => {
            for value in other.as_sequence().into_iter().flatten() {
                walk(path, value, tried);
            }
            // Of a map the keys are the user's.
            for value in other
                .as_entries()
                .into_iter()
                .flatten()
                .map(|(_, value)| value)
            {
                walk(path, value, tried);
            }
        }
    }
}
