//! `docker_compose_v2`: the services of a Compose project, by the `docker compose` plugin.
//!
//! In check mode the plugin itself rehearses (`--dry-run`); what it says of each service tells
//! whether something changes. `docker_compose_v2_pull` shares what names a project and its daemon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct DockerComposeV2 {
    project: Project,
    state: String,
    words: Vec<String>,
    services: Vec<String>,
}

/// A project, and how its daemon is reached.
pub(super) struct Project {
    docker: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    definition: Option<String>,
    base: Vec<String>,
    /// Files that must be there; an empty name stands for any of the usual ones.
    files: Vec<String>,
}

/// What names a project and its daemon.
pub(super) const PROJECT: &[Field] = &[
    Field::path("project_src"),
    Field::str("project_name"),
    Field::list("files"),
    Field::new("definition", FieldKind::Dict),
    Field::list("env_files"),
    Field::list("profiles"),
    Field::bool("check_files_existing", true),
    Field::path("docker_cli").default("docker"),
    Field::str("docker_host").alias(&["docker_url"]),
    Field::str("cli_context"),
    Field::str("api_version")
        .alias(&["docker_api_version"])
        .default("auto"),
    Field::bool("tls", false),
    Field::bool("validate_certs", false).alias(&["tls_verify"]),
    Field::unsupported("tls_hostname"),
    Field::path("ca_path").alias(&["ca_cert", "tls_ca_cert", "cacert_path"]),
    Field::path("client_cert").alias(&["tls_client_cert", "cert_path"]),
    Field::path("client_key").alias(&["tls_client_key", "key_path"]),
];

/// Of these at most one names a project, or its daemon.
pub(super) const EXCLUSIVE: &[&[&str]] = &[
    &["definition", "project_src"],
    &["files", "definition"],
    &["docker_host", "cli_context"],
];

/// What a rehearsal says.
pub(super) struct Found {
    actions: Vec<Value>,
}

impl Module for DockerComposeV2 {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_compose_v2",
        &[
            Field::str("state")
                .choices(&["absent", "stopped", "restarted", "present"])
                .default("present"),
            Field::str("pull")
                .choices(&["always", "missing", "never", "policy"])
                .default("policy"),
            Field::str("build")
                .choices(&["always", "never", "policy"])
                .default("policy"),
            Field::bool("dependencies", true),
            Field::str("recreate")
                .choices(&["always", "never", "auto"])
                .default("auto"),
            Field::bool("renew_anon_volumes", false),
            Field::str("remove_images").choices(&["all", "local"]),
            Field::bool("remove_volumes", false),
            Field::bool("remove_orphans", false),
            Field::int("timeout"),
            Field::list("services"),
            Field::new("scale", FieldKind::Dict),
            Field::bool("wait", false),
            Field::int("wait_timeout"),
            Field::bool("assume_yes", false),
            Field::bool("ignore_build_events", true),
        ],
    )
    .with(PROJECT)
    .exclusive(EXCLUSIVE)
    .one_of(&[&["definition", "project_src"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<DockerComposeV2, ModuleError> {
        let state = arguments.text("state");
        Ok(DockerComposeV2 {
            project: Project::read(arguments)?,
            words: words(arguments, &state),
            state,
            services: arguments.list("services").unwrap_or_default(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        self.project.must_be_there(host)?;
        let said = host.run(&self.command(true))?;
        if said.status != 0 {
            return Err(failed(&said));
        }
        Ok(Found {
            actions: actions(&said.stderr),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.actions.is_empty() && self.state != "restarted" {
            return Vec::new();
        }
        vec![Change::Run {
            command: self.command(false),
            may_fail: true,
        }]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut done = found.actions.clone();
        let mut report = values(json!({"rc": 0, "stdout": "", "stderr": ""}));
        let containers = self.containers(host)?;
        let images = host.run(&self.project.compose(&["images", "--format", "json"], false))?;
        report.insert("containers".to_owned(), containers.into());
        report.insert("images".to_owned(), objects(&images.stdout).into());
        if let Some(output) = outcome.outputs.last() {
            done = actions(&output.stderr);
            report.extend(values(programs::results(output)));
            if output.status != 0 {
                report.insert("actions".to_owned(), done.into());
                let failure = failed(output);
                return Err(ModuleError {
                    values: report,
                    ..failure
                });
            }
        }
        report.insert("actions".to_owned(), done.into());
        Ok(Report::of(report))
    }
}

impl DockerComposeV2 {
    /// The project's containers, with lists where compose has words with commas between.
    fn containers(&self, host: &dyn Host) -> Result<Vec<Value>, ModuleError> {
        let words = ["ps", "--all", "--format", "json", "--no-trunc"];
        let mut said = host.run(&self.project.compose(&words, false))?;
        if said.status != 0 {
            // Before 2.23 it does not know the last word.
            said = host.run(&self.project.compose(&words[..4], false))?;
        }
        let mut containers = objects(&said.stdout);
        for container in &mut containers {
            let words = |value: &Value| -> Vec<String> {
                let text = value.as_str().unwrap_or_default();
                text.split(',').map(str::to_owned).collect()
            };
            let names = match &container["Names"] {
                Value::Null => words(&container["Name"]),
                names => words(names),
            };
            container["Names"] = names.into();
            container["Networks"] = words(&container["Networks"]).into();
            let labels = words(&container["Labels"]);
            let pairs = labels
                .iter()
                .filter(|label| !label.is_empty())
                .map(|label| {
                    let (name, value) = label.split_once('=').unwrap_or((label, ""));
                    (name.to_owned(), Value::from(value))
                });
            container["Labels"] = Value::Object(pairs.collect());
            if container["Publishers"].is_null() {
                container["Publishers"] = json!([]);
            }
        }
        Ok(containers)
    }

    fn command(&self, rehearse: bool) -> Command {
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.push("--");
        words.extend(self.services.iter().map(String::as_str));
        self.project.compose(&words, rehearse)
    }
}

impl Project {
    pub(super) fn read(arguments: &Arguments) -> Result<Project, ModuleError> {
        let definition = arguments.raw("definition").map(Value::to_string);
        if definition.is_some() && arguments.string("project_name").is_none() {
            return Err(ModuleError::new(
                "missing parameter(s) required by 'definition': project_name",
            ));
        }
        let version = arguments.filled("api_version");
        let version = version.filter(|version| version != "auto");
        Ok(Project {
            docker: docker(arguments),
            environment: version
                .map(|version| ("DOCKER_API_VERSION".to_owned(), version))
                .into_iter()
                .collect(),
            folder: arguments.path("project_src"),
            base: base(arguments, definition.is_some()),
            definition,
            files: match arguments.bool("check_files_existing") {
                true => arguments
                    .list("files")
                    .unwrap_or_else(|| vec![String::new()]),
                false => Vec::new(),
            },
        })
    }

    /// Fails where the program, the folder or one of its files is not there.
    pub(super) fn must_be_there(&self, host: &dyn Host) -> Result<(), ModuleError> {
        if let Some(folder) = &self.folder {
            self.files_must_be_there(host, folder)?;
        }
        programs::required(host, &self.docker[0])
    }

    fn files_must_be_there(&self, host: &dyn Host, folder: &Path) -> Result<(), ModuleError> {
        let shown = folder.display();
        let found = host.metadata_followed(folder)?;
        if found.is_none_or(|found| found.kind != Kind::Directory) {
            return Err(ModuleError::new(format!("\"{shown}\" is not a directory")));
        }
        let defaults = [
            "compose.yaml",
            "compose.yml",
            "docker-compose.yaml",
            "docker-compose.yml",
        ];
        for file in &self.files {
            let names: Vec<&str> = match file.as_str() {
                "" => defaults.to_vec(),
                name => vec![name],
            };
            let mut there = false;
            for name in names {
                there |= host.metadata_followed(&folder.join(name))?.is_some();
            }
            if !there {
                let msg = match file.as_str() {
                    "" => format!(
                        "\"{shown}\" does not contain compose.yaml, compose.yml, \
                         docker-compose.yaml, or docker-compose.yml"
                    ),
                    name => format!(
                        "Cannot find Compose file \"{name}\" relative to project directory \"{shown}\""
                    ),
                };
                return Err(ModuleError::new(msg));
            }
        }
        Ok(())
    }

    /// A call of the plugin; as a rehearsal nothing is done.
    pub(super) fn compose(&self, words: &[&str], rehearse: bool) -> Command {
        let mut argv = self.docker.clone();
        argv.extend(["compose", "--ansi", "never"].map(str::to_owned));
        // Lines that can be read, not a moving picture.
        argv.extend(["--progress", "plain"].map(str::to_owned));
        argv.extend(self.base.iter().cloned());
        argv.extend(rehearse.then(|| "--dry-run".to_owned()));
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        let mut command = Command {
            stdin: self.definition.clone(),
            directory: self.folder.clone(),
            ..plain(argv)
        };
        command.environment.extend(self.environment.clone());
        command
    }
}

fn docker(arguments: &Arguments) -> Vec<String> {
    let mut argv = vec![arguments.text("docker_cli")];
    if let Some(host) = arguments.string("docker_host") {
        argv.extend(["--host".to_owned(), host]);
    }
    if let Some(context) = arguments.string("cli_context") {
        argv.extend(["--context".to_owned(), context]);
    }
    let flags = [("tls", "--tls"), ("validate_certs", "--tlsverify")];
    let flags = flags.iter().filter(|(name, _)| arguments.bool(name));
    argv.extend(flags.map(|(_, flag)| (*flag).to_owned()));
    let files = [
        ("ca_path", "--tlscacert"),
        ("client_cert", "--tlscert"),
        ("client_key", "--tlskey"),
    ];
    for (name, flag) in files {
        let file = arguments.string(name);
        argv.extend(file.into_iter().flat_map(|file| [flag.to_owned(), file]));
    }
    argv
}

/// What names the project.
fn base(arguments: &Arguments, by_definition: bool) -> Vec<String> {
    let mut base: Vec<String> = Vec::new();
    let mut add = |flag: &str, value: String| base.extend([flag.to_owned(), value]);
    if let Some(folder) = arguments.string("project_src") {
        add("--project-directory", folder);
    }
    if let Some(name) = arguments.string("project_name") {
        add("--project-name", name);
    }
    if by_definition {
        // JSON is YAML, too.
        add("--file", "-".to_owned());
    }
    for (name, flag) in [
        ("files", "--file"),
        ("env_files", "--env-file"),
        ("profiles", "--profile"),
    ] {
        for value in arguments.list(name).unwrap_or_default() {
            add(flag, value);
        }
    }
    base
}

/// The verb with its options.
fn words(arguments: &Arguments, state: &str) -> Vec<String> {
    let is = |name: &str| arguments.bool(name);
    let mut words: Vec<String> = Vec::new();
    let mut add = |is_set: bool, flags: &[&str]| {
        if is_set {
            words.extend(flags.iter().map(|flag| (*flag).to_owned()));
        }
    };
    let timeout = arguments.int("timeout").map(|seconds| seconds.to_string());
    let seconds = timeout.as_deref().unwrap_or_default();
    match state {
        "absent" => {
            add(true, &["down"]);
            add(is("remove_orphans"), &["--remove-orphans"]);
            let images = arguments.string("remove_images");
            let images_of = images.as_deref().unwrap_or_default();
            add(images.is_some(), &["--rmi", images_of]);
            add(is("remove_volumes"), &["--volumes"]);
            add(timeout.is_some(), &["--timeout", seconds]);
        }
        "stopped" => {
            add(true, &["stop"]);
            add(timeout.is_some(), &["--timeout", seconds]);
        }
        "restarted" => {
            add(true, &["restart"]);
            add(!is("dependencies"), &["--no-deps"]);
            add(timeout.is_some(), &["--timeout", seconds]);
        }
        _ => {
            add(true, &["up", "--detach", "--no-color", "--quiet-pull"]);
            let pull = arguments.text("pull");
            add(pull != "policy", &["--pull", &pull]);
            add(is("remove_orphans"), &["--remove-orphans"]);
            match arguments.text("recreate").as_str() {
                "always" => add(true, &["--force-recreate"]),
                "never" => add(true, &["--no-recreate"]),
                _ => {}
            }
            add(is("renew_anon_volumes"), &["--renew-anon-volumes"]);
            add(!is("dependencies"), &["--no-deps"]);
            add(timeout.is_some(), &["--timeout", seconds]);
            match arguments.text("build").as_str() {
                "always" => add(true, &["--build"]),
                "never" => add(true, &["--no-build"]),
                _ => {}
            }
            let scale = arguments.raw("scale").and_then(Value::as_object);
            for (service, count) in scale.into_iter().flatten() {
                let pair = format!("{service}={}", text(count).unwrap_or_default());
                add(true, &["--scale", &pair]);
            }
            let limit = arguments
                .int("wait_timeout")
                .map(|seconds| seconds.to_string());
            add(is("wait"), &["--wait"]);
            if let Some(limit) = &limit {
                add(is("wait"), &["--wait-timeout", limit]);
            }
            add(is("assume_yes"), &["-y"]);
        }
    }
    words
}

/// What the plugin says that it does: lines as ` Container web-1  Created`.
pub(super) fn actions(said: &str) -> Vec<Value> {
    const WORKING: &[&str] = &[
        "Created",
        "Started",
        "Stopped",
        "Restarted",
        "Removed",
        "Recreated",
        "Pulled",
        "Built",
        "Killed",
        "Restarting",
        "Creating",
        "Starting",
        "Stopping",
        "Removing",
        "Recreate",
        "Recreating",
        "Pulling",
        "Building",
    ];
    let mut found: Vec<Value> = Vec::new();
    for line in said.lines() {
        let line = line.trim().trim_start_matches("DRY-RUN MODE -").trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, id, status) = match words[..] {
            [
                kind @ ("Container" | "Network" | "Volume" | "Image"),
                id,
                status,
                ..,
            ] => (kind.to_lowercase(), id, status),
            [id, status @ ("Pulled" | "Pulling" | "Built" | "Building")] => {
                ("service".to_owned(), id, status)
            }
            _ => continue,
        };
        if !WORKING.contains(&status) {
            continue;
        }
        // The end of what was begun is no news.
        let named = |one: &Value| one["id"] == id && one["what"] == kind.as_str();
        if !status.ends_with("ed") || !found.iter().any(named) {
            found.push(json!({"what": kind, "id": id, "status": status}));
        }
    }
    found
}

/// Objects in a list, or one a line.
fn objects(text: &str) -> Vec<Value> {
    if let Ok(Value::Array(all)) = serde_json::from_str(text) {
        return all;
    }
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(Value::is_object).collect()
}

pub(super) fn failed(said: &Output) -> ModuleError {
    let last = said
        .stderr
        .trim()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned();
    ModuleError::new(format!("General error: {last}")).with(programs::results(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compose_does_is_read_from_its_lines() {
        let found = actions(
            " Network p_default  Creating\n Network p_default  Created\n DRY-RUN MODE -  Container \
             p-web-1  Creating \n Container p-db-1  Running\n web Pulling \n",
        );
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {}", one["what"], one["id"], one["status"]))
            .collect();
        assert_eq!(
            shown,
            [
                "\"network\" \"p_default\" \"Creating\"",
                "\"container\" \"p-web-1\" \"Creating\"",
                "\"service\" \"web\" \"Pulling\"",
            ]
        );
        assert_eq!(objects("[{\"a\":1}]").len(), 1);
        assert_eq!(objects("{\"a\":1}\n{\"a\":2}\n").len(), 2);
    }
}
