//! `[for …]` and `{for …}`.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Marks, Type, Value, value};

use crate::syntax::{
    ByteRange, Name,
    node::{For, Node},
};

use super::{Evaluator, failed};

/// What a `for` goes through: keys and values in order.
pub(super) enum Entries {
    Known(Box<dyn Iterator<Item = (Value, Value)>>),
    Unknown,
    Mistaken,
}

/// What a `for` has made so far.
#[derive(Default)]
struct Made {
    items: Vec<Value>,
    entries: Vec<(Arc<str>, Value)>,
    marks: Marks,
    unknown: bool,
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&mut self, inner: &For) -> Value {
        let collection = self.node(&inner.collection);
        let mut made = Made {
            marks: collection.marks(),
            ..Made::default()
        };
        let entries = match self.entries(&collection, inner.collection.range) {
            Entries::Known(entries) => entries,
            Entries::Unknown | Entries::Mistaken => return failed().with_marks(made.marks),
        };
        let before = self.diags.len();
        match (&inner.condition, &inner.key) {
            (Some(_), _) => {}
            (None, Some(_)) => made.entries.reserve_exact(entries.size_hint().0),
            (None, None) => made.items.reserve_exact(entries.size_hint().0),
        }
        for (key, value) in entries {
            self.with_bound(
                &inner.key_name,
                &inner.value_name,
                key,
                value,
                |evaluator| {
                    evaluator.round(inner, &mut made);
                },
            );
            // What is mistaken for one element mostly is for all; once is enough.
            if self.diags.len() > before {
                return failed().with_marks(made.marks);
            }
        }
        self.finish(inner, made)
    }

    fn round(&mut self, inner: &For, made: &mut Made) {
        if let Some(condition) = &inner.condition {
            match self.condition(condition, &mut made.marks) {
                Some(true) => {}
                Some(false) => return,
                None => {
                    made.unknown = true;
                    return;
                }
            }
        }
        let Some(key) = &inner.key else {
            let value = self.node(&inner.value);
            made.items.push(value);
            return;
        };
        let key_value = self.node(key);
        let text = self.object_key(&key_value, key.range, &mut made.marks, true);
        let value = self.node(&inner.value);
        match text {
            Some(text) => made.entries.push((text, value)),
            None => made.unknown = true,
        }
    }

    fn condition(&mut self, condition: &Node, marks: &mut Marks) -> Option<bool> {
        let value = self.node(condition);
        *marks |= value.marks();
        let (summary, detail) = match value.unmarked() {
            Value::Null(_) => (
                "Condition is null",
                "The value of the 'if' clause must not be null.".to_owned(),
            ),
            value => match value.convert(&Type::Bool) {
                Ok(truth) => return truth.as_bool(),
                Err(error) => (
                    "Invalid 'for' condition",
                    format!("The 'if' clause value is invalid: {error}."),
                ),
            },
        };
        self.report(condition.range, "invalid-condition", summary, detail);
        None
    }

    fn finish(&mut self, inner: &For, made: Made) -> Value {
        let marks = made.marks;
        if made.unknown {
            return failed().with_marks(marks);
        }
        let Some(key) = &inner.key else {
            return Value::tuple(made.items).with_marks(marks);
        };
        let result = if inner.group {
            grouped(made.entries)
        } else {
            match value::Entries::distinct(made.entries) {
                Ok(entries) => Value::Object(Arc::new(entries)),
                Err(double) => self.duplicate_key(&double, key.range, marks),
            }
        };
        result.with_marks(marks)
    }

    fn duplicate_key(&mut self, key: &str, range: ByteRange, marks: Marks) -> Value {
        let detail = if marks.contains(Marks::SENSITIVE) {
            "Two different items produced the same sensitive key in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.".to_owned()
        } else {
            format!(
                "Two different items produced the key {key:?} in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key."
            )
        };
        let diagnostic = Diagnostic::error("duplicate-object-key", "Duplicate object key")
            .detail(detail)
            .at(self.span(range));
        self.diags.push(diagnostic);
        failed()
    }

    /// What a collection holds, in the order in which a `for` goes through it.
    pub(super) fn entries(&mut self, collection: &Value, range: ByteRange) -> Entries {
        match collection.unmarked() {
            Value::List(_, items) | Value::Tuple(items) => {
                let items = items.clone();
                Entries::Known(Box::new(
                    (0..items.len()).map(move |at| (Value::number(at), items[at].clone())),
                ))
            }
            Value::Set(_, items) => {
                let items = items.clone();
                let each = move |at: usize| (items[at].clone(), items[at].clone());
                let count = collection.as_sequence().map_or(0, <[Value]>::len);
                Entries::Known(Box::new((0..count).map(each)))
            }
            Value::Map(_, entries) | Value::Object(entries) => {
                let entries = entries.clone();
                let each = move |at: usize| {
                    let (key, value) = entries.at(at)?;
                    Some((Value::String(key.clone()), value.clone()))
                };
                let count = collection.as_entries().map_or(0, value::Entries::len);
                Entries::Known(Box::new((0..count).map_while(each)))
            }
            Value::Unknown(unknown) if !unknown.ty.is_primitive() => Entries::Unknown,
            Value::Null(_) => {
                self.report(
                    range,
                    "iteration-over-null",
                    "Iteration over null value",
                    "A null value cannot be used as the collection in a 'for' expression.",
                );
                Entries::Mistaken
            }
            other => {
                let ty = other.ty().friendly_name();
                let detail = format!(
                    "A value of type {ty} cannot be used as the collection in a 'for' expression."
                );
                self.report(
                    range,
                    "not-iterable",
                    "Iteration over non-iterable value",
                    detail,
                );
                Entries::Mistaken
            }
        }
    }

    pub(super) fn with_bound(
        &mut self,
        key_name: &Option<Name>,
        value_name: &Name,
        key: Value,
        value: Value,
        run: impl FnOnce(&mut Self),
    ) {
        let before = self.bound.len();
        if let Some(name) = key_name {
            self.bound.push((name.text.clone(), key));
        }
        self.bound.push((value_name.text.clone(), value));
        run(self);
        self.bound.truncate(before);
    }
}

fn grouped(entries: Vec<(Arc<str>, Value)>) -> Value {
    let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
    for (key, value) in entries {
        groups.entry(key).or_default().push(value);
    }
    Value::object(
        groups
            .into_iter()
            .map(|(key, values)| (key, Value::tuple(values))),
    )
}
