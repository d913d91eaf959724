//! `condition ? then : otherwise`.

use strata_core::{
    Type, Value,
    value::{Unknown, unify},
};

use crate::syntax::node::Conditional;

use super::{Evaluator, failed};

impl Evaluator<'_> {
    /// Evaluates both sides, for the result has the type they share; only mistakes of the chosen one count.
    pub(super) fn conditional(&mut self, inner: &Conditional) -> Value {
        let condition = self.node(&inner.condition);
        let marks = condition.marks();
        let (then, then_diags) = self.apart(|evaluator| evaluator.node(&inner.then));
        let (otherwise, other_diags) = self.apart(|evaluator| evaluator.node(&inner.otherwise));
        let chosen = self.truth(&condition, inner);
        match chosen {
            Some(true) => self.diags.append(then_diags),
            Some(false) => self.diags.append(other_diags),
            // Which of them counts is told when the condition is.
            None => {}
        }
        let Some(ty) = common_type(&then, &otherwise) else {
            let ours = then.ty().friendly_name();
            let theirs = otherwise.ty().friendly_name();
            let range = inner.then.range.to(inner.otherwise.range);
            return self
                .report(
                    range,
                    "inconsistent-conditional",
                    "Inconsistent conditional result types",
                    format!(
                        "The true and false result expressions must have consistent types. The 'true' value is {ours}, but the 'false' value is {theirs}."
                    ),
                )
                .with_marks(marks);
        };
        // As in Terraform: the one that is not chosen tells of itself by its type.
        let marks = marks | then.marks() | otherwise.marks();
        let result = match chosen {
            Some(true) => convert(then, ty.as_ref()),
            Some(false) => convert(otherwise, ty.as_ref()),
            None => either(&then, &otherwise, ty),
        };
        result.with_marks(marks)
    }

    /// The condition's truth; none if it is unknown or mistaken.
    fn truth(&mut self, condition: &Value, inner: &Conditional) -> Option<bool> {
        let (summary, detail) = match condition.unmarked() {
            Value::Null(_) => NULL_CONDITION,
            condition => match condition.convert(&Type::Bool) {
                Ok(truth) => return truth.as_bool(),
                Err(_) => CONDITION_TYPE,
            },
        };
        self.report(inner.condition.range, "invalid-condition", summary, detail);
        None
    }
}

pub(super) const NULL_CONDITION: (&str, &str) = (
    "Null condition",
    "The condition value is null. Conditions must either be true or false.",
);
pub(super) const CONDITION_TYPE: (&str, &str) = (
    "Incorrect condition type",
    "The condition expression must be of type bool.",
);

/// The type to convert both to: `Some(None)` where nothing needs converting, `None` where there is no such type.
fn common_type(then: &Value, otherwise: &Value) -> Option<Option<Type>> {
    match (then.unmarked(), otherwise.unmarked()) {
        (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => Some(None),
        // A null of no type is one of the other side's.
        (Value::Null(Type::Dynamic), other) | (other, Value::Null(Type::Dynamic)) => {
            Some(Some(other.ty()))
        }
        (then, otherwise) => {
            let (ours, theirs) = (then.ty(), otherwise.ty());
            if ours == theirs {
                return Some(None);
            }
            unify([&ours, &theirs]).map(Some)
        }
    }
}

fn convert(value: Value, ty: Option<&Type>) -> Value {
    match ty {
        None => value,
        // Where the types are unified, values convert; numbers in text that are none stay what they are.
        Some(ty) => value.convert(ty).unwrap_or(value),
    }
}

/// A value that will be one of two.
fn either(then: &Value, otherwise: &Value, ty: Option<Type>) -> Value {
    let ty = ty.unwrap_or_else(|| then.ty());
    if then.is_null() && otherwise.is_null() {
        return Value::Null(ty);
    }
    if ty == Type::Dynamic {
        return failed();
    }
    if ty == Type::Number && then.unmarked() == otherwise.unmarked() && then.is_known() {
        return then.unmarked().clone();
    }
    let not_null = |value: &Value| match value.unmarked() {
        Value::Null(_) => false,
        Value::Unknown(unknown) => unknown.not_null,
        _ => true,
    };
    Value::from(Unknown {
        ty,
        not_null: not_null(then) && not_null(otherwise),
        prefix: None,
        length: None,
    })
}
