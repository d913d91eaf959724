//! Versions as Ansible compares them: loosely, strictly, by Semantic Versioning, and as of Python's packages (PEP 440).

use std::cmp::Ordering;

use minijinja::{Error, ErrorKind};

use crate::filters::refuse;

fn mistake(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// A number or a name in a loose version.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u128),
    Name(String),
}

/// Runs of digits, of small letters, and of all else but dots, as in Python's old `LooseVersion`.
fn parts(version: &str) -> Vec<Part> {
    let kind = |letter: char| match letter {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|letter| kind(letter) != kind(first));
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        match (kind(first), run.parse()) {
            (2, _) => {}
            (0, Ok(number)) => parts.push(Part::Number(number)),
            _ => parts.push(Part::Name(run.to_owned())),
        }
    }
    parts
}

/// Compares two versions part by part; a number and a name cannot be compared.
pub(crate) fn loose(left: &str, right: &str) -> Result<Ordering, Error> {
    let (left_parts, right_parts) = (parts(left), parts(right));
    for pair in left_parts.iter().zip(&right_parts) {
        match pair {
            (Part::Number(_), Part::Name(_)) | (Part::Name(_), Part::Number(_)) => {
                return refuse(format!(
                    "the versions `{left}` and `{right}` have a number and a name in the same place"
                ));
            }
            (one, other) if one != other => return Ok(one.cmp(other)),
            _ => {}
        }
    }
    Ok(left_parts.len().cmp(&right_parts.len()))
}

/// Compares two versions of two or three numbers.
pub(crate) fn strict(left: &str, right: &str) -> Result<Ordering, Error> {
    Ok(exact(left)?.cmp(&exact(right)?))
}

/// Compares two versions by Semantic Versioning 2.0.0; what was built of them does not count.
pub(crate) fn semantic(left: &str, right: &str) -> Result<Ordering, Error> {
    let parsed = |text: &str| {
        Semantic::parse(text).ok_or_else(|| mistake(format!("`{text}` is no semantic version")))
    };
    Ok(parsed(left)?.cmp(&parsed(right)?))
}

/// A version by Semantic Versioning, its parts in the order in which they count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Semantic {
    numbers: [u64; 3],
    is_release: bool,
    before: Vec<Identifier>,
}

/// A part of what stands behind the `-`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Name(String),
}

impl Semantic {
    fn parse(text: &str) -> Option<Self> {
        let is_name = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let (text, build) = text.split_once('+').unwrap_or((text, "0"));
        if !build.split('.').all(is_name) {
            return None;
        }
        let (numbers, before) = match text.split_once('-') {
            Some((numbers, before)) => (numbers, Some(before)),
            None => (text, None),
        };
        let counted = |part: &str| {
            let is_plain = part == "0" || !part.starts_with(['0', '+']);
            part.parse::<u64>().ok().filter(|_| is_plain)
        };
        let numbers: Vec<u64> = numbers.split('.').map(counted).collect::<Option<_>>()?;
        let identifier = |part: &str| match part.chars().all(|c| c.is_ascii_digit()) {
            true => counted(part).map(Identifier::Number),
            false => is_name(part).then(|| Identifier::Name(part.to_owned())),
        };
        let identifiers = before.into_iter().flat_map(|before| before.split('.'));
        Some(Self {
            numbers: numbers.try_into().ok()?,
            is_release: before.is_none(),
            before: identifiers.map(identifier).collect::<Option<_>>()?,
        })
    }
}

/// Compares two versions as Python's packages have them.
pub(crate) fn pep440(left: &str, right: &str) -> Result<Ordering, Error> {
    let parsed = |text: &str| {
        Package::parse(text).ok_or_else(|| {
            mistake(format!(
                "`{text}` is no version of a Python package (PEP 440)"
            ))
        })
    };
    Ok(parsed(left)?.cmp(&parsed(right)?))
}

/// A version by PEP 440, its parts in the order in which they count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    epoch: u64,
    /// Without zeros at its end.
    release: Vec<u64>,
    before: Before,
    /// 0 without one.
    post: u64,
    development: Development,
    local: Vec<Local>,
}

/// What comes before a release.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    /// It is only under development.
    Development,
    /// `a`, `b` or `rc`, and its number.
    Named(&'static str, u64),
    Nothing,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Development {
    Number(u64),
    Nothing,
}

/// A part behind `+`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Name(String),
    Number(u64),
}

impl Package {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, locals(local)?),
            None => (text, Vec::new()),
        };
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, public),
        };
        let mut rest = rest;
        let mut release = vec![number(&mut rest)?];
        while let Some(mut after) = rest.strip_prefix('.') {
            let Some(next) = number(&mut after) else {
                break;
            };
            release.push(next);
            rest = after;
        }
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let names = [
            ("alpha", "a"),
            ("beta", "b"),
            ("preview", "rc"),
            ("pre", "rc"),
            ("rc", "rc"),
            ("a", "a"),
            ("b", "b"),
            ("c", "rc"),
        ];
        let before = names.iter().find_map(|(name, kind)| {
            let count = named(&mut rest, name)?;
            Some(Before::Named(kind, count))
        });
        let short_post = || {
            let mut after = rest.strip_prefix('-')?;
            let count = number(&mut after)?;
            Some((count, after))
        };
        let post = match short_post() {
            Some((count, after)) => {
                rest = after;
                Some(count)
            }
            None => ["post", "rev", "r"]
                .iter()
                .find_map(|name| named(&mut rest, name)),
        };
        let development = named(&mut rest, "dev");
        rest.is_empty().then_some(Self {
            epoch,
            release,
            before: match before {
                Some(before) => before,
                None if post.is_none() && development.is_some() => Before::Development,
                None => Before::Nothing,
            },
            post: post.map_or(0, |count| count.saturating_add(1)),
            development: development.map_or(Development::Nothing, Development::Number),
            local,
        })
    }
}

/// The digits that a text begins with, which are taken off.
fn number(rest: &mut &str) -> Option<u64> {
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    let number = digits.parse().ok()?;
    *rest = after;
    Some(number)
}

/// The number behind a name, 0 where there is none; both are taken off, with the signs between.
fn named(rest: &mut &str, name: &str) -> Option<u64> {
    let sign = |text| str::strip_prefix(text, ['.', '-', '_']).unwrap_or(text);
    let after = sign(*rest).strip_prefix(name)?;
    let mut numbered = sign(after);
    let (count, after) = match number(&mut numbered) {
        Some(count) => (count, numbered),
        None => (0, after),
    };
    *rest = after;
    Some(count)
}

fn locals(text: &str) -> Option<Vec<Local>> {
    let local = |part: &str| match part.parse() {
        Ok(number) => Some(Local::Number(number)),
        Err(_) if !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Some(Local::Name(part.to_owned()))
        }
        Err(_) => None,
    };
    text.split(['.', '-', '_']).map(local).collect()
}

/// Python's old `StrictVersion`: two or three numbers, perhaps with `a1` or `b2`, which comes before the version itself.
fn exact(version: &str) -> Result<(Vec<u64>, (char, u64)), Error> {
    let wrong = || mistake(format!("`{version}` is no strict version"));
    let (numbers, suffix) = match version.find(['a', 'b']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let mut parts = numbers
        .split('.')
        .map(|part| part.parse::<u64>().map_err(|_| wrong()))
        .collect::<Result<Vec<_>, _>>()?;
    if !(2..=3).contains(&parts.len()) {
        return Err(wrong());
    }
    parts.resize(3, 0);
    let mut letters = suffix.chars();
    let suffix = match letters.next() {
        Some(letter) => (letter, letters.as_str().parse().map_err(|_| wrong())?),
        None => ('z', 0),
    };
    Ok((parts, suffix))
}
