//! Facts kept from run to run, as Ansible's cache plugin `jsonfile` keeps them: one file of JSON a host.
//!
//! Since ansible-core 2.19 the file of a host is `s1_HOST`, and holds a text of JSON in which values may carry where they
//! come from. That is what is written; a file `HOST` of plain facts, as up to 2.18, is read where there is no other.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_runner::FactCache;

use super::settings::Settings;

/// How long facts are good when nobody says otherwise: a day.
const TIMEOUT: u64 = 86_400;

/// What begins the names of files of this form.
const FORM: &str = "s1_";

/// The only entry of such a file.
const PAYLOAD: &str = "__payload__";

/// Says of a host that its facts were gathered, not only set.
const GATHERED: &str = "_ansible_facts_gathered";

struct JsonFiles {
    folder: PathBuf,
    prefix: String,
    /// None: for ever.
    timeout: Option<Duration>,
}

/// The cache that the settings ask for; none for `memory`, which keeps nothing.
pub(super) fn of(
    settings: &Settings,
    flush: bool,
    diags: &mut Diagnostics,
) -> Option<Arc<dyn FactCache>> {
    let kind = settings.text("fact_caching")?;
    match kind.rsplit('.').next().unwrap_or_default() {
        "memory" => return None,
        "jsonfile" => {}
        _ => {
            let message = format!(
                "the fact cache `{kind}` is not supported by Strata, only `memory` and `jsonfile`"
            );
            diags.push(Diagnostic::error("ansible-cfg", message));
            return None;
        }
    }
    let Some(folder) = settings.path("fact_caching_connection") else {
        let message = "the fact cache `jsonfile` needs `fact_caching_connection`, its folder";
        diags.push(Diagnostic::error("ansible-cfg", message));
        return None;
    };
    let seconds = settings
        .number("fact_caching_timeout", diags)
        .unwrap_or(TIMEOUT);
    let cache = JsonFiles {
        folder,
        prefix: settings.text("fact_caching_prefix").unwrap_or_default(),
        timeout: (seconds > 0).then(|| Duration::from_secs(seconds)),
    };
    if flush {
        cache.flush();
    }
    Some(Arc::new(cache))
}

impl JsonFiles {
    fn path(&self, form: &str, host: &str) -> Option<PathBuf> {
        // A name with a slash would lead out of the folder.
        let name = format!("{}{form}{host}", self.prefix);
        (!host.contains('/')).then(|| self.folder.join(name))
    }

    fn flush(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&self.prefix) {
                // What cannot be removed is too old soon, or read by nobody.
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    fn is_fresh(&self, path: &Path) -> bool {
        let Some(timeout) = self.timeout else {
            return true;
        };
        let age = fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age <= timeout)
    }

    fn write(&self, path: &Path, facts: &Map<String, Json>) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Beside the file and renamed, so that nobody reads half of it; facts are for nobody else to see.
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        let mut facts = facts.clone();
        if facts.contains_key("module_setup") {
            facts.insert(GATHERED.to_owned(), true.into());
        }
        let payload = serde_json::to_string(&facts)?;
        file.write_all(&serde_json::to_vec(&json!({ PAYLOAD: payload }))?)?;
        fs::rename(&temporary, path)
    }
}

/// A value without what Ansible notes of its values: `{"value": …, "tags": […], "__ansible_type": …}`.
fn plain(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Object(mut map)
            if map.contains_key("__ansible_type") && map.contains_key("value") =>
        {
            plain(map.remove("value").unwrap_or_default())
        }
        Json::Object(map) => {
            let entries = map.into_iter();
            entries.map(|(name, value)| (name, plain(value))).collect()
        }
        other => other,
    }
}

impl FactCache for JsonFiles {
    fn load(&self, host: &str) -> Option<Map<String, Json>> {
        let paths = [FORM, ""]
            .into_iter()
            .filter_map(|form| self.path(form, host));
        let path = paths.into_iter().find(|path| path.exists())?;
        if !self.is_fresh(&path) {
            return None;
        }
        let read: Json = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let facts = match read.get(PAYLOAD).and_then(Json::as_str) {
            Some(payload) => plain(serde_json::from_str(payload).ok()?),
            None => read,
        };
        let Json::Object(mut facts) = facts else {
            return None;
        };
        facts.remove(GATHERED);
        Some(facts)
    }

    fn store(&self, host: &str, facts: &Map<String, Json>) {
        if let Some(path) = self.path(FORM, host) {
            // A cache that cannot be written is a slower next run, not a failed one.
            drop(self.write(&path, facts));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> JsonFiles {
        JsonFiles {
            folder: folder.to_owned(),
            prefix: "facts_".to_owned(),
            timeout: None,
        }
    }

    /// Written by ansible-core 2.19.14 for `set_fact` with `cacheable`.
    #[test]
    fn what_ansible_wrote_is_read_without_its_notes() {
        let folder = tempfile::tempdir().unwrap();
        let written = r#"{"__payload__": "{\"kept\": {\"value\": [{\"value\": 1, \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedInt\"}, \"two\"], \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedList\"}, \"_ansible_facts_gathered\": true}"}"#;
        fs::write(folder.path().join("facts_s1_web"), written).unwrap();
        let facts = cache(folder.path()).load("web").unwrap();
        assert_eq!(Json::Object(facts), json!({"kept": [1, "two"]}));
    }

    #[test]
    fn facts_of_an_older_ansible_are_read_until_there_are_newer_ones() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        fs::write(folder.path().join("facts_web"), r#"{"a": 1}"#).unwrap();
        assert_eq!(cache.load("web").map(Json::Object), Some(json!({"a": 1})));
        let facts = json!({"a": 2, "module_setup": true});
        cache.store("web", facts.as_object().unwrap());
        assert_eq!(cache.load("web").map(Json::Object), Some(facts));
        let written = fs::read_to_string(folder.path().join("facts_s1_web")).unwrap();
        assert!(
            written.contains(r#"_ansible_facts_gathered\":true"#),
            "{written}"
        );
    }
}
