//! `docker_image`: an image that is pulled, built, loaded, tagged, pushed, archived or removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{ENGINE, Engine, Work, bytes, change, encode, login, texts};
use crate::arguments::{Arguments, Field, FieldKind, Spec, boolean, text};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report};
use crate::modules::programs;
use crate::protocol::Task;
use crate::request::Request;
use crate::system::Command;

pub(in crate::modules) struct DockerImage {
    engine: Engine,
    name: Name,
    source: Option<String>,
    present: bool,
    force_source: bool,
    force_tag: bool,
    force_absent: bool,
    build: Option<Map<String, Value>>,
    platform: Option<String>,
    load: Option<PathBuf>,
    archive: Option<PathBuf>,
    repository: Option<Name>,
    push: bool,
}

/// An image's name with its tag, or its id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub(super) repository: String,
    pub(super) tag: String,
}

/// The image as it is, and what is to be done.
pub(in crate::modules) struct Found {
    image: Option<Value>,
    work: Work,
    /// Whether the source is asked although the image is there.
    is_forced: bool,
    /// The place of the answer that tells what a build said.
    built: Option<usize>,
    scratch: Option<PathBuf>,
}

impl Drop for Found {
    fn drop(&mut self) {
        if let Some(folder) = &self.scratch {
            // Only the real machine builds, so this is a folder of it.
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

impl Name {
    /// Reads `registry:5000/name:tag` or `name@sha256:…`; without a tag it is `default`.
    pub(super) fn read(text: &str, default: &str) -> Name {
        if let Some((repository, digest)) = text.split_once('@') {
            return Name {
                repository: repository.to_owned(),
                tag: digest.to_owned(),
            };
        }
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (text, default),
        };
        match is_id(text) {
            true => Name {
                repository: text.to_owned(),
                tag: String::new(),
            },
            false => Name {
                repository: repository.to_owned(),
                tag: tag.to_owned(),
            },
        }
    }

    pub(super) fn is_id(&self) -> bool {
        is_id(&self.repository)
    }

    pub(super) fn whole(&self) -> String {
        match self.tag.as_str() {
            "" => self.repository.clone(),
            tag if tag.contains(':') => format!("{}@{tag}", self.repository),
            tag => format!("{}:{tag}", self.repository),
        }
    }

    /// The registry that the name belongs to.
    fn registry(&self) -> &str {
        match self.repository.split_once('/') {
            Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
            _ => "https://index.docker.io/v1/",
        }
    }
}

fn is_id(text: &str) -> bool {
    let digest = text.strip_prefix("sha256:").unwrap_or_default();
    digest.len() == 64 && digest.bytes().all(|c| c.is_ascii_hexdigit())
}

/// The image of a name, if it is there.
pub(super) fn inspect(
    engine: &Engine,
    host: &dyn Host,
    name: &Name,
) -> Result<Option<Value>, ModuleError> {
    engine.get(host, &format!("/images/{}/json", name.whole()))
}

/// Whether the registry has nothing newer than the image that is there.
pub(super) fn is_newest(
    engine: &Engine,
    host: &dyn Host,
    name: &Name,
    image: &Value,
) -> Result<bool, ModuleError> {
    let path = format!("/distribution/{}/json", name.whole());
    let Ok(Some(said)) = engine.get(host, &path) else {
        // Nobody knows without a pull.
        return Ok(false);
    };
    let digest = said["Descriptor"]["digest"].as_str().unwrap_or_default();
    let mut known = image["RepoDigests"].as_array().into_iter().flatten();
    Ok(known.any(|known| known.as_str().is_some_and(|known| known.ends_with(digest))))
}

/// Pulls an image, which may take its time.
pub(super) fn pull(
    engine: &Engine,
    host: &dyn Host,
    name: &Name,
    platform: Option<&str>,
) -> Result<Change, ModuleError> {
    let mut path = format!(
        "/images/create?fromImage={}&tag={}",
        encode(&name.repository),
        encode(&name.tag)
    );
    if let Some(platform) = platform {
        path.push_str(&format!("&platform={}", encode(platform)));
    }
    let mut request = engine.request(host, "POST", &path, None)?;
    request.timeout = Duration::ZERO;
    request.headers.extend(login::header(host, name.registry()));
    Ok(change(request))
}

impl Module for DockerImage {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_image",
        &[
            Field::str("name").required(),
            Field::str("tag").default("latest"),
            Field::str("source").choices(&["build", "load", "pull", "local"]),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::new("build", FieldKind::Dict),
            Field::new("pull", FieldKind::Dict),
            Field::path("load_path"),
            Field::path("archive_path"),
            Field::str("repository"),
            Field::bool("push", false),
            Field::bool("force_source", false),
            Field::bool("force_tag", false),
            Field::bool("force_absent", false),
        ],
    )
    .with(ENGINE);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerImage, ModuleError> {
        let present = arguments.text("state") == "present";
        let source = arguments.string("source");
        let missing = |what: &str, all: &str| {
            ModuleError::new(format!(
                "{what} but all of the following are missing: {all}"
            ))
        };
        if present && source.is_none() {
            return Err(missing("state is present", "source"));
        }
        let build = arguments.raw("build").and_then(Value::as_object).cloned();
        if source.as_deref() == Some("build") && build.is_none() {
            return Err(missing("source is build", "build"));
        }
        let load = arguments.path("load_path");
        if source.as_deref() == Some("load") && load.is_none() {
            return Err(missing("source is load", "load_path"));
        }
        let name = Name::read(&arguments.text("name"), &arguments.text("tag"));
        let repository = arguments.string("repository");
        Ok(DockerImage {
            engine: Engine::read(arguments, task.check)?,
            repository: repository.map(|repository| Name::read(&repository, &name.tag)),
            name,
            source,
            present,
            force_source: arguments.bool("force_source"),
            force_tag: arguments.bool("force_tag"),
            force_absent: arguments.bool("force_absent"),
            build,
            platform: arguments
                .raw("pull")
                .and_then(|pull| text(&pull["platform"])),
            load,
            archive: arguments.path("archive_path"),
            push: arguments.bool("push"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let image = inspect(&self.engine, host, &self.name)?;
        let mut found = Found {
            is_forced: image.is_some() && self.force_source,
            image,
            work: Work::default(),
            built: None,
            scratch: None,
        };
        match self.present {
            true => self.present(host, &mut found)?,
            false => self.absent(host, &mut found)?,
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.work.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = Map::new();
        report.insert("actions".to_owned(), json!(found.work.actions));
        let mut changed = outcome.changed;
        let image = match (self.present, outcome.changed && !outcome.check) {
            (true, true) => {
                let name = self.repository.as_ref().unwrap_or(&self.name);
                let image = inspect(&self.engine, host, name)?;
                let id = |image: &Option<Value>| image.as_ref().map(|image| image["Id"].clone());
                if found.is_forced
                    && found.work.actions.len() == 1
                    && id(&image) == id(&found.image)
                {
                    changed = false;
                }
                image
            }
            (true, false) => found.image.clone(),
            (false, _) => found.image.as_ref().map(|_| json!({"state": "Deleted"})),
        };
        report.insert("image".to_owned(), image.unwrap_or_else(|| json!({})));
        if let Some(answer) = found.built.and_then(|at| outcome.answers.get(at)) {
            report.insert("stdout".to_owned(), said(&answer.body).into());
        }
        Ok(Report {
            changed: Some(changed),
            ..Report::of(report)
        })
    }
}

/// The words in the lines of an answer that tells of a build.
fn said(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let lines = body.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = line["stream"]
            .as_str()
            .or_else(|| line["status"].as_str())?;
        Some(text.lines().map(str::to_owned).collect::<Vec<_>>())
    });
    lines.flatten().collect::<Vec<_>>().join("\n")
}

impl DockerImage {
    fn absent(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        if found.image.is_none() {
            return Ok(());
        }
        let (name, force) = (self.name.whole(), self.force_absent);
        let path = format!("/images/{name}?force={force}");
        let remove = self.engine.call(host, "DELETE", &path, None)?;
        found.work.act(format!("Removed image {name}"), remove);
        Ok(())
    }

    fn present(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let whole = self.name.whole();
        if found.image.is_none() || self.force_source {
            match self.source.as_deref() {
                Some("pull") => {
                    let pull = pull(&self.engine, host, &self.name, self.platform.as_deref())?;
                    found.work.act(format!("Pulled image {whole}"), pull);
                }
                Some("load") => self.load(host, found)?,
                Some("build") => self.build(host, found)?,
                _ if found.image.is_none() => {
                    return Err(ModuleError::new(format!(
                        "Cannot find the image {whole} locally."
                    )));
                }
                _ => {}
            }
        }
        if let Some(path) = &self.archive {
            self.archive(host, found, path)?;
        }
        if let Some(repository) = &self.repository {
            self.tag(host, found, repository)?;
        }
        match self.push {
            true => self.push(host, found),
            false => Ok(()),
        }
    }

    fn load(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let (whole, path) = (self.name.whole(), self.load.clone().unwrap_or_default());
        let there = host.metadata_followed(&path)?;
        let shown = path.display();
        if there.is_none_or(|there| there.kind != Kind::File) {
            return Err(ModuleError::new(format!(
                "Error loading image {whole}. Specified path {shown} does not exist."
            )));
        }
        let action = format!("Loaded image {whole} from {shown}");
        let mut request = self.engine.request(host, "POST", "/images/load", None)?;
        request.timeout = Duration::ZERO;
        request.body_file = Some(path);
        found.work.act(action, change(request));
        Ok(())
    }

    fn archive(&self, host: &dyn Host, found: &mut Found, path: &Path) -> Result<(), ModuleError> {
        let whole = self.name.whole();
        let shown = path.display();
        if let Some(image) = &found.image
            && archived(host, path)?.is_some_and(|id| image["Id"] == id.as_str())
        {
            return Ok(());
        }
        let there = host.metadata_followed(path)?.is_some();
        let action = match there {
            true => format!("Archived image {whole} to {shown}, overwriting archive"),
            false => format!("Archived image {whole} to {shown}, since none present"),
        };
        let request = self
            .engine
            .request(host, "GET", &format!("/images/{whole}/get"), None)?;
        let save = Change::Request(Box::new(Request {
            request,
            save: Some(path.to_owned()),
            expected: vec![200],
            strict: true,
        }));
        found.work.act(action, save);
        Ok(())
    }

    fn tag(&self, host: &dyn Host, found: &mut Found, to: &Name) -> Result<(), ModuleError> {
        let tagged = inspect(&self.engine, host, to)?;
        if tagged.is_some() && !self.force_tag {
            return Ok(());
        }
        let same = |tagged: &Value| {
            found
                .image
                .as_ref()
                .is_some_and(|image| image["Id"] == tagged["Id"])
        };
        if tagged.as_ref().is_some_and(same) && found.work.actions.is_empty() {
            return Ok(());
        }
        let (from, into) = (self.name.whole(), to.whole());
        let path = format!(
            "/images/{from}/tag?repo={}&tag={}&force=true",
            encode(&to.repository),
            encode(&to.tag)
        );
        let tag = self.engine.call(host, "POST", &path, None)?;
        found
            .work
            .act(format!("Tagged image {from} to {into}"), tag);
        Ok(())
    }

    fn push(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let name = self.repository.as_ref().unwrap_or(&self.name);
        let path = format!("/images/{}/push?tag={}", name.repository, encode(&name.tag));
        let mut request = self.engine.request(host, "POST", &path, None)?;
        request.timeout = Duration::ZERO;
        let known = login::header(host, name.registry());
        // The engine wants the field, be it empty.
        let known = known.unwrap_or_else(|| ("X-Registry-Auth".to_owned(), "e30=".to_owned()));
        request.headers.push(known);
        let (repository, tag) = (&name.repository, &name.tag);
        let registry = name.registry();
        let action = format!("Pushed image {repository} to {registry}/{repository}:{tag}");
        found.work.act(action, change(request));
        Ok(())
    }

    /// Packs the folder with the host's `tar`, and sends it.
    fn build(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let build = self.build.clone().unwrap_or_default();
        let field = |name: &str| build.get(name).and_then(text);
        let folder = PathBuf::from(field("path").unwrap_or_default());
        let shown = folder.display();
        let there = host.metadata_followed(&folder)?;
        if there.is_none_or(|there| there.kind != Kind::Directory) {
            return Err(ModuleError::new(format!(
                "Requested build path {shown} could not be found or you do not have access."
            )));
        }
        let whole = self.name.whole();
        let action = format!("Built image {whole} from {shown}");
        let mut request = self
            .engine
            .request(host, "POST", &query(&build, &whole)?, None)?;
        request.timeout = Duration::ZERO;
        let kind = ("Content-Type".to_owned(), "application/x-tar".to_owned());
        request.headers.push(kind);
        if !self.engine.check {
            let scratch = crate::change::temporary_folder(host)?;
            let packed = scratch.join("context.tar");
            found.scratch = Some(scratch);
            programs::checked(host, &packing(host, &folder, &packed)?)?;
            request.body_file = Some(packed);
        }
        found.built = Some(found.work.changes.len());
        found.work.act(action, change(request));
        Ok(())
    }
}

/// How a build is asked for.
fn query(build: &Map<String, Value>, whole: &str) -> Result<String, ModuleError> {
    let field = |name: &str| build.get(name).filter(|value| !value.is_null());
    let mut query = format!("/build?t={}", encode(whole));
    let mut add = |key: &str, value: String| query.push_str(&format!("&{key}={}", encode(&value)));
    for (name, value) in build {
        let known = [
            "path",
            "dockerfile",
            "target",
            "network",
            "platform",
            "nocache",
            "pull",
            "rm",
            "args",
            "labels",
            "cache_from",
            "shm_size",
            "etc_hosts",
            "container_limits",
            "http_timeout",
        ];
        if !known.contains(&name.as_str()) && boolean(value) != Some(false) && !value.is_null() {
            return Err(ModuleError::new(format!(
                "the argument `build.{name}` of the module `community.docker.docker_image` is not \
                 supported by Strata yet"
            )));
        }
    }
    for (name, key) in [
        ("dockerfile", "dockerfile"),
        ("target", "target"),
        ("network", "networkmode"),
        ("platform", "platform"),
    ] {
        if let Some(value) = field(name).and_then(text) {
            add(key, value);
        }
    }
    for (name, key, default) in [
        ("nocache", "nocache", false),
        ("pull", "pull", false),
        ("rm", "rm", true),
        ("rm", "forcerm", true),
    ] {
        let value = field(name).and_then(boolean).unwrap_or(default);
        add(key, value.to_string());
    }
    for (name, key) in [("args", "buildargs"), ("labels", "labels")] {
        if let Some(map) = texts(field(name)) {
            add(key, Value::Object(map).to_string());
        }
    }
    if let Some(images) = field("cache_from") {
        add("cachefrom", images.to_string());
    }
    if let Some(size) = field("shm_size").and_then(text) {
        add("shmsize", bytes(&size)?.to_string());
    }
    for (name, address) in texts(field("etc_hosts")).into_iter().flatten() {
        add(
            "extrahosts",
            format!("{name}:{}", address.as_str().unwrap_or_default()),
        );
    }
    for (name, limit) in texts(field("container_limits")).into_iter().flatten() {
        let limit = limit.as_str().unwrap_or_default();
        let limit = match name.as_str() {
            "memory" | "memswap" => bytes(limit)?.to_string(),
            _ => limit.to_owned(),
        };
        add(&name, limit);
    }
    Ok(query)
}

/// Packs a folder without what its `.dockerignore` names.
fn packing(host: &dyn Host, folder: &Path, to: &Path) -> Result<Command, ModuleError> {
    let mut argv = vec!["tar".to_owned(), "-C".to_owned()];
    argv.push(folder.to_string_lossy().into_owned());
    let ignored = host
        .read_text(&folder.join(".dockerignore"))
        .unwrap_or_default();
    for line in ignored.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('!') || line.contains("**") {
            return Err(ModuleError::new(format!(
                "`{line}` in .dockerignore is not supported by Strata yet"
            )));
        }
        argv.push(format!("--exclude=./{}", line.trim_matches('/')));
    }
    argv.push("--anchored".to_owned());
    argv.extend([
        "-cf".to_owned(),
        to.to_string_lossy().into_owned(),
        ".".to_owned(),
    ]);
    Ok(programs::plain(argv))
}

/// The id of the image in an archive, as its manifest has it.
fn archived(host: &dyn Host, path: &Path) -> Result<Option<String>, ModuleError> {
    if host.metadata_followed(path)?.is_none() {
        return Ok(None);
    }
    let path = path.to_string_lossy().into_owned();
    let said = host.run(&programs::plain(["tar", "-xOf", &path, "manifest.json"]))?;
    let manifest: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
    let config = manifest[0]["Config"].as_str().unwrap_or_default();
    let digest = config.rsplit('/').next().unwrap_or_default();
    let digest = digest.trim_end_matches(".json");
    Ok((digest.len() == 64).then(|| format!("sha256:{digest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_registry_and_a_tag() {
        let check = |text: &str, whole: &str, registry: &str| {
            let name = Name::read(text, "latest");
            assert_eq!((name.whole().as_str(), name.registry()), (whole, registry));
        };
        let hub = "https://index.docker.io/v1/";
        check("nginx", "nginx:latest", hub);
        check("grafana/loki:2.9", "grafana/loki:2.9", hub);
        check(
            "here.example:5000/a",
            "here.example:5000/a:latest",
            "here.example:5000",
        );
        check("a@sha256:12", "a@sha256:12", hub);
        let id = format!("sha256:{}", "a".repeat(64));
        check(&id, &id, hub);
    }
}
