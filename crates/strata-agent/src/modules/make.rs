//! `make`: runs targets of a makefile that are not up to date.

use serde_json::{Map, Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Make {
    program: Option<String>,
    folder: String,
    /// The words after the program.
    words: Vec<String>,
    /// Arguments that are returned as they were given.
    given: Map<String, Value>,
}

/// The program, and what it said of the targets.
pub(super) struct Found {
    program: String,
    question: Output,
}

impl Module for Make {
    const SPEC: Spec = Spec::new(
        "community.general.make",
        &[
            Field::path("chdir").required(),
            Field::path("file"),
            Field::int("jobs"),
            Field::path("make"),
            Field::new("params", FieldKind::Dict),
            Field::str("target"),
            Field::list("targets"),
        ],
    )
    .exclusive(&[&["target", "targets"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Make, ModuleError> {
        let mut words = Vec::new();
        if let Some(jobs) = arguments.int("jobs") {
            words.extend(["-j".to_owned(), jobs.to_string()]);
        }
        if let Some(file) = arguments.string("file") {
            words.extend(["-f".to_owned(), file]);
        }
        words.extend(arguments.string("target"));
        words.extend(arguments.list("targets").unwrap_or_default());
        let parameters = arguments.raw("params").and_then(Value::as_object);
        words.extend(parameters.into_iter().flatten().map(|(name, value)| {
            match text(value).filter(|_| !value.is_null()) {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            }
        }));
        let names = ["target", "targets", "params", "chdir", "file", "jobs"];
        let given = names.map(|name| {
            let value = arguments.raw(name).cloned().unwrap_or_default();
            (name.to_owned(), value)
        });
        Ok(Make {
            program: arguments.string("make"),
            folder: arguments.text("chdir"),
            words,
            given: given.into_iter().collect(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => found_program(host)?,
        };
        let question = host.run(&self.command(&program, &["-q"]))?;
        Ok(Found { program, question })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let is_due = found.question.status != 0;
        let change = is_due.then(|| programs::change(self.command(&found.program, &[])));
        change.into_iter().collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, made: &Outcome) -> Result<Report, ModuleError> {
        let said = made.outputs.last().unwrap_or(&found.question);
        let argv = self.command(&found.program, &[]).argv;
        let shown: Vec<String> = argv.iter().map(|word| crate::words::quote(word)).collect();
        let (stdout, stderr) = (bare(&said.stdout), bare(&said.stderr));
        let mut values = values(json!({
            "stdout": stdout, "stderr": stderr, "command": shown.join(" "),
        }));
        values.extend(self.given.clone());
        Ok(Report::of(values))
    }
}

impl Make {
    fn command(&self, program: &str, more: &[&str]) -> Command {
        let words = self.words.iter().map(String::as_str);
        let argv = std::iter::once(program).chain(words);
        Command {
            directory: Some(self.folder.clone().into()),
            ..plain(argv.chain(more.iter().copied()))
        }
    }
}

fn bare(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

fn found_program(host: &dyn Host) -> Result<String, ModuleError> {
    let found = host.find_program("gmake").or(host.find_program("make"));
    match found {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => programs::required(host, "make").map(|()| "make".to_owned()),
    }
}
