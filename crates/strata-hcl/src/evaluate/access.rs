//! Attributes, indexes and splats.

use std::sync::Arc;

use strata_core::{Diagnostic, Type, Value, value::Unknown};

use crate::syntax::{
    ByteRange,
    node::{Step, StepKind},
};

use super::{Evaluator, failed, kind_of};

impl Evaluator<'_> {
    /// Applies steps from left to right.
    pub(super) fn steps(&mut self, mut value: Value, mut steps: &[Step]) -> Value {
        while let Some((step, rest)) = steps.split_first() {
            steps = rest;
            value = match &step.kind {
                StepKind::Attribute(name) => self.attribute(&value, name, step.range),
                StepKind::Index(key) => {
                    let key = self.node(key);
                    self.index(&value, &key, step.range)
                }
                StepKind::Splat => {
                    steps = &[];
                    self.splat(&value, rest, step.range)
                }
                StepKind::AttributeSplat => {
                    let is_attribute = |step: &Step| matches!(step.kind, StepKind::Attribute(_));
                    let end = rest.iter().position(|step| !is_attribute(step));
                    let (inside, after) = rest.split_at(end.unwrap_or(rest.len()));
                    steps = after;
                    self.splat(&value, inside, step.range)
                }
            };
        }
        value
    }

    pub(super) fn attribute(&mut self, of: &Value, name: &str, range: ByteRange) -> Value {
        let marks = of.marks();
        let found = match of.unmarked() {
            Value::Object(attributes) => attributes.get(name).cloned(),
            Value::Map(_, entries) => entries.get(name).cloned(),
            Value::Unknown(unknown) => match &unknown.ty {
                Type::Dynamic => Some(failed()),
                Type::Map(element) => Some(Value::unknown(Type::clone(element))),
                ty => ty.attribute(name).cloned().map(Value::unknown),
            },
            Value::Null(_) => {
                return self.report(
                    range,
                    "attribute-of-null",
                    "Attempt to get attribute from null value",
                    format!("The value is null, so it has no attribute `{name}`."),
                );
            }
            _ => None,
        };
        match found {
            Some(value) => value.with_marks(marks),
            None => self.no_attribute(of, name, range),
        }
    }

    fn no_attribute(&mut self, of: &Value, name: &str, range: ByteRange) -> Value {
        let ty = type_shape(of);
        let mut diagnostic = Diagnostic::error(
            "unsupported-attribute",
            format!("There is no attribute `{name}`"),
        )
        .at(self.span(range));
        diagnostic = match ty {
            Shape::Object => diagnostic.detail(format!("The object does not have `{name}`.")),
            Shape::Map => diagnostic.detail(format!("The map has no element `{name}`.")),
            Shape::Sequence => diagnostic
                .detail(format!(
                    "The value is {}, which has elements, not attributes.",
                    kind_of(of)
                ))
                .hint(format!(
                    "take one element, as in `[0].{name}`, or all of them: `[*].{name}`"
                )),
            Shape::Other => diagnostic.detail(format!(
                "The value is {}, which has no attributes.",
                kind_of(of)
            )),
        };
        if let (Some(entries), false) = (of.as_entries(), of.is_marked_deep())
            && let Some(similar) = crate::functions::similar(name, entries.keys().map(|key| &**key))
        {
            diagnostic = diagnostic.hint(format!("did you mean `{similar}`?"));
        }
        self.diags.push(diagnostic);
        failed()
    }

    pub(super) fn index(&mut self, of: &Value, key: &Value, range: ByteRange) -> Value {
        let marks = of.marks() | key.marks();
        let (of, key) = (of.unmarked(), key.unmarked());
        let invalid = |evaluator: &mut Self, detail: String| {
            evaluator.report(range, "invalid-index", "Invalid index", detail)
        };
        let result = match (of, key) {
            (Value::Null(_), _) => {
                return self.report(
                    range,
                    "index-of-null",
                    "Attempt to index null value",
                    "The value is null, so it has no elements.",
                );
            }
            (_, Value::Null(_)) => return invalid(self, "The index is null.".to_owned()),
            (Value::List(..) | Value::Tuple(_), key) => self.element(of, key, range),
            (Value::Map(..) | Value::Object(_), key) => self.entry(of, key, range),
            (Value::Unknown(unknown), _) => match &unknown.ty {
                Type::Dynamic | Type::Tuple(_) => unknown_element(&unknown.ty, key),
                Type::List(element) | Type::Map(element) => Value::unknown(Type::clone(element)),
                Type::Object(_) => match key.as_str() {
                    Some(name) => return self.attribute(of, name, range).with_marks(marks),
                    None => failed(),
                },
                Type::Set(_) => return invalid(self, SET_INDEX.to_owned()),
                _ => {
                    return invalid(
                        self,
                        format!("The value is {}, which has no elements.", kind_of(of)),
                    );
                }
            },
            (Value::Set(..), _) => return invalid(self, SET_INDEX.to_owned()),
            _ => {
                return invalid(
                    self,
                    format!("The value is {}, which has no elements.", kind_of(of)),
                );
            }
        };
        result.with_marks(marks)
    }

    fn element(&mut self, of: &Value, key: &Value, range: ByteRange) -> Value {
        let element = match of {
            Value::List(element, _) => element.clone(),
            _ => Type::Dynamic,
        };
        let items = of.as_sequence().unwrap_or_default();
        let detail = match key.convert(&Type::Number) {
            Ok(Value::Number(number)) => {
                let found = number.as_usize().and_then(|at| items.get(at));
                if let Some(found) = found {
                    return found.clone();
                }
                if number.is_whole() {
                    let count = items.len();
                    format!("There is no element {number}: {} has {count}.", kind_of(of))
                } else {
                    format!("{number} is not a whole number.")
                }
            }
            Ok(_) => return Value::unknown(element),
            Err(error) => format!("An index of {} must be a number: {error}.", kind_of(of)),
        };
        self.report(range, "invalid-index", "Invalid index", detail)
    }

    fn entry(&mut self, of: &Value, key: &Value, range: ByteRange) -> Value {
        let element = match of {
            Value::Map(element, _) => element.clone(),
            _ => Type::Dynamic,
        };
        let detail = match key.convert(&Type::String) {
            Ok(Value::String(name)) => match of.get(&name) {
                Some(found) => return found.clone(),
                None => format!("There is no element with the key {name:?}."),
            },
            Ok(_) => return Value::unknown(element),
            Err(error) => format!("A key must be text: {error}."),
        };
        self.report(range, "invalid-index", "Invalid index", detail)
    }

    fn splat(&mut self, of: &Value, steps: &[Step], range: ByteRange) -> Value {
        let marks = of.marks();
        let of = of.unmarked();
        let result = match of {
            Value::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                return self.report(
                    range,
                    "splat-of-null",
                    "Splat of null value",
                    "The list is null, so it has no elements to go through.",
                );
            }
            Value::Null(_) => Value::tuple(Vec::new()),
            Value::Unknown(unknown) => self.splat_unknown(unknown, steps),
            Value::List(element, items) | Value::Set(element, items) => {
                match self.each(items, steps) {
                    Some(values) => {
                        let element = match values.first() {
                            Some(first) => first.ty(),
                            None => self.result_type(element, steps),
                        };
                        Value::list(element, values)
                    }
                    None => failed(),
                }
            }
            Value::Tuple(items) => self.each(items, steps).map_or_else(failed, Value::tuple),
            // One value counts as a list of it.
            single => Value::tuple(vec![self.steps(single.clone(), steps)]),
        };
        result.with_marks(marks)
    }

    /// The steps applied to each; none after the first mistake, which the others would only repeat.
    fn each(&mut self, items: &Arc<Vec<Value>>, steps: &[Step]) -> Option<Vec<Value>> {
        let before = self.diags.len();
        let mut values = Vec::with_capacity(items.len());
        for item in items.iter() {
            values.push(self.steps(item.clone(), steps));
            if self.diags.len() > before {
                return None;
            }
        }
        Some(values)
    }

    fn splat_unknown(&mut self, unknown: &Unknown, steps: &[Step]) -> Value {
        match &unknown.ty {
            Type::List(element) | Type::Set(element) => {
                Value::unknown(Type::list(self.result_type(element, steps)))
            }
            Type::Tuple(items) => {
                let items = items.iter().cloned().map(Value::unknown);
                let values = items.map(|item| self.steps(item, steps)).collect();
                Value::tuple(values)
            }
            Type::Dynamic => failed(),
            // Whether it is null, and so the result empty, is not known.
            _ if !unknown.not_null => failed(),
            _ => Value::tuple(vec![self.steps(Value::from(unknown.clone()), steps)]),
        }
    }

    fn result_type(&mut self, element: &Type, steps: &[Step]) -> Type {
        let unknown = Value::unknown(element.clone());
        let (value, _) = self.apart(|evaluator| evaluator.steps(unknown, steps));
        value.ty()
    }
}

const SET_INDEX: &str = "The elements of a set have no order, so none can be picked by an index.";

fn unknown_element(ty: &Type, key: &Value) -> Value {
    let at = key.as_number().and_then(strata_core::Number::as_usize);
    match (ty, at) {
        (Type::Tuple(items), Some(at)) => {
            Value::unknown(items.get(at).cloned().unwrap_or(Type::Dynamic))
        }
        _ => failed(),
    }
}

enum Shape {
    Object,
    Map,
    Sequence,
    Other,
}

fn type_shape(value: &Value) -> Shape {
    match value.unmarked() {
        Value::Object(_) => Shape::Object,
        Value::Map(..) => Shape::Map,
        Value::List(..) | Value::Set(..) | Value::Tuple(_) => Shape::Sequence,
        Value::Unknown(unknown) => match &unknown.ty {
            Type::Object(_) => Shape::Object,
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => Shape::Sequence,
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}
