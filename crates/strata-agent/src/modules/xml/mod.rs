//! `xml`: elements, attributes and texts of a file of XML, found by a path of XPath.
//!
//! `document.rs` has the document, `parse.rs` reads it, `path.rs` finds in it, `edit.rs` changes it. Documents in other
//! encodings than UTF-8, and entities of their own, are refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use document::Document;
use edit::{Editor, Work};
use path::Path;

mod document;
mod edit;
mod parse;
mod path;
mod words;

pub(super) struct Xml {
    source: Source,
    xpath: Option<String>,
    paths: Vec<Path>,
    namespaces: BTreeMap<String, String>,
    work: Work,
    state: String,
    pretty: bool,
    backup: bool,
}

enum Source {
    File(PathBuf),
    Text(String),
}

/// The document, before and after.
pub(super) struct Found {
    file: Option<Existing>,
    new: String,
    changed: bool,
    told: Map<String, Value>,
    msg: String,
}

impl Module for Xml {
    const SPEC: Spec = Spec::new(
        "community.general.xml",
        &[
            Field::new("add_children", FieldKind::Raw),
            Field::str("attribute"),
            Field::bool("backup", false),
            Field::str("content").choices(&["attribute", "text"]),
            Field::bool("count", false),
            Field::str("input_type")
                .choices(&["xml", "yaml"])
                .default("yaml"),
            Field::bool("insertafter", false),
            Field::bool("insertbefore", false),
            Field::new("namespaces", FieldKind::Dict),
            Field::path("path").alias(&["dest", "file"]),
            Field::bool("pretty_print", false),
            Field::bool("print_match", false),
            Field::new("set_children", FieldKind::Raw),
            Field::str("state")
                .alias(&["ensure"])
                .choices(&["absent", "present"])
                .default("present"),
            Field::fixed("strip_cdata_tags", "false"),
            Field::new("value", FieldKind::Raw),
            Field::str("xmlstring"),
            Field::str("xpath"),
        ],
    )
    .exclusive(&[
        &[
            "add_children",
            "content",
            "count",
            "print_match",
            "set_children",
            "value",
        ],
        &["path", "xmlstring"],
    ])
    .one_of(&[&["path", "xmlstring"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Xml, ModuleError> {
        let xpath = arguments.string("xpath");
        let paths = match &xpath {
            None => Vec::new(),
            Some(xpath) => path::parse(xpath).map_err(|why| {
                ModuleError::new(format!("Syntax error in xpath expression: {xpath} ({why})"))
            })?,
        };
        let pretty = arguments.bool("pretty_print");
        let state = arguments.text("state");
        let work = work(arguments, &state)?;
        if xpath.is_none() && !(pretty && work == Work::Ensure) {
            return Err(ModuleError::new("missing required arguments: xpath"));
        }
        let given = arguments.raw("namespaces").and_then(Value::as_object);
        let namespaces = given.into_iter().flatten();
        Ok(Xml {
            source: match arguments.path("path") {
                Some(path) => Source::File(path),
                None => Source::Text(arguments.text("xmlstring")),
            },
            namespaces: namespaces
                .filter_map(|(prefix, uri)| Some((prefix.clone(), text(uri)?)))
                .collect(),
            backup: arguments.bool("backup"),
            xpath,
            paths,
            work,
            state,
            pretty,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let (file, text) = self.read(host)?;
        let mut document = parse::parse(&text).map_err(|why| {
            let name = file
                .as_ref()
                .map(|file| file.path.to_string_lossy().into_owned());
            let name = name.unwrap_or_else(|| "xml_string".to_owned());
            ModuleError::new(format!("Error while parsing document: {name} ({why})"))
        })?;
        if self.pretty {
            document.remove_blanks();
        }
        let before = bare(&document);
        let mut editor = Editor {
            document,
            namespaces: &self.namespaces,
            xpath: self.xpath.as_deref().unwrap_or_default(),
        };
        let told = match &self.xpath {
            Some(_) => editor.run(&self.work, &self.paths)?,
            None => edit::Told::default(),
        };
        let new = editor.document.write(self.pretty);
        // Of a file that is only made pretty each difference counts, else not that of blanks.
        let changed = match self.xpath {
            Some(_) => bare(&editor.document) != before,
            None => new != text,
        };
        Ok(Found {
            file,
            new,
            changed,
            told: told.values,
            msg: told.msg,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.changed.then(|| Edited {
            heading: Heading::File,
            text: found.new.clone(),
            backup: self.backup,
            validate: None,
        });
        match &found.file {
            Some(file) => file.changes(edited, &Wanted::default()),
            None => Vec::new(),
        }
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut values = match &self.xpath {
            Some(xpath) => values(json!({ "actions": {
                "xpath": xpath, "namespaces": self.namespaces, "state": self.state,
            } })),
            None => Map::new(),
        };
        values.extend(found.told.clone());
        if found.file.is_none() {
            values.insert("xmlstring".to_owned(), found.new.clone().into());
        }
        Ok(Report {
            values,
            msg: found.msg.clone(),
            changed: Some(found.changed),
            ..Report::default()
        })
    }
}

impl Xml {
    fn read(&self, host: &dyn Host) -> Result<(Option<Existing>, String), ModuleError> {
        let path = match &self.source {
            Source::Text(text) => return Ok((None, text.clone())),
            Source::File(path) => path,
        };
        let file = Existing::read(host, path)?;
        if file.there.is_none() {
            let shown = path.display();
            return Err(ModuleError::new(format!(
                "The target XML source '{shown}' does not exist."
            )));
        }
        let text = file.text.clone();
        Ok((Some(file), text))
    }
}

/// What the document says, without blanks between elements.
fn bare(document: &Document) -> String {
    let mut document = document.clone();
    document.remove_blanks();
    document.write(false)
}

/// What is asked for; of several things the first in this order.
fn work(arguments: &Arguments, state: &str) -> Result<Work, ModuleError> {
    let children = |name: &str| {
        let list = arguments.raw(name).map(|given| match given {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        });
        list.map(|items| edit::Children {
            items,
            are_xml: arguments.text("input_type") == "xml",
        })
    };
    if arguments.bool("print_match") {
        return Ok(Work::PrintMatch);
    }
    if arguments.bool("count") {
        return Ok(Work::Count);
    }
    match arguments.string("content").as_deref() {
        Some("attribute") => return Ok(Work::Attributes),
        Some(_) => return Ok(Work::Texts),
        None => {}
    }
    if state == "absent" {
        return Ok(Work::Remove);
    }
    if let Some(children) = children("set_children") {
        return Ok(Work::SetChildren(children));
    }
    if let Some(children) = children("add_children") {
        let place = match (
            arguments.bool("insertbefore"),
            arguments.bool("insertafter"),
        ) {
            (true, true) => {
                return Err(ModuleError::new(
                    "parameters are mutually exclusive: insertbefore|insertafter",
                ));
            }
            (true, false) => edit::Where::Before,
            (false, true) => edit::Where::Behind,
            (false, false) => edit::Where::Inside,
        };
        return Ok(Work::AddChildren(children, place));
    }
    let attribute = arguments.string("attribute");
    match arguments.raw("value").and_then(text) {
        Some(value) => Ok(Work::Set { attribute, value }),
        None if attribute.is_some() => Err(ModuleError::new(
            "missing parameter(s) required by 'attribute': value",
        )),
        None => Ok(Work::Ensure),
    }
}
