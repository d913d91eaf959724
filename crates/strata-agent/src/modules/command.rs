//! `command`: runs a program, without a shell.
//!
//! What the program changes nobody can observe before: it is always a change, unless `creates` or
//! `removes` say that it was run already. In check mode only those two can answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::arguments::{Arguments, Field, FieldKind, Spec, expand};
use crate::change::{Change, Outcome};
use crate::host::{Host, HostError, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system;

/// What `command`, `shell` and `raw` share: a program to run, and when.
pub(super) struct Program {
    /// The words to run.
    pub(super) argv: Vec<String>,
    /// What is returned as `cmd`.
    pub(super) shown: Value,
    /// Only where this is missing.
    pub(super) creates: Option<String>,
    /// Only where this is there.
    pub(super) removes: Option<String>,
    /// The folder to run in.
    pub(super) chdir: Option<PathBuf>,
    /// Standard input.
    pub(super) stdin: Option<String>,
    /// Whether empty lines at the end of the output are dropped.
    pub(super) strip: bool,
    /// The task is only a check.
    pub(super) check: bool,
    /// Whether variables and homes take the place of their names in the words.
    pub(super) expands: bool,
}

/// What is there before a program runs.
pub(super) struct Before {
    /// Why it need not run: a path, and what is the matter with it.
    pub(super) done: Option<(String, &'static str)>,
    /// The words as the program gets them.
    argv: Vec<String>,
    started: f64,
}

pub(super) struct Command(Program);

impl Module for Command {
    const SPEC: Spec = Spec::new(
        "command",
        &[
            Field::str("_raw_params").alias(&["cmd"]),
            Field::new("argv", FieldKind::Raw),
            Field::path("chdir"),
            Field::path("creates"),
            Field::path("removes"),
            Field::str("stdin"),
            Field::bool("stdin_add_newline", true),
            Field::bool("strip_empty_ends", true),
            Field::bool("expand_argument_vars", true),
            Field::maybe("_uses_shell"),
        ],
    );
    type Current = Before;

    fn new(arguments: &Arguments, task: &Task) -> Result<Command, ModuleError> {
        let line = arguments
            .string("_raw_params")
            .filter(|line| !line.trim().is_empty());
        let argv = match (line, arguments.raw("argv")) {
            (Some(_), Some(_)) => {
                return Err(ModuleError::new(
                    "only command or argv can be given, not both",
                ));
            }
            (Some(line), None) => crate::words::split(&line).map_err(ModuleError::new)?,
            (None, Some(Value::Array(words))) if !words.is_empty() => {
                words.iter().filter_map(crate::arguments::text).collect()
            }
            (None, Some(Value::Array(_)) | None) => {
                let names = "_raw_params, cmd, argv";
                return Err(ModuleError::new(format!(
                    "one of the following is required: {names}"
                )));
            }
            (None, Some(_)) => return Err(ModuleError::new("argv must be a list")),
        };
        let mut program = Program::read(argv, None, arguments, task);
        program.expands = arguments.bool("expand_argument_vars");
        Ok(Command(program))
    }

    fn observe(&self, host: &dyn Host) -> Result<Before, ModuleError> {
        self.0.observe(host)
    }

    fn decide(&self, current: &Before) -> Vec<Change> {
        self.0.decide(current)
    }

    fn report(
        &self,
        host: &dyn Host,
        current: &Before,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        self.0.report(host, current, outcome)
    }
}

impl Program {
    /// Reads the arguments that `command` and `shell` share.
    pub(super) fn read(
        argv: Vec<String>,
        shown: Option<String>,
        arguments: &Arguments,
        task: &Task,
    ) -> Program {
        let newline = arguments.bool("stdin_add_newline");
        let shown = shown.map_or_else(|| Value::from(argv.clone()), Value::from);
        Program {
            argv,
            shown,
            creates: arguments.filled("creates"),
            removes: arguments.filled("removes"),
            chdir: arguments.filled_path("chdir"),
            stdin: arguments
                .string("stdin")
                .map(|text| if newline { text + "\n" } else { text }),
            strip: arguments.bool("strip_empty_ends"),
            check: task.check,
            expands: false,
        }
    }

    pub(super) fn observe(&self, host: &dyn Host) -> Result<Before, ModuleError> {
        if let Some(folder) = &self.chdir
            && host.metadata_followed(folder)?.map(|found| found.kind) != Some(Kind::Directory)
        {
            let said = json!({ "cmd": self.shown, "rc": null, "stdout": "", "stderr": "" });
            let shown = folder.display();
            let msg = format!("Unable to change directory before execution: {shown} is no folder");
            return Err(ModuleError::new(msg).with(said));
        }
        let created = self
            .creates
            .as_deref()
            .map(|path| self.exists(host, path))
            .transpose()?;
        let removed = self
            .removes
            .as_deref()
            .map(|path| self.exists(host, path))
            .transpose()?;
        let done = match (&self.creates, &self.removes) {
            (Some(path), _) if created == Some(true) => Some((path, "exists")),
            (_, Some(path)) if removed == Some(false) => Some((path, "does not exist")),
            _ => None,
        };
        let done = done.map(|(path, why)| (path.clone(), why));
        Ok(Before {
            done,
            argv: self.expanded(host),
            started: host.now(),
        })
    }

    /// The words as the program gets them: with variables and homes in the place of their names, where that is asked for.
    fn expanded(&self, host: &dyn Host) -> Vec<String> {
        let needs = |word: &String| word.contains('$') || word.starts_with('~');
        if !self.expands || !self.argv.iter().any(needs) {
            return self.argv.clone();
        }
        let environment = host.environment();
        let words = self.argv.iter();
        words.map(|word| expand(word, &environment)).collect()
    }

    /// Whether a path, or anything that a pattern means, is there.
    fn exists(&self, host: &dyn Host, path: &str) -> Result<bool, HostError> {
        let base = self.chdir.clone().unwrap_or_else(|| PathBuf::from("/"));
        let path = base.join(path);
        if !path.to_string_lossy().contains(['*', '?', '[']) {
            return Ok(host.metadata_followed(&path)?.is_some());
        }
        Ok(!crate::glob::expand(host, &path)?.is_empty())
    }

    pub(super) fn decide(&self, before: &Before) -> Vec<Change> {
        if before.done.is_some() {
            return Vec::new();
        }
        let command = system::Command {
            stdin: self.stdin.clone(),
            directory: self.chdir.clone(),
            ..system::Command::new(before.argv.clone())
        };
        vec![Change::Run {
            command,
            may_fail: true,
        }]
    }

    pub(super) fn report(
        &self,
        host: &dyn Host,
        before: &Before,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some((path, why)) = &before.done {
            return Ok(self.left_out(path, why));
        }
        let Some(output) = outcome.outputs.first() else {
            return Ok(self.only_checked());
        };
        let ended = host.now();
        let stdout = self.text(&output.stdout);
        let stderr = self.text(&output.stderr);
        // In the order of Ansible's, for who prints the whole.
        let values = json!({
            "changed": true,
            "stdout": stdout,
            "stderr": stderr,
            "rc": output.status,
            "cmd": self.shown,
            "start": crate::time::stamp(before.started, "%Y-%m-%d %H:%M:%S.%6f"),
            "end": crate::time::stamp(ended, "%Y-%m-%d %H:%M:%S.%6f"),
            "delta": crate::time::delta(ended - before.started),
            "msg": "",
        });
        if output.status != 0 {
            let error = ModuleError::new("non-zero return code").with(values);
            return Err(ModuleError {
                changed: true,
                ..error
            });
        }
        let mut report = Report::of(self::values(values));
        if output.truncated {
            let text = format!(
                "the output is longer than {} bytes and was cut",
                system::MAX_OUTPUT
            );
            report.notices.push(crate::protocol::Notice::Warning(text));
        }
        Ok(report)
    }

    fn text(&self, output: &str) -> String {
        let text = if self.strip {
            output.trim_end_matches(['\r', '\n'])
        } else {
            output
        };
        text.to_owned()
    }

    fn left_out(&self, path: &str, why: &str) -> Report {
        let verb = if self.check { "Would not" } else { "Did not" };
        let msg = format!("{verb} run command since '{path}' {why}");
        let stdout = format!("skipped, since {path} {why}");
        let values = values(json!({
            "changed": false, "stdout": stdout, "stderr": "", "rc": 0, "cmd": self.shown,
            "start": null, "end": null, "delta": null, "msg": msg,
        }));
        Report {
            msg,
            values,
            ..Report::default()
        }
    }

    /// With `creates` or `removes` a check can tell; without it knows nothing, and says so.
    fn only_checked(&self) -> Report {
        let known = self.creates.is_some() || self.removes.is_some();
        let msg = "Command would have run if not in check mode".to_owned();
        let values = values(json!({
            "changed": known, "stdout": "", "stderr": "", "rc": 0, "cmd": self.shown,
            "start": null, "end": null, "delta": null, "msg": msg,
        }));
        Report {
            msg,
            values,
            skipped: !known,
            changed: Some(known),
            ..Report::default()
        }
    }
}
