//! `supervisorctl`: programs that Supervisor keeps running are known to it, started, stopped, restarted or told a signal.
//!
//! As `community.general.supervisorctl` 11. A password goes to `supervisorctl` in a file that only the same user can read, and
//! check mode does not let Supervisor read its files again.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::programs::{self, plain};
use super::scratch::Scratch;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Supervisorctl {
    name: String,
    /// The name is that of a group, whose programs are meant.
    is_group: bool,
    state: State,
    program: Option<String>,
    config: Option<PathBuf>,
    options: Vec<String>,
    password: Option<String>,
    stops_first: bool,
    check: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Present,
    Absent,
    Started,
    Stopped,
    Restarted,
    /// With the name of the signal.
    Signalled(String),
}

/// What there is, and what is left to do.
pub(super) struct Current {
    steps: Vec<Step>,
    /// Holds the file with the password.
    _scratch: Option<Scratch>,
}

/// A run of `supervisorctl`, and what it must say.
struct Step {
    command: Command,
    /// The program that is acted on, or none.
    process: Option<String>,
    /// What tells that it went well; without it the exit status does.
    expected: Option<String>,
}

impl Module for Supervisorctl {
    const SPEC: Spec = Spec::new(
        "community.general.supervisorctl",
        &[
            Field::str("name").required(),
            Field::path("config"),
            Field::str("server_url"),
            Field::str("username"),
            Field::str("password"),
            Field::path("supervisorctl_path"),
            Field::str("state")
                .choices(&[
                    "present",
                    "started",
                    "restarted",
                    "stopped",
                    "absent",
                    "signalled",
                ])
                .required(),
            Field::bool("stop_before_removing", false),
            Field::str("signal"),
        ],
    );
    type Current = Current;

    fn new(arguments: &Arguments, task: &Task) -> Result<Supervisorctl, ModuleError> {
        let given = arguments.text("name");
        let name = given.trim_end_matches(':');
        if name.starts_with('-') || name.contains(char::is_whitespace) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a program"
            )));
        }
        let mut options = Vec::new();
        for (name, flag) in [("server_url", "-s"), ("username", "-u")] {
            if let Some(value) = arguments.filled(name) {
                options.extend([flag.to_owned(), value]);
            }
        }
        let password = arguments.filled("password");
        if password.as_deref().is_some_and(is_cut) {
            return Err(ModuleError::new(
                "a password with ` ;`, ` #`, a line break, or blanks around it cannot be written into a file of Supervisor",
            ));
        }
        Ok(Supervisorctl {
            is_group: given.ends_with(':'),
            name: name.to_owned(),
            state: State::read(arguments)?,
            program: arguments.filled("supervisorctl_path"),
            config: arguments.filled_path("config"),
            options,
            password,
            stops_first: arguments.bool("stop_before_removing"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        match &self.program {
            None => programs::required(host, "supervisorctl")?,
            Some(path) if host.find_program(path).is_some() => {}
            Some(path) => {
                return Err(ModuleError::new(format!(
                    "Provided path to supervisorctl does not exist or isn't executable: {path}"
                )));
            }
        }
        let scratch = self.password.as_ref().map(|_| Scratch::new(host));
        let scratch = scratch.transpose()?;
        let start = self.start(host, scratch.as_ref())?;
        let said = host.run(&words(&start, &["status"]))?;
        let processes: Vec<(String, String)> = said
            .stdout
            .lines()
            .filter_map(process)
            .filter(|(process, _)| self.means(process))
            .collect();
        Ok(Current {
            steps: self.steps(&start, &processes)?,
            _scratch: scratch,
        })
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let steps = current.steps.iter();
        let change = |step: &Step| Change::Run {
            command: step.command.clone(),
            may_fail: step.expected.is_some(),
        };
        steps.map(change).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let about = json!({"name": self.name, "state": self.state.name()});
        let mut is_first = true;
        let done = || current.steps.iter().zip(&outcome.outputs);
        for (step, said) in done() {
            let Some(expected) = &step.expected else {
                continue;
            };
            if !said.stdout.contains(expected.as_str()) {
                return Err(ModuleError {
                    kept: is_first,
                    ..refused(step, &said.stdout).with(about)
                });
            }
            is_first = false;
        }
        let mut report = values(about);
        let acts = !matches!(self.state, State::Present | State::Absent);
        if acts && outcome.changed && !outcome.check {
            let affected = done().flat_map(|(step, said)| match (&step.process, &step.expected) {
                (Some(process), _) => vec![process.clone()],
                (None, Some(_)) => started(&said.stdout),
                (None, None) => Vec::new(),
            });
            report.insert("affected".to_owned(), affected.collect::<Vec<_>>().into());
        }
        Ok(Report::of(report))
    }
}

impl State {
    fn read(arguments: &Arguments) -> Result<State, ModuleError> {
        Ok(match arguments.text("state").as_str() {
            "present" => State::Present,
            "absent" => State::Absent,
            "started" => State::Started,
            "stopped" => State::Stopped,
            "restarted" => State::Restarted,
            _ => match arguments.filled("signal") {
                Some(signal) => State::Signalled(signal),
                None => {
                    return Err(ModuleError::new(
                        "state is signalled but all of the following are missing: signal",
                    ));
                }
            },
        })
    }

    fn name(&self) -> &'static str {
        match self {
            State::Present => "present",
            State::Absent => "absent",
            State::Started => "started",
            State::Stopped => "stopped",
            State::Restarted => "restarted",
            State::Signalled(_) => "signalled",
        }
    }
}

impl Supervisorctl {
    /// The words before those that say what to do.
    fn start(
        &self,
        host: &dyn Host,
        scratch: Option<&Scratch>,
    ) -> Result<Vec<String>, ModuleError> {
        let program = self.program.clone();
        let mut start = vec![program.unwrap_or_else(|| "supervisorctl".to_owned())];
        let config = match (scratch, &self.password) {
            (Some(scratch), Some(password)) => Some(self.private(host, scratch, password)?),
            _ => self
                .config
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned()),
        };
        if let Some(config) = config {
            start.extend(["-c".to_owned(), config]);
        }
        start.extend(self.options.iter().cloned());
        Ok(start)
    }

    /// A copy of the configuration with the password; what is said twice in it counts as it is said last.
    fn private(
        &self,
        host: &dyn Host,
        scratch: &Scratch,
        password: &str,
    ) -> Result<String, ModuleError> {
        let is_there = |path: &PathBuf| matches!(host.metadata_followed(path), Ok(Some(_)));
        let usual = USUAL.iter().map(PathBuf::from).find(is_there);
        let mut text = String::new();
        if let Some(path) = self.config.clone().or(usual) {
            let bytes = host.read(&path)?;
            let folder = path.parent().unwrap_or(Path::new("/")).to_string_lossy();
            text = String::from_utf8_lossy(&bytes).replace("%(here)s", &folder);
        }
        let password = password.replace('%', "%%");
        text.push_str(&format!("\n[supervisorctl]\npassword={password}\n"));
        Ok(scratch.put(host, "supervisord.conf", &text)?)
    }

    /// Whether a program is one of those that are meant.
    fn means(&self, process: &str) -> bool {
        match self.is_group {
            true => process
                .split_once(':')
                .is_some_and(|(group, _)| group == self.name),
            false => process == self.name || self.name == "all",
        }
    }

    fn steps(
        &self,
        start: &[String],
        processes: &[(String, String)],
    ) -> Result<Vec<Step>, ModuleError> {
        let plain_step = |verb: &str| Step {
            command: words(start, &[verb]),
            process: None,
            expected: None,
        };
        let on_group = |verb: &str, told: &str| Step {
            command: words(start, &[verb, &self.name]),
            process: None,
            expected: Some(format!("{}: {told} process group", self.name)),
        };
        let each = |verbs: &[&str], told: &str, fits: fn(&str) -> bool| -> Vec<Step> {
            let due = processes.iter().filter(|(_, status)| fits(status));
            let step = |(process, _): &(String, String)| Step {
                command: words(start, &[verbs, &[process.as_str()]].concat()),
                process: Some(process.clone()),
                expected: Some(format!("{process}: {told}")),
            };
            due.map(step).collect()
        };
        let runs = |status: &str| matches!(status, "RUNNING" | "STARTING");
        let rests = |status: &str| !matches!(status, "RUNNING" | "STARTING");
        let is_known = !processes.is_empty();
        let may_come = match self.state {
            State::Present | State::Absent => true,
            // Supervisor may learn of it by the update that goes before.
            State::Restarted => !self.check,
            _ => false,
        };
        if !is_known && !may_come {
            return Err(
                ModuleError::new("ERROR (no such process)").with(json!({"name": self.name}))
            );
        }
        Ok(match &self.state {
            State::Present if is_known => Vec::new(),
            State::Present => vec![plain_step("reread"), on_group("add", "added")],
            State::Absent if !is_known => Vec::new(),
            State::Absent => {
                let mut steps = Vec::new();
                if self.stops_first {
                    steps.extend(each(&["stop"], "stopped", runs));
                }
                steps.extend([plain_step("reread"), on_group("remove", "removed")]);
                steps
            }
            State::Started => each(&["start"], "started", rests),
            State::Stopped => each(&["stop"], "stopped", runs),
            State::Restarted if !is_known => {
                let target = match self.is_group {
                    true => format!("{}:*", self.name),
                    false => self.name.clone(),
                };
                let restart = Step {
                    command: words(start, &["restart", &target]),
                    process: None,
                    expected: Some(": started".to_owned()),
                };
                vec![plain_step("update"), restart]
            }
            State::Restarted => {
                let mut steps = vec![plain_step("update")];
                steps.extend(each(&["restart"], "started", |_| true));
                steps
            }
            State::Signalled(signal) => each(&["signal", signal], "signalled", |status| {
                status == "RUNNING"
            }),
        })
    }
}

/// Where Supervisor looks for its configuration.
const USUAL: &[&str] = &["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"];

/// Whether Supervisor would read only a part of a text in its files: what follows ` ;` or ` #` is a comment there.
fn is_cut(text: &str) -> bool {
    let marks = [" ;", " #", "\t;", "\t#", "\n", "\r"];
    text.trim() != text || marks.into_iter().any(|mark| text.contains(mark))
}

/// What Supervisor said where something else was expected.
fn refused(step: &Step, said: &str) -> ModuleError {
    const UNKNOWN: &str = "ERROR (no such process)";
    match step.process {
        None if said.contains(UNKNOWN) && !said.contains('/') => ModuleError::new(UNKNOWN),
        _ => ModuleError::new(said),
    }
}

/// The programs that are told to have started.
fn started(said: &str) -> Vec<String> {
    let lines = said
        .lines()
        .filter_map(|line| line.strip_suffix(": started"));
    lines.map(str::to_owned).collect()
}

fn words(start: &[String], more: &[&str]) -> Command {
    plain(start.iter().map(String::as_str).chain(more.iter().copied()))
}

/// `group:program RUNNING pid 7681, uptime 13:22:18`
fn process(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}
