//! The tree.

use serde_json::{Map, Value as Json};
use strata_core::Span;

use super::scalar;
use crate::{UNSAFE_KEY, VAULT_KEY};

/// One node of a YAML document, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
    /// Its tag, such as `!vault`, if it has one of its own.
    pub tag: Option<String>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A text, number, boolean or null; which of them is decided by [`Node::to_json`].
    Scalar {
        /// The text after unfolding and unescaping.
        text: String,
        /// How it was written.
        style: ScalarStyle,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, merge keys resolved, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes: it may be a number, a boolean or null.
    Plain,
    /// In quotes or as a block: always a text.
    Quoted,
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let found = self
            .entries()?
            .iter()
            .find(|entry| entry.key.text() == Some(key));
        found.map(|entry| &entry.value)
    }

    /// True for `null`, `~` and nothing at all.
    pub fn is_null(&self) -> bool {
        self.to_json().is_null()
    }

    /// What the node is, in words for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Scalar { .. } => match self.to_json() {
                Json::Null => "nothing",
                Json::Bool(_) => "a boolean",
                Json::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// The value; `!unsafe` and `!vault` become marks ([`UNSAFE_KEY`], [`VAULT_KEY`]).
    pub fn to_json(&self) -> Json {
        match &self.kind {
            NodeKind::Scalar { text, style } => self.scalar(text, *style),
            NodeKind::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            NodeKind::Mapping(entries) => {
                let pair = |entry: &Entry| (entry.key.key_text(), entry.value.to_json());
                Json::Object(entries.iter().map(pair).collect())
            }
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle) -> Json {
        match self.tag.as_deref() {
            Some("!unsafe") => marked(UNSAFE_KEY, text),
            Some("!vault" | "!vault-encrypted") => marked(VAULT_KEY, text),
            Some("tag:yaml.org,2002:str") => Json::String(text.to_owned()),
            Some(
                "tag:yaml.org,2002:int" | "tag:yaml.org,2002:float" | "tag:yaml.org,2002:bool",
            ) => scalar::plain(text),
            _ if style == ScalarStyle::Quoted => Json::String(text.to_owned()),
            _ => scalar::plain(text),
        }
    }

    /// A key as JSON has it: always a text.
    fn key_text(&self) -> String {
        match self.to_json() {
            Json::String(text) => text,
            // `on:` and `yes:` are booleans in YAML 1.1; Python writes them so when they become texts.
            Json::Bool(true) => "True".to_owned(),
            Json::Bool(false) => "False".to_owned(),
            other => other.to_string(),
        }
    }
}

fn marked(key: &str, text: &str) -> Json {
    let mut map = Map::new();
    map.insert(key.to_owned(), Json::String(text.to_owned()));
    Json::Object(map)
}
