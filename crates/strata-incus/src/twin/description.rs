//! The published description of the API: which calls there are, and which fields what they answer has.
//!
//! A real daemon tells every field, those without a value too. The functions of [`super::api`] say what
//! matters; [`complete`] adds the others, empty.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Map, Value, json};

/// Facts of the description, as its first lines explain.
const TEXT: &str = include_str!("description.txt");

/// How deep objects lie in each other at most.
const DEPTH: usize = 6;

/// The description, read.
struct Description {
    /// The fields of each object and their types.
    objects: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
    /// The GET calls: the segments of their paths, how deep they go, and what they answer with.
    reads: Vec<Read>,
}

struct Read {
    segments: Vec<&'static str>,
    recursion: u8,
    answer: &'static str,
}

fn description() -> &'static Description {
    static DESCRIPTION: OnceLock<Description> = OnceLock::new();
    DESCRIPTION.get_or_init(|| Description {
        objects: TEXT.lines().filter_map(object).collect(),
        reads: TEXT.lines().filter_map(read).collect(),
    })
}

fn object(line: &'static str) -> Option<(&'static str, Vec<(&'static str, &'static str)>)> {
    let (name, fields) = line.strip_prefix("= ")?.split_once(' ')?;
    let fields = fields.split(' ').filter_map(|field| field.split_once(':'));
    Some((name, fields.collect()))
}

fn read(line: &'static str) -> Option<Read> {
    let (path, answer) = line.strip_prefix("GET ")?.split_once(' ')?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let recursion = query.strip_prefix("recursion=");
    Some(Read {
        segments: path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect(),
        recursion: recursion.and_then(|text| text.parse().ok()).unwrap_or(0),
        answer,
    })
}

impl Read {
    /// How well a call fits: not at all, or by how many words and how deep.
    fn fit(&self, segments: &[&str], recursion: u8) -> Option<(usize, u8)> {
        let is_open = |segment: &str| segment.starts_with('{');
        let fits = self.segments.len() == segments.len()
            && self.recursion <= recursion
            && self
                .segments
                .iter()
                .zip(segments)
                .all(|(ours, theirs)| is_open(ours) || ours == theirs);
        let words = self
            .segments
            .iter()
            .filter(|segment| !is_open(segment))
            .count();
        fits.then_some((words, self.recursion))
    }
}

/// Adds the fields that an answer to a GET lacks.
pub(super) fn complete(segments: &[&str], recursion: u8, answer: &mut Value) {
    let reads = description().reads.iter();
    let fitting = reads.filter_map(|read| Some((read.fit(segments, recursion)?, read)));
    if let Some((_, read)) = fitting.max_by_key(|(fit, _)| *fit) {
        fill(read.answer, answer, DEPTH);
    }
}

fn fill(ty: &str, value: &mut Value, depth: usize) {
    if depth == 0 {
        return;
    }
    if let Some(element) = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')) {
        let elements = value.as_array_mut().into_iter().flatten();
        elements.for_each(|element_value| fill(element, element_value, depth - 1));
        return;
    }
    let (Some(fields), Some(object)) = (description().objects.get(ty), value.as_object_mut())
    else {
        return;
    };
    for (name, ty) in fields {
        let there = object.entry(*name).or_insert_with(|| empty(ty));
        fill(ty, there, depth - 1);
    }
}

fn empty(ty: &str) -> Value {
    match ty {
        "string" => json!(""),
        "number" => json!(0),
        "boolean" => json!(false),
        "array" => json!([]),
        list if list.starts_with('[') => json!([]),
        _ => Value::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, recursion: u8, mut answer: Value) -> Value {
        let segments: Vec<&str> = path.split('/').collect();
        complete(&segments, recursion, &mut answer);
        answer
    }

    #[test]
    fn what_is_left_out_is_empty_and_what_is_there_stays() {
        let answer = check("1.0/profiles/web", 0, json!({ "name": "web" }));
        let expected = json!({ "name": "web", "config": {}, "description": "", "devices": {}, "project": "", "used_by": [] });
        assert_eq!(answer, expected);
        assert_eq!(
            check("1.0/profiles", 0, json!(["/1.0/profiles/web"])),
            json!(["/1.0/profiles/web"])
        );
        let list = check("1.0/profiles", 1, json!([{ "name": "web" }]));
        assert_eq!(list, json!([expected]));
    }

    #[test]
    fn words_of_a_path_count_more_than_what_stands_for_any() {
        let aliases = check("1.0/images/aliases", 1, json!([{ "name": "a" }]));
        assert_eq!(aliases[0]["target"], "");
        let none = check("1.0/nothing/at/all", 0, json!({ "name": "a" }));
        assert_eq!(none, json!({ "name": "a" }));
    }
}
