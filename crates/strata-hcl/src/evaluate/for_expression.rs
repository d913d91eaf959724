//! `[for …]` and `{for …}`.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use strata_core::{Diagnostic, Marks, Text, Type, Value, value};

use crate::syntax::{
    ByteRange, Name,
    node::{For, Node},
};

use super::{Evaluator, failed};

/// What a `for` goes through.
pub(super) enum Entries {
    /// So many elements, each of which [`Evaluator::bind`] takes from the collection.
    Known(usize),
    Unknown,
    Mistaken,
}

/// Where the variables of a `for` are among all that are bound.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    key: Option<usize>,
    value: usize,
}

/// What a `for` has made so far.
#[derive(Default)]
pub(super) struct Made {
    items: Vec<Value>,
    entries: Vec<(Text, Value)>,
    marks: Marks,
    unknown: bool,
}

impl Made {
    /// Nothing yet, with room for what so many elements become.
    pub(super) fn with_room(inner: &For, count: usize) -> Self {
        let mut made = Self::default();
        match (&inner.condition, &inner.key) {
            (Some(_), _) => {}
            (None, Some(_)) => made.entries.reserve_exact(count),
            (None, None) => made.items.reserve_exact(count),
        }
        made
    }

    /// Adds what later elements became.
    pub(super) fn append(&mut self, mut later: Self) {
        if self.items.is_empty() && self.entries.is_empty() {
            later.marks |= self.marks;
            later.unknown |= self.unknown;
            *self = later;
            return;
        }
        self.items.append(&mut later.items);
        self.entries.append(&mut later.entries);
        self.marks |= later.marks;
        self.unknown |= later.unknown;
    }
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&mut self, inner: &For) -> Value {
        let collection = self.node(&inner.collection);
        let marks = collection.marks();
        let count = match self.entries(&collection, inner.collection.range) {
            Entries::Known(count) => count,
            Entries::Unknown | Entries::Mistaken => return failed().with_marks(marks),
        };
        let before = self.diags.len();
        let mut made = match self.in_parts(inner, &collection, count) {
            Some(made) => made,
            None => {
                let mut made = Made::with_room(inner, count);
                self.rounds(inner, &collection, 0..count, &mut made);
                made
            }
        };
        made.marks |= marks;
        match self.diags.len() > before {
            true => failed().with_marks(made.marks),
            false => self.finish(inner, made),
        }
    }

    /// Goes through some elements, up to the first with a mistake.
    pub(super) fn rounds(
        &mut self,
        inner: &For,
        collection: &Value,
        elements: Range<usize>,
        made: &mut Made,
    ) {
        let before = self.diags.len();
        let names = (inner.key_name.as_ref(), &inner.value_name);
        self.with_bound(names, |evaluator, slot| {
            for at in elements {
                evaluator.bind(slot, collection, at);
                evaluator.round(inner, made);
                // What is mistaken for one element mostly is for all; once is enough.
                if evaluator.diags.len() > before {
                    return;
                }
            }
        });
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
        let text = self.object_key(key_value, key.range, &mut made.marks, true);
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

    /// How many elements a collection holds.
    pub(super) fn entries(&mut self, collection: &Value, range: ByteRange) -> Entries {
        match collection.unmarked() {
            Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
                Entries::Known(items.len())
            }
            Value::Map(_, entries) | Value::Object(entries) => Entries::Known(entries.len()),
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

    /// Runs with the variables of a `for`, a key if it has a name and a value, which [`Evaluator::bind`] sets.
    pub(super) fn with_bound(
        &mut self,
        (key, value): (Option<&Name>, &Name),
        run: impl FnOnce(&mut Self, Slot),
    ) {
        let before = self.bound.len();
        for name in key.into_iter().chain([value]) {
            self.bound.push((name.text.clone(), failed()));
        }
        let slot = Slot {
            key: key.map(|_| before),
            value: self.bound.len() - 1,
        };
        run(self, slot);
        self.bound.truncate(before);
    }

    /// Sets the variables of a `for` to an element of its collection.
    pub(super) fn bind(&mut self, slot: Slot, collection: &Value, at: usize) {
        let (key, value) = match collection.unmarked() {
            Value::List(_, items) | Value::Tuple(items) => (None, &items[at]),
            Value::Set(_, items) => (slot.key.map(|_| items[at].clone()), &items[at]),
            Value::Map(_, entries) | Value::Object(entries) => {
                let Some((key, value)) = entries.at(at) else {
                    return;
                };
                (slot.key.map(|_| Value::String(key.clone())), value)
            }
            _ => return,
        };
        self.bound[slot.value].1 = value.clone();
        if let Some(slot) = slot.key {
            self.bound[slot].1 = key.unwrap_or_else(|| Value::number(at));
        }
    }
}

fn grouped(entries: Vec<(Text, Value)>) -> Value {
    let mut groups: BTreeMap<Text, Vec<Value>> = BTreeMap::new();
    for (key, value) in entries {
        groups.entry(key).or_default().push(value);
    }
    Value::object(
        groups
            .into_iter()
            .map(|(key, values)| (key, Value::tuple(values))),
    )
}
