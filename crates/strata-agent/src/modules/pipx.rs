//! `pipx`: programs of Python, each in an environment of its own.

use serde_json::{Value, json};

use super::pip::requirement::Requirement;
use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Pipx {
    program: Vec<String>,
    /// The name as it was asked for, perhaps with a version.
    asked: Option<String>,
    name: Option<String>,
    /// The version that the name asks for, as `==1.0`.
    version: Option<String>,
    source: Option<String>,
    index: Option<String>,
    suffix: Option<String>,
    state: String,
    injects: Vec<String>,
    metadata: Option<String>,
    force: bool,
    includes_injected: bool,
    is_global: bool,
    /// Options of an installation.
    options: Vec<String>,
    of_injection: Vec<String>,
}

/// The environments that are there, by their names.
pub(super) struct Found {
    known: Value,
    commands: Vec<Vec<String>>,
}

const STATES: &[&str] = &[
    "present",
    "absent",
    "install",
    "install_all",
    "uninstall",
    "uninstall_all",
    "inject",
    "uninject",
    "upgrade",
    "upgrade_shared",
    "upgrade_all",
    "reinstall",
    "reinstall_all",
    "latest",
    "pin",
    "unpin",
];

impl Module for Pipx {
    const SPEC: Spec = Spec::new(
        "community.general.pipx",
        &[
            Field::bool("editable", false),
            Field::path("executable"),
            Field::bool("force", false),
            Field::bool("global", false),
            Field::bool("include_injected", false),
            Field::str("index_url"),
            Field::list("inject_packages"),
            Field::bool("install_apps", false),
            Field::bool("install_deps", false),
            Field::str("name"),
            Field::str("pip_args"),
            Field::str("python"),
            Field::str("source"),
            Field::path("spec_metadata"),
            Field::str("state").choices(STATES).default("install"),
            Field::str("suffix"),
            Field::bool("system_site_packages", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Pipx, ModuleError> {
        let state = match arguments.text("state").as_str() {
            "present" => "install".to_owned(),
            "absent" => "uninstall".to_owned(),
            state => state.to_owned(),
        };
        let name = arguments.string("name");
        let of_all = matches!(
            state.as_str(),
            "uninstall_all" | "upgrade_all" | "upgrade_shared" | "reinstall_all" | "install_all"
        );
        if name.is_none() && !of_all {
            let state = arguments.text("state");
            return Err(ModuleError::new(format!(
                "state is {state} but all of the following are missing: name"
            )));
        }
        let metadata = arguments.string("spec_metadata");
        if state == "install_all" && metadata.is_none() {
            return Err(ModuleError::new(
                "state is install_all but all of the following are missing: spec_metadata",
            ));
        }
        let program = arguments.string("executable");
        let program = match program {
            Some(program) => vec![program],
            None => vec!["pipx".to_owned()],
        };
        if state == "inject" && arguments.list("inject_packages").is_none() {
            return Err(ModuleError::new(
                "state is inject but all of the following are missing: inject_packages",
            ));
        }
        let (options, of_injection) = options(arguments);
        let bare = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        let at = name
            .as_ref()
            .map_or(0, |name| name.find(bare).unwrap_or(name.len()));
        let version = name.as_ref().map(|name| name[at..].to_owned());
        let version = version.filter(|version| !version.is_empty());
        Ok(Pipx {
            program,
            asked: name.clone(),
            source: arguments.string("source").or_else(|| match version {
                Some(_) => name.clone(),
                None => None,
            }),
            name: name.map(|name| name[..at].to_owned()),
            version,
            index: arguments.string("index_url"),
            suffix: arguments.string("suffix"),
            injects: arguments.list("inject_packages").unwrap_or_default(),
            metadata,
            force: arguments.bool("force"),
            includes_injected: arguments.bool("include_injected"),
            is_global: arguments.bool("global"),
            state,
            options,
            of_injection,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if !self.program[0].contains('/') {
            programs::required(host, &self.program[0])?;
        }
        let known = self.listed(host)?;
        self.must_be_there(&known)?;
        let commands = self.commands(&known);
        Ok(Found { known, commands })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found.commands.iter().map(|words| {
            let mut argv = self.program.clone();
            argv.extend(words.iter().cloned());
            programs::change(plain(argv))
        });
        run.collect()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let after = match outcome.changed && !outcome.check {
            true => self.listed(host)?,
            false => found.known.clone(),
        };
        let ours = |all: &Value| self.ours(all);
        let changed = match self.state.as_str() {
            // Only afterwards it is known whether there was anything newer.
            "upgrade" | "upgrade_all" | "upgrade_shared" | "latest" if !outcome.check => {
                Some(after != found.known)
            }
            _ => None,
        };
        let mut argv = self.program.clone();
        argv.push("--version".to_owned());
        let version = host.run(&plain(argv))?.stdout;
        let report = values(json!({
            "application": ours(&after), "version": version.trim(), "name": self.asked,
            "source": self.source, "force": self.force, "index_url": self.index,
        }));
        Ok(Report {
            changed,
            ..Report::of(report)
        })
    }
}

fn options(arguments: &Arguments) -> (Vec<String>, Vec<String>) {
    let mut install = Vec::new();
    let mut inject = Vec::new();
    let pair = |list: &mut Vec<String>, flag: &str, value: &Option<String>| {
        if let Some(value) = value {
            list.extend([flag.to_owned(), value.clone()]);
        }
    };
    let index = arguments.string("index_url");
    let pip = arguments.string("pip_args");
    pair(&mut install, "--index-url", &index);
    pair(&mut install, "--python", &arguments.string("python"));
    pair(&mut inject, "--index-url", &index);
    for (argument, flag, of_install) in [
        ("system_site_packages", "--system-site-packages", true),
        ("editable", "--editable", true),
        ("install_deps", "--include-deps", true),
        ("install_apps", "--include-apps", false),
        ("install_deps", "--include-deps", false),
    ] {
        if arguments.bool(argument) {
            let list = if of_install {
                &mut install
            } else {
                &mut inject
            };
            list.push(flag.to_owned());
        }
    }
    // One word, since it may begin with a dash.
    let pip = pip.map(|pip| format!("--pip-args={pip}"));
    install.extend(pip.clone());
    inject.extend(pip);
    (install, inject)
}

impl Pipx {
    fn listed(&self, host: &dyn Host) -> Result<Value, ModuleError> {
        let mut argv = self.program.clone();
        argv.extend(["list", "--include-injected", "--json"].map(str::to_owned));
        argv.extend(self.is_global.then(|| "--global".to_owned()));
        let said = programs::checked(host, &plain(argv))?;
        Ok(described(&said.stdout))
    }

    /// Some states are of environments that are there.
    fn must_be_there(&self, known: &Value) -> Result<(), ModuleError> {
        let doing = match self.state.as_str() {
            "upgrade" => "upgrade",
            "reinstall" => "reinstall",
            "inject" => "inject packages into",
            "uninject" => "uninject packages into",
            _ => return Ok(()),
        };
        let venv = self.venv();
        match known.get(&venv) {
            Some(_) => Ok(()),
            None => Err(ModuleError::new(format!(
                "Trying to {doing} a non-existent application: {venv}"
            ))),
        }
    }

    /// The name of the environment.
    fn venv(&self) -> String {
        let name = self.name.clone().unwrap_or_default();
        format!("{name}{}", self.suffix.clone().unwrap_or_default())
    }

    fn ours(&self, all: &Value) -> Value {
        let venv = self.venv();
        match (&self.name, &all[&venv]) {
            (None, _) => all.clone(),
            (Some(_), Value::Null) => json!({}),
            (Some(_), about) => json!({venv: about}),
        }
    }

    fn commands(&self, known: &Value) -> Vec<Vec<String>> {
        let venv = self.venv();
        let is_there = known.get(&venv).is_some();
        let any = known.as_object().is_some_and(|known| !known.is_empty());
        let global = self.is_global.then(|| "--global".to_owned());
        let make = |verb: &str, words: &[String]| {
            let mut command = vec![verb.to_owned()];
            command.extend(global.clone());
            command.extend(words.iter().cloned());
            command
        };
        let force = self.force.then(|| "--force".to_owned());
        let name = vec![venv.clone()];
        match self.state.as_str() {
            "install" if !self.is_so(known) => vec![self.install(&make, is_there)],
            "install_all" => {
                let mut words: Vec<String> = force.into_iter().collect();
                words.extend(self.metadata.clone());
                vec![make("install-all", &words)]
            }
            "latest" => {
                let mut commands = Vec::new();
                if !is_there || self.force {
                    commands.push(self.install(&make, false));
                }
                commands.push(self.upgrade(&make, &venv));
                commands
            }
            "upgrade" => vec![self.upgrade(&make, &venv)],
            "upgrade_all" => vec![make("upgrade-all", &[])],
            "upgrade_shared" => vec![make("upgrade-shared", &[])],
            "uninstall" if is_there => vec![make("uninstall", &name)],
            "uninstall_all" if any => vec![make("uninstall-all", &[])],
            "reinstall" => vec![make("reinstall", &name)],
            "reinstall_all" => vec![make("reinstall-all", &[])],
            "pin" if known[&venv]["pinned"] != true => vec![make("pin", &name)],
            "unpin" if known[&venv]["pinned"] == true => vec![make("unpin", &name)],
            "inject" => {
                let injected = &known[&venv]["injected"];
                let missing =
                    |package: &&String| injected.get(package.as_str()).is_none() || self.force;
                let packages: Vec<String> = self.injects.iter().filter(missing).cloned().collect();
                if packages.is_empty() {
                    return Vec::new();
                }
                let mut words = self.of_injection.clone();
                words.extend(force);
                words.push(venv);
                words.extend(packages);
                vec![make("inject", &words)]
            }
            "uninject" => {
                let injected = &known[&venv]["injected"];
                let there = |package: &&String| injected.get(package.as_str()).is_some();
                let packages: Vec<String> = self.injects.iter().filter(there).cloned().collect();
                if packages.is_empty() {
                    return Vec::new();
                }
                vec![make("uninject", &[vec![venv], packages].concat())]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the environment has the version that is asked for, and is not to be made anew.
    fn is_so(&self, known: &Value) -> bool {
        let about = &known[&self.venv()];
        let has = match (&self.version, about["version"].as_str()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(wanted), Some(there)) => {
                let wanted = Requirement::read(&format!("x{wanted}"));
                wanted.and_then(|wanted| wanted.allows(there)) == Some(true)
            }
        };
        has && !self.force
    }

    /// Another version goes over the one that is there only by force.
    fn install(
        &self,
        make: &dyn Fn(&str, &[String]) -> Vec<String>,
        is_there: bool,
    ) -> Vec<String> {
        let mut words = self.options.clone();
        words.extend((self.force || is_there).then(|| "--force".to_owned()));
        if let Some(suffix) = &self.suffix {
            words.push(format!("--suffix={suffix}"));
        }
        words.push(
            self.source
                .clone()
                .or(self.name.clone())
                .unwrap_or_default(),
        );
        make("install", &words)
    }

    fn upgrade(&self, make: &dyn Fn(&str, &[String]) -> Vec<String>, venv: &str) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(
            self.includes_injected
                .then(|| "--include-injected".to_owned()),
        );
        words.extend(self.force.then(|| "--force".to_owned()));
        words.push(venv.to_owned());
        make("upgrade", &words)
    }
}

/// Versions and injected packages by the environments' names.
fn described(text: &str) -> Value {
    let all: Value = serde_json::from_str(text).unwrap_or_default();
    let venvs = all["venvs"].as_object().into_iter().flatten();
    let one = venvs.map(|(name, venv)| {
        let metadata = &venv["metadata"];
        let main = &metadata["main_package"];
        let injected = metadata["injected_packages"]
            .as_object()
            .into_iter()
            .flatten();
        let injected: serde_json::Map<String, Value> = injected
            .map(|(name, package)| (name.clone(), package["package_version"].clone()))
            .collect();
        let about = json!({
            "name": name, "version": main["package_version"], "injected": injected,
            "pinned": main["pinned"].as_bool(),
        });
        (name.clone(), about)
    });
    Value::Object(one.collect())
}
