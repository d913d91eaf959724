//! Modules beside what Ansible's of the same name did, run by run: check mode, first, second.
//!
//! Each file of `compared/` is a sequence for the module of its name, or of what it calls `module`. `run` is the name under which Python
//! finds Ansible's module, `ansible` is what only that one needs, `setup` makes the folder `D`, `watch` are paths of which the tree is
//! compared after each run (`D` unless it says otherwise), `cases` have the `args`, a line for the
//! shell (`sh`) that goes before, and which `runs` are made. `results` is what Ansible's module
//! returned and what became of the tree; `cargo xtask record modules` writes it anew. `ours` holds
//! values in which we differ on purpose (`*` for any), and `because` says why; `ignore` names values that are of
//! one machine or one moment. `bring` names files of `programs/` that stand in the way of the container's programs,
//! for both sides: what makes repositories, and stand-ins for tools that need what no container has, which keep their
//! state in a file. `under` are the words before Ansible's module and our agent.
//!
//! Files that say `container` change a system: they run in one container of the testbed, made of an image that has
//! all that they need, and are passed over where there is none; with `STRATA_TEST_INCUS_REQUIRED` that is a failure.
//! Those of one `group` get in each other's way, and run one after the other; groups run at the same time, each in a
//! folder of its own. `STRATA_MODULE` names files, with commas between; `STRATA_OUR_CONTAINER` and
//! `STRATA_ANSIBLE_CONTAINER` name containers that are there already. Those that say `fetches` need the agent that goes
//! to hosts, which alone has an HTTP client: the tests of `strata-transport` take them.

mod places;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use places::{Ansible, Container, Place, Strata};
use serde_json::{Map, Value, json};

/// Where the files are: beside this one, whichever crate's tests look at them.
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../strata-agent/tests");

/// Goes through the files that are wanted, by the agent where they are for a container; gives what came out otherwise.
pub(crate) fn mistakes(agent: &Path, is_wanted: fn(&Value) -> bool) -> Vec<String> {
    let (inside, here): (Vec<Suite>, Vec<Suite>) = suites(is_wanted)
        .into_iter()
        .partition(|suite| suite.what["container"] == true);
    let mut mistakes = compare(here, None);
    if !inside.is_empty() && places::has_testbed() {
        let container = Container::start("ours", "STRATA_OUR_CONTAINER").with_agent(agent);
        mistakes.extend(compare_groups(inside, &container));
    }
    mistakes
}

/// Groups run at the same time, the files of each one after the other.
fn compare_groups(suites: Vec<Suite>, container: &Container) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<Suite>> = BTreeMap::new();
    for suite in suites {
        let group = suite.what["group"].as_str().unwrap_or("system").to_owned();
        groups.entry(group).or_default().push(suite);
    }
    thread::scope(|scope| {
        let begin =
            |(group, suites)| scope.spawn(move || compare(suites, Some(&container.folder(group))));
        let running: Vec<_> = groups.into_iter().map(begin).collect();
        running
            .into_iter()
            .flat_map(|group| group.join().unwrap())
            .collect()
    })
}

/// What one file says.
struct Suite {
    name: String,
    path: PathBuf,
    what: Value,
}

/// The files that are asked for, and that `is_wanted`.
fn suites(is_wanted: fn(&Value) -> bool) -> Vec<Suite> {
    let only = std::env::var("STRATA_MODULE").ok();
    let read = |path: PathBuf| Suite {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        what: serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
        path,
    };
    let mut suites: Vec<Suite> = files().into_iter().map(read).collect();
    suites.retain(|suite| {
        let named = |only: &String| only.split(',').any(|one| one == suite.name);
        is_wanted(&suite.what) && only.as_ref().is_none_or(named)
    });
    suites
}

fn compare(suites: Vec<Suite>, container: Option<&Container>) -> Vec<String> {
    let mut mistakes = Vec::new();
    for mut suite in suites {
        if std::env::var_os("STRATA_RECORD").is_some() {
            write_down(&suite.path, &mut suite.what);
        }
        let module = suite.what["module"].as_str().unwrap_or(&suite.name);
        mistakes.extend(check(module, &suite.what, container));
    }
    mistakes
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(TESTS).join("compared")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Asks Ansible's module, and keeps what it says.
fn write_down(path: &Path, suite: &mut Value) {
    let is_inside = suite["container"] == true;
    let container = is_inside.then(|| Container::start("ansible", "STRATA_ANSIBLE_CONTAINER"));
    let mut place = Ansible::new(suite, container.as_ref());
    for line in suite["ansible"].as_array().into_iter().flatten() {
        place.shell(line.as_str().unwrap());
    }
    let results = run_all(&mut place, suite);
    for (case, results) in suite["cases"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(results)
    {
        case["results"] = results;
    }
    fs::write(path, text_of(suite)).unwrap();
}

/// A line for each case, so that a difference is seen.
fn text_of(suite: &Value) -> String {
    let mut text = "{\n".to_owned();
    for (name, value) in suite.as_object().unwrap() {
        if name != "cases" {
            text.push_str(&format!("{}: {value},\n", json!(name)));
        }
    }
    let cases = suite["cases"].as_array().unwrap().iter();
    let cases: Vec<String> = cases.map(Value::to_string).collect();
    format!("{text}\"cases\": [\n{}\n]}}\n", cases.join(",\n"))
}

/// Takes a place through all cases; for each gives its runs.
fn run_all(place: &mut dyn Place, suite: &Value) -> Vec<Value> {
    let root = place.root();
    for line in suite["setup"].as_array().into_iter().flatten() {
        place.shell(&named(line, "D", &root));
    }
    let watch = match suite["watch"].as_array() {
        Some(paths) => paths.iter().map(|path| named(path, "D", &root)).collect(),
        None => vec![root.clone()],
    };
    let mut before = tree(place, &watch, &root);
    let mut all = Vec::new();
    for case in suite["cases"].as_array().unwrap() {
        if let Value::String(_) = &case["sh"] {
            place.shell(&named(&case["sh"], "D", &root));
            before = tree(place, &watch, &root);
        }
        let args = rename(&case["args"], "D", &root);
        let mut results = Vec::new();
        for run in runs(case) {
            let result = place.module(&args, run == "check");
            let after = tree(place, &watch, &root);
            let mut result = rename(&Value::Object(strip(result, suite)), &root, "D");
            result["tree"] = changes(&before, &after);
            results.push(result);
            before = after;
        }
        all.push(results.into());
    }
    all
}

fn runs(case: &Value) -> Vec<String> {
    match case["runs"].as_array() {
        Some(runs) => runs
            .iter()
            .map(|run| run.as_str().unwrap().to_owned())
            .collect(),
        None => ["check", "do", "do"].map(str::to_owned).to_vec(),
    }
}

fn check(name: &str, suite: &Value, container: Option<&Container>) -> Vec<String> {
    let mut place = Strata::new(suite, name, container);
    let found = run_all(&mut place, suite);
    let mut mistakes = Vec::new();
    for (case, found) in suite["cases"].as_array().unwrap().iter().zip(&found) {
        let runs = runs(case);
        for (at, run) in runs.iter().enumerate() {
            let mut expected = case["results"][at].clone();
            for side in [&case["ours"], &case["ours_by_run"][at]] {
                for (key, value) in side.as_object().into_iter().flatten() {
                    assert!(
                        case["because"].is_string(),
                        "a difference has its reason: {case}"
                    );
                    expected[key] = value.clone();
                }
            }
            let mut found = found[at].clone();
            if expected["failed"] == true {
                for side in [&mut expected, &mut found] {
                    let of_failures = ["failed", "changed", "msg", "tree"];
                    let map = side.as_object_mut().unwrap();
                    map.retain(|key, _| of_failures.contains(&key.as_str()));
                }
            }
            for (key, expected) in expected.as_object().unwrap() {
                if !agrees(&found[key], expected) {
                    let (args, got) = (&case["args"], &found[key]);
                    let why = &found["msg"];
                    mistakes.push(format!(
                        "{name} {args} ({} {run}): {key} is {got}, not {expected} [{why}]",
                        at + 1
                    ));
                }
            }
        }
    }
    mistakes
}

/// Whether a value is the expected one; what is inside a map may have more beside it.
fn agrees(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| agrees(value.get(name).unwrap_or(&Value::Null), expected)),
        (Value::Array(value), Value::Array(expected)) => {
            value.len() == expected.len()
                && value
                    .iter()
                    .zip(expected)
                    .all(|(value, expected)| agrees(value, expected))
        }
        (_, Value::String(text)) if text == "*" => true,
        (Value::Null, Value::String(text)) => text.is_empty(),
        _ => value == expected,
    }
}

/// Without what is of this moment, or says only what was asked.
fn strip(mut result: Map<String, Value>, suite: &Value) -> Map<String, Value> {
    let mut ignored = vec![
        "invocation",
        "diff",
        "warnings",
        "deprecations",
        "exception",
        "traceback",
    ];
    let more = suite["ignore"].as_array();
    ignored.extend(more.into_iter().flatten().filter_map(Value::as_str));
    for name in ["changed", "failed"] {
        result.entry(name).or_insert(false.into());
    }
    drop_names(&mut result, &ignored);
    // A folder lists what is in it in no order.
    if let Some(Value::Array(files)) = result.get_mut("files") {
        files.sort_by_key(|file| file["path"].as_str().map(str::to_owned));
    }
    result
}

fn drop_names(map: &mut Map<String, Value>, ignored: &[&str]) {
    map.retain(|name, _| !ignored.contains(&name.as_str()));
    for value in map.values_mut() {
        match value {
            Value::Object(inner) => drop_names(inner, ignored),
            Value::Array(items) => {
                let maps = items.iter_mut().filter_map(Value::as_object_mut);
                maps.for_each(|inner| drop_names(inner, ignored));
            }
            _ => {}
        }
    }
}

/// Each path with its kind, mode, owners and content.
fn tree(place: &mut dyn Place, watch: &[String], root: &str) -> Map<String, Value> {
    let paths = watch.join(" ");
    let script = format!(
        "find {paths} -path '*/.git/*' -prune -o -printf '%p\\t%y %m %u:%g %l\\n' 2>/dev/null; \
         find {paths} -path '*/.git/*' -prune -o -type f -exec sha1sum {{}} + 2>/dev/null; true"
    );
    let mut found = Map::new();
    for line in place.shell(&script).lines() {
        if let Some((path, state)) = line.split_once('\t') {
            let path = path.replacen(root, "D", 1);
            // A link's target may be below, too.
            let state = state.trim_end().replace(root, "D");
            found.insert(path, state.into());
        } else if let Some((digest, path)) = line.split_once("  ") {
            let path = path.replacen(root, "D", 1);
            let state = found[&path].as_str().unwrap().to_owned();
            found.insert(path, format!("{state} {}", &digest[..8]).into());
        }
    }
    found
}

fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let mut changes = Map::new();
    for (path, state) in after
        .iter()
        .filter(|(path, state)| before.get(*path) != Some(state))
    {
        changes.insert(path.clone(), state.clone());
    }
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        changes.insert(path.clone(), Value::Null);
    }
    changes.into()
}

fn named(line: &Value, from: &str, to: &str) -> String {
    let text = format!(" {} ", line.as_str().unwrap());
    let text = text.replace(&format!("{from}/"), &format!("{to}/"));
    text.replace(&format!(" {from} "), &format!(" {to} "))
        .trim()
        .to_owned()
}

/// Replaces a path that stands alone or at the beginning of another, anywhere inside.
fn rename(value: &Value, from: &str, to: &str) -> Value {
    let path = format!(r#"(?<![A-Za-z0-9]){}(?=[/\\"' ])"#, regex::escape(from));
    let path = fancy_regex::Regex::new(&path).unwrap();
    let text = value.to_string();
    let text = path.replace_all(&text, fancy_regex::NoExpand(to));
    serde_json::from_str(&text).unwrap()
}
