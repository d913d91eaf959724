//! `sequence`: numbers in a row, as texts.

use minijinja::{Error, Value};

use super::refuse;
use crate::python_format::percent_format;

/// How many numbers are made at most.
const MAX: i64 = 1_000_000;

/// The numbers of a term such as `start=1 end=5 stride=2 format=web%02d`, `5`, `2-8/2:host%02d`.
pub(super) fn numbers(term: &str) -> Result<Vec<Value>, Error> {
    let sequence = if term.contains('=') {
        named(term)?
    } else {
        short(term)?
    };
    sequence.numbers()
}

struct Sequence {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: Option<i64>,
    format: String,
}

fn number(text: &str) -> Result<i64, Error> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| refuse(format!("`{text}` is no number in a sequence")))
}

fn named(term: &str) -> Result<Sequence, Error> {
    let mut sequence = Sequence {
        start: 1,
        end: None,
        count: None,
        stride: None,
        format: "%d".to_owned(),
    };
    for word in term.split_whitespace() {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| refuse(format!("`{word}` has no value")))?;
        match key {
            "start" => sequence.start = number(value)?,
            "end" => sequence.end = Some(number(value)?),
            "count" => sequence.count = Some(number(value)?),
            "stride" => sequence.stride = Some(number(value)?),
            "format" => sequence.format = value.to_owned(),
            _ => return Err(refuse(format!("a sequence has no `{key}`"))),
        }
    }
    Ok(sequence)
}

/// `[start-]end[/stride][:format]`.
fn short(term: &str) -> Result<Sequence, Error> {
    let (range, format) = term.split_once(':').unwrap_or((term, "%d"));
    let (range, stride) = match range.split_once('/') {
        Some((range, stride)) => (range, Some(number(stride)?)),
        None => (range, None),
    };
    let (start, end) = match range.split_once('-') {
        Some((start, end)) => (number(start)?, number(end)?),
        None => (1, number(range)?),
    };
    Ok(Sequence {
        start,
        end: Some(end),
        count: None,
        stride,
        format: format.to_owned(),
    })
}

impl Sequence {
    fn numbers(&self) -> Result<Vec<Value>, Error> {
        let stride = self.stride.unwrap_or(match self.end {
            Some(end) if end < self.start && self.count.is_none() => -1,
            _ => 1,
        });
        let end = match (self.end, self.count) {
            (Some(end), None) => end,
            (None, Some(0)) => return Ok(Vec::new()),
            (None, Some(count)) => self
                .start
                .saturating_add(count.saturating_sub(1).saturating_mul(stride)),
            _ => return Err(refuse("a sequence needs either `end` or `count`")),
        };
        if stride == 0 || (end.saturating_sub(self.start) / stride) > MAX {
            return Err(refuse("the sequence has too many numbers"));
        }
        if self.stride.is_some() && (stride > 0) != (end >= self.start) && end != self.start {
            return Err(refuse("the stride leads away from the end of the sequence"));
        }
        let mut numbers = Vec::new();
        let mut at = self.start;
        while if stride > 0 { at <= end } else { at >= end } {
            numbers.push(Value::from(percent_format(&self.format, &Value::from(at))?));
            at += stride;
        }
        Ok(numbers)
    }
}
