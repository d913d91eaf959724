//! `expect`: a program whose questions are answered.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::programs;
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Dialogue, Output, Question};

pub(super) struct Expect {
    line: String,
    command: Command,
    dialogue: Dialogue,
    creates: Option<PathBuf>,
    removes: Option<PathBuf>,
    check: bool,
}

/// Why the program is not run, if it is not.
pub(super) struct Found {
    spared: Option<String>,
    start: f64,
}

impl Module for Expect {
    const SPEC: Spec = Spec::new(
        "expect",
        &[
            Field::str("command").required(),
            Field::new("responses", FieldKind::Dict).required(),
            Field::path("chdir"),
            Field::path("creates"),
            Field::path("removes"),
            Field::bool("echo", false),
            Field::new("timeout", FieldKind::Raw).default("30"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Expect, ModuleError> {
        let line = arguments.text("command");
        if line.trim().is_empty() {
            return Err(ModuleError::new("no command given").with(json!({"rc": 256})));
        }
        let timeout = arguments.raw("timeout").and_then(text).unwrap_or_default();
        let timeout = match timeout.as_str() {
            "" | "null" | "None" => None,
            seconds => Some(seconds.parse::<u64>().map_err(|_| {
                ModuleError::new(format!(
                    "argument 'timeout' is of type str and we were unable to convert to int: \
                     '{seconds}' cannot be converted to an int"
                ))
            })?),
        };
        Ok(Expect {
            command: Command {
                directory: arguments.path("chdir"),
                timeout: timeout.map(Duration::from_secs),
                ..Command::new(programs::words(&line)?)
            },
            line,
            dialogue: Dialogue {
                questions: questions(arguments)?,
                echo: arguments.bool("echo"),
            },
            creates: arguments.path("creates"),
            removes: arguments.path("removes"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let there = |path: &Option<PathBuf>| match path {
            Some(path) => host
                .metadata_followed(path)
                .map(|found| Some(found.is_some())),
            None => Ok(None),
        };
        let shown = |path: &Option<PathBuf>| {
            path.as_ref()
                .map_or(String::new(), |path| path.display().to_string())
        };
        let spared = match (there(&self.creates)?, there(&self.removes)?) {
            (Some(true), _) => Some(format!("skipped, since {} exists", shown(&self.creates))),
            (_, Some(false)) => Some(format!(
                "skipped, since {} does not exist",
                shown(&self.removes)
            )),
            _ => None,
        };
        Ok(Found {
            spared,
            start: host.now(),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.spared.is_some() {
            return Vec::new();
        }
        vec![Change::Converse {
            command: self.command.clone(),
            dialogue: self.dialogue.clone(),
        }]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some(why) = &found.spared {
            return Ok(Report {
                changed: Some(false),
                ..Report::of(values(json!({"cmd": self.line, "stdout": why, "rc": 0})))
            });
        }
        let Some(output) = outcome.outputs.first() else {
            return Ok(Report {
                msg: "remote module (expect) does not support check mode".to_owned(),
                skipped: self.check,
                changed: Some(false),
                ..Report::default()
            });
        };
        let result = self.result(host, found, output);
        match output.status {
            0 => Ok(Report::of(values(result))),
            _ => Err(ModuleError {
                changed: true,
                ..ModuleError::new("non-zero return code").with(result)
            }),
        }
    }
}

impl Expect {
    fn result(&self, host: &dyn Host, found: &Found, output: &Output) -> Value {
        let end = host.now();
        let said = output.stdout.trim_end_matches(['\r', '\n']);
        let time = |at: f64| crate::time::stamp(at, "%Y-%m-%d %H:%M:%S.%6f");
        json!({
            "cmd": self.line, "rc": output.status, "stdout": said,
            "start": time(found.start), "end": time(end),
            "delta": format!("{:.6}", end - found.start),
        })
    }
}

fn questions(arguments: &Arguments) -> Result<Vec<Question>, ModuleError> {
    let given = arguments.raw("responses").and_then(Value::as_object);
    let one = given.into_iter().flatten().map(|(pattern, answer)| {
        // Read as Ansible's users write it, for Python.
        crate::pattern::compile("responses", pattern)?;
        let (answers, repeats) = match answer {
            Value::Array(answers) => (answers.iter().filter_map(text).collect(), false),
            answer => (vec![text(answer).unwrap_or_default()], true),
        };
        Ok(Question {
            pattern: pattern.clone(),
            answers,
            repeats,
        })
    });
    one.collect()
}
