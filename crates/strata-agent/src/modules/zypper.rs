//! `zypper`: packages of SUSE.
//!
//! Zypper's own summary says what comes and goes: with `--dry-run` in check mode, otherwise behind what was done.

use serde_json::json;

use super::programs::{attempt, plain, required, results, words};
use super::zypper_xml::elements;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Zypper {
    names: Vec<String>,
    /// The state as it was asked for.
    asked: String,
    state: String,
    kind: String,
    /// Before the verb, and behind it.
    global: Vec<String>,
    local: Vec<String>,
    update_cache: bool,
    simple_errors: bool,
    again: bool,
    check: bool,
}

/// The words behind `zypper`, and in check mode what it says to them.
pub(super) struct Found {
    verb: Option<Vec<String>>,
    tried: Option<Output>,
}

/// A name as zypper takes it: `-` or `+` before it, and a version behind it.
struct Wanted {
    goes: bool,
    name: String,
    version: String,
}

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

    fn new(arguments: &Arguments, task: &Task) -> Result<Zypper, ModuleError> {
        let asked = arguments.text("state");
        let state = match asked.as_str() {
            "installed" => "present".to_owned(),
            "removed" => "absent".to_owned(),
            state => state.to_owned(),
        };
        let names = arguments.list("name").unwrap_or_default();
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        if state == "dist-upgrade" && names != ["*"] {
            return Err(ModuleError::new("Can not dist-upgrade specific packages."));
        }
        let is = |name: &str| arguments.bool(name);
        let adds = state != "absent";
        let mut global = vec!["--non-interactive".to_owned(), "--xmlout".to_owned()];
        global.extend(is("quiet").then(|| "--quiet".to_owned()));
        global.extend(words(&arguments.text("extra_args_precommand"))?);
        for (is_set, flag) in [
            (adds && is("disable_gpg_check"), "--no-gpg-checks"),
            (adds && is("auto_import_keys"), "--gpg-auto-import-keys"),
        ] {
            global.extend(is_set.then(|| flag.to_owned()));
        }
        let mut local = Vec::new();
        let has_version =
            |name: &String| !is_file(name) && !Wanted::read(name, false).version.is_empty();
        let old = is("oldpackage") || state != "absent" && names.iter().any(has_version);
        for (is_set, flag) in [
            (adds, "--auto-agree-with-licenses"),
            (adds && is("disable_recommends"), "--no-recommends"),
            (adds && is("force"), "--force"),
            (adds && is("force_resolution"), "--force-resolution"),
            (adds && old, "--oldpackage"),
            (adds && is("replacefiles"), "--replacefiles"),
            (!adds && is("clean_deps"), "--clean-deps"),
            (
                state == "dist-upgrade" && is("allow_vendor_change"),
                "--allow-vendor-change",
            ),
        ] {
            local.extend(is_set.then(|| flag.to_owned()));
        }
        local.extend(words(&arguments.text("extra_args"))?);
        Ok(Zypper {
            names,
            asked,
            state,
            kind: arguments.text("type"),
            global,
            local,
            update_cache: is("update_cache"),
            simple_errors: is("simple_errors"),
            again: is("skip_post_errors"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        required(host, "zypper")?;
        let mut found = Found {
            verb: self.verb(host)?,
            tried: None,
        };
        if let (Some(verb), true) = (&found.verb, self.check) {
            let mut verb = verb.clone();
            verb.insert(1, "--dry-run".to_owned());
            found.tried = Some(host.run(&self.command(&verb))?);
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            let refresh = self.command(&["refresh".to_owned()]);
            changes.push(attempt(refresh, "Zypper refresh run failed."));
        }
        if let Some(verb) = &found.verb {
            changes.push(Change::Run {
                command: self.command(verb),
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
        let mut report = values(json!({
            "name": self.names, "state": self.asked, "update_cache": self.update_cache, "rc": 0,
        }));
        let said = match &found.verb {
            Some(_) => found.tried.as_ref().or(outcome.outputs.last()),
            None => None,
        };
        let mut changed = false;
        if let (Some(verb), Some(said)) = (&found.verb, said) {
            let mut solved = elements(&said.stdout, "solvable").next().is_some();
            let said = self.repeated(host, verb, said)?;
            self.judge(&said)?;
            solved |= elements(&said.stdout, "solvable").next().is_some();
            changed = solved && matches!(said.status, 0 | 102);
            if changed {
                report.extend(values(results(&said)));
            }
        }
        Ok(Report {
            values: report,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

impl Zypper {
    fn command(&self, verb: &[String]) -> Command {
        let argv = std::iter::once("zypper".to_owned()).chain(self.global.iter().cloned());
        plain(argv.chain(verb.iter().cloned()))
    }

    /// Zypper that was upgraded itself, or a package's script that failed, is asked once more.
    fn repeated(
        &self,
        host: &dyn Host,
        verb: &[String],
        said: &Output,
    ) -> Result<Output, ModuleError> {
        let is_due = said.status == 103 || said.status == 107 && self.again;
        if is_due && !self.check {
            return Ok(host.run(&self.command(verb))?);
        }
        Ok(said.clone())
    }

    /// Fails but for zypper's statuses that say what is to be done next.
    fn judge(&self, said: &Output) -> Result<(), ModuleError> {
        let messages = elements(&said.stdout, "message").map(|one| one.text());
        let messages: Vec<String> = messages.collect();
        let failure = match said.status {
            0 | 102 => return Ok(()),
            103 | 106 | 107 => "Zypper run failed.".to_owned(),
            104 => messages.last().cloned().unwrap_or_default(),
            status => format!("Zypper run command failed with return code {status}."),
        };
        let mut said = said.clone();
        if self.simple_errors && !messages.is_empty() {
            said.stdout = messages.join(" \n");
        }
        Err(ModuleError {
            kept: true,
            ..ModuleError::new(failure).with(results(&said))
        })
    }

    /// What is to be asked of zypper; plain packages that are as they shall be are left out.
    fn verb(&self, host: &dyn Host) -> Result<Option<Vec<String>>, ModuleError> {
        let all = self.names == ["*"] && self.state != "absent" && self.state != "present";
        if all {
            let verb = match self.state.as_str() {
                _ if self.kind == "patch" => "patch",
                "dist-upgrade" => "dist-upgrade",
                _ => "update",
            };
            return Ok(Some(self.words(verb)));
        }
        let is_gone = self.state == "absent";
        let (files, names): (Vec<String>, Vec<String>) =
            self.names.iter().cloned().partition(|name| is_file(name));
        if is_gone && !files.is_empty() {
            return Err(ModuleError::new("Can not remove via URL."));
        }
        if is_gone && self.kind == "patch" {
            return Err(ModuleError::new("Can not remove patches."));
        }
        if is_gone && names.iter().any(|name| name.starts_with('+')) {
            return Err(ModuleError::new(
                "Can not combine '+' prefix with state=remove/absent.",
            ));
        }
        let mut wanted = Vec::new();
        for one in names.iter().map(|name| Wanted::read(name, is_gone)) {
            let stays = self.state == "latest" || !is_gone && !one.version.is_empty();
            if stays || self.is_installed(host, &one.name)? == one.goes {
                wanted.push(one);
            }
        }
        if wanted.is_empty() && files.is_empty() {
            return Ok(None);
        }
        let mut words = self.words(if is_gone { "remove" } else { "install" });
        words.extend((!is_gone).then(|| "--".to_owned()));
        words.extend(files);
        words.extend(wanted.iter().map(|one| match (is_gone, one.goes) {
            (true, _) => format!("{}{}", one.name, one.version),
            (false, true) => format!("-{}{}", one.name, one.version),
            (false, false) => format!("+{}{}", one.name, one.version),
        }));
        Ok(Some(words))
    }

    fn words(&self, verb: &str) -> Vec<String> {
        let mut words = vec![verb.to_owned()];
        if verb != "patch" && verb != "dist-upgrade" {
            words.extend(["--type".to_owned(), self.kind.clone()]);
        }
        words.extend(self.local.iter().cloned());
        words
    }

    fn is_installed(&self, host: &dyn Host, name: &str) -> Result<bool, ModuleError> {
        let words = ["--disable-repositories", "search", "--type", &self.kind];
        let more = ["--match-exact", "--details", "--installed-only", name];
        let words: Vec<String> = words
            .iter()
            .chain(&more)
            .map(|word| (*word).to_owned())
            .collect();
        let said = host.run(&self.command(&words))?;
        if !matches!(said.status, 0 | 104) {
            self.judge(&said)?;
        }
        Ok(said.status == 0 && elements(&said.stdout, "solvable").next().is_some())
    }
}

impl Wanted {
    /// Reads `alpha`, `-alpha`, `+alpha>=1.0`.
    fn read(text: &str, goes: bool) -> Wanted {
        let goes = match text.chars().next() {
            Some('-' | '~') => true,
            Some('+') => false,
            _ => goes,
        };
        let bare = text.strip_prefix(['-', '~', '+']).unwrap_or(text);
        let is_version = |text: &str| {
            let number = text.trim_start_matches(['<', '>', '=']);
            number
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
        };
        let at = bare.find(['<', '>', '=']).unwrap_or(bare.len());
        let at = if is_version(&bare[at..]) {
            at
        } else {
            bare.len()
        };
        Wanted {
            goes,
            name: bare[..at].to_owned(),
            version: bare[at..].to_owned(),
        }
    }
}

/// Whether a name is a package file here or at an address.
fn is_file(name: &str) -> bool {
    name.contains("://") || name.ends_with(".rpm")
}
