//! Runs `strata` in a folder of its own.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with files, to run commands in.
pub(crate) struct Folder {
    folder: TempDir,
}

/// What a command gave.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    /// Writes these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    /// A copy of one of the examples.
    pub(crate) fn example(name: &str) -> Self {
        Self::copy_of(&format!("../../examples/{name}"))
    }

    /// A copy of a folder of this package.
    pub(crate) fn copy_of(path: &str) -> Self {
        let folder = Self::new(&[]);
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(path),
            folder.path(),
        );
        folder
    }

    /// Exchanges a text that is in a file.
    #[track_caller]
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(path)).unwrap();
        assert!(text.contains(from), "`{from}` is not in:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
            .env_remove("INCUS_SOCKET")
            .env("NO_COLOR", "1")
            .env("HOME", self.path());
        if let Some(socket) = crate::daemon::socket() {
            command.env("INCUS_SOCKET", socket);
        }
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    /// Runs to the end with more environment.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let output = self
            .command(arguments)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        self.ran(&output)
    }

    /// Runs to the end with something to read on standard input.
    pub(crate) fn run_fed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        self.ran(&child.wait_with_output().unwrap())
    }

    /// Starts without waiting; what it prints is thrown away.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts without waiting; what it prints can be read.
    pub(crate) fn start_heard(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn ran(&self, output: &Output) -> Ran {
        let folder = self.path().display().to_string();
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace(&folder, "[FOLDER]")
        };
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Ran {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(
            self.code,
            Some(0),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The events of a run with `-json`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    /// The events of one kind.
    #[track_caller]
    pub(crate) fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events()
            .into_iter()
            .filter(|event| event["event"] == kind)
            .collect()
    }
}

impl Ran {
    /// How each stage ended, as `stage outcome`.
    #[track_caller]
    pub(crate) fn outcomes(&self) -> Vec<String> {
        let finished = self.events_of("stage_finished");
        finished
            .iter()
            .map(|event| format!("{} {}", text(event, "stage"), text(event, "outcome")))
            .collect()
    }

    /// Resource instances that were changed, as `action address`.
    #[track_caller]
    pub(crate) fn applied(&self) -> Vec<String> {
        let events = self.events_of("apply");
        events
            .iter()
            .filter(|event| event["phase"].get("finished").is_some())
            .map(|event| format!("{} {}", text(event, "action"), text(event, "address")))
            .collect()
    }

    /// Tasks that changed something, as `host: task`, sorted: each host goes at its own pace.
    #[track_caller]
    pub(crate) fn changed_tasks(&self) -> Vec<String> {
        let events = self.events_of("task_finished");
        let mut tasks: Vec<String> = events
            .iter()
            .filter(|event| event["outcome"] == "changed")
            .map(|event| format!("{}: {}", text(event, "host"), text(event, "task")))
            .collect();
        tasks.sort();
        tasks
    }
}

fn text<'a>(event: &'a Value, name: &str) -> &'a str {
    event[name].as_str().unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target: PathBuf = to.join(entry.file_name());
        let name = entry.file_name();
        // What a run of the example in place may have left there is not part of it.
        if name == ".strata" || name.to_string_lossy().starts_with("terraform.tfstate") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
