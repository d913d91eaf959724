//! `git_config`: one setting of git, by git itself.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::{Diff, Task};
use crate::system::Command;

pub(super) struct GitConfig {
    name: String,
    /// The value that it shall have; none where it shall have none.
    value: Option<String>,
    adds: bool,
    /// Words that say which file is meant.
    place: Vec<String>,
    folder: String,
    diff: bool,
}

impl Module for GitConfig {
    const SPEC: Spec = Spec::new(
        "community.general.git_config",
        &[
            Field::str("add_mode")
                .choices(&["add", "replace-all"])
                .default("replace-all"),
            Field::path("file"),
            Field::str("name").required(),
            Field::path("repo"),
            Field::str("scope").choices(&["file", "local", "global", "system"]),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::str("value"),
        ],
    );
    /// The values that it has.
    type Current = Vec<String>;

    fn new(arguments: &Arguments, task: &Task) -> Result<GitConfig, ModuleError> {
        let value = arguments.string("value").filter(|value| !value.is_empty());
        let is_wanted = arguments.text("state") == "present";
        if is_wanted && value.is_none() {
            return Err(ModuleError::new(
                "state is present but all of the following are missing: value",
            ));
        }
        let missing = |scope: &str, name: &str| {
            ModuleError::new(format!(
                "scope is {scope} but all of the following are missing: {name}"
            ))
        };
        let scope = arguments.string("scope").unwrap_or("system".to_owned());
        let mut folder = "/".to_owned();
        let place = match scope.as_str() {
            "file" => {
                let file = arguments.string("file");
                vec![
                    "-f".to_owned(),
                    file.ok_or_else(|| missing("file", "file"))?,
                ]
            }
            "local" => {
                let repository = arguments.string("repo");
                folder = repository.ok_or_else(|| missing("local", "repo"))?;
                vec!["--local".to_owned()]
            }
            scope => vec![format!("--{scope}")],
        };
        Ok(GitConfig {
            name: arguments.text("name"),
            value: value.filter(|_| is_wanted),
            adds: arguments.text("add_mode") == "add",
            place,
            folder,
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        programs::required(host, "git")?;
        let command = self.command(&["--get-all", &self.name]);
        let output = host.run(&command)?;
        if output.status >= 2 {
            let failure = ModuleError::new(output.stderr.clone());
            let said = json!({"rc": output.status, "cmd": command.argv.join(" ")});
            return Err(failure.with(said));
        }
        Ok(output
            .stdout
            .trim_end()
            .lines()
            .map(str::to_owned)
            .collect())
    }

    fn decide(&self, current: &Vec<String>) -> Vec<Change> {
        let is_done = match &self.value {
            None => current.is_empty(),
            Some(value) => current.contains(value) && (current.len() == 1 || self.adds),
        };
        let change = (!is_done).then(|| programs::change(self.setting()));
        change.into_iter().collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        current: &Vec<String>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let msg = match (outcome.changed, &self.value) {
            (true, _) => "setting changed",
            (false, None) => "no setting to unset",
            (false, Some(_)) => "",
        };
        let header = self.setting().argv.join(" ");
        let diff = (self.diff && outcome.changed).then(|| Diff {
            path: self.name.clone(),
            before_header: header.clone(),
            after_header: header,
            before: shown(current),
            after: shown(&self.values_after(current)),
        });
        Ok(Report {
            msg: msg.to_owned(),
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl GitConfig {
    fn command(&self, words: &[&str]) -> Command {
        let begin = ["git", "config", "--includes"].map(str::to_owned);
        let words = words.iter().map(|word| (*word).to_owned());
        let argv = begin.into_iter().chain(self.place.iter().cloned());
        Command {
            directory: Some(self.folder.clone().into()),
            ..plain(argv.chain(words))
        }
    }

    fn setting(&self) -> Command {
        let mode = if self.adds { "--add" } else { "--replace-all" };
        match &self.value {
            Some(value) => self.command(&[mode, &self.name, value]),
            None => self.command(&["--unset-all", &self.name]),
        }
    }

    fn values_after(&self, current: &[String]) -> Vec<String> {
        let kept = current.iter().filter(|_| self.adds && self.value.is_some());
        kept.chain(&self.value).cloned().collect()
    }
}

fn shown(values: &[String]) -> String {
    format!("{}\n", values.join("\n"))
}
