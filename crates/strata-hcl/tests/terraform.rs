//! What Terraform answers, and what we do.
//!
//! `cases/expressions.txt` holds one expression a line, `cases/templates.txt` expressions of several lines between lines
//! of `---`. `cases/answers.json` holds what Terraform gave for each: its JSON and type, or null for an error. To ask it
//! again: `STRATA_RECORD=1 cargo test -p strata-hcl --test terraform`. `cases/differences.txt` lists what differs, with the reason.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure; its tests measure time and ask the real terraform"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be read or run fails the test"
)]

use std::{collections::BTreeMap, fs, io::Write, path::Path, process::Command, sync::Arc};

use strata_core::{Diagnostics, Source, Type, Value, files::MemoryFiles};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, parse, parse_expression};

/// Files that cases may read; the recorder writes them to disk.
const FILES: [(&str, &str); 4] = [
    ("hello.txt", "Hello\n"),
    ("sub/a.txt", "a"),
    ("sub/deep/b.txt", "b"),
    (
        "t.tpl",
        "start\n   ${~ \"x\"}\n  %{ for i in l ~}\n     item ${i}\n\n  %{ endfor ~}\n  end\n\\n \"q\" \n",
    ),
];

fn cases() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
}

fn read(name: &str) -> String {
    fs::read_to_string(cases().join(name)).unwrap()
}

fn expressions() -> Vec<String> {
    let text = read("expressions.txt");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.map(str::to_owned).collect()
}

fn templates() -> Vec<String> {
    read("templates.txt")
        .split("\n---\n")
        .map(|case| case.trim_matches('\n').to_owned())
        .collect()
}

/// An answer: JSON and type, or none for an error.
type Answer = Option<(String, String)>;

#[test]
fn expressions_and_templates_give_what_terraform_gives() {
    if std::env::var_os("STRATA_RECORD").is_some() {
        record();
    }
    let answers: BTreeMap<String, Answer> = serde_json::from_str(&read("answers.json")).unwrap();
    let differences = read("differences.txt");
    let known: BTreeMap<&str, &str> = differences
        .lines()
        .filter_map(|line| line.split_once("  ## "))
        .collect();
    let all: Vec<String> = expressions().into_iter().chain(templates()).collect();
    let mut wrong = Vec::new();
    let mut same = 0;
    for case in &all {
        let Some(theirs) = answers.get(case) else {
            wrong.push(format!("{case}\n    no answer is recorded"));
            continue;
        };
        let ours = answer(case);
        let differs = ours != *theirs;
        same += usize::from(!differs);
        if differs != known.contains_key(case.as_str()) {
            wrong.push(format!(
                "{case}\n    ours   {ours:?}\n    theirs {theirs:?}"
            ));
        }
    }
    println!(
        "{same} of {} as Terraform, {} known differences",
        all.len(),
        known.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

struct CaseScope(MemoryFiles);

impl Scope for CaseScope {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let locals = Value::object([
            ("list", Value::tuple(vec!["a".into(), "b".into()])),
            ("secret", Value::from("s3").sensitive()),
            ("template", Value::from("${a}-%{if b}yes%{endif}")),
            (
                "objects",
                Value::tuple(vec![
                    Value::object([("n", Value::from(1)), ("s", "x".into())]),
                    Value::object([("n", Value::from(2)), ("s", "y".into())]),
                ]),
            ),
        ]);
        (reference.root == "local").then(|| Resolved::new(locals, 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            files: Some(&self.0),
            home: Some(Path::new("/home/me")),
            ..Environment::none()
        }
    }
}

const LOCALS: &str = r#"locals {
  list     = ["a", "b"]
  secret   = sensitive("s3")
  template = "$${a}-%%{if b}yes%%{endif}"
  objects  = [{ n = 1, s = "x" }, { n = 2, s = "y" }]
}
"#;

/// Runs small stacks as a user's threads would have them.
fn answer(case: &str) -> Answer {
    let source = Arc::new(Source::new("case", case));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    if diags.has_errors() {
        return None;
    }
    let value = evaluate(&expression, &CaseScope(MemoryFiles::new(FILES)), &mut diags);
    if diags.has_errors() {
        return None;
    }
    if !value.is_wholly_known() {
        return Some(unknown_answer());
    }
    Some((json(&value), type_text(&value.ty())))
}

fn unknown_answer() -> (String, String) {
    ("(unknown)".to_owned(), String::new())
}

fn json(value: &Value) -> String {
    let source = Arc::new(Source::new("json", "jsonencode(v)"));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    struct One(Value);
    impl Scope for One {
        fn resolve(&self, _: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
            Some(Resolved::new(self.0.clone(), 0))
        }
        fn environment(&self) -> Environment<'_> {
            Environment::none()
        }
    }
    let encoded = evaluate(&expression, &One(value.clone()), &mut diags);
    encoded.as_str().unwrap_or("(unknown)").to_owned()
}

fn type_text(ty: &Type) -> String {
    let all = |items: Vec<String>| items.concat();
    match ty {
        Type::Dynamic => "dynamic".to_owned(),
        Type::Bool | Type::Number | Type::String => ty.to_string(),
        Type::List(element) => format!("list({})", type_text(element)),
        Type::Set(element) => format!("set({})", type_text(element)),
        Type::Map(element) => format!("map({})", type_text(element)),
        Type::Tuple(items) => {
            format!(
                "tuple([{}])",
                all(items
                    .iter()
                    .map(|ty| format!("{},", type_text(ty)))
                    .collect())
            )
        }
        Type::Object(attributes) => {
            let attribute =
                |(name, attribute): (&Arc<str>, &strata_core::value::ObjectAttribute)| {
                    format!("{name}:{},", type_text(&attribute.ty))
                };
            format!(
                "object({{{}}})",
                all(attributes.iter().map(attribute).collect())
            )
        }
    }
}

fn record() {
    let folder = std::env::temp_dir().join(format!("strata-record-{}", std::process::id()));
    for (name, text) in FILES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(folder.join("main.tf"), LOCALS).unwrap();
    let mut answers = BTreeMap::new();
    for chunk in expressions().chunks(100) {
        record_some(&folder, chunk, &mut answers);
    }
    let templates = templates();
    let locals: Vec<_> = templates
        .iter()
        .enumerate()
        .map(|(at, case)| format!("  c{at} = {case}\n"))
        .collect();
    fs::write(
        folder.join("main.tf"),
        format!("{LOCALS}\nlocals {{\n{}}}\n", locals.concat()),
    )
    .unwrap();
    let names: Vec<_> = (0..templates.len())
        .map(|at| format!("local.c{at}"))
        .collect();
    let mut named = BTreeMap::new();
    record_some(&folder, &names, &mut named);
    for (name, case) in names.iter().zip(&templates) {
        answers.insert(case.clone(), named[name].clone());
    }
    fs::write(
        cases().join("answers.json"),
        serde_json::to_string_pretty(&answers).unwrap() + "\n",
    )
    .unwrap();
    fs::remove_dir_all(folder).unwrap();
}

fn record_some(folder: &Path, cases: &[String], answers: &mut BTreeMap<String, Answer>) {
    let tried: Vec<_> = cases
        .iter()
        .map(|case| format!("try([jsonencode({case})], null)"))
        .collect();
    let output = console(folder, &format!("jsonencode([{}])", tried.join(", ")));
    let Ok(text) = serde_json::from_str::<String>(output.trim()) else {
        // One that does not parse spoils all; ask for each.
        assert!(
            cases.len() > 1 || output.is_empty() || output.trim() == "(known after apply)",
            "terraform said {output:?} for {cases:?}"
        );
        if let [case] = cases {
            let unknown = output.trim() == "(known after apply)";
            answers.insert(case.clone(), unknown.then(unknown_answer));
            return;
        }
        let (left, right) = cases.split_at(cases.len() / 2);
        record_some(folder, left, answers);
        record_some(folder, right, answers);
        return;
    };
    let found: Vec<Option<[String; 1]>> = serde_json::from_str(&text).unwrap();
    let good: Vec<_> = cases
        .iter()
        .zip(&found)
        .filter_map(|(case, found)| Some((case, found.as_ref()?)))
        .collect();
    let types = console(
        folder,
        &format!(
            "type([{}])",
            good.iter()
                .map(|(case, _)| case.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    let compact: String = types.split_whitespace().collect();
    let compact = compact.replace("),)", "))").replace("),)", "))");
    let inner = compact
        .strip_prefix("tuple([")
        .and_then(|rest| rest.strip_suffix("])"))
        .unwrap_or("");
    let types = split_types(inner);
    assert_eq!(types.len(), good.len(), "{compact}");
    for (case, found) in cases.iter().zip(&found) {
        if found.is_none() {
            answers.insert(case.clone(), None);
        }
    }
    for ((case, [json]), ty) in good.into_iter().zip(types) {
        answers.insert(case.clone(), Some((json.clone(), ty)));
    }
}

/// Splits at commas outside brackets.
fn split_types(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut types = Vec::new();
    let mut current = String::new();
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                types.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    types
}

fn console(folder: &Path, expression: &str) -> String {
    let mut child = Command::new("terraform")
        .arg("console")
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("NO_COLOR", "1")
        .env("HOME", "/home/me")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{expression}\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn all_mistakes_of_a_file_are_reported() {
    let source = Arc::new(Source::new(
        "main.tf",
        "a = = 1\nb = [1,, 2\n]\nresource \"x\" \"y\" {\n  c = )\n  d = {\n    e = \n    f = 1 2\n  }\n  g = \"${1 +}\"\n  h = 1\n}\n",
    ));
    let mut diags = Diagnostics::new();
    let body = parse(&source, &mut diags);
    let lines: Vec<_> = diags
        .iter()
        .map(|diagnostic| diagnostic.labels[0].span.start.line)
        .collect();
    assert_eq!(lines, [1, 2, 5, 7, 8, 10], "{diags:#?}");
    let names: Vec<_> = body.blocks[0]
        .body
        .attributes
        .iter()
        .map(|a| a.name.text.to_string())
        .collect();
    assert_eq!(names, ["c", "d", "g", "h"]);
}

#[test]
fn deep_nesting_is_a_mistake_and_not_a_crash() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a=", "}"),
        ("-", ""),
        ("!", ""),
        ("\"${", "}\""),
        ("f(", ")"),
        ("true ? true : ", ""),
    ] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let source = Arc::new(Source::new("deep", deep));
        let mut diags = Diagnostics::new();
        parse_expression(&source, &mut diags);
        assert!(diags.has_errors());
        let shallow = format!("{}1{}", open.repeat(100), close.repeat(100));
        let mut diags = Diagnostics::new();
        let source = Arc::new(Source::new("shallow", shallow));
        let expression = parse_expression(&source, &mut diags);
        assert!(diags.is_empty(), "{open}: {diags:?}");
        evaluate(&expression, &CaseScope(MemoryFiles::default()), &mut diags);
    }
}
