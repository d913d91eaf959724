//! `docker_login`: who we are to a registry, kept where the engine's own program keeps it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{ENGINE, Engine};
use crate::arguments::{Arguments, Field, Spec};
use crate::base64 as code;
use crate::base64::encode as base64;
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report};
use crate::modules::file::missing_folders;
use crate::protocol::Task;
use crate::request::{self, Request};

pub(in crate::modules) struct DockerLogin {
    engine: Engine,
    registry: String,
    user: Option<String>,
    password: Option<String>,
    path: PathBuf,
    reauthorize: bool,
    present: bool,
}

/// The file that keeps passwords, and what becomes of it.
pub(in crate::modules) struct Found {
    new: Option<String>,
    missing: Vec<PathBuf>,
    answer: Value,
}

impl Module for DockerLogin {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_login",
        &[
            Field::str("registry_url")
                .alias(&["registry", "url"])
                .default("https://index.docker.io/v1/"),
            Field::str("username"),
            Field::str("password"),
            Field::path("config_path")
                .alias(&["dockercfg_path"])
                .default("~/.docker/config.json"),
            Field::bool("reauthorize", false).alias(&["reauth"]),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    )
    .with(ENGINE);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerLogin, ModuleError> {
        let present = arguments.text("state") == "present";
        let (user, password) = (arguments.string("username"), arguments.string("password"));
        if present && (user.is_none() || password.is_none()) {
            let given = [
                ("username", user.is_some()),
                ("password", password.is_some()),
            ];
            let missing = given.iter().filter(|(_, is_there)| !is_there);
            let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
            return Err(ModuleError::new(format!(
                "state is present but all of the following are missing: {}",
                missing.join(", ")
            )));
        }
        Ok(DockerLogin {
            engine: Engine::read(arguments, task.check)?,
            registry: arguments.text("registry_url"),
            user,
            password,
            path: arguments.path("config_path").unwrap_or_default(),
            reauthorize: arguments.bool("reauthorize"),
            present,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let config = config(host, &self.path);
        refuse_helpers(&config, &self.registry)?;
        let kept = config["auths"][&self.registry]["auth"]
            .as_str()
            .map(str::to_owned);
        let mut found = Found {
            new: None,
            missing: Vec::new(),
            answer: json!({}),
        };
        let mut config = config;
        if self.present {
            let (user, password) = (self.user.as_deref(), self.password.as_deref());
            let pair = format!(
                "{}:{}",
                user.unwrap_or_default(),
                password.unwrap_or_default()
            );
            let wanted = base64(pair.as_bytes());
            let differs = kept.as_ref() != Some(&wanted);
            if differs || self.reauthorize {
                found.answer = self.ask(host)?;
                config["auths"][&self.registry] = json!({"auth": wanted});
                found.new = Some(text_of(&config));
            } else {
                found.answer = json!({
                    "username": user, "email": null, "serveraddress": self.registry,
                });
            }
        } else if kept.is_some() {
            if let Some(known) = config["auths"].as_object_mut() {
                known.shift_remove(&self.registry);
            }
            found.new = Some(text_of(&config));
        }
        if let (Some(_), Some(folder)) = (&found.new, self.path.parent()) {
            found.missing = missing_folders(host, folder)?;
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let Some(text) = &found.new else {
            return Vec::new();
        };
        let folders = found.missing.iter().map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o700,
        });
        let write = FileWrite {
            content: FileContent::Hidden(text.clone().into_bytes()),
            permissions: Permissions {
                mode: Some(0o600),
                ..Permissions::default()
            },
            ..FileWrite::new(&self.path, Vec::new())
        };
        folders.chain([Change::Write(write)]).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut report = Map::new();
        report.insert("login_result".to_owned(), found.answer.clone());
        Ok(Report::of(report))
    }
}

impl DockerLogin {
    /// Lets the engine ask the registry, which changes nothing.
    fn ask(&self, host: &dyn Host) -> Result<Value, ModuleError> {
        let body = json!({
            "username": self.user, "password": self.password, "email": null,
            "serveraddress": self.registry,
        });
        let answer = request::send(
            host,
            &Request {
                request: self.engine.request(host, "POST", "/auth", Some(&body))?,
                save: None,
                expected: vec![200, 204],
                strict: true,
            },
        );
        let answer = answer.map_err(|error| match error.unknown {
            true => error,
            false => ModuleError::new(format!(
                "Logging into {} for user {} failed - {}",
                self.registry,
                self.user.as_deref().unwrap_or_default(),
                error.msg
            )),
        })?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({})))
    }
}

fn config(host: &dyn Host, path: &Path) -> Value {
    let text = host.read_text(path).unwrap_or_default();
    let read = serde_json::from_str(&text).ok();
    read.filter(Value::is_object).unwrap_or_else(|| json!({}))
}

/// As Ansible's module writes it: sorted, indented by four, without an end of line.
fn text_of(config: &Value) -> String {
    let mut config = config.clone();
    config.sort_all_objects();
    let mut text = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, format);
    serde::Serialize::serialize(&config, &mut serializer).expect("a value is JSON");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Passwords that a program keeps are its own to change.
fn refuse_helpers(config: &Value, registry: &str) -> Result<(), ModuleError> {
    let helper = config["credHelpers"][registry].as_str();
    let helper = helper.or_else(|| config["credsStore"].as_str());
    match helper.filter(|helper| !helper.is_empty()) {
        None => Ok(()),
        Some(helper) => Err(ModuleError::new(format!(
            "the credential helper `{helper}` of this host is not supported by Strata yet"
        ))),
    }
}

/// The header field by which the engine may pull and push at a registry, if we are known there.
pub(super) fn header(host: &dyn Host, registry: &str) -> Option<(String, String)> {
    let environment = host.environment();
    let folder = match environment.get("DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(environment.get("HOME")?).join(".docker"),
    };
    let config = config(host, &folder.join("config.json"));
    let pair = code::decode(config["auths"][registry]["auth"].as_str()?)?;
    let pair = String::from_utf8(pair).ok()?;
    let (user, password) = pair.split_once(':')?;
    let who = json!({"username": user, "password": password, "serveraddress": registry});
    let encoded = base64(who.to_string().as_bytes());
    let encoded = encoded.replace('+', "-").replace('/', "_");
    Some(("X-Registry-Auth".to_owned(), encoded))
}
