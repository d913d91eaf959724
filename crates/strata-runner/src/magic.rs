//! The variables that the engine itself provides, and the levels of a host's variables in a play.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde_json::{Value as Json, json};
use strata_jinja::{Scopes, Variable, Variables};
use strata_playbook::{
    Inventory,
    inventory::LOCAL,
    play::{Play, Role},
    variables::{self, HostVariables},
};

use crate::{JsonMap, Options, hosts::HostTable, scope::Watch};

/// What a batch knows for the variables of its hosts.
#[derive(Clone)]
pub(crate) struct PlayScope {
    pub(crate) play: Arc<Play>,
    pub(crate) table: Arc<HostTable>,
    pub(crate) options: Arc<Options>,
    /// `vars` of the play with the answers to its questions.
    pub(crate) play_vars: Vec<Arc<JsonMap>>,
    /// `vars_files`, as each host sees them.
    pub(crate) vars_files: BTreeMap<Arc<str>, Vec<Arc<JsonMap>>>,
    /// Included roles whose defaults and variables the rest of the play sees, for each host.
    pub(crate) roles: BTreeMap<Arc<str>, Vec<Arc<Role>>>,
    /// All roles that tasks included for each host, by which the names of roles go.
    pub(crate) included_roles: BTreeMap<Arc<str>, IncludedRoles>,
    /// Hosts that are still in the play.
    pub(crate) play_hosts: Arc<Json>,
    /// Hosts of the play, in all batches.
    pub(crate) play_hosts_all: Arc<Json>,
    /// Hosts of this batch that are still in the play.
    pub(crate) batch_hosts: Arc<Json>,
    pub(crate) cache: MagicCache,
}

/// What the inventory says of each host and of the groups, worked out once; to be emptied when the inventory changes.
#[derive(Clone, Default)]
pub(crate) struct MagicCache(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    hosts: HashMap<String, Magic>,
    /// `groups`, which is the same for all hosts.
    groups: Option<Arc<Json>>,
}

type Magic = Arc<BTreeMap<String, Variable>>;

impl MagicCache {
    fn of(&self, host: &str, inventory: &Inventory, play: &Play) -> BTreeMap<String, Variable> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(magic) = known.hosts.get(host) {
            return (**magic).clone();
        }
        let make = || Arc::new(variables::groups(inventory));
        let groups = known.groups.get_or_insert_with(make).clone();
        let magic = variables::magic(inventory, &groups, host, play);
        known.hosts.insert(host.to_owned(), Arc::new(magic.clone()));
        magic
    }
}

/// The roles that tasks included for a host.
#[derive(Clone, Default)]
pub(crate) struct IncludedRoles {
    roles: Vec<Arc<Role>>,
    /// What they and the play's are called, put together once: each task asks, and a loop may include thousands.
    names: OnceLock<BTreeMap<String, Variable>>,
}

impl IncludedRoles {
    pub(crate) fn add(&mut self, roles: &[Arc<Role>]) {
        self.roles.extend(roles.iter().cloned());
        self.names = OnceLock::new();
    }

    fn names(&self, play: &Play) -> &BTreeMap<String, Variable> {
        self.names.get_or_init(|| {
            let all = play.roles.iter().chain(&self.roles);
            variables::role_names(all.map(AsRef::as_ref))
        })
    }
}

impl PlayScope {
    /// The variables of a host before any task adds its own.
    pub(crate) fn of(self: &Arc<Self>, host: &str, watch: &Arc<Watch>) -> HostVariables {
        let data = self.table.get(host).unwrap_or_default();
        let roles = self.roles.get(host).map_or(&[][..], Vec::as_slice);
        HostVariables {
            role_defaults: roles.iter().map(|role| role.defaults.clone()).collect(),
            inventory: data.inventory.clone(),
            facts: data.seen_facts(self.options.inject_facts),
            play_vars: self.play_vars.clone(),
            vars_files: self.vars_files.get(host).cloned().unwrap_or_default(),
            role_vars: roles.iter().map(|role| role.vars.clone()).collect(),
            include_vars: data.include_vars.clone(),
            set_facts: data.set_facts.clone(),
            extra_vars: self.options.load.extra_vars.clone(),
            merge_hashes: self.options.load.merge_hashes,
            stand_ins: Arc::new(self.stand_ins(host)),
            magic: Arc::new(self.magic(host, watch)),
            ..HostVariables::default()
        }
    }

    /// What tasks see of how a host is reached, and that no facts are known yet, where nobody says otherwise.
    fn stand_ins(&self, host: &str) -> JsonMap {
        let mut all = (*self.options.reached).clone();
        let keywords = &self.play.keywords;
        for (name, keyword) in [
            ("ansible_connection", &keywords.connection),
            ("ansible_user", &keywords.remote_user),
            ("ansible_port", &keywords.port),
        ] {
            if let Some(said) = keyword {
                all.insert(name.to_owned(), said.value.clone());
            }
        }
        let way = match LOCAL.contains(&host) {
            true => "local",
            false => "ssh",
        };
        for (name, value) in [
            ("ansible_connection", json!(way)),
            ("ansible_host", json!(host)),
            ("ansible_ssh_host", json!(host)),
            ("ansible_facts", json!({})),
        ] {
            all.entry(name).or_insert(value);
        }
        all
    }

    fn magic(self: &Arc<Self>, host: &str, watch: &Arc<Watch>) -> BTreeMap<String, Variable> {
        let inventory = self.table.inventory_before();
        let mut magic = self.cache.of(host, &inventory, &self.play);
        let plain = |value: Json| Variable::Plain(Arc::new(value));
        let options = &self.options;
        magic.extend([
            (
                "hostvars".to_owned(),
                Variable::Scopes(Arc::new(HostScopes {
                    scope: self.clone(),
                    own: host.to_owned(),
                    watch: watch.clone(),
                })),
            ),
            (
                "ansible_play_hosts".to_owned(),
                Variable::Plain(self.play_hosts.clone()),
            ),
            (
                "play_hosts".to_owned(),
                Variable::Plain(self.batch_hosts.clone()),
            ),
            (
                "ansible_play_hosts_all".to_owned(),
                Variable::Plain(self.play_hosts_all.clone()),
            ),
            (
                "ansible_play_batch".to_owned(),
                Variable::Plain(self.batch_hosts.clone()),
            ),
            ("ansible_check_mode".to_owned(), plain(options.check.into())),
            ("ansible_diff_mode".to_owned(), plain(options.diff.into())),
            ("ansible_forks".to_owned(), plain(options.forks.into())),
            (
                "ansible_verbosity".to_owned(),
                plain(options.verbosity.into()),
            ),
            (
                "ansible_run_tags".to_owned(),
                plain(run_tags(&options.tags)),
            ),
            (
                "ansible_skip_tags".to_owned(),
                plain(json!(options.skip_tags)),
            ),
        ]);
        if let Some(included) = self.included_roles.get(host) {
            magic.extend(included.names(&self.play).clone());
        }
        if let Some(limit) = &options.limit {
            magic.insert("ansible_limit".to_owned(), plain(json!(limit)));
        }
        magic
    }
}

fn run_tags(tags: &[String]) -> Json {
    if tags.is_empty() {
        json!(["all"])
    } else {
        json!(tags)
    }
}

/// What the engine provides that belongs to a play; `hostvars` has none of it, so it does not hold itself either.
const OF_PLAYS: [&str; 11] = [
    "ansible_dependent_role_names",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_role_names",
    "hostvars",
    "play_hosts",
    "play_role_names",
    "role_names",
];

/// What `hostvars` knows of the run itself, beside what the engine provides.
const OF_THE_RUN: [&str; 2] = ["ansible_config_file", "ansible_inventory_sources"];

/// `hostvars`: what is known of each host, without the variables of plays and tasks.
struct HostScopes {
    scope: Arc<PlayScope>,
    own: String,
    watch: Arc<Watch>,
}

impl HostScopes {
    /// The name by which the inventory has this machine, for another name of it.
    fn one_that_is_named(&self, name: &str) -> String {
        let inventory = self.scope.table.inventory_before();
        let has = |name: &&&str| inventory.host(name).is_some();
        let other = match LOCAL.contains(&name) && inventory.host(name).is_none() {
            true => LOCAL.iter().find(has),
            false => None,
        };
        other.map_or(name, |other| *other).to_owned()
    }
}

impl Scopes for HostScopes {
    /// The hosts of the inventory. This machine is not among them where no inventory names it, though it has a scope.
    fn names(&self) -> Vec<String> {
        let inventory = self.scope.table.inventory_before();
        let hosts = inventory.hosts().iter();
        hosts.map(|host| host.name.clone()).collect()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Variables>> {
        let name = self.one_that_is_named(name);
        let name = name.as_str();
        if name != self.own {
            self.watch.cross();
        }
        let data = self.scope.table.get(name)?;
        let mut magic = self.scope.magic(name, &self.watch);
        magic.retain(|name, _| !OF_PLAYS.contains(&name.as_str()));
        let run = self.scope.options.reached.iter();
        let run = run.filter(|(name, _)| OF_THE_RUN.contains(&name.as_str()));
        let mut stand_ins: JsonMap = run
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        stand_ins.insert("ansible_facts".to_owned(), json!({}));
        Some(Arc::new(HostVariables {
            inventory: data.inventory.clone(),
            facts: data.seen_facts(self.scope.options.inject_facts),
            include_vars: data.include_vars.clone(),
            set_facts: data.set_facts.clone(),
            extra_vars: self.scope.options.load.extra_vars.clone(),
            stand_ins: Arc::new(stand_ins),
            magic: Arc::new(magic),
            ..HostVariables::default()
        }))
    }
}
