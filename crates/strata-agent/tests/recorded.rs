//! Modules beside what ansible-core's modules of the same name did with the same arguments.
//!
//! Each file of `recorded/` is one module's sequence of tasks in a folder `D` that [`prepare`]
//! makes: the arguments, what Ansible's module returned (paths replaced, times and numbers of this
//! or that machine left out), and what was then different in the folder. `ours` holds the values
//! in which we differ on purpose, and `because` says why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use strata_agent::change::NoContents;
use strata_agent::host::Local;
use strata_agent::module::Context;
use strata_agent::modules;
use strata_agent::protocol::Task;

#[test]
fn blockinfile() {
    check("blockinfile", include_str!("recorded/blockinfile.json"));
}

#[test]
fn command() {
    check("command", include_str!("recorded/command.json"));
}

#[test]
fn copy() {
    check("copy", include_str!("recorded/copy.json"));
}

#[test]
fn file() {
    check("file", include_str!("recorded/file.json"));
}

#[test]
fn lineinfile() {
    check("lineinfile", include_str!("recorded/lineinfile.json"));
}

#[test]
fn replace() {
    check("replace", include_str!("recorded/replace.json"));
}

#[test]
fn slurp() {
    check("slurp", include_str!("recorded/slurp.json"));
}

#[test]
fn stat() {
    check("stat", include_str!("recorded/stat.json"));
}

fn check(module: &str, recorded: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("D");
    prepare(&root);
    let root_name = root.to_string_lossy().into_owned();
    let cases: Vec<Value> = serde_json::from_str(recorded).unwrap();
    let mut expected_tree = BTreeMap::new();
    let mut mistakes = Vec::new();
    for case in &cases {
        let args = rename(&case["args"], "D", &root_name);
        let values = rename(&Value::Object(run(module, args)), &root_name, "D");
        for (name, expected) in expected(case) {
            if !agrees(&values[&name], &expected) {
                let (args, got) = (&case["args"], &values[&name]);
                mistakes.push(format!("{args}: {name} is {got}, not {expected}"));
            }
        }
        change(&mut expected_tree, case);
        let found = tree(&root);
        for path in expected_tree.keys().chain(found.keys()) {
            let (want, got) = (expected_tree.get(path), found.get(path));
            if want != got {
                let args = &case["args"];
                mistakes.push(format!("{args}: {path} is {got:?}, not {want:?}"));
            }
        }
        // One mistake is told once.
        expected_tree = found;
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

fn run(module: &str, args: Value) -> Map<String, Value> {
    let args = args.as_object().cloned().unwrap_or_default();
    let task = Task {
        module: module.to_owned(),
        args,
        ..Task::default()
    };
    let host = Local::new(&task.environment, Arc::default());
    let result = modules::run(&Context {
        task: &task,
        host: &host,
        contents: &NoContents,
    });
    result.to_values()
}

/// What Ansible returned, with our differences; of a failure only that it is one, and why.
fn expected(case: &Value) -> Map<String, Value> {
    let mut expected = case["result"].as_object().cloned().unwrap_or_default();
    if expected["failed"] == true {
        expected.retain(|name, _| ["failed", "changed", "msg", "rc"].contains(&name.as_str()));
    }
    if let Some(ours) = case["ours"].as_object() {
        assert!(
            case["because"].is_string(),
            "a difference has its reason: {case}"
        );
        expected.extend(ours.clone());
    }
    expected
}

/// Whether a value is the expected one; what is inside a map may have more beside it.
fn agrees(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| value.get(name) == Some(expected)),
        _ => value == expected,
    }
}

fn change(tree: &mut BTreeMap<String, String>, case: &Value) {
    for (path, state) in case["tree"].as_object().into_iter().flatten() {
        tree.insert(path.clone(), state.as_str().unwrap_or_default().to_owned());
    }
    for path in case["gone"].as_array().into_iter().flatten() {
        tree.remove(path.as_str().unwrap_or_default());
    }
}

/// Replaces a path that stands alone or at the beginning of another, anywhere inside.
fn rename(value: &Value, from: &str, to: &str) -> Value {
    let text = value.to_string();
    let text = text.replace(&format!("{from}/"), &format!("{to}/"));
    let text = text.replace(&format!("\"{from}\""), &format!("\"{to}\""));
    serde_json::from_str(&text).unwrap()
}

fn prepare(root: &Path) {
    let write = |name: &str, text: &str, mode: u32| {
        let path = root.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["", "dir", "dir/sub", "empty"] {
        fs::create_dir(root.join(name)).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    write("conf", "a=1\nb=2\n# c\na=3\n", 0o640);
    write("noeol", "one\ntwo", 0o644);
    write("dir/f", "x", 0o644);
    symlink("conf", root.join("link")).unwrap();
    symlink("nowhere", root.join("broken")).unwrap();
}

/// Every path below, with its mode and content.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.mode();
            let state = if metadata.is_symlink() {
                format!("{mode:06o} -> {}", fs::read_link(&path).unwrap().display())
            } else if metadata.is_dir() {
                folders.push(path.clone());
                format!("{mode:06o}")
            } else {
                format!("{mode:06o} {}", fs::read_to_string(&path).unwrap())
            };
            let name = path.to_string_lossy().replace(&*root.to_string_lossy(), "");
            found.insert(name, state);
        }
    }
    found
}
