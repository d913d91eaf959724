//! `count` and `for_each`: how many instances there are, and of what keys.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Marks, Type, Value, value::Entries};
use strata_hcl::{Expression, Scope, evaluate};

use super::{Expansion, Mode};
use crate::module::Repeat;

/// Under which conditions instances are counted.
#[derive(Clone, Copy)]
pub(super) struct Counting {
    /// What is known at all.
    pub(super) mode: Mode,
    /// True if an unknown number is no mistake.
    pub(super) may_be_unknown: bool,
    /// True if nobody knows yet whether there is an instance of the module at all: what is wrong with values that
    /// came into it counts once there is one.
    pub(super) may_be_absent: bool,
}

/// Evaluates `count` or `for_each`; what is wrong is reported, and gives an unknown number.
pub(super) fn expand(
    repeat: &Repeat,
    counting: Counting,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Expansion {
    let result = match repeat {
        Repeat::Once => return Expansion::Single,
        Repeat::Enabled(expression) => {
            let before = diags.len();
            let value = evaluate(expression, scope, diags);
            let reported = diags.len() > before;
            enabled(&value, counting.may_be_unknown || reported)
        }
        Repeat::Count(expression) => {
            let before = diags.len();
            let value = evaluate(expression, scope, diags);
            let reported = diags.len() > before;
            count(&value, counting.may_be_unknown || reported)
        }
        Repeat::ForEach(expression) => {
            let before = diags.len();
            let value = evaluate(expression, scope, diags);
            let reported = diags.len() > before;
            let may_be_unknown = counting.may_be_unknown || reported;
            match counting.may_be_absent && is_sensitive(&value) {
                true => Ok(Expansion::Unknown),
                false => for_each(&value, may_be_unknown),
            }
        }
    };
    let wrong = |(summary, why): (&str, String)| {
        let expression = repeat.expression();
        let code = match repeat {
            Repeat::Count(_) => "invalid-count",
            _ => "invalid-for-each",
        };
        let found = Diagnostic::error(code, summary).detail(why);
        diags.push(match expression.map(Expression::span) {
            Some(span) => found.at(span),
            None => found,
        });
        Expansion::Unknown
    };
    let expansion = result.unwrap_or_else(wrong);
    match counting.mode {
        Mode::Static => Expansion::Unknown,
        Mode::Run => expansion,
    }
}

fn enabled(value: &Value, may_be_unknown: bool) -> Result<Expansion, Wrong> {
    let wrong = |why: String| Err(("Invalid enabled argument", why));
    if !value.marks().is_none() {
        return wrong("The given `enabled` value is sensitive or ephemeral.".to_owned());
    }
    match value.convert(&Type::Bool) {
        Err(error) => wrong(format!("The given `enabled` value is unsuitable: {error}.")),
        Ok(value) if value.is_null() => wrong("The given `enabled` value is null.".to_owned()),
        Ok(value) => match value.as_bool() {
            Some(true) => Ok(Expansion::Single),
            Some(false) => Ok(Expansion::Disabled),
            None if may_be_unknown => Ok(Expansion::Unknown),
            None => wrong(
                "The `enabled` value depends on resource attributes that cannot be determined until apply.".to_owned(),
            ),
        },
    }
}

type Wrong = (&'static str, String);

fn count(value: &Value, may_be_unknown: bool) -> Result<Expansion, Wrong> {
    let wrong = |why: &str| Err(("Invalid count argument", why.to_owned()));
    if value.marks().contains(Marks::EPHEMERAL) {
        return wrong(
            "The given `count` is derived from an ephemeral value, which is not the same at every run.",
        );
    }
    let unsuitable = |why: &str| {
        Err((
            "Invalid count argument",
            format!("The given `count` argument value is unsuitable: {why}."),
        ))
    };
    let value = match value.unmarked().convert(&Type::Number) {
        Ok(value) => value,
        Err(error) => {
            return Err((
                "Incorrect value type",
                format!("Invalid expression value: {error}."),
            ));
        }
    };
    if value.is_null() {
        return wrong("The given `count` argument value is null. An integer is required.");
    }
    let Some(number) = value.as_number() else {
        return match may_be_unknown {
            true => Ok(Expansion::Unknown),
            false => wrong(
                "The `count` value depends on resource attributes that cannot be determined until apply, so the \
                 number of instances cannot be predicted. Apply what it depends on first, with `-target`.",
            ),
        };
    };
    if !number.is_whole() {
        return unsuitable(
            "value must be a whole number, between -9223372036854775808 and 9223372036854775807 inclusive",
        );
    }
    match number.as_usize() {
        Some(count) => Ok(Expansion::Count(count)),
        None => unsuitable("must be greater than or equal to zero"),
    }
}

const FOR_EACH: &str = "Invalid for_each argument";
const FOR_EACH_SET: &str = "Invalid for_each set argument";

fn for_each(value: &Value, may_be_unknown: bool) -> Result<Expansion, Wrong> {
    let marks = value.marks() | set_marks(value);
    if is_sensitive(value) {
        let why = "Sensitive values, or values derived from sensitive values, cannot be used as for_each arguments. \
                   If used, the sensitive value could be exposed as a resource instance key.";
        return Err((FOR_EACH, why.to_owned()));
    }
    if marks.contains(Marks::EPHEMERAL) {
        let why = "The given `for_each` is derived from an ephemeral value, which is not the same at every run.";
        return Err((FOR_EACH, why.to_owned()));
    }
    let value = value.unmarked();
    match value {
        Value::Null(_) => Err(unsuitable(
            "the given `for_each` argument value is null. A map, or set of strings is allowed",
        )),
        Value::Unknown(unknown) => match (&unknown.ty, may_be_unknown) {
            (Type::Set(element), _) if !matches!(**element, Type::String | Type::Dynamic) => {
                Err(wrong_set(element))
            }
            (Type::Dynamic | Type::Map(_) | Type::Object(_) | Type::Set(_), true) => {
                Ok(Expansion::Unknown)
            }
            (Type::Dynamic | Type::Map(_) | Type::Object(_) | Type::Set(_), false) => {
                Err(undetermined(&unknown.ty))
            }
            (ty, _) => Err(wrong_type(ty)),
        },
        Value::Map(_, entries) | Value::Object(entries) => Ok(Expansion::ForEach(entries.clone())),
        Value::Set(element, items) => from_set(element, items, may_be_unknown),
        other => Err(wrong_type(&other.ty())),
    }
}

fn is_sensitive(value: &Value) -> bool {
    (value.marks() | set_marks(value)).contains(Marks::SENSITIVE)
}

/// Marks inside a set are on the set, those inside a map are on single values and do no harm.
fn set_marks(value: &Value) -> Marks {
    match value.unmarked() {
        Value::Set(..) => value.marks_deep(),
        _ => Marks::NONE,
    }
}

fn from_set(element: &Type, items: &[Value], may_be_unknown: bool) -> Result<Expansion, Wrong> {
    if items.iter().any(|item| !item.is_known()) {
        return match may_be_unknown {
            true => Ok(Expansion::Unknown),
            false => Err(undetermined(&Type::set(Type::String))),
        };
    }
    if !items.is_empty() && *element != Type::String {
        return Err(wrong_set(element));
    }
    let mut entries = Entries::with_capacity(items.len());
    for item in items {
        let Value::String(key) = item else {
            let why = "`for_each` sets must not contain null values";
            return Err((FOR_EACH_SET, unsuitable(why).1));
        };
        entries.insert(key.clone(), item.clone());
    }
    Ok(Expansion::ForEach(Arc::new(entries)))
}

fn unsuitable(why: &str) -> Wrong {
    (
        FOR_EACH,
        format!("The given `for_each` argument value is unsuitable: {why}."),
    )
}

fn wrong_type(ty: &Type) -> Wrong {
    unsuitable(&format!(
        "the `for_each` argument must be a map, or set of strings, and you have provided a value of type {}",
        ty.friendly_name()
    ))
}

fn wrong_set(element: &Type) -> Wrong {
    let why = format!(
        "`for_each` supports maps and sets of strings, but you have provided a set containing type {}",
        element.friendly_name()
    );
    (FOR_EACH_SET, unsuitable(&why).1)
}

fn undetermined(ty: &Type) -> Wrong {
    let what = match ty {
        Type::Set(_) => "set includes values",
        _ => "map includes keys",
    };
    let why = format!(
        "The `for_each` {what} derived from resource attributes that cannot be determined until apply, so the full \
         set of keys is not known. Use keys that are written in the configuration, and let only values depend on \
         other resources."
    );
    (FOR_EACH, why)
}
