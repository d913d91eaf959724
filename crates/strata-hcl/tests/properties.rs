//! What holds for any value: writing it and reading it again gives it back, formatting twice is formatting once, and
//! conversions keep what they keep.
//!
//! Values are made from a fixed seed; a failure shows the value's text. `STRATA_PROPERTIES=100000` tries more.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read the environment"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Type, Value};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, format, parse_expression};

/// A small generator of random numbers (xorshift), so that a seed means the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 12] = [
            "a", "Z", "_9", " ", "\"", "\\", "\n", "é", "${", "%{", "😀", "\u{7f}",
        ];
        let parts = (0..self.below(5)).map(|_| PARTS[self.below(12) as usize]);
        parts.collect::<Vec<_>>().concat()
    }

    fn value(&mut self, depth: u64) -> Value {
        let kinds = if depth == 0 { 4 } else { 6 };
        match self.below(kinds) {
            0 => Value::Null(Type::Dynamic),
            1 => Value::Bool(self.below(2) == 1),
            2 => Value::from(self.below(2_000_000) as i64 - 1_000_000),
            3 => Value::from(self.text()),
            4 => Value::tuple((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            _ => Value::object((0..self.below(4)).map(|_| (self.text(), self.value(depth - 1)))),
        }
    }
}

fn each_value(check: impl Fn(&Value)) {
    let times = std::env::var("STRATA_PROPERTIES").ok();
    let times: u64 = times.map_or(500, |times| times.parse().unwrap());
    let mut chance = Chance(0x5eed_cafe);
    for _ in 0..times {
        check(&chance.value(3));
    }
}

/// A scope in which `v` is a value.
struct Given(Value);

impl Scope for Given {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        (reference.root == "v").then(|| Resolved::new(self.0.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment::none()
    }
}

/// What an expression gives where `v` is a value; none after a mistake.
fn of(text: &str, value: &Value) -> Option<Value> {
    let source = Arc::new(Source::new("property", text));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    let found = evaluate(&expression, &Given(value.clone()), &mut diags);
    (!diags.has_errors()).then_some(found)
}

/// The function takes no null by itself, as in Terraform.
fn written(value: &Value) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let text = of("provider::terraform::encode_expr(v)", value).unwrap();
    text.as_str().unwrap().to_owned()
}

#[test]
fn what_is_written_as_an_expression_is_read_as_the_same_value() {
    each_value(|value| {
        let text = written(value);
        assert_eq!(of(&text, value).as_ref(), Some(value), "{text}");
    });
}

#[test]
fn what_is_encoded_as_json_is_decoded_as_the_same_value() {
    each_value(|value| {
        assert_eq!(
            of("jsondecode(jsonencode(v))", value).as_ref(),
            Some(value),
            "{}",
            written(value)
        );
    });
}

#[test]
fn formatting_twice_is_formatting_once_and_keeps_the_value() {
    each_value(|value| {
        let text = format!(
            "a   =  {}\nblock   \"b\" {{\nlonger=1\nx = 2\n}}\n",
            written(value)
        );
        let once = format(&Arc::new(Source::new("property", &*text))).unwrap();
        let twice = format(&Arc::new(Source::new("property", &*once))).unwrap();
        assert_eq!(once, twice);
        let end = once.find("\nblock").unwrap();
        let expression = once[..end].split_once('=').unwrap().1.trim();
        assert_eq!(of(expression, value).as_ref(), Some(value), "{once}");
    });
}

#[test]
fn conversions_keep_what_the_new_type_can_hold() {
    each_value(|value| {
        // Text of a number or a truth value is read back as that.
        if let Ok(text) = value.convert(&Type::String)
            && !value.is_null()
        {
            let back = text.convert(&value.ty()).unwrap();
            assert_eq!(back, *value, "{}", written(value));
        }
        // To be converted again changes nothing.
        for ty in [
            "tolist(v)",
            "toset(v)",
            "tomap(v)",
            "tostring(v)",
            "tonumber(v)",
            "tobool(v)",
        ] {
            if let Some(once) = of(ty, value) {
                assert_eq!(
                    of(ty, &once).as_ref(),
                    Some(&once),
                    "{ty} of {}",
                    written(value)
                );
            }
        }
    });
}
