//! The same configuration in both syntaxes loads to the same, for configurations made by chance.

use crate::support::Given;

/// A small generator of numbers, the same at each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).expect("it is small")]
    }
}

/// A value as both syntaxes write it.
enum Tree {
    Null,
    Bool(bool),
    Number(String),
    /// The template as it stands between quotes, before either syntax escapes it.
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

const PIECES: [&str; 12] = [
    "a",
    "é",
    "\"",
    "\\",
    "\n",
    "\t",
    "$${x}",
    "%%{y}",
    "${local.l0}",
    "${upper(\"q\")}",
    "𝄞",
    " ",
];

fn tree(chance: &mut Chance, depth: u64) -> Tree {
    match chance.below(if depth == 0 { 4 } else { 6 }) {
        0 => Tree::Null,
        1 => Tree::Bool(chance.below(2) == 0),
        2 => Tree::Number(
            chance
                .pick(&["0", "-7", "1.5", "12345678901234567890", "1e3"])
                .to_owned(),
        ),
        3 => {
            let count = chance.below(6);
            Tree::Text((0..count).map(|_| chance.pick(&PIECES)).collect())
        }
        4 => {
            let count = chance.below(4);
            Tree::List((0..count).map(|_| tree(chance, depth - 1)).collect())
        }
        _ => {
            let count = chance.below(4);
            let entry = |at: u64, chance: &mut Chance| (format!("k{at}"), tree(chance, depth - 1));
            Tree::Object((0..count).map(|at| entry(at, chance)).collect())
        }
    }
}

/// Escapes text, but not inside interpolations, where native syntax has expressions as they are.
fn native_text(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("${") && !out.ends_with('$') {
            let end = rest.find('}').expect("it is closed") + 1;
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn native(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(text) => text.clone(),
        Tree::Text(text) => format!("\"{}\"", native_text(text)),
        Tree::List(items) => {
            let items: Vec<String> = items.iter().map(native).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Object(entries) => {
            let entry = |(key, value): &(String, Tree)| format!("{key} = {}", native(value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn json(tree: &Tree) -> serde_json::Value {
    match tree {
        Tree::Null => serde_json::Value::Null,
        Tree::Bool(value) => (*value).into(),
        Tree::Number(text) => serde_json::from_str(text).expect("a number"),
        Tree::Text(text) => text.as_str().into(),
        Tree::List(items) => items.iter().map(json).collect(),
        Tree::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
    }
}

#[test]
fn both_syntaxes_load_to_the_same() {
    let mut chance = Chance(0x5DEE_CE66_D1CE_4E5B);
    for _ in 0..300 {
        let values: Vec<Tree> = (0..3).map(|_| tree(&mut chance, 3)).collect();
        let mut text = String::from("locals { l0 = \"zero\" }\n");
        let mut object = serde_json::json!({ "locals": { "l0": "zero" }, "output": {} });
        for (at, value) in values.iter().enumerate() {
            text += &format!("output \"o{at}\" {{\n  value = {}\n}}\n", native(value));
            object["output"][format!("o{at}")] = serde_json::json!({ "value": json(value) });
        }
        let from_native = Given::new(&text).outputs();
        let from_json = Given::new("")
            .file("all.tf.json", &object.to_string())
            .outputs();
        assert_eq!(from_native, from_json, "{text}");
    }
}
