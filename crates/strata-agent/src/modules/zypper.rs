//! `zypper`: packages of SUSE.

use serde_json::json;

use super::programs::{self, plain, words};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Zypper {
    names: Vec<String>,
    state: String,
    kind: String,
    /// Before the verb, and behind it.
    global: Vec<String>,
    local: Vec<String>,
    update_cache: bool,
}

/// The words behind `zypper` that would do something.
pub(super) struct Found(Option<Vec<String>>);

impl Module for Zypper {
    const SPEC: Spec = Spec::new(
        "community.general.zypper",
        &[
            Field::list("name").alias(&["pkg"]).required(),
            Field::str("state")
                .choices(&[
                    "present",
                    "latest",
                    "absent",
                    "dist-upgrade",
                    "installed",
                    "removed",
                ])
                .default("present"),
            Field::str("type")
                .choices(&[
                    "package",
                    "patch",
                    "pattern",
                    "product",
                    "srcpackage",
                    "application",
                ])
                .default("package"),
            Field::str("extra_args_precommand"),
            Field::str("extra_args"),
            Field::bool("disable_gpg_check", false),
            Field::bool("disable_recommends", true),
            Field::bool("force", false),
            Field::bool("force_resolution", false),
            Field::bool("update_cache", false).alias(&["refresh"]),
            Field::bool("oldpackage", false),
            Field::bool("allow_vendor_change", false),
            Field::bool("replacefiles", false),
            Field::bool("clean_deps", false),
            Field::bool("auto_import_keys", false),
            Field::bool("quiet", true),
            Field::bool("simple_errors", false),
            Field::bool("skip_post_errors", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Zypper, ModuleError> {
        let state = match arguments.text("state").as_str() {
            "installed" => "present".to_owned(),
            "removed" => "absent".to_owned(),
            state => state.to_owned(),
        };
        let adds = state != "absent";
        let is = |name: &str| arguments.bool(name);
        let mut global = words(&arguments.text("extra_args_precommand"))?;
        let mut local = Vec::new();
        global.extend(is("disable_gpg_check").then(|| "--no-gpg-checks".to_owned()));
        global.extend(is("auto_import_keys").then(|| "--gpg-auto-import-keys".to_owned()));
        for (is_set, flag) in [
            (adds && is("disable_recommends"), "--no-recommends"),
            (adds && is("force"), "--force"),
            (is("force_resolution"), "--force-resolution"),
            (adds && is("oldpackage"), "--oldpackage"),
            (adds && is("allow_vendor_change"), "--allow-vendor-change"),
            (adds && is("replacefiles"), "--replacefiles"),
            (!adds && is("clean_deps"), "--clean-deps"),
        ] {
            local.extend(is_set.then(|| flag.to_owned()));
        }
        local.extend(words(&arguments.text("extra_args"))?);
        let names = arguments.list("name").unwrap_or_default();
        Ok(Zypper {
            names: names.into_iter().filter(|name| !name.is_empty()).collect(),
            state,
            kind: arguments.text("type"),
            global,
            local,
            update_cache: is("update_cache"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "zypper")?;
        let Some(verb) = self.verb(host)? else {
            return Ok(Found(None));
        };
        let mut rehearsal = verb.clone();
        rehearsal.insert(1, "--dry-run".to_owned());
        let said = host.run(&self.command(&rehearsal))?;
        judge(&said)?;
        let idle = said.stdout.contains("Nothing to do");
        Ok(Found((!idle).then_some(verb)))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            let refresh = self.command(&["refresh".to_owned()]);
            changes.push(programs::change(refresh));
        }
        if let Some(verb) = &found.0 {
            changes.push(Change::Run {
                command: self.command(verb),
                may_fail: true,
            });
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "name": self.names, "state": self.state, "rc": 0, "stdout": "", "stderr": "",
        }));
        if let Some(output) = outcome.outputs.last() {
            judge(output)?;
            report.extend(values(programs::results(output)));
        }
        Ok(Report {
            values: report,
            changed: Some(found.0.is_some()),
            ..Report::default()
        })
    }
}

impl Zypper {
    fn command(&self, verb: &[String]) -> Command {
        let head = ["zypper", "--quiet", "--non-interactive"].map(str::to_owned);
        let argv = head.into_iter().chain(self.global.iter().cloned());
        plain(argv.chain(verb.iter().cloned()))
    }

    /// What is to be asked of zypper; plain packages that `rpm` knows are left out.
    fn verb(&self, host: &dyn Host) -> Result<Option<Vec<String>>, ModuleError> {
        let all = self.names == ["*"];
        let (verb, names) = match self.state.as_str() {
            "dist-upgrade" => ("dist-upgrade", Vec::new()),
            "latest" if all && self.kind == "patch" => ("patch", Vec::new()),
            "latest" if all => ("update", Vec::new()),
            "latest" => ("install", self.names.clone()),
            "absent" => ("remove", self.of_rpm(host, true)?),
            _ => ("install", self.of_rpm(host, false)?),
        };
        let needs_names = matches!(verb, "install" | "remove");
        if needs_names && names.is_empty() {
            return Ok(None);
        }
        let mut words = vec![verb.to_owned()];
        if needs_names || verb == "update" {
            words.extend(["--type".to_owned(), self.kind.clone()]);
        }
        if verb != "remove" && verb != "dist-upgrade" {
            words.push("--auto-agree-with-licenses".to_owned());
        }
        words.extend(self.local.iter().cloned());
        words.push("--".to_owned());
        words.extend(names);
        Ok(Some(words))
    }

    /// The names that rpm has, or has not; what only zypper understands is always among them.
    fn of_rpm(&self, host: &dyn Host, installed: bool) -> Result<Vec<String>, ModuleError> {
        let mut chosen = Vec::new();
        for name in &self.names {
            let special = self.kind != "package"
                || name.contains(['/', '*', '=', '<', '>', '~'])
                || name.starts_with(['+', '-', '!']);
            let is_there = || -> Result<bool, ModuleError> {
                let argv = ["rpm", "-q", "--quiet", "--whatprovides", name];
                Ok(host.run(&plain(argv))?.status == 0)
            };
            if special || is_there()? == installed {
                chosen.push(name.clone());
            }
        }
        Ok(chosen)
    }
}

/// Fails but for zypper's statuses that say what is to be done next (102, 103, 106, 107).
fn judge(said: &Output) -> Result<(), ModuleError> {
    match said.status {
        0 | 100..=103 | 106 => Ok(()),
        _ => Err(programs::failed(said)),
    }
}
