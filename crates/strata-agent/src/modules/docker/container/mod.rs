//! `docker_container`: a container with its settings, running or not.
//!
//! `settings.rs` reads what it shall be, `compare.rs` says what differs. What can change while a
//! container runs is updated; for everything else it is made anew.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::image::{self, Name};
use super::{Differences, ENGINE, Engine, Work, change, encode, frames, told};
use crate::arguments::{Arguments, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;
use compare::{Comparisons, compare};
use fields::{Area, FIELDS};
use networks::Network;
use settings::Setting;

mod compare;
mod fields;
mod mounts;
mod networks;
mod ports;
mod settings;

pub(in crate::modules) struct DockerContainer {
    engine: Engine,
    name: String,
    image: Option<Name>,
    state: String,
    pull: &'static str,
    comparisons: Comparisons,
    networks: Option<Vec<Network>>,
    arguments: Arguments,
}

/// What there is, and what is to be done.
pub(in crate::modules) struct Found {
    container: Option<Value>,
    differences: Differences,
    work: Work,
    /// The places of the answers that tell how the program ended and what it said.
    waited: Option<usize>,
    logs: Option<usize>,
    is_removed: bool,
}

impl Module for DockerContainer {
    const SPEC: Spec = Spec::new("community.docker.docker_container", FIELDS).with(ENGINE);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerContainer, ModuleError> {
        Ok(DockerContainer {
            engine: Engine::read(arguments, task.check)?,
            name: arguments.text("name").trim_start_matches('/').to_owned(),
            image: arguments
                .string("image")
                .map(|name| Name::read(&name, "latest")),
            state: arguments.text("state"),
            pull: match arguments.text("pull").as_str() {
                "always" | "True" | "true" => "always",
                "never" => "never",
                _ => "missing",
            },
            comparisons: Comparisons::read(arguments)?,
            networks: networks::read(arguments.raw("networks"))?,
            arguments: arguments.clone(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            container: self.engine.get(host, &self.path("/json"))?,
            differences: Differences::default(),
            work: Work::default(),
            waited: None,
            logs: None,
            is_removed: false,
        };
        match self.state.as_str() {
            "absent" => self.absent(host, &mut found)?,
            _ => self.present(host, &mut found)?,
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
        told(&self.engine, &found.work.actions, &mut report);
        let is_done = outcome.changed && !outcome.check;
        let mut container = match is_done && !found.is_removed && self.state != "absent" {
            true => self.settled(host)?,
            false => found.container.clone(),
        };
        if let Some(status) = self.ended(found, outcome) {
            let said = found.logs.and_then(|at| outcome.answers.get(at));
            let said = said.map_or(String::new(), |answer| logs(&answer.body));
            report.insert("status".to_owned(), json!(status));
            if let Some(container) = container.as_mut().filter(|_| found.logs.is_some()) {
                container["Output"] = json!(said);
            }
            if status != 0 {
                let failure = ModuleError::new(said).with(json!({"status": status}));
                return Err(ModuleError {
                    changed: true,
                    ..failure
                });
            }
        }
        let shown = container.filter(|_| self.state != "absent");
        report.extend(shown.map(|container| ("container".to_owned(), container)));
        Ok(Report {
            diff: vec![found.differences.diff(&self.name)],
            ..Report::of(report)
        })
    }
}

impl DockerContainer {
    fn path(&self, what: &str) -> String {
        format!("/containers/{}{what}", encode(&self.name))
    }

    fn is(&self, name: &str) -> bool {
        self.arguments.bool(name)
    }

    fn post(
        &self,
        host: &dyn Host,
        what: &str,
        body: Option<&Value>,
    ) -> Result<Change, ModuleError> {
        self.engine.call(host, "POST", &self.path(what), body)
    }

    fn absent(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let Some(container) = found.container.clone() else {
            return Ok(());
        };
        if container["State"]["Running"] == true {
            self.stop(host, &mut found.work)?;
        }
        self.remove(host, &mut found.work)?;
        found.differences.add("exists", json!(true), json!(false));
        Ok(())
    }

    fn stop(&self, host: &dyn Host, work: &mut Work) -> Result<(), ModuleError> {
        if self.is("force_kill") {
            let signal = self.arguments.string("kill_signal");
            let query = signal
                .as_ref()
                .map(|signal| format!("?signal={}", encode(signal)));
            let kill = self.post(host, &format!("/kill{}", query.unwrap_or_default()), None)?;
            work.act(json!({"killed": self.name, "signal": signal}), kill);
            return Ok(());
        }
        let timeout = self.arguments.int("stop_timeout");
        let query = timeout.map(|seconds| format!("?t={seconds}"));
        let path = self.path(&format!("/stop{}", query.unwrap_or_default()));
        let mut request = self.engine.request(host, "POST", &path, None)?;
        // The engine answers when the container has ended.
        request.timeout += Duration::from_secs(timeout.unwrap_or(10).max(0) as u64);
        work.act(
            json!({"stopped": self.name, "timeout": timeout}),
            change(request),
        );
        Ok(())
    }

    fn remove(&self, host: &dyn Host, work: &mut Work) -> Result<(), ModuleError> {
        let volumes = !self.is("keep_volumes");
        let path = self.path(&format!("?v={volumes}"));
        let mut request = self.engine.request(host, "DELETE", &path, None)?;
        // The engine answers when the container is gone.
        let limit = self
            .arguments
            .raw("removal_wait_timeout")
            .and_then(Value::as_f64);
        let limit = limit.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        request.timeout = limit.unwrap_or(request.timeout);
        let remove = change(request);
        let action = json!({
            "removed": self.name, "volume_state": volumes, "link": false, "force": false,
        });
        work.act(action, remove);
        Ok(())
    }

    fn present(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let settings = settings::read(&self.arguments, host)?;
        let image = self.image(host, found)?;
        let mut running = false;
        let mut paused = false;
        let mut created = true;
        if let Some(container) = found.container.clone() {
            running = container["State"]["Running"] == true;
            paused = container["State"]["Paused"] == true;
            created = self.renew(host, found, &container, image.as_ref(), &settings)?;
            running &= !created;
            paused &= !created;
            if created && self.image.is_none() {
                let image = container["Config"]["Image"].as_str().unwrap_or_default();
                self.create(host, found, &Name::read(image, ""), &settings)?;
            }
        }
        if created && let Some(image) = &self.image {
            self.create(host, found, image, &settings)?;
        } else if found.container.is_none() {
            return Err(ModuleError::new(
                "Cannot create container when image is not specified!",
            ));
        }
        let before = found.container.clone().filter(|_| !created);
        self.connect(
            host,
            before.as_ref(),
            &mut found.work,
            &mut found.differences,
        )?;
        self.run(host, found, running, paused, created)
    }

    /// Labels of the image that the task does not have, where that is to be a mistake.
    fn refuse_labels(&self, image: Option<&Value>) -> Result<(), ModuleError> {
        let is_strict = self.comparisons.mode("labels") == Some("strict");
        if !is_strict || self.arguments.text("image_label_mismatch") != "fail" {
            return Ok(());
        }
        let own = self.arguments.raw("labels").and_then(Value::as_object);
        let of_image = image.and_then(|image| image["Config"]["Labels"].as_object());
        let more = of_image.into_iter().flatten();
        let more = more.filter(|(name, _)| !own.is_some_and(|own| own.contains_key(*name)));
        let names: Vec<String> = more.map(|(name, _)| format!("\"{name}\"")).collect();
        match names.is_empty() {
            true => Ok(()),
            false => Err(ModuleError::new(format!(
                "Some labels should be removed but are present in the base image. You can set \
                 image_label_mismatch to 'ignore' to ignore this error. Labels: {}",
                names.join(", ")
            ))),
        }
    }

    /// Removes a container that is to be made anew, or updates it; true if it is removed.
    fn renew(
        &self,
        host: &dyn Host,
        found: &mut Found,
        container: &Value,
        image: Option<&Value>,
        settings: &[Setting],
    ) -> Result<bool, ModuleError> {
        self.refuse_labels(image)?;
        let own = match self.arguments.text("image_comparison").as_str() {
            "current-image" => {
                let id = container["Image"].as_str().unwrap_or_default();
                self.engine
                    .get(host, &format!("/images/{}/json", encode(id)))?
            }
            _ => None,
        };
        let beside = own.as_ref().or(image);
        let (mut fixed, updates) = compare(settings, container, beside, &self.comparisons);
        self.compare_image(container, image, found, &mut fixed);
        if self.is("recreate") || !fixed.is_empty() {
            fixed.0.extend(updates.0);
            found.differences = fixed;
            if container["State"]["Running"] == true {
                self.stop(host, &mut found.work)?;
            }
            self.remove(host, &mut found.work)?;
            return Ok(true);
        }
        if !updates.is_empty() {
            let changing = settings.iter().filter(|setting| setting.updates);
            let body: Map<String, Value> = changing
                .map(|setting| (setting.key.to_owned(), setting.value.clone()))
                .collect();
            let body = Value::Object(body);
            let update = self.post(host, "/update", Some(&body))?;
            let action = json!({"updated": self.name, "update_parameters": body});
            found.work.act(action, update);
            found.differences = updates;
        }
        Ok(false)
    }

    fn compare_image(
        &self,
        container: &Value,
        image: Option<&Value>,
        found: &Found,
        differences: &mut Differences,
    ) {
        let mode = self.comparisons.mode("image").unwrap_or("strict");
        let (Some(wanted), "strict") = (&self.image, mode) else {
            return;
        };
        let id = image.map(|image| &image["Id"]);
        let is_new = !found.work.actions.is_empty();
        if is_new || id.is_some_and(|id| *id != container["Image"]) {
            let id = id.filter(|_| !is_new).cloned();
            differences.add("image", container["Image"].clone(), id.unwrap_or_default());
        }
        let name = &container["Config"]["Image"];
        let given = self.arguments.text("image");
        let names_count = self.arguments.text("image_name_mismatch") == "recreate";
        if names_count && *name != given.as_str() && *name != wanted.whole().as_str() {
            differences.add("image_name", name.clone(), json!(given));
        }
    }

    /// The image that is there; where it is not, or there is a newer one, it is pulled.
    fn image(&self, host: &dyn Host, found: &mut Found) -> Result<Option<Value>, ModuleError> {
        let Some(name) = &self.image else {
            return Ok(None);
        };
        let image = image::inspect(&self.engine, host, name)?;
        let pulls = match (self.pull, &image) {
            _ if name.is_id() => false,
            ("never", _) => false,
            ("always", Some(image)) => !image::is_newest(&self.engine, host, name, image)?,
            (_, image) => image.is_none(),
        };
        if image.is_none() && !pulls {
            let whole = name.whole();
            return Err(ModuleError::new(match name.is_id() {
                true => format!("Cannot find image with ID {whole}"),
                false => format!("Cannot find image with name {whole}, and pull=never"),
            }));
        }
        if pulls {
            let platform = self.arguments.string("platform");
            let pull = image::pull(&self.engine, host, name, platform.as_deref())?;
            let action = json!({"pulled_image": name.whole(), "changed": true});
            found.work.act(action, pull);
        }
        Ok(image)
    }

    fn create(
        &self,
        host: &dyn Host,
        found: &mut Found,
        image: &Name,
        settings: &[Setting],
    ) -> Result<(), ModuleError> {
        let mut body = json!({"Image": image.whole(), "HostConfig": {}});
        for setting in settings {
            match setting.area {
                Area::Config => body[setting.key] = setting.value.clone(),
                Area::Host => body["HostConfig"][setting.key] = setting.value.clone(),
            }
        }
        if self.arguments.maybe("detach") == Some(false) {
            body["AttachStdout"] = json!(true);
            body["AttachStderr"] = json!(true);
        }
        if let Some(first) = self.networks.iter().flatten().next()
            && body["HostConfig"]["NetworkMode"] == first.name.as_str()
        {
            body["NetworkingConfig"] = json!({"EndpointsConfig": {&first.name: first.endpoint}});
        }
        let mut query = format!("/containers/create?name={}", encode(&self.name));
        if let Some(platform) = self.arguments.string("platform") {
            query.push_str(&format!("&platform={}", encode(&platform)));
        }
        let create = self.engine.call(host, "POST", &query, Some(&body))?;
        let action = json!({"created": "Created container", "create_parameters": body});
        found.work.act(action, create);
        if found.container.is_none() {
            found.differences.add("exists", json!(false), json!(true));
        }
        Ok(())
    }

    /// Starts, restarts, stops and pauses, as the state asks for.
    fn run(
        &self,
        host: &dyn Host,
        found: &mut Found,
        mut running: bool,
        paused: bool,
        created: bool,
    ) -> Result<(), ModuleError> {
        let runs = matches!(self.state.as_str(), "started" | "healthy");
        if runs && !running {
            let start = self.post(host, "/start", None)?;
            found.work.act(json!({"started": self.name}), start);
            found.differences.add("running", json!(false), json!(true));
            running = true;
            self.wait(host, found)?;
        } else if runs && self.is("restart") && !created {
            let restart = self.post(host, "/restart", None)?;
            found.work.act(json!({"restarted": self.name}), restart);
            found
                .differences
                .add("restarted", json!(false), json!(true));
        } else if self.state == "stopped" && running {
            self.stop(host, &mut found.work)?;
            found.differences.add("running", json!(true), json!(false));
            running = false;
        }
        let pauses = self
            .arguments
            .maybe("paused")
            .filter(|pauses| *pauses != paused);
        if let Some(pauses) = pauses.filter(|_| running) {
            let verb = if pauses { "pause" } else { "unpause" };
            let toggle = self.post(host, &format!("/{verb}"), None)?;
            found.work.act(json!({"set_paused": pauses}), toggle);
            found
                .differences
                .add("paused", json!(paused), json!(pauses));
        }
        Ok(())
    }

    /// Where the task shall not go on before the program's end: waits, and takes what it said.
    fn wait(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        if self.arguments.maybe("detach") != Some(false) {
            return Ok(());
        }
        let mut request = self
            .engine
            .request(host, "POST", &self.path("/wait"), None)?;
        request.timeout = Duration::ZERO;
        found.waited = Some(found.work.changes.len());
        found.work.changes.push(change(request));
        if self.arguments.maybe("auto_remove") == Some(true) {
            found.is_removed = true;
            return Ok(());
        }
        let logs = self.path("/logs?stdout=1&stderr=1");
        found.logs = Some(found.work.changes.len());
        found
            .work
            .changes
            .push(self.engine.call(host, "GET", &logs, None)?);
        if self.is("cleanup") {
            found.is_removed = true;
            self.remove(host, &mut found.work)?;
        }
        Ok(())
    }

    fn ended(&self, found: &Found, outcome: &Outcome) -> Option<i64> {
        let answer = outcome.answers.get(found.waited?)?;
        let said: Value = serde_json::from_slice(&answer.body).ok()?;
        said["StatusCode"].as_i64()
    }

    /// The container after the changes; waits until it is healthy where that is asked for.
    fn settled(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let limit = self
            .arguments
            .raw("healthy_wait_timeout")
            .and_then(Value::as_f64);
        let limit = limit.filter(|limit| *limit > 0.0);
        let start = host.now();
        loop {
            let looked = host.now();
            let container = self.engine.get(host, &self.path("/json"))?;
            let health = container
                .as_ref()
                .map(|found| &found["State"]["Health"]["Status"]);
            let health = health
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let name = &self.name;
            match health.as_str() {
                _ if self.state != "healthy" => return Ok(container),
                "healthy" => return Ok(container),
                "starting" | "unhealthy" => {}
                state => {
                    return Err(ModuleError::new(format!(
                        "Encontered unexpected state \"{state}\" while waiting for container \"{name}\""
                    )));
                }
            }
            if limit.is_some_and(|limit| host.now() - start > limit) {
                let limit = limit.unwrap_or_default();
                return Err(ModuleError::new(format!(
                    "Timeout of {limit} seconds exceeded while waiting for container \"{name}\""
                )));
            }
            let left = limit.map_or(f64::INFINITY, |limit| start + limit - host.now());
            self.next_health(host, looked, left.clamp(0.1, SLICE))?;
        }
    }

    /// Waits until the engine tells of the container's health, at most so many seconds.
    fn next_health(&self, host: &dyn Host, since: f64, seconds: f64) -> Result<(), ModuleError> {
        let until = host.now() + seconds;
        let filters = json!({ "container": [self.name], "event": ["health_status"] });
        let filters = encode(&filters.to_string());
        let path = format!("/events?since={since:.6}&until={until:.6}&filters={filters}");
        let mut request = self.engine.request(host, "GET", &path, None)?;
        request.timeout = Duration::from_secs_f64(seconds + SLICE);
        let told = host
            .fetch(&request)
            .ok()
            .filter(|answer| answer.status == 200);
        let mut line = String::new();
        let heard = told.is_some_and(|answer| {
            let mut events = BufReader::new(answer.body.take(LONGEST_EVENT));
            events.read_line(&mut line).is_ok()
        });
        // An engine that tells nothing, or whose clock is ahead, is asked each second instead.
        let is_early = host.now() < until - 1.0 || !heard;
        let pause = Duration::from_secs(u64::from(is_early && line.is_empty()));
        Ok(host.sleep(pause)?)
    }
}

/// Seconds after which a task that waits notices that it was cancelled.
const SLICE: f64 = 5.0;

/// No event is longer.
const LONGEST_EVENT: u64 = 64 << 10;

/// What a container said: with a terminal as it is, else in frames.
fn logs(bytes: &[u8]) -> String {
    let (frames, rest) = frames::read(bytes);
    let pieces = frames.into_iter().map(|(_, content)| content);
    let said: Vec<&[u8]> = pieces.chain([rest]).collect();
    String::from_utf8_lossy(&said.concat()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_said_is_taken_out_of_its_frames() {
        let framed = b"\x01\0\0\0\0\0\0\x03hi\n\x02\0\0\0\0\0\0\x02no";
        assert_eq!(logs(framed), "hi\nno");
        assert_eq!(logs(b"plain"), "plain");
        assert_eq!(logs(b"\x01\0\0\0\0\0\0\x09cut"), "cut");
    }
}
