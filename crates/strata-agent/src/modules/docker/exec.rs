//! `docker_container_exec`: a command inside a container that runs.
//!
//! As `community.docker.docker_container_exec` 4. The engine is given the command first and starts it then; both outputs
//! come over one stream, in frames that say whose they are.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ENGINE, Engine, encode, frames};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::request::{self, Answer, Request};

pub(in crate::modules) struct DockerContainerExec {
    engine: Engine,
    container: String,
    /// The command as the engine takes it.
    body: Value,
    input: Option<String>,
    is_detached: bool,
    tty: bool,
    strips: bool,
    check: bool,
}

/// A command that the engine has noted: its identifier, and what starts it.
pub(in crate::modules) struct Noted {
    id: String,
    start: Change,
}

impl Module for DockerContainerExec {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_container_exec",
        &[
            Field::str("container").required(),
            Field::list("argv"),
            Field::str("command"),
            Field::str("chdir"),
            Field::bool("detach", false),
            Field::str("user"),
            Field::str("stdin"),
            Field::bool("stdin_add_newline", true),
            Field::bool("strip_empty_ends", true),
            Field::bool("tty", false),
            Field::new("env", FieldKind::Dict),
        ],
    )
    .with(ENGINE)
    .exclusive(&[&["argv", "command"]])
    .one_of(&[&["argv", "command"]]);
    type Current = Option<Noted>;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerContainerExec, ModuleError> {
        let argv = match arguments.string("command") {
            Some(command) => crate::words::split(&command).map_err(ModuleError::new)?,
            None => arguments.list("argv").unwrap_or_default(),
        };
        let is_detached = arguments.bool("detach");
        let mut input = arguments.string("stdin");
        if is_detached && input.is_some() {
            return Err(ModuleError::new(
                "If detach=true, stdin cannot be provided.",
            ));
        }
        if let Some(input) = input
            .as_mut()
            .filter(|_| arguments.bool("stdin_add_newline"))
        {
            input.push('\n');
        }
        let mut body = json!({
            "Container": arguments.text("container"), "User": arguments.text("user"), "Privileged": false,
            "Tty": false, "AttachStdin": input.is_some(), "AttachStdout": true, "AttachStderr": true,
            "Cmd": argv, "Env": environment(arguments)?,
        });
        if let Some(folder) = arguments.string("chdir") {
            body["WorkingDir"] = folder.into();
        }
        Ok(DockerContainerExec {
            engine: Engine::read(arguments, task.check)?,
            container: arguments.text("container"),
            body,
            input: input.filter(|input| !input.is_empty()),
            is_detached,
            tty: arguments.bool("tty"),
            strips: arguments.bool("strip_empty_ends"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<Noted>, ModuleError> {
        if self.check {
            return Ok(None);
        }
        let id = self.note(host)?;
        let body = json!({"Tty": self.tty, "Detach": self.is_detached});
        let path = format!("/exec/{id}/start");
        let mut start = self.engine.request(host, "POST", &path, Some(&body))?;
        if self.input.is_some() && start.socket.is_none() {
            return Err(ModuleError::new(
                "`stdin` of `docker_container_exec` is not supported by Strata for engines that are \
                 reached by tcp://",
            ));
        }
        start.input = self.input.clone().map(String::into_bytes);
        // A command may be silent for as long as it likes.
        start.timeout = Duration::ZERO;
        // Not as other requests of the engine, whose answers are looked through for errors.
        let start = Change::Request(Box::new(Request {
            request: start,
            save: None,
            expected: Vec::new(),
            strict: false,
        }));
        Ok(Some(Noted { id, start }))
    }

    fn decide(&self, noted: &Option<Noted>) -> Vec<Change> {
        noted.iter().map(|noted| noted.start.clone()).collect()
    }

    fn report(
        &self,
        host: &dyn Host,
        noted: &Option<Noted>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let Some((noted, answer)) = noted.as_ref().zip(outcome.answers.first()) else {
            return Ok(Report {
                msg:
                    "remote module (community.docker.docker_container_exec) does not support check \
                      mode"
                        .to_owned(),
                skipped: true,
                changed: Some(false),
                ..Report::default()
            });
        };
        if !matches!(answer.status, 200..=204) {
            let said = serde_json::from_slice(&answer.body).unwrap_or_default();
            return Err(self.refused(answer, &said));
        }
        if self.is_detached {
            return Ok(Report::of(values(json!({"exec_id": noted.id}))));
        }
        let said = self.engine.get(host, &format!("/exec/{}/json", noted.id))?;
        let status = said.unwrap_or_default()["ExitCode"].as_i64().unwrap_or(0);
        let (stdout, stderr) = match self.tty {
            true => (answer.body.clone(), Vec::new()),
            false => outputs(&answer.body),
        };
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            match self.strips {
                true => text.trim_end_matches(['\r', '\n']).to_owned(),
                false => text,
            }
        };
        let (stdout, stderr) = (shown(&stdout), shown(&stderr));
        let said = json!({ "rc": status, "stdout": stdout, "stderr": stderr });
        match status {
            0 => Ok(Report::of(values(said))),
            // To Ansible's module that is no failure, but to whoever runs it.
            _ => Err(ModuleError::new("non-zero return code").with(said)),
        }
    }
}

impl DockerContainerExec {
    /// Has the engine note the command, which changes nothing yet; gives its identifier.
    fn note(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let path = format!("/containers/{}/exec", encode(&self.container));
        let request = Request {
            request: self.engine.request(host, "POST", &path, Some(&self.body))?,
            save: None,
            expected: Vec::new(),
            strict: false,
        };
        let answer = request::send(host, &request)?;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match said["Id"].as_str() {
            Some(id) if answer.status == 201 => Ok(id.to_owned()),
            _ => Err(self.refused(&answer, &said)),
        }
    }

    fn refused(&self, answer: &Answer, said: &Value) -> ModuleError {
        let name = &self.container;
        let why = said["message"].as_str().unwrap_or(&answer.reason);
        ModuleError::new(match answer.status {
            404 => format!("Could not find container \"{name}\""),
            409 => format!("The container \"{name}\" has been paused ({why})"),
            status => format!("An unexpected Docker error occurred: {status}: {why}"),
        })
    }
}

/// The variables of `env`, which must be texts.
fn environment(arguments: &Arguments) -> Result<Option<Vec<String>>, ModuleError> {
    let Some(given) = arguments.raw("env").and_then(Value::as_object) else {
        return Ok(None);
    };
    let pairs = given.iter().map(|(name, value)| match value.as_str() {
        Some(value) => Ok(format!("{name}={value}")),
        None => Err(ModuleError::new(format!(
            "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to \
             avoid them being interpreted. Key: {name}"
        ))),
    });
    pairs
        .collect::<Result<Vec<String>, ModuleError>>()
        .map(Some)
}

/// Takes the two outputs apart.
fn outputs(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (frames, _) = frames::read(bytes);
    let (errors, rest): (Vec<_>, Vec<_>) = frames
        .into_iter()
        .partition(|(whose, _)| *whose == frames::ERRORS);
    let joined = |frames: Vec<(u8, &[u8])>| {
        let contents: Vec<&[u8]> = frames.into_iter().map(|(_, content)| content).collect();
        contents.concat()
    };
    (joined(rest), joined(errors))
}
