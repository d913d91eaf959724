//! The contents that the controller offers, as the agent holds them.
//!
//! A content is asked for when a task first opens it, kept while tasks that name it are in flight
//! (in memory when small, else in a file that only this user can read), and forgotten after that.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::Digest;

use crate::host::HostError;
use crate::protocol::ContentReference;

/// Contents up to this size stay in memory.
const IN_MEMORY: u64 = 256 << 10;

/// How long a waiting task may miss that it was cancelled.
const LOOK_UP: Duration = Duration::from_millis(200);

/// All contents of an agent.
#[derive(Default)]
pub(crate) struct Store {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    slots: HashMap<String, Slot>,
    users: HashMap<String, usize>,
    receiving: Option<Receiving>,
    folder: Option<PathBuf>,
}

#[derive(Clone)]
enum Slot {
    Asked,
    Bytes(Arc<[u8]>),
    File(PathBuf),
    Missing(String),
}

/// The content of which chunks are arriving.
struct Receiving {
    sha256: String,
    left: u64,
    digest: sha2::Sha256,
    sink: Sink,
}

enum Sink {
    Bytes(Vec<u8>),
    File(File, PathBuf),
    /// It could not be stored; its chunks still have to be read.
    Broken(String),
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a task names a content.
    pub(crate) fn hold(&self, reference: &ContentReference) {
        *self
            .lock()
            .users
            .entry(reference.sha256.clone())
            .or_default() += 1;
    }

    /// Notes that a task which named a content is done.
    pub(crate) fn release(&self, reference: &ContentReference) {
        let mut state = self.lock();
        let Some(count) = state.users.get_mut(&reference.sha256) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            state.users.remove(&reference.sha256);
            if let Some(Slot::File(path)) = state.slots.remove(&reference.sha256) {
                // The folder goes as a whole when the agent ends.
                fs::remove_file(path).ok();
            }
        }
    }

    /// Opens a content; `ask` is called when it must be sent first, `cancelled` while waiting.
    pub(crate) fn open(
        &self,
        reference: &ContentReference,
        ask: &dyn Fn(),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Read + Send>, HostError> {
        let mut state = self.lock();
        loop {
            match state.slots.get(&reference.sha256) {
                None => {
                    state.slots.insert(reference.sha256.clone(), Slot::Asked);
                    drop(state);
                    ask();
                    state = self.lock();
                }
                Some(Slot::Asked) if cancelled() => return Err(HostError::Cancelled),
                Some(Slot::Asked) => {
                    let waited = self.arrived.wait_timeout(state, LOOK_UP);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(Slot::Bytes(bytes)) => return Ok(Box::new(Cursor::new(bytes.clone()))),
                Some(Slot::File(path)) => {
                    let file = File::open(path);
                    let file = file.map_err(|error| HostError::io("open", path, &error))?;
                    return Ok(Box::new(file));
                }
                Some(Slot::Missing(reason)) => return Err(HostError::Other(reason.clone())),
            }
        }
    }

    /// Notes that the chunks of a content follow.
    pub(crate) fn announce(&self, sha256: String, size: u64) {
        let mut state = self.lock();
        let sink = if size <= IN_MEMORY {
            Sink::Bytes(Vec::with_capacity(size as usize))
        } else {
            state
                .file(&sha256)
                .unwrap_or_else(|error| Sink::Broken(error.to_string()))
        };
        let digest = sha2::Sha256::new();
        state.receiving = Some(Receiving {
            sha256,
            left: size,
            digest,
            sink,
        });
        state.finish_if_whole();
        self.arrived.notify_all();
    }

    /// Takes a chunk of the content that was announced last.
    pub(crate) fn chunk(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if let Some(receiving) = &mut state.receiving {
            receiving.take(bytes);
        }
        state.finish_if_whole();
        self.arrived.notify_all();
    }

    /// Notes that a content cannot be had.
    pub(crate) fn missing(&self, sha256: String, reason: String) {
        let mut state = self.lock();
        state.receiving = None;
        state.slots.insert(sha256, Slot::Missing(reason));
        self.arrived.notify_all();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(folder) = self.lock().folder.take() {
            fs::remove_dir_all(folder).ok();
        }
    }
}

impl State {
    fn file(&mut self, sha256: &str) -> std::io::Result<Sink> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => make_folder()?,
        };
        self.folder = Some(folder.clone());
        let path = folder.join(sha256.replace('/', "_"));
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Sink::File(file, path))
    }

    fn finish_if_whole(&mut self) {
        if let Some(receiving) = self.receiving.take_if(|receiving| receiving.left == 0) {
            let sha256 = receiving.sha256.clone();
            self.slots.insert(sha256, receiving.into_slot());
        }
    }
}

/// Makes a folder that only this user can look into.
fn make_folder() -> std::io::Result<PathBuf> {
    let given = std::env::var_os("TMPDIR").map(PathBuf::from);
    let usual = crate::change::TEMPORARY.iter().map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places: Vec<PathBuf> = given.into_iter().chain(usual).chain(home).collect();
    let mut made = folder_in(&places[0]);
    for place in &places[1..] {
        // The first place's error is the one to tell.
        made = made.or_else(|error| folder_in(place).map_err(|_| error));
    }
    made
}

fn folder_in(base: &Path) -> std::io::Result<PathBuf> {
    let folder = base.join(format!(".strata-agent-{}", std::process::id()));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        // Left by an agent that was killed, and had our number.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::remove_dir_all(&folder)?;
            fs::DirBuilder::new().mode(0o700).create(&folder)?;
        }
        other => other?,
    }
    Ok(folder)
}

impl Receiving {
    fn take(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(self.left as usize)];
        self.left -= bytes.len() as u64;
        self.digest.update(bytes);
        match &mut self.sink {
            Sink::Bytes(all) => all.extend_from_slice(bytes),
            Sink::File(file, _) => {
                if let Err(error) = file.write_all(bytes) {
                    self.sink = Sink::Broken(error.to_string());
                }
            }
            Sink::Broken(_) => {}
        }
    }

    fn into_slot(self) -> Slot {
        let found = crate::digest::hex(&self.digest.finalize());
        if found != self.sha256 {
            return Slot::Missing("the content changed while it was sent".to_owned());
        }
        match self.sink {
            Sink::Bytes(bytes) => Slot::Bytes(bytes.into()),
            Sink::File(_, path) => Slot::File(path),
            Sink::Broken(reason) => Slot::Missing(format!(
                "the content cannot be stored on the host: {reason}"
            )),
        }
    }
}
