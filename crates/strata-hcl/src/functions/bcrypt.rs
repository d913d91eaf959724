//! `bcrypt`: hashes of passwords.

use bcrypt::Version;
use strata_core::{Type, Value};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text, whole,
};

/// What Go's library takes where a lower cost is asked for, or none.
const DEFAULT_COST: u32 = 10;
const LEAST_COST: u32 = 4;
const GREATEST_COST: u32 = 31;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "bcrypt",
    &[Parameter::new("str", Kind::String)],
    Returns::String,
    "Gives a bcrypt hash of a password; unknown while planning.",
    hash,
)
.variadic(Parameter::new("cost", Kind::Number))];

fn hash(given: Given<'_>, context: &Context<'_>) -> Result_ {
    if given.len() > 2 {
        return Err(FunctionError::new(
            "bcrypt() takes no more than two arguments",
        ));
    }
    let failed =
        |why: String| FunctionError::new(format!("error occured generating password {why}"));
    let cost = if given.len() == 2 {
        whole(given, 1)?
    } else {
        i64::from(DEFAULT_COST)
    };
    let cost = match u32::try_from(cost) {
        Ok(cost) if cost > GREATEST_COST => {
            let range = format!("({LEAST_COST},{GREATEST_COST})");
            return Err(failed(format!(
                "crypto/bcrypt: cost {cost} is outside allowed range {range}"
            )));
        }
        Ok(cost) if cost >= LEAST_COST => cost,
        _ => DEFAULT_COST,
    };
    let password = text(given, 0);
    if password.len() > 72 {
        return Err(failed(
            "bcrypt: password length exceeds 72 bytes".to_owned(),
        ));
    }
    let Some(chance) = context.scope.environment().chance else {
        return Ok(Value::unknown(Type::String));
    };
    let mut salt = [0; 16];
    chance.random(&mut salt);
    let parts = bcrypt::hash_with_salt(password, cost, salt);
    let parts = parts.map_err(|error| failed(error.to_string()))?;
    Ok(Value::from(parts.format_for_version(Version::TwoA)))
}
