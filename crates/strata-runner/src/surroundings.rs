//! What templates see of the world: the files around a task, the environment, the time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    path::PathBuf,
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::files::Files;
use strata_jinja::{Now, Surroundings};

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

    fn lookup(
        &self,
        name: &str,
        _terms: &[Json],
        _options: &JsonMap,
    ) -> Option<Result<Vec<Json>, String>> {
        // Known to Ansible, refused by name: the first two run programs or write files on this machine in the
        // middle of a template, where check mode could not hold them back.
        matches!(name, "pipe" | "password" | "lines" | "url").then(|| {
            Err(format!(
                "the lookup `{name}` is not supported by Strata: it would act on this machine inside a template"
            ))
        })
    }
}
