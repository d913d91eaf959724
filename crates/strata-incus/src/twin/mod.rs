//! An Incus daemon in this process: the same HTTP API over a unix socket, objects as models.
//!
//! It stands in for a real daemon where there is none: `strata up --twin` and tests. A request goes
//! from [`server`] through [`route`] to the function of its object in [`api`], which reads and
//! changes [`Store`]. What takes a while on a real daemon is an operation here, too, and ends with
//! an event ([`operations`]). With a file the store outlives the process.
//!
//! It has every object that the provider knows: instances of both types with snapshots and files,
//! images, networks of all types with all that belongs to them, volumes, buckets, projects,
//! certificates, and on request a cluster ([`Twin::start_cluster`]). Anything else answers 501 and says
//! so. No program runs in an instance: each that is started ends well, with nothing to say; hosts are
//! modelled by the agent's own model. On request it fails as real daemons do ([`Fault`]).
//! Wordings of errors follow Incus 6.0.4; those in `tests/twin.rs` were compared with a real daemon,
//! the others were not yet.

mod answer;
mod api;
mod description;
mod faults;
mod images;
mod keep;
mod operations;
mod route;
mod server;
mod store;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::UnixListener, task::AbortHandle};

use keep::Keeper;
use operations::Operations;
use store::Store;

pub use faults::{Failure, Fault};

/// What a twin begins with and may hand over: types and names.
pub(crate) const LENT: [(&str, &str); 2] = [
    ("incus_storage_pool", "default"),
    ("incus_network", "incusbr0"),
];

/// A running twin; it ends when this is dropped.
pub struct Twin {
    socket: PathBuf,
    accepting: AbortHandle,
    shared: Arc<Shared>,
}

/// What all requests share.
struct Shared {
    store: Mutex<Store>,
    operations: Operations,
    faults: Mutex<Vec<Fault>>,
    keeper: Option<Mutex<Keeper>>,
}

impl Twin {
    /// Starts a twin that listens at `socket`; it begins with what `file` holds, and keeps it there.
    ///
    /// Must be called in a tokio runtime.
    pub fn start(socket: &Path, file: Option<&Path>) -> io::Result<Self> {
        Self::start_cluster(socket, file, &[])
    }

    /// Starts a twin as [`Self::start`] does; a new one is a cluster of these members.
    pub fn start_cluster(socket: &Path, file: Option<&Path>, members: &[&str]) -> io::Result<Self> {
        let fresh = || {
            let mut store = Store::new();
            store.form_cluster(members);
            store
        };
        let (keeper, store) = match file {
            Some(file) => {
                let (keeper, store) = Keeper::open(file, fresh)?;
                (Some(Mutex::new(keeper)), store)
            }
            None => (None, fresh()),
        };
        let listener = UnixListener::bind(socket)?;
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            operations: Operations::new(),
            faults: Mutex::default(),
            keeper,
        });
        let accepting = tokio::spawn(server::accept(listener, shared.clone())).abort_handle();
        Ok(Self {
            shared,
            socket: socket.to_owned(),
            accepting,
        })
    }

    /// Lets it have whatever image is asked for, and hand over what it began with ([`LENT`]) to the first who makes it.
    #[must_use]
    pub fn lending(self) -> Self {
        self.shared.store().lends = true;
        self
    }

    /// Makes it fail the next call that the fault describes.
    pub fn fail(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.accepting.abort();
        // What cannot be merged is in the journal, and read from there the next time.
        drop(self.shared.keep(Keeper::close));
        // If it stays, the folder it lies in goes with it: it is always a temporary one.
        drop(std::fs::remove_file(&self.socket));
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was changed to the disk.
    fn save(&self) -> io::Result<()> {
        self.keep(Keeper::save)
    }

    /// Lets the keeper do something with the store, if there is one; else changes are forgotten.
    fn keep(&self, act: fn(&mut Keeper, &mut Store) -> io::Result<()>) -> io::Result<()> {
        let Some(keeper) = &self.keeper else {
            self.store().take_changes();
            return Ok(());
        };
        let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut keeper, &mut self.store())
    }
}
