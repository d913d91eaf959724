//! `dnf` and `yum`: packages of Fedora and its kin.
//!
//! `dnf` itself says in a rehearsal (`--assumeno`) what it would do, so that check mode tells the truth about groups,
//! patterns and addresses, too. Plain names that `rpm` knows as installed are not asked about.

mod transaction;

use serde_json::{Value, json};
use transaction::Transaction;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Dnf {
    names: Vec<String>,
    state: String,
    options: Vec<String>,
    update_cache: bool,
    update_only: bool,
    allow_downgrade: bool,
    autoremove: bool,
    download_only: bool,
    list: Option<String>,
}

/// Which program it is, what is to be run, and what that would do.
pub(super) struct Found {
    program: &'static str,
    run: Vec<Vec<String>>,
    results: Vec<String>,
    listed: Option<Vec<Value>>,
}

impl Module for Dnf {
    const SPEC: Spec = Spec::new(
        "dnf",
        &[
            Field::list("name").alias(&["pkg"]),
            Field::str("state").choices(&["absent", "present", "installed", "removed", "latest"]),
            Field::list("enablerepo"),
            Field::list("disablerepo"),
            Field::list("exclude"),
            Field::list("enable_plugin"),
            Field::list("disable_plugin"),
            Field::str("conf_file"),
            Field::str("disable_excludes"),
            Field::str("installroot").default("/"),
            Field::str("releasever"),
            Field::str("list"),
            Field::str("download_dir"),
            Field::bool("download_only", false),
            Field::bool("autoremove", false),
            Field::bool("bugfix", false),
            Field::bool("security", false),
            Field::bool("cacheonly", false),
            Field::bool("disable_gpg_check", false),
            Field::bool("skip_broken", false),
            Field::bool("allowerasing", false),
            Field::bool("allow_downgrade", false),
            Field::maybe("nobest"),
            Field::maybe("best"),
            Field::bool("install_weak_deps", true),
            Field::bool("sslverify", true),
            Field::bool("validate_certs", true),
            Field::bool("update_cache", false).alias(&["expire-cache"]),
            Field::bool("update_only", false),
            Field::new("use_backend", FieldKind::Str)
                .choices(&["auto", "dnf", "dnf4", "dnf5", "yum", "yum4"])
                .default("auto"),
            // Not needed by dnf, says Ansible, and taken for the sake of old playbooks.
            Field::bool("install_repoquery", true),
            // There is nothing to install on the host for this program.
            Field::bool("auto_install_module_deps", true),
            // The program itself waits for its lock, as long as it takes.
            Field::int("lock_timeout"),
        ],
    )
    .exclusive(&[&["best", "nobest"], &["name", "list"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Dnf, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        let autoremove = arguments.bool("autoremove");
        let state = arguments.string("state");
        if autoremove && state.as_deref().is_some_and(|state| state != "absent") {
            return Err(ModuleError::new(
                "Autoremove should be used alone or with state=absent",
            ));
        }
        let state = match state.as_deref() {
            Some("removed") => "absent".to_owned(),
            Some("latest" | "absent") => state.unwrap_or_default(),
            None if autoremove => "absent".to_owned(),
            _ => "present".to_owned(),
        };
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| !name.trim().is_empty())
            .collect();
        if let Some(name) = names.iter().find(|name| name.starts_with('-')) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a package"
            )));
        }
        Ok(Dnf {
            names,
            state,
            options: options(arguments),
            update_cache: arguments.bool("update_cache"),
            update_only: arguments.bool("update_only"),
            allow_downgrade: arguments.bool("allow_downgrade"),
            autoremove,
            download_only: arguments.bool("download_only"),
            list: arguments.string("list"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut known = ["dnf5", "dnf", "yum"].into_iter();
        let program = known.find(|name| host.find_program(name).is_some());
        let program = program.ok_or_else(|| programs::missing("dnf"))?;
        let mut found = Found {
            program,
            run: Vec::new(),
            results: Vec::new(),
            listed: None,
        };
        if let Some(what) = &self.list {
            found.listed = Some(self.list(host, program, what)?);
            return Ok(found);
        }
        let verbs = self.verbs(host, &mut found.results)?;
        let mut both = Transaction::default();
        for verb in verbs {
            if let Some((verb, transaction)) = self.rehearse(host, program, verb)? {
                both.add(transaction);
                found.run.push(verb);
            }
        }
        found
            .results
            .extend(both.results(host, self.download_only)?);
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache && found.run.is_empty() {
            let words = ["makecache", "--refresh"].map(str::to_owned).to_vec();
            changes.push(programs::change(self.command(found.program, &words, false)));
        }
        changes.extend(found.run.iter().map(|verb| Change::Run {
            command: self.command(found.program, verb, false),
            may_fail: true,
        }));
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some(listed) = &found.listed {
            return Ok(Report::of(values(json!({ "results": listed, "msg": "" }))));
        }
        let idle = found.run.is_empty();
        if let Some(output) = outcome.outputs.iter().find(|output| output.status != 0) {
            complain(output)?;
            return Err(programs::failed(output));
        }
        let msg = match (idle, outcome.check) {
            (true, _) if self.update_cache && self.names.is_empty() => "Cache updated",
            (true, _) => "Nothing to do",
            (false, true) => "Check mode: No changes made, but would have if not in check mode",
            (false, false) => "",
        };
        Ok(Report {
            msg: msg.to_owned(),
            values: values(json!({"results": found.results, "rc": 0})),
            changed: Some(!idle),
            ..Report::default()
        })
    }
}

impl Dnf {
    fn command(&self, program: &str, verb: &[String], rehearse: bool) -> Command {
        let mut argv = vec![program.to_owned()];
        argv.push(if rehearse { "--assumeno" } else { "-y" }.to_owned());
        argv.extend((self.update_cache && rehearse).then(|| "--refresh".to_owned()));
        argv.extend(self.options.iter().cloned());
        // What nothing needs any more stays, unless it is asked for.
        let keeps = verb.first().is_some_and(|verb| verb == "remove") && !self.autoremove;
        argv.extend(keeps.then(|| "--setopt=clean_requirements_on_remove=0".to_owned()));
        argv.extend(verb.iter().cloned());
        plain(argv)
    }

    /// Asks what a verb would do; none where that is nothing.
    fn rehearse(
        &self,
        host: &dyn Host,
        program: &str,
        verb: Vec<String>,
    ) -> Result<Option<(Vec<String>, Transaction)>, ModuleError> {
        let said = host.run(&self.command(program, &verb, true))?;
        if is_idle(&said) {
            return Ok(None);
        }
        complain(&said)?;
        let transaction = Transaction::read(&said.stdout);
        if transaction.is_empty() {
            return Ok(None);
        }
        if !transaction.has_downgrades() || self.allow_downgrade {
            return Ok(Some((verb, transaction)));
        }
        // A name with an older version than the one that is there is left alone.
        let mut kept = vec![verb[0].clone()];
        for name in verb.iter().skip(1) {
            let alone = [verb[0].clone(), name.clone()];
            let said = host.run(&self.command(program, &alone, true))?;
            if !Transaction::read(&said.stdout).has_downgrades() {
                kept.push(name.clone());
            }
        }
        match kept.len() {
            1 => Ok(None),
            count if count == verb.len() => Ok(Some((verb, transaction))),
            _ => self.rehearse(host, program, kept),
        }
    }

    /// What is to be asked of dnf; nothing where `rpm` already knows that all is well.
    fn verbs(
        &self,
        host: &dyn Host,
        results: &mut Vec<String>,
    ) -> Result<Vec<Vec<String>>, ModuleError> {
        let words = |verb: &str, names: Vec<String>| {
            let mut words = vec![verb.to_owned()];
            words.extend(names);
            words
        };
        if self.names.is_empty() {
            let verb = self.autoremove.then(|| vec!["autoremove".to_owned()]);
            return Ok(verb.into_iter().collect());
        }
        if self.state == "latest" && self.names == ["*"] {
            return Ok(vec![words("upgrade", Vec::new())]);
        }
        let files = self.names.iter().filter(|name| is_file(name));
        let installs = files.clone().map(|name| format!("Installed {name}"));
        if self.state == "absent" && files.clone().next().is_some() {
            return Err(ModuleError::new(
                "Cannot remove paths -- please specify package name.",
            ));
        }
        results.extend(installs);
        if self.state != "absent" {
            let done = match self.state.as_str() {
                "latest" => "upgraded",
                _ => "installed",
            };
            let groups = self.names.iter().filter_map(|name| name.strip_prefix('@'));
            results.extend(groups.map(|name| format!("Group {name} {done}.")));
        }
        let (mut there, mut missing, mut special) = (Vec::new(), Vec::new(), Vec::new());
        for name in &self.names {
            match self.is_there(host, name)? {
                Some(true) => there.push(name.clone()),
                Some(false) => missing.push(name.clone()),
                None => special.push(name.clone()),
            }
        }
        let mut verbs = Vec::new();
        if self.state == "absent" {
            let none = missing
                .iter()
                .map(|name| format!("No match for argument: {name}"));
            results.extend(none);
            there.extend(special);
            if !there.is_empty() {
                verbs.push(words("remove", there));
            }
            return Ok(verbs);
        }
        let told = |name: &String| {
            format!("Packages providing {name} not installed due to update_only specified")
        };
        if self.update_only {
            results.extend(missing.iter().map(told));
            missing.clear();
            there.append(&mut special);
        }
        if self.state == "latest" && !there.is_empty() {
            verbs.push(words("upgrade", there));
        }
        missing.extend(special);
        if !missing.is_empty() {
            verbs.push(words("install", missing));
        }
        Ok(verbs)
    }

    /// Whether `rpm` has a package of that name; none for what only dnf understands.
    fn is_there(&self, host: &dyn Host, name: &str) -> Result<Option<bool>, ModuleError> {
        let special = name.starts_with(['@', '/'])
            || is_file(name)
            || name.contains(['*', '?', ':', '[', '<', '>', '=']);
        if special {
            return Ok(None);
        }
        let by_name = host.run(&plain(["rpm", "-q", "--quiet", name]))?;
        if by_name.status == 0 || self.state == "absent" {
            return Ok(Some(by_name.status == 0));
        }
        let provided = host.run(&plain(["rpm", "-q", "--quiet", "--whatprovides", name]))?;
        Ok(Some(provided.status == 0))
    }

    fn list(&self, host: &dyn Host, program: &str, what: &str) -> Result<Vec<Value>, ModuleError> {
        let ask = |words: &[&str]| -> Result<Output, ModuleError> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            programs::checked(host, &self.command(program, &words, false))
        };
        let format = "%{name}\t%{epoch}\t%{version}\t%{release}\t%{arch}\t%{repoid}\n";
        let query = |words: &[&str]| -> Result<Vec<Value>, ModuleError> {
            let said = ask(&[&["--quiet", "repoquery", "--qf", format], words].concat())?;
            Ok(transaction::packages(&said.stdout))
        };
        match what {
            "installed" => query(&["--installed"]),
            "available" => query(&["--available"]),
            "updates" | "upgrades" => query(&["--upgrades"]),
            "repos" | "repositories" => {
                let said = ask(&["--quiet", "repolist", "--enabled"])?;
                let lines = said.stdout.lines().skip(1);
                let names = lines.filter_map(|line| line.split_whitespace().next());
                Ok(names
                    .map(|name| json!({"repoid": name, "state": "enabled"}))
                    .collect())
            }
            name => Ok([
                query(&["--installed", name])?,
                query(&["--available", name])?,
            ]
            .concat()),
        }
    }
}

/// Whether a name is a package file here or at an address.
fn is_file(name: &str) -> bool {
    name.contains("://") || name.ends_with(".rpm")
}

fn options(arguments: &Arguments) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for (name, flag) in [
        // In this order: each takes effect after the one before.
        ("disablerepo", "--disablerepo"),
        ("enablerepo", "--enablerepo"),
        ("exclude", "--exclude"),
        ("enable_plugin", "--enableplugin"),
        ("disable_plugin", "--disableplugin"),
    ] {
        let items = arguments.list(name).unwrap_or_default();
        options.extend(items.iter().map(|item| format!("{flag}={item}")));
    }
    for (name, flag) in [
        ("conf_file", "--config"),
        ("disable_excludes", "--disableexcludes"),
        ("releasever", "--releasever"),
        ("download_dir", "--downloaddir"),
    ] {
        let value = arguments.string(name);
        options.extend(value.map(|value| format!("{flag}={value}")));
    }
    let root = arguments.text("installroot");
    if root != "/" {
        options.push(format!("--installroot={root}"));
    }
    let no_best = arguments.maybe("nobest") == Some(true) || arguments.maybe("best") == Some(false);
    for (is_set, flag) in [
        (arguments.bool("download_only"), "--downloadonly"),
        (arguments.bool("bugfix"), "--bugfix"),
        (arguments.bool("security"), "--security"),
        (arguments.bool("cacheonly"), "--cacheonly"),
        (arguments.bool("disable_gpg_check"), "--nogpgcheck"),
        (arguments.bool("skip_broken"), "--skip-broken"),
        (arguments.bool("allowerasing"), "--allowerasing"),
        (no_best, "--nobest"),
        (
            !arguments.bool("install_weak_deps"),
            "--setopt=install_weak_deps=False",
        ),
        (!arguments.bool("sslverify"), "--setopt=sslverify=0"),
    ] {
        options.extend(is_set.then(|| flag.to_owned()));
    }
    options
}

/// Whether a rehearsal ends with nothing to do.
fn is_idle(said: &Output) -> bool {
    let lines = said.stderr.lines().chain(said.stdout.lines());
    let none = "Error: No packages marked for upgrade.";
    let mut ends = lines.filter(|line| line.starts_with("Nothing to do") || *line == none);
    ends.next().is_some()
}

/// Fails where there is no such package; that the rehearsal was refused is no mistake.
fn complain(said: &Output) -> Result<(), ModuleError> {
    let lines = || said.stderr.lines().chain(said.stdout.lines());
    let after = |words: &str| {
        lines()
            .filter_map(|line| line.split_once(words))
            .filter_map(|(_, name)| name.split_whitespace().next())
            .collect::<Vec<&str>>()
    };
    let group = lines().find_map(|line| {
        let (_, rest) = line.split_once("Module or Group '")?;
        rest.split_once("' is not available").map(|(name, _)| name)
    });
    if let (Some(name), true) = (group, said.status != 0) {
        let failure = ModuleError::new(format!("No group {name} available."));
        return Err(failure.with(json!({"results": []})));
    }
    let mut unknown = after("No match for argument: ");
    unknown.extend(after("filtering for argument: "));
    let hopeless = lines().any(|line| line.starts_with("Error: Unable to find a match"));
    if !unknown.is_empty() && (hopeless || said.status > 1) {
        let failures: Vec<String> = unknown
            .iter()
            .map(|name| format!("No package {name} available."))
            .collect();
        return Err(
            ModuleError::new("Failed to install some of the specified packages")
                .with(json!({"failures": failures, "rc": 1, "results": []})),
        );
    }
    let refused = lines().any(|line| line.contains("Operation aborted"));
    if said.status != 0 && !refused {
        return Err(programs::failed(said));
    }
    Ok(())
}
