//! `docker_container_info`, `docker_image_info`, `docker_network_info` and `docker_volume_info`: what there is.

use serde_json::{Value, json};

use super::{ENGINE, Engine, encode};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

/// One object by its name: whether it is there, and all that the engine says of it.
macro_rules! one {
    ($module:ident, $name:literal, $field:expr, $argument:literal, $kind:literal, $path:literal) => {
        pub(in crate::modules) struct $module {
            engine: Engine,
            name: String,
        }

        impl Module for $module {
            const SPEC: Spec = Spec::new(concat!("community.docker.", $name), &[$field]).with(ENGINE);
            type Current = Option<Value>;

            fn new(arguments: &Arguments, task: &Task) -> Result<$module, ModuleError> {
                Ok($module {
                    engine: Engine::read(arguments, task.check)?,
                    name: arguments.text($argument),
                })
            }

            fn observe(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
                self.engine.get(host, &format!($path, encode(&self.name)))
            }

            fn decide(&self, _: &Option<Value>) -> Vec<Change> {
                Vec::new()
            }

            fn report(
                &self,
                _: &dyn Host,
                found: &Option<Value>,
                _: &Outcome,
            ) -> Result<Report, ModuleError> {
                Ok(Report::of(values(json!({"exists": found.is_some(), $kind: found}))))
            }
        }
    };
}

one!(
    DockerContainerInfo,
    "docker_container_info",
    Field::str("name").required(),
    "name",
    "container",
    "/containers/{}/json"
);
one!(
    DockerNetworkInfo,
    "docker_network_info",
    Field::str("name").required(),
    "name",
    "network",
    "/networks/{}"
);
one!(
    DockerVolumeInfo,
    "docker_volume_info",
    Field::str("name").alias(&["volume_name"]).required(),
    "name",
    "volume",
    "/volumes/{}"
);

pub(in crate::modules) struct DockerImageInfo {
    engine: Engine,
    /// All images, if none is named.
    names: Option<Vec<String>>,
}

impl Module for DockerImageInfo {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_image_info",
        &[Field::new("name", FieldKind::List)],
    )
    .with(ENGINE);
    type Current = Vec<Value>;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerImageInfo, ModuleError> {
        Ok(DockerImageInfo {
            engine: Engine::read(arguments, task.check)?,
            names: arguments.list("name"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<Value>, ModuleError> {
        let names = match &self.names {
            Some(names) => names.clone(),
            None => {
                let all = self.engine.get(host, "/images/json")?.unwrap_or_default();
                let all = all.as_array().cloned().unwrap_or_default();
                all.iter().filter_map(|image| text(&image["Id"])).collect()
            }
        };
        let mut images = Vec::new();
        for name in names {
            images.extend(
                self.engine
                    .get(host, &format!("/images/{}/json", path(&name)))?,
            );
        }
        Ok(images)
    }

    fn decide(&self, _: &Vec<Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        images: &Vec<Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({"images": images}))))
    }
}

/// A name of an image in an address: its slashes and colons stay.
fn path(name: &str) -> String {
    encode(name).replace("%2F", "/").replace("%3A", ":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::NoContents;
    use crate::host::Model;
    use crate::module::Context;
    use crate::modules;

    #[test]
    fn what_there_is_is_told_and_what_is_not_is_no_failure() {
        let model = Model::debian("here");
        let serve = |path: &str, body: Value| {
            let status = if body.is_null() { 404 } else { 200 };
            model.serve(
                &format!("GET http://localhost{path}"),
                status,
                &body.to_string(),
            );
        };
        serve("/containers/web/json", json!({"Id": "1"}));
        serve("/networks/none", Value::Null);
        serve("/volumes/data", json!({"Name": "data"}));
        serve("/images/json", json!([{"Id": "sha256:a"}]));
        serve("/images/sha256:a/json", json!({"Id": "sha256:a"}));
        serve("/images/x/y:1/json", Value::Null);
        let check = |module: &str, args: Value, expected: Value| {
            let result = modules::run(&Context {
                task: &Task {
                    module: module.to_owned(),
                    args: args.as_object().unwrap().clone(),
                    check: true,
                    ..Task::default()
                },
                host: &model,
                contents: &NoContents,
            });
            assert_eq!(
                (result.failed, result.changed),
                (false, false),
                "{}",
                result.msg
            );
            assert_eq!(Value::Object(result.values), expected);
        };
        let name = |name: &str| json!({"name": name});
        let container = json!({"exists": true, "container": {"Id": "1"}});
        check("docker_container_info", name("web"), container);
        let none = json!({"exists": false, "network": null});
        check("docker_network_info", name("none"), none);
        let volume = json!({"exists": true, "volume": {"Name": "data"}});
        check("docker_volume_info", name("data"), volume);
        let images = json!({"images": [{"Id": "sha256:a"}]});
        check("docker_image_info", json!({}), images);
        check("docker_image_info", name("x/y:1"), json!({"images": []}));
    }
}
