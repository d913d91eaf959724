//! The modules that runs of test files have in the place of the configuration under test.
//!
//! `modules.json` has them, and what they call, under names that no module of the configuration can have, as Terraform
//! writes it: `test.tests.main.setup` for the run `setup` of `tests/main.tftest.hcl`.

use std::path::{Path, PathBuf};

use strata_core::{
    Diagnostic, Diagnostics, addr,
    files::{EntryKind, Files, normalize},
};

use super::{LoadOptions, Loader, MissingModule};
use crate::{source::ModuleSource, test_file::RunModule, tree::Config};

/// The names under which the module of a run is installed.
pub fn run_path(file: &str, run: &str) -> addr::Module {
    let endings = [".tftest.hcl", ".tofutest.hcl"];
    let name = endings.iter().find_map(|ending| file.strip_suffix(ending));
    let folders = name.unwrap_or(file).split('/');
    let names = ["test"].into_iter().chain(folders).chain([run]);
    addr::Module(names.map(Into::into).collect())
}

/// Reads the module of a run and all modules it calls; `root` is the folder of the configuration under test, to which all
/// places are relative. It is empty if the module is not there, which is reported.
pub fn load_run(
    files: &dyn Files,
    root: &Path,
    options: &LoadOptions<'_>,
    (path, module): (addr::Module, &RunModule),
    diags: &mut Diagnostics,
) -> Config {
    let mut loader = Loader::new(files, root, options, diags);
    let folder = match &module.source {
        ModuleSource::Local(folder) => Some(or_here(normalize(Path::new(folder)))),
        source => loader.installed(MissingModule {
            path: path.clone(),
            source: source.clone(),
            version: module.version.clone(),
            span: module.span.clone(),
        }),
    };
    let Some(folder) = folder else {
        return loader.config;
    };
    let full = or_here(normalize(&root.join(&folder)));
    if files.kind(&full) != Some(EntryKind::Folder) {
        loader.diags.push(
            Diagnostic::error("module-not-found", "Module not installed")
                .detail(format!("The folder `{}` is not there.", full.display()))
                .at(module.span.clone()),
        );
        return loader.config;
    }
    loader.below = path;
    loader.root(&folder);
    loader.config
}

/// A path that leads nowhere from here leads here.
fn or_here(path: PathBuf) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path,
    }
}
