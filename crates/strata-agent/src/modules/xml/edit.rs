//! What is done to a document, or told of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Document, Kind, NodeId};
use super::path::{self, Found, Path, Search};
use crate::arguments::text;
use crate::module::ModuleError;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Work {
    PrintMatch,
    Count,
    Attributes,
    Texts,
    Remove,
    SetChildren(Children),
    AddChildren(Children, Where),
    Set {
        attribute: Option<String>,
        value: String,
    },
    Ensure,
}

/// Elements as a task writes them.
#[derive(Debug, PartialEq)]
pub(super) struct Children {
    pub(super) items: Vec<Value>,
    pub(super) are_xml: bool,
}

/// Where new elements go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Where {
    Inside,
    Before,
    Behind,
}

/// What is returned.
#[derive(Default)]
pub(super) struct Told {
    pub(super) values: Map<String, Value>,
    pub(super) msg: String,
}

/// No element that a task writes, and no path, nests deeper.
const DEEPEST: usize = 50;

/// Works on one document.
pub(super) struct Editor<'n> {
    pub(super) document: Document,
    pub(super) namespaces: &'n BTreeMap<String, String>,
    pub(super) xpath: &'n str,
}

impl Editor<'_> {
    pub(super) fn run(&mut self, work: &Work, paths: &[Path]) -> Result<Told, ModuleError> {
        let found = self.search().find(paths, self.document.root);
        match work {
            Work::PrintMatch => Ok(self.matches(&found)),
            Work::Count => Ok(Told {
                msg: format!("found {} nodes", found.len()),
                values: Map::from_iter([("count".to_owned(), found.len().into())]),
            }),
            Work::Attributes | Work::Texts => self.content(work, &found),
            Work::Remove => {
                self.remove(&found);
                Ok(Told::default())
            }
            Work::SetChildren(children) => self.set_children(children, &found),
            Work::AddChildren(children, place) => self.add_children(children, *place, &found),
            Work::Set { attribute, value } => self.set(attribute.as_deref(), value, paths),
            Work::Ensure => {
                if elements(&found).next().is_none() {
                    self.make(self.xpath, 0)?;
                }
                Ok(Told::default())
            }
        }
    }

    fn search(&self) -> Search<'_> {
        Search {
            document: &self.document,
            namespaces: self.namespaces,
        }
    }

    /// The elements that a path as a text leads to.
    fn find(&self, xpath: &str, from: NodeId) -> Result<Vec<NodeId>, ModuleError> {
        let paths = match xpath {
            // What is above the root leads nowhere else.
            "" => return Ok(Vec::new()),
            xpath => path::parse(xpath).map_err(|why| self.cannot(xpath, &why))?,
        };
        Ok(elements(&self.search().find(&paths, from)).collect())
    }

    fn cannot(&self, xpath: &str, why: &str) -> ModuleError {
        ModuleError::new(format!("Xpath {xpath} causes a failure: {why}"))
    }

    fn matches(&self, found: &[Found]) -> Told {
        let paths: Vec<String> = found.iter().map(|one| self.place(one)).collect();
        let shown = Value::from(paths).to_string().replace("\",\"", "\", \"");
        Told {
            msg: format!("selector '{}' match: {shown}", self.xpath),
            values: Map::from_iter([("matches".to_owned(), json!([]))]),
        }
    }

    /// The one path of a node: names from the root on, with numbers among namesakes.
    fn place(&self, found: &Found) -> String {
        let id = match found {
            Found::Node(id) => *id,
            Found::Attribute(id, name) => {
                return format!("{}/@{name}", self.place(&Found::Node(*id)));
            }
        };
        let mut steps = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at {
            let name = self.document.name(id).unwrap_or("text()");
            let parent = self.document.parent(id);
            let siblings = parent.map_or(&[][..], |parent| self.document.children(parent));
            let same: Vec<&NodeId> = siblings
                .iter()
                .filter(|one| self.document.name(**one) == Some(name))
                .collect();
            let number = same
                .iter()
                .position(|one| **one == id)
                .filter(|_| same.len() > 1);
            let number = number.map_or(String::new(), |at| format!("[{}]", at + 1));
            steps.push(format!("/{name}{number}"));
            at = parent;
        }
        steps.into_iter().rev().collect()
    }

    fn content(&self, work: &Work, found: &[Found]) -> Result<Told, ModuleError> {
        let ids: Vec<NodeId> = elements(found).collect();
        if ids.is_empty() {
            return Err(ModuleError::new(format!(
                "Xpath {} does not reference a node!",
                self.xpath
            )));
        }
        let matches = ids.iter().map(|id| {
            let value = match work {
                Work::Texts => json!(self.document.text(*id)),
                _ => {
                    let plain = self.document.attributes(*id).iter();
                    let plain = plain.filter(|(name, _)| !name.starts_with("xmlns"));
                    plain
                        .map(|(name, value)| (self.clark(*id, name, true), json!(value)))
                        .collect()
                }
            };
            let name = self.document.name(*id).unwrap_or_default();
            Value::Object(Map::from_iter([(self.clark(*id, name, false), value)]))
        });
        let matches: Vec<Value> = matches.collect();
        let count = matches.len();
        let values = [
            ("count", json!(count)),
            ("matches", json!(matches)),
            ("msg", json!(count)),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        Ok(Told {
            values: Map::from_iter(values),
            msg: String::new(),
        })
    }

    /// A name with its namespace in braces.
    fn clark(&self, id: NodeId, name: &str, is_attribute: bool) -> String {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let uri = match prefix.is_empty() && is_attribute {
            true => None,
            false => self.document.namespace(id, prefix),
        };
        uri.map_or_else(|| name.to_owned(), |uri| format!("{{{uri}}}{local}"))
    }

    fn remove(&mut self, found: &[Found]) {
        for one in found {
            match one {
                Found::Node(id) => self.document.remove(*id),
                Found::Attribute(id, name) => self.document.remove_attribute(*id, name),
            }
        }
    }

    /// As in lxml an element stands in one place alone: of several targets the last one gets the new ones.
    fn set_children(&mut self, children: &Children, found: &[Found]) -> Result<Told, ModuleError> {
        let new = self.build(children)?;
        let shown = |editor: &Self, ids: &[NodeId]| -> Vec<String> {
            ids.iter().map(|id| editor.shown(*id)).collect()
        };
        let wanted = shown(self, &new);
        let targets: Vec<NodeId> = elements(found).collect();
        for target in targets {
            let inner = self.document.inner(target);
            if shown(self, &inner) == wanted {
                continue;
            }
            inner.iter().for_each(|child| self.document.remove(*child));
            for child in &new {
                self.document.remove(*child);
                self.document.append(target, *child);
            }
        }
        Ok(Told::default())
    }

    fn shown(&self, id: NodeId) -> String {
        let mut text = String::new();
        self.document.write_node(id, None, &mut text);
        text
    }

    fn add_children(
        &mut self,
        children: &Children,
        place: Where,
        found: &[Found],
    ) -> Result<Told, ModuleError> {
        let targets: Vec<NodeId> = elements(found).collect();
        let (Some(first), Some(last)) = (targets.first(), targets.last()) else {
            return Ok(Told::default());
        };
        let mut new = self.build(children)?;
        match place {
            Where::Inside => new
                .iter()
                .for_each(|child| self.document.append(*last, *child)),
            Where::Before => {
                new.iter()
                    .for_each(|child| self.document.insert_beside(*first, *child, false));
            }
            Where::Behind => {
                new.reverse();
                new.iter()
                    .for_each(|child| self.document.insert_beside(*last, *child, true));
            }
        }
        Ok(Told::default())
    }

    fn set(
        &mut self,
        attribute: Option<&str>,
        value: &str,
        paths: &[Path],
    ) -> Result<Told, ModuleError> {
        let root = self.document.root;
        let mut found = self.search().find(paths, root);
        if elements(&found).next().is_none() {
            self.make(self.xpath, 0)?;
            found = self.search().find(paths, root);
        }
        let targets: Vec<NodeId> = elements(&found).collect();
        if targets.is_empty() {
            let (xpath, tree) = (self.xpath, self.shown(root));
            return Err(ModuleError::new(format!(
                "Xpath {xpath} does not reference a node! tree is {tree}"
            )));
        }
        for target in targets {
            match attribute {
                Some(name) => {
                    let name = self.known_name(target, name, true)?;
                    self.document.set_attribute(target, &name, value);
                }
                None if self.document.text(target).unwrap_or_default() != value => {
                    self.document.set_text(target, value);
                }
                None => {}
            }
        }
        Ok(Told::default())
    }

    /// A name as the document writes it: the prefix of a path becomes one that means the same there.
    fn known_name(
        &mut self,
        id: NodeId,
        name: &str,
        is_attribute: bool,
    ) -> Result<String, ModuleError> {
        let Some((prefix, local)) = name.split_once(':') else {
            check_name(if is_attribute { "attribute" } else { "tag" }, name)?;
            return Ok(name.to_owned());
        };
        let Some(uri) = self.namespaces.get(prefix) else {
            return Err(ModuleError::new(format!(
                "the namespace `{prefix}` is not defined"
            )));
        };
        match self.document.prefix(id, uri, !is_attribute) {
            Some(known) if known.is_empty() => Ok(local.to_owned()),
            Some(known) => Ok(format!("{known}:{local}")),
            None => {
                self.document
                    .set_attribute(id, &format!("xmlns:{prefix}"), uri);
                Ok(name.to_owned())
            }
        }
    }

    /// Makes what the end of a path names, below what its beginning leads to.
    fn make(&mut self, xpath: &str, depth: usize) -> Result<(), ModuleError> {
        self.make_below(self.document.root, xpath, depth)
    }

    fn make_below(&mut self, from: NodeId, xpath: &str, depth: usize) -> Result<(), ModuleError> {
        let Some((inner, end)) = split(xpath).filter(|_| depth < DEEPEST) else {
            let tree = self.shown(self.document.root);
            return Err(ModuleError::new(format!(
                "Can't process Xpath {xpath} in order to spawn nodes! tree is {tree}"
            )));
        };
        if self.find(inner, from)?.is_empty() && !inner.is_empty() {
            self.make_below(from, inner, depth + 1)?;
        }
        for target in self.find(inner, from)? {
            match &end {
                End::Element {
                    name,
                    text,
                    conditions,
                } => {
                    let child = self.document.element(name);
                    self.document.append(target, child);
                    let known = self.known_name(child, name, false)?;
                    self.document.rename(child, &known);
                    if let Some(text) = text {
                        self.document.set_text(child, text);
                    }
                    for condition in conditions {
                        self.make_below(child, &format!("./{}", condition.trim()), depth + 1)?;
                    }
                }
                End::Text(text) => self.document.set_text(target, text),
                End::Attribute { name, value } => {
                    let name = self.known_name(target, name, true)?;
                    self.document.set_attribute(target, &name, value);
                }
            }
        }
        Ok(())
    }

    fn build(&mut self, children: &Children) -> Result<Vec<NodeId>, ModuleError> {
        let mut new = Vec::new();
        for item in &children.items {
            new.push(match children.are_xml {
                true => self.adopt(item)?,
                false => self.element(item, 0)?,
            });
        }
        Ok(new)
    }

    /// An element that is written as XML.
    fn adopt(&mut self, item: &Value) -> Result<NodeId, ModuleError> {
        let written = text(item).unwrap_or_default();
        let other = super::parse::parse(&written)
            .map_err(|why| ModuleError::new(format!("Error while parsing child element: {why}")))?;
        Ok(self.copy(&other, other.root))
    }

    fn copy(&mut self, other: &Document, id: NodeId) -> NodeId {
        let new = match other.kind(id) {
            Kind::Element { name, .. } => {
                let new = self.document.element(name);
                for (name, value) in other.attributes(id) {
                    self.document.set_attribute(new, name, value);
                }
                new
            }
            kind => self.document.add(kind.clone()),
        };
        // The reader bounds how deep a document nests.
        for child in other.children(id) {
            let child = self.copy(other, *child);
            self.document.append(new, child);
        }
        new
    }

    /// An element without anything in it.
    fn named(&mut self, name: &str) -> Result<NodeId, ModuleError> {
        check_name("tag", name)?;
        Ok(self.document.element(name))
    }

    /// An element as a name, or as a mapping of its name to its text, or to its attributes with `_` for what is in it.
    fn element(&mut self, item: &Value, depth: usize) -> Result<NodeId, ModuleError> {
        let wrong = |why: &str| Err(ModuleError::new(why));
        if depth > DEEPEST {
            return wrong("children nest too deep");
        }
        let map = match item {
            Value::String(name) => return self.named(name),
            Value::Object(map) => map,
            _ => return wrong("Invalid child type. Children must be either strings or hashes."),
        };
        let (Some((name, value)), 1) = (map.iter().next(), map.len()) else {
            return wrong("Can only create children from hashes with one key");
        };
        let id = self.named(name)?;
        let Value::Object(inside) = value else {
            if let Some(value) = text(value) {
                self.document.set_text(id, &value);
            }
            return Ok(id);
        };
        for (name, value) in inside {
            match (name.as_str(), value) {
                ("_", Value::Array(items)) => {
                    for item in items {
                        let child = self.element(item, depth + 1)?;
                        self.document.append(id, child);
                    }
                }
                ("_", _) => return wrong("Invalid children type, must be list."),
                ("+value", value) => {
                    self.document.set_text(id, &text(value).unwrap_or_default());
                }
                (name, value) => {
                    check_name("attribute", name)?;
                    let value = text(value).unwrap_or_default();
                    self.document.set_attribute(id, name, &value);
                }
            }
        }
        Ok(id)
    }
}

fn elements(found: &[Found]) -> impl Iterator<Item = NodeId> + '_ {
    found.iter().filter_map(|one| match one {
        Found::Node(id) => Some(*id),
        Found::Attribute(..) => None,
    })
}

/// What the end of a path asks to be made.
#[derive(Debug, PartialEq)]
enum End<'p> {
    Element {
        name: &'p str,
        text: Option<&'p str>,
        conditions: Vec<&'p str>,
    },
    Attribute {
        name: &'p str,
        value: &'p str,
    },
    Text(&'p str),
}

/// Divides a path before its last step: `/a/b` is `b` in `/a`, `/a/@b='c'` an attribute, `/a/text()='c'` a text.
fn split(xpath: &str) -> Option<(&str, End<'_>)> {
    let xpath = xpath.trim();
    let (inner, last) = xpath[..].split_at(last_slash(xpath)?);
    let last = &last[1..];
    let (name, value) = match last.split_once('=').filter(|_| !last.contains('[')) {
        Some((name, value)) => (name, Some(unquoted(value)?)),
        None => (last, None),
    };
    let element = |name, text, conditions| End::Element {
        name,
        text,
        conditions,
    };
    let end = match (name, value) {
        ("text()", Some(value)) => match inner.rsplit_once('/') {
            // The text of an element that is to be there, too.
            Some((outer, name)) if is_name(name) => {
                return Some((outer, element(name, Some(value), Vec::new())));
            }
            _ => End::Text(value),
        },
        (name, value) if name.starts_with('@') && is_name(&name[1..]) => End::Attribute {
            name: &name[1..],
            value: value.unwrap_or_default(),
        },
        (name, None) if is_name(name) => element(name, None, Vec::new()),
        (name, None) => {
            let (name, conditions) = name.strip_suffix(']')?.split_once('[')?;
            let conditions = conditions.split(" and ").collect();
            element(name, None, conditions)
        }
        _ => return None,
    };
    Some((inner, end))
}

/// The last slash outside of brackets and quotes.
fn last_slash(xpath: &str) -> Option<usize> {
    let (mut depth, mut quote, mut last) = (0_usize, None, None);
    for (at, c) in xpath.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, '/') if depth == 0 => last = Some(at),
            _ => {}
        }
    }
    last
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].strip_suffix(quote)
}

/// Refuses what would make the document one that cannot be read, in the words of lxml.
fn check_name(what: &str, name: &str) -> Result<(), ModuleError> {
    if is_name(name) && !name.contains(':') {
        return Ok(());
    }
    Err(ModuleError::new(format!("Invalid {what} name '{name}'")))
}

fn is_name(text: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_divided_before_what_is_to_be_made() {
        let check = |xpath: &str, inner: &str, end: End<'_>| {
            assert_eq!(split(xpath), Some((inner, end)), "{xpath}");
        };
        let element = |name, text, conditions| End::Element {
            name,
            text,
            conditions,
        };
        check("/a/b", "/a", element("b", None, Vec::new()));
        check(
            "/a/b/text()='c/d'",
            "/a",
            element("b", Some("c/d"), Vec::new()),
        );
        check(
            "/a/@b='c'",
            "/a",
            End::Attribute {
                name: "b",
                value: "c",
            },
        );
        check(
            "/a/b[@c='d/e' and f]",
            "/a",
            element("b", None, vec!["@c='d/e'", "f"]),
        );
        check("./text()='x'", ".", End::Text("x"));
        assert_eq!(split("/a/b(c)"), None);
    }
}
