//! What templates see of the world: the files around a task, the environment, the time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::files::Files;
use strata_jinja::{Now, Plugin, Surroundings, TemplateFile};
use strata_playbook::vault::Envelope;

use crate::{JsonMap, Options};

/// The world as one task's templates see it.
pub(crate) struct World {
    options: Arc<Options>,
    folders: Vec<PathBuf>,
}

impl World {
    pub(crate) fn new(options: &Arc<Options>, folders: Vec<PathBuf>) -> Self {
        Self {
            options: options.clone(),
            folders,
        }
    }
}

impl Surroundings for World {
    fn files(&self) -> &dyn Files {
        self.options.files.as_ref()
    }

    fn search_folders(&self) -> Vec<PathBuf> {
        self.folders.clone()
    }

    fn environment_variable(&self, name: &str) -> Option<String> {
        self.options.environment.get(name).cloned()
    }

    fn now(&self) -> Now {
        (self.options.now)()
    }

    fn random(&self) -> u64 {
        // Each `RandomState` has keys of its own.
        RandomState::new().build_hasher().finish()
    }

    fn template_file(&self, path: &Path) -> TemplateFile {
        template_file(&self.options, path)
    }

    fn decrypt(&self, text: &str) -> Option<Result<String, String>> {
        let decrypted = self.options.vault.value(text);
        Some(decrypted.map_err(|error| error.to_string()))
    }

    fn seal(&self, text: &str, password: &str, salt: Option<&str>, id: &str) -> Option<String> {
        let chance = || self.random().to_le_bytes();
        let salt = match salt {
            Some(salt) => salt.as_bytes().to_vec(),
            None => [chance(), chance(), chance(), chance()].concat(),
        };
        Some(Envelope::seal(text.as_bytes(), id, password.as_bytes(), &salt).write())
    }

    fn unseal(&self, text: &str, password: &str) -> Option<Result<String, String>> {
        let opened = Envelope::parse(text.as_bytes())
            .and_then(|envelope| envelope.open(password.as_bytes()))
            .map_err(|error| error.to_string());
        Some(opened.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "what was encrypted is no text".to_owned())
        }))
    }

    fn plugin(&self, plugin: &Plugin, arguments: &[Json], named: &JsonMap) -> Result<Json, String> {
        match &self.options.plugins {
            Some(plugins) => (plugins.call)(plugin, arguments, named),
            None => Err("the project has no plugins".to_owned()),
        }
    }

    fn lookup(
        &self,
        name: &str,
        terms: &[Json],
        options: &JsonMap,
    ) -> Option<Result<Vec<Json>, String>> {
        // The last folder is the playbook's, in which such lookups run.
        let folder = self.folders.last().map_or(Path::new(""), PathBuf::as_path);
        (self.options.lookup)(folder, name, terms, options)
    }
}

/// What a template may know of its file; of one that is not on the disk of this machine only where that is.
pub(crate) fn template_file(options: &Options, path: &Path) -> TemplateFile {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let mut file = TemplateFile {
        host: kernel.unwrap_or_default().trim().to_owned(),
        managed: options.managed.clone(),
        ..TemplateFile::default()
    };
    if let Some(metadata) = std::fs::metadata(path).ok().filter(|_| options.disk) {
        file.owner = user_name(metadata.uid());
        file.modified = metadata.mtime();
    }
    file
}

/// The name of a user of this machine; the number of one without.
fn user_name(id: u32) -> String {
    let id = id.to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1) == Some(id.as_str())).then(|| name.to_owned())
    });
    named.unwrap_or(id)
}
