//! What a declared variable makes of what it is given.

use std::fmt;

use strata_core::{Type, Value};

use crate::{load::at_path, module::Variable};

/// Why a value does not do.
pub(crate) enum Unfit {
    /// There is none, and no default.
    Missing,
    /// It is null, which the variable does not take.
    Null,
    /// It is not of the variable's type: what is required, and where in the value.
    Type(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Missing => f.write_str("a value is required"),
            Unfit::Null => f.write_str("required variable may not be set to null"),
            Unfit::Type(why) => f.write_str(why),
        }
    }
}

/// Takes the default where nothing is given, fills defaults inside, and converts to the variable's type.
///
/// The marks that the variable itself declares are not added here.
pub(crate) fn prepare(variable: &Variable, given: Option<&Value>) -> Result<Value, Unfit> {
    let given = match (given, &variable.default) {
        (Some(given), _) if !given.is_null() || variable.nullable => given,
        (_, Some(default)) => return Ok(default.clone()),
        (Some(_), None) => return Err(Unfit::Null),
        (None, None) => return Err(Unfit::Missing),
    };
    let Some(ty) = &variable.ty else {
        return Ok(given.clone());
    };
    let filled = ty.apply_defaults(given);
    filled
        .convert(&ty.ty)
        .map_err(|error| Unfit::Type(at_path(&error)))
}

/// A value of which only the type is known.
pub(crate) fn unknown(variable: &Variable) -> Value {
    let ty = variable.ty.as_ref().map(|ty| ty.ty.without_optional());
    Value::unknown(ty.unwrap_or(Type::Dynamic))
}
