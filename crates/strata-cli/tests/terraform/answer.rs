//! What a program answers to one command.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value as Json;

use crate::normal::{self, Names};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Terraform,
    Strata,
}

/// An answer, made alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) line: String,
    pub(crate) code: i32,
    /// JSON documents and lines, or text, line by line.
    pub(crate) lines: Vec<String>,
}

/// What kind of output a command has.
enum Kind {
    /// One JSON document.
    Document,
    /// The machine-readable stream.
    Stream,
    /// Text that is compared as it is.
    Text,
    /// Text of which only the errors are compared.
    Errors,
}

fn kind(words: &[String]) -> Kind {
    let has_json = words.iter().any(|word| word == "-json");
    let words = words.iter().map(String::as_str);
    let words: Vec<&str> = words
        .skip_while(|word| word.starts_with("-chdir"))
        .collect();
    match words.as_slice() {
        ["plan" | "apply" | "destroy" | "refresh" | "test", ..] if has_json => Kind::Stream,
        ["state", "pull", ..] => Kind::Document,
        _ if has_json => Kind::Document,
        ["state", "list" | "show", ..] | ["output", ..] | ["workspace", "list" | "show", ..] => {
            Kind::Text
        }
        _ => Kind::Errors,
    }
}

impl Program {
    /// Runs a command in a folder.
    pub(crate) fn ask(self, line: &str, folder: &Path, names: &mut Names) -> Answer {
        let (environment, words) = with_environment(words(line));
        let mut command = self.command(&words, folder);
        let output = command.envs(environment).output();
        let output = output.unwrap_or_else(|error| panic!("{self:?} cannot be run: {error}"));
        Answer {
            line: line.to_owned(),
            code: output.status.code().unwrap_or(-1),
            lines: lines(&kind(&words), &output, names),
        }
    }

    fn command(self, words: &[String], folder: &Path) -> Command {
        let mut command = match self {
            Program::Terraform => Command::new("terraform"),
            Program::Strata => Command::new(env!("CARGO_BIN_EXE_strata")),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", path)
            .env("HOME", folder)
            .env("NO_COLOR", "1")
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .env("TF_CLI_ARGS", "-no-color")
            .env("CHECKPOINT_DISABLE", "1");
        if self == Program::Strata {
            command.env_remove("TF_CLI_ARGS");
        }
        command
    }
}

/// Takes the variables apart that stand before a command: `TF_INPUT=0 plan`.
fn with_environment(words: Vec<String>) -> (Vec<(String, String)>, Vec<String>) {
    let mut environment = Vec::new();
    let mut words = words.into_iter().peekable();
    let is_variable = |word: &String| word.starts_with("TF_") && word.contains('=');
    while let Some(word) = words.next_if(is_variable) {
        let pair = word.split_once('=').expect("it has one");
        environment.push((pair.0.to_owned(), pair.1.to_owned()));
    }
    (environment, words.collect())
}

/// Splits at blanks; what stands in single quotes stays together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn lines(kind: &Kind, output: &Output, names: &mut Names) -> Vec<String> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    match kind {
        Kind::Document => match serde_json::from_str::<Json>(&stdout) {
            Ok(json) => vec![names.document(json).to_string()],
            Err(_) => normal::errors(&stderr),
        },
        Kind::Stream => normal::stream(&stdout, output.status.code(), names),
        Kind::Text if output.status.success() => stdout
            .lines()
            .map(|line| names.text(line.trim_end()))
            .collect(),
        Kind::Text | Kind::Errors => normal::errors(&format!("{stderr}\n{stdout}")),
    }
}

impl Answer {
    /// As it is recorded.
    pub(crate) fn print(&self) -> String {
        let mut text = format!("$ {}\n{}\n", self.line, self.code);
        for line in &self.lines {
            text.push_str(&format!("\t{line}\n"));
        }
        text
    }
}

/// Reads recorded answers, by scenario.
pub(crate) fn parse(text: &str) -> BTreeMap<String, Vec<Answer>> {
    let mut scenarios: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(next) = line.strip_prefix("=== ") {
            name = next.to_owned();
            scenarios.insert(name.clone(), Vec::new());
            continue;
        }
        let answers = scenarios.get_mut(&name).expect("a name comes first");
        if let Some(line) = line.strip_prefix("$ ") {
            answers.push(Answer {
                line: line.to_owned(),
                code: -1,
                lines: Vec::new(),
            });
            continue;
        }
        let answer = answers.last_mut().expect("a command comes first");
        match line.strip_prefix('\t') {
            Some(line) => answer.lines.push(line.to_owned()),
            None => answer.code = line.parse().expect("an exit code"),
        }
    }
    scenarios
}
