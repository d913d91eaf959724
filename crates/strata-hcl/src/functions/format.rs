//! `format` and `formatlist`.

use strata_core::{Number, Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, decimal::Decimal,
    json, later, strings, text,
};

const FORMAT: Parameter = Parameter::new("format", Kind::String);
const ARGUMENTS: Parameter = Parameter::new("args", Kind::Any).nullable();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "format",
        &[FORMAT],
        Returns::Typed(Kind::String),
        "Writes values into a text.",
        |given, _| {
            if given.iter().skip(1).any(untyped_null) {
                return Ok(Value::unknown(Type::Dynamic));
            }
            Ok(Value::from(format(text(given, 0), &given[1..])?))
        },
    )
    .variadic(ARGUMENTS),
    Function::new(
        "formatlist",
        &[FORMAT],
        Returns::Typed(Kind::ListOfString),
        "Writes the elements of lists into a text, one text for each.",
        formatlist,
    )
    .variadic(ARGUMENTS.open()),
];

/// Null without a type counts as not known yet, as in Terraform.
fn untyped_null(value: &Value) -> bool {
    matches!(value, Value::Null(Type::Dynamic))
}

fn formatlist(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let arguments = &given[1..];
    if arguments.iter().any(untyped_null) {
        return Ok(Value::unknown(Type::Dynamic));
    }
    let untyped = |argument: &Value| !argument.is_known() && argument.ty() == Type::Dynamic;
    if arguments.iter().any(untyped) {
        return Ok(later(Type::Dynamic));
    }
    let uncounted = |argument: &Value| !argument.is_known() && !argument.ty().is_primitive();
    if arguments.iter().any(uncounted) {
        return Ok(later(Type::list(Type::String)));
    }
    let (mut length, mut first): (Option<usize>, usize) = (None, 0);
    for (at, argument) in arguments.iter().enumerate() {
        let Some(items) = argument.as_sequence() else {
            continue;
        };
        match length {
            Some(length) if length != items.len() => {
                return Err(FunctionError::argument(
                    at + 1,
                    format!(
                        "argument {} has length {}, which is inconsistent with argument {first} of length {length}",
                        at + 1,
                        items.len()
                    ),
                ));
            }
            Some(_) => {}
            None => (length, first) = (Some(items.len()), at + 1),
        }
    }
    let row = |at: usize| -> Vec<Value> {
        let pick = |argument: &Value| match argument.as_sequence() {
            Some(items) => items[at].clone(),
            None => argument.clone(),
        };
        arguments.iter().map(pick).collect()
    };
    let line = |at: usize| {
        let row = row(at);
        if !row.iter().all(Value::is_wholly_known) {
            return Ok(later(Type::String));
        }
        let made = format(text(given, 0), &row).map_err(|error| {
            FunctionError::new(format!("error on format iteration {at}: {}", error.message))
        });
        made.map(Value::from)
    };
    let lines = (0..length.unwrap_or(1)).map(line);
    Ok(strings(lines.collect::<Result<Vec<Value>, _>>()?))
}

/// A verb with what stands between it and its `%`.
#[derive(Default)]
struct Verb {
    plus: bool,
    minus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    argument: Option<usize>,
    letter: char,
    text: String,
}

/// What a width or precision may be at most.
const MAX_WIDTH: usize = 100_000;

fn format(template: &str, arguments: &[Value]) -> Result<String, FunctionError> {
    let mut out = String::new();
    let mut rest = template;
    let mut next = 0;
    let mut highest = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let place = template.len() - rest.len() - 1;
        let (verb, after) = verb(rest)?;
        rest = after;
        if verb.letter == '%' {
            out.push('%');
            continue;
        }
        let at = verb.argument.unwrap_or(next);
        next = at + 1;
        highest = highest.max(next);
        let Some(argument) = arguments.get(at) else {
            return Err(FunctionError::new(format!(
                "not enough arguments for {:?} at {place}: need index {} but have {} total",
                verb.text,
                at + 1,
                arguments.len()
            )));
        };
        let written = write(&verb, argument).map_err(|message| {
            FunctionError::new(match message {
                Unwritten::Verb if !verb.letter.is_ascii_alphabetic() => format!(
                    "unrecognized format character '{}' at offset {}",
                    verb.letter,
                    place + 1
                ),
                Unwritten::Verb => {
                    format!(
                        "unsupported format verb {:?} in {:?} at offset {place}",
                        verb.letter, verb.text
                    )
                }
                Unwritten::Value(why) => {
                    format!("unsupported value for {:?} at {place}: {why}", verb.text)
                }
            })
        })?;
        // As in Terraform, where a width says nothing of a bool.
        match verb.letter {
            't' => out.push_str(&written),
            _ => out.push_str(&padded(&verb, &written)),
        }
    }
    out.push_str(rest);
    if highest < arguments.len() {
        return Err(FunctionError::argument(
            highest + 1,
            match highest {
                0 => "too many arguments; no verbs in format string".to_owned(),
                highest => format!("too many arguments; only {highest} used by format string"),
            },
        ));
    }
    Ok(out)
}

fn verb(text: &str) -> Result<(Verb, &str), FunctionError> {
    let mut verb = Verb::default();
    let mut rest = text;
    loop {
        match rest.chars().next() {
            Some('+') => verb.plus = true,
            Some('-') => verb.minus = true,
            Some(' ') => verb.space = true,
            Some('0') => verb.zero = true,
            Some('#') => verb.sharp = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    (verb.width, rest) = count(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = count(after)?;
        verb.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('[') {
        let (index, after) = count(after)?;
        let index = index.filter(|index| *index > 0);
        let (Some(index), Some(after)) = (index, after.strip_prefix(']')) else {
            return Err(FunctionError::argument(
                0,
                "an argument index must be a number in brackets",
            ));
        };
        verb.argument = Some(index - 1);
        rest = after;
    }
    let Some(letter) = rest.chars().next() else {
        let message = "invalid format string starting at offset 1";
        return Err(FunctionError::new(message));
    };
    rest = &rest[letter.len_utf8()..];
    verb.letter = letter;
    verb.text = format!("%{}", &text[..text.len() - rest.len()]);
    Ok((verb, rest))
}

fn count(text: &str) -> Result<(Option<usize>, &str), FunctionError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    if end == 0 {
        return Ok((None, text));
    }
    match text[..end].parse::<usize>() {
        Ok(number) if number <= MAX_WIDTH => Ok((Some(number), &text[end..])),
        _ => Err(FunctionError::argument(
            0,
            format!("{} is too wide", &text[..end]),
        )),
    }
}

/// Why a value is not written.
enum Unwritten {
    /// There is no such verb.
    Verb,
    Value(String),
}

impl From<String> for Unwritten {
    fn from(why: String) -> Self {
        Unwritten::Value(why)
    }
}

fn write(verb: &Verb, value: &Value) -> Result<String, Unwritten> {
    match verb.letter {
        'v' => Ok(as_it_is(verb, value)),
        's' => Ok(shortened(verb, as_string(value)?)),
        'q' => Ok(json::encode(&Value::from(shortened(
            verb,
            as_string(value)?,
        )))),
        't' => match typed(value, &Type::Bool)?.as_bool() {
            Some(truth) => Ok(truth.to_string()),
            None => Err("a bool is required".to_owned().into()),
        },
        'd' | 'b' | 'o' | 'x' | 'X' => Ok(integer(verb, &number(value)?)?),
        'e' | 'E' | 'f' | 'g' | 'G' => Ok(float(verb, &number(value)?)),
        _ => Err(Unwritten::Verb),
    }
}

/// `%v`: text as it is, anything with parts as JSON.
fn as_it_is(verb: &Verb, value: &Value) -> String {
    let sharp = verb.sharp;
    match value {
        Value::String(text) if !sharp => text.to_string(),
        Value::Number(number) if !sharp => float(
            &Verb {
                letter: 'g',
                space: verb.space,
                precision: verb.precision,
                ..Verb::default()
            },
            number,
        ),
        value => json::encode(value),
    }
}

fn typed(value: &Value, ty: &Type) -> Result<Value, String> {
    if value.is_null() {
        return Err("null value cannot be formatted".to_owned());
    }
    value.convert(ty).map_err(|error| error.to_string())
}

fn as_string(value: &Value) -> Result<String, String> {
    Ok(typed(value, &Type::String)?
        .as_str()
        .unwrap_or("")
        .to_owned())
}

fn number(value: &Value) -> Result<Number, String> {
    let number = typed(value, &Type::Number)?;
    number
        .as_number()
        .cloned()
        .ok_or_else(|| "a number is required".to_owned())
}

fn shortened(verb: &Verb, text: String) -> String {
    // As in Terraform, where none of a text is all of it.
    match verb.precision.filter(|precision| *precision > 0) {
        Some(precision) => text.graphemes(true).take(precision).collect(),
        None => text,
    }
}

fn integer(verb: &Verb, number: &Number) -> Result<String, String> {
    if !number.is_whole() {
        return Err("an integer is required".to_owned());
    }
    let negative = *number < Number::ZERO;
    let magnitude = if negative {
        number.negate()
    } else {
        number.clone()
    };
    let base = match verb.letter {
        'b' => 2,
        'o' => 8,
        'x' | 'X' => 16,
        _ => 10,
    };
    let mut digits = if base == 10 {
        magnitude.to_string()
    } else {
        in_base(magnitude, base)
    };
    if verb.letter == 'X' {
        digits = digits.to_uppercase();
    }
    if let Some(precision) = verb.precision {
        digits = format!("{digits:0>precision$}");
    }
    let prefix = match verb.letter {
        _ if !verb.sharp => "",
        'b' => "0b",
        'o' => "0",
        'x' => "0x",
        'X' => "0X",
        _ => "",
    };
    Ok(format!("{}{prefix}{digits}", sign(verb, negative)))
}

fn in_base(mut magnitude: Number, base: i64) -> String {
    let base = Number::from(base);
    let mut digits = Vec::new();
    while let Some(digit) = magnitude.remainder(&base).and_then(|digit| digit.as_i64()) {
        digits.push(char::from_digit(digit as u32, 16).unwrap_or('0'));
        let rest = magnitude.subtract(&Number::from(digit));
        magnitude = rest
            .and_then(|rest| rest.divide(&base))
            .unwrap_or(Number::ZERO);
        if magnitude.is_zero() {
            break;
        }
    }
    digits.into_iter().rev().collect()
}

fn float(verb: &Verb, number: &Number) -> String {
    if number.is_infinite() {
        let negative = *number < Number::ZERO;
        return format!("{}Inf", if negative { "-" } else { "+" });
    }
    // Rounded are all digits of the number; where none is cut off, those that people write are enough.
    let shortest = matches!(verb.letter, 'g' | 'G') && verb.precision.is_none();
    let decimal = if shortest {
        Decimal::new(number)
    } else {
        Decimal::exact(number)
    };
    let sign = sign(verb, decimal.negative);
    let digits = match verb.letter {
        'f' => decimal.fixed(verb.precision.unwrap_or(6)),
        'e' | 'E' => decimal.scientific(verb.precision.unwrap_or(6)),
        _ => decimal.general(verb.precision),
    };
    let digits = if verb.letter.is_uppercase() {
        digits.to_uppercase()
    } else {
        digits
    };
    format!("{sign}{digits}")
}

fn sign(verb: &Verb, negative: bool) -> &'static str {
    match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn padded(verb: &Verb, written: &str) -> String {
    let missing = verb
        .width
        .unwrap_or(0)
        .saturating_sub(written.graphemes(true).count());
    let fill = if verb.zero && !verb.minus { "0" } else { " " }.repeat(missing);
    if verb.minus {
        return format!("{written}{fill}");
    }
    if !verb.zero {
        return format!("{fill}{written}");
    }
    // Zeros stand behind the sign and behind what names the base.
    let sign = usize::from(written.starts_with(['-', '+']));
    let bases = ["0b", "0x", "0X"];
    let names_base = verb.sharp && bases.iter().any(|base| written[sign..].starts_with(base));
    let (head, digits) = written.split_at(if names_base { sign + 2 } else { sign });
    format!("{head}{fill}{digits}")
}
