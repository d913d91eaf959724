//! `{% include %}`: another template file in the place of the statement, seeing the same names.
//!
//! `{% import %}`, `{% from %}` and `{% extends %}` are refused by name.

use std::{collections::BTreeMap, fmt, sync::Arc};

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Object, ValueKind},
};

use crate::{
    TemplateError, TemplateErrorKind, compile, lookups::files, python, run::Run, scope::RootScope,
};

/// Adds the filter that stands for the statement.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(compile::INCLUDE, include);
}

/// What minijinja itself would load: the statements that are not rewritten.
pub(crate) fn refuse(name: &str) -> Result<Option<String>, Error> {
    let message = format!(
        "`import`, `from` and `extends` (of `{name}`) are not supported by Strata yet, only `include`"
    );
    let source = TemplateError::new(TemplateErrorKind::Unsupported, message.clone());
    Err(Error::new(ErrorKind::InvalidOperation, message).with_source(source))
}

/// The names of the including template, over those of the run.
struct Names {
    local: BTreeMap<String, Value>,
    root: Arc<RootScope>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("variables")
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match self.local.get(key) {
            Some(value) => Some(value.clone()),
            None => self.root.get_value_by_str(key),
        }
    }
}

fn include(state: &mut State<'_, '_>, names: &Value, ignore_missing: bool) -> Result<Value, Error> {
    let run = Run::of(state)?;
    let wanted: Vec<String> = match names.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Seq => names.try_iter()?.map(|name| python::text(&name)).collect(),
        _ => vec![python::text(names)],
    };
    let mut failure = None;
    for name in &wanted {
        match files::find(&run, "templates", name) {
            Ok(path) => return render(state, &run, &path),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if !ignore_missing => Err(error),
        _ => Ok(Value::from("")),
    }
}

fn render(state: &State<'_, '_>, run: &Arc<Run>, path: &std::path::Path) -> Result<Value, Error> {
    let files = run.templar.surroundings.files();
    let text = files
        .read_text(path)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    let local = state
        .known_variables()
        .into_iter()
        .filter_map(|name| Some((name.to_string(), state.lookup(&name)?)))
        .collect();
    let root = Value::from_object(Names {
        local,
        root: Arc::new(RootScope(run.clone())),
    });
    let name = path.display().to_string();
    let syntax = &run.templar.engine.syntax;
    let value = run.nested(|| compile::render_with(run, root, &name, &text, syntax))?;
    // What puts nothing out is nothing beside what else there is.
    Ok(match python::output(&value) {
        text if text.is_empty() => Value::from(()),
        text => Value::from(text),
    })
}
