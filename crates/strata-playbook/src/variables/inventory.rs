//! What the inventory says about each host: its files, and `group_vars` and `host_vars` beside it and the playbook.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostics,
    files::{EntryKind, Files},
};

use crate::{
    Inventory,
    inventory::LOCAL,
    load::{self, add_variables},
    play::JsonMap,
};

/// What a folder's files of variables mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Mappings of the same name are merged (`hash_behaviour = merge`); else the stronger one counts.
    pub merge: bool,
    /// Files of SOPS are read after the others, as by the plugin `community.sops.sops`: `NAME.sops.yml` and the like
    /// beside and in the folder `NAME`. The tree of files gives them decrypted.
    pub sops: bool,
}

/// How the names of SOPS's files end.
pub const SOPS_ENDINGS: [&str; 3] = [".sops.yml", ".sops.yaml", ".sops.json"];

/// The variables that inventory files, `group_vars` and `host_vars` give each host, merged in Ansible's order.
#[derive(Clone, Debug, Default)]
pub struct InventoryVariables {
    hosts: BTreeMap<String, Arc<JsonMap>>,
    everybody: Arc<JsonMap>,
    /// What is said of each group alone, and of each host.
    alone: Alone,
}

#[derive(Clone, Debug, Default)]
struct Alone {
    groups: BTreeMap<String, JsonMap>,
    hosts: BTreeMap<String, JsonMap>,
}

impl InventoryVariables {
    /// Reads `group_vars` and `host_vars` beside the inventory sources and the playbook, and merges all.
    ///
    /// `inventory_folders` are the folders of inventory files, and folders given as inventories themselves.
    pub fn load(
        files: &dyn Files,
        inventory: &Inventory,
        inventory_folders: &[PathBuf],
        playbook_folder: Option<&Path>,
        reading: Reading,
        diags: &mut Diagnostics,
    ) -> Self {
        let merge = reading.merge;
        let mut reader = Reader {
            files,
            diags,
            read: BTreeMap::new(),
            reading,
        };
        let add = |vars: &mut JsonMap, more| add_variables(vars, more, merge);
        let all = inventory
            .group("all")
            .map(|group| group.vars.clone())
            .unwrap_or_default();
        let beside = reader.group_all(inventory_folders, playbook_folder);
        let mut hosts = BTreeMap::new();
        let mut alone = Alone::default();
        for host in inventory.hosts() {
            let mut vars = all.clone();
            let groups = inventory.groups_of(&host.name);
            let groups: Vec<_> = groups
                .into_iter()
                .filter(|group| group.name != "all")
                .collect();
            // What stands in inventory files is weaker than any `group_vars`, even those of `all`.
            for group in &groups {
                add(&mut vars, group.vars.clone());
            }
            add(&mut vars, beside.clone());
            for group in &groups {
                for folder in inventory_folders {
                    add(&mut vars, reader.folder(folder, "group_vars", &group.name));
                }
            }
            for group in &groups {
                if let Some(folder) = playbook_folder {
                    add(&mut vars, reader.folder(folder, "group_vars", &group.name));
                }
            }
            let mut own = host.vars.clone();
            for folder in inventory_folders
                .iter()
                .map(PathBuf::as_path)
                .chain(playbook_folder)
            {
                add(&mut own, reader.folder(folder, "host_vars", &host.name));
            }
            add(&mut vars, own.clone());
            alone.hosts.insert(host.name.clone(), own);
            hosts.insert(host.name.clone(), Arc::new(vars));
        }
        for group in inventory.groups() {
            let mut own = group.vars.clone();
            for folder in inventory_folders
                .iter()
                .map(PathBuf::as_path)
                .chain(playbook_folder)
            {
                add(&mut own, reader.folder(folder, "group_vars", &group.name));
            }
            alone.groups.insert(group.name.clone(), own);
        }
        let mut everybody = all;
        add(&mut everybody, beside);
        // This machine is in no group but `all`, and has variables even where no inventory names it.
        for name in LOCAL.iter().filter(|name| inventory.host(name).is_none()) {
            let mut vars = everybody.clone();
            vars.insert("ansible_connection".to_owned(), "local".into());
            for folder in inventory_folders
                .iter()
                .map(PathBuf::as_path)
                .chain(playbook_folder)
            {
                add(&mut vars, reader.folder(folder, "host_vars", name));
            }
            hosts.insert((*name).to_owned(), Arc::new(vars));
        }
        Self {
            hosts,
            everybody: Arc::new(everybody),
            alone,
        }
    }

    /// What is said of a group alone, in inventory files and in `group_vars`.
    pub fn of_group(&self, group: &str) -> JsonMap {
        self.alone.groups.get(group).cloned().unwrap_or_default()
    }

    /// What is said of a host alone, in inventory files and in `host_vars`.
    pub fn of_host(&self, host: &str) -> JsonMap {
        self.alone.hosts.get(host).cloned().unwrap_or_default()
    }

    /// The variables of a host; those of `all` for one that no inventory names, and what is said of this machine.
    pub fn of(&self, host: &str) -> Arc<JsonMap> {
        self.hosts.get(host).unwrap_or(&self.everybody).clone()
    }
}

struct Reader<'a> {
    files: &'a dyn Files,
    diags: &'a mut Diagnostics,
    read: BTreeMap<PathBuf, JsonMap>,
    reading: Reading,
}

impl Reader<'_> {
    /// `group_vars/all` of all folders.
    fn group_all(&mut self, folders: &[PathBuf], playbook: Option<&Path>) -> JsonMap {
        let mut vars = JsonMap::new();
        for folder in folders.iter().map(PathBuf::as_path).chain(playbook) {
            let more = self.folder(folder, "group_vars", "all");
            add_variables(&mut vars, more, self.reading.merge);
        }
        vars
    }

    /// The variables of `KIND/NAME`, `KIND/NAME.yml`, ... in a folder; each file is read once.
    fn folder(&mut self, folder: &Path, kind: &str, name: &str) -> JsonMap {
        // A name with a slash would lead out of the folder.
        if name.contains('/') || name == ".." {
            return JsonMap::new();
        }
        let base = folder.join(kind).join(name);
        if let Some(vars) = self.read.get(&base) {
            return vars.clone();
        }
        let mut vars = JsonMap::new();
        for ending in ["", ".yml", ".yaml", ".json"] {
            let path = folder.join(kind).join(format!("{name}{ending}"));
            match self.files.kind(&path) {
                Some(EntryKind::Folder) if ending.is_empty() => {
                    self.tree(&path, 0, false, &mut vars);
                }
                Some(EntryKind::File) => self.add_file(&path, &mut vars),
                _ => {}
            }
        }
        if self.reading.sops {
            for ending in SOPS_ENDINGS {
                let path = folder.join(kind).join(format!("{name}{ending}"));
                if self.files.kind(&path) == Some(EntryKind::File) {
                    self.add_file(&path, &mut vars);
                }
            }
            self.tree(&base, 0, true, &mut vars);
        }
        self.read.insert(base, vars.clone());
        vars
    }

    /// The files of a folder and those in it: those of SOPS, or the others.
    fn tree(&mut self, folder: &Path, depth: usize, sops: bool, vars: &mut JsonMap) {
        for entry in self.files.list(folder).unwrap_or_default() {
            let path = folder.join(&entry.name);
            let hidden = entry.name.starts_with('.') || entry.name.ends_with('~');
            let known = !entry.name.contains('.')
                || [".yml", ".yaml", ".json"]
                    .iter()
                    .any(|ending| entry.name.ends_with(ending));
            let is_sops = self.reading.sops
                && SOPS_ENDINGS
                    .iter()
                    .any(|ending| entry.name.ends_with(ending));
            match entry.kind {
                _ if hidden => {}
                EntryKind::Folder if depth < 10 => self.tree(&path, depth + 1, sops, vars),
                EntryKind::File if known && is_sops == sops => self.add_file(&path, vars),
                _ => {}
            }
        }
    }

    fn add_file(&mut self, path: &Path, vars: &mut JsonMap) {
        let read = load::vars_file(self.files, path, self.diags).unwrap_or_default();
        add_variables(vars, read, self.reading.merge);
    }
}
