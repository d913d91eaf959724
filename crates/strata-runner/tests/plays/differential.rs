//! The same playbooks as ansible-playbook ran: what it printed, counted and wrote is recorded in `expected.txt`.
//!
//! Each folder in `differential/` is a case: `playbook.yml` (its first line may hold options), the inventory is
//! shared. Recorded with ansible-core 2.19, `-c local`, one fork, `/case/HOST` as each host's folder; of its output
//! headers, result lines, messages, changed lines of diffs and the recap are kept. Meta tasks, retries and the
//! names of delegated hosts are left out: our events do not have them.

use std::{fs, path::Path};

use serde_json::Map;
use strata_agent::host::Model;
use strata_runner::Pace;

use crate::world::{self, World};

/// Runs a case and compares all that ansible-playbook showed.
fn check(case: &str) {
    let expected = expected(case);
    let world = world(case);
    let ran = world.run();
    let recap = ran
        .recap
        .unwrap_or_else(|diags| panic!("{case}: {diags:#?}"));
    let mut text = world::transcript(&ran.events);
    text.push_str(&format!("EXIT {}\n", recap.exit_code()));
    text.push_str(&world::tree(&world.model("a"), "/case"));
    similar(case, &normal(&expected), &normal(&text));
}

/// Runs a case at each host's own pace: recap and files must be the same, only the order of lines may differ.
fn check_at_own_pace(case: &str) {
    let tail = |text: &str| text[text.find("PLAY RECAP").unwrap()..].to_owned();
    let expected = expected(case);
    let mut world = world(case);
    world.options.pace = Pace::Ready;
    let ran = world.run();
    let recap = ran
        .recap
        .unwrap_or_else(|diags| panic!("{case}: {diags:#?}"));
    let mut text = world::transcript(&ran.events);
    text.push_str(&format!("EXIT {}\n", recap.exit_code()));
    text.push_str(&world::tree(&world.model("a"), "/case"));
    similar(case, &tail(&normal(&expected)), &tail(&normal(&text)));
}

fn similar(case: &str, expected: &str, actual: &str) {
    if expected == actual {
        return;
    }
    let first = expected
        .lines()
        .zip(actual.lines())
        .position(|(expected, actual)| expected != actual);
    let at = first.unwrap_or(0).saturating_sub(6);
    let part = |text: &str| {
        text.lines()
            .skip(at)
            .take(24)
            .collect::<Vec<_>>()
            .join("\n")
    };
    panic!(
        "{case} differs\n--- ansible-playbook\n{}\n--- strata\n{}",
        part(expected),
        part(actual)
    );
}

fn folder(case: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/differential")
        .join(case)
}

fn expected(case: &str) -> String {
    if std::env::var_os("STRATA_RECORD").is_some() {
        record(case);
    }
    fs::read_to_string(folder(case).join("expected.txt")).unwrap()
}

/// One case at a time: they share `/case`.
static RECORDING: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn record(case: &str) {
    let _alone = RECORDING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let playbook = fs::read_to_string(folder(case).join("playbook.yml")).unwrap();
    let options = playbook
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# options: "));
    let words: Vec<&str> = options.unwrap_or("").split_whitespace().collect();
    let text = crate::record::ask(&folder(case), &words);
    fs::write(folder(case).join("expected.txt"), text).unwrap();
}

fn world(case: &str) -> World {
    let root = folder(case);
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    let inventory = fs::read_to_string(root.parent().unwrap().join("inventory.ini")).unwrap();
    files.push(("inventory.ini".to_owned(), inventory));
    let playbook = fs::read_to_string(root.join("playbook.yml")).unwrap();
    let arguments = playbook
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# options: "));
    let words: Vec<&str> = arguments.unwrap_or("").split_whitespace().collect();
    let mut extra = Map::new();
    for pair in words.windows(2).filter(|pair| pair[0] == "-e") {
        let (name, value) = pair[1].split_once('=').unwrap();
        extra.insert(name.to_owned(), value.into());
    }
    let borrowed = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let mut world = World::with_vars(borrowed, extra);
    let list = |name: &str| -> Vec<String> {
        let pairs = words.windows(2).filter(|pair| pair[0] == name);
        pairs.map(|pair| pair[1].to_owned()).collect()
    };
    world.options.tags = list("--tags");
    world.options.skip_tags = list("--skip-tags");
    world.options.check = words.contains(&"--check");
    world.options.diff = words.contains(&"--diff");
    let model = Model::debian("machine");
    for host in ["a", "b", "c"] {
        model.folder(&format!("/case/{host}"));
    }
    world.share(model);
    world
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Leaves out what our events do not have, and the words of mistakes in templates, which are our own.
fn normal(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("    Task failed: ") || line.contains("cannot be rendered") {
            return "    (a mistake in a template)".to_owned();
        }
        match (line.find(" -> "), line.find(']')) {
            (Some(arrow), Some(end)) if line.starts_with("  ") && arrow < end => {
                format!("{}{}", &line[..arrow], &line[end..])
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

macro_rules! cases {
    ($($name:ident),*) => {
        mod in_lockstep {
            $(#[test] fn $name() { super::check(stringify!($name)); })*
        }
        mod at_own_pace {
            $(#[test] fn $name() { super::check_at_own_pace(stringify!($name)); })*
        }
    };
}

cases!(
    args,
    asserts,
    blocks,
    check,
    delegation,
    failures,
    fatal,
    first,
    handlers,
    loops,
    loops_more,
    meta,
    once,
    percentage,
    registers,
    roles,
    serial,
    tags,
    templates_more,
    variables
);
