//! `npm`: packages of Node.js, in a folder or for all.

use std::path::PathBuf;

use serde_json::Value;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Npm {
    program: Vec<String>,
    name: Option<String>,
    version: Option<String>,
    state: String,
    path: Option<PathBuf>,
    is_global: bool,
    ci: bool,
    production: bool,
    flags: Vec<String>,
}

impl Module for Npm {
    const SPEC: Spec = Spec::new(
        "community.general.npm",
        &[
            Field::bool("ci", false),
            Field::str("executable"),
            Field::bool("force", false),
            Field::bool("global", false),
            Field::bool("ignore_scripts", false),
            Field::str("name"),
            Field::bool("no_bin_links", false),
            Field::bool("no_optional", false),
            Field::path("path"),
            Field::bool("production", false),
            Field::str("registry"),
            Field::str("state")
                .choices(&["present", "absent", "latest"])
                .default("present"),
            Field::bool("unsafe_perm", false),
            Field::str("version"),
        ],
    );
    /// The words of the command that is due.
    type Current = Option<Vec<String>>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Npm, ModuleError> {
        let (name, path) = (arguments.string("name"), arguments.path("path"));
        let (state, is_global) = (arguments.text("state"), arguments.bool("global"));
        if path.is_none() && !is_global {
            return Err(ModuleError::new(
                "path must be specified when not using global",
            ));
        }
        if state == "absent" && name.is_none() {
            return Err(ModuleError::new(
                "state is absent but all of the following are missing: name",
            ));
        }
        let mut flags = Vec::new();
        for (argument, flag) in [
            ("force", "--force"),
            ("ignore_scripts", "--ignore-scripts"),
            ("unsafe_perm", "--unsafe-perm"),
            ("no_optional", "--no-optional"),
            ("no_bin_links", "--no-bin-links"),
        ] {
            flags.extend(arguments.bool(argument).then(|| flag.to_owned()));
        }
        if let Some(registry) = arguments.string("registry") {
            flags.extend(["--registry".to_owned(), registry]);
        }
        let program = arguments
            .string("executable")
            .unwrap_or_else(|| "npm".to_owned());
        Ok(Npm {
            program: programs::words(&program)?,
            name,
            version: arguments.string("version"),
            state,
            path,
            is_global,
            ci: arguments.bool("ci"),
            production: arguments.bool("production"),
            flags,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<Vec<String>>, ModuleError> {
        let program = self.program.first().map_or("npm", String::as_str);
        if !program.contains('/') {
            programs::required(host, program)?;
        }
        if self.ci {
            return Ok(Some(vec!["ci".to_owned()]));
        }
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        if self.state == "absent" {
            let listed = self.listed(host)?;
            let name = self.name.clone().unwrap_or_default();
            return Ok(listed
                .has(&name)
                .then(|| vec!["uninstall".to_owned(), name]));
        }
        let listed = self.listed(host)?;
        let missing = match &self.name {
            Some(name) => !listed.has(name) || listed.differs(name, self.version.as_deref()),
            None => !listed.missing.is_empty(),
        };
        if missing
            || (self.name.is_none() && listed.installed.is_empty() && self.state == "present")
        {
            return Ok(words(&["install"]));
        }
        if self.state == "latest" && !self.outdated(host)?.is_empty() {
            return Ok(words(&["update"]));
        }
        Ok(None)
    }

    fn decide(&self, due: &Option<Vec<String>>) -> Vec<Change> {
        let run = due.as_ref().map(|words| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let named = matches!(words[0], "install" | "update");
            programs::change(self.command(&words, named))
        });
        run.into_iter().collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        _: &Option<Vec<String>>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::default())
    }
}

/// What `npm list` knows.
struct Listed {
    /// Names with their versions.
    installed: Vec<(String, String)>,
    missing: Vec<String>,
}

impl Listed {
    fn has(&self, name: &str) -> bool {
        self.installed.iter().any(|(known, _)| known == name)
    }

    fn differs(&self, name: &str, version: Option<&str>) -> bool {
        let known = self.installed.iter().find(|(known, _)| known == name);
        version.is_some_and(|version| known.is_some_and(|(_, known)| known != version))
    }
}

impl Npm {
    fn command(&self, words: &[&str], named: bool) -> Command {
        let mut argv = self.program.clone();
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(self.is_global.then(|| "--global".to_owned()));
        if self.production && (words[0] == "install" || words[0] == "update" || words[0] == "ci") {
            argv.push("--production".to_owned());
        }
        argv.extend(self.flags.iter().cloned());
        if let Some(name) = self.name.as_ref().filter(|_| named) {
            argv.push(
                match self.version.as_ref().filter(|_| words[0] == "install") {
                    Some(version) => format!("{name}@{version}"),
                    None => name.clone(),
                },
            );
        }
        Command {
            directory: self.path.clone(),
            ..plain(argv)
        }
    }

    fn listed(&self, host: &dyn Host) -> Result<Listed, ModuleError> {
        let mut words = vec!["list", "--json", "--long"];
        let package = self.path.as_ref().map(|path| path.join("package.json"));
        let is_there = match &package {
            Some(package) => host.metadata_followed(package)?.is_some(),
            None => false,
        };
        words.extend(self.production.then_some("--production"));
        let folder = match &self.path {
            Some(path) => host.metadata_followed(path)?,
            None => None,
        };
        if self.path.is_some() && folder.is_none() {
            return Ok(Listed {
                installed: Vec::new(),
                missing: self.name.iter().cloned().collect(),
            });
        }
        // It fails where something is missing, and lists it nevertheless.
        let mut command = self.command(&words, false);
        command.argv.retain(|word| word != "--force");
        let said = host.run(&command)?;
        let mut listed = read(&said.stdout);
        if self.name.is_none() && !is_there {
            listed.missing.clear();
        }
        Ok(listed)
    }

    fn outdated(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let said = host.run(&self.command(&["outdated", "--json"], false))?;
        let all: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let names = all
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone());
        let ours = names.filter(|name| self.name.as_ref().is_none_or(|wanted| wanted == name));
        Ok(ours.collect())
    }
}

fn read(text: &str) -> Listed {
    let all: Value = serde_json::from_str(text).unwrap_or_default();
    let mut listed = Listed {
        installed: Vec::new(),
        missing: Vec::new(),
    };
    for (name, about) in all["dependencies"].as_object().into_iter().flatten() {
        let is_missing = about["missing"] == true || about["invalid"] == true;
        if is_missing {
            listed.missing.push(name.clone());
        } else {
            let version = about["version"].as_str().unwrap_or_default();
            listed.installed.push((name.clone(), version.to_owned()));
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_from_what_is_there() {
        let listed = read(r#"{"dependencies": {"a": {"version": "1.0"}, "b": {"missing": true}}}"#);
        assert!(listed.has("a") && !listed.has("b"));
        assert!(listed.differs("a", Some("2.0")) && !listed.differs("a", Some("1.0")));
        assert_eq!(listed.missing, ["b"]);
    }
}
