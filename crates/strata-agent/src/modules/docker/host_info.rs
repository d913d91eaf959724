//! `docker_host_info`: what an engine says of itself and of what it has.
//!
//! As `community.docker.docker_host_info` 4: of each thing only what names it, unless all of it is asked for.

use serde_json::{Map, Value, json};

use super::{ENGINE, Engine, encode};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct DockerHostInfo {
    engine: Engine,
    /// What is listed, each with where the engine has it.
    lists: Vec<(&'static Kind, String)>,
    tells_usage: bool,
    is_verbose: bool,
}

/// A kind of things that an engine has.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    path: &'static str,
    /// What is told of each.
    header: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "volumes",
        path: "/volumes?",
        header: &["Driver", "Name"],
    },
    Kind {
        name: "networks",
        path: "/networks?",
        header: &["Id", "Driver", "Name", "Scope"],
    },
    Kind {
        name: "containers",
        path: "/containers/json?limit=-1&size=0&trunc_cmd=0&",
        header: &[
            "Id", "Image", "Command", "Created", "Status", "Ports", "Names",
        ],
    },
    Kind {
        name: "images",
        path: "/images/json?only_ids=0&all=0&",
        header: &["Id", "RepoTags", "Created", "Size"],
    },
];

impl Module for DockerHostInfo {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_host_info",
        &[
            Field::bool("containers", false),
            Field::bool("containers_all", false),
            Field::new("containers_filters", FieldKind::Dict),
            Field::bool("images", false),
            Field::new("images_filters", FieldKind::Dict),
            Field::bool("networks", false),
            Field::new("networks_filters", FieldKind::Dict),
            Field::bool("volumes", false),
            Field::new("volumes_filters", FieldKind::Dict),
            Field::bool("disk_usage", false),
            Field::bool("verbose_output", false),
        ],
    )
    .with(ENGINE);
    type Current = Map<String, Value>;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerHostInfo, ModuleError> {
        let asked = KINDS.iter().filter(|kind| arguments.bool(kind.name));
        let lists = asked.map(|kind| {
            let all = match kind.name {
                "containers" => format!("all={}&", u8::from(arguments.bool("containers_all"))),
                _ => String::new(),
            };
            let filters = filters(arguments.raw(&format!("{}_filters", kind.name)));
            (
                kind,
                format!("{}{all}filters={}", kind.path, encode(&filters.to_string())),
            )
        });
        Ok(DockerHostInfo {
            engine: Engine::read(arguments, task.check)?,
            lists: lists.collect(),
            tells_usage: arguments.bool("disk_usage"),
            is_verbose: arguments.bool("verbose_output"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Map<String, Value>, ModuleError> {
        let get = |path: &str| self.engine.get(host, path).map(Option::unwrap_or_default);
        let mut told = Map::new();
        told.insert("host_info".to_owned(), get("/info")?);
        told.insert("can_talk_to_docker".to_owned(), true.into());
        if self.tells_usage {
            let usage = get("/system/df")?;
            let usage = match self.is_verbose {
                true => usage,
                false => json!({"LayersSize": usage["LayersSize"]}),
            };
            told.insert("disk_usage".to_owned(), usage);
        }
        for (kind, path) in &self.lists {
            let mut things = get(path)?;
            if kind.name == "volumes" {
                let volumes = things.get_mut("Volumes").map(Value::take);
                things = volumes.unwrap_or_default();
            }
            if !self.is_verbose {
                things = headers(&things, kind.header);
            }
            told.insert(kind.name.to_owned(), things);
        }
        Ok(told)
    }

    fn decide(&self, _: &Map<String, Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        told: &Map<String, Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(told.clone()))
    }
}

/// Filters as the engine takes them: each with a list of texts.
fn filters(given: Option<&Value>) -> Value {
    let shown = |value: &Value| match value {
        Value::Bool(value) => Some(value.to_string()),
        value => text(value),
    };
    let given = given.and_then(Value::as_object).into_iter().flatten();
    let lists = given.map(|(name, value)| {
        let several = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        let texts: Vec<String> = several.iter().filter_map(shown).collect();
        (name.clone(), json!(texts))
    });
    Value::Object(lists.collect())
}

/// Of each thing only what is in the header.
fn headers(things: &Value, header: &[&str]) -> Value {
    let one = |thing: &Value| {
        let pairs = header
            .iter()
            .map(|name| ((*name).to_owned(), thing[*name].clone()));
        Value::Object(pairs.collect())
    };
    let things = things.as_array().into_iter().flatten();
    Value::Array(things.map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_a_list_of_texts() {
        let given = json!({"dangling": true, "label": ["a=1", "b"], "limit": 3});
        let expected = json!({"dangling": ["true"], "label": ["a=1", "b"], "limit": ["3"]});
        assert_eq!(filters(Some(&given)), expected);
        assert_eq!(filters(None), json!({}));
    }
}
