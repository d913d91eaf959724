//! What a module is: observe, decide, act.
//!
//! [`perform`] takes any module through its steps. Only [`act`](crate::change::act) changes the
//! host, and only in between `decide` and `report`; in check mode it changes nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Spec};
use crate::attributes;
use crate::change::{self, Change, Contents, Outcome};
use crate::flags::Flags;
use crate::host::{Host, HostError};
use crate::protocol::{Diff, Task, TaskResult};
use crate::words;

/// One module with the arguments of one task.
pub trait Module: Sized {
    /// What it takes.
    const SPEC: Spec;
    /// What it needs to know about the host to decide.
    type Current;

    /// Reads the arguments further than their types.
    fn new(arguments: &Arguments, task: &Task) -> Result<Self, ModuleError>;
    /// Looks at the host, and changes nothing.
    fn observe(&self, host: &dyn Host) -> Result<Self::Current, ModuleError>;
    /// Says what has to be done, in order.
    fn decide(&self, current: &Self::Current) -> Vec<Change>;
    /// Shows what the changes do, before they are made.
    fn diffs(
        &self,
        _current: &Self::Current,
        changes: &[Change],
        context: &Context<'_>,
    ) -> Result<Vec<Diff>, ModuleError> {
        Ok(change::diffs(changes, context)?)
    }
    /// Says what the task returns beside `changed`.
    fn report(
        &self,
        host: &dyn Host,
        current: &Self::Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError>;
}

/// What a module returns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its message.
    pub msg: String,
    /// Its values, named as Ansible's module names them.
    pub values: Map<String, Value>,
    /// Whether it left the work out.
    pub skipped: bool,
    /// Whether something changed; `None` when there was any change to make.
    pub changed: Option<bool>,
    /// Diffs that do not follow from the changes themselves.
    pub diff: Vec<Diff>,
    /// Warnings and deprecations.
    pub notices: Vec<crate::protocol::Notice>,
}

impl Report {
    /// A report of values alone.
    pub fn of(values: Map<String, Value>) -> Report {
        Report {
            values,
            ..Report::default()
        }
    }
}

/// Makes a map of values out of a JSON object literal.
pub fn values(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A module's failure: the message, and values that come with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleError {
    /// Why.
    pub msg: String,
    /// What a task may look at after a rescue, as `rc` and `stderr`.
    pub values: Map<String, Value>,
    /// Whether the host was changed before it failed.
    pub changed: bool,
    /// Nothing was changed, although something was to be.
    pub kept: bool,
    /// Nothing failed: a model cannot know how this would go.
    pub unknown: bool,
    /// The user may not do it.
    pub denied: bool,
}

impl ModuleError {
    /// A failure with a message alone.
    pub fn new(msg: impl Into<String>) -> ModuleError {
        ModuleError {
            msg: msg.into(),
            values: Map::new(),
            changed: false,
            kept: false,
            unknown: false,
            denied: false,
        }
    }

    /// The same with values.
    pub fn with(mut self, values: Value) -> ModuleError {
        self.values.extend(self::values(values));
        self
    }
}

impl From<HostError> for ModuleError {
    fn from(error: HostError) -> ModuleError {
        let unknown = matches!(error, HostError::Unknown(_));
        let denied =
            matches!(&error, HostError::Io { kind, .. } if *kind == ErrorKind::PermissionDenied);
        let failure = ModuleError::new(error.to_string());
        match error {
            HostError::NoProgram(name) => failure.with(json!({
                "rc": 2, "cmd": name, "stdout": "", "stderr": "",
            })),
            _ => ModuleError {
                unknown,
                denied,
                ..failure
            },
        }
    }
}

/// What a task runs in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The task.
    pub task: &'a Task,
    /// The machine.
    pub host: &'a dyn Host,
    /// What the controller offers.
    pub contents: &'a dyn Contents,
}

/// What Ansible adds to each result that names a path: what is there.
fn path_facts(
    host: &dyn Host,
    values: &Map<String, Value>,
) -> Result<Map<String, Value>, ModuleError> {
    let named = values.get("path").or_else(|| values.get("dest"));
    match named.and_then(Value::as_str).map(Path::new) {
        Some(path) if path.is_absolute() => attributes::describe(host, path),
        _ => Ok(Map::new()),
    }
}

/// Takes a module through its steps.
pub fn perform<M: Module>(context: &Context<'_>) -> Result<TaskResult, ModuleError> {
    let given = M::SPEC.with_homes(&context.task.args, context.host)?;
    let arguments = M::SPEC.read(&given, &context.host.environment())?;
    let flags = match M::SPEC.file_attributes {
        true => flags(M::SPEC.module, &arguments)?,
        false => None,
    };
    let module = M::new(&arguments, context.task)?;
    let done = steps(&module, context).and_then(|result| match flags {
        Some((flags, path)) => with_flags(result, M::SPEC.module, &flags, &path, context),
        None => Ok(result),
    });
    match done {
        Ok(mut result) => {
            put_lines(&mut result.values);
            Ok(result)
        }
        Err(error) => {
            let mut error = doubted(placed(error, context.host), context.host);
            put_lines(&mut error.values);
            Err(error)
        }
    }
}

/// As Ansible does for each module: beside the output of programs stand its lines.
fn put_lines(values: &mut Map<String, Value>) {
    for (whole, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if let Some(Value::String(text)) = values.get(whole) {
            let split = words::lines(text).into();
            values.insert(lines.to_owned(), split);
        }
    }
}

/// As with results, a failure that names a path tells what is there, as far as it does not tell itself.
fn placed(mut error: ModuleError, host: &dyn Host) -> ModuleError {
    let facts = path_facts(host, &error.values).unwrap_or_default();
    for (name, value) in facts {
        error.values.entry(name).or_insert(value);
    }
    error
}

/// The flags that the file shall have, and the path that the task names; refused where it is about several.
fn flags(module: &str, arguments: &Arguments) -> Result<Option<(Flags, PathBuf)>, ModuleError> {
    let Some(flags) = Flags::read(arguments) else {
        return Ok(None);
    };
    let path = arguments.path("path").or(arguments.path("dest"));
    let of_many = module == "unarchive" || arguments.bool("recurse");
    match path.filter(|_| !of_many) {
        Some(_) if arguments.text("state") == "absent" => Ok(None),
        Some(path) => Ok(Some((flags, path))),
        None => Err(ModuleError::new(format!(
            "the argument `attributes` of the module `{module}` is not supported by Strata yet \
             where it is about several files"
        ))),
    }
}

/// Sets the flags of the file that a module left; what it will only make has none yet.
fn with_flags(
    result: TaskResult,
    module: &str,
    flags: &Flags,
    path: &Path,
    context: &Context<'_>,
) -> Result<TaskResult, ModuleError> {
    if result.skipped {
        return Ok(result);
    }
    let named = result
        .values
        .get("path")
        .or_else(|| result.values.get("dest"));
    let path = named.and_then(Value::as_str).map_or(path, Path::new);
    let before = result.changed;
    let differ = flags
        .settle(context.host, path, context.task.check)
        .map_err(|error| ModuleError {
            changed: before,
            ..error
        })?;
    let mut msg = result.msg;
    if differ && TELL_ATTRIBUTES.contains(&module) && !msg.ends_with(ATTRIBUTES_CHANGED) {
        let and = if msg.is_empty() { "" } else { " and " };
        msg = format!("{msg}{and}{ATTRIBUTES_CHANGED}");
    }
    Ok(TaskResult {
        changed: before || differ,
        msg,
        ..result
    })
}

/// What modules say whose message is about more than the content.
const ATTRIBUTES_CHANGED: &str = "ownership, perms or SE linux context changed";
const TELL_ATTRIBUTES: &[&str] = &["blockinfile", "lineinfile", "replace"];

/// What fails in a rehearsal may fail for want of something that an earlier task would have made.
fn doubted(error: ModuleError, host: &dyn Host) -> ModuleError {
    let lacks_program = error.msg.starts_with("Error executing command: [Errno 2]")
        || error.values.get("rc") == Some(&json!(127));
    if error.unknown {
        // Nor does anybody know what it would have made.
        host.doubt();
        return error;
    }
    if !host.in_doubt() || !(host.rehearses() || lacks_program) {
        return error;
    }
    let msg = format!(
        "unknown: it depends on what earlier tasks would have done ({})",
        error.msg
    );
    ModuleError {
        unknown: true,
        msg,
        ..error
    }
}

fn steps<M: Module>(module: &M, context: &Context<'_>) -> Result<TaskResult, ModuleError> {
    let current = module.observe(context.host)?;
    let changes = module.decide(&current);
    let diff = if context.task.diff {
        module.diffs(&current, &changes, context)?
    } else {
        Vec::new()
    };
    let outcome = change::act(&changes, context)?;
    let report = module
        .report(context.host, &current, &outcome)
        .map_err(|error| {
            let changed = error.changed || outcome.changed && !error.kept;
            ModuleError { changed, ..error }
        })?;
    let mut values = report.values;
    values.extend(path_facts(context.host, &values)?);
    if let Some(backup) = outcome.backup_file {
        values.insert("backup_file".to_owned(), backup.into());
    }
    Ok(TaskResult {
        changed: report.changed.unwrap_or(outcome.changed),
        failed: false,
        skipped: report.skipped,
        msg: report.msg,
        diff: diff.into_iter().chain(report.diff).collect(),
        values,
        notices: outcome.notices.into_iter().chain(report.notices).collect(),
    })
}
