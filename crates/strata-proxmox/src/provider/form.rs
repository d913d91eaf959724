//! How an attribute is written as a parameter, and read back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};

use super::{guest, value};

/// The parts of a property string: attribute and part.
pub(crate) type Parts = &'static [(&'static str, &'static str)];

/// How an attribute is written as a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text or number.
    Text,
    /// A truth as 0 or 1.
    Flag,
    /// The same, and true where the server does not tell it.
    On,
    /// A list with commas.
    List,
    /// A list with spaces.
    Spaces,
    /// A time as RFC 3339, which PVE keeps as seconds.
    Time,
    /// Members that exist: `{ "A": 1 }`.
    Members,
    /// `name:number` pairs with commas.
    Priorities,
    /// A list as a parameter that comes several times.
    Items,
    /// Names as `name=NAME`, a parameter that comes several times.
    Names,
    /// An object as a property string.
    Object(Parts),
    /// Objects as property strings, a parameter that comes several times.
    Objects(Parts),
    /// A map as `name=text` pairs with commas.
    Pairs,
    /// A map as lines `name=text`, sent in base64 and read as it is.
    Lines,
    /// A word that is sent if the attribute is true.
    Word(&'static str),
}

/// One attribute and its parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) attribute: &'static str,
    pub(crate) parameter: &'static str,
    pub(crate) form: Form,
    /// Sent on create alone.
    pub(crate) once: bool,
    /// Never read back: it is secret, or the server gives it otherwise.
    pub(crate) blind: bool,
}

impl Field {
    /// The attribute's value in an object; `a.b` is `b` in the nested `a`.
    pub(crate) fn of<'a>(&self, object: &'a Json) -> &'a Json {
        match self.attribute.split_once('.') {
            Some((outer, inner)) => &object[outer][inner],
            None => &object[self.attribute],
        }
    }

    /// Puts the attribute's value into an object; where there is no nested one, nothing makes none.
    pub(crate) fn put(&self, object: &mut Json, value: Json) {
        match self.attribute.split_once('.') {
            Some((outer, _)) if object[outer].is_null() && value.is_null() => {}
            Some((outer, inner)) => object[outer][inner] = value,
            None => object[self.attribute] = value,
        }
    }

    /// The parameter for an attribute's value; none if there is nothing to send.
    pub(crate) fn write(&self, given: &Json) -> Option<String> {
        let list = |separator: &str| {
            let items = given.as_array()?.iter().filter_map(value::text);
            let mut items: Vec<String> = items.collect();
            if self.form != Form::Spaces {
                items.sort();
            }
            Some(items.join(separator))
        };
        match self.form {
            _ if given.is_null() => None,
            Form::Text => value::text(given),
            Form::Flag | Form::On => given.as_bool().map(|truth| u8::from(truth).to_string()),
            Form::List | Form::Members => list(","),
            Form::Spaces => list(" "),
            Form::Time => Some(guest::seconds(given.as_str()?)?.to_string()),
            Form::Priorities => {
                let pairs =
                    value::members(given)
                        .iter()
                        .map(|(name, number)| match number.is_null() {
                            true => name.clone(),
                            false => format!("{name}:{number}"),
                        });
                Some(pairs.collect::<Vec<_>>().join(","))
            }
            Form::Items => given.as_array().map(|items| {
                let items = items.iter().filter_map(value::text);
                items.collect::<Vec<_>>().join(AGAIN)
            }),
            Form::Names => given.as_array().map(|items| {
                let items = items.iter().filter_map(value::text);
                let items = items.map(|name| format!("name={name}"));
                items.collect::<Vec<_>>().join(AGAIN)
            }),
            Form::Object(parts) => Some(property(parts, given)).filter(|text| !text.is_empty()),
            Form::Objects(parts) => given.as_array().map(|items| {
                let items = items.iter().map(|item| property(parts, item));
                items.collect::<Vec<_>>().join(AGAIN)
            }),
            Form::Pairs => Some(pairs(given, ",")),
            Form::Lines => Some(STANDARD.encode(pairs(given, "\n"))),
            Form::Word(word) => (*given == true).then(|| word.to_owned()),
        }
    }

    /// The attribute's value as the server tells it.
    pub(crate) fn read(&self, told: &Json) -> Json {
        match self.form {
            Form::Members => told.as_object().map_or(json!([]), |members| {
                members
                    .iter()
                    .filter(|(_, value)| **value == 1)
                    .map(|(name, _)| json!(name))
                    .collect()
            }),
            Form::On => json!(value::truth(told).unwrap_or(true)),
            _ if told.is_null() => Json::Null,
            Form::Word(_) => Json::Bool(true),
            Form::Text => match told {
                Json::String(text) => json!(text.trim_end_matches('\n')),
                other => other.clone(),
            },
            Form::Flag => value::truth(told).map_or(Json::Null, Json::Bool),
            Form::List | Form::Spaces => items(told),
            Form::Time => value::number(told).map_or(Json::Null, |at| json!(guest::rfc3339(at))),
            Form::Priorities => {
                let text = told.as_str().unwrap_or_default();
                let pairs = text
                    .split(',')
                    .filter(|pair| !pair.is_empty())
                    .map(|pair| match pair.split_once(':') {
                        Some((name, number)) => {
                            (name.to_owned(), json!(number.parse::<i64>().ok()))
                        }
                        None => (pair.to_owned(), Json::Null),
                    });
                Json::Object(pairs.collect())
            }
            Form::Items => items(told),
            Form::Names => {
                let names = list(told).into_iter().filter_map(|item| {
                    let object = parsed(&item);
                    object["name"].as_str().map(|name| json!(name))
                });
                names.collect()
            }
            Form::Object(parts) => match told {
                // Of several, the first: configuration knows one.
                Json::Array(all) => all.first().map_or(Json::Null, |one| object(parts, one)),
                one => object(parts, one),
            },
            Form::Objects(parts) => list(told).iter().map(|item| object(parts, item)).collect(),
            Form::Pairs | Form::Lines => match told {
                Json::Object(_) => told.clone(),
                other => {
                    let text = other.as_str().unwrap_or_default();
                    let separator = match self.form {
                        Form::Lines => '\n',
                        _ => ',',
                    };
                    let pairs = text
                        .split(separator)
                        .filter_map(|pair| pair.split_once('='));
                    let map: Map<String, Json> = pairs
                        .map(|(name, text)| (name.to_owned(), json!(text)))
                        .collect();
                    Json::Object(map)
                }
            },
        }
    }
}

/// What stands between the values of a parameter that comes several times.
pub(crate) const AGAIN: &str = "\0";

/// An object as a property string; truths are 0 and 1.
fn property(parts: Parts, given: &Json) -> String {
    let texts = parts.iter().filter_map(|(attribute, part)| {
        let text = match &given[*attribute] {
            Json::Bool(truth) => u8::from(*truth).to_string(),
            other => value::text(other)?,
        };
        Some(format!("{part}={text}"))
    });
    texts.collect::<Vec<_>>().join(",")
}

/// What a server tells of an object, as its attributes.
fn object(parts: Parts, told: &Json) -> Json {
    let told = parsed(told);
    let mut object = json!({});
    for (attribute, part) in parts {
        object[*attribute] = match (*attribute, &told[*part]) {
            // A truth that is not told is none.
            ("enabled" | "keep_all", found) => json!(value::truth(found).unwrap_or(false)),
            (_, found) => found.clone(),
        };
    }
    object
}

/// A property string taken apart; an object stays as it is.
fn parsed(told: &Json) -> Json {
    let Some(text) = told.as_str() else {
        return told.clone();
    };
    let parts = text.split(',').filter_map(|part| part.split_once('='));
    let map: Map<String, Json> = parts
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .collect();
    Json::Object(map)
}

/// A list that the server gives as one or as one text.
fn list(told: &Json) -> Vec<Json> {
    match told {
        Json::Array(items) => items.clone(),
        Json::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn pairs(given: &Json, separator: &str) -> String {
    let pairs = value::members(given)
        .iter()
        .filter_map(|(name, text)| Some(format!("{name}={}", value::text(text)?)));
    pairs.collect::<Vec<_>>().join(separator)
}

fn items(told: &Json) -> Json {
    match told {
        Json::Array(_) => told.clone(),
        Json::String(text) => {
            let separator = |c: char| c == ',' || c == ';' || c == ' ' || c == '\0';
            text.split(separator)
                .filter(|item| !item.is_empty())
                .map(|item| json!(item))
                .collect()
        }
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(form: Form, given: Json) -> (String, Json) {
        let field = Field {
            attribute: "a",
            parameter: "a",
            form,
            once: false,
            blind: false,
        };
        let text = field.write(&given).unwrap();
        let told = match form {
            Form::Lines => json!(String::from_utf8(STANDARD.decode(&text).unwrap()).unwrap()),
            Form::Items | Form::Names | Form::Objects(_) => {
                text.split(AGAIN).map(|item| json!(item)).collect()
            }
            _ => json!(text),
        };
        (text, field.read(&told))
    }

    #[test]
    fn what_is_written_is_read_back() {
        const PARTS: Parts = &[("node", "node"), ("iommu_group", "iommugroup")];
        for (form, given, text) in [
            (Form::Items, json!(["b", "a"]), "b\0a"),
            (Form::Names, json!(["eth0", "eth1"]), "name=eth0\0name=eth1"),
            (Form::Pairs, json!({ "keep-last": "2" }), "keep-last=2"),
            (Form::Lines, json!({ "A": "1", "B": "2" }), "QT0xCkI9Mg=="),
            (
                Form::Objects(PARTS),
                json!([{ "node": "pve", "iommu_group": "3" }]),
                "node=pve,iommugroup=3",
            ),
            (
                Form::Object(&[("enabled", "enabled"), ("storage", "storage")]),
                json!({ "enabled": true, "storage": "local" }),
                "enabled=1,storage=local",
            ),
        ] {
            assert_eq!(
                there_and_back(form, given.clone()),
                (text.to_owned(), given)
            );
        }
    }
}
