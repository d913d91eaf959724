//! Gathers hosts and groups, and works out how they lie.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};

use super::{Group, Host, Inventory};
use crate::play::JsonMap;

/// An inventory that is being read.
#[derive(Clone)]
pub(super) struct Builder {
    hosts: Vec<Host>,
    groups: Vec<Group>,
    host_places: BTreeMap<String, usize>,
    group_places: BTreeMap<String, usize>,
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
        };
        builder.group("all");
        builder.group("ungrouped");
        builder
    }

    /// A host, made if need be.
    pub(super) fn host(&mut self, name: &str, source: Option<&Path>) -> &mut Host {
        let at = *self.host_places.entry(name.to_owned()).or_insert_with(|| {
            self.hosts.push(Host {
                name: name.to_owned(),
                vars: JsonMap::new(),
                groups: Vec::new(),
                source: source.map(Path::to_owned),
            });
            self.hosts.len() - 1
        });
        &mut self.hosts[at]
    }

    /// A group, made if need be.
    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        let at = *self.group_places.entry(name.to_owned()).or_insert_with(|| {
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
        });
        &mut self.groups[at]
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
        push_once(&mut self.group(group).hosts, host);
        if group != "all" {
            push_once(&mut self.host(host, None).groups, group);
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
            for group in host.groups.iter().filter(|group| *group != "ungrouped") {
                self.add_host(group, &host.name);
            }
        }
        for group in &other.groups {
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
        }
    }

    fn place_hosts(&mut self) {
        let lonely: Vec<_> = self
            .hosts
            .iter()
            .filter(|host| host.groups.iter().all(|group| group == "ungrouped"))
            .map(|host| host.name.clone())
            .collect();
        self.group("ungrouped").hosts.clear();
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

    fn contains(&mut self, outer: &str, inner: &str) -> bool {
        let mut seen = Vec::new();
        let mut queue = vec![outer.to_owned()];
        while let Some(name) = queue.pop() {
            if seen.contains(&name) {
                continue;
            }
            let children = self.group(&name).children.clone();
            if children.iter().any(|child| child == inner) {
                return true;
            }
            queue.extend(children);
            seen.push(name);
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
