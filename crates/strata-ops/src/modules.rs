//! `modules`: which modules a configuration calls.

use std::{path::Path, sync::Arc};

use strata_config::{Config, ModuleManifest};
use strata_core::{Diagnostics, addr::Module};

use crate::{
    files::Disk,
    graph::without_emptiness,
    infrastructure::{Settings, data_folder},
    process::Process,
};

/// A module that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledModule {
    /// The way to it from the root.
    pub path: Module,
    /// Its own name in the module that calls it.
    pub name: Arc<str>,
    /// Where it comes from.
    pub source: String,
    /// Its version, if it comes from a registry.
    pub version: Option<String>,
}

/// Lists the modules of the configuration in a folder, those that are called before what they call.
pub fn modules(directory: &Path, process: &Process) -> Result<Vec<CalledModule>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = strata_config::load(&Disk, directory, &mut diags);
    let settings = Settings::of(directory.to_owned());
    let folder = data_folder(&settings, process).join("modules");
    let manifest = ModuleManifest::read(&Disk, &folder, &mut diags);
    without_emptiness(diags).into_result(all(&config, &manifest))
}

fn all(config: &Config, manifest: &ModuleManifest) -> Vec<CalledModule> {
    let paths = config.modules().map(|(path, _)| path);
    paths
        .filter_map(|path| called(config, manifest, path))
        .collect()
}

fn called(config: &Config, manifest: &ModuleManifest, path: &Module) -> Option<CalledModule> {
    let (name, around) = path.0.split_last()?;
    let call = config.module(&Module(around.to_vec()))?.calls.get(name)?;
    let names: Vec<&str> = path.0.iter().map(|name| &**name).collect();
    let installed = manifest.modules.get(&names.join("."));
    // A local module may be called without having been installed.
    let written = || {
        let literal = call.source.as_literal();
        literal.and_then(|source| source.as_str().map(str::to_owned))
    };
    Some(CalledModule {
        path: path.clone(),
        name: name.clone(),
        source: installed
            .map(|installed| installed.source.clone())
            .or_else(written)
            .unwrap_or_else(|| call.source.text().to_owned()),
        version: installed.and_then(|installed| installed.version.clone()),
    })
}
