//! Every platform there is: the only file that names them all.

pub(crate) mod publishing;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value as Json;
use strata_builtin::{Clock, Templates};
use strata_core::{Diagnostic, Subject, Value, connection::Connection, inventory::InventoryHost};
use strata_engine::Providers;
use strata_incus::{Incus, Settings, Timeouts};
use strata_proxmox::{Models, Proxmox};
use strata_runner::{HostLink, Target};
use strata_state::{backend::Outside, encryption::Encryption};
use strata_transport::{AgentSession, SshOptions, askpass::Keeper};

use crate::{askpass::password, infrastructure, process::Process, twin::TwinPlatforms};

/// The variable that says what becomes of the agent's file on a host after a run: `keep` (so it is if nobody says), and
/// the next run finds it there, or `remove`.
const AGENT: &str = "ansible_strata_agent";

/// The platforms of one run.
#[derive(Clone)]
pub struct Platforms {
    incus: Incus,
    working_directory: PathBuf,
    proxmox: Proxmox,
    twin: Option<Arc<TwinPlatforms>>,
    /// The way to states that are not on the local disk.
    states: Outside,
}

impl Platforms {
    /// The real ones. Nothing is asked of them yet.
    pub fn real(process: &Process) -> Self {
        Self {
            incus: incus(process.environment.clone(), &process.environment, false),
            working_directory: process.working_directory.clone(),
            proxmox: proxmox(process, None),
            twin: None,
            states: infrastructure::backend::outside(process),
        }
    }

    /// Models of them, kept in `folder`; a new one is a cluster of these members, if there are any. Must be called in a tokio runtime.
    pub fn twin(process: &Process, folder: &Path, members: &[String]) -> Result<Self, Diagnostic> {
        let twin = TwinPlatforms::start(folder, members)?;
        let socket = twin.incus_socket().display().to_string();
        // The twin alone: neither the environment nor a remote of the configuration may lead to a real daemon.
        let environment = BTreeMap::from([
            ("INCUS_SOCKET".to_owned(), socket.clone()),
            (strata_incus::ONLY_SOCKET.to_owned(), socket),
        ]);
        Ok(Self {
            incus: incus(environment, &process.environment, true),
            working_directory: process.working_directory.clone(),
            proxmox: proxmox(process, Some(twin.proxmox_models())),
            twin: Some(Arc::new(twin)),
            states: infrastructure::backend::outside(process),
        })
    }

    /// Incus.
    pub(crate) fn incus(&self) -> &Incus {
        &self.incus
    }

    /// Proxmox VE.
    pub(crate) fn proxmox(&self) -> &Proxmox {
        &self.proxmox
    }

    /// True if these are models.
    pub fn are_twins(&self) -> bool {
        self.twin.is_some()
    }

    /// The providers, with Terraform's built-in one and the small ones that have no platform.
    pub fn providers(&self) -> Providers {
        self.providers_in(Path::new(""))
    }

    /// The same, with relative paths of files from `directory`, where the root module is.
    pub fn providers_in(&self, directory: &Path) -> Providers {
        self.providers_of(directory, None)
    }

    /// The same, with states of other root modules encrypted in this way.
    pub(crate) fn providers_of(
        &self,
        directory: &Path,
        encryption: Option<Arc<Encryption>>,
    ) -> Providers {
        let settings = strata_builtin::Settings {
            working_directory: self.working_directory.join(directory),
            clock: Clock::system(),
            templates: Templates::by(crate::templates::fill_in),
            waits: !self.are_twins(),
        };
        let builtin = strata_builtin::providers(&settings);
        let platforms = [
            self.incus.provider(),
            self.proxmox.provider(),
            self.proxmox.telmate(),
        ];
        Providers::new(platforms.into_iter().chain(builtin))
            .with_outside(self.states.clone(), encryption)
    }

    /// The host that an object of this type is, if it is one.
    pub fn host(&self, type_name: &str, object: &Value) -> Option<InventoryHost> {
        let incus = self.incus.inventory().host(type_name, object);
        incus.or_else(|| self.proxmox.inventory().host(type_name, object))
    }

    /// The way to a host of an inventory, by its variables.
    pub fn connect(&self, target: &Target) -> Result<HostLink, Box<Diagnostic>> {
        if let Some(twin) = &self.twin {
            return twin.link(&target.host).map_err(Box::new);
        }
        let text = |name: &str| target.variables.get(name).and_then(text);
        let connection = match text("ansible_connection").as_deref().unwrap_or("ssh") {
            "incus" | "community.general.incus" => {
                let variables = incus_variables(target);
                let connection = self.incus.connect(&variables);
                connection.map_err(|error| failed(target, &error.to_string()))?
            }
            "local" | "ansible.builtin.local" => strata_transport::local(),
            "ssh" | "smart" | "ansible.builtin.ssh" | "paramiko" => ssh(target)?,
            other => {
                let reason = format!("the connection `{other}` is not there");
                let hint = "Strata has `ssh`, `incus` and `local`.";
                return Err(failed(target, &reason).hint(hint).into());
            }
        };
        let session = match text(AGENT).as_deref() {
            None | Some("keep") => AgentSession::new(connection.clone()),
            Some("remove") => AgentSession::removing_agent(connection.clone()),
            Some(other) => {
                let reason = format!("`{AGENT}` may be `keep` or `remove`, not `{other}`");
                return Err(failed(target, &reason).into());
            }
        };
        Ok(HostLink::session_when_ready(session, connection))
    }

    /// Forgets the models of hosts that are gone; nothing for real platforms.
    pub(crate) fn forget(&self, hosts: &[InventoryHost]) {
        if let Some(twin) = &self.twin {
            hosts.iter().for_each(|host| twin.forget(&host.name));
        }
    }

    /// Writes down what models are like now; nothing for real platforms.
    pub fn save(&self) -> Result<(), Diagnostic> {
        self.twin.as_ref().map_or(Ok(()), |twin| twin.save())
    }
}

/// Proxmox VE; with models those alone, whatever a configuration says.
fn proxmox(process: &Process, models: Option<Models>) -> Proxmox {
    Proxmox::new(strata_proxmox::Settings {
        environment: process.environment.clone(),
        directory: process.working_directory.clone(),
        models,
        askpass: Some(kept),
    })
}

/// Keeps a password for the `ssh` of a platform.
fn kept(text: &str) -> io::Result<strata_proxmox::Kept> {
    let keeper = Keeper::new(&password(text.to_owned())?)?;
    Ok(strata_proxmox::Kept {
        environment: keeper.environment().to_vec(),
        keeper: Box::new(keeper),
    })
}

fn incus(
    environment: BTreeMap<String, String>,
    process: &BTreeMap<String, String>,
    rehearses: bool,
) -> Incus {
    Incus::new(Settings {
        environment,
        image_aliases: image_aliases(process),
        rehearses,
        timeouts: timeouts(process),
    })
}

/// Images of other remotes that are there under a local alias, as `STRATA_INCUS_IMAGES=images:debian/12=debian/12,…` says.
fn image_aliases(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = environment
        .get("STRATA_INCUS_IMAGES")
        .map(String::as_str)
        .unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(remote, local)| (remote.trim().to_owned(), local.trim().to_owned()))
        .collect()
}

/// How long guests are waited for: `STRATA_INCUS_ADDRESS_TIMEOUT` and `STRATA_INCUS_CLOUD_INIT_TIMEOUT` in seconds.
fn timeouts(environment: &BTreeMap<String, String>) -> Timeouts {
    let seconds = |name: &str| {
        environment
            .get(name)
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs)
    };
    let usual = Timeouts::usual();
    Timeouts {
        address: seconds("STRATA_INCUS_ADDRESS_TIMEOUT").unwrap_or(usual.address),
        cloud_init: seconds("STRATA_INCUS_CLOUD_INIT_TIMEOUT").unwrap_or(usual.cloud_init),
        ..usual
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn incus_variables(target: &Target) -> BTreeMap<Arc<str>, Value> {
    let known = target
        .variables
        .iter()
        .filter_map(|(name, value)| Some((Arc::from(name.as_str()), Value::from(text(value)?))));
    let mut variables: BTreeMap<Arc<str>, Value> = known.collect();
    variables
        .entry("inventory_hostname".into())
        .or_insert_with(|| Value::string(target.host.clone()));
    variables
}

fn ssh(target: &Target) -> Result<Arc<dyn Connection>, Diagnostic> {
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| target.variables.get(*name).and_then(text))
    };
    let words = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| target.variables.get(*name).and_then(Json::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let arguments = words(&[
        "ansible_ssh_args",
        "ansible_ssh_common_args",
        "ansible_ssh_extra_args",
    ]);
    let options = SshOptions {
        host: text(&["ansible_host", "ansible_ssh_host"])
            .unwrap_or_else(|| target.host.to_string()),
        port: text(&["ansible_port", "ansible_ssh_port"]).and_then(|port| port.parse().ok()),
        user: text(&["ansible_user", "ansible_ssh_user"]),
        private_key_file: text(&["ansible_ssh_private_key_file", "ansible_private_key_file"])
            .map(PathBuf::from),
        extra_args: split(&arguments)
            .ok_or_else(|| failed(target, "`ansible_ssh_common_args` has an open quote"))?,
        host_key_checking: text(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])
            .is_none_or(|truth| truth != "false" && truth != "False"),
        timeout: Duration::from_secs(
            text(&["ansible_ssh_timeout", "ansible_timeout"])
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(10),
        ),
        retries: text(&["ansible_ssh_retries"])
            .and_then(|times| times.parse().ok())
            .unwrap_or(0),
        password: text(&[
            "ansible_password",
            "ansible_ssh_pass",
            "ansible_ssh_password",
        ])
        .map(password)
        .transpose()
        .map_err(|error| failed(target, &error.to_string()))?,
    };
    strata_transport::ssh(options).map_err(|error| failed(target, &error.to_string()))
}

/// Splits words as a shell does, with quotes and backslashes; none if a quote is open.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

fn failed(target: &Target, reason: &str) -> Diagnostic {
    let subject = Subject::Task {
        host: target.host.to_string(),
        task: None,
    };
    Diagnostic::error(
        "no-connection",
        format!("There is no way to host `{}`", target.host),
    )
    .detail(reason)
    .subject(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_arguments_split_as_a_shell_splits_them() {
        let words = split(r#"-o ProxyCommand="ssh -W %h:%p 'a b'" -v \ x"#).unwrap();
        assert_eq!(words, ["-o", "ProxyCommand=ssh -W %h:%p 'a b'", "-v", " x"]);
        assert!(split("'open").is_none());
    }
}
