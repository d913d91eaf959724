//! `dnf` and `yum`: packages of Fedora and its kin.
//!
//! `dnf` itself says in a rehearsal (`--assumeno`) whether it has something to do, so that check
//! mode tells the truth about groups, patterns and addresses, too. Plain names that `rpm` knows as
//! installed are not asked about.

use std::collections::BTreeSet;

use serde_json::json;

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
    autoremove: bool,
    list: Option<String>,
}

/// Which program it is, what is to be run, and what is installed.
pub(super) struct Found {
    program: &'static str,
    run: Option<Vec<String>>,
    before: BTreeSet<String>,
    listed: Option<Vec<serde_json::Value>>,
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
            Field::fixed("install_repoquery", "true"),
            // There is nothing to install on the host for this program.
            Field::fixed("auto_install_module_deps", "true"),
            Field::fixed("lock_timeout", "30"),
        ],
    )
    .exclusive(&[&["best", "nobest"], &["name", "list"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Dnf, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        let autoremove = arguments.bool("autoremove");
        let state = arguments
            .string("state")
            .unwrap_or_else(|| match autoremove {
                true => "absent".to_owned(),
                false => "present".to_owned(),
            });
        let state = match state.as_str() {
            "installed" => "present".to_owned(),
            "removed" => "absent".to_owned(),
            _ => state,
        };
        if autoremove && state != "absent" {
            return Err(ModuleError::new(
                "Autoremove should be used alone or with state=absent",
            ));
        }
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
            autoremove,
            list: arguments.string("list"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut known = ["dnf5", "dnf", "yum"].into_iter();
        let program = known.find(|name| host.find_program(name).is_some());
        let program = program.ok_or_else(|| programs::missing("dnf"))?;
        let mut found = Found {
            program,
            run: None,
            before: BTreeSet::new(),
            listed: None,
        };
        if let Some(what) = &self.list {
            found.listed = Some(self.list(host, program, what)?);
            return Ok(found);
        }
        let verb = self.verb(host)?;
        if let Some(verb) = verb {
            let said = host.run(&self.command(program, &verb, true))?;
            if !is_idle(&said) {
                complain(&said)?;
                found.before = installed(host)?;
                found.run = Some(verb);
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            let words = ["makecache", "--refresh"].map(str::to_owned).to_vec();
            changes.push(programs::change(self.command(found.program, &words, false)));
        }
        if let Some(verb) = &found.run {
            changes.push(Change::Run {
                command: self.command(found.program, verb, false),
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
        if let Some(listed) = &found.listed {
            return Ok(Report::of(values(json!({ "results": listed, "msg": "" }))));
        }
        let mut results: Vec<String> = Vec::new();
        let idle = found.run.is_none();
        if let (Some(output), false, false) = (outcome.outputs.last(), idle, outcome.check) {
            if output.status != 0 {
                complain(output)?;
                return Err(programs::failed(output));
            }
            let after = installed(host)?;
            let new = after.difference(&found.before);
            results.extend(new.map(|name| format!("Installed: {name}")));
            let gone = found.before.difference(&after);
            results.extend(gone.map(|name| format!("Removed: {name}")));
        }
        let mut msg = if idle { "Nothing to do" } else { "" };
        if idle && self.update_cache {
            msg = "Cache updated";
        }
        if outcome.check && !idle {
            msg = "Check mode: No changes made, but would have if not in check mode";
        }
        Ok(Report {
            msg: msg.to_owned(),
            values: values(json!({"results": results, "rc": 0})),
            changed: Some(!idle),
            ..Report::default()
        })
    }
}

impl Dnf {
    fn command(&self, program: &str, verb: &[String], rehearse: bool) -> Command {
        let mut argv = vec![program.to_owned()];
        argv.push(if rehearse { "--assumeno" } else { "-y" }.to_owned());
        argv.extend(self.options.iter().cloned());
        argv.extend(verb.iter().cloned());
        plain(argv)
    }

    /// What is to be asked of dnf; none where `rpm` already knows that all is well.
    fn verb(&self, host: &dyn Host) -> Result<Option<Vec<String>>, ModuleError> {
        let words = |verb: &str, names: &[String]| {
            let mut words = vec![verb.to_owned()];
            words.extend(names.iter().cloned());
            Some(words)
        };
        if self.names.is_empty() {
            return Ok(self.autoremove.then(|| vec!["autoremove".to_owned()]));
        }
        let all = self.names == ["*"];
        Ok(match self.state.as_str() {
            "latest" if all => words("upgrade", &[]),
            "latest" if self.update_only => words("upgrade", &self.names),
            "latest" => {
                // dnf's `install` also upgrades what is there.
                words("install", &self.names)
            }
            "absent" => {
                let there = self.missing(host, false)?;
                if there.is_empty() {
                    None
                } else {
                    words("remove", &there)
                }
            }
            _ => {
                let missing = self.missing(host, true)?;
                if missing.is_empty() {
                    None
                } else {
                    words("install", &missing)
                }
            }
        })
    }

    /// The names that `rpm` does not have (or has); what is no plain name is always left over.
    fn missing(&self, host: &dyn Host, missing: bool) -> Result<Vec<String>, ModuleError> {
        let mut left = Vec::new();
        for name in &self.names {
            let special =
                name.starts_with(['@', '/']) || name.contains(['*', '?', ':', '[', '<', '>', '=']);
            if special {
                left.push(name.clone());
                continue;
            }
            let by_name = host.run(&plain(["rpm", "-q", "--quiet", name]))?;
            let mut is_there = by_name.status == 0;
            if !is_there && missing {
                let provided =
                    host.run(&plain(["rpm", "-q", "--quiet", "--whatprovides", name]))?;
                is_there = provided.status == 0;
            }
            if is_there != missing {
                left.push(name.clone());
            }
        }
        Ok(left)
    }

    fn list(
        &self,
        host: &dyn Host,
        program: &str,
        what: &str,
    ) -> Result<Vec<serde_json::Value>, ModuleError> {
        let mut words = vec!["--quiet".to_owned(), "repoquery".to_owned()];
        let format = "%{name}\t%{epoch}\t%{version}\t%{release}\t%{arch}\t%{repoid}\n";
        words.extend(["--qf".to_owned(), format.to_owned()]);
        match what {
            "installed" => words.push("--installed".to_owned()),
            "available" => words.push("--available".to_owned()),
            "updates" | "upgrades" => words.push("--upgrades".to_owned()),
            name => words.push(name.to_owned()),
        }
        let said = programs::checked(host, &self.command(program, &words, false))?;
        let state = if what == "installed" {
            "installed"
        } else {
            "available"
        };
        let rows = said.stdout.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, epoch, version, release, arch, repo] = fields[..] else {
                return None;
            };
            Some(json!({
                "name": name, "epoch": epoch, "version": version, "release": release,
                "arch": arch, "repo": repo, "yumstate": state,
                "envra": format!("{epoch}:{name}-{version}-{release}.{arch}"),
                "nevra": format!("{name}-{epoch}:{version}-{release}.{arch}"),
            }))
        });
        Ok(rows.collect())
    }
}

fn options(arguments: &Arguments) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for (name, flag) in [
        ("enablerepo", "--enablerepo"),
        ("disablerepo", "--disablerepo"),
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
    said.status == 0
        && (said.stdout.contains("Nothing to do") || said.stderr.contains("Nothing to do"))
}

/// Fails where there is no such package; that the rehearsal was refused is no mistake.
fn complain(said: &Output) -> Result<(), ModuleError> {
    let lines = || said.stderr.lines().chain(said.stdout.lines());
    let unknown: Vec<&str> = lines()
        .filter_map(|line| {
            let (_, name) = line
                .split_once("No match for argument: ")
                .or_else(|| line.split_once("No package "))?;
            name.split_whitespace().next()
        })
        .collect();
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

/// Everything installed, by name, version and architecture.
fn installed(host: &dyn Host) -> Result<BTreeSet<String>, ModuleError> {
    let said = programs::checked(host, &plain(["rpm", "-qa"]))?;
    Ok(said.stdout.lines().map(str::to_owned).collect())
}
