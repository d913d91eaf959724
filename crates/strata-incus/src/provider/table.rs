//! Sets of small objects: the rules of an ACL, the ports of a forward, the entries of a zone's record.
//!
//! In configuration an unset column is null, on the server it is an empty text; both read as the
//! same. [`Table`] says which columns there are, and carries a set there and back.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

use super::{attributes::Attributes, schemas::Named};

/// A set of objects, named alike in configuration and on the server unless `field` says otherwise.
pub(crate) struct Table {
    /// Its name in configuration.
    pub(crate) name: &'static str,
    /// Its name on the server.
    pub(crate) field: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) description: &'static str,
}

/// One column: a text, or for `number` a whole number.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) presence: Cell,
    /// The words that it may have; any if there are none.
    pub(crate) words: &'static [&'static str],
    pub(crate) description: &'static str,
}

/// What a column holds where configuration says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Configuration must say it.
    Required,
    /// Nothing.
    Optional,
    /// This text.
    Default(&'static str),
    /// This number.
    Number(i64),
    /// Configuration must give a set of texts.
    Texts,
}

impl Column {
    const fn new(name: &'static str, presence: Cell, description: &'static str) -> Self {
        Self {
            name,
            presence,
            words: &[],
            description,
        }
    }

    /// A text that must be set.
    pub(crate) const fn required(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Cell::Required, description)
    }

    /// A text that may be set.
    pub(crate) const fn optional(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Cell::Optional, description)
    }

    /// A text with a default.
    pub(crate) const fn default(
        name: &'static str,
        text: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(name, Cell::Default(text), description)
    }

    /// A whole number with a default.
    pub(crate) const fn number(name: &'static str, number: i64, description: &'static str) -> Self {
        Self::new(name, Cell::Number(number), description)
    }

    /// A set of texts that must be set.
    pub(crate) const fn texts(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Cell::Texts, description)
    }

    /// Only these words.
    pub(crate) const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    fn schema(&self) -> Named {
        let (ty, presence) = match self.presence {
            Cell::Required => (Type::String, Presence::Required),
            Cell::Optional => (Type::String, Presence::Optional),
            Cell::Default(_) => (Type::String, Presence::OptionalComputed),
            Cell::Number(_) => (Type::Number, Presence::OptionalComputed),
            Cell::Texts => (Type::set(Type::String), Presence::Required),
        };
        (self.name, Attribute::new(ty, presence, self.description))
    }

    fn ty(&self) -> Type {
        match self.presence {
            Cell::Number(_) => Type::Number,
            Cell::Texts => Type::set(Type::String),
            _ => Type::String,
        }
    }

    /// The value with what stands for nothing made the same: null, or the default.
    fn plain(&self, value: Option<&Value>) -> Value {
        let nothing = value.is_none_or(|value| value.is_null() || value.as_str() == Some(""));
        match (nothing, self.presence) {
            (false, _) => value.cloned().unwrap_or(Value::Null(self.ty())),
            (true, Cell::Default(text)) => Value::from(text),
            (true, Cell::Number(number)) => Value::from(number),
            (true, _) => Value::Null(self.ty()),
        }
    }
}

impl Table {
    /// The table as an attribute, for `name = [{ … }]`.
    pub(crate) fn attribute(&self) -> Named {
        let columns = self.columns.iter().map(Column::schema);
        let presence = Presence::OptionalComputed;
        let attribute = Attribute::nested(Nesting::Set, columns, presence, self.description);
        (self.name, attribute)
    }

    /// The table as blocks, for `name { … }`.
    pub(crate) fn blocks(&self) -> (&'static str, NestedBlock) {
        let columns = self.columns.iter().map(Column::schema);
        let block = Block {
            attributes: columns
                .map(|(name, column)| (name.into(), column))
                .collect(),
            blocks: BTreeMap::new(),
            description: self.description,
        };
        let nested = NestedBlock {
            nesting: Nesting::Set,
            block,
            min_items: 0,
            max_items: 0,
        };
        (self.name, nested)
    }

    /// Demands the words that a column may have.
    pub(crate) fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        for row in config.blocks(self.name) {
            for column in self
                .columns
                .iter()
                .filter(|column| !column.words.is_empty())
            {
                let wrong = row
                    .some_text(column.name)
                    .filter(|word| !column.words.contains(word));
                if let Some(word) = wrong {
                    let (column, words) = (column.name, column.words.join("`, `"));
                    let summary = format!("`{word}` is not a valid `{column}` in `{}`", self.name);
                    let hint = format!("it is one of `{words}`");
                    diags.push(Diagnostic::error("incus-invalid-value", summary).hint(hint));
                }
            }
        }
    }

    /// What was proposed, with defaults filled in; null if it was left out.
    pub(crate) fn planned(&self, proposed: &Value) -> Value {
        let Some(set) = proposed.get(self.name).filter(|set| set.is_known()) else {
            return self.absent();
        };
        match set.as_sequence() {
            Some(rows) => self.set(rows.iter().map(|row| self.plain(row))),
            None => self.absent(),
        }
    }

    /// The rows for the server.
    pub(crate) fn json(&self, object: Attributes<'_>) -> (&'static str, Json) {
        let rows = object.blocks(self.name).map(|row| {
            let cells = self.columns.iter().filter_map(|column| {
                let cell = match row.0.get(column.name)? {
                    Value::String(text) => Json::from(&**text),
                    value if column.presence == Cell::Texts => {
                        let texts = value.as_sequence()?.iter().filter_map(Value::as_str);
                        texts.collect()
                    }
                    value => Json::from(value.as_number()?.as_i64()?),
                };
                Some((column.name.to_owned(), cell))
            });
            Json::Object(cells.collect::<Map<String, Json>>())
        });
        (self.field, rows.collect())
    }

    /// The server's rows; `known` as it is if they are the same.
    pub(crate) fn read(&self, known: Attributes<'_>, server: &Map<String, Json>) -> Value {
        let rows = server.get(self.field).and_then(Json::as_array);
        let rows = rows.into_iter().flatten().map(|row| self.row(row));
        let found = self.set(rows);
        let known = known.0.get(self.name).cloned();
        let known = known.unwrap_or_else(|| self.absent());
        let same = match known.as_sequence() {
            Some(rows) => self.set(rows.iter().map(|row| self.plain(row))) == found,
            None => found.as_sequence().is_none_or(<[Value]>::is_empty),
        };
        if same { known } else { found }
    }

    fn row(&self, row: &Json) -> Value {
        let cells = self.columns.iter().map(|column| {
            let cell = match &row[column.name] {
                Json::String(text) => Some(Value::from(text.as_str())),
                Json::Number(number) => number.as_i64().map(Value::from),
                Json::Array(texts) => {
                    let texts = texts.iter().filter_map(Json::as_str).map(Value::from);
                    Some(Value::set(Type::String, texts))
                }
                _ => None,
            };
            (column.name, column.plain(cell.as_ref()))
        });
        Value::object(cells)
    }

    fn plain(&self, row: &Value) -> Value {
        if !row.is_known() {
            return row.clone();
        }
        let columns = self.columns.iter();
        Value::object(columns.map(|column| (column.name, column.plain(row.get(column.name)))))
    }

    fn row_type(&self) -> Type {
        Type::object(self.columns.iter().map(|column| (column.name, column.ty())))
    }

    fn set(&self, rows: impl Iterator<Item = Value>) -> Value {
        Value::set(self.row_type(), rows)
    }

    fn absent(&self) -> Value {
        Value::Null(Type::set(self.row_type()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PORTS: Table = Table {
        name: "ports",
        field: "ports",
        columns: &[
            Column::required("listen_port", "Where."),
            Column::default("protocol", "tcp", "How.").words(&["tcp", "udp"]),
            Column::optional("description", "Why."),
            Column::number("ttl", 300, "How long."),
        ],
        description: "Ports.",
    };

    fn object(rows: &[&[(&'static str, Value)]]) -> Value {
        let rows = rows.iter().map(|row| Value::object(row.iter().cloned()));
        Value::object([("ports", Value::tuple(rows.collect()))])
    }

    #[test]
    fn defaults_are_planned_and_what_the_server_says_the_same_way_is_no_change() {
        let written = object(&[&[("listen_port", Value::from("80"))]]);
        let planned = Value::object([("ports", PORTS.planned(&written))]);
        let sent = PORTS.json(Attributes(&planned));
        let row = json!({ "listen_port": "80", "protocol": "tcp", "ttl": 300 });
        assert_eq!(sent, ("ports", json!([row])));

        let answer = json!({ "ports": [{ "listen_port": "80", "protocol": "tcp", "description": "", "ttl": 300 }] });
        let answer = answer.as_object().unwrap();
        let read = PORTS.read(Attributes(&planned), answer);
        assert_eq!(Some(&read), planned.get("ports"));
    }

    #[test]
    fn a_row_that_someone_added_shows() {
        let known = Value::object([("ports", PORTS.absent())]);
        let none = json!({ "ports": [] });
        let read = PORTS.read(Attributes(&known), none.as_object().unwrap());
        assert!(read.is_null());
        let one = json!({ "ports": [{ "listen_port": "81" }] });
        let read = PORTS.read(Attributes(&known), one.as_object().unwrap());
        assert_eq!(read.as_sequence().unwrap().len(), 1);
    }

    #[test]
    fn words_that_a_column_does_not_have_are_refused() {
        let config = object(&[&[("protocol", Value::from("icmp"))]]);
        let mut diags = Diagnostics::new();
        PORTS.validate(Attributes(&config), &mut diags);
        let told: Vec<_> = diags.iter().map(|error| error.summary.as_str()).collect();
        assert_eq!(told, ["`icmp` is not a valid `protocol` in `ports`"]);
    }
}
