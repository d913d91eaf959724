//! One scenario: files and commands in turn, run in a folder of its own.

use std::{fs, path::Path};

use crate::{
    answer::{Answer, Program},
    normal::Names,
};

/// A named run.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// What is done next.
pub(crate) enum Step {
    /// A file is written.
    Write(String, String),
    /// A command is run.
    Run(Command),
}

/// A command, and why its answer may be another.
pub(crate) struct Command {
    pub(crate) line: String,
    pub(crate) differs: Option<String>,
}

impl Step {
    pub(crate) fn command(&self) -> Option<&Command> {
        match self {
            Step::Run(command) => Some(command),
            Step::Write(..) => None,
        }
    }
}

/// Reads a group of scenarios. The first lines of each, before any `---`, are `main.tf`.
pub(crate) fn parse(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let steps = vec![Step::Write("main.tf".to_owned(), String::new())];
            scenarios.push(Scenario {
                name: name.to_owned(),
                steps,
            });
            continue;
        }
        let steps = &mut scenarios.last_mut().expect("a name comes first").steps;
        if let Some(path) = line.strip_prefix("--- ") {
            steps.push(Step::Write(path.to_owned(), String::new()));
        } else if let Some(line) = line.strip_prefix("$ ") {
            steps.push(Step::Run(Command {
                line: line.to_owned(),
                differs: None,
            }));
        } else if let Some(why) = line.strip_prefix("# differs: ") {
            let Some(Step::Run(command)) = steps.last_mut() else {
                panic!("`{line}` stands behind no command");
            };
            command.differs = Some(why.to_owned());
        } else if let Some(Step::Write(_, text)) = steps.last_mut() {
            text.push_str(line);
            text.push('\n');
        } else {
            assert!(line.is_empty(), "`{line}` belongs to no file");
        }
    }
    scenarios
}

impl Scenario {
    /// What the program answers to each command.
    pub(crate) fn run(&self, program: Program) -> Vec<Answer> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut names = Names::new(folder.path());
        let mut answers = Vec::new();
        for step in &self.steps {
            match step {
                Step::Write(path, text) => write(&folder.path().join(path), text),
                Step::Run(command) => {
                    answers.push(program.ask(&command.line, folder.path(), &mut names));
                }
            }
        }
        answers
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
    fs::write(path, text).expect("a file is written");
}
