//! A configured provider: its client, what it has read of the cluster, and who waits for whom.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::Method;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::intended::Intended;
use crate::client::{Address, Client, ClientError, Notes, Params, path};

/// How many disks are copied onto one storage at the same time.
const COPIES: usize = 4;

/// How long a list of the cluster's guests is believed while nothing is changed.
const LIST_AGE: Duration = Duration::from_secs(5);

/// How long a task may take if the user does not say.
pub(crate) const USUAL_LIMIT: Duration = Duration::from_secs(1800);

/// What the provider block says beside the access.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// Ids are drawn from a range instead of asked for.
    pub(crate) random_ids: Option<(u32, u32)>,
    /// How long guests are waited for.
    pub(crate) guest_limit: Option<Duration>,
    /// How many disks are copied onto one storage at the same time, if not [`COPIES`].
    pub(crate) copies: Option<usize>,
    /// How long a task may take, if not [`USUAL_LIMIT`].
    pub(crate) task_limit: Option<Duration>,
    /// True if every guest is read by itself on refresh, however many there are.
    pub(crate) deep_refresh: bool,
    /// True on a twin, where nodes, templates and storages that nobody made are there once something asks for them.
    pub(crate) rehearses: bool,
    pub(crate) ssh: super::ssh::Ssh,
}

/// What the list of the cluster's resources tells.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Guests of both kinds by id.
    pub(crate) guests: BTreeMap<u32, Json>,
    pub(crate) nodes: BTreeMap<String, Json>,
    /// Storages by node and name.
    pub(crate) storages: BTreeMap<(String, String), Json>,
}

/// A configured provider.
pub(crate) struct Session {
    pub(crate) client: Arc<Client>,
    pub(crate) manner: Manner,
    cluster: tokio::sync::Mutex<Option<(Instant, Arc<Cluster>)>>,
    storages: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    /// Serves one network reload of a node at a time.
    nodes: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Ids that this run has taken, and for whom.
    taken: Mutex<BTreeMap<u32, String>>,
    /// What this run will make.
    intended: Mutex<Intended>,
    /// The bridges of nodes, asked for once; none where that is not told.
    bridges: tokio::sync::Mutex<BTreeMap<String, Option<Arc<Vec<Json>>>>>,
    /// Settings of templates, asked for once in a plan.
    templates: tokio::sync::Mutex<BTreeMap<u32, Option<Arc<Json>>>>,
}

impl Session {
    pub(crate) fn new(client: Arc<Client>, manner: Manner) -> Self {
        Self {
            client,
            manner,
            cluster: tokio::sync::Mutex::new(None),
            storages: Mutex::default(),
            nodes: Mutex::default(),
            taken: Mutex::default(),
            intended: Mutex::default(),
            bridges: tokio::sync::Mutex::default(),
            templates: tokio::sync::Mutex::default(),
        }
    }

    /// What this run will make, as far as it is planned. Not to be held over an await.
    pub(crate) fn intended(&self) -> MutexGuard<'_, Intended> {
        self.intended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True for a rehearsal: what a configuration names is there when it is asked for.
    pub(crate) fn is_rehearsal(&self) -> bool {
        let mut endpoints = self.client.access().endpoints.iter();
        endpoints.any(|address| matches!(address, Address::Unix(_)))
    }

    /// The bridges of a node, virtual networks among them; none where the server does not tell.
    pub(crate) async fn bridges(&self, node: &str) -> Option<Arc<Vec<Json>>> {
        let mut known = self.bridges.lock().await;
        if let Some(rows) = known.get(node) {
            return rows.clone();
        }
        let list = path(&["nodes", node, "network"]);
        let told = self.client.get(&format!("{list}?type=any_bridge")).await;
        let rows = told
            .ok()
            .and_then(|rows| Some(Arc::new(rows.as_array()?.clone())));
        known.insert(node.to_owned(), rows.clone());
        rows
    }

    /// All that the cluster's one list tells.
    pub(crate) async fn cluster(&self) -> Result<Arc<Cluster>, ClientError> {
        let mut known = self.cluster.lock().await;
        if let Some((_, cluster)) = known.as_ref().filter(|(at, _)| at.elapsed() < LIST_AGE) {
            return Ok(cluster.clone());
        }
        let rows = self.client.get("/cluster/resources").await?;
        let mut cluster = Cluster::default();
        for row in rows.as_array().into_iter().flatten() {
            let name = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            match row["type"].as_str() {
                Some("qemu" | "lxc") => {
                    let id = row["vmid"].as_u64().and_then(|id| u32::try_from(id).ok());
                    cluster.guests.extend(id.map(|id| (id, row.clone())));
                }
                Some("node") => drop(cluster.nodes.insert(name("node"), row.clone())),
                Some("storage") => {
                    cluster
                        .storages
                        .insert((name("node"), name("storage")), row.clone());
                }
                _ => {}
            }
        }
        let cluster = Arc::new(cluster);
        *known = Some((Instant::now(), cluster.clone()));
        Ok(cluster)
    }

    /// The settings of a machine that is cloned; none if it is not there yet, or not told.
    pub(crate) async fn template(&self, id: u32) -> Option<Arc<Json>> {
        let mut known = self.templates.lock().await;
        if let Some(config) = known.get(&id) {
            return config.clone();
        }
        let cluster = self.cluster().await.ok()?;
        let node = cluster.guests.get(&id)?["node"].as_str()?.to_owned();
        let config = path(&["nodes", &node, "qemu", &id.to_string(), "config"]);
        let config = self.client.get(&config).await.ok().map(Arc::new);
        known.insert(id, config.clone());
        config
    }

    /// Forgets what was read, since something changed.
    pub(crate) async fn forget(&self) {
        *self.cluster.lock().await = None;
        self.bridges.lock().await.clear();
        self.templates.lock().await.clear();
    }

    /// Waits for a turn to copy onto a storage.
    pub(crate) async fn turn(&self, storage: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut storages = self.storages.lock().unwrap_or_else(PoisonError::into_inner);
            let turns = storages.entry(storage.to_owned());
            turns
                .or_insert_with(|| Arc::new(Semaphore::new(self.manner.copies.unwrap_or(COPIES))))
                .clone()
        };
        turns.acquire_owned().await.ok()
    }

    /// The lock under which a node's network is changed.
    pub(crate) fn node_lock(&self, node: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.entry(node.to_owned()).or_default().clone()
    }

    /// Takes an id for somebody in this run; the other who has it if it is taken.
    pub(crate) fn claim(&self, id: u32, who: &str) -> Result<(), String> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get(&id) {
            Some(other) if other != who => Err(other.clone()),
            _ => {
                taken.insert(id, who.to_owned());
                Ok(())
            }
        }
    }

    /// Leaves an id to a stranger who took it.
    pub(crate) fn give_up(&self, id: u32) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(id, "(a stranger)".to_owned());
    }

    /// An id that is free now, and that nobody else of this run has; it may still be lost to a stranger.
    pub(crate) async fn free_id(&self, who: &str) -> Result<u32, ClientError> {
        let cluster = self.cluster().await?;
        let is_free = |id: &u32| !cluster.guests.contains_key(id) && self.claim(*id, who).is_ok();
        let free = match self.manner.random_ids {
            Some((from, to)) => {
                let to = to.max(from);
                let draw = uuid::Uuid::new_v4().as_u128() % u128::from(to - from + 1);
                let first = from + u32::try_from(draw).unwrap_or(0);
                // What is declared is kept to: after its end comes its beginning.
                (first..=to).chain(from..first).find(is_free)
            }
            None => {
                let next = self.client.get("/cluster/nextid").await?;
                let next = super::value::number(&next).and_then(|id| u32::try_from(id).ok());
                (next.unwrap_or(100)..1_000_000_000).find(is_free)
            }
        };
        free.ok_or_else(|| ClientError::Setup("no VM id is free".to_owned()))
    }

    fn limit(&self) -> Duration {
        self.manner.task_limit.unwrap_or(USUAL_LIMIT)
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        params: &Params,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        self.client
            .change(Method::POST, path, params, self.limit(), notes)
            .await
    }

    pub(crate) async fn put(
        &self,
        path: &str,
        params: &Params,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        self.client
            .change(Method::PUT, path, params, self.limit(), notes)
            .await
    }

    /// Deletes; what is not there is fine.
    pub(crate) async fn delete(
        &self,
        path: &str,
        params: &Params,
        notes: Notes<'_>,
    ) -> Result<(), ClientError> {
        match self
            .client
            .change(Method::DELETE, path, params, self.limit(), notes)
            .await
        {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}
