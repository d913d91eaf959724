//! Each function has cases of each kind in the recorded suite.
//!
//! Ordinary and edge input, null, unknown and sensitive values: a function that is added without them fails here.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read their cases"
)]

use std::path::Path;

/// Functions whose results Terraform cannot tell: they differ at each call, or only OpenTofu has them.
const BEYOND: [&str; 7] = [
    "base64gunzip",
    "bcrypt",
    "cidrcontains",
    "plantimestamp",
    "timestamp",
    "urldecode",
    "uuid",
];

/// What these are about is sensitive or ephemeral in every case.
const ABOUT_MARKS: [&str; 4] = [
    "ephemeralasnull",
    "issensitive",
    "nonsensitive",
    "sensitive",
];

#[test]
fn each_function_has_ordinary_edge_null_unknown_and_sensitive_input() {
    let cases = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
    let text = std::fs::read_to_string(cases.join("expressions.txt")).expect("the cases are there");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("# "))
        .collect();
    let functions = strata_hcl::functions::all().map(|function| function.name);
    let lacking: Vec<String> = functions
        .filter(|name| !BEYOND.contains(name))
        .filter_map(|name| lack(name, &lines))
        .collect();
    assert!(
        lacking.is_empty(),
        "add to expressions.txt, and record:\n{}",
        lacking.join("\n")
    );
}

fn lack(name: &str, lines: &[&str]) -> Option<String> {
    let has = |line: &str, word: &str| line.contains(word);
    let cases: Vec<&&str> = lines.iter().filter(|line| calls(line, name)).collect();
    let count = |kind: &dyn Fn(&str) -> bool| cases.iter().filter(|line| kind(line)).count();
    let null = |line: &str| has(line, "null");
    let unknown = |line: &str| has(line, "local.unknown");
    let secret = |line: &str| has(line, "local.secret") || has(line, "sensitive(");
    let plain = |line: &str| !null(line) && !unknown(line) && !secret(line);
    let least = if ABOUT_MARKS.contains(&name) { 0 } else { 2 };
    let missing = [
        ("null", count(&null) < 1),
        ("unknown", count(&unknown) < 1),
        ("sensitive", count(&secret) < 1),
        ("ordinary and edge", count(&plain) < least),
    ];
    let missing: Vec<&str> = missing
        .iter()
        .filter_map(|(kind, lacks)| lacks.then_some(*kind))
        .collect();
    (!missing.is_empty()).then(|| format!("{name}: {}", missing.join(", ")))
}

/// True if a line calls a function of this name, and not one whose name ends so.
fn calls(line: &str, name: &str) -> bool {
    let call = format!("{name}(");
    line.match_indices(&call).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
    })
}
