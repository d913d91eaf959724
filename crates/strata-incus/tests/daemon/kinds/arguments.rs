//! That nothing of the original's arguments is left out.

use std::collections::BTreeSet;

use strata_core::Value;

use super::{Here, How, Kind, table};

/// One argument of `arguments.txt`.
struct Argument {
    path: &'static str,
    /// True if another value makes the object anew.
    replaces: bool,
    /// True if only the server sets it.
    computed: bool,
}

fn arguments() -> impl Iterator<Item = (&'static str, Vec<Argument>)> {
    let lines = include_str!("arguments.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let (type_name, words) = line.split_once(':').unwrap();
        let words = words.split_whitespace().map(|word| Argument {
            path: word.trim_end_matches(['!', '=']),
            replaces: word.ends_with('!'),
            computed: word.ends_with('='),
        });
        (type_name, words.collect())
    })
}

#[tokio::test]
async fn every_argument_is_in_the_table() {
    let here = Here::twin().await;
    let table = table(&here);
    let mut missing = Vec::new();
    for (type_name, arguments) in arguments() {
        let kind = table.iter().find(|kind| kind.type_name == type_name);
        let kind = kind.unwrap_or_else(|| panic!("{type_name} is not in the table"));
        let tried = tried(&here, kind);
        for argument in arguments.iter().filter(|argument| !argument.computed) {
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
    for (type_name, arguments) in arguments() {
        let kind = table
            .iter()
            .find(|kind| kind.type_name == type_name)
            .unwrap();
        for change in &kind.changes {
            let Some(argument) = arguments.iter().find(|one| one.path == change.argument) else {
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

#[test]
fn every_argument_is_in_the_schema() {
    let incus = strata_incus::Incus::new(crate::testbed::settings(&[], crate::testbed::short()));
    let provider = incus.provider();
    for (type_name, arguments) in arguments() {
        let ty = provider.schema().resources[type_name].block.implied_type();
        for argument in arguments {
            let found = argument
                .path
                .split('.')
                .try_fold(&ty, |ty, name| inner(ty).attribute(name));
            assert!(found.is_some(), "{type_name}.{}", argument.path);
        }
    }
}

fn inner(ty: &strata_core::Type) -> &strata_core::Type {
    use strata_core::Type;
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
