//! An apply that stands still until the test lets it go on, at a provisioner that reads a named pipe.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::strata::Folder;

/// Two resources, the second of which needs the first, which waits at the gate.
pub(crate) const TWO: &str = r#"
resource "terraform_data" "first" {
  provisioner "local-exec" {
    command = "echo begun; cat gate"
  }
}
resource "terraform_data" "second" {
  input = terraform_data.first.id
}
"#;

/// A folder with [`TWO`] and the gate.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new(&[("main.tf", TWO)]);
    let gate = folder.path().join("gate");
    let made = Command::new("mkfifo").arg(gate).status().unwrap();
    assert!(made.success());
    folder
}

/// An apply under way.
pub(crate) struct Waiting {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    seen: String,
}

impl Waiting {
    /// Starts an apply, and returns when it stands at the gate.
    pub(crate) fn start(folder: &Folder) -> Self {
        let mut waiting = Self::run(folder, &["apply", "-auto-approve"]);
        waiting.until("(local-exec): begun");
        waiting
    }

    /// Starts any command.
    pub(crate) fn run(folder: &Folder, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let seen = String::new();
        Self {
            child,
            stdout,
            seen,
        }
    }

    /// Reads until a line has this text in it.
    pub(crate) fn until(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "`{text}` never came:\n{}", self.seen);
            self.seen.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    /// Sends a signal, named as for `kill`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Everything it said, and its exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        self.stdout.read_to_string(&mut self.seen).unwrap();
        let code = self.child.wait().unwrap().code();
        (self.seen, code)
    }
}

/// Waits until somebody stands at the gate, who goes on when the file is dropped.
pub(crate) fn reached(folder: &Folder) -> File {
    let gate = folder.path().join("gate");
    File::options().write(true).open(gate).unwrap()
}

/// Lets whoever stands at the gate go on.
pub(crate) fn open(folder: &Folder) {
    fs::write(folder.path().join("gate"), "").unwrap();
}
