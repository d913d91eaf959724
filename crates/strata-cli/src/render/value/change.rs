//! How a value changes, line by line.

use std::borrow::Cow;

use strata_core::{AttributePath, Marks, PathStep, Type, Value, schema::Block, value::Entries};

use super::{
    quoted, short,
    sign::{Sign, blanks, hidden, start},
};
use crate::render::style::{BAD, paint};

/// Draws how values change, line by line.
pub(crate) struct ValueLines<'a> {
    /// Attributes whose change needs a new object.
    pub(crate) requires_replace: &'a [AttributePath],
    /// Which attributes are blocks; none if all are attributes.
    pub(crate) block: Option<&'a Block>,
    /// What is drawn so far, in whole lines.
    pub(crate) text: String,
}

/// Attributes that tell objects apart are shown although they stay the same.
const TELLING: [&str; 3] = ["id", "name", "tags"];

/// How many bytes a line has, more or less.
const USUAL_LINE: usize = 64;

pub(super) const NOTHING: &Value = &Value::Null(Type::Dynamic);

impl ValueLines<'_> {
    /// Draws the attributes of an object at `indent` columns; those that stay as they are only by number.
    pub(crate) fn object(
        &mut self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) {
        let text = self.body((before, after), self.block, path, indent, true);
        match (text.contains('\r'), self.text.is_empty()) {
            (true, _) => text.lines().for_each(|line| {
                self.text.push_str(line);
                self.text.push('\n');
            }),
            (false, true) => self.text = text,
            (false, false) => self.text.push_str(&text),
        }
    }

    /// The attributes of a resource or of a block in it, and the blocks after them.
    pub(super) fn body(
        &self,
        (before, after): (&Value, &Value),
        block: Option<&Block>,
        path: &AttributePath,
        indent: usize,
        top: bool,
    ) -> String {
        let mut entries = entries(before, after, true);
        let Some(block) = block else {
            return self.some_entries(&entries, false, path, indent, top);
        };
        if !block.blocks.is_empty() {
            entries.retain(|entry| !block.blocks.contains_key(entry.name));
        }
        let mut out = self.some_entries(&entries, false, path, indent, top);
        self.blocks((before, after), block, path, indent, &mut out);
        out
    }

    /// The entries of an object or map.
    pub(super) fn entries(
        &self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) -> String {
        let is_map = [before, after]
            .iter()
            .any(|value| matches!(value.unmarked(), Value::Map(..)));
        let entries = entries(before, after, false);
        self.some_entries(&entries, is_map, path, indent, false)
    }

    /// Some entries of an object or map; `top` says that these are the attributes of a resource itself.
    fn some_entries(
        &self,
        entries: &[Entry<'_>],
        is_map: bool,
        path: &AttributePath,
        indent: usize,
        top: bool,
    ) -> String {
        let is_shown = |entry: &&Entry<'_>| {
            entry.sign != Sign::Same || (!is_map && TELLING.contains(&entry.name))
        };
        let shown = entries.iter().filter(is_shown);
        let width = shown.map(|entry| columns(&label(entry.name))).max();
        let mut out = String::with_capacity(entries.len() * USUAL_LINE);
        let mut same = 0;
        for entry in entries {
            if !is_shown(&entry) {
                same += usize::from(!entry.new.is_null());
                continue;
            }
            // Where nothing is replaced, nobody asks for paths.
            let path = match self.requires_replace.is_empty() {
                true => AttributePath::root(),
                false if is_map => path.then(PathStep::Key(entry.name.into())),
                false => path.then(PathStep::Attribute(entry.name.into())),
            };
            let text = self.change(entry.old, entry.new, entry.sign, &path, indent, top);
            let label = label(entry.name);
            start(&mut out, indent, entry.sign);
            out.push_str(&label);
            blanks(&mut out, width.unwrap_or(0) - columns(&label));
            out.push_str(" = ");
            out.push_str(&self.forced(text, &path));
            out.push('\n');
        }
        hidden(
            &mut out,
            indent,
            same,
            if is_map { "element" } else { "attribute" },
        );
        out
    }

    /// Says at the end of the first line that this needs a new object.
    pub(super) fn forced(&self, text: String, path: &AttributePath) -> String {
        if !self.requires_replace.contains(path) {
            return text;
        }
        let note = paint(BAD, " # forces replacement");
        match text.split_once('\n') {
            Some((first, rest)) => format!("{first}{note}\n{rest}"),
            None => format!("{text}{note}"),
        }
    }

    /// What stands behind the equals sign; lines after the first have their indentation.
    pub(super) fn change(
        &self,
        before: &Value,
        after: &Value,
        sign: Sign,
        path: &AttributePath,
        indent: usize,
        top: bool,
    ) -> String {
        if is_secret(before) || is_secret(after) {
            let gone = if sign == Sign::Remove && top {
                " -> null"
            } else {
                ""
            };
            return format!("(sensitive value){gone}");
        }
        match sign {
            Sign::Add | Sign::Same => self.whole(after, sign, indent),
            Sign::Remove => {
                let gone = if top { " -> null" } else { "" };
                format!("{}{gone}", self.whole(before, sign, indent))
            }
            Sign::Change => self.difference(before, after, path, indent),
        }
    }

    fn difference(
        &self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) -> String {
        let end = " ".repeat(indent + 2);
        if before.as_entries().is_some() && after.as_entries().is_some() {
            let entries = self.entries(before, after, path, indent + 4);
            return format!("{{\n{entries}{end}}}");
        }
        if before.as_sequence().is_some() && after.as_sequence().is_some() {
            return format!(
                "[\n{}{end}]",
                self.elements(before, after, path, indent + 4)
            );
        }
        if let (Some(old), Some(new)) = (before.as_str(), after.as_str()) {
            return self.strings(old, new, indent);
        }
        let old = match before.as_entries().is_some() || before.as_sequence().is_some() {
            true => self.whole(before, Sign::Remove, indent),
            false => short(before),
        };
        match is_small(after) {
            true => format!("{old} -> {}", short(after)),
            false => format!("{old} -> {}", self.whole(after, Sign::Add, indent)),
        }
    }
}

/// What stands under one name in either value.
struct Entry<'v> {
    name: &'v str,
    sign: Sign,
    old: &'v Value,
    new: &'v Value,
}

/// The entries of either value, sorted by name, with what happens to each; those that are nothing in both are left out.
///
/// Of a resource itself (`top`) what is null or empty is nothing. Inside of values an element that is null is another
/// value than none, but only said where it makes the difference.
fn entries<'v>(before: &'v Value, after: &'v Value, top: bool) -> Vec<Entry<'v>> {
    let (olds, news) = match (before.as_entries(), after.as_entries()) {
        (None, Some(entries)) => return of_one_side(entries, Sign::Add, top),
        (Some(entries), None) => return of_one_side(entries, Sign::Remove, top),
        (None, None) => return Vec::new(),
        (Some(olds), Some(news)) => (olds, news),
    };
    let mut names: Vec<&str> = olds.keys().chain(news.keys()).map(|name| &**name).collect();
    names.sort_unstable();
    names.dedup();
    let is_missing = |value: Option<&Value>| value.is_none_or(|value| top && is_nothing(value));
    let entry = |name: &'v str| {
        let (old, new) = (olds.get(name), news.get(name));
        let sign = match (is_missing(old), is_missing(new)) {
            (true, true) => return None,
            (true, false) => Sign::Add,
            (false, true) => Sign::Remove,
            (false, false) if old == new => Sign::Same,
            (false, false) => Sign::Change,
        };
        let (old, new) = (old.unwrap_or(NOTHING), new.unwrap_or(NOTHING));
        Some(Entry {
            name,
            sign,
            old,
            new,
        })
    };
    names.into_iter().filter_map(entry).collect()
}

/// The same where only one of the two has entries, which are in order already.
fn of_one_side(entries: &Entries, sign: Sign, top: bool) -> Vec<Entry<'_>> {
    let is_there = |value: &Value| match top {
        true => !is_nothing(value),
        false => !value.is_null(),
    };
    let entry = |(name, value)| {
        let (old, new) = match sign {
            Sign::Remove => (value, NOTHING),
            _ => (NOTHING, value),
        };
        Entry {
            name,
            sign,
            old,
            new,
        }
    };
    let entries = entries.iter().map(|(name, value)| (&**name, value));
    entries
        .filter(|(_, value)| is_there(value))
        .map(entry)
        .collect()
}

/// Null, or a collection without elements: there is nothing to show.
pub(super) fn is_nothing(value: &Value) -> bool {
    let no_items = value.as_sequence().is_some_and(<[Value]>::is_empty);
    value.is_null()
        || no_items
        || matches!(value.unmarked(), Value::Map(_, entries) if entries.is_empty())
}

pub(super) fn is_secret(value: &Value) -> bool {
    value.marks().contains(Marks::SENSITIVE)
}

/// True for what fits on a line.
fn is_small(value: &Value) -> bool {
    !value.is_known() || (value.as_entries().is_none() && value.as_sequence().is_none())
}

/// A name as configuration writes it: in quotes if it needs them.
pub(super) fn label(name: &str) -> Cow<'_, str> {
    match is_plain(name) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(quoted(name)),
    }
}

/// True for keys that need no quotes.
fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let first = name.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_') && name.chars().all(letters)
}

/// How many columns a text takes.
fn columns(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.chars().count(),
    }
}

pub(super) fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(NOTHING)
}
