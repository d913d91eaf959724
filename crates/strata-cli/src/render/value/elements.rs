//! Lists, tuples and sets: their elements old and new, put beside each other.

use std::collections::BTreeSet;

use similar::{Algorithm, DiffTag, capture_diff_slices};
use strata_core::{AttributePath, Number, PathStep, Value};

use super::{
    change::{NOTHING, ValueLines},
    sign::{Sign, hidden, line},
};

impl ValueLines<'_> {
    /// The elements of lists, tuples and sets, each with a comma.
    pub(super) fn elements(
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
    pub(super) fn element(
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
}

/// Old and new elements of sets: those that go, those that come, those that stay.
pub(super) fn of_sets<'v>(old: &'v [Value], new: &'v [Value]) -> Vec<(&'v Value, &'v Value)> {
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
pub(super) fn of_lists<'v>(old: &'v [Value], new: &'v [Value]) -> Vec<(&'v Value, &'v Value)> {
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
