//! How long expressions over a hundred thousand elements take, and the peak of memory where the system tells it.
//!
//! `cargo bench -p strata-hcl -- tuple` measures one case alone, so that the peak is its own.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the crate is pure; its measurements read clock and memory"
)]

use std::{sync::Arc, time::Instant};

use strata_core::{Diagnostics, Source, Type, Value};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, parse_expression};

const ELEMENTS: i64 = 100_000;
const CASES: [(&str, &str); 3] = [
    ("tuple", "[for i in numbers : i * 2]"),
    (
        "object",
        "{ for i in numbers : \"key-${i}\" => { id = i, name = upper(\"n${i}\") } }",
    ),
    (
        "json",
        "jsonencode({ for i in numbers : \"key-${i}\" => { id = i, name = \"n${i}\" } })",
    ),
];

struct Numbers(Value);

impl Scope for Numbers {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        (reference.root == "numbers").then(|| Resolved::new(self.0.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment::none()
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let all = !CASES.iter().any(|(name, _)| named(name));
    for (name, text) in CASES.iter().filter(|(name, _)| all || named(name)) {
        measure(name, text);
    }
}

fn measure(name: &str, text: &str) {
    let scope = Numbers(Value::list(
        Type::Number,
        (0..ELEMENTS).map(Value::from).collect(),
    ));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&Arc::new(Source::new("bench.tf", text)), &mut diags);
    let start = Instant::now();
    let value = evaluate(&expression, &scope, &mut diags);
    let took = start.elapsed();
    assert!(diags.is_empty() && value.is_known(), "{diags:?}");
    println!("{name:8}{took:>12.1?}  {}", peak());
}

/// The most memory the process has had, as Linux writes it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("peak of memory not known here").to_owned()
}
