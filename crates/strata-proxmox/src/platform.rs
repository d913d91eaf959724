//! What one program has of Proxmox VE: its settings and one client for each cluster.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use strata_core::{inventory::InventorySource, provider::Provider};

use crate::{
    client::{Access, Address, Client, ClientError},
    inventory::Inventory,
    provider::ProxmoxProvider,
};

/// What must be known before anything is asked of Proxmox VE.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The process environment. Looked at: `PROXMOX_VE_*`, `PM_*` (telmate's names), `STRATA_PROXMOX_DEEP_REFRESH`.
    pub environment: BTreeMap<String, String>,
    /// Where relative paths begin.
    pub directory: PathBuf,
    /// Models that stand in for the servers that a configuration names: a rehearsal.
    pub models: Option<Models>,
    /// Hands a password to `ssh`; none where nobody can.
    pub askpass: Option<Askpass>,
}

/// Gives the endpoint of the model for a server.
type ModelOf = dyn Fn(&str) -> io::Result<String> + Send + Sync;

/// The models of a rehearsal. Cloning gives the same ones.
#[derive(Clone)]
pub struct Models(Arc<ModelOf>);

impl Models {
    /// One model, by its endpoint, for every server.
    pub fn one(endpoint: impl Into<String>) -> Self {
        let endpoint = endpoint.into();
        Self::each(move |_| Ok(endpoint.clone()))
    }

    /// A model for each server: gets the server as `host:port`, or an empty text where a configuration names none, and
    /// gives the model's endpoint.
    pub fn each(of: impl Fn(&str) -> io::Result<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(of))
    }

    /// The endpoint of the model for a server, by what a `provider` block says of where it is.
    pub(crate) fn endpoint(&self, said: Option<&str>) -> Result<String, ClientError> {
        let first = said.unwrap_or_default().split(',').next();
        let first = first.unwrap_or_default().trim();
        let server = match Address::parse(first) {
            Ok(Address::Https { host, port } | Address::Http { host, port }) => {
                format!("{}:{port}", host.to_lowercase())
            }
            _ => first.to_owned(),
        };
        (self.0)(&server).map_err(|error| {
            ClientError::Setup(format!("the model of `{server}` cannot be used: {error}"))
        })
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Models")
    }
}

/// Keeps a password for an `ssh` that is about to be started.
pub type Askpass = fn(&str) -> io::Result<Kept>;

/// A password that is handed to whoever has this environment, until it is dropped.
pub struct Kept {
    /// What `ssh` needs in its environment: a program to ask, and not the password.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// Who answers.
    pub keeper: Box<dyn Any + Send>,
}

/// Proxmox VE, as one program uses it. Cloning gives the same one.
#[derive(Clone)]
pub struct Proxmox(Arc<Platform>);

impl Proxmox {
    /// Takes the settings; does nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Platform {
            settings,
            clients: Mutex::default(),
        }))
    }

    /// The provider `proxmox` with the types of `bpg/proxmox`.
    pub fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(ProxmoxProvider::new(self.0.clone(), false))
    }

    /// The provider `proxmox` with the types of `telmate/proxmox`.
    pub fn telmate(&self) -> Arc<dyn Provider> {
        Arc::new(ProxmoxProvider::new(self.0.clone(), true))
    }

    /// Makes hosts of guests.
    pub fn inventory(&self) -> Arc<dyn InventorySource> {
        Arc::new(Inventory)
    }
}

/// The inside of [`Proxmox`].
pub(crate) struct Platform {
    pub(crate) settings: Settings,
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Platform {
    /// The client of a cluster; made once.
    pub(crate) fn client(&self, access: Access) -> Result<Arc<Client>, ClientError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.iter().find(|client| *client.access() == access) {
            return Ok(client.clone());
        }
        let client = Client::new(access)?;
        clients.push(client.clone());
        Ok(client)
    }
}
