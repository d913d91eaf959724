//! What Terraform answers, and what we do.
//!
//! `cases/expressions.txt` holds one expression a line, `cases/templates.txt` expressions of several lines between lines
//! of `---`. `cases/answers.json` holds what Terraform gave for each: its JSON and type, or null for an error. To ask it
//! again: `STRATA_RECORD=1 cargo test -p strata-hcl --test terraform`, or with `STRATA_RECORD=new` for cases without answer
//! alone. `cases/differences.txt` lists what differs, with the reason.
//! Of the messages, `cases/summaries_differences.txt` lists those with another summary, with the reason, and
//! `cases/messages_differences.txt` these and those whose detail is in our own words.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure; its tests measure time and ask the real terraform"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be read or run fails the test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

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

#[test]
fn mistakes_are_said_in_the_words_of_terraform() {
    if std::env::var_os("STRATA_RECORD_MESSAGES").is_some() {
        record_messages();
    }
    let theirs: BTreeMap<String, (String, String)> =
        serde_json::from_str(&read("messages.json")).unwrap();
    let known = read("messages_differences.txt");
    let known: BTreeSet<&str> = known.lines().collect();
    let other = read("summaries_differences.txt");
    let other = other.lines().filter_map(|line| line.split_once("  ## "));
    let other: BTreeMap<&str, &str> = other.collect();
    let mut wrong = Vec::new();
    for (case, (summary, detail)) in &theirs {
        let (our_summary, our_detail) = message(case);
        let differs = our_summary != *summary || our_detail != *detail;
        let is_other = our_summary != *summary;
        if differs != known.contains(case.as_str()) || is_other != other.contains_key(case.as_str())
        {
            wrong.push(format!(
                "{case}\n    ours   {our_summary}: {our_detail}\n    theirs {summary}: {detail}"
            ));
        }
    }
    println!(
        "of {} messages {} have Terraform's summary, {} its detail, too",
        theirs.len(),
        theirs.len() - other.len(),
        theirs.len() - known.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The summary and detail of the first mistake, on one line each.
fn message(case: &str) -> (String, String) {
    let source = Arc::new(Source::new("case", case));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    if !diags.has_errors() {
        evaluate(&expression, &CaseScope(MemoryFiles::new(FILES)), &mut diags);
    }
    let first = diags.iter().next();
    first.map_or_else(Default::default, |first| {
        (first.summary.clone(), one_line(&first.detail))
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The JSON of what need not be asked again: nothing, or all of a file if `variable` asks for new cases alone.
fn recorded(variable: &str, file: &str) -> String {
    match std::env::var(variable).as_deref() {
        Ok("new") => read(file),
        _ => "{}".to_owned(),
    }
}

/// Asks for the message of every expression that has none as answer.
fn record_messages() {
    let answers: BTreeMap<String, Answer> = serde_json::from_str(&read("answers.json")).unwrap();
    let kept = recorded("STRATA_RECORD_MESSAGES", "messages.json");
    let mut messages: BTreeMap<_, _> = serde_json::from_str(&kept).unwrap();
    let listed = expressions();
    let mistaken: Vec<_> = listed
        .iter()
        .filter(|case| answers.get(*case).is_some_and(Option::is_none))
        .filter(|case| !messages.contains_key(*case))
        .collect();
    // Each thread has its folder, for the console locks the state.
    let answered: BTreeMap<_, _> = std::thread::scope(|scope| {
        let chunks = mistaken.chunks(mistaken.len().div_ceil(4).max(1));
        let ask = |chunk: &[&String]| {
            let folder = scratch();
            let pair = |case: &&String| Some((case.to_string(), asked(&folder, case)?));
            let found: Vec<_> = chunk.iter().filter_map(pair).collect();
            fs::remove_dir_all(&folder).unwrap();
            found
        };
        let threads: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || ask(chunk)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    messages.extend(answered);
    fs::write(
        cases().join("messages.json"),
        serde_json::to_string_pretty(&messages).unwrap() + "\n",
    )
    .unwrap();
}

/// The first message for an expression; none for a warning, or where there is none.
fn asked(folder: &Path, case: &str) -> Option<(String, String)> {
    let (_, said) = console_with_errors(folder, case);
    let (_, said) = said.split_once("Error: ")?;
    let said = said.split("\nError: ").next().unwrap_or(said);
    let (summary, rest) = said.split_once("\n\n")?;
    let detail = match rest.split_once("(source code not available)") {
        Some((_, detail)) => detail,
        None => rest,
    };
    Some((summary.trim().to_owned(), one_line(detail)))
}

struct CaseScope(MemoryFiles);

impl Scope for CaseScope {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let locals = Value::object([
            ("list", Value::tuple(vec!["a".into(), "b".into()])),
            ("secret", Value::from("s3").sensitive()),
            ("unknown", Value::unknown(Type::Dynamic)),
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

const LOCALS: &str = r#"terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
variable "unset" {}
locals {
  unknown  = var.unset
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
    let ty = type_text(&value.ty());
    if !value.is_wholly_known() {
        return Some(("(unknown)".to_owned(), ty));
    }
    Some((json(&value)?, ty))
}

fn json(value: &Value) -> Option<String> {
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
    encoded.as_str().map(str::to_owned)
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
                |(name, attribute): (&strata_core::Text, &strata_core::value::ObjectAttribute)| {
                    format!("{name}:{},", type_text(&attribute.ty))
                };
            format!(
                "object({{{}}})",
                all(attributes.iter().map(attribute).collect())
            )
        }
    }
}

/// A folder with the files of the cases, ready for the console.
fn scratch() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("strata-record-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    for (name, text) in FILES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(folder.join("main.tf"), LOCALS).unwrap();
    let initialised = Command::new("terraform")
        .arg("init")
        .current_dir(&folder)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output();
    assert!(initialised.unwrap().status.success());
    folder
}

fn record() {
    let folder = scratch();
    let kept = recorded("STRATA_RECORD", "answers.json");
    let mut answers: BTreeMap<String, Answer> = serde_json::from_str(&kept).unwrap();
    let (mut expressions, mut templates) = (expressions(), templates());
    expressions.retain(|case| !answers.contains_key(case));
    templates.retain(|case| !answers.contains_key(case));
    for chunk in expressions.chunks(100) {
        record_some(&folder, chunk, &mut answers);
    }
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
    if !names.is_empty() {
        record_some(&folder, &names, &mut named);
    }
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
        .map(|case| format!("can(jsonencode({case}))"))
        .collect();
    let output = console(folder, &format!("[{}]", tried.join(", ")));
    let found: Vec<_> = output
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .collect();
    if found.len() != cases.len() {
        return record_halves(folder, cases, answers);
    }
    let with = |wanted: &str| -> Vec<&String> {
        let pairs = cases.iter().zip(&found);
        pairs
            .filter(|(_, found)| **found == wanted)
            .map(|(case, _)| case)
            .collect()
    };
    for case in with("false") {
        answers.insert(case.clone(), None);
    }
    let unknown = with("(known after apply)");
    for (case, ty) in unknown.iter().zip(types(folder, &unknown)) {
        answers.insert(case.to_string(), Some(("(unknown)".to_owned(), ty)));
    }
    let known = with("true");
    let texts: Vec<_> = known
        .iter()
        .map(|case| format!("nonsensitive(jsonencode({case}))"))
        .collect();
    let text = console(folder, &format!("jsonencode([{}])", texts.join(", ")));
    let Ok(text) = serde_json::from_str::<String>(text.trim()) else {
        return record_halves(folder, cases, answers);
    };
    let texts: Vec<String> = serde_json::from_str(&text).unwrap();
    for ((case, text), ty) in known.iter().zip(texts).zip(types(folder, &known)) {
        answers.insert(case.to_string(), Some((text, ty)));
    }
}

/// One that does not parse spoils all: asks for ever fewer.
fn record_halves(folder: &Path, cases: &[String], answers: &mut BTreeMap<String, Answer>) {
    if let [case] = cases {
        answers.insert(case.clone(), None);
        return;
    }
    let (left, right) = cases.split_at(cases.len() / 2);
    record_some(folder, left, answers);
    record_some(folder, right, answers);
}

fn types(folder: &Path, cases: &[&String]) -> Vec<String> {
    let cases: Vec<_> = cases.iter().map(|case| case.as_str()).collect();
    let types = console(folder, &format!("type([{}])", cases.join(", ")));
    let compact: String = types.split_whitespace().collect();
    let compact = compact.replace("),)", "))").replace("),)", "))");
    let inner = compact
        .strip_prefix("tuple([")
        .and_then(|rest| rest.strip_suffix("])"))
        .unwrap_or("");
    let types = split_types(inner);
    assert_eq!(types.len(), cases.len(), "{compact}");
    types
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
    console_with_errors(folder, expression).0
}

/// What the console says, and what it complains about.
fn console_with_errors(folder: &Path, expression: &str) -> (String, String) {
    let mut child = Command::new("terraform")
        .args(["console", "-no-color"])
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("NO_COLOR", "1")
        .env("HOME", "/home/me")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{expression}\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
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
