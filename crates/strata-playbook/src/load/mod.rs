//! From files to a [`Playbook`].
//!
//! A playbook file becomes plays ([`plays`]), those name roles ([`roles`]) and hold tasks ([`tasks`]), whose
//! actions are taken apart by [`actions`]. What plays and blocks hand down travels in a `Context`. What is
//! static (`import_*`, `roles`) is expanded here; [`include_tasks`] and [`include_role`] load the rest when the
//! runner gets there.

mod actions;
mod argument_specs;
mod arguments;
mod context;
mod fields;
mod imports;
mod include;
mod keywords;
mod merge;
mod module_groups;
mod plays;
mod prompts;
mod reader;
mod roles;
mod spelling;
mod tasks;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostics, files::Files};

use crate::play::{JsonMap, Playbook};

pub use include::{Included, RoleInclude, Site, include_role, include_tasks};
pub use merge::add_variables;
pub use reader::vars_file;
pub use spelling::closest;

/// Where things are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Further folders with roles, after `roles/` beside the playbook.
    pub roles_path: Vec<PathBuf>,
    /// Folders with `ansible_collections` in them, after `collections/` beside the playbook.
    pub collections_path: Vec<PathBuf>,
    /// Whether mappings of the same name are merged (`hash_behaviour = merge`); else the stronger one counts.
    pub merge_hashes: bool,
    /// Whether roles keep their defaults and variables to themselves (`private_role_vars`), unless they are `public`.
    pub private_role_vars: bool,
    /// Variables known before anything runs (extra variables), for the names of imported files.
    pub extra_vars: Arc<JsonMap>,
}

/// Loads a playbook with all that it imports. Reports every mistake it finds; gives none if there are errors.
///
/// Where no file is at the path, its last part may be a playbook of a collection (`NAMESPACE.COLLECTION.NAME`).
pub fn load(
    files: &dyn Files,
    path: &Path,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Playbook> {
    let mut found = Diagnostics::new();
    let mut reader = reader::Reader::new(files, options, &mut found);
    let path = plays::find(&reader, path);
    let plays = plays::read(&mut reader, &path, 0);
    let failed = found.has_errors();
    diags.append(found);
    (!failed).then_some(Playbook { path, plays })
}

#[cfg(test)]
mod tests;
