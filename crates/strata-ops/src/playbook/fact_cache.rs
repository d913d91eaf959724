//! Facts kept from run to run, as Ansible's cache plugin `jsonfile` keeps them: one file of JSON a host.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics};
use strata_runner::FactCache;

use super::settings::Settings;

/// How long facts are good when nobody says otherwise: a day.
const TIMEOUT: u64 = 86_400;

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
    fn path(&self, host: &str) -> Option<PathBuf> {
        // A name with a slash would lead out of the folder.
        (!host.contains('/')).then(|| self.folder.join(format!("{}{host}", self.prefix)))
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
        file.write_all(&serde_json::to_vec_pretty(facts)?)?;
        fs::rename(&temporary, path)
    }
}

impl FactCache for JsonFiles {
    fn load(&self, host: &str) -> Option<Map<String, Json>> {
        let path = self.path(host).filter(|path| self.is_fresh(path))?;
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn store(&self, host: &str, facts: &Map<String, Json>) {
        if let Some(path) = self.path(host) {
            // A cache that cannot be written is a slower next run, not a failed one.
            drop(self.write(&path, facts));
        }
    }
}
