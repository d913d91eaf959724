//! Writing `modules.json` as Terraform does.

use std::{io, path::Path};

use serde_json::json;
use strata_config::{Config, MANIFEST, ModuleManifest, ModuleSource, RunModule};
use strata_core::addr::Module;

/// Lists the modules that a configuration calls: those in `installed`, and those in folders of its own.
pub(super) fn of(config: &Config, installed: &ModuleManifest) -> Vec<serde_json::Value> {
    let mut entries = vec![json!({ "Key": "", "Source": "", "Dir": "." })];
    entries.extend(called(&Module::root(), config, installed));
    entries
}

/// Lists the module of a test's run, which has this path, and what it calls.
pub(super) fn of_run(
    path: &Module,
    module: &RunModule,
    config: &Config,
    installed: &ModuleManifest,
) -> Vec<serde_json::Value> {
    let Some((_, root)) = config.modules().next() else {
        return Vec::new();
    };
    let key = key(path, &Module::root());
    let folder = root.relative.to_string_lossy();
    let source = module.source.to_string();
    let version = installed.modules.get(&key);
    let mut own = json!({ "Key": key, "Source": source, "Dir": folder });
    if let Some(version) = version.and_then(|entry| entry.version.as_ref()) {
        own["Version"] = version.as_str().into();
    }
    let called = called(path, config, installed);
    [own].into_iter().chain(called).collect()
}

/// The key of a module that is called by what stands below a path.
pub(super) fn key(below: &Module, path: &Module) -> String {
    let names = below.0.iter().chain(&path.0);
    names.map(|name| &**name).collect::<Vec<_>>().join(".")
}

fn called(below: &Module, config: &Config, installed: &ModuleManifest) -> Vec<serde_json::Value> {
    let mut entries = Vec::new();
    for (path, module) in config.modules().filter(|(path, _)| !path.0.is_empty()) {
        let key = key(below, path);
        let folder = module.relative.to_string_lossy();
        let entry = match installed
            .modules
            .get(&key)
            .filter(|entry| is_remote(&entry.source))
        {
            Some(entry) => match &entry.version {
                Some(version) => {
                    json!({ "Key": key, "Source": entry.source, "Version": version, "Dir": folder })
                }
                None => json!({ "Key": key, "Source": entry.source, "Dir": folder }),
            },
            None => json!({ "Key": key, "Source": source(config, path), "Dir": folder }),
        };
        entries.push(entry);
    }
    entries
}

fn is_remote(source: &str) -> bool {
    !matches!(ModuleSource::parse(source), Ok(ModuleSource::Local(_)))
}

/// The source of a module in a folder, as it is written.
fn source(config: &Config, path: &Module) -> String {
    let (Some(name), caller) = (path.0.last(), &path.0[..path.0.len() - 1]) else {
        return String::new();
    };
    let caller = config.module(&Module(caller.to_vec()));
    let call = caller.and_then(|caller| caller.calls.get(name));
    let written = call.and_then(|call| call.source.as_literal());
    let written = written.as_ref().and_then(strata_core::Value::as_str);
    written.unwrap_or_default().to_owned()
}

/// Writes the list in one step, so that nobody reads half of it.
pub(super) fn write(folder: &Path, mut entries: Vec<serde_json::Value>) -> io::Result<()> {
    entries.sort_by_key(|entry| entry["Key"].to_string());
    let text = json!({ "Modules": entries }).to_string();
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), text)?;
    let kept = file
        .persist(folder.join(MANIFEST))
        .map_err(|error| error.error)?;
    // Temporary files are only for their owner; this one is as public as the modules beside it.
    rustix::fs::fchmod(&kept, rustix::fs::Mode::from_raw_mode(0o644)).map_err(io::Error::from)
}
