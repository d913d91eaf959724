//! A configured provider: its client, what it has read of the cluster, and who waits for whom.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hyper::Method;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::{Client, ClientError, Notes, Params};

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
        }
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

    /// Forgets what was read, since something changed.
    pub(crate) async fn forget(&self) {
        *self.cluster.lock().await = None;
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
        let first: u32 = match self.manner.random_ids {
            Some((from, to)) => {
                let draw = uuid::Uuid::new_v4().as_u128() % u128::from((to.max(from) - from) + 1);
                from + u32::try_from(draw).unwrap_or(0)
            }
            None => {
                let next = self.client.get("/cluster/nextid").await?;
                super::value::number(&next)
                    .and_then(|id| u32::try_from(id).ok())
                    .unwrap_or(100)
            }
        };
        let cluster = self.cluster().await?;
        let free = (first..1_000_000_000)
            .find(|id| !cluster.guests.contains_key(id) && self.claim(*id, who).is_ok());
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
