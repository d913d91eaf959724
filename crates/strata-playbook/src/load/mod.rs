//! From files to a [`Playbook`].

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostics, files::Files};

use crate::play::{
    Handler, JsonMap, Keywords, Node, Play, Playbook, Role, RoleFiles, Spanned, Task,
};

/// Where things are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Further folders with roles, after `roles/` beside the playbook.
    pub roles_path: Vec<PathBuf>,
    /// Variables known before anything runs (extra variables), for the names of imported files.
    pub extra_vars: Arc<JsonMap>,
}

/// Loads a playbook with all that it imports. Reports every mistake it finds; gives none if there are errors.
pub fn load(
    files: &dyn Files,
    path: &Path,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Playbook> {
    unimplemented!(
        "{path:?} {options:?} {diags:?} {}",
        files.kind(path).is_some()
    )
}

/// What an `include_tasks` or `include_role` brought.
#[derive(Clone, Debug)]
pub struct Included {
    /// The tasks.
    pub nodes: Vec<Node>,
    /// Handlers of included roles.
    pub handlers: Vec<Arc<Handler>>,
    /// The included roles with their dependencies.
    pub roles: Vec<Arc<Role>>,
}

/// Reads the tasks of a file for the `include_tasks` task that reached it.
///
/// `file` is rendered; a relative one is looked for beside the including file and in the role's `tasks`.
/// `parameters` are the variables that the include gives (`vars`, rendered loop variable).
pub fn include_tasks(
    files: &dyn Files,
    play: &Play,
    task: &Task,
    file: &Spanned<String>,
    parameters: Arc<JsonMap>,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Included> {
    unimplemented!(
        "{play:?} {task:?} {file:?} {parameters:?} {options:?} {diags:?} {}",
        files.kind(Path::new("")).is_some()
    )
}

/// Loads a role for the `include_role` task that reached it.
#[expect(
    clippy::too_many_arguments,
    reason = "each says something else about the include"
)]
pub fn include_role(
    files: &dyn Files,
    play: &Play,
    task: &Task,
    name: &Spanned<String>,
    from: &RoleFiles,
    parameters: Arc<JsonMap>,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Included> {
    unimplemented!(
        "{play:?} {task:?} {name:?} {from:?} {parameters:?} {options:?} {diags:?} {}",
        files.kind(Path::new("")).is_some()
    )
}

/// Reads a file of variables: `vars_files`, `include_vars`, `-e @FILE`. YAML or JSON by content.
pub fn vars_file(files: &dyn Files, path: &Path, diags: &mut Diagnostics) -> Option<JsonMap> {
    unimplemented!(
        "{path:?} {diags:?} {} {:?}",
        files.kind(path).is_some(),
        Keywords::default()
    )
}
