//! Models of platforms and hosts, to rehearse an environment on.
//!
//! [`serve()`] offers the platforms to other programs, as `strata twin` does; both ways keep them alike,
//! so what one of them made the other finds.
//!
//! The Incus twin serves the real client over a socket of its own; each of its instances that a
//! playbook works on is a model of the agent's. Both are kept in a folder, so that the next run
//! finds what this one left.

mod servers;

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use strata_agent::host::Model;
use strata_core::Diagnostic;
use strata_incus::twin::Twin;
use strata_proxmox::Models;
use strata_runner::HostLink;
use strata_transport::AgentSession;

use self::servers::Servers;

/// The models of one run.
pub(crate) struct TwinPlatforms {
    incus: Twin,
    proxmox: Arc<Servers>,
    /// Holds the sockets, whose paths must be short.
    _sockets: tempfile::TempDir,
    folder: PathBuf,
    hosts: Mutex<BTreeMap<Arc<str>, Model>>,
    _shared: File,
}

/// What [`serve()`] offers.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Whether there is a model of Incus.
    pub incus: bool,
    /// Whether there is a model of Proxmox VE.
    pub proxmox: bool,
    /// Names of the members of a new cluster; a single server if there are none.
    pub members: Vec<String>,
    /// Where it is kept; nowhere without.
    pub folder: Option<PathBuf>,
}

/// Models of platforms that other programs may use; they end when this is dropped.
pub struct Served {
    incus: Option<Twin>,
    proxmox: Option<strata_proxmox::twin::Twin>,
    _sockets: tempfile::TempDir,
    _alone: Option<File>,
}

impl Served {
    /// The socket of Incus.
    pub fn incus_socket(&self) -> Option<&Path> {
        self.incus.as_ref().map(Twin::socket)
    }

    /// The address of Proxmox VE.
    pub fn proxmox_endpoint(&self) -> Option<&str> {
        self.proxmox.as_ref().map(|twin| twin.endpoint())
    }

    /// The token of the model of Proxmox VE; it opens nothing else.
    pub fn proxmox_token(&self) -> &'static str {
        "root@pam!twin=twin"
    }
}

/// Offers models of platforms on this machine alone. Must be called in a tokio runtime.
pub async fn serve(options: &ServeOptions) -> Result<Served, Diagnostic> {
    let folder = options.folder.as_deref();
    let shown = folder.unwrap_or(Path::new("."));
    let alone = match folder {
        Some(folder) => Some(lock(folder, File::try_lock)?),
        None => None,
    };
    let sockets = tempfile::tempdir().map_err(|error| trouble(shown, &error))?;
    let incus = match options.incus {
        true => Some(incus(sockets.path(), folder, &options.members)?),
        false => None,
    };
    let proxmox = match options.proxmox {
        true => {
            let options = proxmox(folder, &options.members);
            let twin = strata_proxmox::twin::Twin::on_loopback(options).await;
            Some(twin.map_err(|error| trouble(shown, &error))?)
        }
        false => None,
    };
    Ok(Served {
        incus,
        proxmox,
        _sockets: sockets,
        _alone: alone,
    })
}

/// A model of Incus at a socket in `sockets`, which goes on from what the folder holds.
fn incus(sockets: &Path, folder: Option<&Path>, members: &[String]) -> Result<Twin, Diagnostic> {
    let file = folder.map(|folder| folder.join("incus.json"));
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let twin = Twin::start_cluster(&sockets.join("incus.socket"), file.as_deref(), &members);
    twin.map(Twin::lending)
        .map_err(|error| trouble(folder.unwrap_or(sockets), &error))
}

/// What a model of Proxmox VE is like that goes on from what the folder holds.
fn proxmox(folder: Option<&Path>, members: &[String]) -> strata_proxmox::twin::Options {
    let mut options = strata_proxmox::twin::Options::rehearsal();
    options.file = folder.map(|folder| folder.join("proxmox.json"));
    if !members.is_empty() {
        options.nodes = members.to_vec();
    }
    options
}

/// Makes the folder and says who uses it: many runs one after another, or one server.
fn lock(folder: &Path, take: fn(&File) -> Result<(), TryLockError>) -> Result<File, Diagnostic> {
    fs::create_dir_all(folder).map_err(|error| trouble(folder, &error))?;
    let file = File::create(folder.join("lock")).map_err(|error| trouble(folder, &error))?;
    match take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let summary = format!("The twin in `{}` is in use", folder.display());
            let detail = "`strata twin` has it alone, as long as it runs.";
            let hint = "End the other program, or use another folder.";
            Err(Diagnostic::error("twin", summary).detail(detail).hint(hint))
        }
        Err(TryLockError::Error(error)) => Err(trouble(folder, &error)),
    }
}

impl TwinPlatforms {
    /// Goes on from what `folder` holds; a new one is a cluster of these members, if there are any.
    pub(crate) fn start(folder: &Path, members: &[String]) -> Result<Self, Diagnostic> {
        let shared = lock(folder, File::try_lock_shared)?;
        let hosts = folder.join("hosts");
        fs::create_dir_all(&hosts).map_err(|error| trouble(folder, &error))?;
        let sockets = tempfile::tempdir().map_err(|error| trouble(folder, &error))?;
        let incus = incus(sockets.path(), Some(folder), members)?;
        let proxmox = Servers::new(folder, sockets.path());
        let proxmox = proxmox.map_err(|error| trouble(folder, &error))?;
        Ok(Self {
            incus,
            proxmox: Arc::new(proxmox),
            _sockets: sockets,
            folder: folder.to_owned(),
            hosts: Mutex::default(),
            _shared: shared,
        })
    }

    pub(crate) fn incus_socket(&self) -> &Path {
        self.incus.socket()
    }

    /// The models of Proxmox VE, one for each server.
    pub(crate) fn proxmox_models(&self) -> Models {
        let servers = self.proxmox.clone();
        Models::each(move |server| servers.endpoint(server))
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
