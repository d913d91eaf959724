//! What Ansible answered to some hundred templates, and what we answer.
//!
//! `oracle/templates.json` holds the variables, the templates and the recorded answers; a template that begins
//! with `when:` is a condition. `oracle/differences.txt` lists where we differ on purpose, each with its reason.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

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

#[test]
fn templates_give_what_ansible_gives() {
    let recorded: Json = serde_json::from_str(include_str!("oracle/templates.json")).unwrap();
    let known: Vec<&str> = include_str!("oracle/differences.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    let templar = templar(&recorded["vars"]);
    let cases = recorded["cases"].as_array().unwrap();
    let (mut agree, mut wrong) = (0, Vec::new());
    for case in cases {
        let template = case["in"].as_str().unwrap();
        let ours = answer(&templar, template);
        let listed = known.contains(&template.escape_debug().to_string().as_str());
        match (same(case, &ours), listed) {
            (true, false) => agree += 1,
            (false, true) => {}
            (true, true) => wrong.push(format!("{template:?} is listed as different, but agrees")),
            (false, false) => {
                wrong.push(format!("{template:?}\n  ansible {case}\n  ours    {ours}"))
            }
        }
    }
    println!(
        "{agree} of {} templates agree, {} differ on purpose",
        cases.len(),
        known.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
