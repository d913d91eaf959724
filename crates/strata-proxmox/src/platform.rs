//! What one program has of Proxmox VE: its settings and one client for each cluster.

use std::{
    any::Any,
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use strata_core::{inventory::InventorySource, provider::Provider};

use crate::{
    client::{Access, Client, ClientError},
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
    /// The endpoint of a twin, which then stands in for every cluster that a configuration names.
    pub twin: Option<String>,
    /// Hands a password to `ssh`; none where nobody can.
    pub askpass: Option<Askpass>,
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
