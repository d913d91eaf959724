//! Finds roles and loads them with what they depend on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Span, files::normalize};

use super::{
    context::{Context, MAX_DEPTH},
    fields::spanned,
    keywords::{SHARED, inherit},
    reader::{Reader, variables},
};
use crate::{
    play::{Handler, JsonMap, Keywords, Node as PlayNode, Role, RoleFiles, RoleParent, Spanned},
    yaml::{Entry, Node},
};

/// A role as something asks for it.
pub(super) struct Spec {
    pub(super) name: Spanned<String>,
    pub(super) from: RoleFiles,
    pub(super) parameters: Arc<JsonMap>,
    /// `vars` of the entry.
    pub(super) given: Arc<JsonMap>,
    pub(super) public: bool,
    /// Whether it may run again; none: as its metadata say.
    pub(super) allow_duplicates: Option<bool>,
    /// Whether its arguments are checked by its `meta/argument_specs.yml`.
    pub(super) validate: bool,
    /// Whether a task includes or imports it.
    pub(super) by_task: bool,
    /// The conditions and tags of the entry, which tell one use of a role from another.
    pub(super) words: String,
}

/// A role with its tasks.
pub(super) struct Loaded {
    /// The tasks of its dependencies and its own.
    pub(super) nodes: Vec<PlayNode>,
    /// The handlers of its dependencies and its own.
    pub(super) handlers: Vec<Arc<Handler>>,
    /// Its dependencies and itself.
    pub(super) roles: Vec<Arc<Role>>,
}

impl Reader<'_> {
    /// Reads the `roles` of a play, or the `dependencies` of a role.
    pub(super) fn role_list(&mut self, node: &Node, context: &Context) -> Loaded {
        let mut all = Loaded {
            nodes: Vec::new(),
            handlers: Vec::new(),
            roles: Vec::new(),
        };
        for item in self.sequence(node, "a list of roles").unwrap_or_default() {
            let Some((mut spec, own)) = self.role_entry(item, context) else {
                continue;
            };
            // What a role depends on is as public as the role itself.
            if let Some(role) = &context.role {
                spec.public = role.public;
            }
            let inner = Context {
                keywords: Arc::new(inherit(&context.keywords, own)),
                ..context.clone()
            };
            if let Some(loaded) = self.role(&spec, &inner) {
                all.nodes.extend(loaded.nodes);
                all.handlers.extend(loaded.handlers);
                all.roles.extend(loaded.roles);
            }
        }
        all
    }

    /// `name`, `{role: name, tags: x, vars: {...}, parameter: value}`.
    fn role_entry(&mut self, node: &Node, context: &Context) -> Option<(Spec, Keywords)> {
        let mut own = Keywords::default();
        let mut parameters = JsonMap::new();
        let mut given = JsonMap::new();
        let mut name = None;
        if node.entries().is_none() {
            let entry = Entry {
                key: node.clone(),
                value: node.clone(),
            };
            name = self.text(&entry);
        }
        let is_named = node.get("role").or(node.get("name")).is_some();
        for entry in node.entries().unwrap_or_default() {
            let key = entry.key.text().unwrap_or_default();
            match key {
                "role" | "name" => name = self.text(entry),
                "src" if !is_named => name = self.text(entry),
                "vars" => {
                    given = variables(&entry.value, self.diags).unwrap_or_default();
                }
                // Of an entry that `galaxy install` reads, too.
                "version" | "scm" | "src" if !is_named => {}
                _ if SHARED.contains(&key) => {
                    self.keyword(entry, &mut own);
                }
                _ => {
                    parameters.insert(key.to_owned(), spanned(&entry.value).value);
                }
            }
        }
        let Some(name) = name else {
            self.error("missing-role", "the role must have a name", &node.span);
            return None;
        };
        let text = self.static_text(&name, context)?;
        let spec = Spec {
            name: Spanned {
                value: text,
                span: name.span,
            },
            from: RoleFiles::default(),
            parameters: Arc::new(parameters),
            given: Arc::new(given),
            public: !self.options.private_role_vars,
            allow_duplicates: None,
            validate: true,
            by_task: false,
            words: words(&own),
        };
        Some((spec, own))
    }

    /// Loads a role; `context` says what it inherits, and its `role` is the one that asks for it.
    pub(super) fn role(&mut self, spec: &Spec, context: &Context) -> Option<Loaded> {
        if context.depth > MAX_DEPTH {
            self.error(
                "role-depth",
                "roles depend on one another without end",
                &spec.name.span,
            );
            return None;
        }
        let Found {
            path,
            name,
            collection,
        } = self.find_role(&spec.name, context)?;
        let metadata = self.role_file(&path, "meta", None, Some(&spec.name.span));
        let defaults = self.role_variables(
            &path,
            "defaults",
            spec.from.defaults.as_deref(),
            &spec.name.span,
        );
        let vars = self.role_variables(&path, "vars", spec.from.vars.as_deref(), &spec.name.span);
        let allowed = metadata
            .as_ref()
            .and_then(|(_, node)| node.get("allow_duplicates"));
        let allow_duplicates = spec
            .allow_duplicates
            .unwrap_or_else(|| allowed.is_some_and(|node| node.to_json() == Json::Bool(true)));
        let meta = metadata.as_ref().map(|(_, node)| node);
        let context = &Context {
            keywords: Arc::new(Keywords {
                collections: collections_of_role(collection.as_deref(), meta, context),
                ..(*context.keywords).clone()
            }),
            ..context.clone()
        };
        let mut role = Role {
            name: full_name(&name, collection.as_deref()),
            collection,
            path: path.clone(),
            defaults: Arc::new(defaults),
            vars: Arc::new(vars),
            parameters: spec.parameters.clone(),
            given: spec.given.clone(),
            dependencies: Vec::new(),
            parents: parents(context.role.as_deref(), spec.by_task),
            allow_duplicates,
            public: spec.public,
            identity: identity(&path, spec),
        };
        let dependencies = self.dependencies(meta, &role, context);
        role.dependencies = dependencies.roles.clone();
        let role = Arc::new(role);
        let inner = Context {
            role: Some(role.clone()),
            depth: context.depth + 1,
            ..context.clone()
        };
        let mut loaded = dependencies;
        loaded
            .handlers
            .extend(self.role_handlers(&path, spec, &inner));
        let check = self.argument_spec(&path, spec, metadata.as_ref(), &inner);
        loaded.nodes.extend(check.map(PlayNode::Task));
        loaded.nodes.extend(self.role_tasks(&path, spec, &inner));
        loaded.nodes.push(PlayNode::RoleDone(role.clone()));
        loaded.roles.push(role);
        Some(loaded)
    }

    fn dependencies(&mut self, metadata: Option<&Node>, role: &Role, context: &Context) -> Loaded {
        let none = Loaded {
            nodes: Vec::new(),
            handlers: Vec::new(),
            roles: Vec::new(),
        };
        let Some(list) = metadata.and_then(|node| node.get("dependencies")) else {
            return none;
        };
        let inner = Context {
            role: Some(Arc::new(role.clone())),
            depth: context.depth + 1,
            ..context.clone()
        };
        self.role_list(list, &inner)
    }

    fn role_handlers(&mut self, path: &Path, spec: &Spec, context: &Context) -> Vec<Arc<Handler>> {
        let from = spec.from.handlers.as_deref();
        let Some((file, node)) = self.role_file(path, "handlers", from, Some(&spec.name.span))
        else {
            return Vec::new();
        };
        let context = inside(context, &file);
        self.handlers(&node, &context)
    }

    fn role_tasks(&mut self, path: &Path, spec: &Spec, context: &Context) -> Vec<PlayNode> {
        let from = spec.from.tasks.as_deref();
        let Some((file, node)) = self.role_file(path, "tasks", from, Some(&spec.name.span)) else {
            return Vec::new();
        };
        let context = inside(context, &file);
        self.tasks(&node, &context)
    }

    fn role_variables(
        &mut self,
        path: &Path,
        folder: &str,
        from: Option<&str>,
        place: &Span,
    ) -> JsonMap {
        let main = path.join(folder).join("main");
        if from.is_none() && self.is_folder(&main) {
            return self.variable_folder(&main);
        }
        match self.role_file(path, folder, from, Some(place)) {
            Some((_, node)) => variables(&node, self.diags).unwrap_or_default(),
            None => JsonMap::new(),
        }
    }

    /// All files of a folder `defaults/main/` or `vars/main/`, by name.
    fn variable_folder(&mut self, folder: &Path) -> JsonMap {
        let mut all = JsonMap::new();
        for entry in self.files.list(folder).unwrap_or_default() {
            let path = folder.join(&entry.name);
            let known = [".yml", ".yaml", ".json"]
                .iter()
                .any(|ending| entry.name.ends_with(ending));
            if known
                && let Some(node) = self.yaml(&path, None)
                && let Some(map) = variables(&node, self.diags)
            {
                all.extend(map);
            }
        }
        all
    }

    /// `main.yml` of a folder of a role, or the file that is asked for; it must then be there.
    ///
    /// Without a `place` where it was asked for, it may be missing.
    pub(super) fn role_file(
        &mut self,
        role: &Path,
        folder: &str,
        from: Option<&str>,
        place: Option<&Span>,
    ) -> Option<(PathBuf, Node)> {
        let name = from.unwrap_or("main");
        let base = role.join(folder);
        let candidates: Vec<_> = [".yml", ".yaml", ".json", ""]
            .iter()
            .map(|ending| base.join(format!("{name}{ending}")))
            .collect();
        match self.first_file(&candidates) {
            Some(file) => {
                let node = self.yaml(&file, place)?;
                Some((file, node))
            }
            None => {
                if let (Some(_), Some(place)) = (from, place) {
                    self.error(
                        "missing-role-file",
                        format!("the role has no file `{folder}/{name}.yml`"),
                        place,
                    );
                }
                None
            }
        }
    }

    fn find_role(&mut self, name: &Spanned<String>, context: &Context) -> Option<Found> {
        let text = name.value.as_str();
        let mut folders = self.collection_roles(text, context);
        folders.push(context.playbook_folder.join("roles").join(text));
        folders.extend(
            self.options
                .roles_path
                .iter()
                .map(|folder| folder.join(text)),
        );
        if let Some(parent) = context.role.as_ref().and_then(|role| role.path.parent()) {
            folders.push(parent.join(text));
        }
        folders.push(context.playbook_folder.join(text));
        let mut folders: Vec<_> = folders.iter().map(|folder| normalize(folder)).collect();
        let mut seen = std::collections::BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        if let Some(found) = folders.iter().find(|folder| self.is_folder(folder)) {
            return Some(Found {
                path: self.files.real(found),
                name: text.to_owned(),
                collection: collection_of(found),
            });
        }
        // Last, a path from the working directory, of which only the end is the name.
        let from_here = normalize(Path::new(text));
        if self.is_folder(&from_here) {
            let name = from_here.file_name().and_then(|name| name.to_str());
            return Some(Found {
                path: self.files.real(&from_here),
                name: name.unwrap_or(text).to_owned(),
                collection: collection_of(&from_here),
            });
        }
        let places: Vec<_> = folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        let hint = match self.requirements_with(text, &context.playbook_folder) {
            Some(file) => {
                let file = file.display();
                format!(
                    "`{file}` has it: `strata galaxy install -r {file}` fetches what that lists"
                )
            }
            None => "roles live in `roles/` beside the playbook, or in a folder of `roles_path`"
                .to_owned(),
        };
        self.diags.push(
            Diagnostic::error("missing-role", format!("the role `{text}` was not found"))
                .detail(format!("Looked at {}.", places.join(", ")))
                .at(name.span.clone())
                .hint(hint),
        );
        None
    }

    /// The file for `galaxy install` that names a role, or the collection of one, in the places where people have it.
    fn requirements_with(&self, role: &str, playbook_folder: &Path) -> Option<PathBuf> {
        let wanted = match role.split('.').collect::<Vec<_>>().as_slice() {
            [namespace, collection, _] => format!("{namespace}.{collection}"),
            _ => role.to_owned(),
        };
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let names_it = |file: &PathBuf| {
            let text = self.files.read_text(file);
            text.is_ok_and(|text| text.split(|c| !is_part(c)).any(|word| word == wanted))
        };
        let folders = [Path::new(""), playbook_folder];
        let inside = folders
            .iter()
            .flat_map(|folder| ["", "roles", "collections"].map(|inside| folder.join(inside)));
        inside
            .flat_map(|folder| {
                ["yml", "yaml"].map(|end| folder.join(format!("requirements.{end}")))
            })
            .find(names_it)
    }
}

impl Reader<'_> {
    /// Where a role of a collection may be: named in full, or short with `collections:`, or beside its own kind.
    fn collection_roles(&self, name: &str, context: &Context) -> Vec<PathBuf> {
        let parts: Vec<&str> = name.split('.').collect();
        let mut inside: Vec<PathBuf> = Vec::new();
        let mut add = |collection: &str, role: &str| {
            if let Some((namespace, collection)) = collection.split_once('.') {
                let folder = Path::new(namespace)
                    .join(collection)
                    .join("roles")
                    .join(role);
                inside.push(folder);
            }
        };
        if let [namespace, collection, role] = parts.as_slice() {
            add(&format!("{namespace}.{collection}"), role);
        } else if parts.len() == 1 {
            context
                .keywords
                .collections
                .iter()
                .for_each(|collection| add(collection, name));
        }
        let roots = self.collection_roots(&context.playbook_folder);
        let below = |root: &PathBuf| inside.iter().map(|one| root.join(one)).collect::<Vec<_>>();
        roots.iter().flat_map(below).collect()
    }

    /// The folders `ansible_collections` that a playbook in this folder sees; one of a collection sees its neighbours.
    pub(super) fn collection_roots(&self, playbook_folder: &Path) -> Vec<PathBuf> {
        let mut around = playbook_folder.ancestors();
        let around = around.find(|folder| folder.ends_with("ansible_collections"));
        std::iter::once(playbook_folder.join("collections"))
            .chain(self.options.collections_path.iter().cloned())
            .map(|root| root.join("ansible_collections"))
            .chain(around.map(Path::to_owned))
            .collect()
    }
}

/// A role's folder, found by a name.
struct Found {
    /// The folder without links on its way, as Ansible has it in `role_path`.
    path: PathBuf,
    /// The name, or the end of a path that was given for it.
    name: String,
    /// The collection in which it was found, however that is linked.
    collection: Option<String>,
}

/// Where the names of a role's tasks and dependencies are looked for: its own collection (or the playbook's), and those
/// of `collections` in its metadata. It inherits none from the play.
fn collections_of_role(
    own: Option<&str>,
    metadata: Option<&Node>,
    context: &Context,
) -> Vec<String> {
    let own = own.map(str::to_owned);
    let own = own.or_else(|| collection_of(&context.playbook_folder));
    let listed = metadata.and_then(|node| node.get("collections")?.items());
    let listed = listed.unwrap_or_default().iter();
    let mut all = Vec::new();
    for name in own
        .into_iter()
        .chain(listed.filter_map(|node| Some(node.text()?.to_owned())))
    {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// The collection in which the folder of a role, or one with playbooks, is.
pub(super) fn collection_of(path: &Path) -> Option<String> {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let at = parts
        .iter()
        .rposition(|part| part == "ansible_collections")?;
    match parts.get(at + 1..)? {
        [namespace, name, kind, _, ..] if kind == "roles" => Some(format!("{namespace}.{name}")),
        [namespace, name, kind, ..] if kind == "playbooks" => Some(format!("{namespace}.{name}")),
        _ => None,
    }
}

fn full_name(name: &str, collection: Option<&str>) -> String {
    match collection {
        Some(collection) if !name.contains('.') => format!("{collection}.{name}"),
        _ => name.to_owned(),
    }
}

fn inside(context: &Context, file: &Path) -> Context {
    Context {
        folder: file.parent().unwrap_or(Path::new("")).to_owned(),
        ..context.clone()
    }
}

fn parents(role: Option<&Role>, by_task: bool) -> Vec<RoleParent> {
    let Some(role) = role else {
        return Vec::new();
    };
    let own = RoleParent {
        name: role.name.clone(),
        path: role.path.clone(),
        defaults: role.defaults.clone(),
        vars: role.vars.clone(),
        parameters: role.parameters.clone(),
        given: role.given.clone(),
        by_task,
    };
    role.parents.iter().cloned().chain([own]).collect()
}

/// The conditions and tags of an entry itself, without those that it inherits.
fn words(own: &Keywords) -> String {
    let texts = |values: &[Spanned<Json>]| -> Vec<String> {
        values.iter().map(|value| value.value.to_string()).collect()
    };
    format!("{:?}\0{:?}", texts(&own.when), texts(&own.tags))
}

/// What tells one use of a role from another: within a play it runs once with the same parameters, variables,
/// conditions and tags of its own, unless it says otherwise; once more if tasks include it, with the same files.
fn identity(path: &Path, spec: &Spec) -> Arc<str> {
    let parameters = Json::Object((*spec.parameters).clone());
    let given = Json::Object((*spec.given).clone());
    let path = path.display();
    let from = match spec.by_task {
        true => format!("{:?}", spec.from),
        false => String::new(),
    };
    format!("{path}\0{parameters}\0{given}\0{}\0{from}", spec.words).into()
}
