//! Roles and collections from elsewhere: `strata galaxy install`, as `ansible-galaxy` has it.
//!
//! What is wanted is read out of `requirements.yml` or names ([`requirements`]); each comes out of a git
//! repository, an archive or a Galaxy server ([`fetch`]) into a folder beside its place, and is moved there whole.

mod archive;
mod fetch;
mod requirements;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, files::Files};

use crate::{files::Disk, playbook::settings::Settings, process::Process};
pub use requirements::{Kind, Wanted};

/// How to install.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-r`: files of requirements.
    pub requirements: Vec<PathBuf>,
    /// Names, with a version behind `,` or `:`.
    pub names: Vec<String>,
    /// Only roles, or only collections; none: both, and names are roles unless they are collections' alone.
    pub only: Option<Kind>,
    /// Where to, in place of what the settings say.
    pub path: Option<PathBuf>,
    /// Install again what is there.
    pub force: bool,
    /// The Galaxy server.
    pub server: Option<String>,
}

/// Where things are.
struct Places {
    roles: PathBuf,
    collections: PathBuf,
    server: String,
}

impl Places {
    fn of(options: &Options, process: &Process, diags: &mut Diagnostics) -> Self {
        let settings = Settings::read(&Disk, process, diags);
        let place = |name: &str, usual: &str| {
            let said = settings.paths(name, ':').into_iter().next();
            options
                .path
                .clone()
                .or(said)
                .or(settings.home_folder(usual))
                .unwrap_or_else(|| PathBuf::from("."))
        };
        Self {
            roles: place("roles_path", ".ansible/roles"),
            collections: place("collections_path", ".ansible/collections"),
            server: options
                .server
                .clone()
                .or(settings.text("galaxy_server"))
                .unwrap_or_else(|| "https://galaxy.ansible.com".to_owned()),
        }
    }
}

/// Installs what is wanted; `say` gets a line for each step. Goes on after a failure, and ends with all of them.
pub fn install(
    options: &Options,
    process: &Process,
    say: &dyn Fn(&str),
) -> Result<(), Diagnostics> {
    let mut diags = Diagnostics::new();
    let places = Places::of(options, process, &mut diags);
    let mut wanted = Vec::new();
    for file in &options.requirements {
        wanted.extend(requirements::read(&Disk, file, &mut diags));
    }
    wanted.extend(
        options
            .names
            .iter()
            .map(|name| requirements::named(name, options.only)),
    );
    wanted.retain(|one| options.only.is_none_or(|kind| one.kind == kind));
    if diags.has_errors() {
        return Err(diags);
    }
    if wanted.is_empty() {
        let message = "You must specify a user/role name or a roles file";
        return Err(Diagnostic::error("galaxy", message).into());
    }
    let mut at = 0;
    while let Some(one) = wanted.get(at).cloned() {
        at += 1;
        match install_one(&one, &places, options.force, say) {
            Ok(folder) => {
                for more in dependencies(&one, &folder, &mut diags) {
                    let known = wanted
                        .iter()
                        .any(|other| other.kind == more.kind && other.name == more.name);
                    if !known {
                        wanted.push(more);
                    }
                }
            }
            Err(reason) => {
                let message = format!("`{}` was not installed", one.name);
                diags.push(Diagnostic::error("galaxy", message).detail(reason));
            }
        }
    }
    diags.into_result(())
}

fn install_one(
    one: &Wanted,
    places: &Places,
    force: bool,
    say: &dyn Fn(&str),
) -> Result<PathBuf, String> {
    let folder = place(one, places)?;
    if folder.is_dir() && !force {
        say(&format!("- {} is already installed, skipping.", one.name));
        return Ok(folder);
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| format!("`{}`: {error}", parent.display()))?;
    let beside = tempfile::Builder::new()
        .prefix(".galaxy-")
        .tempdir_in(parent)
        .map_err(|error| error.to_string())?;
    let fresh = beside.path().join("new");
    say(&format!(
        "- downloading {} from {}",
        one.name,
        one.source(&places.server)
    ));
    let version = fetch::fetch(one, &places.server, &fresh)?;
    let parts = [
        "tasks",
        "meta",
        "defaults",
        "vars",
        "handlers",
        "templates",
        "files",
    ];
    if one.kind == Kind::Role && !parts.iter().any(|part| fresh.join(part).is_dir()) {
        return Err("it has no `tasks` and no `meta`, so it is no role".to_owned());
    }
    if folder.exists() {
        fs::rename(&folder, beside.path().join("old")).map_err(|error| error.to_string())?;
    }
    fs::rename(&fresh, &folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
    note(one, &folder, &version);
    let shown = if version.is_empty() {
        String::new()
    } else {
        format!(" ({version})")
    };
    say(&format!("- {}{shown} was installed successfully", one.name));
    Ok(folder)
}

/// What was installed, as `ansible-galaxy` notes it for roles; for collections their manifest says it.
fn note(one: &Wanted, folder: &Path, version: &str) {
    if one.kind == Kind::Role {
        let text = format!("install_date: ''\nversion: {version}\n");
        // A role without the note works as well.
        drop(fs::create_dir_all(folder.join("meta")));
        drop(fs::write(folder.join("meta/.galaxy_install_info"), text));
    }
}

/// Where a role or collection belongs. Names come from outside: they must not lead elsewhere.
fn place(one: &Wanted, places: &Places) -> Result<PathBuf, String> {
    let good = |part: &str| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
    };
    match one.kind {
        Kind::Role if good(&one.name) => Ok(places.roles.join(&one.name)),
        Kind::Collection => match one.name.split_once('.') {
            Some((namespace, name)) if good(namespace) && good(name) => {
                let all = places.collections.join("ansible_collections");
                Ok(all.join(namespace).join(name))
            }
            _ => Err("a collection's name has two parts: `NAMESPACE.NAME`".to_owned()),
        },
        Kind::Role => Err(format!("`{}` cannot be the name of a role", one.name)),
    }
}

/// What a role or collection needs itself.
fn dependencies(one: &Wanted, folder: &Path, diags: &mut Diagnostics) -> Vec<Wanted> {
    if one.kind == Kind::Collection {
        let manifest = fs::read(folder.join("MANIFEST.json")).unwrap_or_default();
        let manifest: Json = serde_json::from_slice(&manifest).unwrap_or_default();
        let needs = manifest
            .pointer("/collection_info/dependencies")
            .and_then(Json::as_object);
        let needs = needs.into_iter().flatten();
        return needs
            .map(|(name, version)| Wanted {
                version: version
                    .as_str()
                    .filter(|version| *version != "*")
                    .map(str::to_owned),
                ..requirements::named(name, Some(Kind::Collection))
            })
            .collect();
    }
    let file = folder.join("meta/requirements.yml");
    let mut all = if Disk.kind(&file).is_some() {
        requirements::read(&Disk, &file, diags)
    } else {
        Vec::new()
    };
    all.extend(requirements::of_metadata(
        &Disk,
        &folder.join("meta/main.yml"),
        diags,
    ));
    all
}

/// What is installed, a line each: the folder, then names and versions.
pub fn list(options: &Options, process: &Process) -> Result<String, Diagnostics> {
    let mut diags = Diagnostics::new();
    let places = Places::of(options, process, &mut diags);
    let mut text = String::new();
    if options.only != Some(Kind::Collection) {
        text.push_str(&format!("# {}\n", places.roles.display()));
        for name in folders(&places.roles) {
            let info =
                fs::read_to_string(places.roles.join(&name).join("meta/.galaxy_install_info"));
            let info = info.unwrap_or_default();
            let version = info.lines().find_map(|line| line.strip_prefix("version: "));
            let version = version.filter(|version| !version.trim().is_empty());
            text.push_str(&format!(
                "- {name}, {}\n",
                version.unwrap_or("(unknown version)")
            ));
        }
    }
    if options.only != Some(Kind::Role) {
        let all = places.collections.join("ansible_collections");
        text.push_str(&format!("# {}\n", all.display()));
        for namespace in folders(&all) {
            for name in folders(&all.join(&namespace)) {
                let manifest = fs::read(all.join(&namespace).join(&name).join("MANIFEST.json"));
                let manifest: Json =
                    serde_json::from_slice(&manifest.unwrap_or_default()).unwrap_or_default();
                let version = manifest
                    .pointer("/collection_info/version")
                    .and_then(Json::as_str);
                text.push_str(&format!("{namespace}.{name} {}\n", version.unwrap_or("*")));
            }
        }
    }
    diags.into_result(text)
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = Disk.list(folder).unwrap_or_default();
    let folders = entries.into_iter().filter(|entry| {
        entry.kind == strata_core::files::EntryKind::Folder && !entry.name.starts_with('.')
    });
    folders.map(|entry| entry.name).collect()
}

#[cfg(test)]
mod tests;
