//! `composer`: dependencies of PHP projects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Composer {
    command: String,
    arguments: Vec<String>,
    php: Option<String>,
    composer: Option<String>,
    /// Where; none for the whole system.
    folder: Option<String>,
    /// The options that are asked for, of which only those are given that the command knows.
    options: Vec<&'static str>,
    check: bool,
}

/// The words of what is to be run, and what trying it said.
pub(super) struct Found {
    words: Vec<String>,
    /// In check mode, what `--dry-run` says; none if the command has no such thing.
    tried: Option<Output>,
}

impl Module for Composer {
    const SPEC: Spec = Spec::new(
        "community.general.composer",
        &[
            Field::bool("apcu_autoloader", false),
            Field::str("arguments").default(""),
            Field::bool("classmap_authoritative", false),
            Field::str("command").default("install"),
            Field::path("composer_executable"),
            Field::path("executable").alias(&["php_path"]),
            Field::bool("global_command", false),
            Field::bool("ignore_platform_reqs", false),
            Field::bool("no_dev", true),
            Field::bool("no_plugins", false),
            Field::bool("no_scripts", false),
            Field::bool("optimize_autoloader", true),
            Field::bool("prefer_dist", false),
            Field::bool("prefer_source", false),
            Field::path("working_dir"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Composer, ModuleError> {
        let command = arguments.text("command");
        if command.contains(char::is_whitespace) {
            return Err(ModuleError::new(
                "Use the 'arguments' param for passing arguments with the 'command'",
            ));
        }
        let is_global = arguments.bool("global_command");
        let folder = arguments.string("working_dir");
        if !is_global && folder.is_none() {
            return Err(ModuleError::new(
                "global_command is False but all of the following are missing: working_dir",
            ));
        }
        let asked = [
            ("prefer_source", "prefer-source"),
            ("prefer_dist", "prefer-dist"),
            ("no_dev", "no-dev"),
            ("no_scripts", "no-scripts"),
            ("no_plugins", "no-plugins"),
            ("apcu_autoloader", "apcu-autoloader"),
            ("optimize_autoloader", "optimize-autoloader"),
            ("classmap_authoritative", "classmap-authoritative"),
            ("ignore_platform_reqs", "ignore-platform-reqs"),
        ];
        let asked = asked.into_iter().filter(|(name, _)| arguments.bool(name));
        let always = ["no-ansi", "no-interaction", "no-progress"];
        Ok(Composer {
            command,
            arguments: programs::words(&arguments.text("arguments"))?,
            php: arguments.string("executable"),
            composer: arguments.string("composer_executable"),
            folder: folder.filter(|_| !is_global),
            options: always
                .into_iter()
                .chain(asked.map(|(_, word)| word))
                .collect(),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let known = self.known_options(host)?;
        let options = self.options.iter().filter(|word| known.contains(**word));
        let mut words = self.begin(host, &self.command)?;
        words.extend(options.map(|word| format!("--{word}")));
        words.extend(self.place());
        words.extend(self.arguments.iter().cloned());
        let mut tried = None;
        if self.check && known.contains("dry-run") {
            let dry = words.iter().cloned().chain(["--dry-run".to_owned()]);
            tried = Some(host.run(&plain(dry))?);
        }
        Ok(Found { words, tried })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        vec![Change::Run {
            command: plain(found.words.iter().cloned()),
            may_fail: true,
        }]
    }

    fn report(&self, _: &dyn Host, found: &Found, made: &Outcome) -> Result<Report, ModuleError> {
        let Some(output) = made.outputs.last().or(found.tried.as_ref()) else {
            return Ok(Report {
                msg: format!(
                    "command '{}' does not support check mode, skipping",
                    self.command
                ),
                skipped: true,
                changed: Some(false),
                ..Report::default()
            });
        };
        if output.status != 0 {
            let failure = ModuleError::new(in_one_line(&output.stderr));
            return Err(ModuleError {
                kept: true,
                ..failure.with(json!({ "stdout": output.stderr }))
            });
        }
        let said = format!("{}{}", output.stdout, output.stderr);
        let msg = in_one_line(&said);
        let idle = [
            "Nothing to install or update",
            "Nothing to install, update or remove",
        ];
        Ok(Report {
            changed: Some(!idle.iter().any(|words| msg.contains(words))),
            values: values(json!({ "stdout": said })),
            msg,
            ..Report::default()
        })
    }
}

impl Composer {
    /// Program and command.
    fn begin(&self, host: &dyn Host, command: &str) -> Result<Vec<String>, ModuleError> {
        let find = |given: &Option<String>, name: &str| -> Result<String, ModuleError> {
            match given {
                Some(path) => Ok(path.clone()),
                None => {
                    programs::required(host, name)?;
                    let found = host.find_program(name);
                    Ok(found.map_or(name.to_owned(), |path| path.to_string_lossy().into_owned()))
                }
            }
        };
        let mut words = vec![find(&self.php, "php")?, find(&self.composer, "composer")?];
        words.extend(self.folder.is_none().then(|| "global".to_owned()));
        words.push(command.to_owned());
        Ok(words)
    }

    fn place(&self) -> impl Iterator<Item = String> {
        let words = self.folder.clone();
        let words = words.map(|folder| ["--working-dir".to_owned(), folder]);
        words.into_iter().flatten()
    }

    /// The options that this version of composer has for the command.
    fn known_options(&self, host: &dyn Host) -> Result<BTreeSet<String>, ModuleError> {
        let mut words = self.begin(host, "help")?;
        words.push(self.command.clone());
        words.extend(self.place());
        words.extend(["--no-interaction", "--format=json"].map(str::to_owned));
        let command: Command = plain(words);
        let output = host.run(&command)?;
        if output.status != 0 {
            return Err(ModuleError::new(in_one_line(&output.stderr)));
        }
        let help: Value = serde_json::from_str(&output.stdout).map_err(|error| {
            ModuleError::new(format!("composer's help cannot be read: {error}"))
        })?;
        let options = help["definition"]["options"].as_object();
        Ok(options
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect())
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
