//! Models of platforms and hosts, to rehearse an environment on.
//!
//! The Incus twin serves the real client over a socket of its own; each of its instances that a
//! playbook works on is a model of the agent's. Both are kept in a folder, so that the next run
//! finds what this one left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use strata_agent::host::Model;
use strata_core::Diagnostic;
use strata_incus::twin::Twin;
use strata_runner::HostLink;
use strata_transport::AgentSession;

/// The models of one run.
pub(crate) struct TwinPlatforms {
    incus: Twin,
    proxmox: strata_proxmox::twin::Twin,
    /// Holds the socket, whose path must be short.
    _sockets: tempfile::TempDir,
    folder: PathBuf,
    hosts: Mutex<BTreeMap<Arc<str>, Model>>,
}

impl TwinPlatforms {
    /// Goes on from what `folder` holds.
    pub(crate) fn start(folder: &Path) -> Result<Self, Diagnostic> {
        let hosts = folder.join("hosts");
        fs::create_dir_all(&hosts).map_err(|error| trouble(folder, &error))?;
        let sockets = tempfile::tempdir().map_err(|error| trouble(folder, &error))?;
        let incus = Twin::start(
            &sockets.path().join("incus.socket"),
            Some(&folder.join("incus.json")),
        );
        let incus = incus.map_err(|error| trouble(folder, &error))?;
        let mut options = strata_proxmox::twin::Options::rehearsal();
        options.file = Some(folder.join("proxmox.json"));
        let proxmox = strata_proxmox::twin::Twin::on_socket(
            &sockets.path().join("proxmox.socket"),
            options,
        );
        let proxmox = proxmox.map_err(|error| trouble(folder, &error))?;
        Ok(Self {
            incus,
            proxmox,
            _sockets: sockets,
            folder: folder.to_owned(),
            hosts: Mutex::default(),
        })
    }

    pub(crate) fn incus_socket(&self) -> &Path {
        self.incus.socket()
    }

    /// Where the model of Proxmox VE is.
    pub(crate) fn proxmox_endpoint(&self) -> &str {
        self.proxmox.endpoint()
    }

    /// The model of a host, made or read when first asked for.
    pub(crate) fn link(&self, host: &Arc<str>) -> Result<HostLink, Diagnostic> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let model = match hosts.get(host) {
            Some(model) => model.clone(),
            None => {
                let model = self.load(host)?;
                hosts.insert(host.clone(), model.clone());
                model
            }
        };
        Ok(HostLink::session(AgentSession::for_model(model)))
    }

    fn load(&self, host: &str) -> Result<Model, Diagnostic> {
        let file = self.file(host);
        match fs::read(&file) {
            Ok(bytes) => Model::from_json(&bytes).map_err(|error| trouble(&file, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Model::debian(host)),
            Err(error) => Err(trouble(&file, &error)),
        }
    }

    fn file(&self, host: &str) -> PathBuf {
        let plain = |c: char| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '_'
            }
        };
        self.folder.join("hosts").join(format!(
            "{}.json",
            host.chars().map(plain).collect::<String>()
        ))
    }

    /// Writes down what the hosts are like now.
    pub(crate) fn save(&self) -> Result<(), Diagnostic> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        for (host, model) in hosts.iter() {
            let file = self.file(host);
            fs::write(&file, model.to_json()).map_err(|error| trouble(&file, &error))?;
        }
        Ok(())
    }

    /// Forgets the models of hosts that are gone.
    pub(crate) fn forget(&self, host: &str) {
        self.hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(host);
        // A model that was never written has no file.
        drop(fs::remove_file(self.file(host)));
    }
}

fn trouble(path: &Path, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        "twin",
        format!("The twin in `{}` cannot be used", path.display()),
    )
    .detail(error.to_string())
    .hint("Delete the folder to begin with an empty twin.")
}
