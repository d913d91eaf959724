//! What a journal says, and how it is written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strata_core::{AttributePath, addr};

use crate::{
    address::{Step, config_resource, path_from_json, path_to_json},
    encryption::{Encryption, is_encrypted},
    file::{object_from_text, object_to_text},
    files::fingerprint,
    state::StoredObject,
};

/// What a call to a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// It makes an object.
    Create,
    /// It changes an object in place.
    Update,
    /// It deletes an object.
    Delete,
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Of which instance.
    pub address: addr::ResourceInstance,
    /// Which of its objects; none for the current one.
    pub deposed: Option<Arc<str>>,
    /// What it does.
    pub call: Call,
    /// The provider configuration, as state has it.
    pub provider: Arc<str>,
    /// Version of the schema that `planned` follows.
    pub schema_version: u64,
    /// What is planned, as compact JSON text with null for what is not known yet; none for a delete.
    pub planned: Option<Arc<str>>,
    /// Where `planned` is not known yet.
    pub unknown: Vec<AttributePath>,
    /// What inside must not be shown.
    pub sensitive: Vec<AttributePath>,
    /// What the object will depend on.
    pub dependencies: Arc<[addr::ConfigResource]>,
    /// How the object will be replaced.
    pub create_before_destroy: bool,
    /// What marks the object as made by this call.
    pub marker: String,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This object is there now.
    Object(Box<StoredObject>),
    /// No object is there now.
    Gone,
    /// It failed and changed nothing.
    Unchanged,
}

/// A call that was begun, and of which nobody wrote down how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The call.
    pub begin: Begin,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The first: the fingerprint of the state file on which all that follows builds; none if there was none.
    Base(Option<String>, Arc<str>),
    Begin(u64, Box<Begin>),
    End(u64, Outcome),
    /// An object is recorded without a call that changes it.
    Put {
        address: addr::ResourceInstance,
        deposed: Option<Arc<str>>,
        provider: Arc<str>,
        object: Box<StoredObject>,
    },
    /// An object is forgotten without a call that deletes it.
    Remove(addr::ResourceInstance, Option<Arc<str>>),
    /// An instance has another address.
    Move(addr::ResourceInstance, addr::ResourceInstance),
    /// The current object is set aside.
    Depose(addr::ResourceInstance, Arc<str>),
    /// An object that was set aside is current again.
    Restore(addr::ResourceInstance, Arc<str>),
    /// The last: all is in the state file with this fingerprint.
    Folded(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Base {
        fingerprint: Option<String>,
        lineage: Arc<str>,
    },
    Begin(Box<BeginLine>),
    End {
        id: u64,
        outcome: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<Box<RawValue>>,
    },
    Put {
        address: String,
        deposed: Option<Arc<str>>,
        provider: Arc<str>,
        object: Box<RawValue>,
    },
    Remove {
        address: String,
        deposed: Option<Arc<str>>,
    },
    Move {
        from: String,
        to: String,
    },
    Depose {
        address: String,
        key: Arc<str>,
    },
    Restore {
        address: String,
        key: Arc<str>,
    },
    Folded {
        fingerprint: String,
    },
}

#[derive(Serialize, Deserialize)]
struct BeginLine {
    id: u64,
    address: String,
    deposed: Option<Arc<str>>,
    call: Call,
    provider: Arc<str>,
    schema_version: u64,
    planned: Option<Box<RawValue>>,
    unknown: Vec<Vec<Step>>,
    sensitive: Vec<Vec<Step>>,
    dependencies: Vec<String>,
    create_before_destroy: bool,
    marker: String,
}

/// How many hexadecimal digits of the checksum stand in front of each record.
const CHECKSUM: usize = 16;

/// Writes a record with its checksum, as a line.
pub(crate) fn print(record: &Record) -> Result<String, String> {
    let body = serde_json::to_string(&to_line(record)?).map_err(|error| error.to_string())?;
    Ok(format!("[\"{}\",{body}]\n", checksum(&body)))
}

fn checksum(body: &str) -> String {
    let mut sum = fingerprint(body.as_bytes());
    sum.truncate(CHECKSUM);
    sum
}

/// The same for a state that is encrypted: what is noted of it is so too.
pub(crate) fn print_sealed(record: &Record, encryption: &Encryption) -> Result<String, String> {
    let body = serde_json::to_string(&to_line(record)?).map_err(|error| error.to_string())?;
    let sealed = encryption
        .encrypt(body.as_bytes())
        .map_err(|error| error.to_string())?;
    let body = String::from_utf8(sealed).map_err(|error| error.to_string())?;
    Ok(format!("[\"{}\",{body}]\n", checksum(&body)))
}

/// What a line of a journal is.
pub(crate) enum Parsed {
    Record(Record),
    /// Not as it was written: torn, or changed since.
    Damaged,
    /// As it was written, but not for this version, or not for this key.
    Foreign,
}

/// Reads a line, encrypted or not.
pub(crate) fn parse(line: &[u8], encryption: Option<&Encryption>) -> Parsed {
    let text = str::from_utf8(line).unwrap_or_default();
    let whole: Option<(String, Box<RawValue>)> = serde_json::from_str(text).ok();
    match whole {
        Some((sum, body)) if text.ends_with('\n') && sum == checksum(body.get()) => {
            read_body(body.get(), encryption).map_or(Parsed::Foreign, Parsed::Record)
        }
        _ => Parsed::Damaged,
    }
}

fn read_body(body: &str, encryption: Option<&Encryption>) -> Option<Record> {
    match encryption.filter(|_| is_encrypted(body.as_bytes())) {
        None => from_line(serde_json::from_str(body).ok()?),
        Some(encryption) => {
            let plain = encryption.decrypt(body.as_bytes()).ok()?;
            from_line(serde_json::from_slice(&plain).ok()?)
        }
    }
}

fn to_line(record: &Record) -> Result<Line, String> {
    Ok(match record {
        Record::Base(fingerprint, lineage) => Line::Base {
            fingerprint: fingerprint.clone(),
            lineage: lineage.clone(),
        },
        Record::Begin(id, begin) => Line::Begin(Box::new(begin_to_line(*id, begin)?)),
        Record::End(id, outcome) => {
            let (name, object) = match outcome {
                Outcome::Object(object) => ("object", Some(object_to_text(object)?)),
                Outcome::Gone => ("gone", None),
                Outcome::Unchanged => ("unchanged", None),
            };
            Line::End {
                id: *id,
                outcome: name.to_owned(),
                object,
            }
        }
        Record::Put {
            address,
            deposed,
            provider,
            object,
        } => Line::Put {
            address: address.to_string(),
            deposed: deposed.clone(),
            provider: provider.clone(),
            object: object_to_text(object)?,
        },
        Record::Remove(address, deposed) => Line::Remove {
            address: address.to_string(),
            deposed: deposed.clone(),
        },
        Record::Move(from, to) => Line::Move {
            from: from.to_string(),
            to: to.to_string(),
        },
        Record::Depose(address, key) => Line::Depose {
            address: address.to_string(),
            key: key.clone(),
        },
        Record::Restore(address, key) => Line::Restore {
            address: address.to_string(),
            key: key.clone(),
        },
        Record::Folded(fingerprint) => Line::Folded {
            fingerprint: fingerprint.clone(),
        },
    })
}

fn begin_to_line(id: u64, begin: &Begin) -> Result<BeginLine, String> {
    let raw = |text: &Arc<str>| RawValue::from_string(text.to_string());
    Ok(BeginLine {
        id,
        address: begin.address.to_string(),
        deposed: begin.deposed.clone(),
        call: begin.call,
        provider: begin.provider.clone(),
        schema_version: begin.schema_version,
        planned: begin
            .planned
            .as_ref()
            .map(raw)
            .transpose()
            .map_err(|error| error.to_string())?,
        unknown: begin.unknown.iter().map(path_to_json).collect(),
        sensitive: begin.sensitive.iter().map(path_to_json).collect(),
        dependencies: begin.dependencies.iter().map(ToString::to_string).collect(),
        create_before_destroy: begin.create_before_destroy,
        marker: begin.marker.clone(),
    })
}

fn from_line(line: Line) -> Option<Record> {
    let address = |text: &str| addr::parse_resource_instance(text).ok();
    Some(match line {
        Line::Base {
            fingerprint,
            lineage,
        } => Record::Base(fingerprint, lineage),
        Line::Begin(line) => Record::Begin(line.id, Box::new(begin_from_line(*line)?)),
        Line::End {
            id,
            outcome,
            object,
        } => {
            let outcome = match outcome.as_str() {
                "object" => Outcome::Object(Box::new(object_from_text(object?.get()).ok()?)),
                "gone" => Outcome::Gone,
                "unchanged" => Outcome::Unchanged,
                _ => return None,
            };
            Record::End(id, outcome)
        }
        Line::Put {
            address: at,
            deposed,
            provider,
            object,
        } => Record::Put {
            address: address(&at)?,
            deposed,
            provider,
            object: Box::new(object_from_text(object.get()).ok()?),
        },
        Line::Remove {
            address: at,
            deposed,
        } => Record::Remove(address(&at)?, deposed),
        Line::Move { from, to } => Record::Move(address(&from)?, address(&to)?),
        Line::Depose { address: at, key } => Record::Depose(address(&at)?, key),
        Line::Restore { address: at, key } => Record::Restore(address(&at)?, key),
        Line::Folded { fingerprint } => Record::Folded(fingerprint),
    })
}

fn begin_from_line(line: BeginLine) -> Option<Begin> {
    let dependencies: Option<Vec<_>> = line
        .dependencies
        .iter()
        .map(|text| config_resource(text).ok())
        .collect();
    Some(Begin {
        address: addr::parse_resource_instance(&line.address).ok()?,
        deposed: line.deposed,
        call: line.call,
        provider: line.provider,
        schema_version: line.schema_version,
        planned: line.planned.map(|raw| raw.get().into()),
        unknown: line
            .unknown
            .iter()
            .map(|path| path_from_json(path))
            .collect(),
        sensitive: line
            .sensitive
            .iter()
            .map(|path| path_from_json(path))
            .collect(),
        dependencies: dependencies?.into(),
        create_before_destroy: line.create_before_destroy,
        marker: line.marker,
    })
}
