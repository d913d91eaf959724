//! A Proxmox VE cluster in this process: the same HTTP API, objects as models.
//!
//! It stands in for a real cluster where there is none: `strata up --twin` and tests. A request goes
//! through [`server`] (login, parameters), is found in the published description of the API and
//! checked against it ([`api`]) and against the access list ([`permission`]), and then answered by
//! the function of its object in [`calls`], which reads and changes [`store::Store`]. What takes a
//! while on a real cluster is a task here, too ([`task`]). With a file the cluster outlives the process.
//!
//! Its judges are exchanges recorded from a real server (`tests/recordings`, replayed by
//! `replay`). No program runs in a guest.

mod answer;
mod api;
mod auth;
mod begin;
mod call;
mod calls;
mod disk;
mod fault;
mod lend;
mod permission;
#[cfg(test)]
mod replay;
mod server;
mod store;
mod task;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    task::AbortHandle,
};

pub use self::fault::{Fault, FaultKind};
use self::{answer::Started, call::Identity, store::Store};

/// What a twin is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The nodes of the cluster.
    pub nodes: Vec<String>,
    /// True if nodes, storages, templates and images that nobody made are there when they are asked
    /// for: a rehearsal of a configuration knows no cluster.
    pub lenient: bool,
    /// True if guests with the agent switched on have one, with an address.
    pub guests_answer: bool,
    /// How long each task takes.
    pub task_time: Duration,
    /// The password of root@pam.
    pub password: String,
    /// API tokens of root@pam that are there from the beginning: name and secret.
    pub tokens: BTreeMap<String, String>,
    /// Where the cluster is kept; it begins with what is there.
    pub file: Option<PathBuf>,
}

impl Options {
    /// One node `pve`, with all that a configuration asks for, and tasks that take no time.
    pub fn rehearsal() -> Self {
        Self {
            nodes: vec!["pve".to_owned()],
            lenient: true,
            guests_answer: true,
            task_time: Duration::ZERO,
            password: "twin".to_owned(),
            tokens: BTreeMap::from([("twin".to_owned(), "twin".to_owned())]),
            file: None,
        }
    }
}

/// A running twin; it ends when this is dropped.
pub struct Twin {
    address: String,
    socket: Option<PathBuf>,
    fingerprint: Option<String>,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What all requests share.
struct Shared {
    store: Mutex<Store>,
    faults: Mutex<Vec<Fault>>,
    task_time: Duration,
    file: Option<PathBuf>,
    /// How often something was changed.
    changes: AtomicU64,
    /// Up to which change the file is written.
    written: tokio::sync::Mutex<u64>,
    calls: AtomicUsize,
    /// What was asked to change, for tests: verb, path and parameters.
    #[cfg(test)]
    heard: Mutex<Vec<(String, BTreeMap<String, String>)>>,
    /// Tasks that run now, and the most there were at once, by kind.
    at_once: Mutex<BTreeMap<&'static str, (usize, usize)>>,
}

impl Twin {
    /// Starts a twin on a unix socket. Must be called in a tokio runtime.
    pub fn on_socket(socket: &Path, options: Options) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let shared = Arc::new(Shared::new(options)?);
        let accepting = tokio::spawn(server::accept_unix(listener, shared.clone())).abort_handle();
        Ok(Self {
            address: format!("unix:{}", socket.display()),
            socket: Some(socket.to_owned()),
            fingerprint: None,
            shared,
            accepting,
        })
    }

    /// Starts a twin on a port of this machine, with TLS and a certificate of its own.
    pub async fn on_loopback(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (config, fingerprint) = server::tls().map_err(io::Error::other)?;
        let shared = Arc::new(Shared::new(options)?);
        let accepting =
            tokio::spawn(server::accept_tls(listener, config, shared.clone())).abort_handle();
        Ok(Self {
            address: format!("https://127.0.0.1:{port}/"),
            socket: None,
            fingerprint: Some(fingerprint),
            shared,
            accepting,
        })
    }

    /// The endpoint for a provider block.
    pub fn endpoint(&self) -> &str {
        &self.address
    }

    /// The fingerprint of its certificate, if it has one.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Has something go wrong.
    pub fn fault(&self, fault: Fault) {
        self.shared
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    /// Changes a setting of a guest, as if somebody had done it by hand.
    #[cfg(test)]
    pub(crate) fn set(&self, id: u32, name: &str, text: &str) {
        if let Some(guest) = self.shared.store().guests.get_mut(&id) {
            guest.config.insert(name.to_owned(), text.to_owned());
        }
    }

    /// Leaves a setting of a guest waiting for its next start, as if somebody had done it by hand.
    #[cfg(test)]
    pub(crate) fn leave_waiting(&self, id: u32, name: &str, text: &str) {
        if let Some(guest) = self.shared.store().guests.get_mut(&id) {
            guest.pending.insert(name.to_owned(), Some(text.to_owned()));
        }
    }

    /// Moves a guest to another node, as an administrator or HA does.
    #[cfg(test)]
    pub(crate) fn move_to(&self, id: u32, node: &str) {
        if let Some(guest) = self.shared.store().guests.get_mut(&id) {
            guest.node = node.to_owned();
        }
    }

    /// The settings of a guest.
    #[cfg(test)]
    pub(crate) fn config(&self, id: u32) -> BTreeMap<String, String> {
        self.shared.store().guests[&id].config.clone()
    }

    /// Has it that it cannot do something: see `Store::lacks`.
    #[cfg(test)]
    pub(crate) fn lacks(&self, what: &str) {
        self.shared.store().lacks.insert(what.to_owned());
    }

    /// The ids of its guests.
    #[cfg(test)]
    pub(crate) fn guests(&self) -> Vec<u32> {
        self.shared.store().guests.keys().copied().collect()
    }

    /// The names of its files that belong to no guest.
    #[cfg(test)]
    pub(crate) fn files(&self) -> Vec<String> {
        let store = self.shared.store();
        let files = store
            .volumes
            .iter()
            .filter(|(_, volume)| volume.vmid.is_none());
        files.map(|(name, _)| name.clone()).collect()
    }

    /// Makes copies of a guest under the ids after its own, named by what they are more.
    #[cfg(test)]
    pub(crate) fn copy(&self, id: u32, count: u32) -> Vec<u32> {
        let mut store = self.shared.store();
        let guest = store.guests[&id].clone();
        let ids = id + 1..=id + count;
        for copy in ids.clone() {
            let mut guest = guest.clone();
            guest
                .config
                .insert("name".to_owned(), format!("m{}", copy - id));
            store.guests.insert(copy, guest);
        }
        ids.collect()
    }

    /// Lets every ticket that was given out run out.
    #[cfg(test)]
    pub(crate) fn forget_tickets(&self) {
        self.shared.store().tickets.clear();
    }

    /// What was asked to change since this was asked last: verb with path, and parameters.
    #[cfg(test)]
    pub(crate) fn heard(&self) -> Vec<(String, BTreeMap<String, String>)> {
        let mut heard = self
            .shared
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard)
    }

    /// How many requests came in until now.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// The most tasks of a kind that ran at the same time.
    pub fn most_at_once(&self, kind: &str) -> usize {
        let counts = self
            .shared
            .at_once
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.get(kind).map_or(0, |(_, most)| *most)
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Some(socket) = &self.socket {
            // If it stays, the folder it lies in goes with it: it is always a temporary one.
            drop(std::fs::remove_file(socket));
        }
    }
}

impl Shared {
    fn new(options: Options) -> io::Result<Self> {
        let store = match options.file.as_deref().filter(|file| file.exists()) {
            Some(file) => serde_json::from_slice(&std::fs::read(file)?)?,
            None => begin::cluster(&options),
        };
        Ok(Self {
            store: Mutex::new(store),
            faults: Mutex::default(),
            task_time: options.task_time,
            file: options.file,
            changes: AtomicU64::new(0),
            written: tokio::sync::Mutex::new(0),
            calls: AtomicUsize::new(0),
            #[cfg(test)]
            heard: Mutex::default(),
            at_once: Mutex::default(),
        })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn hear(&self, call: &call::Call) {
        if call.method.verb != "GET" {
            let what = format!("{} {}", call.method.verb, call.method.path);
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let params = call.params.iter().filter(|(name, _)| *name != "digest");
            let params = params.map(|(name, text)| (name.clone(), text.clone()));
            heard.push((what, params.collect()));
        }
    }

    /// Writes the store to its file, whole or not at all, once something was changed. Changes that came while
    /// another was written are written together.
    async fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let own = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut written = self.written.lock().await;
        if *written >= own {
            return Ok(());
        }
        let last = self.changes.load(Ordering::SeqCst);
        let text = serde_json::to_vec(&*self.store())?;
        let temporary = file.with_extension("new");
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, file)?;
        *written = last;
        Ok(())
    }

    /// Begins a task; it ends at once, or after the time that tasks take.
    fn run(self: &Arc<Self>, started: Started, who: &Identity) -> String {
        let killed = fault::kills(&self.faults, started.kind);
        let upid = self
            .store()
            .begin(&started.node, started.kind, &started.id, who);
        self.count(started.kind, 1);
        if self.task_time.is_zero() {
            self.finish(&upid, started, killed);
        } else {
            let (shared, name, time) = (self.clone(), upid.clone(), self.task_time);
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                shared.finish(&name, started, killed);
                // The next call saves again if this does not succeed.
                shared.save().await.ok();
            });
        }
        upid
    }

    fn finish(&self, upid: &str, started: Started, killed: bool) {
        let mut store = self.store();
        let mut log = Vec::new();
        let outcome = match killed {
            true => Err("unexpected status".to_owned()),
            false if store.is_running(upid) => (started.work)(&mut store, &mut log),
            false => Ok(()),
        };
        store.end(upid, outcome, log);
        drop(store);
        self.count(started.kind, -1);
    }

    fn count(&self, kind: &'static str, by: isize) {
        let mut counts = self.at_once.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, most) = counts.entry(kind).or_default();
        *now = now.saturating_add_signed(by);
        *most = (*most).max(*now);
    }
}
