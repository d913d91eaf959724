//! `docker_prune`: what nobody uses any more goes.

use serde_json::{Map, Value, json};

use super::{ENGINE, Engine, bytes, encode, texts};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct DockerPrune {
    engine: Engine,
    /// What is pruned, in order, each with its path.
    kinds: Vec<(&'static str, String)>,
    check: bool,
}

/// The kinds, as the engine and as the result call them.
const KINDS: &[(&str, &str)] = &[
    ("containers", "ContainersDeleted"),
    ("images", "ImagesDeleted"),
    ("networks", "NetworksDeleted"),
    ("volumes", "VolumesDeleted"),
    ("builder_cache", "CachesDeleted"),
];

impl Module for DockerPrune {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_prune",
        &[
            Field::bool("containers", false),
            Field::new("containers_filters", FieldKind::Dict),
            Field::bool("images", false),
            Field::new("images_filters", FieldKind::Dict),
            Field::bool("networks", false),
            Field::new("networks_filters", FieldKind::Dict),
            Field::bool("volumes", false),
            Field::new("volumes_filters", FieldKind::Dict),
            Field::bool("builder_cache", false),
            Field::bool("builder_cache_all", false),
            Field::new("builder_cache_filters", FieldKind::Dict),
            Field::str("builder_cache_keep_storage"),
        ],
    )
    .with(ENGINE);
    type Current = Vec<Change>;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerPrune, ModuleError> {
        let mut kinds = Vec::new();
        for (kind, _) in KINDS.iter().filter(|(kind, _)| arguments.bool(kind)) {
            kinds.push((*kind, path(arguments, kind)?));
        }
        Ok(DockerPrune {
            engine: Engine::read(arguments, task.check)?,
            kinds,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<Change>, ModuleError> {
        let calls = self.kinds.iter().filter(|_| !self.check);
        let calls = calls.map(|(_, path)| self.engine.call(host, "POST", path, None));
        calls.collect()
    }

    fn decide(&self, calls: &Vec<Change>) -> Vec<Change> {
        calls.clone()
    }

    fn report(
        &self,
        _: &dyn Host,
        _: &Vec<Change>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if self.check {
            return Ok(Report {
                msg: "remote module (community.docker.docker_prune) does not support check mode"
                    .to_owned(),
                skipped: true,
                changed: Some(false),
                ..Report::default()
            });
        }
        let mut report = Map::new();
        let mut changed = false;
        for ((kind, _), answer) in self.kinds.iter().zip(&outcome.answers) {
            let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let deleted = KINDS.iter().find(|(name, _)| name == kind);
            let deleted = &said[deleted.map_or("", |(_, key)| *key)];
            let deleted = deleted.as_array().cloned().unwrap_or_default();
            let freed = &said["SpaceReclaimed"];
            changed |= !deleted.is_empty() || freed.as_u64().unwrap_or(0) > 0;
            let freed = freed.as_u64().unwrap_or(0);
            if *kind == "builder_cache" {
                report.insert("builder_cache_caches_deleted".to_owned(), json!(deleted));
            } else {
                report.insert((*kind).to_owned(), json!(deleted));
            }
            if *kind != "networks" {
                report.insert(format!("{kind}_space_reclaimed"), json!(freed));
            }
        }
        Ok(Report {
            changed: Some(changed),
            ..Report::of(report)
        })
    }
}

fn path(arguments: &Arguments, kind: &str) -> Result<String, ModuleError> {
    let given = texts(arguments.raw(&format!("{kind}_filters")));
    let filters = given.into_iter().flatten().map(|(key, value)| {
        // Several values of one filter are a list in it already.
        (key, json!([value]))
    });
    let filters = Value::Object(filters.collect());
    if kind != "builder_cache" {
        return Ok(format!(
            "/{kind}/prune?filters={}",
            encode(&filters.to_string())
        ));
    }
    let all = arguments.bool("builder_cache_all");
    let mut path = format!(
        "/build/prune?all={all}&filters={}",
        encode(&filters.to_string())
    );
    if let Some(keep) = arguments.string("builder_cache_keep_storage") {
        path.push_str(&format!("&keep-storage={}", bytes(&keep)?));
    }
    Ok(path)
}
