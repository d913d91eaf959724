//! An object as it is, without signs: `state show`, and `show` of a state.

use strata_core::{Value, schema::Block};

use super::{
    change::{ValueLines, is_nothing, label},
    sign::{Sign, line},
};

/// The attributes and blocks of an object, as `terraform state show` draws them, each line with its end.
pub(crate) fn still(value: &Value, block: Option<&Block>) -> String {
    let lines = ValueLines {
        requires_replace: &[],
        block,
        text: String::new(),
    };
    lines.still(value, block, 2)
}

impl ValueLines<'_> {
    fn still(&self, value: &Value, block: Option<&Block>, indent: usize) -> String {
        let is_block = |name: &str| block.is_some_and(|block| block.blocks.contains_key(name));
        let entries = value.as_entries().into_iter().flatten();
        let attributes: Vec<_> = entries
            .filter(|(name, value)| !value.is_null() && !is_block(name))
            .collect();
        let width = attributes
            .iter()
            .map(|(name, _)| label(name).chars().count())
            .max();
        let mut out = String::new();
        for (name, value) in attributes {
            let (name, width) = (label(name), width.unwrap_or(0));
            let text = self.whole(value, Sign::Same, indent);
            line(
                &mut out,
                indent,
                Sign::Same,
                &format!("{name:<width$} = {text}"),
            );
        }
        for (name, nested) in block.iter().flat_map(|block| &block.blocks) {
            let found = value.get(name).filter(|found| !is_nothing(found));
            let blocks = found.map(|found| self.still_blocks(name, found, &nested.block, indent));
            if let Some(blocks) = blocks.filter(|blocks| !blocks.is_empty()) {
                out.push('\n');
                out.push_str(&blocks);
            }
        }
        out
    }

    /// Blocks of one kind: a list or set of them, one for each label, or a single one.
    fn still_blocks(&self, name: &str, found: &Value, block: &Block, indent: usize) -> String {
        let end = " ".repeat(indent + 2);
        let mut out = String::new();
        let mut one = |head: String, value: &Value| {
            let inner = self.still(value, Some(block), indent + 4);
            line(
                &mut out,
                indent,
                Sign::Same,
                &format!("{head} {{\n{inner}{end}}}"),
            );
        };
        match (found.as_sequence(), found.unmarked()) {
            (Some(items), _) => items.iter().for_each(|item| one(name.to_owned(), item)),
            (None, Value::Map(_, entries)) => entries
                .iter()
                .for_each(|(key, item)| one(format!("{name} {}", super::quoted(key)), item)),
            (None, _) => one(name.to_owned(), found),
        }
        out
    }
}
