//! Which of several variables of one name counts.
//!
//! Ansible has 22 levels. Here a host's variables are a stack of maps, the weakest first; [`HostVariables`]
//! names the levels, so that nobody can put a map into the wrong place. What inventory files, `group_vars` and
//! `host_vars` say is merged once for each host ([`InventoryVariables`]). Templates are rendered only when they
//! are used, by `strata-jinja`.

mod inventory;
mod magic;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;
use strata_jinja::{Variable, Variables, unsafe_text};

use crate::load::add_variables;
use crate::play::{JsonMap, Keywords, Play, Role, Task};

pub use inventory::{InventoryVariables, Reading, SOPS_ENDINGS};
pub use magic::{ansible_core, groups, magic, role_names};

/// All that a host's templates may see, by level, the weakest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct HostVariables {
    /// What is so where nobody says otherwise: how the host is reached, that no facts are known; below all.
    pub stand_ins: Arc<JsonMap>,
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
    /// The keywords of the task, for `environment`, which wins over all variables of that name.
    pub keywords: Option<Arc<Keywords>>,
    /// Whether mappings of the same name are merged over all levels (`hash_behaviour = merge`).
    pub merge_hashes: bool,
    /// In a loop, the variables as they were before it: `vars` has no others, and so neither `item` nor what earlier
    /// items set (ansible-core 2.19).
    pub before_loop: Option<Arc<HostVariables>>,
}

impl HostVariables {
    /// Adds what the play's roles say to everybody: defaults and variables of those in `roles:` and of public includes.
    #[must_use]
    pub fn with_roles(&self, roles: &[Arc<Role>]) -> Self {
        let mut all = self.clone();
        for role in roles.iter().filter(|role| role.public) {
            all.role_defaults.push(role.defaults.clone());
            all.role_vars.push(role.vars.clone());
        }
        all
    }

    /// Adds what a task sees beyond the play: its role's defaults, vars and parameters, its own and its blocks' vars.
    ///
    /// The play's own roles are added, too, so this starts from what belongs to the host and the play.
    #[must_use]
    pub fn for_task(&self, play: &Play, task: &Task) -> Self {
        let mut all = self.with_roles(&play.roles);
        if let Some(role) = &task.role {
            all.add_role(role);
            all.magic = Arc::new(with_role(&self.magic, role));
        }
        all.keywords = Some(task.keywords.clone());
        all.task_vars.extend(task.keywords.vars.iter().cloned());
        all.include_parameters
            .extend(task.include_parameters.iter().cloned());
        all
    }

    fn add_role(&mut self, role: &Role) {
        for parent in &role.parents {
            self.role_defaults.push(parent.defaults.clone());
            self.role_vars.push(parent.given.clone());
            self.role_vars.push(parent.vars.clone());
            self.role_parameters.push(parent.parameters.clone());
        }
        for dependency in &role.dependencies {
            self.add_dependency(dependency);
        }
        self.role_defaults.push(role.defaults.clone());
        self.role_vars.push(role.vars.clone());
        self.role_vars.push(role.given.clone());
        self.role_parameters.push(role.parameters.clone());
    }

    fn add_dependency(&mut self, role: &Role) {
        for dependency in &role.dependencies {
            self.add_dependency(dependency);
        }
        self.role_defaults.push(role.defaults.clone());
        self.role_vars.push(role.vars.clone());
    }

    /// The levels, the strongest first, each with whether its texts are templates.
    fn levels(&self) -> impl Iterator<Item = (&Arc<JsonMap>, bool)> {
        let one = |map, templates| std::iter::once((map, templates));
        one(&self.extra_vars, true)
            .chain(one(&self.local, false))
            .chain(many(&self.include_parameters))
            .chain(many(&self.role_parameters))
            .chain(one(&self.set_facts, false))
            .chain(one(&self.include_vars, true))
            .chain(many(&self.task_vars))
            .chain(many(&self.role_vars))
            .chain(many(&self.vars_files))
            .chain(many(&self.play_vars))
            .chain(one(&self.facts, false))
            .chain(one(&self.inventory, true))
            .chain(many(&self.role_defaults))
            .chain(one(&self.stand_ins, false))
    }
}

/// A mapping over the weaker ones of its name. What was found on hosts holds no templates: beside what is written in
/// files its texts are marked, so that they do not become any.
fn merged<'a>(
    strongest: (&'a Json, bool),
    weaker: impl Iterator<Item = (&'a Json, bool)>,
) -> (Json, bool) {
    let weaker = weaker.take_while(|(value, _)| value.is_object());
    let mut levels: Vec<(&Json, bool)> = std::iter::once(strongest).chain(weaker).collect();
    levels.reverse();
    let templates = levels.iter().any(|(_, templates)| *templates);
    let mut all = JsonMap::new();
    for (level, own) in levels {
        let level = match templates && !own {
            true => without_templates(level),
            false => level.clone(),
        };
        add_variables(&mut all, JsonMap::from_iter([(String::new(), level)]), true);
    }
    (all.remove("").unwrap_or_default(), templates)
}

/// The value with its texts marked as such where they look like templates.
fn without_templates(value: &Json) -> Json {
    match value {
        Json::String(text) if text.contains('{') => unsafe_text(text.as_str()),
        Json::Array(items) => items.iter().map(without_templates).collect(),
        Json::Object(map) => {
            let marked = map.iter();
            let marked = marked.map(|(name, value)| (name.clone(), without_templates(value)));
            Json::Object(marked.collect())
        }
        other => other.clone(),
    }
}

fn many(maps: &[Arc<JsonMap>]) -> impl Iterator<Item = (&Arc<JsonMap>, bool)> {
    maps.iter().rev().map(|map| (map, true))
}

/// What the keywords of that name say of a task, the outermost first.
const ENVIRONMENT: &str = "environment";

fn with_role(magic: &BTreeMap<String, Variable>, role: &Role) -> BTreeMap<String, Variable> {
    let mut magic = magic.clone();
    let text = |text: &str| Variable::Plain(Arc::new(text.into()));
    let list = |names: Vec<String>| Variable::Plain(Arc::new(names.into()));
    let parents = role.parents.iter().rev().filter(|parent| parent.by_task);
    let (names, paths): (Vec<String>, Vec<String>) = parents
        .map(|parent| (parent.name.clone(), parent.path.display().to_string()))
        .unzip();
    magic.insert("role_name".to_owned(), text(role.short_name()));
    if let Some(collection) = &role.collection {
        magic.insert("ansible_collection_name".to_owned(), text(collection));
    }
    magic.insert("ansible_role_name".to_owned(), text(&role.name));
    magic.insert(
        "role_path".to_owned(),
        text(&role.path.display().to_string()),
    );
    // As in Ansible there are no such variables for a role that no other includes.
    if !names.is_empty() {
        magic.insert("ansible_parent_role_names".to_owned(), list(names));
        magic.insert("ansible_parent_role_paths".to_owned(), list(paths));
    }
    magic
}

impl Variables for HostVariables {
    fn get(&self, name: &str) -> Option<Variable> {
        if let Some(variable) = self.magic.get(name) {
            return Some(variable.clone());
        }
        if let Some(keywords) = self.keywords.as_ref().filter(|_| name == ENVIRONMENT) {
            let said = keywords.environment.iter();
            let said = said.map(|said| said.value.clone()).collect();
            return Some(Variable::Template(Arc::new(said)));
        }
        let mut found = self
            .levels()
            .filter_map(|(map, templates)| map.get(name).map(|value| (map, value, templates)));
        let (map, value, templates) = found.next()?;
        let (value, templates) = match value {
            Json::Object(_) if self.merge_hashes => {
                let weaker = found.map(|(_, value, templates)| (value, templates));
                merged((value, templates), weaker)
            }
            // What may be large is not copied for each template that touches it.
            Json::Object(_) | Json::Array(_) => {
                return Some(Variable::Entry {
                    map: map.clone(),
                    name: name.into(),
                    templates,
                });
            }
            value => (value.clone(), templates),
        };
        let value = Arc::new(value);
        Some(if templates {
            Variable::Template(value)
        } else {
            Variable::Plain(value)
        })
    }

    fn is_in_vars(&self, name: &str) -> bool {
        let before = self.before_loop.as_ref();
        before.is_none_or(|before| before.get(name).is_some())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.magic.keys().cloned().collect();
        names.extend(self.keywords.is_some().then(|| ENVIRONMENT.to_owned()));
        names.extend(self.levels().flat_map(|(map, _)| map.keys().cloned()));
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests;
