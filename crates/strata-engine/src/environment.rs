//! What a configuration is evaluated with.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use strata_config::{Chance, Config, Evaluator, EvaluatorOptions, Mode, Schemas};
use strata_core::{Value, files::Files};

/// A configuration and everything from outside that its values depend on; cheap to clone.
#[derive(Clone)]
pub struct Environment {
    /// The configuration.
    pub config: Arc<Config>,
    /// The root module's variables.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// What of them was given, as it was before it was converted.
    pub given: BTreeMap<Arc<str>, Value>,
    /// `terraform.workspace`.
    pub workspace: Arc<str>,
    /// What `file` and its kin read.
    pub files: Option<Arc<dyn Files>>,
    /// `path.cwd`.
    pub working_directory: PathBuf,
    /// What `plantimestamp` gives, in RFC 3339.
    pub plan_timestamp: Option<Arc<str>>,
}

impl Environment {
    pub(crate) fn evaluator(
        &self,
        schemas: &Schemas,
        chance: Option<Arc<dyn Chance + Send + Sync>>,
    ) -> Evaluator {
        Evaluator::new(
            self.config.clone(),
            EvaluatorOptions {
                mode: Mode::Run,
                variables: self.variables.clone(),
                workspace: self.workspace.clone(),
                files: self.files.clone(),
                working_directory: self.working_directory.clone(),
                plan_timestamp: self.plan_timestamp.clone(),
                chance,
                schemas: schemas.clone(),
            },
        )
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}
