//! Nested blocks, drawn as configuration writes them: `device { … }`, not `device = [{ … }]`.
//!
//! Which attributes of an object are blocks only the schema of its type knows; without one, all are attributes.

use strata_core::{
    AttributePath, Number, PathStep, Value,
    schema::{Block, NestedBlock, Nesting},
};

use super::{
    change::{NOTHING, ValueLines, get, is_nothing, is_secret},
    elements::{of_lists, of_sets},
    quoted, short,
    sign::{Sign, hidden, line},
};

/// What is said in place of blocks that must not be shown.
const SECRET: &str = "# At least one attribute in this block is (or was) sensitive, so its contents will not be shown.";

/// One block, old and new, with what leads to it.
struct One<'v> {
    before: &'v Value,
    after: &'v Value,
    step: Option<PathStep>,
    label: Option<&'v str>,
}

impl ValueLines<'_> {
    /// Draws the blocks of an object below its attributes.
    pub(super) fn blocks(
        &self,
        (before, after): (&Value, &Value),
        block: &Block,
        path: &AttributePath,
        indent: usize,
        out: &mut String,
    ) {
        let mut same = 0;
        for (name, nested) in &block.blocks {
            let (old, new) = (get(before, name), get(after, name));
            if is_nothing(old) && is_nothing(new) {
                continue;
            }
            let path = path.then(PathStep::Attribute(name.clone().into()));
            let text = self.group(name, nested, (old, new), &path, indent, &mut same);
            if !text.is_empty() {
                separate(out);
                out.push_str(&text);
            }
        }
        if same > 0 {
            separate(out);
        }
        hidden(out, indent, same, "block");
    }

    /// All blocks of one kind.
    fn group(
        &self,
        name: &str,
        nested: &NestedBlock,
        (old, new): (&Value, &Value),
        path: &AttributePath,
        indent: usize,
        same: &mut usize,
    ) -> String {
        let mut out = String::new();
        let sign = Sign::of(old, new);
        if is_secret(old) || is_secret(new) {
            let end = " ".repeat(indent + 2);
            let inner = format!("{:1$}{SECRET}", "", indent + 6);
            line(
                &mut out,
                indent,
                sign,
                &format!("{name} {{\n{inner}\n{end}}}"),
            );
            return out;
        }
        if !new.is_known() {
            line(&mut out, indent, sign, &format!("{name} {}", short(new)));
            return out;
        }
        for one in blocks_of(nested.nesting, old, new) {
            let sign = Sign::of(one.before, one.after);
            if sign == Sign::Same {
                *same += 1;
                continue;
            }
            let path = one.step.map_or(path.clone(), |step| path.then(step));
            let label = one.label.map(|label| format!(" {}", quoted(label)));
            let head = self.forced(format!("{name}{} {{", label.unwrap_or_default()), &path);
            let sides = (one.before, one.after);
            let inner = self.body(sides, Some(&nested.block), &path, indent + 4, true);
            let end = " ".repeat(indent + 2);
            line(&mut out, indent, sign, &format!("{head}\n{inner}{end}}}"));
        }
        out
    }
}

/// An empty line between what stands before and the blocks.
fn separate(out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
}

fn blocks_of<'v>(nesting: Nesting, old: &'v Value, new: &'v Value) -> Vec<One<'v>> {
    let one = |(before, after): (&'v Value, &'v Value), step| One {
        before,
        after,
        step,
        label: None,
    };
    let items = |value: &'v Value| value.as_sequence().unwrap_or_default();
    match nesting {
        Nesting::Single => vec![one((old, new), None)],
        Nesting::Set => of_sets(items(old), items(new))
            .into_iter()
            .map(|pair| one(pair, Some(PathStep::Element)))
            .collect(),
        Nesting::List => of_lists(items(old), items(new))
            .into_iter()
            .enumerate()
            .map(|(at, pair)| one(pair, Some(PathStep::Index(Number::from(at as i64)))))
            .collect(),
        Nesting::Map => labelled(old, new),
    }
}

fn labelled<'v>(old: &'v Value, new: &'v Value) -> Vec<One<'v>> {
    let names = |value: &'v Value| {
        value
            .as_entries()
            .into_iter()
            .flatten()
            .map(|(name, _)| &**name)
    };
    let mut labels: Vec<&'v str> = names(old).chain(names(new)).collect();
    labels.sort_unstable();
    labels.dedup();
    let one = |label: &'v str| One {
        before: old.get(label).unwrap_or(NOTHING),
        after: new.get(label).unwrap_or(NOTHING),
        step: Some(PathStep::Key(label.into())),
        label: Some(label),
    };
    labels.into_iter().map(one).collect()
}
