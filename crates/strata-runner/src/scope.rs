//! The variables that one task's templates see, watched for those that speak of other hosts.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use strata_jinja::{Engine, Templar, Variable, Variables};
use strata_playbook::variables::HostVariables;

use crate::{JsonMap, Options, hosts::HostTable, surroundings::World};

/// The variables of a task on a host.
pub(crate) struct Scope {
    variables: HostVariables,
    watch: Arc<Watch>,
}

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<Variable> {
        self.watch.note(name);
        self.variables.get(name)
    }

    fn names(&self) -> Vec<String> {
        self.variables.names()
    }

    fn is_in_vars(&self, name: &str) -> bool {
        self.variables.is_in_vars(name)
    }
}

/// Notes when a template asks for what depends on other hosts (see [`crate::pace`]).
pub(crate) struct Watch {
    /// None if the hosts are in lockstep already.
    peers: Option<Arc<Peers>>,
    in_condition: AtomicBool,
    crossed: AtomicBool,
    /// Variables of the host whose values are not known, because a rehearsal left out what gives them.
    unknown: Arc<BTreeSet<String>>,
    met_unknown: AtomicBool,
    /// One of them that is known by now: the result of the task itself.
    found_out: Mutex<Option<String>>,
}

/// The hosts of a batch, to find the variables that tell them apart.
pub(crate) struct Peers {
    table: Arc<HostTable>,
    hosts: Vec<Arc<str>>,
    differing: Mutex<HashMap<String, bool>>,
}

impl Watch {
    pub(crate) fn new(peers: Option<Arc<Peers>>) -> Arc<Self> {
        Self::with_unknown(peers, Arc::default())
    }

    /// Watches for variables that are not known, too.
    pub(crate) fn with_unknown(
        peers: Option<Arc<Peers>>,
        unknown: Arc<BTreeSet<String>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            peers,
            in_condition: AtomicBool::new(false),
            crossed: AtomicBool::new(false),
            unknown,
            met_unknown: AtomicBool::new(false),
            found_out: Mutex::default(),
        })
    }

    /// Says that the task's own result stands now in a variable that was unknown before, for what judges that result.
    pub(crate) fn finds_out(&self, register: Option<&String>) {
        let name = register.filter(|name| self.unknown.contains(*name));
        *self
            .found_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = name.cloned();
    }

    fn is_unknown(&self, name: &str) -> bool {
        let found_out = || {
            let known = self.found_out.lock();
            known.unwrap_or_else(PoisonError::into_inner).as_deref() == Some(name)
        };
        self.unknown.contains(name) && !found_out()
    }

    /// True if a template asked for something unknown since this was asked last.
    pub(crate) fn take_unknown(&self) -> bool {
        self.met_unknown.swap(false, Ordering::Relaxed)
    }

    /// True if a template asked for something unknown.
    pub(crate) fn met_unknown(&self) -> bool {
        self.met_unknown.load(Ordering::Relaxed)
    }

    /// True if a template asked for what depends on other hosts.
    pub(crate) fn crossed(&self) -> bool {
        self.crossed.load(Ordering::Relaxed)
    }

    /// Says that what is evaluated from now on decides whether the host does the task at all.
    pub(crate) fn condition(&self, active: bool) {
        self.in_condition.store(active, Ordering::Relaxed);
    }

    /// A template looked into the variables of another host.
    pub(crate) fn cross(&self) {
        if self.peers.is_some() {
            self.crossed.store(true, Ordering::Relaxed);
        }
    }

    fn note(&self, name: &str) {
        if self.is_unknown(name) {
            self.met_unknown.store(true, Ordering::Relaxed);
        }
        let Some(peers) = &self.peers else { return };
        let crosses = match name {
            "ansible_play_hosts" | "ansible_play_batch" | "play_hosts" => true,
            "inventory_hostname" | "inventory_hostname_short" | "group_names" | "groups" => {
                self.in_condition.load(Ordering::Relaxed)
            }
            _ => self.in_condition.load(Ordering::Relaxed) && peers.differ_in(name),
        };
        if crosses {
            self.crossed.store(true, Ordering::Relaxed);
        }
    }
}

impl Peers {
    pub(crate) fn new(table: &Arc<HostTable>, hosts: Vec<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            table: table.clone(),
            hosts,
            differing: Mutex::default(),
        })
    }

    /// True if the inventory gives this variable different values on the hosts.
    fn differ_in(&self, name: &str) -> bool {
        let mut known = self
            .differing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(differ) = known.get(name) {
            return *differ;
        }
        let value = |host: &Arc<str>| {
            let data = self.table.get(host);
            data.and_then(|data| data.inventory.get(name).cloned())
        };
        let first = self.hosts.first().and_then(value);
        let differ = self.hosts.iter().skip(1).any(|host| value(host) != first);
        known.insert(name.to_owned(), differ);
        differ
    }
}

/// Makes templars for one task on one host.
#[derive(Clone)]
pub(crate) struct Templates {
    pub(crate) engine: Arc<Engine>,
    pub(crate) options: Arc<Options>,
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) watch: Arc<Watch>,
}

impl Templates {
    /// A templar for these variables.
    pub(crate) fn templar(&self, variables: &HostVariables) -> Templar {
        let scope = Scope {
            variables: variables.clone(),
            watch: self.watch.clone(),
        };
        let world = World::new(&self.options, self.folders.clone());
        Templar::new(&self.engine, Arc::new(scope), Arc::new(world))
    }
}

/// Adds values that only this task sees.
pub(crate) fn with_local(
    variables: &HostVariables,
    values: impl IntoIterator<Item = (String, serde_json::Value)>,
) -> HostVariables {
    let mut variables = variables.clone();
    let local: &mut JsonMap = Arc::make_mut(&mut variables.local);
    local.extend(values);
    variables
}
