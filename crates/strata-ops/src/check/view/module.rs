//! A module while it is expanded: what its expressions may refer to, and what they give.

use std::{cell::RefCell, collections::BTreeMap, path::Path, rc::Rc, sync::Arc};

use strata_core::{Diagnostics, Type, Value, files::Files};
use strata_hcl::{Environment, Expression, Reference, Resolved, Scope};

use super::hcl::Folder;

/// What `each` and `count` stand for.
#[derive(Clone)]
pub(super) struct Each {
    pub(super) key: Value,
    pub(super) value: Value,
    pub(super) count: bool,
}

/// Names that `dynamic` blocks bind.
pub(super) type Bound = [(Arc<str>, Value)];

/// A value of which nothing is known.
pub(super) fn unknown() -> Value {
    Value::unknown(Type::Dynamic)
}

/// A called module with the values of its variables.
pub(super) struct Module<'a> {
    pub(super) folder: &'a Folder,
    variables: BTreeMap<Arc<str>, Value>,
    expressions: BTreeMap<Arc<str>, &'a Expression>,
    /// Locals that were asked for; none while one is worked out.
    locals: Rc<RefCell<BTreeMap<Arc<str>, Option<Value>>>>,
    pub(super) files: &'a dyn Files,
    pub(super) root: &'a Path,
}

impl<'a> Module<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        variables: BTreeMap<Arc<str>, Value>,
        files: &'a dyn Files,
        root: &'a Path,
    ) -> Self {
        let locals = folder
            .blocks("locals")
            .flat_map(|block| &block.body.attributes);
        Self {
            folder,
            variables,
            expressions: locals
                .map(|attribute| (attribute.name.text.clone(), &attribute.expression))
                .collect(),
            locals: Rc::default(),
            files,
            root,
        }
    }

    pub(super) fn evaluate(&self, expression: &Expression, each: Option<&Each>) -> Value {
        InstanceScope {
            module: self,
            each,
            bound: &[],
        }
        .evaluate(expression)
    }

    fn local(&self, name: &str) -> Value {
        if let Some(known) = self.locals.borrow().get(name) {
            return known.clone().unwrap_or_else(unknown);
        }
        let Some(expression) = self.expressions.get(name) else {
            return unknown();
        };
        self.locals.borrow_mut().insert(name.into(), None);
        let value = self.evaluate(expression, None);
        self.locals
            .borrow_mut()
            .insert(name.into(), Some(value.clone()));
        value
    }

    /// The range that a local or a variable `vm_id_range` declares.
    pub(super) fn id_range(&self) -> Option<(i64, i64)> {
        ["vm_id_range", "vmid_range", "vm_ids"]
            .iter()
            .find_map(|name| {
                let variable = self.variables.get(*name).cloned();
                range(&variable.unwrap_or_else(|| self.local(name)))
            })
    }
}

/// Reads `[100, 199]` or `{ min = 100, max = 199 }`.
fn range(value: &Value) -> Option<(i64, i64)> {
    let number = |value: &Value| value.as_number()?.as_i64();
    if let Some([low, high]) = value.as_sequence() {
        return Some((number(low)?, number(high)?));
    }
    let end = |names: [&str; 4]| names.iter().find_map(|name| number(value.get(name)?));
    value.as_entries()?;
    Some((
        end(["min", "start", "from", "first"])?,
        end(["max", "end", "to", "last"])?,
    ))
}

/// What expressions of one instance of a block may refer to.
pub(super) struct InstanceScope<'a> {
    pub(super) module: &'a Module<'a>,
    pub(super) each: Option<&'a Each>,
    pub(super) bound: &'a Bound,
}

impl InstanceScope<'_> {
    pub(super) fn evaluate(&self, expression: &Expression) -> Value {
        let mut ignored = Diagnostics::new();
        let value = strata_hcl::evaluate(expression, self, &mut ignored);
        value.unmark_deep(&mut strata_core::Marks::default())
    }

    fn each(&self, reference: &Reference<'_>) -> Resolved {
        let value = match (self.each, reference.attribute(0)) {
            (Some(each), Some("key")) if !each.count => each.key.clone(),
            (Some(each), Some("value")) if !each.count => each.value.clone(),
            _ => unknown(),
        };
        Resolved::new(value, 1)
    }

    fn count(&self) -> Resolved {
        let each = self.each.filter(|each| each.count);
        Resolved::new(each.map_or_else(unknown, |each| each.key.clone()), 1)
    }

    fn path(&self, reference: &Reference<'_>) -> Resolved {
        let path = match reference.attribute(0) {
            Some("module") => &self.module.folder.path,
            Some("root") => self.module.root,
            _ => return Resolved::failed(),
        };
        let text = path.display().to_string();
        Resolved::new(
            Value::string(if text.is_empty() { ".".into() } else { text }),
            1,
        )
    }
}

impl Scope for InstanceScope<'_> {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let name = reference.attribute(0).unwrap_or_default();
        let bound = self.bound.iter().rev();
        if let Some((_, value)) = bound
            .into_iter()
            .find(|(name, _)| **name == *reference.root)
        {
            return Some(Resolved::new(value.clone(), 0));
        }
        Some(match reference.root {
            "var" => {
                let value = self.module.variables.get(name).cloned();
                Resolved::new(value.unwrap_or_else(unknown), 1)
            }
            "local" => Resolved::new(self.module.local(name), 1),
            "each" => self.each(reference),
            "count" => self.count(),
            "path" => self.path(reference),
            _ => Resolved::failed(),
        })
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            files: Some(self.module.files),
            directory: Path::new("."),
            ..Environment::none()
        }
    }
}
