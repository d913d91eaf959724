//! The models of Proxmox VE: one for each server that a configuration names.
//!
//! Which file holds which server stands in `proxmox-servers.json`. The first one is in `proxmox.json`, which is also the
//! one that `strata twin` offers.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use strata_proxmox::twin::{Options, Twin};
use tokio::runtime::Handle;

/// The models of one run, started when they are first asked for.
pub(super) struct Servers {
    folder: PathBuf,
    sockets: PathBuf,
    runtime: Handle,
    known: Mutex<Known>,
}

struct Known {
    /// All that a run of this project has named: the place in the list says the file.
    names: Vec<String>,
    running: BTreeMap<String, Twin>,
}

impl Servers {
    /// Those of a folder. Must be called in a tokio runtime.
    pub(super) fn new(folder: &Path, sockets: &Path) -> io::Result<Self> {
        let names = match fs::read(index(folder)) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            folder: folder.to_owned(),
            sockets: sockets.to_owned(),
            runtime: Handle::current(),
            known: Mutex::new(Known {
                names,
                running: BTreeMap::new(),
            }),
        })
    }

    /// The endpoint of the model of a server, by its name.
    pub(super) fn endpoint(&self, server: &str) -> io::Result<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(twin) = known.running.get(server) {
            return Ok(twin.endpoint().to_owned());
        }
        let number = match known.names.iter().position(|name| name == server) {
            Some(at) => at + 1,
            None => {
                let mut names = known.names.clone();
                names.push(server.to_owned());
                write(&self.folder, &names)?;
                known.names = names;
                known.names.len()
            }
        };
        // A rehearsal asks for the nodes that it needs.
        let options = Options {
            file: Some(file(&self.folder, number)),
            ..Options::rehearsal()
        };
        let socket = self.sockets.join(format!("proxmox-{number}.socket"));
        let inside = self.runtime.enter();
        let twin = Twin::on_socket(&socket, options)?;
        drop(inside);
        let endpoint = twin.endpoint().to_owned();
        known.running.insert(server.to_owned(), twin);
        Ok(endpoint)
    }
}

/// Writes the list whole or not at all.
fn write(folder: &Path, names: &[String]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(names)?)?;
    file.persist(index(folder))?;
    Ok(())
}

fn index(folder: &Path) -> PathBuf {
    folder.join("proxmox-servers.json")
}

fn file(folder: &Path, number: usize) -> PathBuf {
    match number {
        1 => folder.join("proxmox.json"),
        _ => folder.join(format!("proxmox-{number}.json")),
    }
}
