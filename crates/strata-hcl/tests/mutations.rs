//! Text that nobody would write: the cases of the other suites with random changes.
//!
//! Nothing may panic, hang or lose text, whatever the input. Each run makes the same changes from a fixed seed; a failure
//! prints the seed and the text. `STRATA_MUTATIONS=100000` tries more, `STRATA_SEED=7` others.
//! `cargo xtask fuzz` goes on from there, led by what each input reaches.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the crate is pure; its tests read cases and the environment, and tell their seed"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::{fs, path::Path, sync::Arc};

use strata_core::{Diagnostics, Source, Value};
use strata_hcl::{
    EmptyScope, evaluate, format, is_closed, parse, parse_expression, parse_template,
};

/// A small generator of random numbers (SplitMix64), so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn read(name: &str) -> String {
    let cases = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
    fs::read_to_string(cases.join(name)).unwrap()
}

fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |given| given.parse().unwrap())
}

/// What is put in: what begins, ends or separates something, and characters of each length.
const PIECES: [&str; 40] = [
    "{", "}", "[", "]", "(", ")", "\"", "${", "%{", "~}", "<<E\n", "<<-E\n", "\nE\n", "#", "//",
    "/*", "*/", "\n", "\r\n", "\r", "\t", " ", "=", ",", ".", "...", "=>", "?", ":", "-", "!",
    "\\", "\\u00e9", "é", "😀", "\u{301}", "\u{feff}", "\0", "1e9", "for x in",
];

fn mutated(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(chars.len() + 1);
        match random.below(4) {
            0 if at < chars.len() => drop(chars.remove(at)),
            1 => {
                let end = (at + random.below(12)).min(chars.len());
                let copy: Vec<char> = chars[at.min(end)..end].to_vec();
                let to = random.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
            2 => chars.truncate(at.max(1)),
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

/// Tries many mutations of some texts; says which input it was before a panic goes on.
fn each_mutation(name: &str, texts: &[String], check: impl Fn(&str) + std::panic::RefUnwindSafe) {
    let seed = number("STRATA_SEED", 1);
    let mut random = Random(seed);
    let count = number("STRATA_MUTATIONS", 3_000);
    println!("{name}: {count} mutations from seed {seed}");
    for _ in 0..count {
        let text = mutated(&texts[random.below(texts.len())], &mut random);
        if let Err(panic) = std::panic::catch_unwind(|| check(&text)) {
            println!("{name}: seed {seed} fails for:\n{text}\n{text:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn files() -> Vec<String> {
    read("format.txt")
        .split("---\n")
        .map(str::to_owned)
        .collect()
}

fn expressions() -> Vec<String> {
    let lines = read("expressions.txt");
    let lines = lines.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).chain(files()).collect()
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("mutation.tf", text))
}

#[test]
fn any_text_is_parsed_or_refused() {
    each_mutation("parse", &files(), |text| {
        let mut diags = Diagnostics::new();
        let body = parse(&source(text), &mut diags);
        for attribute in &body.attributes {
            assert!(text.contains(attribute.expression.text()));
        }
        parse_template(&source(text), &mut diags);
        is_closed(text);
        for diagnostic in diags.iter() {
            let end = diagnostic
                .labels
                .first()
                .map_or(0, |label| label.span.end.byte);
            assert!(end as usize <= text.len(), "a place beyond the text");
        }
    });
}

#[test]
fn any_expression_has_a_value_or_a_mistake() {
    each_mutation("evaluate", &expressions(), |text| {
        let mut diags = Diagnostics::new();
        let expression = parse_expression(&source(text), &mut diags);
        evaluate(&expression, &EmptyScope, &mut diags);
        expression.references();
    });
}

#[test]
fn what_is_formatted_says_the_same_and_stays() {
    each_mutation("format", &files(), |text| {
        let Ok(once) = format(&source(text)) else {
            return;
        };
        // Unwrapping takes one layer at a time, and brackets that do not fit their lines may need a second turn.
        let twice = format(&source(&once)).expect("what was formatted is still without mistakes");
        assert_eq!(said(&once), said(&twice));
        if !text.contains("\"${") {
            assert_eq!(said(text), said(&once));
        }
    });
}

/// A text without what formatting may change: space, quotes of labels, and spellings of types.
fn said(text: &str) -> String {
    let mut diags = Diagnostics::new();
    let body = parse(&source(text), &mut diags);
    format!("{} {}", count(&body), body.blocks.len())
}

fn count(body: &strata_hcl::Body) -> String {
    let attributes = body
        .attributes
        .iter()
        .map(|attribute| attribute.name.text.to_string());
    let blocks = body.blocks.iter().map(|block| {
        let labels: Vec<_> = block.labels.iter().map(|label| &*label.text).collect();
        format!("{} {labels:?} {{{}}}", block.kind.text, count(&block.body))
    });
    attributes.chain(blocks).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_value_written_as_an_expression_reads_back() {
    let seed = number("STRATA_SEED", 1);
    let mut random = Random(seed);
    for _ in 0..500 {
        let value = any_value(&mut random, 3);
        for (write, read) in [
            ("provider::terraform::encode_expr", ""),
            ("jsonencode", "jsondecode"),
            ("yamlencode", "yamldecode"),
        ] {
            let back = round_trip(&value, write, read);
            assert_eq!(back.as_ref(), Some(&value), "{write} from seed {seed}");
        }
    }
}

/// Writes a value with one function and reads it with another, or as an expression.
fn round_trip(value: &Value, write: &str, read: &str) -> Option<Value> {
    let text = call(write, value)?;
    if !read.is_empty() {
        return call(read, &text);
    }
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source(text.as_str()?), &mut diags);
    let back = evaluate(&expression, &EmptyScope, &mut diags);
    (!diags.has_errors()).then_some(back)
}

fn call(function: &str, argument: &Value) -> Option<Value> {
    struct Argument(Value);
    impl strata_hcl::Scope for Argument {
        fn resolve(
            &self,
            _: &strata_hcl::Reference<'_>,
            _: &mut Diagnostics,
        ) -> Option<strata_hcl::Resolved> {
            Some(strata_hcl::Resolved::new(self.0.clone(), 0))
        }
        fn environment(&self) -> strata_hcl::Environment<'_> {
            strata_hcl::Environment::none()
        }
    }
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source(&format!("{function}(given)")), &mut diags);
    let value = evaluate(&expression, &Argument(argument.clone()), &mut diags);
    (!diags.has_errors()).then_some(value)
}

/// A value as JSON has them.
fn any_value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::from(random.below(2) == 0),
        1 => Value::from(random.next() as i64 >> random.below(60)),
        2 => Value::from(any_text(random)),
        3 => Value::Number(
            format!("{}.{}", random.below(999), 1 + random.below(99))
                .parse()
                .unwrap(),
        ),
        4 => {
            let count = random.below(4);
            Value::tuple((0..count).map(|_| any_value(random, depth - 1)).collect())
        }
        _ => {
            let count = random.below(4);
            Value::object((0..count).map(|_| (any_text(random), any_value(random, depth - 1))))
        }
    }
}

fn any_text(random: &mut Random) -> String {
    let parts = [
        "a", "B", "0", " ", "\n", "\"", "\\", "$", "{", "%", "é", "😀", ":", "- ", "#", "'",
        "true", "~",
    ];
    let count = random.below(6);
    (0..count)
        .map(|_| parts[random.below(parts.len())])
        .collect()
}
