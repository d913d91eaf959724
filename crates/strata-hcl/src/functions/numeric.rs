//! Numbers.

use strata_core::{Number, Value};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, WHOLE, items, whole,
};

const NUM: Parameter = Parameter::new("num", Kind::Number);
const NUMBERS: Parameter = Parameter::new("numbers", Kind::Number);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "abs",
        &[NUM],
        Returns::Number,
        "Gives a number without its sign.",
        |given, _| {
            let number = number(given, 0);
            let negative = number < Number::ZERO;
            Ok(Value::Number(if negative {
                number.negate()
            } else {
                number
            }))
        },
    ),
    Function::new("ceil", &[NUM], Returns::Number, "Rounds up.", |given, _| {
        Ok(Value::Number(number(given, 0).ceil()))
    }),
    Function::new(
        "floor",
        &[NUM],
        Returns::Number,
        "Rounds down.",
        |given, _| Ok(Value::Number(number(given, 0).floor())),
    ),
    Function::new(
        "log",
        &[NUM, Parameter::new("base", Kind::Number)],
        Returns::Number,
        "Gives the logarithm to a base.",
        |given, _| float(number(given, 0).to_f64().ln() / number(given, 1).to_f64().ln()),
    ),
    Function::new(
        "max",
        &[],
        Returns::Number,
        "Gives the greatest number.",
        |given, _| extreme(given, |new, best| new > best),
    )
    .variadic(NUMBERS),
    Function::new(
        "min",
        &[],
        Returns::Number,
        "Gives the smallest number.",
        |given, _| extreme(given, |new, best| new < best),
    )
    .variadic(NUMBERS),
    Function::new(
        "parseint",
        &[
            Parameter::new("number", Kind::Any),
            Parameter::new("base", Kind::Number),
        ],
        Returns::Typed(Kind::Number),
        "Reads a whole number in a base from 2 to 62.",
        parseint,
    ),
    Function::new(
        "pow",
        &[NUM, Parameter::new("power", Kind::Number)],
        Returns::Number,
        "Raises a number to a power.",
        |given, _| float(number(given, 0).to_f64().powf(number(given, 1).to_f64())),
    ),
    Function::new(
        "signum",
        &[NUM],
        Returns::Number,
        "Gives -1, 0 or 1 by the sign.",
        |given, _| {
            let number = number(given, 0);
            if number.as_i64().is_none() {
                return Err(FunctionError::new(format!(
                    "value must be a whole number, {WHOLE}"
                )));
            }
            Ok(Value::from(number.cmp(&Number::ZERO) as i64))
        },
    ),
    Function::new(
        "sum",
        &[Parameter::new("list", Kind::Any)],
        Returns::Typed(Kind::Number),
        "Adds the elements of a list of numbers.",
        sum,
    ),
];

pub(super) fn number(given: Given<'_>, at: usize) -> Number {
    given
        .get(at)
        .and_then(Value::as_number)
        .cloned()
        .unwrap_or(Number::ZERO)
}

fn float(result: f64) -> Result_ {
    // The shortest decimal text of the float is what Terraform shows and goes on with.
    match result.to_string().parse::<Number>() {
        Ok(number) => Ok(Value::Number(number)),
        Err(_) => Err(FunctionError::new("the result is not a number")),
    }
}

fn extreme(given: Given<'_>, better: fn(&Number, &Number) -> bool) -> Result_ {
    let numbers = given.iter().filter_map(Value::as_number);
    let best = numbers.reduce(|best, new| if better(new, best) { new } else { best });
    match best {
        Some(best) => Ok(Value::Number(best.clone())),
        None => Err(FunctionError::new("must pass at least one number")),
    }
}

fn parseint(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let base = whole(given, 1)?;
    if !(2..=62).contains(&base) {
        return Err(FunctionError::argument(
            1,
            "base must be a whole number between 2 and 62 inclusive",
        ));
    }
    let Some(whole) = given.first().and_then(Value::as_str) else {
        let ty = given.first().map(|value| value.ty().friendly_name());
        let message = format!(
            "first argument must be a string, not {}",
            ty.unwrap_or_default()
        );
        return Err(FunctionError::argument(0, message));
    };
    match in_base(whole, base) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(FunctionError::argument(
            0,
            format!("cannot parse {whole:?} as a base {base} integer"),
        )),
    }
}

/// Up to base 36 letters count without regard to case; beyond, great letters come after small ones.
fn in_base(whole: &str, base: i64) -> Option<Number> {
    let (negative, digits) = match whole.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, whole.strip_prefix('+').unwrap_or(whole)),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = Number::ZERO;
    let base_number = Number::from(base);
    for c in digits.chars() {
        let digit = match c {
            '0'..='9' => i64::from(c as u32 - '0' as u32),
            'a'..='z' => i64::from(c as u32 - 'a' as u32) + 10,
            'A'..='Z' if base <= 36 => i64::from(c as u32 - 'A' as u32) + 10,
            'A'..='Z' => i64::from(c as u32 - 'A' as u32) + 36,
            _ => return None,
        };
        if digit >= base {
            return None;
        }
        value = value.multiply(&base_number)?.add(&Number::from(digit))?;
    }
    Some(if negative { value.negate() } else { value })
}

fn sum(given: Given<'_>, _: &Context<'_>) -> Result_ {
    if given.first().and_then(Value::as_sequence).is_none() {
        return Err(FunctionError::argument(
            0,
            "argument must be list, set, or tuple",
        ));
    }
    let elements = items(given, 0);
    if elements.is_empty() {
        return Err(FunctionError::argument(0, "cannot sum an empty list"));
    }
    let mut total = Number::ZERO;
    for element in elements {
        let converted = element.convert(&strata_core::Type::Number);
        match converted.as_ref().ok().and_then(Value::as_number) {
            Some(number) => {
                let undefined = || FunctionError::new("can't compute sum of opposing infinities");
                total = total.add(number).ok_or_else(undefined)?;
            }
            None => {
                return Err(FunctionError::argument(
                    0,
                    "argument must be list, set, or tuple of number values",
                ));
            }
        }
    }
    Ok(Value::Number(total))
}
