//! A container beside what it shall be.

use serde_json::{Map, Value, json};

use super::super::Differences;
use super::fields::{Area, Kind};
use super::settings::Setting;
use crate::arguments::{Arguments, text};
use crate::module::ModuleError;

/// How strictly settings are compared, by name.
pub(super) struct Comparisons {
    all: Option<String>,
    named: Map<String, Value>,
}

impl Comparisons {
    pub(super) fn read(arguments: &Arguments) -> Result<Comparisons, ModuleError> {
        let given = arguments.raw("comparisons").and_then(Value::as_object);
        let mut named = given.cloned().unwrap_or_default();
        for (name, mode) in &named {
            let known: &[&str] = match name.as_str() {
                "*" => &["strict", "ignore"],
                _ => &["strict", "ignore", "allow_more_present"],
            };
            let mode = text(mode).unwrap_or_default();
            if !known.contains(&mode.as_str()) {
                return Err(ModuleError::new(format!(
                    "Unknown comparison mode '{mode}'!"
                )));
            }
        }
        let all = named.remove("*").as_ref().and_then(text);
        Ok(Comparisons { all, named })
    }

    pub(super) fn mode(&self, name: &str) -> Option<&str> {
        let named = self.named.get(name).and_then(Value::as_str);
        named.or(self.all.as_deref())
    }
}

/// What of a container's settings differs, apart by whether it can change while it runs.
pub(super) fn compare(
    settings: &[Setting],
    container: &Value,
    image: Option<&Value>,
    comparisons: &Comparisons,
) -> (Differences, Differences) {
    let (mut fixed, mut updates) = (Differences::default(), Differences::default());
    for setting in settings {
        let mode = comparisons.mode(setting.name);
        if mode == Some("ignore") {
            continue;
        }
        let is_strict = match (mode, setting.kind) {
            (Some(mode), _) => mode == "strict",
            (None, kind) => matches!(kind, Kind::Value | Kind::List),
        };
        let active = active(setting, container);
        let wanted = match is_strict {
            true => with_image(setting, image),
            false => setting.value.clone(),
        };
        let (is, shall) = (normal(setting, &active), normal(setting, &wanted));
        if !fits(setting.kind, &is, &shall, is_strict) {
            let into = match setting.updates {
                true => &mut updates,
                false => &mut fixed,
            };
            into.add(setting.name, active, wanted);
        }
    }
    (fixed, updates)
}

fn active(setting: &Setting, container: &Value) -> Value {
    let area = match setting.area {
        Area::Config => &container["Config"],
        Area::Host => &container["HostConfig"],
    };
    area[setting.key].clone()
}

/// With what the image brings of its own, where nothing more may be there.
fn with_image(setting: &Setting, image: Option<&Value>) -> Value {
    let brought = image.map(|image| &image["Config"][setting.key]);
    let is_brought = matches!(setting.key, "Env" | "Labels" | "ExposedPorts" | "Volumes");
    match (brought, &setting.value) {
        (Some(Value::Object(brought)), Value::Object(wanted)) if is_brought => {
            let mut all = brought.clone();
            all.extend(wanted.clone());
            Value::Object(all)
        }
        (Some(Value::Array(brought)), Value::Array(wanted)) if is_brought => {
            let name = |pair: &Value| {
                pair.as_str()
                    .and_then(|pair| pair.split('=').next())
                    .map(str::to_owned)
            };
            let named: Vec<_> = wanted.iter().map(name).collect();
            let rest = brought.iter().filter(|pair| !named.contains(&name(pair)));
            rest.chain(wanted).cloned().collect()
        }
        (_, wanted) => wanted.clone(),
    }
}

/// A value in the spelling that the engine might have given it, too.
fn normal(setting: &Setting, value: &Value) -> Value {
    match (setting.name, value) {
        ("capabilities" | "cap_drop", Value::Array(names)) => {
            let plain = |name: &Value| {
                let name = name.as_str().unwrap_or_default().to_uppercase();
                json!(name.trim_start_matches("CAP_"))
            };
            names.iter().map(plain).collect()
        }
        ("volumes", Value::Array(binds)) => {
            let whole = |bind: &Value| match bind.as_str() {
                Some(bind) if bind.matches(':').count() == 1 => json!(format!("{bind}:rw")),
                _ => bind.clone(),
            };
            binds.iter().map(whole).collect()
        }
        ("network_mode", Value::String(mode)) if mode == "default" => json!("bridge"),
        ("published_ports", Value::Object(ports)) => {
            let plain = |(port, list): (&String, &Value)| (port.clone(), any_address(list));
            Value::Object(ports.iter().map(plain).collect())
        }
        ("device_requests" | "mounts", Value::Array(entries)) => entries.iter().map(full).collect(),
        (_, Value::Null) => match setting.kind {
            Kind::Value => empty(&setting.value),
            Kind::List | Kind::Set => json!([]),
            Kind::Map => json!({}),
        },
        (_, value) => value.clone(),
    }
}

fn any_address(list: &Value) -> Value {
    let one = |binding: &Value| {
        let address = match binding["HostIp"].as_str() {
            None | Some("") => "0.0.0.0",
            Some(address) => address,
        };
        json!({"HostIp": address, "HostPort": binding["HostPort"]})
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// Without what says nothing.
fn full(entry: &Value) -> Value {
    let says = |value: &Value| !value.is_null() && *value != json!(false) && *value != json!("");
    let pairs = entry.as_object().into_iter().flatten();
    let pairs = pairs.filter(|(_, value)| says(value));
    Value::Object(
        pairs
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

/// What a setting is that nobody set.
fn empty(like: &Value) -> Value {
    match like {
        Value::Bool(_) => json!(false),
        Value::Number(_) => json!(0),
        Value::String(_) => json!(""),
        _ => Value::Null,
    }
}

fn fits(kind: Kind, is: &Value, shall: &Value, is_strict: bool) -> bool {
    match (kind, is, shall) {
        (Kind::Set, Value::Array(is), Value::Array(shall)) => {
            let all = shall.iter().all(|value| is.contains(value));
            all && (!is_strict || is.iter().all(|value| shall.contains(value)))
        }
        (Kind::List, Value::Array(is), Value::Array(shall)) if !is_strict => {
            shall.iter().all(|value| is.contains(value))
        }
        (Kind::Map, Value::Object(is), Value::Object(shall)) => {
            let fits = |(key, value): (&String, &Value)| match (is.get(key), value) {
                (Some(Value::Object(inner)), Value::Object(wanted)) => wanted
                    .iter()
                    .all(|(key, value)| inner.get(key) == Some(value)),
                (found, value) => found == Some(value),
            };
            shall.iter().all(fits) && (!is_strict || is.keys().all(|key| shall.contains_key(key)))
        }
        _ => is == shall,
    }
}
