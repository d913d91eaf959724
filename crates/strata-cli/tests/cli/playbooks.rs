//! Playbooks as `ansible-playbook` ran them: `tests/playbooks/NAME.txt`.
//!
//! A case is one file. Its first lines say how it is run: `$ ARGUMENTS` once for each run, `mode 0755 FILE` for a
//! file's mode, `env NAME=VALUE` for a variable of the environment, `ignore: reasons` where only the words of failures differ, `needs: ansible-core` where that must be
//! installed. Then come its files, each below its name, and at the end what was printed, the exit code, and the
//! files in `out/`. `STRATA_RECORD=1` (`cargo xtask record printed`) asks the real program again;
//! `STRATA_CASE` names cases, with commas between.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use strata_testing::peers;

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) head: Vec<String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) expected: String,
}

/// Who runs it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tool {
    Ansible,
    Strata,
}

impl Case {
    pub(crate) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let mut head = Vec::new();
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut current: Option<String> = None;
        for line in text.lines() {
            let name = line
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            match (name, &current) {
                _ if current.as_deref() == Some("expected") => add(&mut files, "expected", line),
                (Some(name), _) => {
                    current = Some(name.to_owned());
                    files.insert(name.to_owned(), String::new());
                }
                (None, Some(name)) => add(&mut files, name, line),
                (None, None) => head.push(line.to_owned()),
            }
        }
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            expected: files.remove("expected").unwrap_or_default(),
            path,
            head,
            files,
        }
    }

    pub(crate) fn says(&self, line: &str) -> bool {
        self.head.iter().any(|one| one == line)
    }

    /// What each run printed, how it ended, and what is in `out/`.
    fn run(&self, tool: Tool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        self.lay_out(&root);
        let mut text = String::new();
        for line in &self.head {
            let Some(arguments) = line.strip_prefix("$ ") else {
                continue;
            };
            let output = self.command(tool, arguments, &root).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let printed = named(&printed, &root);
            text.push_str(&format!("{line}\n"));
            let lines = without_errors(&printed)
                .into_iter()
                .map(|line| self.plain(line));
            in_order(lines.collect())
                .iter()
                .for_each(|line| text.push_str(&format!("{line}\n")));
            text.push_str(&format!("exit {}\n", output.status.code().unwrap_or(-1)));
        }
        self.tree(&root, &root.join("out"), &mut text);
        text
    }

    pub(crate) fn lay_out(&self, root: &Path) {
        for (name, content) in &self.files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        for line in &self.head {
            if let Some((mode, name)) = line
                .strip_prefix("mode ")
                .and_then(|rest| rest.split_once(' '))
            {
                let mode = u32::from_str_radix(mode, 8).unwrap();
                fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }

    pub(crate) fn command(&self, tool: Tool, arguments: &str, root: &Path) -> Command {
        let words = shell_words(arguments);
        let mut command = match tool {
            Tool::Ansible => Command::new("ansible-playbook"),
            Tool::Strata => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
                command.arg("playbook");
                command
            }
        };
        let mut path = std::env::var("PATH").unwrap_or_default();
        // Modules of others are made of parts of an ansible-core that is found by the path.
        if let Some(programs) = peers::ansible() {
            path = format!("{path}:{}", programs.display());
        }
        command
            .args(words)
            .current_dir(root)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", path)
            .env("HOME", root)
            .env("USER", "root")
            .env("ANSIBLE_ASYNC_DIR", root.join("async"))
            .env("LC_ALL", "C.UTF-8")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_GATHERING", "explicit")
            .env("ANSIBLE_FORKS", "1")
            .env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3");
        if self.files.contains_key("hosts") {
            command.env("ANSIBLE_INVENTORY", "hosts");
        }
        let said = self.head.iter();
        let said = said.filter_map(|line| line.strip_prefix("env ")?.split_once('='));
        command.envs(said);
        command
    }

    /// A printed line without what differs by design: the stars that fill a banner, perhaps the words of a failure.
    fn plain(&self, line: &str) -> String {
        let line = line.trim_end();
        if let Some((said, _)) = line.split_once(": jid=") {
            return format!("{said}: jid=-");
        }
        let banner = ["PLAY ", "TASK ", "RUNNING HANDLER ", "NO MORE "]
            .iter()
            .any(|word| line.starts_with(word));
        if banner && line.ends_with('*') {
            return format!("{}***", line.trim_end_matches('*'));
        }
        for side in ["--- before", "+++ after"] {
            if line.starts_with(side) {
                return side.to_owned();
            }
        }
        let line = &without_times(line);
        let bad = line.starts_with("fatal: ") || line.starts_with("failed: ");
        match line
            .rfind(" => {")
            .filter(|_| bad && self.says("ignore: reasons"))
        {
            Some(_) => {
                // The item may hold the same characters.
                let at = if line.contains("(item=") {
                    line.rfind(" => ").unwrap()
                } else {
                    line.find(" => ").unwrap()
                };
                line[..at].to_owned()
            }
            None => line.to_owned(),
        }
    }

    /// The files below `out/` that the runs made or changed.
    fn tree(&self, root: &Path, folder: &Path, text: &mut String) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        // Files before folders, as they were recorded.
        paths.sort_by_key(|path| (path.is_dir(), path.clone()));
        for path in paths {
            if path.is_dir() {
                self.tree(root, &path, text);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let name = named(&name, root);
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let content = fs::read_to_string(&path).unwrap();
            let same = mode == 0o644 && self.files.get(&name) == Some(&content);
            if !name.ends_with("/.keep") && !same {
                text.push_str(&format!("file {name} {mode:o}\n{content}\n"));
            }
        }
    }

    pub(crate) fn write_down(&self, answer: &str) {
        let text = fs::read_to_string(&self.path).unwrap();
        let own = text.split("-- expected --\n").next().unwrap();
        fs::write(&self.path, format!("{own}-- expected --\n{answer}")).unwrap();
    }
}

/// The folder of a run has another name each time.
fn named(text: &str, root: &Path) -> String {
    let root = root.display().to_string();
    text.replace(&root, "FOLDER")
        .replace(root.trim_start_matches('/'), "FOLDER")
}

const RESULTS: &[&str] = &["ok: ", "changed: ", "skipping: ", "fatal: ", "failed: "];
const BANNERS: &[&str] = &[
    "PLAY ",
    "TASK ",
    "RUNNING ",
    "included: ",
    "...",
    "ASYNC ",
    "NO MORE ",
];

fn begins(line: &str, with: &[&str]) -> bool {
    with.iter().any(|word| line.starts_with(word))
}

/// Ansible says on the same output why a task failed, and where; Strata does so on standard error.
pub(crate) fn without_errors(printed: &str) -> Vec<&str> {
    let mut inside = false;
    let lines = printed.lines().filter(|line| {
        if line.starts_with("[ERROR]: ") {
            inside = true;
        } else if begins(line, RESULTS) || begins(line, BANNERS) {
            inside = false;
        }
        !inside
            && !begins(
                line,
                &[
                    // How often a task is looked at is up to its speed.
                    "ASYNC POLL on ",
                    "No config file found",
                    "Using /",
                ],
            )
    });
    lines.collect()
}

/// How long a command took, and when, in the result of one that failed.
fn without_times(line: &str) -> String {
    let mut line = line.to_owned();
    for name in ["delta", "start", "end"] {
        let begin = format!("\"{name}\": \"");
        if let Some(at) = line.find(&begin) {
            let from = at + begin.len();
            let to = line[from..]
                .find('"')
                .map_or(line.len(), |length| from + length);
            line.replace_range(from..to, "-");
        }
    }
    line
}

/// The results of a task by their hosts: they come as they are done.
fn in_order(lines: Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    let ends = [
        "PLAY", "TASK", "RUNNING", "included", "---", "+++", "FAILED", "NO MORE", "Pausing",
    ];
    for line in lines {
        let host = line.split_once(": [").filter(|_| begins(&line, RESULTS));
        let host = host.and_then(|(_, rest)| rest.split([']', ' ']).next());
        if let Some(host) = host {
            blocks.push((host.to_owned(), vec![line]));
        } else if line.is_empty() || begins(&line, &ends) {
            flush(&mut blocks, &mut all);
            all.push(line);
        } else if let Some((_, block)) = blocks.last_mut() {
            block.push(line);
        } else {
            all.push(line);
        }
    }
    flush(&mut blocks, &mut all);
    all
}

fn flush(blocks: &mut Vec<(String, Vec<String>)>, to: &mut Vec<String>) {
    blocks.sort_by(|(one, _), (other, _)| one.cmp(other));
    to.extend(blocks.drain(..).flat_map(|(_, block)| block));
}

fn add(files: &mut BTreeMap<String, String>, name: &str, line: &str) {
    let text = files.entry(name.to_owned()).or_default();
    text.push_str(line);
    text.push('\n');
}

/// Words as a shell divides them, with quotes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The lines around the first difference.
fn difference(expected: &str, actual: &str) -> String {
    let lines = expected.lines().zip(actual.lines());
    let first = lines
        .take_while(|(expected, actual)| expected == actual)
        .count();
    let part = |text: &str| {
        let lines = text.lines().skip(first.saturating_sub(4)).take(10);
        lines.map(|line| format!("  {line}\n")).collect::<String>()
    };
    format!(
        " ansible-playbook\n{} strata\n{}",
        part(expected),
        part(actual)
    )
}

#[test]
fn playbooks_print_and_write_what_ansible_playbook_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 135, "cases are missing: {}", paths.len());
    let recording = std::env::var_os("STRATA_RECORD").is_some();
    if let Ok(only) = std::env::var("STRATA_CASE") {
        let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        paths.retain(|path| only.split(',').any(|one| one == name(path)));
    }
    let wrong = Mutex::new(Vec::new());
    let queue = Mutex::new(paths.into_iter());
    let work = || {
        while let Some(path) = { queue.lock().unwrap().next() } {
            let case = Case::read(path);
            if recording {
                case.write_down(&case.run(Tool::Ansible));
            } else if !case.says("needs: ansible-core") || peers::ansible().is_some() {
                let actual = case.run(Tool::Strata);
                if actual != case.expected {
                    let text = difference(&case.expected, &actual);
                    wrong
                        .lock()
                        .unwrap()
                        .push(format!("{}:\n{text}", case.name));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(work);
        }
    });
    nothing_differs(wrong);
}

/// Fails with all that differs, in the order of the cases.
pub(crate) fn nothing_differs(wrong: Mutex<Vec<String>>) {
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
