//! Playbooks run four times, as `ansible-playbook` ran them: `tests/four_runs/NAME.txt`.
//!
//! A case is one small file: `-- tasks --` and what they need. It is run with `--check`, then twice, then with
//! `change` true; each time the results that tasks registered, the recap, the exit code and what is then different
//! below `out` (kind, mode, owner, link, digest) are what Ansible's were. `prepare: LINE` is a line of the shell before
//! all runs, `between: LINE` one before the change, `watch: PATHS` are further paths of the tree, `forget: NAMES` are
//! values of one machine or one moment, `unread: NAMES` are files whose content differs each time, `needs: PROGRAM` is
//! one that must be installed (without it a case is passed over, with `STRATA_TEST_INCUS_REQUIRED` it fails), `ignore: reasons` leaves out the words of failures.
//! `ours: FROM => TO (WHY)` is a text in which we differ on purpose; `rehearsal: WHY` says why with `--check` later tasks
//! go otherwise than with Ansible, which does not see there what earlier ones would have made. Every value of a result
//! must be there as Ansible has it; what ours has beside is not looked at, nor with `--check` what tells of a file that
//! is not there yet. Cases that say `container` change a system: they
//! run in one container of the testbed, and are passed over where there is none.
//!
//! `cargo xtask record printed` asks Ansible again: the first `ansible-playbook` of the path, which wants the collections.
//! `STRATA_RECORD_PYTHON` is the Python of modules that run on this machine, and `PYTHONPATH` has what they import.
//! `STRATA_CASE` names cases, with commas between.

mod compare;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use serde_json::{Map, Value};
use strata_testing::container;

use crate::{
    daemon,
    playbooks::{Case, Tool, nothing_differs, without_errors},
};
use compare::differences;

const RUNS: [(&str, &str); 4] = [
    ("check", "--check"),
    ("first", ""),
    ("second", ""),
    ("change", "-e @change.yml"),
];

/// Where a case runs.
enum Ground {
    Folder(tempfile::TempDir),
    Container { name: String, out: String },
}

/// A container that goes with this value.
struct Container(String);

impl Container {
    fn start(what: &str) -> Self {
        if let Ok(name) = env::var("STRATA_CASES_CONTAINER") {
            return Self(name);
        }
        let name = format!("four-runs-{what}-{}", std::process::id());
        incus(&["launch", "-q", "debian/12/cloud", &name]);
        // `systemctl` waits for the end of the start; degraded is up, too.
        let wait =
            "cloud-init status --wait; systemctl is-system-running --wait; apt-get update -q; true";
        incus(&["exec", &name, "--", "sh", "-c", wait]);
        Self(name)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if env::var_os("STRATA_CASES_CONTAINER").is_none() {
            let delete = Command::new("incus")
                .args(["delete", "-f", &self.0])
                .output();
            // One that is left over is seen in the list; a panic here would hide the test's own.
            drop(delete);
        }
    }
}

fn incus(words: &[&str]) {
    let done = Command::new("incus")
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "incus {words:?}: {done:?}");
}

impl Ground {
    fn new(case: &Case, container: Option<&Container>) -> Self {
        match container {
            Some(Container(name)) => Self::Container {
                name: name.clone(),
                out: format!("/root/runs/{}", case.name),
            },
            None => Self::Folder(tempfile::tempdir().unwrap()),
        }
    }

    fn out(&self, root: &Path) -> String {
        match self {
            Self::Folder(_) => root.join("out").display().to_string(),
            Self::Container { out, .. } => out.clone(),
        }
    }

    fn connection(&self) -> String {
        match self {
            Self::Folder(_) => "here ansible_connection=local".to_owned(),
            Self::Container { name, .. } => {
                format!("here ansible_connection=community.general.incus ansible_host={name}")
            }
        }
    }

    /// Runs a line of the shell in `out`, and gives what it prints.
    fn shell(&self, out: &str, line: &str) -> String {
        let line = format!("umask 022; mkdir -p {out}; cd {out}; {line}");
        let done = match self {
            Self::Folder(_) => Command::new("sh")
                .args(["-c", &line])
                .stdin(Stdio::null())
                .output()
                .unwrap(),
            Self::Container { name, .. } => return container::shell(name, &line),
        };
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

/// What a case's header says after a word.
fn said<'a>(case: &'a Case, word: &'a str) -> impl Iterator<Item = &'a str> {
    case.head
        .iter()
        .filter_map(move |line| line.strip_prefix(word)?.strip_prefix(": "))
}

/// Runs a case in all its ways, and tells what each gave.
fn run(case: &Case, tool: Tool, container: Option<&Container>) -> String {
    let ground = Ground::new(case, container);
    let scratch = tempfile::tempdir().unwrap();
    let root = match &ground {
        Ground::Folder(folder) => fs::canonicalize(folder.path()).unwrap(),
        Ground::Container { .. } => fs::canonicalize(scratch.path()).unwrap(),
    };
    let out = ground.out(&root);
    lay_out(case, &ground, &root, &out);
    for line in said(case, "prepare") {
        ground.shell(&out, line);
    }
    let mut before = tree(case, &ground, &out);
    let mut text = String::new();
    for (run, options) in RUNS {
        if run == "change" {
            said(case, "between").for_each(|line| drop(ground.shell(&out, line)));
            before = tree(case, &ground, &out);
        }
        let mut command = case.command(tool, &format!("-v site.yml {options}"), &root);
        command.arg("-i").arg("hosts");
        if tool == Tool::Ansible {
            as_recorded(container.is_some(), &mut command);
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        text.push_str(&format!(
            "{run}: exit {}\n",
            output.status.code().unwrap_or(-1)
        ));
        let lines = without_errors(&printed).into_iter();
        for line in lines.filter(|line| !line.starts_with("ASYNC ")) {
            text.extend(plain(case, line, &root, &out));
        }
        let after = tree(case, &ground, &out);
        text.push_str(&changes(&before, &after));
        before = after;
    }
    text
}

fn lay_out(case: &Case, ground: &Ground, root: &Path, out: &str) {
    let tasks = case.files["tasks"].lines();
    let tasks: String = tasks.map(|line| format!("    {line}\n")).collect();
    let site = format!(
        "- hosts: here\n  gather_facts: false\n  vars: {{change: false, out: \"{out}\"}}\n  tasks:\n{tasks}"
    );
    case.lay_out(root);
    fs::write(root.join("site.yml"), site).unwrap();
    fs::write(root.join("change.yml"), "change: true\n").unwrap();
    fs::write(root.join("hosts"), format!("{}\n", ground.connection())).unwrap();
    ground.shell(out, "true");
}

/// What Ansible needs to know so that it answers with all its modules.
fn as_recorded(is_inside: bool, command: &mut Command) {
    let usual = || "/usr/bin/python3".to_owned();
    let python = env::var("STRATA_RECORD_PYTHON").ok().filter(|_| !is_inside);
    command
        .env("ANSIBLE_PIPELINING", "1")
        .env("ANSIBLE_PYTHON_INTERPRETER", python.unwrap_or_else(usual));
    if let Some(path) = env::var_os("PYTHONPATH") {
        command.env("PYTHONPATH", path);
    }
}

/// A printed line without what is of one moment; none where a line says nothing of the result.
fn plain(case: &Case, line: &str, root: &Path, out: &str) -> Option<String> {
    let line = line.trim_end();
    let is_silent = line.is_empty() || line.starts_with("PLAY ") || line.starts_with("[");
    if is_silent {
        return None;
    }
    let line = line
        .replace(out, "OUT")
        .replace(&root.display().to_string(), "FOLDER");
    if let Some(name) = line.strip_prefix("TASK [") {
        let name = name.trim_end_matches(['*', ' ', ']']);
        return Some(format!("  {name}\n"));
    }
    let Some((head, result)) = line.split_once(" => {") else {
        let words: Vec<&str> = line.split_whitespace().collect();
        return Some(format!("  {}\n", words.join(" ")));
    };
    let Ok(mut result) = serde_json::from_str::<Value>(&format!("{{{result}")) else {
        return Some(format!("  {line}\n"));
    };
    let is_bad = head.starts_with("fatal") || head.starts_with("failed");
    if is_bad && case.says("ignore: reasons") {
        return Some(format!("  {head}\n"));
    }
    if let Value::Object(values) = &mut result {
        forget(case, values);
    }
    Some(format!("  {head} {result}\n"))
}

const OF_A_MOMENT: [&str; 20] = [
    "failed_when_suppressed_exception",
    "start",
    "end",
    "delta",
    "atime",
    "mtime",
    "ctime",
    "inode",
    "dev",
    "version",
    "nlink",
    "blocks",
    "device_type",
    "warnings",
    "deprecations",
    "exception",
    "invocation",
    "elapsed",
    "block_size",
    "_ansible_no_log",
];

fn forget(case: &Case, values: &mut Map<String, Value>) {
    values.retain(|name, _| {
        let own = said(case, "forget").any(|names| names.split(' ').any(|one| one == name));
        !own && !OF_A_MOMENT.contains(&name.as_str())
    });
    // Where Ansible keeps what it copies is its own affair.
    values.retain(|name, value| {
        let text = value.as_str().unwrap_or_default();
        !(name == "src" && (text.contains(".ansible") || text.contains("/tmp/")))
    });
    for value in values.values_mut() {
        forget_inside(case, value);
    }
}

fn forget_inside(case: &Case, value: &mut Value) {
    match value {
        Value::Object(inner) => forget(case, inner),
        Value::Array(items) => items.iter_mut().for_each(|item| forget_inside(case, item)),
        Value::String(text) => {
            *text = without_time(text);
        }
        _ => {}
    }
}

/// A backup's name without the process and the time: `f.123.2026-01-01@10:00:00~`.
fn without_time(text: &str) -> String {
    let is_backup = text.ends_with('~') && text.contains('@');
    let parts: Vec<&str> = text.rsplitn(3, '.').collect();
    match (is_backup, parts.as_slice()) {
        (true, [_, _, name]) => format!("{name}.BACKUP~"),
        _ => text.to_owned(),
    }
}

/// A line for each path: its kind, mode, owners, link and digest.
fn tree(case: &Case, ground: &Ground, out: &str) -> Vec<(String, String)> {
    let more: Vec<&str> = said(case, "watch").collect();
    let paths = format!("{out} {}", more.join(" "));
    let script = format!(
        "find {paths} -name .git -prune -o -printf '%p\\t%y %m %u:%g %l\\n' 2>/dev/null; echo; \
         find {paths} -name .git -prune -o -type f -exec sha1sum {{}} + 2>/dev/null"
    );
    let mut printed = ground.shell(out, &script);
    if !printed.contains(out) {
        // A daemon with much to do may lose what a program printed.
        printed = ground.shell(out, &script);
    }
    let (paths, sums) = printed.split_once("\n\n").unwrap_or((&printed, ""));
    let mut found: Vec<(String, String)> = paths
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(path, state)| (path.to_owned(), state.trim_end().to_owned()))
        .collect();
    for (sum, path) in sums.lines().filter_map(|line| line.split_once("  ")) {
        let is_unread = said(case, "unread").any(|names| {
            names
                .split(' ')
                .any(|name| path.ends_with(&format!("/{name}")))
        });
        let entry = found.iter_mut().find(|(one, _)| one == path);
        if let Some((_, state)) = entry.filter(|_| !is_unread) {
            state.push_str(&format!(" {}", &sum[..8]));
        }
    }
    found.sort();
    found
        .into_iter()
        .map(|(path, state)| {
            (
                without_time(&path.replace(out, "OUT")),
                state.replace(out, "OUT"),
            )
        })
        .collect()
}

fn changes(before: &[(String, String)], after: &[(String, String)]) -> String {
    let new = after.iter().filter(|one| !before.contains(one));
    let new = new.map(|(path, state)| format!("  + {path} {state}\n"));
    let is_gone = |path: &String| !after.iter().any(|(one, _)| one == path);
    let gone = before.iter().filter(|(path, _)| is_gone(path));
    let gone = gone.map(|(path, _)| format!("  - {path}\n"));
    new.chain(gone).collect()
}

/// What is expected of us: what Ansible gave, but for what the case says of us.
fn expected(case: &Case) -> String {
    let mut text = case.expected.clone();
    for line in said(case, "ours") {
        let (from, to) = line.split_once(" => ").unwrap();
        let (to, why) = to.rsplit_once(" (").unwrap();
        assert!(
            !why.is_empty() && text.contains(from),
            "{}: {line}",
            case.name
        );
        text = text.replace(from, to.trim_end());
    }
    text
}

fn cases(is_inside: bool) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/four_runs");
    let only = env::var("STRATA_CASE").ok();
    let is_wanted = |case: &Case| {
        only.as_ref()
            .is_none_or(|only| only.split(',').any(|one| one == case.name))
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let all = paths.into_iter().map(Case::read);
    all.filter(|case| case.says("container") == is_inside && is_wanted(case))
        .collect()
}

/// The runs that go otherwise by design.
fn passed(case: &Case) -> &'static [&'static str] {
    match said(case, "rehearsal").next() {
        Some(_) => &["check"],
        None => &[],
    }
}

fn is_installed(program: &str) -> bool {
    let path = env::var("PATH").unwrap_or_default();
    path.split(':')
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn compare(is_inside: bool) {
    let is_recording = env::var_os("STRATA_RECORD").is_some();
    let container =
        is_inside.then(|| Container::start(if is_recording { "ansible" } else { "ours" }));
    let wrong = Mutex::new(Vec::new());
    let queue = Mutex::new(cases(is_inside).into_iter());
    let work = || {
        while let Some(case) = { queue.lock().unwrap().next() } {
            if is_recording {
                case.write_down(&run(&case, Tool::Ansible, container.as_ref()));
                continue;
            }
            if let Some(program) = said(&case, "needs").find(|program| !is_installed(program)) {
                // On a machine that is to run all tests nothing is passed over in silence.
                if env::var_os("STRATA_TEST_INCUS_REQUIRED").is_some() {
                    let text = format!(
                        "{}: it needs `{program}`, which is not installed",
                        case.name
                    );
                    wrong.lock().unwrap().push(text);
                }
                continue;
            }
            let (expected, actual) = (
                expected(&case),
                run(&case, Tool::Strata, container.as_ref()),
            );
            let found = differences(&expected, &actual, passed(&case));
            if !found.is_empty() {
                let text = format!("{}:\n{}", case.name, found.join("\n"));
                wrong.lock().unwrap().push(text);
            }
        }
    };
    // In one container one system is changed.
    let workers = if is_inside { 1 } else { 3 };
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    nothing_differs(wrong);
}

#[test]
fn playbooks_run_four_times_in_a_folder_as_with_ansible_playbook() {
    compare(false);
}

#[test]
fn playbooks_run_four_times_in_a_container_as_with_ansible_playbook() {
    if daemon::is_there("four runs in a container") {
        compare(true);
    }
}
