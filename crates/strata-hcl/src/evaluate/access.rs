//! Attributes, indexes and splats.

use std::sync::Arc;

use strata_core::{Diagnostic, Number, Type, Value, value::Unknown};

use crate::syntax::{
    ByteRange,
    node::{Step, StepKind},
};

use super::{Evaluator, failed};

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
                    // `.0` is a step of each element, `[0]` one of the result.
                    let is_attribute = |step: &Step| match step.kind {
                        StepKind::Attribute(_) => true,
                        StepKind::Index(_) => step.range.text(self.source).starts_with('.'),
                        StepKind::Splat | StepKind::AttributeSplat => false,
                    };
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
                    "This value is null, so it does not have any attributes.",
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
        let (code, summary) = ("unsupported-attribute", "Unsupported attribute");
        let mut diagnostic = match type_shape(of) {
            Shape::Object => Diagnostic::error(code, summary).detail(format!(
                "This object does not have an attribute named {name:?}."
            )),
            Shape::Map => Diagnostic::error(code, "Missing map element").detail(format!(
                "This map does not have an element with the key {name:?}."
            )),
            Shape::Sequence => Diagnostic::error(code, summary)
                .detail("This value does not have any attributes.")
                .hint(format!(
                    "take one element, as in `[0].{name}`, or all of them: `[*].{name}`"
                )),
            Shape::Primitive => Diagnostic::error(code, summary).detail(format!(
                "Can't access attributes on a primitive-typed value ({}).",
                of.ty().friendly_name()
            )),
            Shape::Other => {
                Diagnostic::error(code, summary).detail("This value does not have any attributes.")
            }
        }
        .at(self.span(range));
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
                    "This value is null, so it does not have any indices.",
                );
            }
            (_, Value::Null(_)) => {
                return invalid(
                    self,
                    "Can't use a null value as an indexing key.".to_owned(),
                );
            }
            (Value::List(..) | Value::Tuple(_), key) => self.element(of, key, range),
            (Value::Map(..) | Value::Object(_), key) => self.entry(of, key, range),
            (Value::Unknown(unknown), _) => match &unknown.ty {
                Type::Tuple(items) if is_outside(items.len(), key) => {
                    let number = key.as_number().expect("only numbers lie outside");
                    let detail = outside(number, items.is_empty());
                    return self.report(range, "invalid-index", "Invalid index", detail);
                }
                Type::Dynamic | Type::Tuple(_) => unknown_element(&unknown.ty, key),
                Type::List(element) | Type::Map(element) => Value::unknown(Type::clone(element)),
                Type::Object(_) => match key.as_str() {
                    Some(name) => return self.attribute(of, name, range).with_marks(marks),
                    None => failed(),
                },
                Type::Set(_) => return invalid(self, SET_INDEX.to_owned()),
                _ => {
                    return invalid(self, NO_INDICES.to_owned());
                }
            },
            (Value::Set(..), _) => return invalid(self, SET_INDEX.to_owned()),
            _ => {
                return invalid(self, NO_INDICES.to_owned());
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
                outside(&number, items.is_empty())
            }
            Ok(_) => return Value::unknown(element),
            Err(error) => format!("{NO_ELEMENT}: {error}."),
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
                None if matches!((of, key), (Value::Object(_), Value::Number(_))) => {
                    let only = "An object only supports looking up attributes by name, not by numeric index";
                    format!("{NO_ELEMENT}. {only}.")
                }
                None => format!("{NO_ELEMENT}."),
            },
            Ok(_) => return Value::unknown(element),
            Err(error) => format!("{NO_ELEMENT}: {error}."),
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
                    "Splat expressions (with the * symbol) cannot be applied to null sequences.",
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

const SET_INDEX: &str = "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.";
const NO_INDICES: &str = "This value does not have any indices.";
const NO_ELEMENT: &str = "The given key does not identify an element in this collection value";

/// Why a number is no index of a sequence.
fn outside(number: &Number, empty: bool) -> String {
    let why = match () {
        () if empty => ": the collection has no elements",
        () if !number.is_whole() => {
            ": indexing a sequence requires a whole number, but the given index has a fractional part"
        }
        () if *number < Number::ZERO => ": a negative number is not a valid index for a sequence",
        () => ": the given index is greater than or equal to the length of the collection",
    };
    format!("{NO_ELEMENT}{why}.")
}

/// True if a key leads to no element of a tuple, however its elements turn out.
fn is_outside(length: usize, key: &Value) -> bool {
    key.as_number()
        .is_some_and(|number| number.as_usize().is_none_or(|at| at >= length))
}

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
    Primitive,
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
            ty if ty.is_primitive() => Shape::Primitive,
            _ => Shape::Other,
        },
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Shape::Primitive,
        _ => Shape::Other,
    }
}
