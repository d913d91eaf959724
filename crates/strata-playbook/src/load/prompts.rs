//! `vars_prompt`: what a play asks for.

use serde_json::Value as Json;
use strata_core::Diagnostic;

use super::reader::Reader;
use crate::{
    play::VarsPrompt,
    yaml::{Entry, Node},
};

const KNOWN: &[&str] = &[
    "name",
    "prompt",
    "default",
    "private",
    "confirm",
    "encrypt",
    "salt",
    "salt_size",
    "unsafe",
];

/// Reads the questions of a play.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<VarsPrompt> {
    let items = reader.sequence(node, "`vars_prompt`").unwrap_or_default();
    items.iter().filter_map(|item| one(reader, item)).collect()
}

fn one(reader: &mut Reader<'_>, item: &Node) -> Option<VarsPrompt> {
    let mut prompt = VarsPrompt {
        private: true,
        ..VarsPrompt::default()
    };
    for entry in reader.mapping(item, "a prompt").unwrap_or_default() {
        part(reader, entry, &mut prompt);
    }
    if prompt.name.is_empty() {
        reader.diags.push(
            Diagnostic::error("missing-name", "a prompt must have a `name`").at(item.span.clone()),
        );
        return None;
    }
    if prompt.prompt.is_empty() {
        prompt.prompt.clone_from(&prompt.name);
    }
    Some(prompt)
}

fn part(reader: &mut Reader<'_>, entry: &Entry, prompt: &mut VarsPrompt) {
    let mut text = || {
        let text = reader.text(entry)?;
        text.value.as_str().map(str::to_owned)
    };
    match entry.key.text().unwrap_or_default() {
        "name" => prompt.name = reader.variable_name(entry).unwrap_or_default(),
        "prompt" => prompt.prompt = text().unwrap_or_default(),
        "default" => prompt.default = Some(entry.value.to_json()),
        "encrypt" => prompt.encrypt = text(),
        "salt" => prompt.salt = text(),
        "salt_size" => {
            let size = reader.integer(entry);
            prompt.salt_size = size.and_then(|size| size.value.as_u64());
        }
        "private" => prompt.private = flag(reader, entry, true),
        "confirm" => prompt.confirm = flag(reader, entry, false),
        "unsafe" => prompt.is_unsafe = flag(reader, entry, false),
        _ => reader.unknown(entry, "a prompt", KNOWN),
    }
}

fn flag(reader: &mut Reader<'_>, entry: &Entry, usual: bool) -> bool {
    match reader.boolean(entry) {
        Some(value) => value.value == Json::Bool(true),
        None => usual,
    }
}
