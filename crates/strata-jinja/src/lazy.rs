//! Lists and mappings of variables whose templates are rendered where they are touched.

use std::{fmt, sync::Arc};

use minijinja::{
    Value,
    value::{Enumerator, Object, ObjectRepr},
};
use serde_json::{Map, Value as Json};

use crate::{UNSAFE_KEY, convert, python, run::Run};

/// A list or mapping inside of a variable.
pub(crate) struct Lazy {
    run: Arc<Run>,
    root: Root,
    path: Vec<Step>,
    templates: bool,
}

/// What a variable is, as it stands where it comes from.
#[derive(Clone)]
pub(crate) enum Root {
    /// A value of its own.
    Whole(Arc<Json>),
    /// An entry of a mapping.
    Entry(Arc<Map<String, Json>>, Arc<str>),
}

impl Root {
    fn json(&self) -> &Json {
        match self {
            Self::Whole(json) => json,
            Self::Entry(map, name) => &map[&**name],
        }
    }
}

#[derive(Clone)]
enum Step {
    Key(Arc<str>),
    Index(usize),
}

/// The value of a variable; `templates` says whether texts in it are rendered.
pub(crate) fn value(run: &Arc<Run>, root: Root, templates: bool) -> Value {
    let whole = Lazy {
        run: run.clone(),
        root,
        path: Vec::new(),
        templates,
    };
    whole.realize(Vec::new(), whole.root.json())
}

impl Lazy {
    fn node(&self) -> &Json {
        let mut node = self.root.json();
        for step in &self.path {
            node = match step {
                Step::Key(key) => &node[&**key],
                Step::Index(index) => &node[*index],
            };
        }
        node
    }

    /// The subtree as it stands, if nothing in it can be a template.
    pub(crate) fn plain(&self) -> Option<&Json> {
        (!self.templates).then(|| self.node())
    }

    fn child(&self, step: Step, json: &Json) -> Value {
        let mut path = self.path.clone();
        path.push(step);
        self.realize(path, json)
    }

    fn realize(&self, path: Vec<Step>, json: &Json) -> Value {
        match json {
            Json::String(text) if self.templates => self.run.text(text),
            Json::Object(_) if Run::is_vault(json) => self.run.vault(json),
            Json::Object(_) | Json::Array(_) => match convert::marked(json, UNSAFE_KEY) {
                Some(text) => Value::from(text),
                None => Value::from_object(Self {
                    run: self.run.clone(),
                    root: self.root.clone(),
                    path,
                    templates: self.templates,
                }),
            },
            scalar => convert::scalar(scalar),
        }
    }

    fn item(&self, index: usize) -> Option<Value> {
        let json = self.node().as_array()?.get(index)?;
        Some(self.child(Step::Index(index), json))
    }

    fn entry(&self, key: &str) -> Option<Value> {
        let json = self.node().as_object()?.get(key)?;
        Some(self.child(Step::Key(key.into()), json))
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.node())
    }
}

impl Object for Lazy {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.node().is_array() {
            ObjectRepr::Seq
        } else {
            ObjectRepr::Map
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match self.node() {
            Json::Array(_) => self.item(key.as_usize()?),
            _ => match key.as_str() {
                Some(key) => self.entry(key),
                // JSON has only texts as keys where YAML may have had a number.
                None => self.entry(&key.to_string()),
            },
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.entry(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.node() {
            Json::Array(items) => Enumerator::Seq(items.len()),
            Json::Object(map) => {
                Enumerator::Values(map.keys().map(|key| Value::from(key.as_str())).collect())
            }
            _ => Enumerator::Empty,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&python::text(&Value::from_dyn_object(self.clone())))
    }
}
