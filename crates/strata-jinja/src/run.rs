//! One rendering: what it has looked up, what it is in the middle of, and what was missing.
//!
//! Everything a template touches while it is evaluated holds the run; when the run ends its memory of values
//! is cleared, since those values point back at it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use minijinja::{Error, ErrorKind, State, Value, value::Object};

use crate::{
    Templar, VAULT_KEY, Variable, changing, compile, convert, functions,
    lazy::{self, Root},
    scope::{RootScope, ScopeMap},
};

/// How deep variables may refer to variables.
const MAX_DEPTH: usize = 48;

/// The name under which filters find the run.
pub(crate) const RUN: &str = "__strata_run";

/// One rendering.
pub(crate) struct Run {
    pub(crate) templar: Templar,
    /// How deep variables are in variables now, scopes inside of this run included.
    depth: Arc<AtomicUsize>,
    /// Whether some template of this run changes values in place.
    changes: AtomicBool,
    /// What was last missing, and how often something was; scopes inside of this run included.
    missing: Arc<Mutex<(usize, Option<String>)>>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    values: BTreeMap<String, Value>,
    in_progress: Vec<String>,
    emitted: Vec<Emitted>,
    scopes: BTreeMap<String, Arc<Run>>,
}

/// What a template, a macro or a block has put out so far, apart from plain text.
#[derive(Default)]
pub(crate) struct Emitted {
    pub(crate) count: usize,
    pub(crate) first: Option<Value>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}

impl Object for Run {}

impl Run {
    pub(crate) fn new(templar: Templar) -> Arc<Self> {
        Arc::new(Self {
            templar,
            depth: Arc::default(),
            changes: AtomicBool::default(),
            missing: Arc::default(),
            memory: Mutex::default(),
        })
    }

    /// The run for a scope inside of this one; the same each time for one key.
    pub(crate) fn inside(&self, key: &str, templar: Templar) -> Arc<Self> {
        let make = || {
            Arc::new(Self {
                templar,
                depth: self.depth.clone(),
                changes: AtomicBool::default(),
                missing: self.missing.clone(),
                memory: Mutex::default(),
            })
        };
        let mut memory = self.memory();
        memory
            .scopes
            .entry(key.to_owned())
            .or_insert_with(make)
            .clone()
    }

    /// The run that a filter, test or function belongs to.
    pub(crate) fn of(state: &State<'_, '_>) -> Result<Arc<Self>, Error> {
        state
            .lookup(RUN)
            .and_then(|value| value.downcast_object::<Self>())
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "no rendering is under way"))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of all values, which point back at the run.
    pub(crate) fn finish(&self) {
        let memory = std::mem::take(&mut *self.memory());
        for scope in memory.scopes.values() {
            scope.finish();
        }
    }

    /// The root of names for a template.
    pub(crate) fn root(self: &Arc<Self>) -> Value {
        Value::from_object(RootScope(self.clone()))
    }

    /// A variable, rendered; none if there is none.
    pub(crate) fn variable(self: &Arc<Self>, name: &str) -> Option<Value> {
        let known = self.memory().values.get(name).cloned();
        if let Some(value) = known {
            return Some(self.kept(name, value));
        }
        let Some(variable) = self.templar.variables.get(name) else {
            if !functions::NAMES.contains(&name) {
                self.note_missing(format!("`{name}` is undefined"));
            }
            return None;
        };
        let value = self.enter(name, || self.realize(variable));
        // What is undefined is rendered again, so that what it lacks is the last that was missing.
        if value.is_undefined() {
            return Some(value);
        }
        self.memory().values.insert(name.to_owned(), value.clone());
        Some(self.kept(name, value))
    }

    /// A variable's value, as one that can be changed where templates do that.
    fn kept(&self, name: &str, value: Value) -> Value {
        if !self.changes() {
            return value;
        }
        let value = changing::changing(&value);
        self.memory().values.insert(name.to_owned(), value.clone());
        value
    }

    /// Lets values be changed in place.
    pub(crate) fn allow_changes(&self) {
        self.changes.store(true, Ordering::Relaxed);
    }

    pub(crate) fn changes(&self) -> bool {
        self.changes.load(Ordering::Relaxed)
    }

    fn enter(&self, name: &str, body: impl FnOnce() -> Value) -> Value {
        {
            let mut memory = self.memory();
            if memory.in_progress.iter().any(|other| other == name) {
                return Value::from(cycle(&memory.in_progress, name));
            }
            memory.in_progress.push(name.to_owned());
        }
        let value = body();
        self.memory().in_progress.pop();
        value
    }

    fn realize(self: &Arc<Self>, variable: Variable) -> Value {
        match variable {
            Variable::Template(json) => lazy::value(self, Root::Whole(json), true),
            Variable::Plain(json) => lazy::value(self, Root::Whole(json), false),
            Variable::Entry {
                map,
                name,
                templates,
            } => lazy::value(self, Root::Entry(map, name), templates),
            Variable::Scopes(scopes) => Value::from_object(ScopeMap::new(self.clone(), scopes)),
        }
    }

    /// Renders a text out of a variable. One that lacks something is as undefined as that is; another mistake becomes
    /// a value that fails when it is used.
    pub(crate) fn text(self: &Arc<Self>, text: &str) -> Value {
        if !compile::may_be_template(text) {
            return Value::from(text);
        }
        match self.nested(|| compile::render(self, text)) {
            Ok(value) => value,
            Err(error) if error.kind() == ErrorKind::UndefinedError => Value::UNDEFINED,
            Err(error) => Value::from(error),
        }
    }

    /// Guards against templates that lead into one another without end.
    pub(crate) fn nested<T>(&self, body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let depth = self.depth.fetch_add(1, Ordering::Relaxed);
        let result = if depth > MAX_DEPTH {
            Err(recursion(format!(
                "variables refer to variables more than {MAX_DEPTH} deep"
            )))
        } else {
            body()
        };
        self.depth.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// An encrypted value, decrypted; a value that fails when it is used where that cannot be.
    pub(crate) fn vault(&self, json: &serde_json::Value) -> Value {
        let text = convert::marked(json, VAULT_KEY).unwrap_or_default();
        match self.templar.surroundings.decrypt(text) {
            Some(Ok(text)) => Value::from(text),
            Some(Err(reason)) => undecryptable(reason),
            None => undecryptable("Attempting to decrypt but no vault secrets found".to_owned()),
        }
    }

    /// Notes what was asked for and not there, for the message if that turns out to be a mistake.
    pub(crate) fn note_missing(&self, what: String) {
        let mut missing = self.lacks();
        missing.0 += 1;
        missing.1 = Some(what);
    }

    /// What was last missing.
    pub(crate) fn missing(&self) -> Option<String> {
        self.lacks().1.clone()
    }

    /// How often something was missing.
    pub(crate) fn count_missing(&self) -> usize {
        self.lacks().0
    }

    fn lacks(&self) -> MutexGuard<'_, (usize, Option<String>)> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count what a template, a macro or a block puts out, and gives how many others are under way.
    pub(crate) fn begin_output(&self) -> usize {
        let mut memory = self.memory();
        memory.emitted.push(Emitted::default());
        memory.emitted.len() - 1
    }

    /// Ends it, and blocks inside that a mistake has cut off.
    pub(crate) fn end_output(&self, begun: usize) -> Emitted {
        let mut memory = self.memory();
        memory.emitted.truncate(begun.saturating_add(1));
        memory.emitted.pop().unwrap_or_default()
    }

    /// Counts one value that a template puts out.
    pub(crate) fn emit(&self, value: &Value) {
        let mut memory = self.memory();
        if let Some(emitted) = memory.emitted.last_mut() {
            emitted.count += 1;
            if emitted.count == 1 {
                emitted.first = Some(value.clone());
            }
        }
    }

    /// True if a mapping is an encrypted text.
    pub(crate) fn is_vault(json: &serde_json::Value) -> bool {
        convert::marked(json, VAULT_KEY).is_some()
    }
}

fn undecryptable(reason: String) -> Value {
    let source = crate::TemplateError::new(crate::TemplateErrorKind::NeedsVault, reason);
    Value::from(
        Error::new(ErrorKind::InvalidOperation, "the value is encrypted").with_source(source),
    )
}

fn cycle(in_progress: &[String], name: &str) -> Error {
    let begin = in_progress
        .iter()
        .position(|other| other == name)
        .unwrap_or_default();
    let names: Vec<_> = in_progress[begin..]
        .iter()
        .map(String::as_str)
        .chain([name])
        .map(|name| format!("`{name}`"))
        .collect();
    recursion(format!("variables need one another: {}", names.join(" → ")))
}

fn recursion(message: String) -> Error {
    let source = crate::TemplateError::new(crate::TemplateErrorKind::Recursion, message.clone());
    Error::new(ErrorKind::InvalidOperation, message).with_source(source)
}
