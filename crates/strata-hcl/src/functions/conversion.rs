//! Types and marks.

use strata_core::{Marks, Type, Value};

use super::{Function, FunctionError, Given, Kind, Parameter, Result_, Returns};

const V: Parameter = Parameter::new("v", Kind::Any).nullable().raw();
const VALUE: Parameter = Parameter::new("value", Kind::Any).nullable().raw();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "tobool",
        &[V],
        Returns::Bool,
        "Converts to bool.",
        |given, _| convert(given, &Type::Bool),
    )
    .or_null(),
    Function::new(
        "tonumber",
        &[V],
        Returns::Number,
        "Converts to a number.",
        |given, _| convert(given, &Type::Number),
    )
    .or_null(),
    Function::new(
        "tostring",
        &[V],
        Returns::String,
        "Converts to a string.",
        |given, _| convert(given, &Type::String),
    )
    .or_null(),
    Function::new(
        "tolist",
        &[V],
        Returns::Dynamic,
        "Converts to a list.",
        |given, _| convert(given, &Type::list(Type::Dynamic)),
    )
    .or_null(),
    Function::new(
        "tomap",
        &[V],
        Returns::Dynamic,
        "Converts to a map.",
        |given, _| convert(given, &Type::map(Type::Dynamic)),
    )
    .or_null(),
    Function::new(
        "toset",
        &[V],
        Returns::Dynamic,
        "Converts to a set.",
        |given, _| convert(given, &Type::set(Type::Dynamic)),
    )
    .or_null(),
    Function::new(
        "sensitive",
        &[VALUE],
        Returns::Same(0),
        "Marks a value as sensitive.",
        |given, _| Ok(first(given).clone().sensitive()),
    )
    .or_null(),
    Function::new(
        "nonsensitive",
        &[VALUE],
        Returns::Same(0),
        "Takes the sensitive mark off a value.",
        |given, _| {
            let value = first(given);
            let marks = value.marks().without(Marks::SENSITIVE);
            Ok(value.unmarked().clone().with_marks(marks))
        },
    )
    .or_null(),
    Function::new(
        "issensitive",
        &[VALUE],
        Returns::Bool,
        "Tells whether a value is sensitive.",
        |given, _| {
            let value = first(given);
            let sensitive = value.marks().contains(Marks::SENSITIVE);
            if !sensitive && !value.is_known() {
                return Ok(Value::unknown(Type::Bool));
            }
            Ok(Value::Bool(sensitive))
        },
    ),
    Function::new(
        "ephemeralasnull",
        &[VALUE],
        Returns::Same(0),
        "Puts null where a value is ephemeral.",
        |given, _| Ok(without_ephemeral(first(given))),
    )
    .or_null(),
];

fn first(given: Given<'_>) -> &Value {
    static NULL: Value = Value::Null(Type::Dynamic);
    given.first().unwrap_or(&NULL)
}

fn convert(given: Given<'_>, ty: &Type) -> Result_ {
    let value = first(given);
    value.convert(ty).map_err(|_| {
        let from = value.ty().friendly_name();
        let text = value.as_str().unwrap_or_default();
        let message = match (ty, value.unmarked()) {
            (Type::Number, Value::String(_)) => format!(
                "cannot convert {text:?} to number; given string must be a decimal representation of a number"
            ),
            (Type::Bool, Value::String(_)) => format!(
                "cannot convert {text:?} to bool; only the strings \"true\" or \"false\" are allowed"
            ),
            (Type::List(_), _) => format!("cannot convert {from} to list of any single type"),
            (Type::Set(_), _) => format!("cannot convert {from} to set of any single type"),
            (Type::Map(_), _) => format!("cannot convert {from} to map of any single type"),
            (ty, _) => format!("cannot convert {from} to {}", ty.friendly_name()),
        };
        FunctionError::argument(0, message)
    })
}

fn without_ephemeral(value: &Value) -> Value {
    if value.marks().contains(Marks::EPHEMERAL) {
        let marks = value.marks().without(Marks::EPHEMERAL);
        return Value::Null(value.ty()).with_marks(marks);
    }
    value.map_children(|_, child| without_ephemeral(child))
}
