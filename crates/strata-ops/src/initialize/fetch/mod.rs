//! Bringing one package: from what a call asks for to a folder.
//!
//! [`resolve`] asks a registry which package a module is; [`package`] fetches it to a folder beside the target and moves
//! it there when it is whole; [`subfolder`] finds the module in it.

mod archive;
mod checksum;
mod git;
mod http;
mod local;
mod mercurial;
mod registry;
mod s3;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use strata_config::{Getter, MissingModule, ModuleSource, RemoteModule, VersionConstraint};

use super::hosts::Hosts;
use crate::process::Process;

/// Why a module cannot be had. The text holds no secrets: addresses are those of the configuration.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) summary: &'static str,
    pub(super) detail: String,
}

impl Failure {
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self {
            summary: "Failed to download module",
            detail: detail.into(),
        }
    }

    fn of_registry(summary: &'static str, detail: impl Into<String>) -> Self {
        Self {
            summary,
            detail: detail.into(),
        }
    }

    fn io(what: &str, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"))
    }
}

/// What to fetch for a call.
pub(super) struct Request {
    /// The package, without a folder inside.
    pub(super) package: RemoteModule,
    /// The folders inside, one in the other.
    pub(super) subfolders: Vec<String>,
    /// The version, for modules of registries.
    pub(super) version: Option<String>,
}

/// Finds out which package a module is in.
pub(super) fn resolve(module: &MissingModule, hosts: &Hosts) -> Result<Request, Failure> {
    let constraint = module.version.as_ref().map(|(constraint, _)| constraint);
    resolve_source(&module.source, constraint, hosts)
}

/// The same for a source that no call names.
pub(super) fn resolve_source(
    source: &ModuleSource,
    constraint: Option<&VersionConstraint>,
    hosts: &Hosts,
) -> Result<Request, Failure> {
    match source {
        ModuleSource::Local(path) => Err(Failure::new(format!("`{path}` needs no download"))),
        ModuleSource::Remote(remote) => Ok(Request {
            subfolders: vec![remote.subfolder.clone()],
            package: whole(remote),
            version: None,
        }),
        ModuleSource::Registry(registry) => {
            let (version, remote) = registry::find(registry, constraint, hosts)?;
            Ok(Request {
                subfolders: vec![remote.subfolder.clone(), registry.subfolder.clone()],
                package: whole(&remote),
                version: Some(version),
            })
        }
    }
}

fn whole(remote: &RemoteModule) -> RemoteModule {
    RemoteModule {
        subfolder: String::new(),
        ..remote.clone()
    }
}

/// Fetches a package; what was at the target before is replaced only by something whole.
pub(super) fn package(
    package: &RemoteModule,
    target: &Path,
    hosts: &Hosts,
    input: bool,
    process: &Process,
) -> Result<(), Failure> {
    let beside = target.parent().unwrap_or(Path::new("."));
    let unfinished = tempfile::Builder::new()
        .prefix(".fetching-")
        .tempdir_in(beside)
        .map_err(|error| Failure::io("the folder of modules cannot be written", &error))?;
    let fresh = unfinished.path().join("package");
    match package.getter {
        Getter::Git => git::clone(&package.address, &fresh, input, process)?,
        Getter::Mercurial => mercurial::clone(&package.address, &fresh, process)?,
        Getter::Http => http::fetch(&package.address, &fresh, hosts, input, process)?,
        Getter::File => local::link(&package.address, &fresh)?,
        Getter::Other("s3") => s3::fetch(&package.address, &fresh, process)?,
        Getter::Other(word) => {
            return Err(Failure::new(format!("Strata does not fetch by `{word}`.")));
        }
    }
    let moved = put(&fresh, target, unfinished.path());
    moved.map_err(|error| Failure::io("the package cannot be moved to its place", &error))
}

/// Moves a package to its place, what was there before out of the way.
fn put(fresh: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    if target.symlink_metadata().is_ok() {
        fs::rename(target, aside.join("old"))?;
    }
    fs::rename(fresh, target)
}

/// The folder of a module in its package.
pub(super) fn subfolder(package: &Path, subfolders: &[String]) -> Result<PathBuf, Failure> {
    let mut folder = package.to_owned();
    for subfolder in subfolders.iter().filter(|subfolder| !subfolder.is_empty()) {
        for part in subfolder.split('/').filter(|part| !part.is_empty()) {
            folder = match part {
                "*" => only_folder(&folder)?,
                ".." => {
                    return Err(Failure::new(
                        "The folder inside may not lead out of the package.",
                    ));
                }
                part => folder.join(part),
            };
        }
    }
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(Failure::new(format!(
            "There is no folder `{}` in the package.",
            subfolders.join("/").trim_matches('/')
        ))),
    }
}

/// `*` stands for the one folder that archives of repositories hold.
fn only_folder(folder: &Path) -> Result<PathBuf, Failure> {
    let entries =
        fs::read_dir(folder).map_err(|error| Failure::io("the package cannot be read", &error))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    match (folders.pop(), folders.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Failure::new(
            "`*` must match exactly one folder of the package.",
        )),
    }
}

/// Divides an address at its query: the address without it, and its pairs.
fn query(address: &str) -> (&str, Vec<(&str, &str)>) {
    let Some((plain, query)) = address.split_once('?') else {
        return (address, Vec::new());
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    (
        plain,
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect(),
    )
}
