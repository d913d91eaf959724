//! Where modules of others are on this machine: the settings' folders, and an ansible-core that is installed.
//!
//! Nothing of it is run here. What modules import is read from the package `ansible` in the folder of Python
//! packages that belongs to the `ansible-playbook` on the path, or in the usual ones.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use strata_runner::ModulePaths;

use super::Project;

/// Folders that may hold Pythons with packages, beside those of programs on the path.
const USUAL: &[&str] = &["/usr", "/usr/local"];

/// Where modules are, by the settings and what is installed.
pub(super) fn paths(project: &Project, environment: &BTreeMap<String, String>) -> ModulePaths {
    let usual = |name: &str, inside: &str| {
        let paths = project.settings.paths(name, ':');
        if !paths.is_empty() {
            return paths;
        }
        let home = project
            .settings
            .home_folder(&format!(".ansible/plugins/{inside}"));
        let system = PathBuf::from(format!("/usr/share/ansible/plugins/{inside}"));
        home.into_iter().chain([system]).collect()
    };
    ModulePaths {
        modules: usual("library", "modules"),
        module_utils: usual("module_utils", "module_utils"),
        core: core(environment),
    }
}

/// The package `ansible` of an installed ansible-core.
pub(super) fn core(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let programs = environment
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    let of_program = programs.split(':').filter_map(|folder| {
        let program = fs::canonicalize(Path::new(folder).join("ansible-playbook")).ok()?;
        Some(program.parent()?.parent()?.to_owned())
    });
    let home = environment.get("HOME").map(PathBuf::from);
    let home: Vec<PathBuf> = home
        .iter()
        .flat_map(|home| {
            let pipx = ["ansible", "ansible-core"];
            let pipx = pipx.map(|name| home.join(".local/share/pipx/venvs").join(name));
            pipx.into_iter().chain([home.join(".local")])
        })
        .collect();
    let usual = USUAL.iter().map(PathBuf::from);
    of_program
        .chain(home)
        .chain(usual)
        .find_map(|prefix| package(&prefix))
}

/// The folder of packages beside an installed ansible-core, if collections are in it.
pub(super) fn collections(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let packages = core(environment)?.parent()?.to_owned();
    packages
        .join("ansible_collections")
        .is_dir()
        .then_some(packages)
}

/// The package below the folder that a Python is installed in.
fn package(prefix: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(prefix.join("lib")).ok()?;
    let mut pythons: Vec<PathBuf> = folders
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("python3"))
        })
        .collect();
    // The newest first, as far as names tell.
    pythons.sort();
    let kinds = ["site-packages/ansible", "dist-packages/ansible"];
    let candidates = pythons
        .iter()
        .rev()
        .flat_map(|python| kinds.map(|kind| python.join(kind)));
    candidates
        .into_iter()
        .find(|path| path.join("module_utils/basic.py").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_belongs_to_the_program_on_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder
            .path()
            .join("venv/lib/python3.11/site-packages/ansible");
        fs::create_dir_all(package.join("module_utils")).unwrap();
        fs::write(package.join("module_utils/basic.py"), "").unwrap();
        fs::create_dir_all(folder.path().join("venv/bin")).unwrap();
        let program = folder.path().join("venv/bin/ansible-playbook");
        fs::write(&program, "").unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(&program, bin.join("ansible-playbook")).unwrap();
        let path = format!("/nowhere:{}", bin.display());
        let found = core(&BTreeMap::from([("PATH".to_owned(), path)]));
        let folder = fs::canonicalize(folder.path()).unwrap();
        assert_eq!(
            found,
            Some(folder.join("venv/lib/python3.11/site-packages/ansible"))
        );
    }
}
