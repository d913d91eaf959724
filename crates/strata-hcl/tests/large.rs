//! Large collections take time in proportion to their size; unknown and sensitive values come out as such.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the crate is pure; its tests measure time and fail where they cannot"
)]

use std::sync::Arc;

use strata_core::{Diagnostics, Marks, Source, Type, Value};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, parse_expression};

/// One root, `v`, with what a test puts there.
struct Variables(Value);

impl Scope for Variables {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        (reference.root == "v").then(|| Resolved::new(self.0.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment::none()
    }
}

fn run(text: &str, variables: Value) -> (Value, Diagnostics) {
    let mut diags = Diagnostics::new();
    let source = Arc::new(Source::new("test.tf", text));
    let expression = parse_expression(&source, &mut diags);
    let value = evaluate(&expression, &Variables(variables), &mut diags);
    (value, diags)
}

fn numbers(count: i64) -> Value {
    Value::object([(
        "n",
        Value::list(Type::Number, (0..count).map(Value::from).collect()),
    )])
}

/// What this thread has computed so far, in nanoseconds; what others do on the machine is not in it.
fn processor_time() -> f64 {
    // The kernel brings the account up to date when a thread lets others go first.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let first = told.split(' ').next().unwrap();
    first.parse().unwrap()
}

/// How much longer `text` takes for ten times the elements; the quickest of three.
fn growth(text: &str) -> f64 {
    let time = |count| {
        let variables = numbers(count);
        let measure = || {
            let start = processor_time();
            let (_, diags) = run(text, variables.clone());
            assert!(diags.is_empty(), "{diags:?}");
            processor_time() - start
        };
        (0..3).map(|_| measure()).fold(f64::MAX, f64::min)
    };
    let small = time(2_000);
    time(20_000) / small
}

#[test]
fn nothing_is_quadratic() {
    for text in [
        "jsonencode({ for i in v.n : \"key-${i}\" => { id = i, name = \"n${i}\" } })",
        "[for i in v.n : v.n[i]]",
        "[for i in v.n : element(v.n, i)]",
        "{ for i in v.n : (i % 7) => i... }",
        "distinct(concat(v.n, v.n))",
        "toset([for i in v.n : \"${i}\"])",
        "length(setsubtract(v.n, v.n))",
        "[for x in [for i in v.n : { a = i }] : x.a][*]",
        "jsondecode(jsonencode(v.n))",
        "merge({ for i in v.n : i => i }, { for i in v.n : i => i })",
    ] {
        // Other work on the machine takes caches away, too: that makes a try slow, but none fast.
        let linear = (0..4).any(|_| growth(text) < 40.0);
        assert!(
            linear,
            "{text}: ten times the elements took over 40 times as long, in each of four tries"
        );
    }
}

/// `known`, `unknown`, `unknown_list` and `secret`.
fn mixed() -> Value {
    Value::object([
        ("known", Value::from("k")),
        ("unknown", Value::unknown(Type::String)),
        ("list", Value::unknown(Type::list(Type::String))),
        ("any", Value::unknown(Type::Dynamic)),
        ("secret", Value::from("s").sensitive()),
        (
            "secrets",
            Value::list(Type::String, vec!["s".into()]).sensitive(),
        ),
    ])
}

fn check(text: &str, expected: &str) {
    let (value, diags) = run(text, mixed());
    assert!(diags.is_empty(), "{text}: {diags:?}");
    let mark = if value.marks().contains(Marks::SENSITIVE) {
        "sensitive "
    } else {
        ""
    };
    assert_eq!(format!("{mark}{:?}", value.unmarked()), expected, "{text}");
}

#[test]
fn unknown_values_give_unknown_values_of_the_right_type() {
    check("upper(v.unknown)", "unknown(string)");
    check("length(v.list)", "unknown(number)");
    check("\"a${v.unknown}\"", "unknown(string)");
    check("\"a${v.unknown}\" == \"b\"", "false");
    check("v.unknown == v.known", "unknown(bool)");
    check("[for x in v.list : x]", "unknown(any)");
    check("v.list[0]", "unknown(string)");
    check("v.list[*]", "unknown(list(string))");
    check("v.any.thing[3]", "unknown(any)");
    check("{ a = v.unknown }.a", "unknown(string)");
    check("length([v.unknown, 1])", "2");
    check("concat([v.unknown], [\"b\"])[1]", "\"b\"");
    check("v.unknown == \"x\" ? 1 : 2", "unknown(number)");
    check("jsonencode([v.unknown])", "unknown(string)");
    check("try(v.unknown, 1)", "unknown(any)");
    check("can(v.any.x)", "unknown(bool)");
    check("merge({ a = 1 }, { b = v.unknown }).a", "1");
    check("lookup({ a = v.unknown, b = \"x\" }, \"b\", \"\")", "\"x\"");
    check("timestamp()", "unknown(string)");
    check("v.any + 1", "unknown(number)");
    check("tolist(v.any)", "unknown(list(any))");
}

#[test]
fn sensitive_values_make_sensitive_values() {
    check("\"a${v.secret}\"", "sensitive \"as\"");
    check("v.secret == \"s\" ? 1 : 2", "sensitive 1");
    check("[for x in v.secrets : x]", "sensitive [\"s\"]");
    check("{ (v.secret) = 1 }", "sensitive {\"s\": 1}");
    check("[v.secret]", "[(sensitive)]");
    check("v.secrets[0]", "sensitive \"s\"");
    check("length(v.secrets)", "sensitive 1");
    check("[1, 2][v.secret == \"s\" ? 1 : 0]", "sensitive 2");
    check(
        "jsonencode({ a = v.secret })",
        "sensitive \"{\\\"a\\\":\\\"s\\\"}\"",
    );
    check("v.secret == v.known", "sensitive false");
    check("!(v.secret == \"s\")", "sensitive false");
    check(
        "\"%{ if v.secret == \"s\" }yes%{ endif }\"",
        "sensitive \"yes\"",
    );
    check("v.secrets[*]", "sensitive list(string)[\"s\"]");
    check("nonsensitive(v.secret)", "\"s\"");
    check("try(v.secret, 1)", "sensitive \"s\"");
}

#[test]
fn one_mistake_gives_one_message() {
    for text in [
        "v.nothing.more[0] + 1",
        "[for x in [1, 2, 3] : x.y]",
        "upper(v.nothing)",
        "\"a${v.nothing}b\"",
        "{ a = nothing, b = 1 }.a.b.c",
        "[{}, {}][*].a",
        "\"%{ for x in [1, 2] }${x.y}%{ endfor }\"",
    ] {
        let (value, diags) = run(text, mixed());
        assert_eq!(diags.len(), 1, "{text}: {diags:?}");
        assert!(!value.is_known(), "{text}");
    }
    let (_, diags) = run("[v.nothing, nope(), 0/0, null.x]", mixed());
    assert_eq!(diags.len(), 4, "{diags:?}");
}
