//! From files to a [`Config`]: the root folder, then every folder that a `module` block names.
//!
//! [`folder`] reads one folder into a [`Module`]; the files beside it decode one kind of block each; this file
//! builds the tree. Nothing is evaluated here but constants, and loading goes on after every mistake.

mod address;
mod call;
mod check;
mod early;
mod encryption;
pub(crate) mod fields;
mod files;
mod folder;
mod output;
mod overrides;
mod provider;
mod provisioner;
mod refactor;
mod resource;
mod run;
mod settings;
mod shape;
mod variable;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostic, Diagnostics, Marks, Span, Value, addr,
    files::{EntryKind, Files, normalize},
};
use strata_hcl::Expression;

use crate::{
    inputs::VariableInput,
    manifest::{self, ManifestModule, ModuleManifest},
    module::{BackendArgument, Module, ModuleCall},
    source::ModuleSource,
    tree::{Config, Node, NodeId},
    unsupported::BACKENDS,
    version::{Version, VersionConstraint},
};
use early::{EarlyScope, Variables};

pub(crate) use address::target;
pub(crate) use call::decode_providers;
pub(crate) use check::looks_at_something;
pub use encryption::encryption;
pub(crate) use fields::{missing_argument, unsupported_argument, unsupported_block};
pub(crate) use files::source;
pub(crate) use folder::has_labels;
pub(crate) use provider::decode as decode_provider;
pub use run::{load_run, run_path};

/// Which properties of a JSON file are blocks.
pub(crate) fn shape() -> &'static strata_hcl::Shape {
    &shape::FILE
}

/// How deep module calls may nest.
const MOST_LEVELS: usize = 64;

/// The code of mistakes in a backend's arguments: where the state is, is not known then.
pub const BACKEND_ARGUMENT: &str = "backend-argument";

/// How many places the tree may have; calls that multiply at every level reach any number.
const MOST_NODES: usize = 50_000;

/// What loading needs to know besides the files.
#[derive(Clone, Debug)]
pub struct LoadOptions<'a> {
    /// Values for the root module's variables, which sources of modules may use; later ones count.
    pub inputs: &'a [VariableInput],
    /// The selected workspace.
    pub workspace: &'a str,
    /// The folder that `init` writes; none for `.terraform` beside the root module.
    pub data_directory: Option<&'a Path>,
    /// The folder that the program runs in, for `abspath` where values are needed before planning.
    pub working_directory: Option<&'a Path>,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self {
            inputs: &[],
            workspace: "default",
            data_directory: None,
            working_directory: None,
        }
    }
}

/// A module that is called and not installed, or not as it is asked for.
#[derive(Clone, Debug)]
pub struct MissingModule {
    /// Where in the tree.
    pub path: addr::Module,
    /// Where it comes from.
    pub source: ModuleSource,
    /// Which versions will do, with the text of it.
    pub version: Option<(VersionConstraint, Arc<str>)>,
    /// The place of the call's header.
    pub span: Span,
}

/// Reads the root module in a folder and all modules it calls.
///
/// What is wrong is reported in `diags`; what could be read is in the result, and after errors only good for excerpts.
pub fn load(files: &dyn Files, root: &Path, diags: &mut Diagnostics) -> Config {
    load_with(files, root, &LoadOptions::default(), diags)
}

/// Reads the root module in a folder and all modules it calls, with more known from outside.
pub fn load_with(
    files: &dyn Files,
    root: &Path,
    options: &LoadOptions<'_>,
    diags: &mut Diagnostics,
) -> Config {
    let mut loader = Loader::new(files, root, options, diags);
    loader.root(Path::new("."));
    loader.config
}

struct Loader<'a> {
    files: &'a dyn Files,
    root: &'a Path,
    options: &'a LoadOptions<'a>,
    manifest: ModuleManifest,
    /// What stands before all paths in the manifest.
    below: addr::Module,
    config: Config,
    folders: HashMap<PathBuf, Arc<Module>>,
    variables: HashMap<NodeId, Variables>,
    diags: &'a mut Diagnostics,
}

impl<'a> Loader<'a> {
    fn new(
        files: &'a dyn Files,
        root: &'a Path,
        options: &'a LoadOptions<'a>,
        diags: &'a mut Diagnostics,
    ) -> Self {
        let beside = root.join(".terraform");
        let modules = options.data_directory.unwrap_or(&beside).join("modules");
        Loader {
            manifest: ModuleManifest::read(files, &modules, diags),
            below: addr::Module::root(),
            files,
            root,
            options,
            config: Config::default(),
            folders: HashMap::new(),
            variables: HashMap::new(),
            diags,
        }
    }

    /// Reads the module in a folder as the root of the tree, and all that it calls.
    fn root(&mut self, folder: &Path) {
        let module = self.module(folder);
        self.add(addr::Module::root(), module, None);
        self.backend();
        let mut next = 0;
        while next < self.config.nodes.len() {
            self.children(next);
            next += 1;
        }
    }

    /// Evaluates the arguments of the root module's backend.
    fn backend(&mut self) {
        let root = self.config.nodes[0].module.clone();
        let backend = root.settings.backend.as_ref();
        let Some(backend) = backend.filter(|found| BACKENDS.contains(&&*found.kind)) else {
            return;
        };
        let mut arguments = BTreeMap::new();
        for attribute in &backend.body.attributes {
            let name = &attribute.name.text;
            if let Some(value) = self.argument(&attribute.expression, name) {
                let span = attribute.span();
                arguments.insert(name.clone(), BackendArgument { value, span });
            }
        }
        let module = Arc::make_mut(&mut self.config.nodes[0].module);
        if let Some(backend) = &mut module.settings.backend {
            backend.arguments = arguments;
        }
    }

    /// The value of a backend's argument; a mistake has the code [`BACKEND_ARGUMENT`], as the state cannot be found then.
    fn argument(&mut self, expression: &Expression, name: &str) -> Option<Value> {
        let mut wrong = Diagnostics::new();
        let variables = match expression.references().is_empty() {
            true => Variables::default(),
            false => self.variables(0),
        };
        let module = self.config.nodes[0].module.clone();
        let scope = EarlyScope {
            module: &module,
            variables: &variables,
            workspace: self.options.workspace,
            working_directory: self.options.working_directory,
            level: 0,
        };
        let value = scope.value(expression, &mut wrong);
        let mut marks = Marks::NONE;
        let value = value.map(|value| value.unmark_deep(&mut marks));
        if value.as_ref().is_some_and(|value| !value.is_wholly_known()) {
            wrong.push(
                Diagnostic::error(BACKEND_ARGUMENT, format!("Invalid backend {name}"))
                    .detail(format!(
                        "The {name} must be known before anything is planned."
                    ))
                    .at(expression.span()),
            );
        }
        let is_wrong = !wrong.is_empty();
        self.diags.extend(wrong.into_iter().map(|found| Diagnostic {
            code: BACKEND_ARGUMENT,
            ..found
        }));
        value.filter(|_| !is_wrong)
    }

    /// Adds the modules that one place calls.
    fn children(&mut self, caller: NodeId) {
        let module = self.config.nodes[caller].module.clone();
        for (name, call) in &module.calls {
            let Some(folder) = self.called_folder(caller, name, &module, call) else {
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
        name: &Arc<str>,
        module: &Module,
        call: &ModuleCall,
    ) -> Option<PathBuf> {
        let text = self.early(caller, &call.source, "module source")?;
        let source = match ModuleSource::parse(&text) {
            Ok(source) => source,
            Err(why) => {
                self.diags.push(
                    Diagnostic::error("invalid-module-source", "Invalid module source address")
                        .detail(why)
                        .at(call.source.span()),
                );
                return None;
            }
        };
        let version = self.version(caller, call, &source)?;
        let folder = match &source {
            ModuleSource::Local(path) => normalize(&module.relative.join(path)),
            _ => {
                let path = self.config.nodes[caller].path.child(name.clone());
                let names = self.below.0.iter().cloned().chain(path.0);
                let path = addr::Module(names.collect());
                self.installed(MissingModule {
                    path,
                    source,
                    version,
                    span: call.span.clone(),
                })?
            }
        };
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
            self.diags.push(calls_itself(&text, call, &around));
            return None;
        }
        Some(folder)
    }

    /// The version constraint of a call; none after a mistake.
    fn version(
        &mut self,
        caller: NodeId,
        call: &ModuleCall,
        source: &ModuleSource,
    ) -> Option<Option<(VersionConstraint, Arc<str>)>> {
        let Some(version) = &call.version else {
            return Some(None);
        };
        if !matches!(source, ModuleSource::Registry(_)) {
            let why = "Only modules of registries have versions: `version` has no meaning for this source.";
            self.diags.push(
                Diagnostic::error(
                    "version-of-local-module",
                    "Invalid registry module source address",
                )
                .detail(why)
                .at(call.source.span()),
            );
            return None;
        }
        let text = self.early(caller, version, "module version")?;
        match VersionConstraint::parse(&text) {
            Some(constraint) => Some(Some((constraint, text))),
            None => {
                self.diags.push(
                    Diagnostic::error("invalid-version-constraint", "Invalid version constraint")
                        .detail(format!("`{text}` is not a version constraint, such as `>= 1.2, < 2.0` or `~> 1.4`."))
                        .at(version.span()),
                );
                None
            }
        }
    }

    /// The folder where `init` put a module; none if it did not, which is reported.
    fn installed(&mut self, wanted: MissingModule) -> Option<PathBuf> {
        let source = &wanted.source;
        let key = manifest::key(&wanted.path.0);
        let entry = self.manifest.modules.get(&key);
        let wrong = match entry {
            None => Some(("Module not installed", "This module is not yet installed.")),
            Some(entry) if entry.source != source.to_string() => Some((
                "Module source has changed",
                "The source address was changed since this module was installed.",
            )),
            Some(entry) if !fits(entry, wanted.version.as_ref()) => Some((
                "Module version requirements have changed",
                "The version requirements have changed since this module was installed, and the installed version is \
                 no longer acceptable.",
            )),
            Some(_) => None,
        };
        let Some((summary, why)) = wrong else {
            return entry.map(|entry| normalize(Path::new(&entry.folder)));
        };
        self.diags.push(
            Diagnostic::error("module-not-installed", summary)
                .detail(format!("{why} Its source is `{source}`."))
                .at(wanted.span.clone())
                .hint("Run `strata init` to install all modules that this configuration needs."),
        );
        self.config.missing.push(wanted);
        None
    }

    /// The text of an expression that must be known before anything is planned.
    fn early(&mut self, node: NodeId, expression: &Expression, what: &str) -> Option<Arc<str>> {
        let variables = match expression.references().is_empty() {
            true => Variables::default(),
            false => self.variables(node),
        };
        let module = self.config.nodes[node].module.clone();
        let scope = EarlyScope {
            module: &module,
            variables: &variables,
            workspace: self.options.workspace,
            working_directory: self.options.working_directory,
            level: 0,
        };
        scope.text(expression, what, self.diags)
    }

    /// The values that a module's variables have, as far as they are known; mistakes in them are found later.
    fn variables(&mut self, node: NodeId) -> Variables {
        if let Some(known) = self.variables.get(&node) {
            return known.clone();
        }
        let module = self.config.nodes[node].module.clone();
        let mut unheard = Diagnostics::new();
        let found = match self.config.nodes[node].parent {
            None => crate::inputs::early_variables(&module, self.options.inputs),
            Some(parent) => {
                let outer = self.variables(parent);
                let calling = self.config.nodes[parent].module.clone();
                let scope = EarlyScope {
                    module: &calling,
                    variables: &outer,
                    workspace: self.options.workspace,
                    working_directory: self.options.working_directory,
                    level: 0,
                };
                let call = crate::graph::call_of(&self.config, node);
                let arguments = call.into_iter().flat_map(|call| &call.arguments);
                arguments
                    .map(|(name, argument)| {
                        let value = strata_hcl::evaluate(&argument.value, &scope, &mut unheard);
                        (name.clone(), value)
                    })
                    .collect()
            }
        };
        let found = Variables::new(found);
        self.variables.insert(node, found.clone());
        found
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
        let is_root = self.config.nodes.is_empty();
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

/// True if an installed version is one that will do.
fn fits(entry: &ManifestModule, version: Option<&(VersionConstraint, Arc<str>)>) -> bool {
    let Some((constraint, _)) = version else {
        return true;
    };
    let installed = entry.version.as_deref().and_then(Version::parse);
    installed.is_some_and(|installed| constraint.allows(&installed))
}

fn calls_itself(source: &str, call: &ModuleCall, around: &addr::Module) -> Diagnostic {
    let place = match around.0.is_empty() {
        true => "the root module".to_owned(),
        false => format!("`{around}`"),
    };
    Diagnostic::error("module-cycle", "Module calls itself")
        .detail(format!(
            "The folder `{source}` holds the module of {place}, which this call is a part of: loading it would not end."
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
