//! Which of several variables of one name counts.
//!
//! Ansible has 22 levels. Here a host's variables are a stack of maps, the weakest first; [`HostVariables`]
//! names the levels, so that nobody can put a map into the wrong place. Templates in them are rendered only
//! when they are used, by `strata-jinja`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use strata_core::{Diagnostics, files::Files};
use strata_jinja::{Variable, Variables};

use crate::{
    Inventory,
    play::{JsonMap, Play, Task},
};

/// The variables that inventory files, `group_vars` and `host_vars` give each host, merged in Ansible's order.
#[derive(Clone, Debug)]
pub struct InventoryVariables {
    hosts: BTreeMap<String, Arc<JsonMap>>,
}

impl InventoryVariables {
    /// Reads `group_vars` and `host_vars` beside the inventory sources and the playbook, and merges all.
    pub fn load(
        files: &dyn Files,
        inventory: &Inventory,
        inventory_folders: &[PathBuf],
        playbook_folder: Option<&PathBuf>,
        diags: &mut Diagnostics,
    ) -> Self {
        unimplemented!(
            "{inventory:?} {inventory_folders:?} {playbook_folder:?} {diags:?} {}",
            files.list(std::path::Path::new("")).is_ok()
        )
    }

    /// The variables of a host; empty for unknown ones.
    pub fn of(&self, host: &str) -> Arc<JsonMap> {
        self.hosts.get(host).cloned().unwrap_or_default()
    }
}

/// All that a host's templates may see, by level, the weakest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct HostVariables {
    /// Defaults of the play's roles and of the task's role.
    pub role_defaults: Vec<Arc<JsonMap>>,
    /// Inventory, `group_vars` and `host_vars`, merged.
    pub inventory: Arc<JsonMap>,
    /// `ansible_facts` and the facts under their own names (`ansible_*`); never templates.
    pub facts: Arc<JsonMap>,
    /// `vars` of the play, answers to `vars_prompt`.
    pub play_vars: Vec<Arc<JsonMap>>,
    /// `vars_files` of the play, in order.
    pub vars_files: Vec<Arc<JsonMap>>,
    /// `vars` of the play's roles and of the task's role.
    pub role_vars: Vec<Arc<JsonMap>>,
    /// `vars` of blocks and of the task.
    pub task_vars: Vec<Arc<JsonMap>>,
    /// `include_vars`.
    pub include_vars: Arc<JsonMap>,
    /// `set_fact` and registered results; never templates.
    pub set_facts: Arc<JsonMap>,
    /// Parameters of the role.
    pub role_parameters: Vec<Arc<JsonMap>>,
    /// Parameters of includes.
    pub include_parameters: Vec<Arc<JsonMap>>,
    /// Extra variables (`-e`).
    pub extra_vars: Arc<JsonMap>,
    /// Loop variables and other values that the runner sets for one task; never templates.
    pub local: Arc<JsonMap>,
    /// What the engine provides: `inventory_hostname`, `groups`, `hostvars`, `playbook_dir`, ...; wins over all.
    pub magic: Arc<BTreeMap<String, Variable>>,
}

impl HostVariables {
    /// Adds what a task sees beyond the play: its role's defaults, vars and parameters, its own and its blocks' vars.
    #[must_use]
    pub fn for_task(&self, play: &Play, task: &Task) -> Self {
        unimplemented!("{play:?} {task:?}")
    }
}

impl Variables for HostVariables {
    fn get(&self, name: &str) -> Option<Variable> {
        self.magic.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The magic variables that need no running: `inventory_hostname`, `group_names`, `groups`, `playbook_dir`,
/// `role_path`, `inventory_dir`, ... The runner adds `hostvars`, `ansible_play_hosts`, `ansible_check_mode` and the like.
pub fn magic(inventory: &Inventory, host: &str, play: &Play) -> BTreeMap<String, Variable> {
    unimplemented!("{inventory:?} {host} {play:?}")
}
