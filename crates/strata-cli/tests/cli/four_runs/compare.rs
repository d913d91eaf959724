//! What Ansible gave beside what we gave, line by line.

use serde_json::Value;

/// What describes a file, which in check mode may not be there yet.
const OF_A_FILE: [&str; 8] = [
    "size", "mode", "owner", "group", "uid", "gid", "state", "path",
];

/// Where the lines of both sides differ; runs of these names are passed over.
pub(super) fn differences(expected: &str, actual: &str, passed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let (expected, actual) = (sections(expected), sections(actual));
    if expected.len() != actual.len() || expected.is_empty() {
        found.push(" a run is missing".to_owned());
    }
    for ((run, expected), (_, actual)) in expected.iter().zip(&actual) {
        if passed.contains(run) {
            continue;
        }
        if expected.len() != actual.len() {
            let (expected, actual) = (expected.join("\n"), actual.join("\n"));
            found.push(format!(
                " {run}: ansible-playbook\n{expected}\n {run}: strata\n{actual}"
            ));
            continue;
        }
        let lines = expected.iter().zip(actual);
        found.extend(lines.filter_map(|(expected, actual)| {
            let why = difference(*run == "check", expected, actual)?;
            Some(format!(" {run}: {why}\n{expected}\n{actual}"))
        }));
    }
    found
}

/// The lines of each run.
fn sections(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match all.last_mut() {
            Some((_, lines)) if line.starts_with("  ") => lines.push(line),
            _ => all.push((line.split(':').next().unwrap_or(line), vec![line])),
        }
    }
    all
}

/// What differs between two lines; of results, which values.
fn difference(is_check: bool, expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (Some((head, expected)), Some((ours, actual))) = (result(expected), result(actual)) else {
        return Some("the line".to_owned());
    };
    if head != ours {
        return Some("the line".to_owned());
    }
    let values = expected.as_object().into_iter().flatten();
    let wrong = values.filter(|(name, value)| {
        is_told(name, is_check) && !has(&actual[name.as_str()], value, is_check)
    });
    let wrong: Vec<&str> = wrong.map(|(name, _)| name.as_str()).collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

/// The words before a result, and the result.
fn result(line: &str) -> Option<(&str, Value)> {
    let at = line.find(" {")?;
    let mut result: Value = serde_json::from_str(&line[at..]).ok()?;
    // A folder lists what is in it in no order.
    if let Some(Value::Array(files)) = result.get_mut("files") {
        files.sort_by_key(|file| file["path"].as_str().map(str::to_owned));
    }
    Some((&line[..at], result))
}

fn is_told(name: &str, is_check: bool) -> bool {
    let is_of_a_moment = super::OF_A_MOMENT.contains(&name);
    !is_of_a_moment && (!is_check || !OF_A_FILE.contains(&name))
}

/// Whether a value is the expected one; what is inside a map may have more beside it.
fn has(value: &Value, expected: &Value, is_check: bool) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| {
                let value = value.get(name).unwrap_or(&Value::Null);
                !is_told(name, is_check) || has(value, expected, is_check)
            })
        }
        (Value::Array(value), Value::Array(expected)) => {
            let mut pairs = value.iter().zip(expected);
            value.len() == expected.len()
                && pairs.all(|(value, expected)| has(value, expected, is_check))
        }
        (Value::Null, Value::String(text)) => text.is_empty(),
        _ => value == expected,
    }
}

#[test]
fn a_result_may_have_more_but_nothing_else() {
    let check = |expected: &str, actual: &str| differences(expected, actual, &[]).join("\n");
    let ansible = "first: exit 0\n  ok: [here] {\"a\":1}";
    assert_eq!(
        check(ansible, "first: exit 0\n  ok: [here] {\"a\":1,\"b\":2}"),
        ""
    );
    assert!(check(ansible, "first: exit 0\n  ok: [here] {\"a\":2}").starts_with(" first: a"));
    assert!(check(ansible, "first: exit 0").starts_with(" first: ansible-playbook"));
    assert!(check(ansible, "").starts_with(" a run is missing"));
}
