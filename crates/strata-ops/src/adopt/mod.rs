//! Writes a first `strata.hcl` for a repository as it stands, and says what it could not place.
//!
//! [`draft`] walks the folder once (`walk`), looks at what is there (`terraform`, `playbooks`,
//! `inventories`, `glue`), sorts it by environment (`environments`) and writes it down (`write`). It
//! changes nothing, and what it is not sure of stands in the draft as a comment.

mod environments;
mod glue;
mod inventories;
mod names;
mod playbooks;
mod terraform;
#[cfg(test)]
mod tests;
mod walk;
mod write;

use std::path::Path;

use strata_core::files::Files;

/// A project file for a folder, and what it leaves out.
pub struct Draft {
    /// The text of `strata.hcl`.
    pub text: String,
    /// Environments, stages and the like that it has, in words.
    pub placed: Vec<String>,
    /// What was found and has no place in it: a path, and why.
    pub unplaced: Vec<(String, String)>,
}

/// Looks through a folder; `name` is the project's. None if there is nothing to make a project of.
pub fn draft(files: &dyn Files, folder: &Path, name: &str) -> Option<Draft> {
    let tree = walk::walk(files, folder);
    let found = Found {
        modules: terraform::root_modules(files, folder, &tree),
        playbooks: playbooks::entries(files, folder, &tree),
        inventories: inventories::sources(files, folder, &tree),
        env_file: glue::env_file(files, folder, &tree),
        glue: glue::programs(files, folder, &tree),
    };
    if found.modules.is_empty() && found.playbooks.is_empty() {
        return None;
    }
    Some(write::write(&found, name))
}

/// All that was found.
struct Found {
    modules: Vec<terraform::RootModule>,
    playbooks: Vec<playbooks::Entry>,
    inventories: Vec<inventories::Source>,
    env_file: Option<glue::EnvFile>,
    glue: Vec<(String, String)>,
}
