//! What the inventory is told by others: programs, plugins, and the states of infrastructures.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use regex::RegexSet;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::inventory::{Fetch, IGNORED_ENDINGS};

use super::{plugins::Plugins, state};
use crate::{
    playbook::{Project, settings::Settings},
    process::Process,
};

/// How long a program may take when nobody says otherwise.
const TIMEOUT: u64 = 60;

/// The most that a program may print, in bytes.
const MAX_SIZE: u64 = 256 << 20;

/// Runs inventory programs, and asks plugins.
pub(super) struct Programs {
    plugins: Plugins,
    timeout: Duration,
    environment: BTreeMap<String, String>,
    ignored: Option<RegexSet>,
}

impl Programs {
    pub(super) fn new(process: &Process, project: &Project, diags: &mut Diagnostics) -> Self {
        let settings = &project.settings;
        let seconds = settings.number("inventory_script_timeout", &mut Diagnostics::new());
        Self {
            plugins: Plugins::new(process, project),
            timeout: Duration::from_secs(seconds.unwrap_or(TIMEOUT)),
            environment: process.environment.clone(),
            ignored: ignored(settings, diags),
        }
    }

    /// What a program prints as JSON.
    fn ask(&self, path: &Path, arguments: &[&str]) -> Result<Json, Failure> {
        let program = if path.is_absolute() {
            path.to_owned()
        } else {
            Path::new(".").join(path)
        };
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.environment);
        printed(&mut command, self.timeout)
    }

    /// What an ansible of this machine says of a file whose plugin Strata does not have.
    fn elsewhere(&self, path: &Path) -> Option<Result<Json, String>> {
        let mut command = self.plugins.elsewhere()?;
        command.arg("-i").arg(path).args(["--list", "--export"]);
        let asked = printed(&mut command, self.timeout);
        Some(asked.map_err(|failure| match failure {
            Failure::NoProgram => "`ansible-inventory` cannot be started".to_owned(),
            Failure::Said(reason) => format!("`ansible-inventory`: {reason}"),
        }))
    }

    /// `--list`, and `--host` for each host where `_meta` is missing.
    fn listed(&self, path: &Path) -> Result<Json, Failure> {
        let mut listed = self.ask(path, &["--list"])?;
        let Json::Object(groups) = &mut listed else {
            return Ok(listed);
        };
        if groups.contains_key("_meta") {
            return Ok(listed);
        }
        let mut hostvars = Map::new();
        for host in hosts(groups) {
            let vars = self.ask(path, &["--host", &host])?;
            hostvars.insert(host, vars);
        }
        groups.insert("_meta".to_owned(), json!({ "hostvars": hostvars }));
        Ok(listed)
    }
}

/// What a program prints as JSON. It is the first of a group of its own, so that it ends with all that it started.
fn printed(command: &mut Command, timeout: Duration) -> Result<Json, Failure> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| match error.raw_os_error() {
            // `ENOEXEC`: a text that happens to be executable.
            Some(8) => Failure::NoProgram,
            _ => Failure::Said(format!("it cannot be started: {error}")),
        })?;
    let printed = finish(child, timeout).map_err(Failure::Said)?;
    serde_json::from_slice(&printed).map_err(|error| {
        let shown: String = String::from_utf8_lossy(&printed).chars().take(80).collect();
        Failure::Said(format!(
            "it does not print JSON: {error}; it prints `{}`",
            shown.trim()
        ))
    })
}

/// What the settings say is no inventory: endings, and patterns that may stand anywhere in a name.
fn ignored(settings: &Settings, diags: &mut Diagnostics) -> Option<RegexSet> {
    let endings = settings.list("inventory_ignore_extensions");
    let patterns = settings.list("inventory_ignore_patterns");
    if endings.is_empty() && patterns.is_empty() {
        return None;
    }
    let endings = match endings.is_empty() {
        true => IGNORED_ENDINGS.iter().map(ToString::to_string).collect(),
        false => endings,
    };
    let endings = endings
        .iter()
        .map(|ending| format!("{}$", regex::escape(ending)));
    let set = RegexSet::new(endings.chain(patterns));
    set.map_err(|error| {
        let summary = "`inventory_ignore_patterns` has a pattern that cannot be used";
        diags.push(Diagnostic::error("ansible-cfg", summary).detail(error.to_string()));
    })
    .ok()
}

enum Failure {
    NoProgram,
    Said(String),
}

/// All hosts that groups name.
fn hosts(groups: &Map<String, Json>) -> Vec<String> {
    let lists = groups.values().filter_map(|group| match group {
        Json::Array(hosts) => Some(hosts),
        other => other.get("hosts")?.as_array(),
    });
    let mut names: Vec<String> = lists
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What a program printed until its end; one that takes too long is killed.
fn finish(mut child: Child, timeout: Duration) -> Result<Vec<u8>, String> {
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What cannot be read was not printed.
            drop(pipe.map(|pipe| pipe.take(MAX_SIZE).read_to_end(&mut bytes)));
            bytes
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let errors = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let end = Instant::now() + timeout;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if Instant::now() > end => {
                kill(&mut child);
                return Err(format!("it did not end within {} s", timeout.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let errors = errors.join().unwrap_or_default();
    if !status.success() {
        let said = String::from_utf8_lossy(&errors).trim().to_owned();
        return Err(format!("it ended with {status}: {said}"));
    }
    Ok(out.join().unwrap_or_default())
}

/// Ends a program with all that it started.
fn kill(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    match group.map(|group| kill_process_group(group, Signal::KILL)) {
        Some(Ok(())) => {}
        _ => drop(child.kill()),
    }
    drop(child.wait());
}

impl Fetch for Programs {
    fn program(&self, path: &Path) -> Option<Result<Json, String>> {
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return None;
        }
        match self.listed(path) {
            Ok(listed) => Some(Ok(listed)),
            Err(Failure::NoProgram) => None,
            Err(Failure::Said(reason)) => Some(Err(reason)),
        }
    }

    fn ignores(&self, name: &str) -> Option<bool> {
        self.ignored.as_ref().map(|set| set.is_match(name))
    }

    fn plugin(&self, name: &str, settings: &Json, path: &Path) -> Option<Result<Json, String>> {
        if !matches!(name, "cloud.terraform.terraform_provider" | "strata") {
            let own = self.plugins.ask(name, settings, path);
            return own.or_else(|| self.elsewhere(path));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let projects = match settings.get("project_path") {
            Some(Json::Array(paths)) => paths.iter().filter_map(Json::as_str).collect(),
            Some(Json::String(path)) => vec![path.as_str()],
            _ => vec!["."],
        };
        let mut all = Map::new();
        for project in projects {
            // Relative paths are the working directory's, as in the plugin; then the file's own folder.
            let places = [Path::new(project).to_owned(), folder.join(project)];
            let state = places
                .iter()
                .map(|place| place.join("terraform.tfstate"))
                .find(|file| file.is_file());
            let Some(state) = state else {
                return Some(Err(format!("there is no state in `{project}`")));
            };
            let text = match fs::read_to_string(&state) {
                Ok(text) => text,
                Err(error) => return Some(Err(format!("`{}`: {error}", state.display()))),
            };
            match state::hosts_of(&text) {
                Some(Json::Object(groups)) => merge(&mut all, groups),
                _ => return Some(Err(format!("`{}` is no state", state.display()))),
            }
        }
        Some(Ok(Json::Object(all)))
    }

    fn state(&self, text: &str, _path: &Path) -> Option<Result<Json, String>> {
        let looks = text.trim_start().starts_with('{') && text.contains("\"terraform_version\"");
        looks.then(|| state::hosts_of(text).ok_or_else(|| "it is no state of version 4".to_owned()))
    }
}

fn merge(all: &mut Map<String, Json>, more: Map<String, Json>) {
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Json::Object(old)), Json::Object(new)) => merge(old, new),
            (Some(Json::Array(old)), Json::Array(new)) => old.extend(new),
            (_, value) => drop(all.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(script: &str, timeout: u64) -> Result<Json, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inv");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let process = Process {
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            working_directory: folder.path().to_owned(),
            started_in: folder.path().to_owned(),
            host: String::new(),
        };
        let mut programs = Programs::new(&process, &Project::bare(), &mut Diagnostics::new());
        programs.timeout = Duration::from_millis(timeout);
        programs.program(&path).unwrap()
    }

    #[test]
    fn a_program_is_asked_for_each_host_unless_it_said_all_at_once() {
        let script = "#!/bin/sh\nif [ $1 = --host ]; then echo \"{\\\"v\\\": \\\"$2\\\"}\"; else echo '{\"web\": [\"a\", \"b\"]}'; fi\n";
        let said = ask(script, 10_000).unwrap();
        assert_eq!(
            said["_meta"]["hostvars"],
            json!({"a": {"v": "a"}, "b": {"v": "b"}})
        );
    }

    #[test]
    fn rubbish_failure_and_hanging_are_told() {
        assert!(
            ask("#!/bin/sh\necho rubbish\n", 10_000)
                .unwrap_err()
                .contains("it prints `rubbish`")
        );
        assert!(
            ask("#!/bin/sh\necho broken >&2; exit 3\n", 10_000)
                .unwrap_err()
                .contains("broken")
        );
        assert_eq!(
            ask("#!/bin/sh\nexec sleep 60\n", 50).unwrap_err(),
            "it did not end within 0 s"
        );
    }

    #[test]
    fn a_program_that_hangs_ends_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("pid");
        let script = format!(
            "#!/bin/sh\nsleep 60 &\necho $! > {}\nwait\n",
            told.display()
        );
        ask(&script, 2000).unwrap_err();
        let pid: i32 = fs::read_to_string(told).unwrap().trim().parse().unwrap();
        let state = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next())
        };
        // Gone, or dead and not yet buried by whoever took it over.
        let end = Instant::now() + Duration::from_secs(20);
        while !matches!(state(), None | Some('Z' | 'X')) {
            assert!(Instant::now() < end, "{:?}", state());
            std::thread::yield_now();
        }
    }
}
