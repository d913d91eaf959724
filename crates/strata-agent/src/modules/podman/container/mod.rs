//! `podman_container`: a container is there as asked and runs or does not, or is gone, or is described for systemd.
//!
//! As `containers.podman.podman_container` 1.18: one that is otherwise than asked is made anew. In check mode the original
//! pulls images and writes units; ours does not.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::quadlet::{Found, Quadlet};
use super::systemd::Units;
use super::{COMPARED, Differences, SHARED, Step, Thing, changes, flags, is_of_four, told};
use crate::arguments::{Arguments, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use differences::{Wish, differences};
use settings::{FIELDS, Setting, given};

mod differences;
mod lines;
mod settings;

pub(in crate::modules) struct PodmanContainer {
    thing: Thing,
    state: String,
    image: Option<String>,
    given: Vec<(&'static Setting, Value)>,
    command: Option<Value>,
    is_strict: bool,
    recreates: bool,
    restarts: bool,
    /// The words with which it is pulled, started, stopped, restarted, removed, and those of the task's own.
    pull: Option<Vec<String>>,
    start: Vec<String>,
    stop: Vec<String>,
    restart: Vec<String>,
    delete: Vec<String>,
    more: Vec<String>,
    attaches: bool,
    units: Units,
    quadlet: Quadlet,
    diff: bool,
}

/// What there is, and what is left to do.
pub(in crate::modules) struct Current {
    version: String,
    info: Option<Value>,
    image: Option<Value>,
    steps: Vec<Step>,
    /// What becomes of the files of units, before or after the steps.
    files: Vec<Change>,
    /// The units as they are; nothing where the container is made by the steps.
    units: Option<Map<String, Value>>,
    differences: Differences,
}

impl Module for PodmanContainer {
    const SPEC: Spec = Spec::new("containers.podman.podman_container", FIELDS)
        .with(SHARED)
        .and(COMPARED)
        .exclusive(&[&["no_hosts", "etc_hosts"]]);
    type Current = Found<Current>;

    fn new(arguments: &Arguments, task: &Task) -> Result<PodmanContainer, ModuleError> {
        let state = arguments.text("state");
        let image = arguments.filled("image");
        let restarts = arguments.bool("force_restart");
        if ["present", "created"].contains(&state.as_str()) && !restarts && image.is_none() {
            return Err(ModuleError::new(format!(
                "State '{state}' required image to be configured!"
            )));
        }
        check_log_options(arguments)?;
        let units = Units::read(arguments)?;
        let given = given(arguments, units.makes_anew);
        let lines = lines::lines(arguments, &given);
        let thing = Thing::read("container", arguments);
        let pulls = arguments.string("pull").as_deref() != Some("never");
        Ok(PodmanContainer {
            quadlet: Quadlet::read(arguments, "container", "Container", lines)?,
            pull: pulls.then(|| pull_words(arguments)),
            start: start_words(arguments),
            stop: timed("stop", arguments.filled("stop_time")),
            restart: timed("restart", arguments.filled("restart_time")),
            delete: delete_words(arguments),
            more: arguments.list("cmd_args").unwrap_or_default(),
            attaches: arguments.list("attach").is_some_and(|to| !to.is_empty()),
            command: arguments.raw("command").cloned(),
            is_strict: arguments.bool("image_strict"),
            recreates: arguments.bool("recreate"),
            diff: task.diff,
            state,
            image,
            restarts,
            given,
            units,
            thing,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found<Current>, ModuleError> {
        if self.state == "quadlet" {
            return self.quadlet.observe(host).map(Found::Quadlet);
        }
        let version = self.thing.version(host)?;
        let mut current = Current {
            version,
            info: None,
            image: None,
            steps: Vec::new(),
            files: Vec::new(),
            units: None,
            differences: Differences::default(),
        };
        if self.state != "absent" {
            self.look_for_image(host, &mut current)?;
        }
        current.info = self.thing.inspect(host)?;
        let makes = self.decide_steps(&mut current)?;
        let version = &current.version;
        if self.state == "absent" {
            if current.info.is_some() {
                current.files = self.units.removals(host, &self.thing, version)?;
            }
        } else if makes {
            current.files = self.units.files_of_new(host, &self.thing, version)?;
        } else {
            let texts = self.units.texts(host, &self.thing, version)?;
            current.files = self.units.changes(host, &texts)?;
            current.units = Some(texts);
        }
        Ok(Found::Thing(Box::new(current)))
    }

    fn decide(&self, found: &Found<Current>) -> Vec<Change> {
        match found {
            Found::Quadlet(found) => self.quadlet.changes(found),
            Found::Thing(current) => {
                let steps = changes(&current.steps);
                let files = current.files.clone();
                match self.state.as_str() {
                    "absent" => files.into_iter().chain(steps).collect(),
                    _ => steps.into_iter().chain(files).collect(),
                }
            }
        }
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found<Current>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let current = match found {
            Found::Quadlet(_) => return Ok(Report::of(values(Quadlet::values("container")))),
            Found::Thing(current) => current,
        };
        let (actions, commands) = told(&current.steps);
        let mut report = values(json!({
            "actions": actions, "podman_actions": commands, "container": {},
        }));
        if self.state != "absent" {
            self.tell(host, current, outcome, &mut report)?;
        }
        let diff = current.differences.diff(&self.thing.name);
        Ok(Report {
            diff: diff.filter(|_| self.diff).into_iter().collect(),
            ..Report::of(report)
        })
    }
}

impl PodmanContainer {
    /// Looks at the image, which is to be pulled where it is not there.
    fn look_for_image(&self, host: &dyn Host, current: &mut Current) -> Result<(), ModuleError> {
        let Some(image) = &self.image else {
            return Ok(());
        };
        if self.is_rootfs() {
            let there = host.metadata_followed(Path::new(image))?;
            if there.is_none_or(|there| there.kind != Kind::Directory) {
                return Err(ModuleError::new(format!(
                    "Image rootfs doesn't exist {image}"
                )));
            }
            current.image = Some(json!({"Id": image}));
            return Ok(());
        }
        let bare = image.replace("docker://", "");
        current.image = self.thing.inspect_other(host, "image", &bare)?;
        if let (None, Some(words)) = (&current.image, &self.pull) {
            let start = [&self.thing.executable, "image", "pull", image].map(str::to_owned);
            current.steps.push(Step {
                argv: start.into_iter().chain(words.iter().cloned()).collect(),
                told: format!("pulled image {image}"),
                shown: String::new(),
                failure: format!("Can't pull image {image}"),
            });
        }
        Ok(())
    }

    fn is_rootfs(&self) -> bool {
        let mut given = self.given.iter();
        given.any(|(setting, value)| setting.name == "rootfs" && *value == Value::Bool(true))
    }

    /// Says what is to be done with the container; true if it is made by that.
    fn decide_steps(&self, current: &mut Current) -> Result<bool, ModuleError> {
        let running = current.info.as_ref().map(is_running);
        match (self.state.as_str(), running) {
            ("absent", None) => {}
            ("absent", Some(_)) => {
                let delete = self.step("delete", "deleted", self.delete.clone(), true);
                current.steps.push(delete);
            }
            ("stopped", Some(true)) => current.steps.push(self.stops("stopped")),
            ("stopped", Some(false)) => {}
            (state, None) => {
                let (verb, told) = match state {
                    "started" => ("run", "started"),
                    _ => ("create", "created"),
                };
                if self.image.is_none() {
                    let verb = if verb == "run" { "start" } else { verb };
                    return Err(ModuleError::new(format!(
                        "Cannot {verb} container when image is not specified!"
                    )));
                }
                current.steps.push(self.makes(current, verb, told));
                return Ok(true);
            }
            ("started", Some(running)) => return Ok(self.start_there(current, running)),
            (_, Some(running)) => return Ok(self.settle(current, running)),
        }
        Ok(false)
    }

    /// A container that is there shall run; true if it is made anew for that.
    fn start_there(&self, current: &mut Current, running: bool) -> bool {
        let restarts = self.restarts && (running || self.image.is_none());
        let differs = !self.restarts && self.image.is_some() && self.differs(current);
        match (restarts, differs, running && self.image.is_some()) {
            (true, ..) => current.steps.push(self.restart()),
            (_, true, _) => self.make_anew(current, "run", running),
            (_, _, false) => current.steps.push(self.starts()),
            _ => {}
        }
        differs
    }

    /// A container that is there shall be as asked, and runs if it did; true if it is made anew for that.
    fn settle(&self, current: &mut Current, running: bool) -> bool {
        if self.image.is_some() && self.differs(current) {
            self.make_anew(current, "create", running);
            if running {
                current.steps.push(self.starts());
            }
            return true;
        }
        match (self.restarts, running) {
            (false, _) => {}
            (true, true) => current.steps.push(self.restart()),
            (true, false) => current.steps.push(self.starts()),
        }
        false
    }

    fn differs(&self, current: &mut Current) -> bool {
        let Some(info) = &current.info else {
            return false;
        };
        let wish = Wish {
            given: &self.given,
            image: self.image.as_deref().unwrap_or_default(),
            is_strict: self.is_strict,
            command: self.command.as_ref(),
            image_info: current.image.as_ref(),
        };
        current.differences = differences(info, &wish);
        self.recreates || !current.differences.0.is_empty()
    }

    fn make_anew(&self, current: &mut Current, verb: &str, running: bool) {
        let removes_itself = current
            .info
            .as_ref()
            .is_some_and(|info| info["HostConfig"]["AutoRemove"] == true);
        if running {
            current.steps.push(self.stops(""));
        }
        if !removes_itself {
            let delete = self.step("delete", "", self.delete.clone(), true);
            current.steps.push(delete);
        }
        current.steps.push(self.makes(current, verb, "recreated"));
    }

    fn starts(&self) -> Step {
        self.step("start", "started", self.start.clone(), true)
    }

    fn stops(&self, told: &str) -> Step {
        self.step("stop", told, self.stop.clone(), true)
    }

    fn restart(&self) -> Step {
        self.step("restart", "restarted", self.restart.clone(), true)
    }

    /// `run` or `create` with all settings.
    fn makes(&self, current: &Current, verb: &str, told: &str) -> Step {
        let is_of_four = is_of_four(&current.version);
        let mut words = vec![
            verb.to_owned(),
            "--name".to_owned(),
            self.thing.name.clone(),
        ];
        for (setting, value) in &self.given {
            // To be made it need not let go, and it cannot while something is attached.
            let is_left_out = setting.name == "detach" && (verb == "create" || self.attaches);
            if !is_left_out {
                words.extend(setting.words(value, is_of_four));
            }
        }
        words.extend(self.more.iter().cloned());
        words.extend(self.image.clone());
        match &self.command {
            Some(Value::Array(command)) => words.extend(command.iter().filter_map(text)),
            command => {
                let line = command.as_ref().and_then(text).unwrap_or_default();
                words.extend(line.split_whitespace().map(str::to_owned));
            }
        }
        self.step(verb, told, words, false)
    }

    fn step(&self, verb: &str, told: &str, words: Vec<String>, is_named: bool) -> Step {
        let thing = &self.thing;
        let name = is_named.then(|| thing.name.clone());
        let words: Vec<String> = words.into_iter().chain(name).collect();
        let start = [thing.executable.clone(), "container".to_owned()];
        Step {
            shown: format!("{} {}", thing.executable, words.join(" ")),
            argv: start.into_iter().chain(words).collect(),
            told: match told {
                "" => String::new(),
                told => format!("{told} {}", thing.name),
            },
            failure: format!(
                "Container {} exited with code {{status}} when {verb}ed",
                thing.name
            ),
        }
    }

    /// Tells of the container, its units and its file of Quadlet.
    fn tell(
        &self,
        host: &dyn Host,
        current: &Current,
        outcome: &Outcome,
        report: &mut Map<String, Value>,
    ) -> Result<(), ModuleError> {
        let changes = !current.steps.is_empty() && !outcome.check;
        let info = match changes {
            true => self.thing.inspect(host)?,
            false => current.info.clone(),
        };
        let units = match &current.units {
            Some(units) => units.clone(),
            None if outcome.check && current.info.is_none() => Map::new(),
            None => self.units.texts(host, &self.thing, &current.version)?,
        };
        let mut said = current.steps.iter().zip(&outcome.outputs);
        let last = said.rfind(|(step, _)| !step.shown.is_empty());
        let last = last.map(|(_, output)| output.clone()).unwrap_or_default();
        report.extend(values(json!({
            "container": info.unwrap_or_else(|| json!({})),
            "stdout": last.stdout,
            "stderr": last.stderr,
            "podman_systemd": units,
            "podman_quadlet": self.quadlet.content(),
        })));
        if self.thing.is_verbose {
            report.insert("podman_version".to_owned(), json!(current.version));
        }
        Ok(())
    }
}

fn is_running(info: &Value) -> bool {
    info["State"]["Running"] == true
}

fn check_log_options(arguments: &Arguments) -> Result<(), ModuleError> {
    const KNOWN: &[&str] = &["max_size", "path", "tag"];
    let given = arguments.raw("log_opt").and_then(Value::as_object);
    let mut names = given.into_iter().flatten().map(|(name, _)| name);
    match names.find(|name| !KNOWN.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(ModuleError::new(format!(
            "Unsupported parameters for (containers.podman.podman_container) module: log_opt.{name}. Supported parameters include: {}.",
            KNOWN.join(", ")
        ))),
    }
}

/// What follows `podman image pull NAME`.
fn pull_words(arguments: &Arguments) -> Vec<String> {
    let mut words = Vec::new();
    let refuses = arguments.maybe("tls_verify") == Some(false);
    words.extend(refuses.then(|| "--tls-verify=false".to_owned()));
    let authfile: Vec<String> = arguments.filled("authfile").into_iter().collect();
    words.extend(flags("--authfile", &authfile));
    for (name, flag) in [
        ("arch", "--arch"),
        ("decryption_key", "--decryption-key"),
        ("platform", "--platform"),
        ("os", "--os"),
        ("variant", "--variant"),
    ] {
        let given = arguments.filled(name);
        words.extend(given.map(|value| format!("{flag}={value}")));
    }
    words
}

fn start_words(arguments: &Arguments) -> Vec<String> {
    let attaches = arguments.list("attach").is_some_and(|to| !to.is_empty())
        || arguments.maybe("detach") == Some(false);
    let mut words = vec!["start".to_owned()];
    words.extend(attaches.then(|| "--attach".to_owned()));
    let keys: Vec<String> = arguments.filled("detach_keys").into_iter().collect();
    words.extend(flags("--detach-keys", &keys));
    words.extend(
        arguments
            .bool("sig_proxy")
            .then(|| "--sig-proxy".to_owned()),
    );
    words
}

/// A verb with the seconds that it waits.
fn timed(verb: &str, time: Option<String>) -> Vec<String> {
    let time: Vec<String> = time.into_iter().collect();
    let verb = [verb.to_owned()].into_iter();
    verb.chain(flags("--time", &time)).collect()
}

fn delete_words(arguments: &Arguments) -> Vec<String> {
    let mut words = vec!["rm".to_owned()];
    words.extend(
        arguments
            .bool("delete_depend")
            .then(|| "--depend".to_owned()),
    );
    let time: Vec<String> = arguments.filled("delete_time").into_iter().collect();
    words.extend(flags("--time", &time));
    for (name, flag) in [("delete_volumes", "--volumes"), ("force_delete", "--force")] {
        words.extend(arguments.bool(name).then(|| flag.to_owned()));
    }
    words
}
