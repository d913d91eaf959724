//! `gem`: packages of Ruby.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Gem {
    program: Vec<String>,
    name: String,
    /// What is installed: a name, or a file.
    source: String,
    repository: Option<String>,
    version: Option<String>,
    state: String,
    folder: Option<String>,
    bindir: Option<String>,
    force: bool,
    norc: bool,
    /// Words of `gem install` beside.
    install: Vec<String>,
    build_flags: Option<String>,
}

/// Whether it is there, and the version that is meant.
pub(super) struct Found {
    is_there: bool,
    version: Option<String>,
    common: Vec<String>,
}

impl Module for Gem {
    const SPEC: Spec = Spec::new(
        "community.general.gem",
        &[
            Field::path("bindir"),
            Field::str("build_flags"),
            Field::bool("env_shebang", false),
            Field::path("executable"),
            Field::bool("force", false),
            Field::path("gem_source"),
            Field::bool("include_dependencies", true),
            Field::bool("include_doc", false),
            Field::path("install_dir"),
            Field::str("name").required(),
            Field::bool("norc", true),
            Field::bool("pre_release", false),
            Field::str("repository").alias(&["source"]),
            Field::str("state")
                .choices(&["present", "absent", "latest"])
                .default("present"),
            Field::bool("user_install", true),
            Field::str("version"),
        ],
    )
    .exclusive(&[&["gem_source", "repository"], &["gem_source", "version"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Gem, ModuleError> {
        let (state, name) = (arguments.text("state"), arguments.text("name"));
        let (version, file) = (arguments.string("version"), arguments.string("gem_source"));
        let folder = arguments.string("install_dir");
        let mistake = match () {
            () if state == "latest" && version.is_some() => {
                Some("Cannot specify version when state=latest")
            }
            () if state == "latest" && file.is_some() => {
                Some("Cannot maintain state=latest when installing from local source")
            }
            () if folder.is_some() && arguments.bool("user_install") => {
                Some("install_dir requires user_install=false")
            }
            () => None,
        };
        if let Some(mistake) = mistake {
            return Err(ModuleError::new(mistake));
        }
        let program = arguments.string("executable").unwrap_or("gem".to_owned());
        Ok(Gem {
            program: programs::words(&program)?,
            source: file.unwrap_or_else(|| name.clone()),
            name,
            repository: arguments.string("repository"),
            version,
            state,
            folder,
            bindir: arguments.string("bindir"),
            force: arguments.bool("force"),
            norc: arguments.bool("norc"),
            install: install_words(arguments),
            build_flags: arguments.string("build_flags"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let program = self.program.first().map_or("gem", String::as_str);
        if !program.contains('/') {
            programs::required(host, program)?;
        }
        let said = programs::checked(host, &self.command(&["--version".to_owned()]))?;
        let common = (self.norc && knows_norc(&said.stdout)).then(|| "--norc".to_owned());
        let common: Vec<String> = common.into_iter().collect();
        let mut version = self.version.clone();
        if self.state == "latest" {
            version = self.versions(host, &common, true)?.into_iter().next();
        }
        let there = self.versions(host, &common, false)?;
        let is_there = match &version {
            Some(version) => there.contains(version),
            None => !there.is_empty(),
        };
        Ok(Found {
            is_there,
            version,
            common,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let words = match (self.state.as_str(), found.is_there) {
            ("absent", true) => self.removal(found),
            ("present" | "latest", false) => self.installation(found),
            _ => return Vec::new(),
        };
        vec![programs::change(self.command(&words))]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let removed = outcome.outputs.last().filter(|_| self.state == "absent");
        if let Some(output) = removed
            && self.observe(host)?.is_there
        {
            let failure = ModuleError::new(format!(
                "Failed to uninstall gem '{}': it is still present after 'gem uninstall'. This usually happens \
                 with default or system gems provided by the OS, which cannot be removed with the gem command.",
                self.name
            ));
            return Err(failure.with(programs::results(output)));
        }
        let mut values = values(json!({ "name": self.name, "state": self.state }));
        if let Some(version) = &found.version {
            values.insert("version".to_owned(), version.as_str().into());
        }
        Ok(Report::of(values))
    }
}

impl Gem {
    fn command(&self, words: &[String]) -> Command {
        let mut command = plain(self.program.iter().chain(words).cloned());
        if let Some(folder) = &self.folder {
            let name = "GEM_HOME".to_owned();
            command.environment.insert(name, folder.clone());
        }
        command
    }

    /// The versions that are installed, or those that could be.
    fn versions(
        &self,
        host: &dyn Host,
        common: &[String],
        remote: bool,
    ) -> Result<Vec<String>, ModuleError> {
        let mut words = vec!["query".to_owned()];
        words.extend(common.iter().cloned());
        if remote {
            words.push("--remote".to_owned());
            words.extend(option("--source", self.repository.as_ref()));
        }
        words.extend(["-n".to_owned(), format!("^{}$", self.name)]);
        let output = programs::checked(host, &self.command(&words))?;
        Ok(output.stdout.lines().flat_map(listed).collect())
    }

    fn removal(&self, found: &Found) -> Vec<String> {
        let mut words = vec!["uninstall".to_owned()];
        words.extend(found.common.iter().cloned());
        words.extend(option("--install-dir", self.folder.as_ref()));
        words.extend(option("--bindir", self.bindir.as_ref()));
        match &self.version {
            Some(version) => words.extend(option("--version", Some(version))),
            None => words.push("--all".to_owned()),
        }
        words.push("--executable".to_owned());
        words.extend(self.force.then(|| "--force".to_owned()));
        words.push(self.name.clone());
        words
    }

    fn installation(&self, found: &Found) -> Vec<String> {
        let mut words = vec!["install".to_owned()];
        words.extend(found.common.iter().cloned());
        words.extend(option("--version", found.version.as_ref()));
        words.extend(option("--source", self.repository.as_ref()));
        words.extend(self.install.iter().cloned());
        words.extend(self.force.then(|| "--force".to_owned()));
        words.push(self.source.clone());
        words.extend(option("--", self.build_flags.as_ref()));
        words
    }
}

fn option(name: &str, value: Option<&String>) -> impl Iterator<Item = String> {
    let words = value.map(|value| [name.to_owned(), value.clone()]);
    words.into_iter().flatten()
}

fn install_words(arguments: &Arguments) -> Vec<String> {
    let flag = |wanted: bool, word: &str| wanted.then(|| word.to_owned());
    let mut words: Vec<String> = Vec::new();
    words.extend(flag(
        !arguments.bool("include_dependencies"),
        "--ignore-dependencies",
    ));
    let user = match arguments.bool("user_install") {
        true => "--user-install",
        false => "--no-user-install",
    };
    words.push(user.to_owned());
    words.extend(option(
        "--install-dir",
        arguments.string("install_dir").as_ref(),
    ));
    words.extend(option("--bindir", arguments.string("bindir").as_ref()));
    words.extend(flag(arguments.bool("pre_release"), "--pre"));
    words.extend(flag(!arguments.bool("include_doc"), "--no-document"));
    words.extend(flag(arguments.bool("env_shebang"), "--env-shebang"));
    words
}

/// Whether this version of `gem` takes `--norc`, which it does from 2.5.2 on.
fn knows_norc(version: &str) -> bool {
    let parts = version.trim().split('.').map(|part| part.parse::<u32>());
    let parts: Vec<u32> = parts.map_while(Result::ok).collect();
    parts.len() >= 2 && parts[..] >= [2, 5, 2][..]
}

/// `name (1.2, 1.1 ruby, default: 1.0)`
fn listed(line: &str) -> Vec<String> {
    let inside = line
        .split_once(" (")
        .and_then(|(_, rest)| rest.rsplit_once(')'));
    let versions = inside.map_or("", |(inside, _)| inside).split(", ");
    let bare = versions.map(|version| version.trim_start_matches("default: "));
    bare.filter_map(|version| version.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_parentheses() {
        assert_eq!(
            listed("rake (13.0.6, default: 12.3 ruby)"),
            ["13.0.6", "12.3"]
        );
        assert!(listed("*** LOCAL GEMS ***").is_empty());
        assert!(knows_norc("3.3.15\n") && !knows_norc("2.5.1") && !knows_norc("x"));
    }
}
