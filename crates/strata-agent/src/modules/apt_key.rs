//! `apt_key`: a key that apt trusts, in one of its keyrings.
//!
//! Ansible runs `apt-key` and `gpg` for it; here the keyrings are read and written by themselves,
//! so that the host needs neither.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::download;
use super::openpgp::{self, Key};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct AptKey {
    present: bool,
    id: Option<String>,
    source: Option<Source>,
    keyring: Option<PathBuf>,
    verify: bool,
}

/// Where the key comes from.
enum Source {
    Data(String),
    File(PathBuf),
    Url(String),
    Server(String),
}

/// The keyrings, and the keys that are to be added.
pub(super) struct Found {
    rings: Vec<(PathBuf, Vec<Key>)>,
    id: String,
    new: Vec<Key>,
}

const MAIN: &str = "/etc/apt/trusted.gpg";
pub(super) const FOLDER: &str = "/etc/apt/trusted.gpg.d";

impl Module for AptKey {
    const SPEC: Spec = Spec::new(
        "apt_key",
        &[
            Field::str("id"),
            Field::str("url"),
            Field::str("data"),
            Field::path("file"),
            Field::path("keyring"),
            Field::bool("validate_certs", true),
            Field::str("keyserver"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    )
    .exclusive(&[&["data", "file", "keyserver", "url"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<AptKey, ModuleError> {
        let present = arguments.text("state") == "present";
        let id = arguments.string("id").map(|id| read_id(&id)).transpose()?;
        let data = arguments.string("data").map(Source::Data);
        let file = arguments.path("file").map(Source::File);
        let url = arguments.string("url").map(Source::Url);
        let server = arguments.string("keyserver").map(Source::Server);
        let source = data.or(file).or(url).or(server);
        if id.is_none() && source.is_none() {
            return Err(ModuleError::new(
                "one of the following is required: data, file, id, keyserver, url",
            ));
        }
        if id.is_none() && (!present || matches!(source, Some(Source::Server(_)))) {
            return Err(ModuleError::new("Missing key_id, required with keyserver."));
        }
        Ok(AptKey {
            present,
            id,
            source,
            keyring: arguments.path("keyring"),
            verify: arguments.bool("validate_certs"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut rings = Vec::new();
        for path in self.rings(host)? {
            let there = host.metadata_followed(&path)?.is_some();
            let content = if there { host.read(&path)? } else { Vec::new() };
            rings.push((path, openpgp::keys(&content)));
        }
        let is_in = |id: &str| {
            rings
                .iter()
                .any(|(_, keys)| keys.iter().any(|key| key.is(id)))
        };
        let mut new = Vec::new();
        let mut first = None;
        let known = self.id.as_deref().is_some_and(is_in);
        if self.present && !known {
            new = self.fetch(host)?;
            first = new.first().map(|key| tail(&key.fingerprint, 16).to_owned());
            new.retain(|key| !is_in(&key.fingerprint));
        }
        let id = self.id.clone().or(first).unwrap_or_default();
        Ok(Found { rings, id, new })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if self.present {
            let mut ring = found.rings[0].1.clone();
            ring.extend(found.new.iter().cloned());
            let adds = !found.new.is_empty();
            return adds
                .then(|| write(&found.rings[0].0, &ring))
                .into_iter()
                .collect();
        }
        let mut changes = Vec::new();
        for (path, keys) in &found.rings {
            let kept: Vec<Key> = keys
                .iter()
                .filter(|key| !key.is(&found.id))
                .cloned()
                .collect();
            if kept.len() == keys.len() {
                continue;
            }
            changes.push(match kept.is_empty() && path.starts_with(FOLDER) {
                true => Change::Remove { path: path.clone() },
                false => write(path, &kept),
            });
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let ids = |keys: &mut dyn Iterator<Item = &Key>| -> Vec<String> {
            keys.flat_map(|key| std::iter::once(&key.fingerprint).chain(&key.subkeys))
                .map(|fingerprint| tail(fingerprint, 16).to_owned())
                .collect()
        };
        let old = || found.rings.iter().flat_map(|(_, keys)| keys);
        let before = ids(&mut old());
        let after = match self.present {
            true => ids(&mut old().chain(&found.new)),
            false => ids(&mut old().filter(|key| !key.is(&found.id))),
        };
        let mut report = values(json!({ "before": before, "after": after }));
        if !found.id.is_empty() {
            let id = found.id.as_str();
            report.extend(values(json!({
                "id": self.id.clone().unwrap_or_else(|| id.to_owned()), "fp": tail(id, 16),
                "key_id": id, "short_id": tail(id, 8),
            })));
        }
        Ok(Report::of(report))
    }
}

impl AptKey {
    /// The ring that is written first, then the others.
    fn rings(&self, host: &dyn Host) -> Result<Vec<PathBuf>, ModuleError> {
        match &self.keyring {
            Some(ring) => Ok(vec![ring.clone()]),
            None => rings(host),
        }
    }

    fn fetch(&self, host: &dyn Host) -> Result<Vec<Key>, ModuleError> {
        let id = self.id.as_deref();
        let content = match &self.source {
            None => {
                return Err(ModuleError::new(
                    "None of the options data, file, keyserver or url says where the key is",
                ));
            }
            Some(Source::Data(data)) => data.clone().into_bytes(),
            Some(Source::File(path)) => host.read(path)?,
            Some(Source::Url(url)) => download::fetch(host, url, self.verify)?,
            Some(Source::Server(server)) => {
                download::fetch(host, &lookup(server, id.unwrap_or_default()), self.verify)?
            }
        };
        let keys = openpgp::keys(&content);
        if keys.is_empty() {
            return Err(ModuleError::new(
                "No valid key found: it is not an OpenPGP key",
            ));
        }
        if let Some(id) = id.filter(|id| !keys.iter().any(|key| key.is(id))) {
            return Err(ModuleError::new(format!(
                "apt-key did not return an error, but failed to add the key (check that the id is \
                 correct and *not* a subkey): {id}"
            )));
        }
        Ok(keys)
    }
}

/// Everybody may read what is public.
pub(super) const PUBLIC: Permissions = Permissions {
    mode: Some(0o644),
    uid: None,
    gid: None,
};

/// Whether one of the keyrings that apt looks into by itself has a key.
pub(super) fn is_trusted(host: &dyn Host, id: &str) -> Result<bool, ModuleError> {
    for path in rings(host)? {
        let there = host.metadata_followed(&path)?.is_some();
        if there
            && openpgp::keys(&host.read(&path)?)
                .iter()
                .any(|key| key.is(id))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The main keyring, then those of the folder.
fn rings(host: &dyn Host) -> Result<Vec<PathBuf>, ModuleError> {
    let mut rings = vec![PathBuf::from(MAIN)];
    let folder = Path::new(FOLDER);
    if host.metadata_followed(folder)?.is_some() {
        let names = host.list(folder)?.into_iter();
        let named = names.filter(|name| name.ends_with(".gpg") || name.ends_with(".asc"));
        rings.extend(named.map(|name| folder.join(name)));
    }
    Ok(rings)
}

/// Where a key server has a key, by the HTTP keyserver protocol.
pub(super) fn lookup(server: &str, id: &str) -> String {
    let base = match server.split_once("://") {
        Some(("hkp", rest)) if rest.contains(':') => format!("http://{rest}"),
        Some(("hkp", rest)) => format!("http://{rest}:11371"),
        Some(("hkps", rest)) => format!("https://{rest}"),
        Some(_) => server.to_owned(),
        None => format!("http://{server}:11371"),
    };
    format!(
        "{}/pks/lookup?op=get&options=mr&search=0x{id}",
        base.trim_end_matches('/')
    )
}

/// A key ID or fingerprint, without `0x` and gaps.
fn read_id(id: &str) -> Result<String, ModuleError> {
    let bare: String = id.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.to_uppercase();
    let bare = bare.strip_prefix("0X").unwrap_or(&bare);
    let is_hex = bare.chars().all(|c| c.is_ascii_hexdigit());
    if is_hex && bare.len() >= 8 {
        return Ok(bare.to_owned());
    }
    Err(ModuleError::new(format!("Invalid key_id: {id}")))
}

fn tail(id: &str, count: usize) -> &str {
    &id[id.len().saturating_sub(count)..]
}

fn write(path: &Path, keys: &[Key]) -> Change {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| key.packets.clone()).collect();
    Change::Write(FileWrite {
        permissions: PUBLIC,
        ..FileWrite::new(path, bytes)
    })
}
