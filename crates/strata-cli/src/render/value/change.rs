//! How a value changes, line by line.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use similar::{Algorithm, DiffTag, capture_diff_slices};
use strata_core::{AttributePath, Marks, Number, PathStep, Type, Value};

use super::{quoted, short, text};
use crate::render::style::{BAD, CHANGE, GOOD, QUIET, paint};

/// Draws how values change, line by line.
pub(crate) struct ValueLines<'a> {
    /// Attributes whose change needs a new object.
    pub(crate) requires_replace: &'a [AttributePath],
    /// What is drawn so far, in whole lines.
    pub(crate) text: String,
}

/// What happens to one attribute or element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Remove,
    Change,
    Same,
}

impl Sign {
    pub(super) fn draw(self) -> &'static str {
        static DRAWN: LazyLock<[String; 3]> =
            LazyLock::new(|| [paint(GOOD, "+"), paint(BAD, "-"), paint(CHANGE, "~")]);
        match self {
            Sign::Add => &DRAWN[0],
            Sign::Remove => &DRAWN[1],
            Sign::Change => &DRAWN[2],
            Sign::Same => " ",
        }
    }

    fn of(before: &Value, after: &Value) -> Self {
        match (before.is_null(), after.is_null()) {
            _ if before == after => Sign::Same,
            (true, _) => Sign::Add,
            (_, true) => Sign::Remove,
            _ => Sign::Change,
        }
    }
}

/// Attributes that tell objects apart are shown although they stay the same.
const TELLING: [&str; 3] = ["id", "name", "tags"];

const NOTHING: &Value = &Value::Null(Type::Dynamic);

impl ValueLines<'_> {
    /// Draws the attributes of an object at `indent` columns; those that stay as they are only by number.
    pub(crate) fn object(
        &mut self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) {
        let text = self.entries(before, after, path, indent, true);
        match text.contains('\r') {
            true => text.lines().for_each(|line| {
                self.text.push_str(line);
                self.text.push('\n');
            }),
            false => self.text.push_str(&text),
        }
    }

    /// The entries of an object or map; `top` says that these are the attributes of a resource itself.
    fn entries(
        &self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
        top: bool,
    ) -> String {
        let is_map = [before, after]
            .iter()
            .any(|value| matches!(value.unmarked(), Value::Map(..)));
        let names = names(before, after);
        let is_shown = |(name, sign): &&(&str, Sign)| {
            *sign != Sign::Same || (!is_map && TELLING.contains(name))
        };
        let shown = names.iter().filter(is_shown);
        let width = shown
            .map(|(name, _)| label(name, is_map).chars().count())
            .max()
            .unwrap_or(0);
        let mut out = String::new();
        let mut same = 0;
        for entry in &names {
            let (name, sign) = *entry;
            let (old, new) = (get(before, name), get(after, name));
            if !is_shown(&entry) {
                same += usize::from(!new.is_null());
                continue;
            }
            // Where nothing is replaced, nobody asks for paths.
            let path = match self.requires_replace.is_empty() {
                true => AttributePath::root(),
                false if is_map => path.then(PathStep::Key(name.into())),
                false => path.then(PathStep::Attribute(name.into())),
            };
            let text = self.change(old, new, sign, &path, indent, top);
            let label = label(name, is_map);
            start(&mut out, indent, sign);
            out.push_str(&label);
            blanks(&mut out, width.saturating_sub(label.chars().count()));
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
    fn forced(&self, text: String, path: &AttributePath) -> String {
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
    fn change(
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
            let entries = self.entries(before, after, path, indent + 4, false);
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

    fn strings(&self, before: &str, after: &str, indent: usize) -> String {
        let end = " ".repeat(indent + 2);
        if let (Some(old), Some(new)) = (text::json(before), text::json(after)) {
            // Only the blanks differ.
            if old == new {
                return format!("{} -> {}", quoted(before), quoted(after));
            }
            let inner = self.element(&old, &new, &AttributePath::root(), indent + 4);
            return format!(
                "jsonencode(\n{}{end})",
                inner.trim_end_matches(",\n").to_owned() + "\n"
            );
        }
        if let (Some(old), Some(new)) = (text::encoded(before), text::encoded(after)) {
            let inner = text::difference(&old, &new, indent + 4);
            return format!("base64encode(<<-EOT\n{inner}{end}EOT)");
        }
        if before.contains('\n') || after.contains('\n') {
            return format!(
                "<<-EOT\n{}{end}EOT",
                text::difference(before, after, indent + 4)
            );
        }
        format!("{} -> {}", quoted(before), quoted(after))
    }

    /// The elements of lists, tuples and sets, each with a comma.
    fn elements(
        &self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) -> String {
        let (old, new) = (
            before.as_sequence().unwrap_or_default(),
            after.as_sequence().unwrap_or_default(),
        );
        let is_set = matches!(after.unmarked(), Value::Set(..));
        let pairs = match is_set {
            true => of_sets(old, new),
            false => of_lists(old, new),
        };
        let differs = |at: usize| pairs.get(at).is_some_and(|(old, new)| old != new);
        let mut out = String::new();
        let mut same = 0;
        for (at, (old, new)) in pairs.iter().enumerate() {
            // What stays the same is shown next to what changes, to tell where that is.
            let is_near = !is_set && (differs(at + 1) || (at > 0 && differs(at - 1)));
            if old == new && !is_near {
                same += 1;
                continue;
            }
            hidden(&mut out, indent, std::mem::take(&mut same), "element");
            let step = match is_set {
                true => PathStep::Element,
                false => PathStep::Index(Number::from(at as i64)),
            };
            out.push_str(&self.element(old, new, &path.then(step), indent));
        }
        hidden(&mut out, indent, same, "element");
        out
    }

    /// One element on lines of its own.
    fn element(
        &self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) -> String {
        let mut out = String::new();
        let sign = Sign::of(before, after);
        let text = match (before.is_null(), after.is_null()) {
            (true, true) => "null".to_owned(),
            _ => self.change(before, after, sign, path, indent, false),
        };
        line(&mut out, indent, sign, &format!("{text},"));
        out
    }

    /// A whole value, all of it with one sign.
    fn whole(&self, value: &Value, sign: Sign, indent: usize) -> String {
        if is_secret(value) || !value.is_known() {
            return short(value);
        }
        let end = " ".repeat(indent + 2);
        if let Some(entries) = value.as_entries() {
            let entries = match sign {
                _ if entries.is_empty() => return "{}".to_owned(),
                Sign::Same => {
                    let mut out = String::new();
                    let entries = entries.iter().filter(|(_, value)| !value.is_null());
                    let width = entries.clone().map(|(name, _)| name.chars().count()).max();
                    for (name, value) in entries {
                        let text = self.whole(value, sign, indent + 4);
                        let width = width.unwrap_or(0);
                        line(
                            &mut out,
                            indent + 4,
                            sign,
                            &format!("{name:<width$} = {text}"),
                        );
                    }
                    out
                }
                Sign::Remove => {
                    self.entries(value, NOTHING, &AttributePath::root(), indent + 4, false)
                }
                _ => self.entries(NOTHING, value, &AttributePath::root(), indent + 4, false),
            };
            return format!("{{\n{entries}{end}}}");
        }
        if let Some(items) = value.as_sequence() {
            if items.is_empty() {
                return "[]".to_owned();
            }
            let mut out = String::new();
            for item in items {
                let text = self.whole(item, sign, indent + 4);
                line(&mut out, indent + 4, sign, &format!("{text},"));
            }
            return format!("[\n{out}{end}]");
        }
        let Some(text) = value.as_str() else {
            return short(value);
        };
        if let Some(inner) = text::json(text) {
            let inner = self.whole(&inner, sign, indent + 4);
            return format!("jsonencode(\n{:1$}{inner}\n{end})", "", indent + 6);
        }
        if let Some(inner) = text::encoded(text) {
            return format!(
                "base64encode(<<-EOT\n{}{end}EOT)",
                text::indented(&inner, indent + 6)
            );
        }
        match text.trim_end_matches('\n').contains('\n') {
            true => format!("<<-EOT\n{}{end}EOT", text::indented(text, indent + 6)),
            false => quoted(text),
        }
    }
}

/// Old and new elements of sets: those that go, those that come, those that stay.
fn of_sets<'v>(old: &'v [Value], new: &'v [Value]) -> Vec<(&'v Value, &'v Value)> {
    let texts = |items: &[Value]| -> BTreeSet<String> { items.iter().map(key).collect() };
    let (in_old, in_new) = (texts(old), texts(new));
    let gone = old.iter().filter(|item| !in_new.contains(&key(item)));
    let all = gone.map(|item| (item, NOTHING));
    let kept = new.iter().map(|item| match in_old.contains(&key(item)) {
        true => (item, item),
        false => (NOTHING, item),
    });
    all.chain(kept).collect()
}

/// Old and new elements of lists, put beside each other.
fn of_lists<'v>(old: &'v [Value], new: &'v [Value]) -> Vec<(&'v Value, &'v Value)> {
    if old.len() == new.len() {
        return old.iter().zip(new).collect();
    }
    let texts = |items: &[Value]| -> Vec<String> { items.iter().map(key).collect() };
    let mut pairs = Vec::new();
    for part in capture_diff_slices(Algorithm::Myers, &texts(old), &texts(new)) {
        let (from, to) = (&old[part.old_range()], &new[part.new_range()]);
        match part.tag() {
            DiffTag::Equal => pairs.extend(from.iter().zip(to)),
            _ => {
                let common = from.len().min(to.len());
                pairs.extend(from.iter().zip(to));
                pairs.extend(from[common..].iter().map(|item| (item, NOTHING)));
                pairs.extend(to[common..].iter().map(|item| (NOTHING, item)));
            }
        }
    }
    pairs
}

/// What tells elements apart; what is secret is only compared, never shown.
fn key(value: &Value) -> String {
    format!("{:?}", value.unmark_paths().0)
}

/// The names in either value, sorted, with what happens to each; those that are null in both are left out.
fn names<'v>(before: &'v Value, after: &'v Value) -> Vec<(&'v str, Sign)> {
    let mut names: Vec<&str> = [before, after]
        .into_iter()
        .filter_map(Value::as_entries)
        .flatten()
        .map(|(name, _)| &**name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let sign = |name: &str| {
        let (before, after) = (get(before, name), get(after, name));
        match (is_nothing(before), is_nothing(after)) {
            (true, true) => None,
            _ if before == after => Some(Sign::Same),
            (true, false) => Some(Sign::Add),
            (false, true) => Some(Sign::Remove),
            (false, false) => Some(Sign::Change),
        }
    };
    let named = |name| Some((name, sign(name)?));
    names.into_iter().filter_map(named).collect()
}

/// Null, or a collection without elements: there is nothing to show.
fn is_nothing(value: &Value) -> bool {
    let no_items = value.as_sequence().is_some_and(<[Value]>::is_empty);
    value.is_null()
        || no_items
        || matches!(value.unmarked(), Value::Map(_, entries) if entries.is_empty())
}

fn is_secret(value: &Value) -> bool {
    value.marks().contains(Marks::SENSITIVE)
}

/// True for what fits on a line.
fn is_small(value: &Value) -> bool {
    !value.is_known() || (value.as_entries().is_none() && value.as_sequence().is_none())
}

/// What stands before the equals sign.
fn label(name: &str, is_map: bool) -> Cow<'_, str> {
    match is_map && !is_plain(name) {
        true => Cow::Owned(quoted(name)),
        false => Cow::Borrowed(name),
    }
}

/// True for keys that need no quotes.
fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(letters)
}

fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(NOTHING)
}

fn line(out: &mut String, indent: usize, sign: Sign, text: &str) {
    start(out, indent, sign);
    out.push_str(text);
    out.push('\n');
}

fn start(out: &mut String, indent: usize, sign: Sign) {
    blanks(out, indent);
    out.push_str(sign.draw());
    out.push(' ');
}

fn blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

fn hidden(out: &mut String, indent: usize, count: usize, noun: &str) {
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("# ({count} unchanged {noun}{plural} hidden)");
        line(out, indent, Sign::Same, &paint(QUIET, &text));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn object(entries: &[(&str, Value)]) -> Value {
        Value::object(entries.iter().map(|(name, value)| (*name, value.clone())))
    }

    fn tuple(items: &[&str]) -> Value {
        Value::tuple(items.iter().map(|item| Value::string(*item)).collect())
    }

    fn check(before: &Value, after: &Value, expected: Expect) {
        let paths = [AttributePath::attribute("forced")];
        let mut lines = ValueLines {
            requires_replace: &paths,
            text: String::new(),
        };
        lines.object(before, after, &AttributePath::root(), 0);
        let text = anstream::adapter::strip_str(lines.text.trim_end_matches('\n')).to_string();
        expected.assert_eq(&text);
    }

    #[test]
    fn what_stays_is_folded_and_what_forces_replacement_is_named() {
        let before = object(&[
            ("id", Value::string("i")),
            ("same", Value::string("s")),
            ("size", Value::number(1_i64)),
            ("forced", Value::string("a")),
            ("secret", Value::string("x").sensitive()),
        ]);
        let after = object(&[
            ("id", Value::string("i")),
            ("same", Value::string("s")),
            ("size", Value::number(2_i64)),
            ("forced", Value::string("b")),
            ("secret", Value::string("y").sensitive()),
        ]);
        check(
            &before,
            &after,
            expect![[r#"
                ~ forced = "a" -> "b" # forces replacement
                  id     = "i"
                ~ secret = (sensitive value)
                ~ size   = 1 -> 2
                  # (1 unchanged attribute hidden)"#]],
        );
    }

    #[test]
    fn text_and_json_are_compared_inside() {
        let before = object(&[
            (
                "json",
                Value::string(r#"{"a":1,"b":["x","y"],"c":{"d":"e"}}"#),
            ),
            ("text", Value::string("one\ntwo\nthree\n")),
        ]);
        let after = object(&[
            (
                "json",
                Value::string(r#"{"a":2,"b":["x","z","y"],"c":{"d":"e"}}"#),
            ),
            ("text", Value::string("one\n2\nthree\n")),
        ]);
        check(
            &before,
            &after,
            expect![[r#"
                ~ json = jsonencode(
                    ~ {
                        ~ a = 1 -> 2
                        ~ b = [
                              "x",
                            + "z",
                              "y",
                          ]
                          # (1 unchanged attribute hidden)
                      }
                  )
                ~ text = <<-EOT
                      one
                    - two
                    + 2
                      three
                  EOT"#]],
        );
        check(
            NOTHING,
            &before,
            expect![[r#"
                + json = jsonencode(
                      {
                        + a = 1
                        + b = [
                            + "x",
                            + "y",
                          ]
                        + c = {
                            + d = "e"
                          }
                      }
                  )
                + text = <<-EOT
                      one
                      two
                      three
                  EOT"#]],
        );
    }

    #[test]
    fn encoded_user_data_is_shown_decoded() {
        // `#cloud-config` and a line after it, in base64.
        let before = object(&[("data", Value::string("I2Nsb3VkLWNvbmZpZwphOiAxCg=="))]);
        let after = object(&[("data", Value::string("I2Nsb3VkLWNvbmZpZwphOiAyCg=="))]);
        check(
            &before,
            &after,
            expect![[r#"
                ~ data = base64encode(<<-EOT
                      #cloud-config
                    - a: 1
                    + a: 2
                  EOT)"#]],
        );
    }

    #[test]
    fn lists_show_where_they_change() {
        let items = ["a", "b", "c", "d", "e"];
        let before = object(&[("list", tuple(&items))]);
        let after = object(&[("list", tuple(&["a", "b", "c", "x", "e"]))]);
        check(
            &before,
            &after,
            expect![[r#"
                ~ list = [
                      # (2 unchanged elements hidden)
                      "c",
                    ~ "d" -> "x",
                      "e",
                  ]"#]],
        );
        let unknown = object(&[("list", Value::unknown(Type::Dynamic))]);
        check(
            &object(&[("list", tuple(&["a"]))]),
            &unknown,
            expect![[r#"
                ~ list = [
                    - "a",
                  ] -> (known after apply)"#]],
        );
    }

    #[test]
    fn what_goes_is_shown_whole() {
        let before = object(&[("a", Value::string("x")), ("l", tuple(&["y"]))]);
        check(
            &before,
            NOTHING,
            expect![[r#"
                - a = "x" -> null
                - l = [
                    - "y",
                  ] -> null"#]],
        );
    }
}
