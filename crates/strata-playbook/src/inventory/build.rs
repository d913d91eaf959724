//! Gathers hosts and groups, and works out how they lie.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Span};

use super::{Group, Host, Inventory};
use crate::play::JsonMap;

/// An inventory that is being read.
#[derive(Clone)]
pub(super) struct Builder {
    hosts: Vec<Host>,
    groups: Vec<Group>,
    host_places: BTreeMap<String, usize>,
    group_places: BTreeMap<String, usize>,
    /// Which hosts stand in which groups by their places: looking through a large group for each host takes long.
    members: HashSet<(usize, usize)>,
    spoken: Vec<Spoken>,
}

/// A child of a group that its file only speaks of: another source may have it.
#[derive(Clone)]
pub(super) struct Spoken {
    pub(super) group: String,
    pub(super) child: String,
    pub(super) place: Span,
}

fn push_once(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|other| other == name) {
        list.push(name.to_owned());
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        let mut builder = Self {
            hosts: Vec::new(),
            groups: Vec::new(),
            host_places: BTreeMap::new(),
            group_places: BTreeMap::new(),
            members: HashSet::new(),
            spoken: Vec::new(),
        };
        builder.group("all");
        builder.group("ungrouped");
        builder
    }

    /// A host, made if need be.
    pub(super) fn host(&mut self, name: &str, source: Option<&Path>) -> &mut Host {
        let at = self.host_at(name, source);
        &mut self.hosts[at]
    }

    fn host_at(&mut self, name: &str, source: Option<&Path>) -> usize {
        *self.host_places.entry(name.to_owned()).or_insert_with(|| {
            self.hosts.push(Host {
                name: name.to_owned(),
                vars: JsonMap::new(),
                groups: Vec::new(),
                source: source.map(Path::to_owned),
            });
            self.hosts.len() - 1
        })
    }

    /// A group, made if need be.
    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        let at = self.group_at(name);
        &mut self.groups[at]
    }

    fn group_at(&mut self, name: &str) -> usize {
        *self.group_places.entry(name.to_owned()).or_insert_with(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                vars: JsonMap::new(),
                hosts: Vec::new(),
                children: Vec::new(),
                parents: Vec::new(),
                depth: 0,
                priority: 1,
            });
            self.groups.len() - 1
        })
    }

    /// True if there is a group of a name by now.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.group_places.contains_key(name)
    }

    /// Adds a child that its file only speaks of.
    pub(super) fn speak_of(&mut self, spoken: Spoken) {
        self.add_child(&spoken.group, &spoken.child);
        self.spoken.push(spoken);
    }

    /// Warns of children of which no source says anything: Ansible takes nothing out of their files.
    pub(super) fn never_declared(&self) -> Vec<Diagnostic> {
        let is_empty = |spoken: &&Spoken| {
            let group = self.group_places.get(&spoken.child);
            let group = group.map(|at| &self.groups[*at]);
            group.is_none_or(|group| {
                group.hosts.is_empty() && group.children.is_empty() && group.vars.is_empty()
            })
        };
        let warn = |spoken: &Spoken| {
            let (group, child) = (&spoken.group, &spoken.child);
            let summary = format!("section [{group}:children] includes undefined group `{child}`");
            Diagnostic::warning("inventory", summary)
                .detail("It is taken as a group without hosts; Ansible leaves out the whole file.")
                .at(spoken.place.clone())
                .hint(format!(
                    "correct the name, or declare the group: `[{child}]`"
                ))
        };
        self.spoken.iter().filter(is_empty).map(warn).collect()
    }

    /// The hosts so far, in order.
    pub(super) fn host_names(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.name.clone()).collect()
    }

    /// What inventories say of a host so far: the variables of `all`, of its groups and their parents, and its own.
    pub(super) fn known_of(&mut self, host: &str) -> JsonMap {
        let mut groups: Vec<String> = Vec::new();
        let mut queue = self.host(host, None).groups.clone();
        while let Some(name) = queue.pop() {
            if groups.contains(&name) {
                continue;
            }
            queue.extend(self.group(&name).parents.clone());
            groups.push(name);
        }
        groups.push("all".to_owned());
        let mut vars = JsonMap::new();
        for group in groups.iter().rev() {
            vars.extend(self.group(group).vars.clone());
        }
        groups.retain(|group| group != "all");
        groups.sort();
        vars.extend(self.host(host, None).vars.clone());
        vars.insert("inventory_hostname".to_owned(), host.into());
        vars.insert("group_names".to_owned(), groups.into());
        vars
    }

    pub(super) fn add_host(&mut self, group: &str, host: &str) {
        let (at, place) = (self.group_at(group), self.host_at(host, None));
        if !self.members.insert((at, place)) {
            return;
        }
        self.groups[at].hosts.push(host.to_owned());
        if group != "all" {
            self.hosts[place].groups.push(group.to_owned());
        }
    }

    pub(super) fn add_child(&mut self, group: &str, child: &str) {
        push_once(&mut self.group(group).children, child);
        if group != "all" {
            push_once(&mut self.group(child).parents, group);
        } else {
            self.group(child);
        }
    }

    /// Takes all of another inventory in.
    pub(super) fn take(&mut self, other: &Inventory) {
        for host in &other.hosts {
            let own = self.host(&host.name, host.source.as_deref());
            own.vars.extend(host.vars.clone());
        }
        for group in &other.groups {
            for host in group.hosts.iter().filter(|_| group.name != "ungrouped") {
                self.add_host(&group.name, host);
            }
            self.group(&group.name).vars.extend(group.vars.clone());
            for child in group.children.iter().filter(|_| group.name != "all") {
                self.add_child(&group.name, child);
            }
        }
    }

    /// Completes what follows from the rest.
    pub(super) fn finish(mut self, diags: &mut Diagnostics) -> Inventory {
        self.cut_cycles(diags);
        self.place_hosts();
        self.place_groups();
        for at in 0..self.groups.len() {
            // The priority is no variable for templates.
            let named = self.groups[at].vars.shift_remove("ansible_group_priority");
            if let Some(named) = named {
                self.groups[at].priority = priority(&named);
            }
        }
        self.measure_depths();
        Inventory {
            hosts: self.hosts.into_iter().map(Arc::new).collect(),
            groups: self.groups.into_iter().map(Arc::new).collect(),
            places: self.host_places,
            group_places: self.group_places,
        }
    }

    fn place_hosts(&mut self) {
        let lonely: Vec<_> = self
            .hosts
            .iter()
            .filter(|host| host.groups.iter().all(|group| group == "ungrouped"))
            .map(|host| host.name.clone())
            .collect();
        let ungrouped = self.group_at("ungrouped");
        self.groups[ungrouped].hosts.clear();
        self.members.retain(|(group, _)| *group != ungrouped);
        for host in &mut self.hosts {
            host.groups.retain(|group| group != "ungrouped");
        }
        for name in lonely {
            self.add_host("ungrouped", &name);
        }
    }

    fn place_groups(&mut self) {
        let top: Vec<_> = self
            .groups
            .iter()
            .filter(|group| group.name != "all" && group.parents.is_empty())
            .map(|group| group.name.clone())
            .collect();
        for name in top {
            push_once(&mut self.group("all").children, &name);
            self.group(&name).parents = vec!["all".to_owned()];
        }
    }

    /// A group that contains itself would never end: the link that closes the circle is cut.
    fn cut_cycles(&mut self, diags: &mut Diagnostics) {
        if self.is_without_cycles() {
            return;
        }
        let names: Vec<_> = self.groups.iter().map(|group| group.name.clone()).collect();
        for name in &names {
            let children = self.group(name).children.clone();
            for child in children {
                if child == *name || self.contains(&child, name) {
                    diags.push(Diagnostic::error(
                        "group-cycle",
                        format!("the group `{name}` contains itself through `{child}`"),
                    ));
                    self.group(name).children.retain(|other| *other != child);
                    let name = name.clone();
                    self.group(&child).parents.retain(|other| *other != name);
                }
            }
        }
    }

    /// Takes away groups that stand in no other until none is left, or each that is left stands in another.
    fn is_without_cycles(&self) -> bool {
        let place = |name: &String| self.group_places.get(name).copied();
        let mut around = vec![0_usize; self.groups.len()];
        let children = self.groups.iter().flat_map(|group| &group.children);
        for child in children.filter_map(place) {
            around[child] += 1;
        }
        let mut free: Vec<usize> = (0..around.len()).filter(|at| around[*at] == 0).collect();
        let mut taken = 0;
        while let Some(at) = free.pop() {
            taken += 1;
            for child in self.groups[at].children.iter().filter_map(place) {
                around[child] -= 1;
                if around[child] == 0 {
                    free.push(child);
                }
            }
        }
        taken == self.groups.len()
    }

    fn contains(&mut self, outer: &str, inner: &str) -> bool {
        let mut seen = HashSet::new();
        let mut queue = vec![outer.to_owned()];
        while let Some(name) = queue.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let children = self.group(&name).children.clone();
            if children.iter().any(|child| child == inner) {
                return true;
            }
            queue.extend(children);
        }
        false
    }

    fn measure_depths(&mut self) {
        // Each round moves a group behind its deepest parent; without cycles that ends.
        for _ in 0..self.groups.len() {
            let mut moved = false;
            for at in 0..self.groups.len() {
                let parents = &self.groups[at].parents;
                let deepest = parents
                    .iter()
                    .filter_map(|name| self.group_places.get(name))
                    .map(|parent| self.groups[*parent].depth + 1)
                    .max();
                if let Some(depth) = deepest
                    && depth > self.groups[at].depth
                {
                    self.groups[at].depth = depth;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }
}

fn priority(value: &Json) -> i64 {
    match value {
        Json::Number(number) => number.as_i64().unwrap_or(1),
        Json::String(text) => text.parse().unwrap_or(1),
        _ => 1,
    }
}
