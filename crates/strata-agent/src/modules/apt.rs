//! `apt` and `package`: Debian's packages are there, in a version, or are not.
//!
//! What is installed is read from dpkg's own file. What cannot be told from it (the newest version,
//! what an upgrade would do) is apt's to find out: its summary says whether anything changed, and in
//! check mode it is asked for a simulation.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::download;
use super::scratch::Scratch;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome, packages_failed};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, PackageChange, PackageOptions, PackageVerb, Packages};
use crate::{dpkg, glob};

pub(super) struct Apt {
    names: Vec<Wanted>,
    state: String,
    update: bool,
    valid: u64,
    deb: Option<String>,
    alone: Vec<PackageVerb>,
    upgrade: Option<PackageVerb>,
    options: PackageOptions,
    check: bool,
}

/// One package as it was asked for.
#[derive(Clone)]
struct Wanted {
    name: String,
    version: Option<String>,
    /// It must be at least this new.
    at_least: Option<String>,
}

/// What was found.
pub(super) struct Found {
    /// Whether the lists are too old, and since when they are there.
    update: bool,
    updated: u64,
    /// The work to do, before the simulation says whether there is any.
    work: Vec<PackageChange>,
    /// Whether the simulation found something to do.
    needed: bool,
    /// A package file that was fetched; it goes when the task is done.
    _fetched: Option<Scratch>,
}

const FIELDS: &[Field] = &[
    Field::list("name").alias(&["package", "pkg"]),
    Field::str("state")
        .choices(&["absent", "build-dep", "fixed", "latest", "present"])
        .default("present"),
    Field::maybe("update_cache").alias(&["update-cache"]),
    Field::int("cache_valid_time").default("0"),
    Field::int("update_cache_retries").default("5"),
    Field::int("update_cache_retry_max_delay").default("12"),
    Field::bool("purge", false),
    Field::bool("autoremove", false),
    Field::bool("autoclean", false),
    Field::bool("clean", false),
    Field::str("deb"),
    Field::str("upgrade")
        .choices(&["dist", "full", "no", "safe", "yes", "False", "True"])
        .default("no"),
    Field::str("default_release").alias(&["default-release"]),
    Field::maybe("install_recommends").alias(&["install-recommends"]),
    Field::bool("force", false),
    Field::bool("allow_unauthenticated", false).alias(&["allow-unauthenticated"]),
    Field::bool("allow_downgrade", false).alias(&[
        "allow-downgrade",
        "allow_downgrades",
        "allow-downgrades",
    ]),
    Field::bool("allow_change_held_packages", false),
    Field::bool("fail_on_autoremove", false),
    Field::bool("only_upgrade", false),
    Field::str("dpkg_options").default("force-confdef,force-confold"),
    Field::int("lock_timeout").default("60"),
    // These say how Ansible finds its own tools; there is nothing to find here.
    Field::bool("force_apt_get", false),
    Field::bool("auto_install_module_deps", true),
    Field::int("policy_rc_d"),
];

const EXCLUSIVE: &[&[&str]] = &[&["deb", "name"]];

const ONE_OF: &[&[&str]] = &[&[
    "autoremove",
    "deb",
    "name",
    "update_cache",
    "upgrade",
    "autoclean",
    "clean",
]];

impl Module for Apt {
    const SPEC: Spec = Spec::new("apt", FIELDS).exclusive(EXCLUSIVE).one_of(ONE_OF);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Apt, ModuleError> {
        let state = arguments.text("state");
        let names = arguments.list("name").unwrap_or_default();
        let valid = arguments.seconds("cache_valid_time");
        let alone = [
            ("autoremove", PackageVerb::Autoremove),
            ("autoclean", PackageVerb::Autoclean),
            ("clean", PackageVerb::Clean),
        ];
        let alone = alone
            .iter()
            .filter(|(name, _)| arguments.bool(name))
            .map(|(_, verb)| *verb);
        Ok(Apt {
            names: wanted(&names, &state)?,
            update: arguments.maybe("update_cache").unwrap_or(valid > 0),
            valid,
            deb: arguments.filled("deb"),
            alone: alone.collect(),
            upgrade: match arguments.text("upgrade").as_str() {
                "dist" => Some(PackageVerb::DistributionUpgrade),
                "full" => Some(PackageVerb::FullUpgrade),
                "safe" | "yes" | "True" => Some(PackageVerb::SafeUpgrade),
                _ => None,
            },
            options: options(arguments),
            check: task.check,
            state,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let updated = list_age(host)?;
        let update = self.update && (self.valid == 0 || updated + self.valid <= host.now() as u64);
        let (deb, fetched) = self.package_file(host)?;
        let asked = self.expanded(host)?;
        let work = self.work(host, &host.packages()?, &asked, deb.as_deref())?;
        let needed = if self.check {
            let mut any = false;
            for change in &work {
                any |= simulate(host, change, update)?;
            }
            any
        } else {
            // Apt itself finds out, in the same time as a simulation would take.
            !work.is_empty()
        };
        Ok(Found {
            update,
            updated,
            work,
            needed,
            _fetched: fetched,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if found.update {
            changes.push(self.change(PackageVerb::Update, Vec::new()));
        }
        if found.needed {
            changes.extend(found.work.iter().cloned());
        }
        changes.into_iter().map(Change::Packages).collect()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let skip = usize::from(found.update);
        let did = outcome.outputs.get(skip..).unwrap_or_default();
        let stdout: String = did.iter().map(|output| output.stdout.as_str()).collect();
        let stderr: String = did.iter().map(|output| output.stderr.as_str()).collect();
        let cache_time = if outcome.check {
            found.updated
        } else {
            list_age(host)?
        };
        // Where nothing was new apt leaves the lists as they are, and their age with them.
        let new = outcome.check || cache_time != found.updated;
        let updated = found.update && new;
        let mut values = values(json!({
            "cache_updated": updated,
            "cache_update_time": cache_time,
        }));
        let asked = !found.work.is_empty() || self.asks_for_work();
        let changed = match (outcome.check, asked) {
            // Renewing the lists is a change only where nothing else was asked for.
            (_, false) => updated,
            (true, true) => found.needed,
            (false, true) => did.iter().any(|output| did_something(&output.stdout)),
        };
        if !did.is_empty() {
            put_output(&mut values, &stdout, &stderr);
        }
        Ok(Report {
            values,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

fn put_output(values: &mut Map<String, Value>, stdout: &str, stderr: &str) {
    values.insert("stdout".to_owned(), stdout.into());
    values.insert("stderr".to_owned(), stderr.into());
}

fn wanted(names: &[String], state: &str) -> Result<Vec<Wanted>, ModuleError> {
    let mut wanted = Vec::new();
    if state != "absent" && names.iter().any(|name| name.trim().is_empty()) {
        return Err(ModuleError::new("No package matching '' is available"));
    }
    for name in names
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
    {
        let (name, at_least) = match name.split_once(">=") {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (name, None),
        };
        let (name, version) = match name.split_once('=') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (name, None),
        };
        if name.contains(['>', '<']) || name.starts_with('-') {
            return Err(ModuleError::new(format!(
                "the package `{name}`: of comparisons, Ansible has only `=` and `>=`"
            )));
        }
        wanted.push(Wanted {
            name: name.trim().to_owned(),
            version,
            at_least,
        });
    }
    Ok(wanted)
}

fn options(arguments: &Arguments) -> PackageOptions {
    let dpkg = arguments.text("dpkg_options");
    PackageOptions {
        purge: arguments.bool("purge"),
        autoremove: arguments.bool("autoremove"),
        only_upgrade: arguments.bool("only_upgrade"),
        force: arguments.bool("force"),
        allow_unauthenticated: arguments.bool("allow_unauthenticated"),
        allow_downgrade: arguments.bool("allow_downgrade"),
        allow_change_held: arguments.bool("allow_change_held_packages"),
        fail_on_autoremove: arguments.bool("fail_on_autoremove"),
        install_recommends: arguments.maybe("install_recommends"),
        default_release: arguments.filled("default_release"),
        dpkg_options: dpkg
            .split(',')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect(),
        lock_timeout: arguments.seconds("lock_timeout"),
        policy_rc_d: arguments.int("policy_rc_d"),
        update_retries: arguments.seconds("update_cache_retries"),
        update_max_delay: arguments.seconds("update_cache_retry_max_delay"),
    }
}

impl Apt {
    fn change(&self, verb: PackageVerb, names: Vec<String>) -> PackageChange {
        PackageChange {
            verb,
            names,
            options: self.options.clone(),
        }
    }

    fn asks_for_work(&self) -> bool {
        !self.names.is_empty()
            || self.deb.is_some()
            || self.upgrade.is_some()
            || !self.alone.is_empty()
    }

    /// The package file to install, fetched if it is named by an address.
    fn package_file(
        &self,
        host: &dyn Host,
    ) -> Result<(Option<PathBuf>, Option<Scratch>), ModuleError> {
        match &self.deb {
            Some(address) if address.contains("://") => {
                let (folder, file) = download::to_file(host, address)?;
                Ok((Some(file), Some(folder)))
            }
            path => Ok((path.as_ref().map(PathBuf::from), None)),
        }
    }

    /// The packages with patterns replaced by all that apt knows by such a name.
    fn expanded(&self, host: &dyn Host) -> Result<Vec<Wanted>, ModuleError> {
        let is_pattern = |wanted: &&Wanted| wanted.name.contains(['*', '?', '[']);
        if !self.names.iter().any(|wanted| is_pattern(&wanted)) {
            return Ok(self.names.clone());
        }
        let known = host.run(&Command::new(["apt-cache", "pkgnames"]))?;
        let mut all = Vec::new();
        for wanted in &self.names {
            let pattern = Some(wanted).filter(is_pattern);
            let Some(pattern) = pattern.and_then(|wanted| glob::compile(&wanted.name)) else {
                all.push(wanted.clone());
                continue;
            };
            let names = known.stdout.lines().filter(|name| pattern.is_match(name));
            let before = all.len();
            all.extend(names.map(|name| Wanted {
                name: name.to_owned(),
                ..wanted.clone()
            }));
            if all.len() == before && self.state != "absent" {
                let msg = format!("No package(s) matching '{}' available", wanted.name);
                return Err(ModuleError::new(msg));
            }
            all[before..].sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok(all)
    }

    /// What apt has to be called for, as far as dpkg's file tells.
    fn work(
        &self,
        host: &dyn Host,
        packages: &Packages,
        asked: &[Wanted],
        deb: Option<&Path>,
    ) -> Result<Vec<PackageChange>, ModuleError> {
        let mut work = Vec::new();
        if let Some(upgrade) = self.upgrade {
            work.push(self.change(upgrade, Vec::new()));
        }
        if let Some(path) = deb
            && !deb_is_installed(host, path, packages)?
        {
            let name = path.to_string_lossy().into_owned();
            work.push(self.change(PackageVerb::InstallFiles, vec![name]));
        }
        let mut names = Vec::new();
        for wanted in asked {
            if self.is_open(wanted, packages)
                || is_too_old(host, wanted, packages)?
                || self.is_more_than_provided(host, wanted, packages)
            {
                names.push(spell(wanted));
            }
        }
        if !names.is_empty() {
            let verb = match self.state.as_str() {
                "absent" => PackageVerb::Remove,
                "build-dep" => PackageVerb::BuildDependencies,
                _ => PackageVerb::Install,
            };
            work.push(self.change(verb, names));
        }
        if self.names.is_empty() && self.upgrade.is_none() && self.deb.is_none() {
            work.extend(self.alone.iter().map(|verb| self.change(*verb, Vec::new())));
        }
        Ok(work)
    }

    /// Whether something may have to be done about a package.
    fn is_open(&self, wanted: &Wanted, packages: &Packages) -> bool {
        let installed = packages.installed.get(&wanted.name);
        let left = self.options.purge && packages.configured.contains_key(&wanted.name);
        match self.state.as_str() {
            "absent" => installed.is_some() || left,
            "present" => match (installed, &wanted.version) {
                (Some(package), Some(version)) => !dpkg::version_matches(version, &package.version),
                (Some(_), None) => false,
                // A name that an installed package provides is there, as apt itself sees it.
                (None, None) => {
                    !packages.provided.contains_key(&wanted.name) && !self.options.only_upgrade
                }
                (None, Some(_)) => !self.options.only_upgrade,
            },
            // Only apt knows whether something newer, or missing, is to be had.
            _ => true,
        }
    }
}

impl Apt {
    /// Whether a package is not there, although another one provides its name: one that exists is installed.
    fn is_more_than_provided(&self, host: &dyn Host, wanted: &Wanted, packages: &Packages) -> bool {
        let name = &wanted.name;
        let only_provided = self.state == "present"
            && !self.options.only_upgrade
            && !packages.installed.contains_key(name)
            && packages.provided.contains_key(name);
        let asked = Command::new(["apt-cache", "show", "--no-all-versions", name]);
        only_provided
            && host.run(&asked).is_ok_and(|said| {
                said.stdout
                    .lines()
                    .any(|line| line.starts_with("Package: "))
            })
    }
}

/// Whether a package is there, but older than it must be.
fn is_too_old(host: &dyn Host, wanted: &Wanted, packages: &Packages) -> Result<bool, ModuleError> {
    let installed = packages.installed.get(&wanted.name);
    let (Some(installed), Some(at_least)) = (installed, &wanted.at_least) else {
        return Ok(false);
    };
    let compared = host.run(&Command::new([
        "dpkg",
        "--compare-versions",
        &installed.version,
        "lt",
        at_least,
    ]))?;
    Ok(compared.status == 0)
}

fn spell(wanted: &Wanted) -> String {
    match &wanted.version {
        Some(version) => format!("{}={version}", wanted.name),
        None => wanted.name.clone(),
    }
}

/// When the package lists were last renewed.
fn list_age(host: &dyn Host) -> Result<u64, ModuleError> {
    for path in [
        "/var/lib/apt/periodic/update-success-stamp",
        "/var/lib/apt/lists",
    ] {
        if let Some(found) = host.metadata_followed(Path::new(path))? {
            return Ok(found.modified as u64);
        }
    }
    Ok(0)
}

/// Asks apt whether it would do something.
fn simulate(host: &dyn Host, change: &PackageChange, update: bool) -> Result<bool, ModuleError> {
    if matches!(change.verb, PackageVerb::Autoclean | PackageVerb::Clean) {
        return Ok(true);
    }
    let output = host.simulate_packages(change)?;
    if output.status != 0 && update {
        // What the old lists do not know may be in the new ones.
        return Ok(true);
    }
    if output.status != 0 {
        return Err(packages_failed(change, &output));
    }
    Ok(!dpkg::simulated(&output.stdout).is_empty())
}

/// Reads apt's summary: `1 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.`
fn did_something(stdout: &str) -> bool {
    let summary = stdout
        .lines()
        .find(|line| line.contains(" newly installed, "));
    match summary {
        Some(line) => {
            let counted = line.split(" and ").next().unwrap_or(line);
            let mut words = counted
                .split([' ', ','])
                .filter_map(|word| word.parse::<u64>().ok());
            words.any(|count| count > 0)
        }
        // `clean` says nothing, `autoclean` what it deletes, a model what it did.
        None => stdout.lines().any(|line| {
            ["Del ", "Inst ", "Remv "]
                .iter()
                .any(|w| line.starts_with(w))
        }),
    }
}

fn deb_is_installed(
    host: &dyn Host,
    path: &Path,
    packages: &Packages,
) -> Result<bool, ModuleError> {
    let shown = path.to_string_lossy().into_owned();
    let asked = host.run(&Command::new([
        "dpkg-deb", "-f", &shown, "Package", "Version",
    ]))?;
    if asked.status != 0 {
        let said = asked.stderr.trim();
        return Err(ModuleError::new(format!(
            "Unable to install package: {said}"
        )));
    }
    let field = |name: &str| {
        let line = asked
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim().to_owned())
            .unwrap_or_default()
    };
    let installed = packages.installed.get(&field("Package"));
    Ok(installed.is_some_and(|package| package.version == field("Version")))
}

/// `package`: the same by a name that other package managers will answer to; it takes what theirs take.
pub(super) struct Package(Apt);

impl Module for Package {
    const SPEC: Spec = Spec::new(
        "package",
        &[Field::str("use").choices(&["auto", "apt"]).default("auto")],
    )
    .with(FIELDS)
    .exclusive(EXCLUSIVE)
    .one_of(ONE_OF);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Package, ModuleError> {
        Apt::new(arguments, task).map(Package)
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        self.0.observe(host)
    }

    fn decide(&self, current: &Found) -> Vec<Change> {
        self.0.decide(current)
    }

    fn report(
        &self,
        host: &dyn Host,
        current: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        self.0.report(host, current, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::did_something;

    #[test]
    fn apts_summary_says_whether_anything_changed() {
        let check = |text, expected| assert_eq!(did_something(text), expected, "{text}");
        check(
            "0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.\n",
            false,
        );
        check(
            "Reading…\n0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\n",
            true,
        );
        check(
            "0 upgraded, 0 newly installed, 2 to remove and 0 not upgraded.\n",
            true,
        );
        check("Del tree 2.1 [1 B]\n", true);
        check("Reading package lists...\n", false);
    }
}
