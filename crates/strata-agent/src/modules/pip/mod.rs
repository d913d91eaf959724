//! `pip`: Python packages, in the system or in a virtual environment.
//!
//! What is installed is asked for first (`pip list`), and `pip` only runs for what that leaves
//! open; Ansible runs it each time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::programs::{self, plain, words};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};
use requirement::{Requirement, canonical};

pub(super) mod requirement;

pub(super) struct Pip {
    given: Option<Vec<String>>,
    names: Vec<String>,
    version: Option<String>,
    requirements: Option<String>,
    state: String,
    environment: Option<PathBuf>,
    create: Vec<String>,
    site_packages: bool,
    python: Option<String>,
    executable: Option<String>,
    extra: Vec<String>,
    chdir: PathBuf,
    umask: Option<String>,
    breaks_system: bool,
}

/// Which `pip` it is, and what it has installed.
pub(super) struct Found {
    pip: Vec<String>,
    creates: bool,
    before: String,
    needed: bool,
}

impl Module for Pip {
    const SPEC: Spec = Spec::new(
        "pip",
        &[
            Field::str("state")
                .choices(&["present", "absent", "latest", "forcereinstall"])
                .default("present"),
            Field::list("name"),
            Field::str("version"),
            Field::str("requirements"),
            Field::path("virtualenv"),
            Field::bool("virtualenv_site_packages", false),
            Field::path("virtualenv_command").default("virtualenv"),
            Field::str("virtualenv_python"),
            Field::str("extra_args"),
            Field::bool("editable", false),
            Field::path("chdir"),
            Field::path("executable"),
            Field::str("umask"),
            Field::bool("break_system_packages", false),
        ],
    )
    .one_of(&[&["name", "requirements"]])
    .exclusive(&[&["name", "requirements"], &["executable", "virtualenv"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Pip, ModuleError> {
        let names = together(arguments.list("name").unwrap_or_default());
        let version = arguments.string("version");
        let state = arguments.text("state");
        if state == "latest" && version.is_some() {
            return Err(ModuleError::new(
                "version is incompatible with state=latest",
            ));
        }
        if version.is_some() && names.len() > 1 {
            return Err(ModuleError::new(
                "'version' argument is ambiguous when installing multiple package distributions. \
                 Please specify version restrictions next to each package in 'name' argument.",
            ));
        }
        let umask = arguments.string("umask");
        if let Some(umask) = &umask
            && u32::from_str_radix(umask, 8).is_err()
        {
            return Err(ModuleError::new("umask must be an octal integer"));
        }
        let mut extra = words(&arguments.text("extra_args"))?;
        if arguments.bool("editable") && !extra.iter().any(|word| word == "-e") {
            extra.push("-e".to_owned());
        }
        let chdir = arguments.path("chdir");
        let environment = arguments.path("virtualenv");
        Ok(Pip {
            given: arguments.list("name"),
            names,
            version,
            requirements: arguments.string("requirements"),
            state,
            environment: environment.map(|path| match &chdir {
                Some(folder) => folder.join(path),
                None => path,
            }),
            create: words(&arguments.text("virtualenv_command"))?,
            site_packages: arguments.bool("virtualenv_site_packages"),
            python: arguments.string("virtualenv_python"),
            executable: arguments.string("executable"),
            extra,
            chdir: chdir.unwrap_or_else(|| PathBuf::from("/tmp")),
            umask,
            breaks_system: arguments.bool("break_system_packages"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            pip: Vec::new(),
            creates: false,
            before: String::new(),
            needed: true,
        };
        if let Some(environment) = &self.environment {
            let activate = environment.join("bin/activate");
            found.creates = host.metadata_followed(&activate)?.is_none();
        }
        found.pip = self.pip(host, found.creates)?;
        if found.creates {
            if let Some(program) = self.create.first() {
                programs::required(host, program)?;
            }
            return Ok(found);
        }
        let listed = host.run(&self.list(&found.pip))?;
        if listed.status != 0 {
            return Err(failed(&listed, &found.pip));
        }
        found.needed = self.needs(&listed.stdout);
        found.before = listed.stdout;
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if found.creates {
            changes.push(programs::change(self.command(self.creation())));
        }
        if found.needed {
            // Its own words tell whether something was done.
            changes.push(Change::Run {
                command: self.command(self.install(&found.pip)),
                may_fail: true,
            });
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let command = match outcome.check {
            true => found.pip.clone(),
            false => self.install(&found.pip),
        };
        let mut values = values(json!({
            "cmd": command, "name": self.given, "version": self.version, "state": self.state,
            "requirements": self.requirements,
            "virtualenv": self.environment.as_ref().map(|path| path.to_string_lossy()),
            "stdout": "", "stderr": "",
        }));
        let mut changed = outcome.changed;
        if let Some(output) = outcome.outputs.last().filter(|_| found.needed) {
            let gone = self.state == "absent"
                && (output.stdout.contains("not installed")
                    || output.stderr.contains("not installed"));
            if output.status != 0 && !gone {
                return Err(ModuleError {
                    changed: found.creates,
                    kept: true,
                    ..failed(output, &command)
                });
            }
            values.insert("stdout".to_owned(), output.stdout.clone().into());
            values.insert("stderr".to_owned(), output.stderr.clone().into());
            changed = found.creates || self.did(host, found, output)?;
        }
        Ok(Report {
            values,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

impl Pip {
    fn command(&self, argv: Vec<String>) -> Command {
        let argv = match &self.umask {
            None => argv,
            Some(umask) => {
                let script = format!("umask {umask} && exec \"$@\"");
                let shell = ["sh", "-c", &script, "sh"].map(str::to_owned);
                shell.into_iter().chain(argv).collect()
            }
        };
        let mut command = plain(argv);
        // Names with other letters are read in UTF-8.
        command.environment = BTreeMap::from([("LC_ALL".to_owned(), "C.UTF-8".to_owned())]);
        if self.breaks_system {
            let set = ("PIP_BREAK_SYSTEM_PACKAGES".to_owned(), "1".to_owned());
            command.environment.extend([set]);
        }
        command.directory = Some(self.chdir.clone());
        command
    }

    fn list(&self, pip: &[String]) -> Command {
        let words = ["list", "--format=freeze", "--disable-pip-version-check"];
        let words = words.map(str::to_owned);
        self.command(pip.iter().cloned().chain(words).collect())
    }

    /// The `pip` that is meant: of the environment, as named, or of the system.
    fn pip(&self, host: &dyn Host, creates: bool) -> Result<Vec<String>, ModuleError> {
        if let Some(environment) = &self.environment {
            let inside = |name: &str| environment.join("bin").join(name);
            let pip3 = inside("pip3");
            let there = creates || host.metadata_followed(&pip3)?.is_some();
            let pip = if there { pip3 } else { inside("pip") };
            return Ok(vec![pip.to_string_lossy().into_owned()]);
        }
        if let Some(name) = &self.executable {
            return match name.starts_with('/') || host.find_program(name).is_some() {
                true => Ok(vec![name.clone()]),
                false => Err(ModuleError::new(format!(
                    "Unable to find any of {name} to use.  pip needs to be installed."
                ))),
            };
        }
        let program = host.find_program("pip3");
        let program = program.ok_or_else(|| {
            ModuleError::new("Unable to find any of pip3 to use.  pip needs to be installed.")
        })?;
        Ok(vec![program.to_string_lossy().into_owned()])
    }

    fn creation(&self) -> Vec<String> {
        let mut argv = self.create.clone();
        if self.site_packages {
            argv.push("--system-site-packages".to_owned());
        }
        let is_venv = argv
            .iter()
            .any(|word| word.contains("venv") && !word.contains("virtualenv"));
        if let Some(python) = self.python.as_ref().filter(|_| !is_venv) {
            argv.push(format!("-p{python}"));
        }
        let path = self
            .environment
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        argv.extend(path);
        argv
    }

    fn install(&self, pip: &[String]) -> Vec<String> {
        let mut argv = pip.to_vec();
        let verb: &[&str] = match self.state.as_str() {
            "absent" => &["uninstall", "-y"],
            "latest" => &["install", "-U"],
            "forcereinstall" => &["install", "-U", "--force-reinstall"],
            _ => &["install"],
        };
        argv.extend(verb.iter().map(|word| (*word).to_owned()));
        argv.extend(self.extra.iter().cloned());
        match &self.requirements {
            Some(file) => argv.extend(["-r".to_owned(), file.clone()]),
            None => argv.extend(self.wanted()),
        }
        argv
    }

    /// The names as pip takes them.
    fn wanted(&self) -> Vec<String> {
        match (&self.version, &self.names[..]) {
            (Some(version), [name]) => {
                let starts = version.starts_with(['=', '<', '>', '~', '!']);
                let equals = if starts { "" } else { "==" };
                vec![format!("{name}{equals}{version}")]
            }
            _ => self.names.clone(),
        }
    }

    /// Whether pip has to run, as far as the list can tell; what it cannot tell, pip must.
    fn needs(&self, listed: &str) -> bool {
        if self.requirements.is_some() || !matches!(self.state.as_str(), "present" | "absent") {
            return true;
        }
        let installed: BTreeMap<String, &str> = listed
            .lines()
            .filter_map(|line| line.split_once("=="))
            .map(|(name, version)| (canonical(name), version))
            .collect();
        self.wanted().iter().any(|text| {
            let Some(requirement) = Requirement::read(text) else {
                return true;
            };
            let there = installed.get(&requirement.name);
            match (self.state.as_str(), there) {
                ("absent", there) => there.is_some(),
                (_, None) => true,
                (_, Some(version)) => requirement.allows(version) != Some(true),
            }
        })
    }

    fn did(&self, host: &dyn Host, found: &Found, output: &Output) -> Result<bool, ModuleError> {
        if self.state == "absent" {
            return Ok(output.stdout.contains("Successfully uninstalled"));
        }
        let by_list = self.requirements.is_some()
            || self
                .names
                .iter()
                .any(|name| name.contains("+") && name.contains("://"));
        if by_list && !found.before.is_empty() {
            return Ok(host.run(&self.list(&found.pip))?.stdout != found.before);
        }
        Ok(output.stdout.contains("Successfully installed"))
    }
}

/// Puts together again what a comma between version limits has split.
fn together(names: Vec<String>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    for name in names.into_iter().filter(|name| !name.trim().is_empty()) {
        let goes_on = name.trim_start().starts_with(['<', '>', '=', '!', '~']);
        match whole.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(&format!(",{}", name.trim())),
            None => whole.push(name),
        }
    }
    whole
}

fn failed(output: &Output, command: &[String]) -> ModuleError {
    let mut msg = String::new();
    if !output.stdout.is_empty() {
        msg.push_str(&format!("stdout: {}", output.stdout));
    }
    if !output.stderr.is_empty() {
        msg.push_str(&format!("\n:stderr: {}", output.stderr));
    }
    let command: Value = command.to_vec().into();
    ModuleError::new(msg).with(json!({"cmd": command, "rc": output.status}))
}
