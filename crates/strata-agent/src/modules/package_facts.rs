//! `package_facts`: what is installed, by each package manager.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::programs::{checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct PackageFacts {
    managers: Vec<String>,
    all: bool,
}

type Packages = BTreeMap<String, Vec<Value>>;

/// How each manager's packages are listed, in the order in which they are looked for.
const MANAGERS: &[(&str, &[&str])] = &[
    ("apt", &["apt"]),
    ("rpm", &["rpm", "dnf", "dnf5", "yum", "zypper"]),
    ("pacman", &["pacman"]),
    ("apk", &["apk"]),
];

impl Module for PackageFacts {
    const SPEC: Spec = Spec::new(
        "package_facts",
        &[
            Field::list("manager").default("auto"),
            Field::str("strategy")
                .choices(&["all", "first"])
                .default("first"),
        ],
    );
    type Current = Packages;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PackageFacts, ModuleError> {
        let mut managers = Vec::new();
        for name in arguments.list("manager").unwrap_or_default() {
            let name = name.to_lowercase();
            if name == "auto" {
                managers.extend(MANAGERS.iter().map(|(name, _)| (*name).to_owned()));
                continue;
            }
            let known = MANAGERS
                .iter()
                .find(|(_, names)| names.contains(&name.as_str()));
            match known {
                Some((known, _)) => managers.push((*known).to_owned()),
                None => {
                    return Err(ModuleError::new(format!(
                        "Unsupported package managers requested: {name}"
                    )));
                }
            }
        }
        Ok(PackageFacts {
            managers,
            all: arguments.text("strategy") == "all",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Packages, ModuleError> {
        let mut packages = Packages::new();
        let mut found = false;
        for manager in &self.managers {
            let Some(listed) = list(host, manager)? else {
                continue;
            };
            found = true;
            for mut package in listed {
                package["source"] = manager.as_str().into();
                let name = package["name"].as_str().unwrap_or_default().to_owned();
                packages.entry(name).or_default().push(package);
            }
            if !self.all {
                break;
            }
        }
        if found {
            return Ok(packages);
        }
        let names = self.managers.join(", ");
        Err(ModuleError::new(format!(
            "Could not detect a supported package manager from the following list: {names}, or \
             the required Python library is not installed. Check warnings for details."
        )))
    }

    fn decide(&self, _: &Packages) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        packages: &Packages,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(values(
            json!({"ansible_facts": {"packages": packages}}),
        )))
    }
}

/// The packages of one manager; none where the host does not have it.
fn list(host: &dyn Host, manager: &str) -> Result<Option<Vec<Value>>, ModuleError> {
    match manager {
        "apt" if host.find_program("apt-get").is_some() => {
            match host.read_text(Path::new("/var/lib/dpkg/status")) {
                Some(status) => Ok(Some(status.split("\n\n").filter_map(of_dpkg).collect())),
                // A model knows names and versions.
                None => {
                    let known = host.packages()?.installed.into_iter();
                    let known = known
                        .map(|(name, package)| json!({"name": name, "version": package.version}));
                    Ok(Some(known.collect()))
                }
            }
        }
        "rpm" if host.find_program("rpm").is_some() => {
            let format = "%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n";
            let said = checked(host, &plain(["rpm", "-qa", "--qf", format]))?;
            Ok(Some(said.stdout.lines().filter_map(of_rpm).collect()))
        }
        "pacman" if host.find_program("pacman").is_some() => {
            let said = checked(host, &plain(["pacman", "-Q"]))?;
            let pairs = said.stdout.lines().filter_map(|line| line.split_once(' '));
            let packages = pairs.map(|(name, version)| json!({"name": name, "version": version}));
            Ok(Some(packages.collect()))
        }
        "apk" => {
            let database = host.read_text(Path::new("/lib/apk/db/installed"));
            Ok(database.map(|text| text.split("\n\n").filter_map(of_apk).collect()))
        }
        _ => Ok(None),
    }
}

fn of_dpkg(stanza: &str) -> Option<Value> {
    let field = |wanted: &str| {
        stanza.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name == wanted).then(|| value.trim())
        })
    };
    let is_installed = field("Status")?.ends_with(" installed");
    is_installed.then_some(())?;
    let architecture = field("Architecture").unwrap_or_default();
    Some(json!({
        "name": field("Package")?, "version": field("Version")?,
        "arch": architecture, "category": field("Section").unwrap_or_default(),
    }))
}

fn of_rpm(line: &str) -> Option<Value> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, release, architecture] = fields[..] else {
        return None;
    };
    let epoch: Option<i64> = epoch.parse().ok();
    let architecture = Some(architecture).filter(|text| *text != "(none)");
    Some(json!({
        "name": name, "epoch": epoch, "version": version, "release": release,
        "arch": architecture,
    }))
}

fn of_apk(stanza: &str) -> Option<Value> {
    let field = |mark: &str| stanza.lines().find_map(|line| line.strip_prefix(mark));
    let whole = field("V:")?;
    let (version, release) = whole.rsplit_once("-r").unwrap_or((whole, "0"));
    Some(
        json!({"name": field("P:")?, "version": version, "release": format!("r{release}"), "arch": field("A:")}),
    )
}
