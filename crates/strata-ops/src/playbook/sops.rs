//! Variables in files of SOPS, as the plugin `community.sops.sops` reads them where `vars_plugins_enabled` names it.
//!
//! The `sops` of this machine decrypts each file once in a run. What it gives is masked as what vaulted files hold is.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use strata_core::files::{Entry, EntryKind, FileError, FileErrorReason, Files};
use strata_playbook::{variables::SOPS_ENDINGS, vault::Secrets};

use super::settings::Settings;

/// Whether the settings ask for it.
pub(super) fn is_enabled(settings: &Settings) -> bool {
    let plugins = settings.list("vars_plugins_enabled");
    plugins.iter().any(|name| name == "community.sops.sops")
}

/// The tree of files, with those of SOPS in `group_vars` and `host_vars` read as what is in them if that is enabled.
pub(super) fn decrypting(
    files: Arc<dyn Files>,
    settings: &Settings,
    secrets: &Arc<Secrets>,
    environment: &BTreeMap<String, String>,
) -> Arc<dyn Files> {
    if !is_enabled(settings) {
        return files;
    }
    let mut environment = environment.clone();
    // Keys travel in the environment: arguments are for everybody to see.
    for (setting, variable) in [
        ("sops_age_key", "SOPS_AGE_KEY"),
        ("sops_age_keyfile", "SOPS_AGE_KEY_FILE"),
    ] {
        if let Some(value) = settings.text(setting) {
            environment.insert(variable.to_owned(), value);
        }
    }
    Arc::new(SopsFiles {
        files,
        secrets: secrets.clone(),
        program: settings.text("sops_binary").unwrap_or("sops".to_owned()),
        config: settings.text("sops_config_path"),
        environment,
        decrypted: Mutex::default(),
    })
}

struct SopsFiles {
    files: Arc<dyn Files>,
    secrets: Arc<Secrets>,
    program: String,
    /// SOPS's own configuration, if it is not where SOPS looks for it.
    config: Option<String>,
    environment: BTreeMap<String, String>,
    decrypted: Mutex<BTreeMap<PathBuf, Arc<[u8]>>>,
}

impl SopsFiles {
    fn decrypt(&self, path: &Path) -> Result<Arc<[u8]>, String> {
        let mut command = Command::new(&self.program);
        if let Some(config) = &self.config {
            command.args(["--config", config]);
        }
        let output = command
            .arg("--decrypt")
            .arg(path)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("`{}` cannot be started: {error}", self.program))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("`{}` cannot decrypt it: {said}", self.program));
        }
        if let Ok(text) = str::from_utf8(&output.stdout) {
            self.secrets.reveal(text);
        }
        Ok(output.stdout.into())
    }
}

/// Files of variables whose names say that they are encrypted.
fn is_sops(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_variables = |part: &Path| part.ends_with("group_vars") || part.ends_with("host_vars");
    SOPS_ENDINGS.iter().any(|ending| name.ends_with(ending))
        && path.ancestors().skip(1).any(is_variables)
}

impl Files for SopsFiles {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        if !is_sops(path) {
            return self.files.read(path);
        }
        let mut decrypted = self
            .decrypted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = decrypted.get(path) {
            return Ok(bytes.clone());
        }
        let bytes = self.decrypt(path).map_err(|reason| FileError {
            path: path.to_owned(),
            reason: FileErrorReason::Other(reason),
        })?;
        decrypted.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        self.files.list(folder)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        self.files.kind(path)
    }

    fn real(&self, path: &Path) -> PathBuf {
        self.files.real(path)
    }

    fn is_link(&self, path: &Path) -> bool {
        self.files.is_link(path)
    }

    fn is_mount(&self, path: &Path) -> bool {
        self.files.is_mount(path)
    }

    fn current(&self) -> Option<PathBuf> {
        self.files.current()
    }

    fn home(&self) -> Option<PathBuf> {
        self.files.home()
    }
}
