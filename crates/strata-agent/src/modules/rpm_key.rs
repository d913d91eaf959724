//! `rpm_key`: a key that rpm trusts.

use serde_json::json;

use super::programs::{self, plain};
use super::scratch::Scratch;
use super::{download, openpgp};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct RpmKey {
    key: String,
    present: bool,
    fingerprints: Vec<String>,
    verify: bool,
}

/// What rpm has of the key, and the file of the key where it is to be imported.
pub(super) struct Found {
    there: Vec<String>,
    file: Option<String>,
    /// Where the file is, if it is no file of the host.
    _folder: Option<Scratch>,
}

impl Module for RpmKey {
    const SPEC: Spec = Spec::new(
        "rpm_key",
        &[
            Field::str("key").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::list("fingerprint"),
            Field::bool("validate_certs", true),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<RpmKey, ModuleError> {
        let fingerprints = arguments.list("fingerprint").unwrap_or_default();
        Ok(RpmKey {
            key: arguments.text("key"),
            present: arguments.text("state") == "present",
            fingerprints: fingerprints.iter().map(|text| plain_id(text)).collect(),
            verify: arguments.bool("validate_certs"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "rpm")?;
        let content = if download::is_address(&self.key) {
            Some(download::fetch(host, &self.key, self.verify)?)
        } else if host.metadata_followed(self.key.as_ref())?.is_some() {
            Some(host.read(self.key.as_ref())?)
        } else {
            None
        };
        let ids = match &content {
            Some(content) => self.read(content)?,
            None if is_id(&self.key) => vec![plain_id(&self.key)],
            None => {
                return Err(ModuleError::new(format!(
                    "Not a valid key {}",
                    download::shown(&self.key)
                )));
            }
        };
        let listed = host.run(&plain(["rpm", "-q", "gpg-pubkey"]))?;
        let mut there = Vec::new();
        let mut all = true;
        for id in &ids {
            // rpm names a key by the last eight digits, in lower case.
            let tail = id[id.len().saturating_sub(8)..].to_lowercase();
            let start = format!("gpg-pubkey-{tail}-");
            let found = listed
                .stdout
                .lines()
                .filter(|line| line.starts_with(&start));
            let found: Vec<String> = found.map(str::to_owned).collect();
            all &= !found.is_empty();
            there.extend(found);
        }
        if self.present && content.is_none() && !all {
            return Err(ModuleError::new(
                "When importing a key, a valid file must be given",
            ));
        }
        let mut found = Found {
            file: None,
            _folder: None,
            there,
        };
        if let Some(content) = content.filter(|_| self.present && !all) {
            // rpm reads no pipe.
            if download::is_address(&self.key) {
                let folder = Scratch::new(host)?;
                let text = String::from_utf8_lossy(&content);
                found.file = Some(folder.put(host, "key", &text)?);
                found._folder = Some(folder);
            } else {
                found.file = Some(self.key.clone());
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if let Some(file) = &found.file {
            return vec![programs::change(plain(["rpm", "--import", file]))];
        }
        if self.present || found.there.is_empty() {
            return Vec::new();
        }
        let argv = ["rpm", "--erase", "--allmatches"].into_iter();
        let names = found.there.iter().map(String::as_str);
        vec![programs::change(plain(argv.chain(names)))]
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({}))))
    }
}

impl RpmKey {
    /// The keys of a file, which must be those that the task names.
    fn read(&self, content: &[u8]) -> Result<Vec<String>, ModuleError> {
        let keys = openpgp::keys(content);
        if keys.is_empty() {
            let shown = download::shown(&self.key);
            return Err(ModuleError::new(format!("Not a public key: {shown}")));
        }
        let all: Vec<String> = keys.iter().map(|key| key.fingerprint.clone()).collect();
        let wanted = |fingerprint: &String| self.fingerprints.contains(fingerprint);
        if !self.fingerprints.is_empty() && !all.iter().any(wanted) {
            let (wanted, found) = (set_of(&self.fingerprints), set_of(&all));
            return Err(ModuleError::new(format!(
                "The specified fingerprint, '{wanted}', does not match any key fingerprints in \
                 '{found}'"
            )));
        }
        Ok(all)
    }
}

/// Texts as Python prints a set of them.
fn set_of(texts: &[String]) -> String {
    format!("{{'{}'}}", texts.join("', '"))
}

fn plain_id(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.to_uppercase();
    bare.strip_prefix("0X").unwrap_or(&bare).to_owned()
}

fn is_id(text: &str) -> bool {
    let id = plain_id(text);
    matches!(id.len(), 8 | 16 | 40) && id.chars().all(|c| c.is_ascii_hexdigit())
}
