//! `known_hosts`: the key by which ssh knows a host.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha1::Digest;

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::base64::encode as base64;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::{base64 as code, glob};

pub(super) struct KnownHosts {
    name: String,
    host: String,
    key: Option<String>,
    path: PathBuf,
    hash: bool,
    present: bool,
}

/// The file, and what becomes of it.
pub(super) struct Found {
    file: Existing,
    text: Option<String>,
}

/// One line of the file.
#[derive(PartialEq)]
struct Entry<'a> {
    marker: &'a str,
    hosts: &'a str,
    kind: &'a str,
    key: &'a str,
}

impl Module for KnownHosts {
    const SPEC: Spec = Spec::new(
        "known_hosts",
        &[
            Field::str("name").alias(&["host"]).required(),
            Field::str("key"),
            Field::path("path").default("~/.ssh/known_hosts"),
            Field::bool("hash_host", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<KnownHosts, ModuleError> {
        let name = arguments.text("name");
        let present = arguments.text("state") == "present";
        let key = arguments.string("key").filter(|key| !key.trim().is_empty());
        let host = name.to_lowercase();
        if present && key.is_none() {
            return Err(ModuleError::new("No key specified when adding a host"));
        }
        if key.is_some() && host.contains(',') {
            return Err(ModuleError::new(
                "Comma separated list of names is not supported. Please pass a single name to \
                 lookup in the known_hosts file.",
            ));
        }
        let hash = arguments.bool("hash_host");
        if let Some(key) = &key {
            let entry = parse(key.trim());
            let fits = entry.is_some_and(|entry| hash || is_for(entry.hosts, &host));
            if !fits {
                return Err(ModuleError::new(
                    "Host parameter does not match hashed host field in supplied key",
                ));
            }
        }
        Ok(KnownHosts {
            name,
            host,
            key,
            path: arguments.path("path").unwrap_or_default(),
            hash,
            present,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.path)?;
        let text = match (self.present, &self.key) {
            (true, Some(key)) => self.with(host, &file.text, key),
            (_, key) => self.without(&file.text, key.as_deref()),
        };
        let text = text.filter(|text| *text != file.text);
        Ok(Found { file, text })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.text.clone().map(|text| Edited {
            heading: Heading::File,
            text,
            backup: false,
            validate: None,
        });
        found.file.changes(edited, &Wanted::default())
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "name": self.name, "key": self.key, "path": self.path.to_string_lossy(),
            "hash_host": self.hash, "state": if self.present { "present" } else { "absent" },
        }))))
    }
}

impl KnownHosts {
    /// The text with the key in it; another key of the same kind for the host gives way.
    fn with(&self, host: &dyn Host, text: &str, key: &str) -> Option<String> {
        let new = parse(key.trim())?;
        let mut replaced = None;
        for (at, line) in text.lines().enumerate() {
            let Some(old) = parse(line).filter(|old| is_for(old.hosts, &self.host)) else {
                continue;
            };
            let both_hashed =
                old.hosts.starts_with("|1|") && (self.hash || new.hosts.starts_with("|1|"));
            let same_hosts = old.hosts == new.hosts && !self.hash || both_hashed;
            let same_key = (old.marker, old.kind, old.key) == (new.marker, new.kind, new.key);
            if same_key && same_hosts {
                return None;
            }
            if replaced.is_none() && old.marker.is_empty() && old.kind == new.kind {
                replaced = Some(at);
            }
        }
        let lines = text.split_inclusive('\n').enumerate();
        let kept = lines.filter(|(at, _)| Some(*at) != replaced);
        let mut edited: String = kept.map(|(_, line)| line).collect();
        if !edited.is_empty() && !edited.ends_with('\n') {
            edited.push('\n');
        }
        let line = match self.hash {
            true => self.hashed(host, key.trim()),
            false => key.trim_end_matches('\n').to_owned(),
        };
        Some(format!("{edited}{line}\n"))
    }

    /// The text without the host; or, as in Ansible, without the first line of it that has this key or another of its kind.
    fn without(&self, text: &str, key: Option<&str>) -> Option<String> {
        let key = key.and_then(|key| parse(key.trim()));
        let mut gone = false;
        let kept = text.split_inclusive('\n').filter(|line| {
            let Some(entry) = parse(line).filter(|entry| is_for(entry.hosts, &self.host)) else {
                return true;
            };
            let Some(key) = &key else {
                return false;
            };
            let is_same = (entry.marker, entry.key) == (key.marker, key.key);
            let goes = !gone && entry.kind == key.kind && (entry.marker.is_empty() || is_same);
            gone |= goes;
            !goes
        });
        Some(kept.collect())
    }

    /// The line with the host's name hidden, as `ssh-keygen -H` does.
    fn hashed(&self, host: &dyn Host, line: &str) -> String {
        let salt = salt(host);
        let hidden = format!("|1|{}|{}", base64(&salt), base64(&hmac(&salt, &self.host)));
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let at = usize::from(line.starts_with('@'));
        if let Some(word) = words.get_mut(at) {
            *word = &hidden;
        }
        words.join(" ")
    }
}

fn parse(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_whitespace();
    let first = words.next().filter(|first| !first.starts_with('#'))?;
    let (marker, hosts) = match first.starts_with('@') {
        true => (first, words.next()?),
        false => ("", first),
    };
    Some(Entry {
        marker,
        hosts,
        kind: words.next()?,
        key: words.next()?,
    })
}

/// Whether a line's hosts mean the host: by name, by pattern, or by the hash of its name.
fn is_for(hosts: &str, host: &str) -> bool {
    if let Some((salt, digest)) = hosts
        .strip_prefix("|1|")
        .and_then(|rest| rest.split_once('|'))
    {
        let salt = code::decode(salt);
        return salt.is_some_and(|salt| base64(&hmac(&salt, host)) == digest);
    }
    let matches = |pattern: &str| {
        let pattern = pattern.to_lowercase().replace('[', "[[]");
        glob::compile(&pattern).is_some_and(|pattern| pattern.is_match(host))
    };
    let mut patterns = hosts.split(',');
    let refused = hosts
        .split(',')
        .any(|pattern| pattern.strip_prefix('!').is_some_and(matches));
    !refused && patterns.any(matches)
}

fn salt(host: &dyn Host) -> Vec<u8> {
    let mut salt = vec![0; 20];
    let random = host.open(Path::new("/dev/urandom"));
    let read = random.map(|mut random| random.read_exact(&mut salt));
    match read {
        Ok(Ok(())) => salt,
        // A model has none; nobody looks for its hosts.
        _ => sha1::Sha1::digest(host.now().to_be_bytes()).to_vec(),
    }
}

/// HMAC with SHA-1 (RFC 2104), which is what hides names.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = [0_u8; 64];
    let key = if key.len() > 64 {
        sha1::Sha1::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    block[..key.len()].copy_from_slice(&key);
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = sha1::Sha1::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    let outer = sha1::Sha1::new().chain_update(padded(0x5c));
    outer.chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_by_name_pattern_and_hash() {
        assert!(is_for("a,b.example", "b.example"));
        assert!(is_for("*.example", "b.example"));
        assert!(!is_for("*.example,!b.example", "b.example"));
        assert!(is_for("[h]:2222", "[h]:2222"));
        // As `ssh-keygen -H` writes `localhost`.
        let salt = b"01234567890123456789";
        let line = format!("|1|{}|{}", base64(salt), base64(&hmac(salt, "localhost")));
        assert!(is_for(&line, "localhost"));
        assert!(!is_for(&line, "other"));
    }

    /// RFC 2202, test case 2.
    #[test]
    fn names_are_hidden_with_hmac() {
        let digest = crate::digest::hex(&hmac(b"Jefe", "what do ya want for nothing?"));
        assert_eq!(digest, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
