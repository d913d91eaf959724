//! Modules on a machine in memory, one file a case.
//!
//! `tests/cases/<module>/<what it shows>.json` has the `args`, what is `there` before (packages,
//! files, programs' answers, ports), whether it is a `check`, and then what is to come of it: the
//! `result`, of which other values than those named are not looked at, and the `changes` to
//! files. Each case also runs a second time, and must then change nothing, unless it says
//! `repeats`; `http` of `there` is what addresses answer, and `requests` those that were made to
//! change something. A `null` in `result` is a value that must not be there; in `changes`, a file that is
//! gone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use strata_agent::change::NoContents;
use strata_agent::host::Model;
use strata_agent::module::Context;
use strata_agent::modules;
use strata_agent::protocol::Task;
use strata_agent::system::Output;

#[test]
fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut mistakes = Vec::new();
    let mut count = 0;
    for module in names(&folder) {
        for file in names(&folder.join(&module)) {
            let text = fs::read_to_string(folder.join(&module).join(&file)).unwrap();
            let case: Value = serde_json::from_str(&text).unwrap();
            let found = check(&module, &case);
            mistakes.extend(
                found
                    .iter()
                    .map(|found| format!("{module}/{file}: {found}")),
            );
            count += 1;
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(count > 0, "there are cases");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn check(module: &str, case: &Value) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "args", "there", "check", "result", "changes", "repeats", "because", "requests",
    ];
    let model = machine(&case["there"]);
    let before = model.paths();
    let mut mistakes: Vec<String> = object(case)
        .keys()
        .filter(|key| !KNOWN.contains(&key.as_str()))
        .map(|key| format!("what is `{key}`?"))
        .collect();
    let result = run(&model, module, case);
    for (name, expected) in object(&case["result"]) {
        let got = result.get(&name).unwrap_or(&Value::Null);
        if !agrees(got, &expected) {
            mistakes.push(format!("{name} is {got}, not {expected}"));
        }
    }
    let after = model.paths();
    let found = changes(&before, &after);
    if found != object(&case["changes"]) {
        mistakes.push(format!("changes are {}", Value::Object(found)));
    }
    if let Some(expected) = case["requests"].as_array() {
        let made = json!(model.requests());
        if made != json!(expected) {
            mistakes.push(format!("requests are {made}"));
        }
    }
    let again = case["repeats"] != true && case["check"] != true && result["failed"] != true;
    if again && run(&model, module, case)["changed"] != false {
        mistakes.push("it changes something a second time".to_owned());
    }
    mistakes
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn machine(there: &Value) -> Model {
    let model = Model::debian("sample");
    for (path, text) in object(&there["files"]) {
        model.file(&path, text.as_str().unwrap());
    }
    for (name, version) in object(&there["packages"]) {
        model.package(&name, version.as_str().unwrap());
    }
    for answer in there["answers"].as_array().into_iter().flatten() {
        let argv: Vec<&str> = answer["argv"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let output = Output {
            status: answer["status"].as_i64().unwrap_or(0) as i32,
            stdout: answer["stdout"].as_str().unwrap_or_default().to_owned(),
            stderr: answer["stderr"].as_str().unwrap_or_default().to_owned(),
            truncated: false,
        };
        model.answer(&argv, output);
    }
    for (request, page) in object(&there["http"]) {
        let status = page[0].as_u64().unwrap() as u16;
        model.serve(&request, status, page[1].as_str().unwrap());
    }
    for port in there["ports"].as_array().into_iter().flatten() {
        model.listen(port.as_u64().unwrap() as u16);
    }
    for step in there["after"].as_array().into_iter().flatten() {
        let result = run(&model, step["module"].as_str().unwrap(), step);
        assert_eq!(result["failed"], false, "{step}: {result:?}");
    }
    model
}

fn run(model: &Model, module: &str, case: &Value) -> Map<String, Value> {
    let task = Task {
        module: module.to_owned(),
        args: object(&case["args"]),
        check: case["check"] == true,
        ..Task::default()
    };
    let result = modules::run(&Context {
        task: &task,
        host: model,
        contents: &NoContents,
    });
    let skipped = json!(result.skipped);
    let mut values = result.to_values();
    values.insert("skipped".to_owned(), skipped);
    values
}

/// Whether a value is the expected one; what is inside a map may have more beside it.
fn agrees(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| agrees(value.get(name).unwrap_or(&Value::Null), expected)),
        _ => value == expected,
    }
}

fn changes(
    before: &BTreeMap<PathBuf, String>,
    after: &BTreeMap<PathBuf, String>,
) -> Map<String, Value> {
    let name = |path: &PathBuf| path.to_string_lossy().into_owned();
    let new = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(*text))
        .map(|(path, text)| (name(path), json!(text)));
    let gone = before
        .keys()
        .filter(|path| !after.contains_key(*path))
        .map(|path| (name(path), Value::Null));
    new.chain(gone).collect()
}
