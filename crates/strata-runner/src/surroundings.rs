//! What templates see of the world: the files around a task, the environment, the time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::files::Files;
use strata_jinja::{Now, Plugin, Surroundings};
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
