//! Installing modules, round by round: what one round fetches may call more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_config::{
    Config, LoadOptions, MANIFEST, ManifestModule, MissingModule, ModuleManifest, ModuleSource,
    RunModule, VariableInput,
};
use strata_core::{
    Diagnostic, Diagnostics,
    addr::Module,
    files::{Entry, EntryKind, FileError, Files},
};

use super::{Options, Step, fetch, hosts::Hosts, manifest, modules_folder};
use crate::{files::Disk, process::Process};

/// The folder of a configuration, and what is kept beside it.
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) data: PathBuf,
    pub(super) workspace: Arc<str>,
    pub(super) working_directory: PathBuf,
}

impl Place {
    pub(super) fn load(
        &self,
        files: &dyn Files,
        inputs: &[VariableInput],
        diags: &mut Diagnostics,
    ) -> Config {
        strata_config::load_with(files, &self.root, &self.options(inputs), diags)
    }

    fn options<'a>(&'a self, inputs: &'a [VariableInput]) -> LoadOptions<'a> {
        LoadOptions {
            inputs,
            workspace: &self.workspace,
            data_directory: Some(&self.data),
            working_directory: Some(&self.working_directory),
        }
    }

    /// The modules of tests' runs. Mistakes in test files are said by who runs them.
    fn runs(&self, tests: &Path) -> Vec<(Module, RunModule)> {
        let mut unheard = Diagnostics::new();
        let found = strata_config::test_files(&Disk, &self.root, tests, &mut unheard);
        let runs = found.files.into_iter().flat_map(|file| {
            let of_file = file.runs.into_iter();
            let path = move |run: &str| strata_config::run_path(&file.name, run);
            of_file.filter_map(move |run| Some((path(&run.name), run.module?)))
        });
        runs.collect()
    }
}

/// How deep modules may call modules that must be fetched.
const MOST_ROUNDS: usize = 64;

/// Installs everything that is called and not there; gives the whole configuration.
pub(super) fn install(
    options: &Options,
    place: &Place,
    inputs: &[VariableInput],
    process: &Process,
    say: &mut dyn FnMut(Step),
    diags: &mut Diagnostics,
) -> Config {
    let folder = modules_folder(&place.data);
    let mut overlay = Overlay {
        manifest: folder.join(MANIFEST),
        text: b"{\"Modules\":[]}".as_slice().into(),
    };
    let mut calls = Diagnostics::new();
    let first = place.load(&overlay, inputs, &mut calls);
    let runs = place.runs(&options.tests);
    // Without any module there is nothing to write, and the folder may be read-only.
    if first.missing_modules().is_empty() && first.modules().count() <= 1 && runs.is_empty() {
        diags.append(calls);
        return first;
    }
    let _lock = match lock(&folder) {
        Ok(lock) => lock,
        Err(error) => {
            diags.push(unwritable(&folder, &error));
            return first;
        }
    };
    let known = match options.upgrade {
        true => ModuleManifest::default(),
        false => ModuleManifest::read(&Disk, &folder, &mut Diagnostics::new()),
    };
    let mut installer = Installer {
        options,
        place,
        folder: &folder,
        hosts: Hosts::read(process, diags),
        packages: packages(&known, place),
        manifest: known,
        failed: BTreeSet::new(),
        say,
    };
    let load = |files: &Overlay, found: &mut Diagnostics| place.load(files, inputs, found);
    let (config, mut found) = installer.rounds(&mut overlay, load, process, diags);
    let mut entries = manifest::of(&config, &installer.manifest);
    local_steps(&Module::root(), &config, &installer.manifest, installer.say);
    for (path, module) in &runs {
        let load = |files: &Overlay, found: &mut Diagnostics| {
            strata_config::load_run(
                files,
                &place.root,
                &place.options(inputs),
                (path.clone(), module),
                found,
            )
        };
        let (config, more) = installer.rounds(&mut overlay, load, process, diags);
        found.append(more);
        entries.extend(manifest::of_run(path, module, &config, &installer.manifest));
        local_steps(path, &config, &installer.manifest, installer.say);
    }
    if let Err(error) = manifest::write(&folder, entries) {
        diags.push(unwritable(&folder, &error));
    }
    let failed = installer.failed;
    // A module that could not be fetched has been reported with the reason.
    let explained = |found: &Diagnostic| found.code == "module-not-installed" && !failed.is_empty();
    diags.extend(found.into_iter().filter(|found| !explained(found)));
    config
}

/// Says which modules are in folders of the configuration.
fn local_steps(
    below: &Module,
    config: &Config,
    installed: &ModuleManifest,
    say: &mut dyn FnMut(Step),
) {
    for (path, module) in config.modules() {
        let key = manifest::key(below, path);
        if key.is_empty() {
            continue;
        }
        if !installed.modules.contains_key(&key) {
            let folder = module.relative.to_string_lossy().into_owned();
            say(Step::Local { key, folder });
        }
    }
}

fn unwritable(folder: &Path, error: &io::Error) -> Diagnostic {
    let summary = "Modules cannot be written";
    Diagnostic::error("modules-folder", summary).detail(format!("`{}`: {error}", folder.display()))
}

/// Makes the folder, and waits until no other run works in it.
fn lock(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join(".lock"))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
    Ok(file)
}

struct Installer<'a> {
    options: &'a Options,
    place: &'a Place,
    folder: &'a Path,
    hosts: Hosts,
    manifest: ModuleManifest,
    /// Folders of packages that are there, by what they are.
    packages: BTreeMap<String, PathBuf>,
    failed: BTreeSet<String>,
    say: &'a mut dyn FnMut(Step),
}

impl Installer<'_> {
    /// Loads and fetches in turn, until nothing is missing that could be fetched; gives what was loaded last, and what was
    /// wrong with that.
    fn rounds(
        &mut self,
        overlay: &mut Overlay,
        load: impl Fn(&Overlay, &mut Diagnostics) -> Config,
        process: &Process,
        diags: &mut Diagnostics,
    ) -> (Config, Diagnostics) {
        let mut rounds = 0;
        loop {
            overlay.text = self.text();
            let mut found = Diagnostics::new();
            let config = load(overlay, &mut found);
            let missing = self.to_fetch(&config);
            rounds += 1;
            if missing.is_empty() || rounds == MOST_ROUNDS {
                return (config, found);
            }
            for module in &missing {
                self.one(module, process, diags);
            }
        }
    }

    /// What a load is to read as `modules.json`.
    fn text(&self) -> Arc<[u8]> {
        let entry = |(key, module): (&String, &ManifestModule)| {
            serde_json::json!({
                "Key": key, "Source": module.source, "Version": module.version, "Dir": module.folder,
            })
        };
        let entries: Vec<_> = self.manifest.modules.iter().map(entry).collect();
        serde_json::json!({ "Modules": entries })
            .to_string()
            .into_bytes()
            .into()
    }

    /// What is missing and has not failed yet.
    fn to_fetch(&self, config: &Config) -> Vec<MissingModule> {
        let missing = config.missing_modules().iter();
        missing
            .filter(|module| !self.failed.contains(&key(module)))
            .cloned()
            .collect()
    }

    fn one(&mut self, module: &MissingModule, process: &Process, diags: &mut Diagnostics) {
        let key = key(module);
        match self.fetch(module, &key, process) {
            Ok(entry) => {
                let folder = entry.folder.clone();
                self.manifest.modules.insert(key.clone(), entry);
                (self.say)(Step::Installed { key, folder });
            }
            Err(failure) => {
                self.failed.insert(key);
                diags.push(
                    Diagnostic::error("module-download", failure.summary)
                        .detail(format!("`{}`: {}", module.source, failure.detail))
                        .at(module.span.clone()),
                );
            }
        }
    }

    fn fetch(
        &mut self,
        module: &MissingModule,
        key: &str,
        process: &Process,
    ) -> Result<ManifestModule, fetch::Failure> {
        let request = fetch::resolve(module, &self.hosts)?;
        (self.say)(Step::Downloading {
            key: key.to_owned(),
            source: request.package.address.clone(),
            version: request.version.clone(),
        });
        let identity = request.package.to_string();
        let known = self
            .packages
            .get(&identity)
            .filter(|folder| folder.is_dir())
            .cloned();
        let package = match known {
            Some(folder) => folder,
            None => {
                let target = self.folder.join(key);
                let input = self.options.input;
                fetch::package(&request.package, &target, &self.hosts, input, process)?;
                self.packages.insert(identity, target.clone());
                target
            }
        };
        let folder = fetch::subfolder(&package, &request.subfolders)?;
        Ok(ManifestModule {
            source: module.source.to_string(),
            version: request.version,
            folder: relative(&self.place.root, &folder),
        })
    }
}

fn key(module: &MissingModule) -> String {
    let names: Vec<&str> = module.path.0.iter().map(|name| &**name).collect();
    names.join(".")
}

/// The folder as `modules.json` has it: relative to the root module.
fn relative(root: &Path, folder: &Path) -> String {
    let root = strata_core::files::normalize(root);
    let folder = strata_core::files::normalize(folder);
    folder
        .strip_prefix(&root)
        .unwrap_or(&folder)
        .to_string_lossy()
        .into_owned()
}

/// The packages that an earlier run fetched; those of registries are not known by their address.
fn packages(manifest: &ModuleManifest, place: &Place) -> BTreeMap<String, PathBuf> {
    let mut packages = BTreeMap::new();
    for entry in manifest.modules.values() {
        let Ok(ModuleSource::Remote(remote)) = ModuleSource::parse(&entry.source) else {
            continue;
        };
        let folder = place.root.join(&entry.folder);
        let inside = Path::new(&remote.subfolder);
        if let Some(package) = folder
            .to_str()
            .and_then(|f| f.strip_suffix(&*inside.to_string_lossy()))
        {
            let whole = strata_config::RemoteModule {
                subfolder: String::new(),
                ..remote
            };
            packages.insert(whole.to_string(), PathBuf::from(package));
        }
    }
    packages
}

/// The disk with another `modules.json`.
struct Overlay {
    manifest: PathBuf,
    text: Arc<[u8]>,
}

impl Files for Overlay {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        match self.is_manifest(path) {
            true => Ok(self.text.clone()),
            false => Disk.read(path),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        Disk.list(folder)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        match self.is_manifest(path) {
            true => Some(EntryKind::File),
            false => Disk.kind(path),
        }
    }
}

impl Overlay {
    fn is_manifest(&self, path: &Path) -> bool {
        strata_core::files::normalize(path) == strata_core::files::normalize(&self.manifest)
    }
}
