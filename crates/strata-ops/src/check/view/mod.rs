//! Everything that rules look at, prepared once.
//!
//! Files are read by [`super::walk`]; from there Terraform files go to [`hcl`] and, root module by
//! root module, through [`expand`]; YAML files are told apart by [`ansible`] and their tasks opened
//! by [`task`]; user-data is collected from both by [`cloud_init`]. Rules only look; none reads a file.

pub(crate) mod ansible;
mod cloud_init;
pub(crate) mod expand;
pub(crate) mod hcl;
mod includes;
pub(crate) mod mask;
mod module;
pub(crate) mod names;
pub(crate) mod task;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use strata_core::{Diagnostics, StageKind, Value, files::Files};
use strata_hcl::Body;
use strata_jinja::yaml::{self, Node};

use super::{stages::Stage, walk::TextFile};
use ansible::{FileKind, YamlFile};
use expand::Root;
use hcl::Folder;
use task::{Around, Task};

/// The files, read for rules.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Every text file.
    pub(crate) files: Vec<TextFile>,
    /// Folders with Terraform files.
    pub(crate) folders: Vec<Folder>,
    /// Packer templates.
    pub(crate) packer: Vec<Body>,
    /// Root modules, expanded; one for each stage that uses a folder.
    pub(crate) roots: Vec<Root>,
    /// YAML files.
    pub(crate) yaml: Vec<YamlFile>,
    /// Tasks of all of them.
    pub(crate) tasks: Vec<Task>,
    /// User-data.
    pub(crate) cloud_inits: Vec<Node>,
    /// Stages of the project; empty without a project file.
    pub(crate) stages: Vec<Stage>,
    /// Files with variables that only a password opens.
    pub(crate) encrypted: Vec<PathBuf>,
}

impl View {
    /// Prepares files.
    pub(crate) fn new(
        texts: Vec<TextFile>,
        stages: Vec<Stage>,
        files: &dyn Files,
        unchecked: &mut Vec<String>,
    ) -> Self {
        let mut view = Self {
            stages,
            ..Self::default()
        };
        view.folders = folders(&texts, files, unchecked);
        view.packer = packer(&texts);
        for text in &texts {
            view.yaml_file(text, unchecked);
        }
        view.files = texts;
        view.select();
        view.roots = view.expand(files);
        view.collect_tasks();
        view.collect_user_data();
        view
    }

    fn yaml_file(&mut self, text: &TextFile, unchecked: &mut Vec<String>) {
        if text.source.text.starts_with("$ANSIBLE_VAULT") {
            if is_variables(text) {
                self.encrypted.push(text.path.clone());
            }
            return;
        }
        let in_vars = ["group_vars", "host_vars"].iter().any(|folder| {
            text.path
                .ancestors()
                .skip(1)
                .any(|part| part.ends_with(folder))
        });
        let bare = in_vars && !text.name().contains('.');
        if !text.is(&[".yml", ".yaml"]) && !bare {
            return;
        }
        let mut diags = Diagnostics::new();
        let documents = yaml::parse_all(&text.source, &mut diags);
        if let Some(diagnostic) = diags.iter().find(|diagnostic| diagnostic.is_error()) {
            let path = text.path.to_string_lossy();
            let ours = ["tasks/", "handlers/", "playbook", "_vars/", "defaults/"];
            if ours.iter().any(|part| path.contains(part)) {
                unchecked.push(format!("`{path}`: {}", diagnostic.summary));
            }
        }
        let Some(root) = documents.into_iter().next() else {
            return;
        };
        self.yaml.push(YamlFile {
            path: text.path.clone(),
            source: text.source.clone(),
            kind: ansible::kind(&text.path, &root),
            root,
        });
    }

    /// In a project, only what its stages use is looked at.
    fn select(&mut self) {
        if self.stages.is_empty() {
            return;
        }
        let used = self.used_folders();
        self.folders.retain(|folder| used.contains(&folder.path));
        let configure = self
            .stages
            .iter()
            .filter(|stage| stage.kind == StageKind::Configure);
        let playbooks: Vec<&Path> = configure.flat_map(Stage::starts).collect();
        let used = super::reach::files(&self.yaml, &playbooks);
        self.yaml.retain(|file| used.contains(&file.path));
    }

    fn used_folders(&self) -> BTreeSet<PathBuf> {
        let provision = self
            .stages
            .iter()
            .filter(|stage| stage.kind == StageKind::Provision);
        let mut open: Vec<PathBuf> = provision.filter_map(|stage| stage.path.clone()).collect();
        let mut used = BTreeSet::new();
        while let Some(path) = open.pop() {
            let folder = self.folders.iter().find(|folder| folder.path == path);
            if let Some(folder) = folder.filter(|_| used.insert(path)) {
                open.extend(folder.calls().map(|(_, path)| path));
            }
        }
        used
    }

    fn expand(&self, files: &dyn Files) -> Vec<Root> {
        let by_path: BTreeMap<&Path, &Folder> = self
            .folders
            .iter()
            .map(|folder| (folder.path.as_path(), folder))
            .collect();
        let called: BTreeSet<PathBuf> = self
            .folders
            .iter()
            .flat_map(Folder::calls)
            .map(|(_, path)| path)
            .collect();
        let mut roots = Vec::new();
        for stage in &self.stages {
            let path = stage.path.as_deref();
            let folder = path
                .filter(|_| stage.kind == StageKind::Provision)
                .and_then(|path| by_path.get(path));
            if let Some(folder) = folder {
                let given = |name: &str| stage.given(name);
                roots.push(Root {
                    environment: Some(stage.environment.clone()),
                    ..expand::expand(&by_path, folder, false, &given, files)
                });
            }
        }
        for folder in self
            .folders
            .iter()
            .filter(|folder| !called.contains(&folder.path))
        {
            if self.stages.is_empty() {
                let library = is_library(folder);
                let given = |_: &str| None::<Value>;
                roots.push(expand::expand(&by_path, folder, library, &given, files));
            }
        }
        roots
    }

    fn collect_tasks(&mut self) {
        let mut tasks = Vec::new();
        for file in &self.yaml {
            let around = Around {
                handler: file.kind == FileKind::Handlers,
                file: file.path.clone(),
                ..Around::default()
            };
            match file.kind {
                FileKind::Tasks | FileKind::Handlers => {
                    task::collect(&file.root, &around, &mut tasks);
                }
                FileKind::Playbook => {
                    for play in file.root.items().unwrap_or_default() {
                        play_tasks(play, &around, &mut tasks);
                    }
                }
                _ => {}
            }
        }
        includes::inherit(&mut tasks);
        self.tasks = tasks;
    }

    fn collect_user_data(&mut self) {
        let mut found = Vec::new();
        for folder in &self.folders {
            for body in &folder.bodies {
                hcl::attributes(body, &mut |attribute| {
                    found.extend(cloud_init::of_expression(&attribute.expression));
                });
            }
        }
        for file in &self.yaml {
            if !file.source.text.starts_with('#') || cloud_init::of_file(&file.source).is_none() {
                cloud_init::of_yaml(&file.root, &mut found);
            }
        }
        // What is only there to be copied and filled in is not used as it stands.
        let others = [".tf", ".tofu", ".hcl", ".example", ".sample", ".dist"];
        for text in self.files.iter().filter(|text| !text.is(&others)) {
            found.extend(cloud_init::of_file(&text.source));
        }
        self.cloud_inits = found;
    }

    /// Root modules that are used, not only kept for others to call.
    pub(crate) fn used_roots(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(|root| !root.library)
    }

    /// YAML files of a kind.
    pub(crate) fn yaml_of(&self, kind: FileKind) -> impl Iterator<Item = &YamlFile> {
        self.yaml.iter().filter(move |file| file.kind == kind)
    }

    /// Every result that a task keeps.
    pub(crate) fn registered(&self) -> BTreeSet<&str> {
        let name = |task: &'_ Task| task.keyword("register").is_some();
        self.tasks
            .iter()
            .filter(|task| name(task))
            .filter_map(|task| task.keyword("register")?.text())
            .collect()
    }
}

/// True for files that hold variables, by where they stand; others are copied or unpacked as they are.
fn is_variables(text: &TextFile) -> bool {
    let below = |folder: &str| {
        let mut above = text.path.ancestors().skip(1);
        above.any(|part| part.ends_with(folder))
    };
    let yaml = text.is(&[".yml", ".yaml"]);
    let plain = !text.name().contains('.');
    let vars = below("group_vars") || below("host_vars") || below("vars");
    !below("files") && !below("templates") && (yaml || plain && vars)
}

fn play_tasks(play: &Node, around: &Around, tasks: &mut Vec<Task>) {
    for part in ["pre_tasks", "tasks", "post_tasks", "handlers"] {
        if let Some(list) = play.get(part) {
            let around = Around {
                handler: part == "handlers",
                tags: task::texts(play.get("tags")),
                ..around.clone()
            };
            task::collect(list, &around, tasks);
        }
    }
}

/// A folder that configures no provider, keeps no state and has no values is there to be called.
fn is_library(folder: &Folder) -> bool {
    let settled = folder.blocks("provider").next().is_some()
        || folder.settings("backend").next().is_some()
        || folder.settings("cloud").next().is_some();
    !settled && folder.values.is_empty()
}

fn folders(texts: &[TextFile], files: &dyn Files, unchecked: &mut Vec<String>) -> Vec<Folder> {
    let mut folders: BTreeMap<&Path, Folder> = BTreeMap::new();
    for text in texts {
        let parent = text.path.parent().unwrap_or(Path::new(""));
        let configuration = text.is(&[".tf", ".tofu"]);
        let values = text.is(&[".tfvars"]);
        if text.is(&[".tf.json", ".tofu.json"]) {
            let path = text.path.display();
            unchecked.push(format!("`{path}`: configuration in JSON is not looked at"));
        }
        if !configuration && !values {
            continue;
        }
        let folder = folders.entry(parent).or_insert_with(|| Folder {
            path: parent.to_owned(),
            bodies: Vec::new(),
            values: Vec::new(),
            locked: files.kind(&parent.join(".terraform.lock.hcl")).is_some(),
        });
        let Some(body) = hcl::parse(&text.source) else {
            let path = text.path.display();
            unchecked.push(format!(
                "`{path}`: its syntax is wrong; `strata validate` says where"
            ));
            continue;
        };
        if configuration {
            folder.bodies.push(body);
        } else {
            let automatic = text.name() == "terraform.tfvars" || text.is(&[".auto.tfvars"]);
            folder.values.push((automatic, body));
        }
    }
    folders
        .into_values()
        .filter(|folder| !folder.bodies.is_empty())
        .collect()
}

fn packer(texts: &[TextFile]) -> Vec<Body> {
    texts
        .iter()
        .filter(|text| text.is(&[".pkr.hcl"]))
        .filter_map(|text| hcl::parse(&text.source))
        .collect()
}

impl View {
    /// True for files that rules have looked at, as far as the project goes.
    pub(crate) fn looks_at(&self, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        let in_folders = self.folders.iter().any(|folder| folder.path == parent);
        let role = ansible::role_of(path);
        let in_role = role.is_some() && self.yaml.iter().any(|file| file.role() == role);
        in_folders || in_role || self.yaml.iter().any(|file| file.path == path)
    }
}
