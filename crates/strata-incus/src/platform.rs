//! What one program has of Incus: its settings, its remotes, and one client for each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use strata_core::{
    Value,
    connection::{Connection, ConnectionError},
    inventory::InventorySource,
    provider::Provider,
};

use crate::{
    client::{Client, ClientError},
    connection::InstanceConnection,
    inventory::Inventory,
    provider::{Declared, IncusProvider},
    remote::{Block, Remote, Remotes},
};

/// What must be known before anything is asked of Incus.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process environment. Looked at: `INCUS_REMOTE`, `INCUS_ADDR`, `INCUS_PROTOCOL`, `INCUS_TOKEN`,
    /// `INCUS_OCI_CREDENTIALS_HELPER`, `INCUS_SOCKET`, `INCUS_DIR`, `INCUS_CONF`, `XDG_CONFIG_HOME`, `HOME`, `SSL_CERT_FILE`.
    pub environment: BTreeMap<String, String>,
    /// Images of other remotes that are there under a local alias: `images:debian/12` → `debian/12`.
    pub image_aliases: BTreeMap<String, String>,
    /// True with models in the place of servers: nothing else is asked.
    pub rehearses: bool,
    /// How long to wait for what a guest does.
    pub timeouts: Timeouts,
}

/// How long to wait for what a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until it has an address.
    pub address: Duration,
    /// Until its cloud-init is done.
    pub cloud_init: Duration,
    /// Until it says that it is ready.
    pub ready: Duration,
}

impl Timeouts {
    /// Times that are right for real guests.
    pub fn usual() -> Self {
        Self {
            address: Duration::from_secs(180),
            cloud_init: Duration::from_secs(1200),
            ready: Duration::from_secs(180),
        }
    }
}

/// Incus, as one program uses it. Cloning gives the same one.
#[derive(Clone)]
pub struct Incus(Arc<Platform>);

impl Incus {
    /// Takes the settings; does nothing yet.
    pub fn new(settings: Settings) -> Self {
        let environment = Arc::new(settings.environment);
        Self(Arc::new(Platform {
            remotes: Mutex::new(Remotes::new(environment.clone(), Block::default())),
            environment,
            image_aliases: settings.image_aliases,
            rehearses: settings.rehearses,
            timeouts: settings.timeouts,
            declared: Declared::default(),
            clients: Mutex::default(),
        }))
    }

    /// The provider `incus`.
    pub fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(IncusProvider::new(self.0.clone()))
    }

    /// The inside.
    pub(crate) fn platform(&self) -> &Platform {
        &self.0
    }

    /// Makes hosts of instances.
    pub fn inventory(&self) -> Arc<dyn InventorySource> {
        Arc::new(Inventory)
    }

    /// The way to the host that has these variables: `ansible_host` (or `inventory_hostname`),
    /// `ansible_incus_project`, `ansible_incus_remote`. Connects when it is used.
    pub fn connect(
        &self,
        variables: &BTreeMap<Arc<str>, Value>,
    ) -> Result<Arc<dyn Connection>, ConnectionError> {
        let connection = InstanceConnection::new(self.0.clone(), variables)?;
        Ok(Arc::new(connection))
    }
}

/// The inside of [`Incus`].
pub(crate) struct Platform {
    pub(crate) environment: Arc<BTreeMap<String, String>>,
    pub(crate) image_aliases: BTreeMap<String, String>,
    pub(crate) rehearses: bool,
    pub(crate) timeouts: Timeouts,
    /// Those of the provider block that was configured last; hosts are reached through them.
    remotes: Mutex<Remotes>,
    /// What the configuration declares.
    pub(crate) declared: Declared,
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Platform {
    /// The client of a remote, or of the default one.
    pub(crate) fn client(
        &self,
        remotes: &Remotes,
        name: Option<&str>,
    ) -> Result<Arc<Client>, ClientError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => remotes.default_name()?,
        };
        self.client_of(remotes.get(&name)?)
    }

    /// The client of a remote that images come from.
    pub(crate) fn image_client(
        &self,
        remotes: &Remotes,
        name: &str,
    ) -> Result<Arc<Client>, ClientError> {
        self.client_of(remotes.of_images(name)?)
    }

    /// The client of a remote; made once.
    fn client_of(&self, remote: Remote) -> Result<Arc<Client>, ClientError> {
        let mut clients = self.clients.lock().expect("no panic holds this");
        if let Some(client) = clients.iter().find(|client| *client.remote() == remote) {
            return Ok(client.clone());
        }
        let client = Client::new(remote);
        clients.push(client.clone());
        Ok(client)
    }

    /// The remotes through which hosts are reached.
    pub(crate) fn remotes(&self) -> Remotes {
        self.remotes.lock().expect("no panic holds this").clone()
    }

    /// Takes the remotes of a provider block for those of the hosts.
    pub(crate) fn use_remotes(&self, remotes: Remotes) {
        *self.remotes.lock().expect("no panic holds this") = remotes;
    }
}
