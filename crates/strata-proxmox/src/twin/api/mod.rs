//! What the API takes: paths, methods, parameters and permissions, from the published description.
//!
//! `facts.jsonl` is made by `cargo xtask pve-data`: its first line holds formats that several
//! parameters share, each other line one method. `more.jsonl` has the two methods whose parameters
//! the published description leaves out. [`find`] goes from a request's path to its
//! method, [`check`] compares the parameters as PVE does.

mod format;
mod property;
mod schema;

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Map, Value as Json};

pub(crate) use self::{
    property::{parse as parse_property, print as print_property},
    schema::check,
};

/// The version of Proxmox VE that the twin is: what came later is not there.
const VERSION: (u32, u32) = (9, 1);

/// One method of one path.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) verb: String,
    /// The path with `{name}` for what varies.
    pub(crate) path: String,
    pub(crate) parameters: Map<String, Json>,
    pub(crate) permissions: Json,
    /// True if a node of the cluster answers, not the one that was asked.
    pub(crate) on_node: bool,
}

/// A method with what its path gave for the names in it.
pub(crate) struct Match {
    pub(crate) method: &'static Method,
    pub(crate) in_path: BTreeMap<String, String>,
}

struct Facts {
    formats: Map<String, Json>,
    methods: Vec<Method>,
    tree: Segment,
}

#[derive(Default)]
struct Segment {
    named: BTreeMap<String, Segment>,
    /// What varies: its name, and what follows.
    any: Option<(String, Box<Segment>)>,
    /// Methods by verb, as positions.
    methods: BTreeMap<String, usize>,
}

/// Finds the method of a request; none if there is no such path or method.
pub(crate) fn find(verb: &str, segments: &[String]) -> Option<Match> {
    let facts = facts();
    let mut in_path = BTreeMap::new();
    let mut at = &facts.tree;
    for (position, segment) in segments.iter().enumerate() {
        if let Some(next) = at.named.get(segment) {
            at = next;
            continue;
        }
        let (name, next) = at.any.as_ref()?;
        // The name of a volume may hold slashes; nothing follows it.
        if name == "volume" && next.named.is_empty() && next.any.is_none() {
            in_path.insert(name.clone(), segments[position..].join("/"));
            at = next;
            break;
        }
        in_path.insert(name.clone(), segment.clone());
        at = next;
    }
    let method = &facts.methods[*at.methods.get(verb)?];
    Some(Match { method, in_path })
}

/// The parameters of a method, for what they say about types.
pub(crate) fn parameters(verb: &str, path: &str) -> &'static Map<String, Json> {
    static NONE: OnceLock<Map<String, Json>> = OnceLock::new();
    let found = facts()
        .methods
        .iter()
        .rev()
        .find(|method| method.verb == verb && method.path == path);
    found.map_or_else(|| NONE.get_or_init(Map::new), |method| &method.parameters)
}

/// The parts below a path, as reading a folder of the API gives them.
pub(crate) fn below(segments: &[&str]) -> Vec<&'static str> {
    let mut at = &facts().tree;
    for segment in segments {
        let next = at
            .named
            .get(*segment)
            .or_else(|| at.any.as_ref().map(|(_, next)| &**next));
        match next {
            Some(next) => at = next,
            None => return Vec::new(),
        }
    }
    at.named.keys().map(String::as_str).collect()
}

/// A parameter's facts, `net3` being one of `net[n]`.
pub(crate) fn parameter<'a>(parameters: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    if let Some(facts) = parameters.get(name) {
        return Some(facts);
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name[stem.len()..];
    let plain = number == "0" || !number.starts_with('0');
    if stem.is_empty() || number.is_empty() || !plain {
        return None;
    }
    let facts = parameters.get(&format!("{stem}[n]"))?;
    let number: u32 = number.parse().ok()?;
    (number < most(stem)).then_some(facts)
}

/// How many of an indexed parameter there may be.
fn most(stem: &str) -> u32 {
    match stem {
        "ide" | "parallel" | "serial" | "numa" => match stem {
            "parallel" => 3,
            "numa" => 8,
            _ => 4,
        },
        "sata" => 6,
        "scsi" => 31,
        "virtio" | "hostpci" => 16,
        "usb" => 14,
        "virtiofs" => 10,
        "link" => 8,
        "acmedomain" => 6,
        "mp" | "dev" | "unused" => 256,
        _ => 32,
    }
}

/// Resolves a `{"$ref":"fN"}` to the shared format.
pub(crate) fn resolve(format: &'static Json) -> &'static Json {
    match format["$ref"].as_str() {
        Some(name) => facts().formats.get(name).unwrap_or(&Json::Null),
        None => format,
    }
}

fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| read(include_str!("facts.jsonl")))
}

fn read(text: &str) -> Facts {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("the data was made by our own tool"));
    let mut first = lines.next().unwrap_or_default();
    let formats = match first["formats"].take() {
        Json::Object(formats) => formats,
        _ => Map::new(),
    };
    // What the published description leaves out; it stands after, and so instead of, what is there.
    let more = include_str!("more.jsonl").lines().map(|line| {
        serde_json::from_str::<Json>(line).expect("the lines were written with the tests")
    });
    let methods: Vec<Method> = lines.filter(is_there).chain(more).map(method).collect();
    let mut tree = Segment::default();
    for (position, method) in methods.iter().enumerate() {
        insert(&mut tree, method, position);
    }
    Facts {
        formats,
        methods,
        tree,
    }
}

fn insert(tree: &mut Segment, method: &Method, position: usize) {
    let mut at = tree;
    for segment in method.path.split('/').filter(|segment| !segment.is_empty()) {
        let name = segment
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        at = match name {
            Some(name) => {
                &mut at
                    .any
                    .get_or_insert_with(|| (name.to_owned(), Box::default()))
                    .1
            }
            None => at.named.entry(segment.to_owned()).or_default(),
        };
    }
    at.methods.insert(method.verb.clone(), position);
}

fn method(mut line: Json) -> Method {
    let mut parameters = match line["a"].take() {
        Json::Object(parameters) => parameters,
        _ => Map::new(),
    };
    parameters.retain(|_, facts| is_there(facts));
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    Method {
        verb: text(&line["m"]),
        path: text(&line["p"]),
        parameters,
        permissions: line["c"].take(),
        on_node: line["x"] == 1,
    }
}

/// True unless it came after the version that the twin is.
fn is_there(facts: &Json) -> bool {
    let since = facts["s"].as_str().or_else(|| facts["since"].as_str());
    let Some((major, minor)) = since.and_then(|text| text.split_once('.')) else {
        return true;
    };
    let minor = minor.split('.').next().unwrap_or_default();
    match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(major), Ok(minor)) => (major, minor) <= VERSION,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_path_leads_to_its_method() {
        let found = find("PUT", &path("/nodes/pve1/qemu/100/config")).unwrap();
        assert_eq!(found.method.path, "/nodes/{node}/qemu/{vmid}/config");
        assert_eq!(found.in_path["vmid"], "100");
        assert!(find("POST", &path("/version")).is_none());
        assert!(find("GET", &path("/nosuch")).is_none());
    }

    #[test]
    fn a_volume_may_hold_slashes() {
        let found = find("GET", &path("/nodes/a/storage/local/content/iso/x.iso")).unwrap();
        assert_eq!(found.in_path["volume"], "iso/x.iso");
    }

    #[test]
    fn indexed_parameters_end_somewhere() {
        let parameters = parameters("POST", "/nodes/{node}/qemu");
        assert!(parameter(parameters, "scsi30").is_some());
        assert!(parameter(parameters, "scsi31").is_none());
        assert!(parameter(parameters, "net01").is_none());
    }
}
