//! What travels downward while tasks are read.

use std::{path::PathBuf, sync::Arc};

use crate::play::{JsonMap, Keywords, Role};

/// What the things around a task say about it.
#[derive(Clone)]
pub(super) struct Context {
    /// What is inherited so far.
    pub(super) keywords: Arc<Keywords>,
    /// The role that the tasks belong to.
    pub(super) role: Option<Arc<Role>>,
    /// The folder of the file that is being read.
    pub(super) folder: PathBuf,
    /// The folder of the playbook.
    pub(super) playbook_folder: PathBuf,
    /// What dynamic includes gave.
    pub(super) include_parameters: Vec<Arc<JsonMap>>,
    /// How many imports led here.
    pub(super) depth: usize,
}

/// How many imports may lead into one another.
pub(super) const MAX_DEPTH: usize = 40;
