//! `cargo`: programs written in Rust are installed by Cargo, the newest, or not there.
//!
//! As `community.general.cargo` 11.4; what is under a `path` of its own is taken from there again, too, where the original
//! looks for it in the usual place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Output;

pub(super) struct Cargo {
    program: Option<String>,
    names: Vec<String>,
    path: Option<PathBuf>,
    version: Option<String>,
    locked: bool,
    state: String,
    directory: Option<PathBuf>,
    features: Vec<String>,
}

/// The packages about which something is to be done.
pub(super) struct Found(Vec<String>);

impl Module for Cargo {
    const SPEC: Spec = Spec::new(
        "community.general.cargo",
        &[
            Field::list("name").required(),
            Field::path("executable"),
            Field::path("path"),
            Field::str("version"),
            Field::bool("locked", false),
            Field::str("state")
                .choices(&["present", "absent", "latest"])
                .default("present"),
            Field::path("directory"),
            Field::list("features"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Cargo, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        if names.is_empty() {
            return Err(ModuleError::new("Package name must be specified"));
        }
        Ok(Cargo {
            program: arguments.filled("executable"),
            names,
            path: arguments.path("path"),
            version: arguments.filled("version"),
            locked: arguments.bool("locked"),
            state: arguments.text("state"),
            directory: arguments.path("directory"),
            features: arguments.list("features").unwrap_or_default(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let is_folder = |path: &Path| -> Result<bool, ModuleError> {
            let found = host.metadata_followed(path)?;
            Ok(found.is_some_and(|found| found.kind == Kind::Directory))
        };
        if let Some(directory) = &self.directory
            && !is_folder(directory)?
        {
            return Err(ModuleError::new("Source directory does not exist"));
        }
        programs::required(host, self.program())?;
        if let Some(path) = &self.path
            && !is_folder(path)?
        {
            let shown = path.display();
            return Err(ModuleError::new(format!("Path {shown} is not a directory")));
        }
        let list = self.command(&["install", "--list"], &[]);
        let said = host.run(&plain(list))?;
        let installed = installed(&said.stdout);
        let mut due = Vec::new();
        for name in &self.names {
            let there = installed.get(name);
            let is_due = match (self.state.as_str(), there) {
                ("absent", there) => there.is_some(),
                (_, None) => true,
                ("latest", Some(there)) => *there != self.newest(host, name)?,
                (_, Some(there)) => self.version.as_ref().is_some_and(|wanted| wanted != there),
            };
            if is_due {
                due.push(name.clone());
            }
        }
        Ok(Found(due))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.0.is_empty() {
            return Vec::new();
        }
        let argv = match self.state.as_str() {
            "absent" => self.command(&["uninstall"], &found.0),
            _ => self.install(&found.0),
        };
        vec![programs::change(plain(argv))]
    }

    fn report(&self, _: &dyn Host, _: &Found, outcome: &Outcome) -> Result<Report, ModuleError> {
        let last = outcome.outputs.last();
        let said = |part: fn(&Output) -> &String| last.map(part).cloned();
        Ok(Report::of(values(json!({
            "stdout": said(|output| &output.stdout), "stderr": said(|output| &output.stderr),
        }))))
    }
}

impl Cargo {
    fn program(&self) -> &str {
        self.program.as_deref().unwrap_or("cargo")
    }

    /// A command for packages under the path.
    fn command(&self, words: &[&str], names: &[String]) -> Vec<String> {
        let mut argv = vec![self.program().to_owned()];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(names.iter().cloned());
        if let Some(path) = &self.path {
            argv.extend(["--root".to_owned(), path.display().to_string()]);
        }
        argv
    }

    fn install(&self, names: &[String]) -> Vec<String> {
        let mut argv = self.command(&["install"], names);
        argv.extend(self.locked.then(|| "--locked".to_owned()));
        let mut pair = |flag: &str, value: Option<String>| {
            argv.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        };
        pair("--version", self.version.clone());
        let directory = self.directory.as_ref();
        pair("--path", directory.map(|path| path.display().to_string()));
        let features = (!self.features.is_empty()).then(|| self.features.join(","));
        pair("--features", features);
        argv
    }

    /// The version that is published, or that the source is of.
    fn newest(&self, host: &dyn Host, name: &str) -> Result<String, ModuleError> {
        let Some(directory) = &self.directory else {
            let search = [self.program(), "search", name, "--limit", "1"];
            let said = host.run(&plain(search))?;
            let version = said.stdout.split('"').nth(1).map(str::to_owned);
            return version.ok_or_else(|| {
                ModuleError::new(format!("No published version for package {name} found"))
            });
        };
        let manifest = directory.join("Cargo.toml").display().to_string();
        let words = ["metadata", "--format-version", "1", "--no-deps"];
        let words = [
            &[self.program()],
            &words[..],
            &["--manifest-path", &manifest],
        ]
        .concat();
        let said = programs::checked(host, &plain(words))?;
        let read: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let packages = read["packages"].as_array().cloned().unwrap_or_default();
        let version = packages
            .iter()
            .find(|package| package["name"] == name)
            .and_then(|package| package["version"].as_str());
        version.map(str::to_owned).ok_or_else(|| {
            let names = packages.iter().filter_map(|one| one["name"].as_str());
            let names: Vec<String> = names.map(str::to_owned).collect();
            let names = programs::list_of(&names);
            ModuleError::new(format!(
                "Package {name} not defined in source, found: {names}"
            ))
        })
    }
}

/// Reads what `cargo install --list` prints: `NAME vVERSION:` and the programs below.
fn installed(said: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for line in said.lines().filter(|line| !line.starts_with(' ')) {
        let Some(line) = line.strip_suffix(':') else {
            continue;
        };
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next())
            && let Some(version) = version.strip_prefix('v')
        {
            all.insert(name.to_owned(), version.to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_from_their_programs() {
        let all =
            installed("bat v0.24.0:\n    bat\nown v1.0.0 (/src/own):\n    own\n    other v2:\n");
        assert_eq!(all["bat"], "0.24.0");
        assert_eq!(all["own"], "1.0.0");
        assert_eq!(all.len(), 2);
    }
}
