//! `snap`: packages of Canonical's store are there, from a channel and with options, or are not.
//!
//! As `community.general.snap` 11.4; but what is newly installed gets its options in the same run, as the documentation
//! has it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::programs::{self, list_of, plain};
use crate::arguments::{Arguments, Field, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Output;

pub(super) struct Snap {
    names: Vec<String>,
    state: State,
    classic: bool,
    channel: Option<String>,
    options: Vec<Setting>,
    dangerous: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Enabled,
    Disabled,
}

/// `SNAP:KEY=VALUE`, or `KEY=VALUE` for all of the task.
struct Setting {
    given: String,
    snap: Option<String>,
    key: String,
    value: String,
}

/// What is there, and what has to be done.
pub(super) struct Found {
    version: Value,
    refresh: Vec<String>,
    act: Vec<String>,
    /// The options that differ, by the snap.
    set: Vec<(String, Vec<String>)>,
    /// The same as they are told.
    told: Vec<String>,
}

impl Module for Snap {
    const SPEC: Spec = Spec::new(
        "community.general.snap",
        &[
            Field::list("name").required(),
            Field::str("state")
                .choices(&["absent", "present", "enabled", "disabled"])
                .default("present"),
            Field::bool("classic", false),
            Field::str("channel"),
            Field::list("options"),
            Field::bool("dangerous", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Snap, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        let options = arguments.list("options").unwrap_or_default();
        let options: Result<Vec<Setting>, ModuleError> = options
            .iter()
            .map(|given| Setting::read(given, &names))
            .collect();
        Ok(Snap {
            state: match arguments.text("state").as_str() {
                "absent" => State::Absent,
                "enabled" => State::Enabled,
                "disabled" => State::Disabled,
                _ => State::Present,
            },
            names,
            classic: arguments.bool("classic"),
            channel: arguments.string("channel"),
            options: options?,
            dangerous: arguments.bool("dangerous"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "snap")?;
        let mut found = Found {
            version: version(&host.run(&plain(["snap", "version"]))?.stdout),
            refresh: Vec::new(),
            act: Vec::new(),
            set: Vec::new(),
            told: Vec::new(),
        };
        // A file is called otherwise than the snap that is in it.
        let known_as = match self.state {
            State::Present => self.names_in_store(host)?,
            _ => self.names.clone(),
        };
        let list = programs::checked(host, &plain(["snap", "list"]))?;
        let installed = installed(&list.stdout);
        for (name, known_as) in self.names.iter().zip(&known_as) {
            let there = installed.get(known_as.as_str());
            let due = match (self.state, there) {
                (State::Present, None) => &mut found.act,
                (State::Present, Some(there)) if self.comes_from_elsewhere(&there.channel) => {
                    &mut found.refresh
                }
                (State::Absent, Some(_)) => &mut found.act,
                (State::Enabled, there) if there.is_none_or(|there| !there.is_enabled) => {
                    &mut found.act
                }
                (State::Disabled, Some(there)) if there.is_enabled => &mut found.act,
                _ => continue,
            };
            due.push(name.clone());
        }
        if self.state == State::Present {
            self.compare_options(host, &mut found)?;
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut commands = self.commands("refresh", &found.refresh);
        let verb = match self.state {
            State::Present => "install",
            State::Absent => "remove",
            State::Enabled => "enable",
            State::Disabled => "disable",
        };
        commands.extend(self.commands(verb, &found.act));
        for (name, options) in &found.set {
            let mut argv = words(&["snap", "set", name]);
            argv.extend(options.iter().cloned());
            commands.push(argv);
        }
        let run = |argv: Vec<String>| Change::Run {
            command: plain(argv),
            may_fail: true,
        };
        commands.into_iter().map(run).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some(failed) = outcome.outputs.iter().find(|output| output.status != 0) {
            return Err(self.failure(failed));
        }
        let mut report = values(json!({"version": found.version}));
        let mut put = |name: &str, value: Value| report.insert(name.to_owned(), value);
        if self.state == State::Present {
            put("classic", self.classic.into());
            put(
                "channel",
                self.channel.clone().unwrap_or("stable".to_owned()).into(),
            );
        }
        let acted = match found.act.is_empty() {
            true => &found.refresh,
            false => &found.act,
        };
        if !acted.is_empty() {
            let name = match self.state {
                State::Present => "snaps_installed",
                State::Absent => "snaps_removed",
                State::Enabled => "snaps_enabled",
                State::Disabled => "snaps_disabled",
            };
            put(name, json!(acted));
        }
        if !found.told.is_empty() {
            put("options_changed", json!(found.told));
        }
        Ok(Report::of(report))
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Setting {
    fn read(given: &str, names: &[String]) -> Result<Setting, ModuleError> {
        let wrong = || ModuleError::new(format!("Cannot parse set option '{given}'"));
        let (key, value) = given.split_once('=').ok_or_else(wrong)?;
        let (snap, key) = match key.trim().rsplit_once(':') {
            Some((snap, key)) => (Some(snap.to_owned()), key),
            None => (None, key.trim()),
        };
        if key.is_empty() || value.trim().is_empty() {
            return Err(wrong());
        }
        if snap.as_ref().is_some_and(|snap| !names.contains(snap)) {
            return Err(ModuleError::new(format!(
                "Snap option '{given}' refers to snap which is not in the list of snap names"
            )));
        }
        Ok(Setting {
            given: given.to_owned(),
            snap,
            key: key.to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

impl Snap {
    /// What the store, or a file, calls each of the snaps.
    fn names_in_store(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let mut argv = words(&["snap", "info"]);
        argv.extend(self.names.iter().cloned());
        let said = host.run(&plain(argv))?;
        let lines = || said.stdout.lines().chain(said.stderr.lines());
        let unknown: Vec<String> = lines()
            .filter(|line| line.starts_with("warning: no snap found"))
            .filter_map(|line| line.split_whitespace().last().map(str::to_owned))
            .collect();
        if !unknown.is_empty() {
            let unknown: Vec<String> = unknown
                .iter()
                .map(|name| name.trim_matches('"').to_owned())
                .collect();
            return Err(ModuleError::new(format!(
                "Snaps not found: {}.",
                list_of(&unknown)
            )));
        }
        let named: Vec<String> = lines()
            .filter_map(|line| line.strip_prefix("name:"))
            .map(|name| name.trim().to_owned())
            .collect();
        match named.len() == self.names.len() {
            true => Ok(named),
            false => Err(programs::failed(&said)),
        }
    }

    fn comes_from_elsewhere(&self, channel: &str) -> bool {
        let wanted = self.channel.as_ref();
        wanted.is_some_and(|wanted| channel != wanted && channel != format!("latest/{wanted}"))
    }

    fn compare_options(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        if self.options.is_empty() {
            return Ok(());
        }
        for name in &self.names {
            let there = match found.act.contains(name) {
                true => BTreeMap::new(),
                false => options_of(&host.run(&plain(["snap", "get", "-d", name]))?),
            };
            let ours = |setting: &&Setting| setting.snap.as_ref().is_none_or(|snap| snap == name);
            let differs = |setting: &&Setting| there.get(&setting.key) != Some(&setting.value);
            let due: Vec<&Setting> = self.options.iter().filter(ours).filter(differs).collect();
            if due.is_empty() {
                continue;
            }
            let set = due
                .iter()
                .map(|setting| format!("{}={}", setting.key, setting.value));
            found.set.push((name.clone(), set.collect()));
            found
                .told
                .extend(due.iter().map(|setting| match &setting.snap {
                    Some(_) => setting.given.clone(),
                    None => format!("{name}:{}", setting.given),
                }));
        }
        Ok(())
    }

    /// One command for all snaps; one for each where options are about a single one.
    fn commands(&self, verb: &str, names: &[String]) -> Vec<Vec<String>> {
        let mut start = words(&["snap", verb]);
        if self.classic {
            start.push("--classic".to_owned());
        }
        let channel = self.channel.as_ref().filter(|channel| *channel != "stable");
        if let Some(channel) = channel {
            start.extend(words(&["--channel", channel]));
        }
        let is_new = matches!(verb, "install" | "refresh");
        if self.dangerous && is_new {
            start.push("--dangerous".to_owned());
        }
        let size = match is_new && (self.classic || channel.is_some()) {
            true => 1,
            false => names.len().max(1),
        };
        names
            .chunks(size)
            .map(|names| [start.as_slice(), names].concat())
            .collect()
    }

    fn failure(&self, output: &Output) -> ModuleError {
        let needs_classic = output
            .stderr
            .strip_prefix("error: This revision of snap \"")
            .and_then(|rest| rest.split_once('"'))
            .filter(|(_, rest)| rest.starts_with(" was published using classic confinement"));
        let msg = match (
            needs_classic,
            output.stderr.contains("has no \"configure\" hook"),
        ) {
            (Some((name, _)), _) => {
                format!("Couldn't install {name} because it requires classic confinement")
            }
            (None, true) => "The snap does not have any configurable options".to_owned(),
            (None, false) => format!("Ooops! Snap installation failed: {}", output.stderr.trim()),
        };
        ModuleError {
            kept: true,
            ..ModuleError::new(msg).with(programs::results(output))
        }
    }
}

/// A snap that is installed.
struct Installed {
    channel: String,
    is_enabled: bool,
}

/// Reads what `snap list` prints: name, version, revision, channel, publisher, notes.
fn installed(said: &str) -> BTreeMap<&str, Installed> {
    let mut installed = BTreeMap::new();
    for line in said.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(channel)) = (words.first(), words.get(3)) else {
            continue;
        };
        let notes = words.get(5).copied().unwrap_or_default();
        let there = Installed {
            channel: (*channel).to_owned(),
            is_enabled: !notes.split(',').any(|note| note == "disabled"),
        };
        installed.insert(*name, there);
    }
    installed
}

/// Reads what `snap version` prints: a word and its version a line.
fn version(said: &str) -> Value {
    let pairs = said.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let pair = (words.next()?.to_owned(), words.next()?.into());
        words.next().is_none().then_some(pair)
    });
    Value::Object(pairs.collect())
}

/// Reads what `snap get -d` prints, the names of what is nested with dots between.
fn options_of(said: &Output) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let read: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
    if let (0, Value::Object(map)) = (said.status, &read) {
        flatten(map, "", &mut options);
    }
    options
}

fn flatten(map: &Map<String, Value>, start: &str, options: &mut BTreeMap<String, String>) {
    for (key, value) in map {
        let key = format!("{start}{key}");
        match value {
            // No deeper than JSON is read.
            Value::Object(inner) => flatten(inner, &format!("{key}."), options),
            value => {
                options.insert(key, text(value).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_has_a_channel_and_may_be_disabled() {
        let said = "Name  Version  Rev  Tracking       Publisher  Notes\n\
                    core  16       1    latest/stable  canonical  core\n\
                    lxd   5        2    5.0/edge       canonical  disabled,classic\n";
        let all = installed(said);
        let shown: Vec<_> = all
            .iter()
            .map(|(name, it)| (*name, it.channel.as_str(), it.is_enabled))
            .collect();
        assert_eq!(
            shown,
            [("core", "latest/stable", true), ("lxd", "5.0/edge", false)]
        );
    }

    #[test]
    fn options_are_flat() {
        let said = Output::success("{\"a\": {\"b\": 1, \"c\": true}, \"d\": \"x\"}");
        let options = options_of(&said);
        let shown: Vec<String> = options
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(shown, ["a.b=1", "a.c=True", "d=x"]);
        assert!(options_of(&Output::failure(1, "none")).is_empty());
    }
}
