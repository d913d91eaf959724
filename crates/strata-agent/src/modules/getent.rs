//! `getent`: entries of the system's databases, as facts.

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Getent {
    database: String,
    key: Option<String>,
    service: Option<String>,
    split: Option<String>,
    fail_key: bool,
}

/// The entries, and a message where the key has none.
pub(super) struct Found {
    entries: Map<String, Value>,
    msg: String,
}

impl Module for Getent {
    const SPEC: Spec = Spec::new(
        "getent",
        &[
            Field::str("database").required(),
            Field::str("key"),
            Field::str("service"),
            Field::str("split"),
            Field::bool("fail_key", true),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Getent, ModuleError> {
        let database = arguments.text("database");
        let key = arguments.string("key");
        if database.starts_with('-') || key.as_ref().is_some_and(|key| key.starts_with('-')) {
            return Err(ModuleError::new(
                "neither database nor key may begin with `-`",
            ));
        }
        let with_colons = ["passwd", "shadow", "group", "gshadow"];
        let usual = with_colons.contains(&database.as_str()).then_some(":");
        let split = arguments.string("split");
        Ok(Getent {
            split: split.or_else(|| usual.map(str::to_owned)),
            key,
            service: arguments.string("service"),
            fail_key: arguments.bool("fail_key"),
            database,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let service = self.service.iter().flat_map(|name| ["-s", name]);
        let words = [self.database.as_str()]
            .into_iter()
            .chain(self.key.as_deref());
        let argv = ["getent"].into_iter().chain(service).chain(words);
        let said = host.run(&Command::new(argv))?;
        let msg = match said.status {
            0 => {
                return Ok(Found {
                    entries: self.entries(&said.stdout),
                    msg: String::new(),
                });
            }
            1 => "Missing arguments, or database unknown.",
            2 => "One or more supplied key could not be found in the database.",
            3 => "Enumeration not supported on this database.",
            _ => "Unexpected failure!",
        };
        match (&self.key, said.status) {
            (Some(key), 2) if !self.fail_key => Ok(Found {
                entries: Map::from_iter([(key.clone(), Value::Null)]),
                msg: msg.to_owned(),
            }),
            _ => Err(ModuleError::new(msg)),
        }
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let name = format!("getent_{}", self.database);
        Ok(Report {
            msg: found.msg.clone(),
            values: values(json!({ "ansible_facts": { name: found.entries } })),
            ..Report::default()
        })
    }
}

impl Getent {
    fn entries(&self, text: &str) -> Map<String, Value> {
        let mut seen: Vec<(String, Vec<Value>)> = Vec::new();
        for line in text.lines() {
            let mut words = self.words(line).into_iter();
            let key = words.next().unwrap_or_default();
            let rest = Value::from(words.collect::<Vec<_>>());
            match seen.iter_mut().find(|(known, _)| *known == key) {
                Some((_, records)) => records.push(rest),
                None => seen.push((key, vec![rest])),
            }
        }
        // One entry stands alone; several under one key are a list.
        let single = |mut records: Vec<Value>| match records.len() {
            1 => records.remove(0),
            _ => Value::from(records),
        };
        seen.into_iter()
            .map(|(key, records)| (key, single(records)))
            .collect()
    }

    fn words(&self, line: &str) -> Vec<String> {
        match &self.split {
            Some(split) => line.split(split.as_str()).map(str::to_owned).collect(),
            None => line.split_whitespace().map(str::to_owned).collect(),
        }
    }
}
