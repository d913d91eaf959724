//! Modules that Strata does not have and the controller has a file of: found, told apart, and packed.
//!
//! [`Places`] looks where Ansible looks: `library/` of the role and beside the playbook, the module folders of the
//! settings, collections, and an ansible-core that is installed. [`Kind::of`] says how such a file wants to be run.
//! A module in new-style Python goes with all of `module_utils` that it imports ([`imports`], [`payload`]) in one
//! archive that the host's Python runs; [`result`] reads what a module printed.
//!
//! Nothing here runs anything: that does the action of the same name.

mod imports;
mod payload;
mod redirects;
mod result;

use std::path::{Path, PathBuf};

use strata_core::files::{EntryKind, Files};
use strata_playbook::play::{Play, Task};

use crate::Options;

pub(crate) use payload::pack;
pub(crate) use result::read;

/// Where modules of others are, beyond what stands beside playbooks and roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModulePaths {
    /// Folders of modules (`library`).
    pub modules: Vec<PathBuf>,
    /// Folders of what modules import (`module_utils`).
    pub module_utils: Vec<PathBuf>,
    /// The Python package `ansible` of an installed ansible-core.
    pub core: Option<PathBuf>,
}

/// Endings of files that are no modules though they lie among them, as Ansible has it.
const NO_MODULES: &[&str] = &[
    "pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yml", "yaml", "ini", "json", "ps1",
];

/// A module's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The file.
    pub(crate) path: PathBuf,
    /// The Python module that it is to be, as `ansible.modules.x` or `ansible_collections.a.b.plugins.modules.x`.
    pub(crate) python_name: String,
}

/// Where a task's modules and what they import are looked for.
pub(crate) struct Places<'a> {
    files: &'a dyn Files,
    options: &'a Options,
    /// The folders of the role and of the playbook.
    own: Vec<PathBuf>,
    /// Folders with `ansible_collections` in them.
    collections: Vec<PathBuf>,
    /// Collections whose modules go by their short names.
    short: Vec<String>,
}

impl<'a> Places<'a> {
    /// The places of one task of a play.
    pub(crate) fn of(options: &'a Options, play: &Play, task: &Task) -> Self {
        let role = task.role.iter().map(|role| role.path.clone());
        let own: Vec<PathBuf> = role.chain([play.folder.clone()]).collect();
        let beside = play.folder.join("collections");
        let installed = options.modules.core.as_ref().and_then(|core| core.parent());
        let collections = std::iter::once(beside)
            .chain(options.load.collections_path.iter().cloned())
            .chain(installed.map(Path::to_owned));
        Self {
            files: options.files.as_ref(),
            options,
            own,
            collections: collections.collect(),
            short: task.keywords.collections.clone(),
        }
    }

    /// The file of a module by the name that the task has for it.
    pub(crate) fn find(&self, name: &str) -> Option<Found> {
        if name.contains('/') || name.contains("..") {
            return None;
        }
        match name.split('.').collect::<Vec<_>>()[..] {
            [short] => self
                .legacy(short)
                .or_else(|| self.in_short(short))
                .or_else(|| self.core(short)),
            [namespace, collection, ref rest @ ..] if !rest.is_empty() => {
                self.in_collection(namespace, collection, &rest.join("/"))
            }
            _ => None,
        }
    }

    /// In `library/` of ours: such a module goes before one that Strata has, as in Ansible.
    pub(crate) fn legacy(&self, name: &str) -> Option<Found> {
        let own = self.own.iter().map(|folder| folder.join("library"));
        let folders = own.chain(self.options.modules.modules.iter().cloned());
        let path = folders
            .into_iter()
            .find_map(|folder| self.file(&folder, name))?;
        Some(Found {
            path,
            python_name: format!("ansible.modules.{name}"),
        })
    }

    fn in_short(&self, name: &str) -> Option<Found> {
        self.short.iter().find_map(|collection| {
            let (namespace, collection) = collection.split_once('.')?;
            self.in_collection(namespace, collection, name)
        })
    }

    fn in_collection(&self, namespace: &str, collection: &str, name: &str) -> Option<Found> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let inside =
            format!("ansible_collections/{namespace}/{collection}/plugins/modules/{folder}");
        let path = self
            .collections
            .iter()
            .find_map(|root| self.file(&root.join(&inside), file))?;
        let name = name.replace('/', ".");
        Some(Found {
            path,
            python_name: format!(
                "ansible_collections.{namespace}.{collection}.plugins.modules.{name}"
            ),
        })
    }

    fn core(&self, name: &str) -> Option<Found> {
        let core = self.options.modules.core.as_ref()?;
        Some(Found {
            path: self.file(&core.join("modules"), name)?,
            python_name: format!("ansible.modules.{name}"),
        })
    }

    /// A file of this name in a folder, whatever its ending.
    fn file(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let python = folder.join(format!("{name}.py"));
        if self.files.kind(&python) == Some(EntryKind::File) {
            return Some(python);
        }
        let entries = self.files.list(folder).ok()?;
        let entry = entries.into_iter().find(|entry| {
            let (stem, ending) = entry.name.rsplit_once('.').unwrap_or((&entry.name, ""));
            entry.kind == EntryKind::File && stem == name && !NO_MODULES.contains(&ending)
        })?;
        Some(folder.join(entry.name))
    }

    /// The action plugin of a module: Python for the controller, which Strata does not run.
    pub(crate) fn action_plugin(&self, name: &str) -> Option<PathBuf> {
        let file =
            |path: PathBuf| (self.files.kind(&path) == Some(EntryKind::File)).then_some(path);
        match name.split('.').collect::<Vec<_>>()[..] {
            [short] => {
                let own = self.own.iter();
                let own = own.map(|folder| folder.join(format!("action_plugins/{short}.py")));
                let core = self.options.modules.core.iter();
                let core = core.map(|core| core.join(format!("plugins/action/{short}.py")));
                own.chain(core).find_map(file)
            }
            [namespace, collection, name] => {
                let inside = format!(
                    "ansible_collections/{namespace}/{collection}/plugins/action/{name}.py"
                );
                self.collections
                    .iter()
                    .find_map(|root| file(root.join(&inside)))
            }
            _ => None,
        }
    }

    /// Folders that hold what `ansible.module_utils` stands for, ours first.
    fn module_utils(&self) -> Vec<PathBuf> {
        let own = self.own.iter().map(|folder| folder.join("module_utils"));
        let core = self
            .options
            .modules
            .core
            .iter()
            .map(|core| core.join("module_utils"));
        own.chain(self.options.modules.module_utils.iter().cloned())
            .chain(core)
            .collect()
    }
}

/// How a module's file wants to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Python that imports `ansible.module_utils` or a collection's.
    NewPython,
    /// It takes the path of a file with its arguments as JSON.
    WantJson,
    /// A program that is no text; it takes the same.
    Binary,
    /// It takes the path of a file with `name=value` words.
    Words,
    /// It has a mark where its arguments are to be written.
    JsonInside,
    /// It cannot be run here, for this reason.
    Refused(&'static str),
}

/// The mark that stands for the arguments.
pub(crate) const JSON_MARK: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

impl Kind {
    /// Tells a module by what is in its file.
    pub(crate) fn of(content: &[u8]) -> Self {
        let Ok(text) = str::from_utf8(content) else {
            return Self::Binary;
        };
        if content.iter().take(1024).any(|byte| *byte == 0) {
            Self::Binary
        } else if text.contains("#<<INCLUDE_ANSIBLE_MODULE_COMMON>>") {
            Self::Refused(
                "modules that are to have `INCLUDE_ANSIBLE_MODULE_COMMON` replaced are not supported",
            )
        } else if text.contains("#AnsibleRequires -") || text.contains("#Requires -Module") {
            Self::Refused("modules in PowerShell are for Windows hosts")
        } else if imports::is_new_style(text) {
            Self::NewPython
        } else if text.contains(JSON_MARK) {
            Self::JsonInside
        } else if text.contains("WANT_JSON") {
            Self::WantJson
        } else {
            Self::Words
        }
    }

    /// True if the module sees by itself that nothing is to be changed; others must not be run in check mode.
    pub(crate) fn knows_check_mode(self, content: &[u8]) -> bool {
        let named = || {
            let mark = b"_ansible_check_mode";
            content.windows(mark.len()).any(|window| window == mark)
        };
        self == Self::NewPython || named()
    }
}

/// The program of a text's first line, if it names one.
pub(crate) fn interpreter(content: &[u8]) -> Option<Vec<String>> {
    let line = content.strip_prefix(b"#!")?;
    let end = line
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(line.len());
    let line = str::from_utf8(&line[..end]).ok()?;
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_told_apart_by_what_is_in_them() {
        let check = |content: &[u8], kind: Kind| assert_eq!(Kind::of(content), kind);
        check(
            b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n",
            Kind::NewPython,
        );
        check(
            b"try:\n    from ..module_utils.x import y\n",
            Kind::NewPython,
        );
        check(b"#!/bin/sh\n# WANT_JSON\n", Kind::WantJson);
        check(b"#!/bin/sh\n. $1\n", Kind::Words);
        check(
            b"args = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n",
            Kind::JsonInside,
        );
        check(b"\x7fELF\0\0\xff", Kind::Binary);
        assert!(matches!(
            Kind::of(b"#AnsibleRequires -CSharpUtil Ansible.Basic\n"),
            Kind::Refused(_)
        ));
    }

    #[test]
    fn only_modules_that_know_of_it_are_run_in_check_mode() {
        assert!(Kind::NewPython.knows_check_mode(b""));
        assert!(!Kind::WantJson.knows_check_mode(b"WANT_JSON"));
        assert!(Kind::WantJson.knows_check_mode(b"WANT_JSON _ansible_check_mode"));
    }

    #[test]
    fn the_first_line_names_the_interpreter() {
        assert_eq!(
            interpreter(b"#!/usr/bin/env ruby\nx"),
            Some(vec!["/usr/bin/env".to_owned(), "ruby".to_owned()])
        );
        assert_eq!(interpreter(b"\x7fELF"), None);
    }
}
