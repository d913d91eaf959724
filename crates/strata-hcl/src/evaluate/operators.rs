//! Arithmetic, comparison, logic.

use std::cmp::Ordering;

use strata_core::{
    Marks, Number, Type, Value,
    value::{self, Unknown},
};

use crate::syntax::{
    ByteRange,
    node::{BinaryOperator as B, Node, Operation, UnaryOperator},
};

use super::{Evaluator, failed};

impl Evaluator<'_> {
    pub(super) fn binary(&mut self, first: &Node, operations: &[Operation]) -> Value {
        let mut left = self.node(first);
        let mut range = first.range;
        for operation in operations {
            let right = match decided(&left, operation.operator) {
                Some(decided) => match self.beside_the_point(&operation.right) {
                    Some(right) => right,
                    None => decided,
                },
                None => self.node(&operation.right),
            };
            left = self.operate(&left, operation, &right, range);
            range = range.to(operation.right.range);
        }
        left
    }

    /// The right side of `&&` or `||` where the left one decides: a mistake in it does no harm, as in Terraform 1.12.
    fn beside_the_point(&mut self, right: &Node) -> Option<Value> {
        let (value, diags) = self.apart(|evaluator| evaluator.node(right));
        let fits = !value.is_null() && value.unmarked().convert(&Type::Bool).is_ok();
        (fits && !diags.has_errors()).then_some(value)
    }

    fn operate(
        &mut self,
        left: &Value,
        operation: &Operation,
        right: &Value,
        range: ByteRange,
    ) -> Value {
        if matches!(operation.operator, B::Equal | B::NotEqual) {
            let mut marks = Marks::NONE;
            let same = equal(left, right, &mut marks);
            let wanted = operation.operator == B::Equal;
            return match same {
                Some(same) => Value::Bool(same == wanted),
                None => unknown(Type::Bool),
            }
            .with_marks(marks);
        }
        let ty = match operation.operator {
            B::Or | B::And => Type::Bool,
            _ => Type::Number,
        };
        let marks = left.marks() | right.marks();
        let left = self.operand(left, &ty, range, "left");
        let right = self.operand(right, &ty, operation.right.range, "right");
        let (Some(left), Some(right)) = (left, right) else {
            return unknown(result_type(operation.operator)).with_marks(marks);
        };
        self.compute(&left, operation, &right).with_marks(marks)
    }

    /// An operand as the operator needs it; none if that cannot be.
    fn operand(&mut self, value: &Value, ty: &Type, range: ByteRange, side: &str) -> Option<Value> {
        let (summary, detail) = match value.unmarked() {
            Value::Null(_) => (
                "Operation failed",
                "Error during operation: argument must not be null.".to_owned(),
            ),
            value => match value.convert(ty) {
                Ok(value) => return Some(value),
                Err(error) => (
                    "Invalid operand",
                    format!("Unsuitable value for {side} operand: {error}."),
                ),
            },
        };
        self.report(range, "invalid-operand", summary, detail);
        None
    }

    fn compute(&mut self, left: &Value, operation: &Operation, right: &Value) -> Value {
        match (left, right) {
            (Value::Bool(left), Value::Bool(right)) => match operation.operator {
                B::And => Value::Bool(*left && *right),
                _ => Value::Bool(*left || *right),
            },
            (Value::Number(left), Value::Number(right)) => self.arithmetic(left, operation, right),
            // What one side decides alone is known, whatever the other will be.
            (Value::Bool(known), _) | (_, Value::Bool(known)) => match operation.operator {
                B::And if !known => Value::Bool(false),
                B::Or if *known => Value::Bool(true),
                _ => unknown(Type::Bool),
            },
            _ => unknown(result_type(operation.operator)),
        }
    }

    fn arithmetic(&mut self, left: &Number, operation: &Operation, right: &Number) -> Value {
        let order = left.cmp(right);
        let number = match operation.operator {
            B::Less => return Value::Bool(order == Ordering::Less),
            B::LessOrEqual => return Value::Bool(order != Ordering::Greater),
            B::Greater => return Value::Bool(order == Ordering::Greater),
            B::GreaterOrEqual => return Value::Bool(order != Ordering::Less),
            B::Add => left.add(right),
            B::Subtract => left.subtract(right),
            B::Multiply => left.multiply(right),
            B::Divide => left.divide(right),
            B::Remainder => left.remainder(right),
            B::Or | B::And | B::Equal | B::NotEqual => return failed(),
        };
        match number {
            Some(number) => Value::Number(number),
            None => self.report(
                operation.right.range,
                "operation-failed",
                "Operation failed",
                format!("Error during operation: {}.", undefined(operation.operator)),
            ),
        }
    }

    pub(super) fn unary(&mut self, operator: UnaryOperator, operand: &Node) -> Value {
        let ty = match operator {
            UnaryOperator::Negate => Type::Number,
            UnaryOperator::Not => Type::Bool,
        };
        let value = self.node(operand);
        let marks = value.marks();
        let result = match self.operand(&value, &ty, operand.range, "unary") {
            Some(Value::Number(number)) => Value::Number(number.negate()),
            Some(Value::Bool(truth)) => Value::Bool(!truth),
            _ => unknown(ty),
        };
        result.with_marks(marks)
    }
}

fn unknown(ty: Type) -> Value {
    Value::from(Unknown {
        ty,
        not_null: true,
        prefix: None,
        length: None,
    })
}

/// Why an operation with infinite numbers, or zeros, has no result.
fn undefined(operator: B) -> &'static str {
    match operator {
        B::Add => "can't compute sum of opposing infinities",
        B::Subtract => "can't subtract infinity from itself",
        B::Multiply => "can't multiply zero by infinity",
        B::Divide => "can't divide zero by zero or infinity by infinity",
        _ => "can't use modulo with zero and infinity",
    }
}

/// What `&&` or `||` gives whatever stands on the right; none if that counts.
fn decided(left: &Value, operator: B) -> Option<Value> {
    let decides = match operator {
        B::And => false,
        B::Or => true,
        _ => return None,
    };
    let left = left.unmarked().convert(&Type::Bool).ok()?;
    (left.as_bool() == Some(decides)).then_some(Value::Bool(decides))
}

fn result_type(operator: B) -> Type {
    match operator {
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Remainder => Type::Number,
        _ => Type::Bool,
    }
}

/// Whether two values are equal; none if that depends on what is unknown. Values of different types differ.
pub(crate) fn equal(left: &Value, right: &Value, marks: &mut Marks) -> Option<bool> {
    *marks |= left.marks() | right.marks();
    let first = left.unmarked();
    match (first, right.unmarked()) {
        (Value::Null(_), Value::Null(_)) => Some(true),
        (Value::Unknown(unknown), other) | (other, Value::Unknown(unknown)) => {
            unknown_equal(unknown, other)
        }
        (Value::Null(_), _) | (_, Value::Null(_)) => Some(false),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Number(left), Value::Number(right)) => Some(left == right),
        (Value::String(left), Value::String(right)) => Some(left == right),
        (Value::List(a, left), Value::List(b, right))
        | (Value::Set(a, left), Value::Set(b, right)) => {
            if a != b {
                return Some(false);
            }
            // What is not known in a set may turn out to be another element of it.
            let is_open = |items: &[Value]| !items.iter().all(Value::is_wholly_known);
            if matches!(first, Value::Set(..)) && (is_open(left) || is_open(right)) {
                return None;
            }
            equal_items(left, right, marks)
        }
        (Value::Tuple(left), Value::Tuple(right)) => equal_items(left, right, marks),
        (Value::Map(a, left), Value::Map(b, right)) => {
            if a != b {
                return Some(false);
            }
            equal_entries(left, right, marks)
        }
        (Value::Object(left), Value::Object(right)) => equal_entries(left, right, marks),
        _ => Some(false),
    }
}

fn unknown_equal(unknown: &Unknown, other: &Value) -> Option<bool> {
    match other {
        Value::Null(_) if unknown.not_null => Some(false),
        Value::String(text) => match &unknown.prefix {
            Some(prefix) if !text.starts_with(&**prefix) => Some(false),
            _ => differs_in_type(unknown, other),
        },
        Value::Null(_) | Value::Unknown(_) => None,
        _ => differs_in_type(unknown, other),
    }
}

/// Values of different types differ, whatever one of them turns out to be.
fn differs_in_type(unknown: &Unknown, other: &Value) -> Option<bool> {
    let is_told = !unknown.ty.has_dynamic();
    (is_told && unknown.ty != other.ty()).then_some(false)
}

fn equal_items(left: &[Value], right: &[Value], marks: &mut Marks) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    all(left
        .iter()
        .zip(right)
        .map(|(left, right)| equal(left, right, marks)))
}

fn equal_entries(left: &value::Entries, right: &value::Entries, marks: &mut Marks) -> Option<bool> {
    if left.len() != right.len() || !left.keys().eq(right.keys()) {
        return Some(false);
    }
    all(left
        .values()
        .zip(right.values())
        .map(|(left, right)| equal(left, right, marks)))
}

/// False if one is false, else unknown if one is.
fn all(results: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for result in results {
        match result {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}
