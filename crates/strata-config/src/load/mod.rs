//! From files to a [`Config`]: the root folder, then every folder that a `module` block names.
//!
//! [`folder`] reads one folder into a [`Module`]; the files beside it decode one kind of block each; this file
//! builds the tree. Nothing is evaluated here but constants, and loading goes on after every mistake.

mod address;
mod call;
mod check;
mod ephemeral;
mod fields;
mod folder;
mod output;
mod provider;
mod provisioner;
mod refactor;
mod resource;
mod settings;
mod variable;
mod version;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostic, Diagnostics, addr,
    files::{EntryKind, Files, normalize},
};

use crate::module::{Module, ModuleCall};
use crate::tree::{Config, Node, NodeId};

pub(crate) use fields::{missing_argument, unsupported_argument, unsupported_block};

/// How deep module calls may nest.
const MOST_LEVELS: usize = 64;

/// How many places the tree may have; calls that multiply at every level reach any number.
const MOST_NODES: usize = 50_000;

/// Reads the root module in a folder and all modules it calls.
///
/// What is wrong is reported in `diags`; what could be read is in the result, and after errors only good for excerpts.
pub fn load(files: &dyn Files, root: &Path, diags: &mut Diagnostics) -> Config {
    let mut loader = Loader {
        files,
        root,
        config: Config::default(),
        folders: HashMap::new(),
        diags,
    };
    loader.root();
    loader.config
}

struct Loader<'a> {
    files: &'a dyn Files,
    root: &'a Path,
    config: Config,
    folders: HashMap<PathBuf, Arc<Module>>,
    diags: &'a mut Diagnostics,
}

impl Loader<'_> {
    fn root(&mut self) {
        let module = self.module(Path::new("."));
        self.add(addr::Module::root(), module, None);
        let mut next = 0;
        while next < self.config.nodes.len() {
            self.children(next);
            next += 1;
        }
    }

    /// Adds the modules that one place calls.
    fn children(&mut self, caller: NodeId) {
        let module = self.config.nodes[caller].module.clone();
        for (name, call) in &module.calls {
            let Some(folder) = self.called_folder(caller, &module, call) else {
                continue;
            };
            if self.config.nodes.len() >= MOST_NODES {
                self.diags.push(too_many(call));
                return;
            }
            let child = self.module(&folder);
            let path = self.config.nodes[caller].path.child(name.clone());
            let id = self.add(path, child, Some(caller));
            self.config.nodes[caller].children.insert(name.clone(), id);
        }
    }

    fn add(&mut self, path: addr::Module, module: Arc<Module>, parent: Option<NodeId>) -> NodeId {
        let id = self.config.nodes.len();
        self.config.places.insert(path.clone(), id);
        self.config.nodes.push(Node {
            path,
            module,
            parent,
            children: BTreeMap::new(),
        });
        id
    }

    /// The folder of a called module, relative to the root; none if that is reported as wrong.
    fn called_folder(
        &mut self,
        caller: NodeId,
        module: &Module,
        call: &ModuleCall,
    ) -> Option<PathBuf> {
        let folder = normalize(&module.relative.join(&*call.source));
        let full = normalize(&self.root.join(&folder));
        if self.files.kind(&full) != Some(EntryKind::Folder) {
            let message = format!("The module's folder `{}` does not exist.", full.display());
            self.diags.push(
                Diagnostic::error("module-not-found", "Unreadable module directory")
                    .detail(message)
                    .at(call.span.clone())
                    .hint("A local source is a folder relative to the file that names it."),
            );
            return None;
        }
        if let Some(around) = self.around(caller, &folder) {
            self.diags.push(calls_itself(call, &around));
            return None;
        }
        Some(folder)
    }

    /// The place, on the way from the root to the caller, of a folder that is called again; none if it is not.
    fn around(&self, caller: NodeId, folder: &Path) -> Option<addr::Module> {
        let mut at = Some(caller);
        let mut levels = 0;
        while let Some(id) = at {
            let node = &self.config.nodes[id];
            levels += 1;
            if normalize(&node.module.relative) == folder || levels > MOST_LEVELS {
                return Some(node.path.clone());
            }
            at = node.parent;
        }
        None
    }

    fn module(&mut self, relative: &Path) -> Arc<Module> {
        if let Some(known) = self.folders.get(relative) {
            return known.clone();
        }
        let module = Arc::new(folder::read(
            self.files,
            self.root,
            relative,
            &mut self.config.sources,
            self.diags,
        ));
        let is_root = relative == Path::new(".");
        if let Some(backend) = module.settings.backend.as_ref().filter(|_| !is_root) {
            self.diags.push(
                Diagnostic::warning("ignored-backend", "Backend configuration ignored")
                    .detail("Only the root module's `backend` counts; this module is called from another.")
                    .at(backend.span.clone()),
            );
        }
        self.folders.insert(relative.to_owned(), module.clone());
        module
    }
}

fn calls_itself(call: &ModuleCall, around: &addr::Module) -> Diagnostic {
    let place = match around.0.is_empty() {
        true => "the root module".to_owned(),
        false => format!("`{around}`"),
    };
    Diagnostic::error("module-cycle", "Module calls itself")
        .detail(format!(
            "The folder `{}` holds the module of {place}, which this call is a part of: loading it would not end.",
            call.source
        ))
        .at(call.span.clone())
}

fn too_many(call: &ModuleCall) -> Diagnostic {
    Diagnostic::error("too-many-modules", "Too many module calls")
        .detail(format!(
            "The configuration calls modules at more than {MOST_NODES} places."
        ))
        .at(call.span.clone())
}

/// A conversion's mistake with the place in the value: `["a"].port: a number is required`.
pub(crate) fn at_path(error: &strata_core::value::ConvertError) -> String {
    if error.path.0.is_empty() {
        return error.message.clone();
    }
    format!("{}: {}", error.path, error.message)
}
