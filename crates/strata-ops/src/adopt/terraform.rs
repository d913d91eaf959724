//! The root modules: folders with configuration that no other module calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostics, Source, files::Files};
use strata_hcl::Body;

use super::{environments, inventories, walk::split};

/// A folder that can be planned and applied.
pub(super) struct RootModule {
    /// Its path.
    pub(super) directory: String,
    /// The environment that it is for; none for all.
    pub(super) environment: Option<String>,
    /// Variables that need a value, and their types as they are written.
    pub(super) required: Vec<(String, Option<String>)>,
    /// An example of `terraform.tfvars`, where there is none of these; what it names is not among `required`.
    pub(super) example: Option<String>,
    /// Variable files that are not read by themselves, with their environments.
    pub(super) variable_files: Vec<(Option<String>, String)>,
    /// Outputs.
    pub(super) outputs: BTreeSet<String>,
    /// Inventories that it writes: paths in the repository.
    pub(super) inventories: BTreeSet<String>,
}

/// What one folder says.
#[derive(Default)]
struct Folder {
    variables: BTreeMap<String, (bool, Option<String>)>,
    outputs: BTreeSet<String>,
    calls: Vec<String>,
    /// Files that it writes, relative to the root module that is applied.
    written: Vec<String>,
    acts: bool,
}

/// All root modules, sorted by folder.
pub(super) fn root_modules(files: &dyn Files, base: &Path, tree: &[String]) -> Vec<RootModule> {
    let folders = folders(files, base, tree);
    let called: BTreeSet<String> = folders
        .iter()
        .flat_map(|(path, folder)| folder.calls.iter().map(|call| inside(path, call)))
        .collect();
    let is_root = |path: &str, folder: &Folder| {
        let in_modules = path.split('/').any(|part| part == "modules");
        !called.contains(path) && !in_modules && folder.acts
    };
    folders
        .iter()
        .filter(|(path, folder)| is_root(path, folder))
        .map(|(path, folder)| root_module(files, base, tree, path, folder))
        .collect()
}

fn folders(files: &dyn Files, base: &Path, tree: &[String]) -> BTreeMap<String, Folder> {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    let is_configuration = |path: &&String| path.ends_with(".tf") || path.ends_with(".tofu");
    for path in tree.iter().filter(is_configuration) {
        let Ok(text) = files.read_text(&base.join(path)) else {
            continue;
        };
        let source = Arc::new(Source::new(path.clone(), text));
        // A file with mistakes gives what can be read of it; `strata validate` tells the mistakes.
        let body = strata_hcl::parse(&source, &mut Diagnostics::new());
        look(folders.entry(split(path).0.to_owned()).or_default(), &body);
    }
    folders
}

fn look(folder: &mut Folder, body: &Body) {
    for block in &body.blocks {
        let label = block.labels.first().map(|label| label.text.to_string());
        match (&*block.kind.text, label) {
            ("variable", Some(name)) => {
                let kind = block.body.attribute("type");
                let kind = kind.map(|kind| written(&kind.expression, body));
                let default = block.body.attribute("default").is_some();
                folder.variables.insert(name, (default, kind));
            }
            ("output", Some(name)) => drop(folder.outputs.insert(name)),
            ("module", _) => {
                folder.acts = true;
                let source = block.body.attribute("source");
                let source = source.and_then(|source| literal(&source.expression));
                folder
                    .calls
                    .extend(source.filter(|source| source.starts_with('.')));
            }
            ("resource", Some(kind)) => {
                folder.acts = true;
                if matches!(&*kind, "local_file" | "local_sensitive_file") {
                    let name = block.body.attribute("filename");
                    folder.written.extend(name.and_then(|name| {
                        let text = written(&name.expression, body);
                        path_of(&text)
                    }));
                }
            }
            ("resource" | "data" | "provider" | "terraform", _) => folder.acts = true,
            _ => {}
        }
    }
}

fn literal(expression: &strata_hcl::Expression) -> Option<String> {
    let value = strata_hcl::evaluate(expression, &strata_hcl::EmptyScope, &mut Diagnostics::new());
    value.as_str().map(str::to_owned)
}

/// The path in a template that begins with the folder of its module, or with none; none if it is made of more.
fn path_of(template: &str) -> Option<String> {
    let text = template.strip_prefix('"')?.strip_suffix('"')?;
    let folders = ["${path.module}/", "${path.root}/", "${path.cwd}/"];
    let rest = folders.iter().find_map(|folder| text.strip_prefix(folder));
    let path = rest.unwrap_or(text);
    (!path.contains("${") && !path.starts_with(['/', '~'])).then(|| path.to_owned())
}

/// An expression as it is written, in one line.
fn written(expression: &strata_hcl::Expression, body: &Body) -> String {
    let span = expression.span();
    let range = span.start.byte as usize..span.end.byte as usize;
    let text = body.source.text.get(range).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folder that a local source leads to.
fn inside(folder: &str, source: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(folder).join(source).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path.display().to_string()
}

/// How examples of variable files begin and end.
const EXAMPLES: [(&str, &str); 6] = [
    ("", ".tfvars.example"),
    ("", ".tfvars.sample"),
    ("", ".tfvars.template"),
    ("", ".tfvars.dist"),
    ("example", ".tfvars"),
    ("terraform.", "example.tfvars"),
];

fn root_module(
    files: &dyn Files,
    base: &Path,
    tree: &[String],
    path: &str,
    folder: &Folder,
) -> RootModule {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let below = |file: &&String| file.starts_with(&prefix) && file.ends_with(".tfvars");
    let is_automatic = |file: &str| {
        split(file).0 == path
            && (file.ends_with(".auto.tfvars") || split(file).1 == "terraform.tfvars")
    };
    let mut given = BTreeSet::new();
    let mut variable_files = Vec::new();
    let values = format!("{prefix}terraform.tfvars");
    let is_example = |file: &&String| {
        let name = split(file).1;
        split(file).0 == path
            && EXAMPLES
                .iter()
                .any(|(begin, end)| name.starts_with(begin) && name.ends_with(end))
    };
    let example = tree.iter().find(is_example);
    let example = example.filter(|_| !tree.contains(&values)).cloned();
    if let Some(file) = &example {
        given.extend(names(files, base, file));
    }
    for file in tree.iter().filter(below).filter(|file| !is_example(file)) {
        given.extend(names(files, base, file));
        if !is_automatic(file) {
            variable_files.push((environments::of(file), file.clone()));
        }
    }
    let required = folder.variables.iter();
    let required = required.filter(|(name, (default, _))| !default && !given.contains(*name));
    RootModule {
        directory: path.to_owned(),
        environment: environments::of(&format!("{prefix}main.tf")),
        required: required
            .map(|(name, (_, kind))| (name.clone(), kind.clone()))
            .collect(),
        example,
        variable_files,
        outputs: folder.outputs.clone(),
        inventories: folder
            .written
            .iter()
            .map(|name| inside(path, name))
            .filter(|name| inventories::is_named_so(name))
            .collect(),
    }
}

/// The names that a variable file gives values to.
fn names(files: &dyn Files, base: &Path, file: &str) -> Vec<String> {
    let Ok(text) = files.read_text(&base.join(file)) else {
        return Vec::new();
    };
    let source = Arc::new(Source::new(file.to_owned(), text));
    let body = strata_hcl::parse(&source, &mut Diagnostics::new());
    let names = body
        .attributes
        .iter()
        .map(|attribute| attribute.name.text.to_string());
    names.collect()
}
