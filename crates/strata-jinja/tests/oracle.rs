//! What Ansible answered to templates, and what we answer.
//!
//! `oracle/templates.json` (thought out) and `oracle/expressions.json` (most of them random) hold variables, templates and
//! the recorded answers; a template that begins with `when:` is a condition. `oracle/differences.txt` lists where we differ,
//! each with its reason. `STRATA_RECORD=1` (`cargo xtask record templates`) asks the ansible-core on the path again, which
//! needs `community.general` for some of them.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the crate is pure; this test reads its cases, asks the real ansible-core and tells the score"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use strata_core::files::{Files, MemoryFiles};
use strata_jinja::{Engine, Now, Surroundings, Templar, Variable, is_omit};

/// The little of a machine that the recorded templates look at.
struct Machine(MemoryFiles);

impl Surroundings for Machine {
    fn files(&self) -> &dyn Files {
        &self.0
    }

    fn search_folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn environment_variable(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".to_owned())
    }

    fn now(&self) -> Now {
        Now {
            seconds: 0,
            nanoseconds: 0,
            offset_seconds: 0,
        }
    }

    fn random(&self) -> u64 {
        7
    }
}

fn templar(vars: &Json) -> Templar {
    let variables: BTreeMap<String, Variable> = vars
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), Variable::Template(Arc::new(value.clone()))))
        .collect();
    let machine = Machine(MemoryFiles::new([("/etc/passwd", "")]));
    Templar::new(&Engine::new(), Arc::new(variables), Arc::new(machine))
}

/// Our answer in the form of the recorded ones.
fn answer(templar: &Templar, template: &str) -> Json {
    let result = match template.strip_prefix("when:") {
        Some(condition) => templar.condition(&json!(condition)).map(Json::Bool),
        None => templar.render_text(template),
    };
    match result {
        Ok(value) if is_omit(&value) => json!({"error": "the whole value is omitted"}),
        Ok(value) => json!({ "out": value }),
        Err(error) => json!({ "error": error.message }),
    }
}

/// Values are compared as they are, mistakes only as such: the words are ours.
fn same(recorded: &Json, ours: &Json) -> bool {
    match (recorded.get("error"), ours.get("error")) {
        (Some(_), Some(_)) => true,
        (None, None) => recorded.get("out") == ours.get("out"),
        _ => false,
    }
}

/// The path of something beside this file.
fn beside(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/oracle", name]
        .iter()
        .collect()
}

/// Asks for the answers to all cases of a file anew.
fn record(name: &str, mut recorded: Json) {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths);
    let folder = folders.find(|folder| folder.join("ansible-playbook").is_file());
    let python = folder
        .expect("there is an `ansible-playbook`")
        .join("python3");
    let output = Command::new(python)
        .args([beside("ask.py"), beside(name)])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let cases = recorded["cases"].as_array_mut().unwrap();
    assert_eq!(
        answers.lines().count(),
        cases.len(),
        "not all were answered"
    );
    let mut lines = Vec::new();
    for (case, answer) in cases.iter().zip(answers.lines()) {
        let answer: Json = serde_json::from_str(answer).unwrap();
        let (key, value) = answer.as_object().unwrap().iter().next().unwrap();
        lines.push(format!(r#"{{"in": {}, "{key}": {value}}}"#, case["in"]));
    }
    let text = format!(
        "{{\"recorded_with\": {},\n\"vars\": {},\n\"cases\": [\n{}\n]}}\n",
        recorded["recorded_with"],
        recorded["vars"],
        lines.join(",\n")
    );
    std::fs::write(beside(name), text).unwrap();
}

fn compare(name: &str) {
    let recorded: Json = serde_json::from_slice(&std::fs::read(beside(name)).unwrap()).unwrap();
    if std::env::var_os("STRATA_RECORD").is_some() {
        return record(name, recorded);
    }
    let known = std::fs::read_to_string(beside("differences.txt")).unwrap();
    let known: BTreeSet<&str> = known
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    let templar = templar(&recorded["vars"]);
    let cases = recorded["cases"].as_array().unwrap();
    let (mut agree, mut differ, mut wrong) = (0, 0, Vec::new());
    for case in cases {
        let template = case["in"].as_str().unwrap();
        let ours = answer(&templar, template);
        let listed = known.contains(&template.escape_debug().to_string().as_str());
        match (same(case, &ours), listed) {
            (true, false) => agree += 1,
            (false, true) => differ += 1,
            (true, true) => wrong.push(format!("{template:?} is listed as different, but agrees")),
            (false, false) => {
                wrong.push(format!("{template:?}\n  ansible {case}\n  ours    {ours}"))
            }
        }
    }
    println!("{agree} of {} {name} agree, {differ} differ", cases.len());
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn templates_give_what_ansible_gives() {
    compare("templates.json");
}

#[test]
fn random_expressions_give_what_ansible_gives() {
    compare("expressions.json");
}
