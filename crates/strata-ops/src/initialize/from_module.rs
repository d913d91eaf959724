//! `init -from-module`: a module is copied into an empty folder, to begin with.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::symlink,
    path::{Component, Path},
};

use strata_config::{Getter, ModuleSource, RemoteModule};
use strata_core::{Diagnostic, Diagnostics, addr, files::normalize};

use super::{Options, fetch, hosts::Hosts};
use crate::{files::Disk, infrastructure::initial, process::Process};

/// How deep folders of a module may lie in each other.
const DEEPEST: usize = 64;

/// Copies the module of a source into the folder of the settings, which must hold nothing yet.
///
/// Files whose names begin with a dot are left out, as Terraform 1.11 does it.
pub fn copy_module(source: &str, options: &Options, process: &Process) -> Result<(), Diagnostics> {
    let folder = &options.settings.directory;
    let data = initial::data_folder(&options.settings, process);
    refuse_filled(folder, &data)?;
    let mut diags = Diagnostics::new();
    let hosts = Hosts::read(process, &mut diags);
    let wrong = |failure: fetch::Failure| {
        Diagnostic::error("module-download", failure.summary)
            .detail(format!("`{source}`: {}", failure.detail))
    };
    let request = request(source, &hosts, process).map_err(wrong)?;
    let unwritable = |error: io::Error| {
        let summary = "The module cannot be copied";
        Diagnostic::error("module-copy", summary).detail(error.to_string())
    };
    fs::create_dir_all(&data).map_err(unwritable)?;
    let aside = tempfile::Builder::new()
        .prefix(".from-module-")
        .tempdir_in(&data)
        .map_err(unwritable)?;
    let target = aside.path().join("package");
    fetch::package(&request.package, &target, &hosts, options.input, process).map_err(wrong)?;
    let module = fetch::subfolder(&target, &request.subfolders).map_err(wrong)?;
    refuse_outside(&module)?;
    refuse_into_itself(&module, folder)?;
    copy(&module, folder, DEEPEST).map_err(unwritable)?;
    diags.into_result(())
}

fn refuse_filled(folder: &Path, data: &Path) -> Result<(), Diagnostic> {
    let is_data = |path: &Path| normalize(path) == normalize(data);
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    match entries.any(|entry| !is_data(&entry.path())) {
        false => Ok(()),
        true => Err(
            Diagnostic::error("module-copy", "Can't populate non-empty directory")
                .detail("A module is copied by `-from-module` into an empty folder only.")
                .hint("Without that option, `init` takes the configuration that is here."),
        ),
    }
}

/// What to fetch; a path relative to here is one of this machine.
fn request(
    source: &str,
    hosts: &Hosts,
    process: &Process,
) -> Result<fetch::Request, fetch::Failure> {
    let parsed = ModuleSource::parse(source).map_err(fetch::Failure::new)?;
    let source = match parsed {
        ModuleSource::Local(path) => {
            let (package, subfolder) = path.split_once("//").unwrap_or((&path, ""));
            let address = normalize(&process.working_directory.join(package));
            ModuleSource::Remote(RemoteModule {
                getter: Getter::File,
                address: address.to_string_lossy().into_owned(),
                subfolder: subfolder.to_owned(),
            })
        }
        other => other,
    };
    fetch::resolve_source(&source, None, hosts)
}

/// Refuses a module that calls what lies outside of the folder that is copied.
fn refuse_outside(module: &Path) -> Result<(), Diagnostics> {
    let mut unheard = Diagnostics::new();
    let config = strata_config::load(&Disk, module, &mut unheard);
    let mut diags = Diagnostics::new();
    for (path, called) in config.modules() {
        for (name, call) in &called.calls {
            let source = call.source.as_literal();
            let source = source.as_ref().and_then(strata_core::Value::as_str);
            let Some(source) = source.filter(|source| source.starts_with("../")) else {
                continue;
            };
            let place = normalize(&called.relative.join(source));
            if place.components().next() == Some(Component::ParentDir) {
                diags.push(outside(&path.child(name.clone()), source));
            }
        }
    }
    diags.into_result(())
}

/// Refuses a module that holds the folder it would be copied to.
fn refuse_into_itself(module: &Path, folder: &Path) -> Result<(), Diagnostic> {
    match (module.canonicalize(), folder.canonicalize()) {
        (Ok(module), Ok(folder)) if folder.starts_with(&module) => {
            let summary = "A module cannot be copied into itself";
            let why = format!("`{}` is in `{}`.", folder.display(), module.display());
            Err(Diagnostic::error("module-copy", summary).detail(why))
        }
        _ => Ok(()),
    }
}

fn outside(module: &addr::Module, source: &str) -> Diagnostic {
    let summary = "Local module path escapes module package";
    Diagnostic::error("module-copy", summary)
        .detail(format!(
            "`{module}` is in `{source}`, outside of what is copied."
        ))
        .hint("Name a folder that holds all that the module calls.")
}

/// Copies what is in a folder; links stay links.
fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!("the folders of a module may lie {DEEPEST} deep"),
        ));
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        copy_one(&entry, &to.join(name), depth)?;
    }
    Ok(())
}

fn copy_one(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    let kind = from.symlink_metadata()?.file_type();
    match () {
        () if kind.is_symlink() => symlink(fs::read_link(from)?, to),
        () if kind.is_dir() => copy(from, to, depth - 1),
        () if kind.is_file() => fs::copy(from, to).map(drop),
        // Sockets and devices are no configuration.
        () => Ok(()),
    }
}
