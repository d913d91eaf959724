//! `ssh_config`: what ssh is told about a host in one of its files.
//!
//! As `community.general.ssh_config` 11, but for what stands around the host: comments, `Match` and the spelling of other lines
//! stay as they are, and an option that the task does not name is left alone. The original writes the whole file anew.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::file::missing_folders;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, FileWrite, Heading, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct SshConfig {
    host: String,
    present: bool,
    user: Option<String>,
    group: Option<String>,
    file: Option<PathBuf>,
    identity_file: Option<String>,
    /// What shall be told, in order.
    options: Vec<(String, String)>,
}

/// The file, and what becomes of it.
pub(super) struct Current {
    path: PathBuf,
    before: String,
    after: String,
    missing: Vec<PathBuf>,
    permissions: Permissions,
    changed: Vec<Value>,
    removed: usize,
    is_added: bool,
}

const SYSTEM: &str = "/etc/ssh/ssh_config";

/// Arguments, and what ssh calls them.
const OPTIONS: &[(&str, &str)] = &[
    ("hostname", "hostname"),
    ("port", "port"),
    ("identity_file", "identityfile"),
    ("identities_only", "identitiesonly"),
    ("remote_user", "user"),
    ("strict_host_key_checking", "stricthostkeychecking"),
    ("user_known_hosts_file", "userknownhostsfile"),
    ("proxycommand", "proxycommand"),
    ("proxyjump", "proxyjump"),
    ("host_key_algorithms", "hostkeyalgorithms"),
    ("forward_agent", "forwardagent"),
    ("add_keys_to_agent", "addkeystoagent"),
    ("controlmaster", "controlmaster"),
    ("controlpath", "controlpath"),
    ("controlpersist", "controlpersist"),
    ("dynamicforward", "dynamicforward"),
];

impl Module for SshConfig {
    const SPEC: Spec = Spec::new(
        "community.general.ssh_config",
        &[
            Field::str("group"),
            Field::str("host").required(),
            Field::str("hostname"),
            Field::str("host_key_algorithms"),
            Field::path("identity_file"),
            Field::maybe("identities_only"),
            Field::new("other_options", FieldKind::Dict),
            Field::str("port"),
            Field::str("proxycommand"),
            Field::str("proxyjump"),
            Field::maybe("forward_agent"),
            Field::maybe("add_keys_to_agent"),
            Field::str("remote_user"),
            Field::path("ssh_config_file"),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::str("strict_host_key_checking").choices(&["yes", "no", "ask", "accept-new"]),
            Field::str("controlmaster").choices(&["yes", "no", "ask", "auto", "autoask"]),
            Field::str("controlpath"),
            Field::str("controlpersist"),
            Field::str("dynamicforward"),
            Field::str("user"),
            Field::str("user_known_hosts_file"),
        ],
    )
    .exclusive(&[&["user", "ssh_config_file"], &["proxycommand", "proxyjump"]]);
    type Current = Current;

    fn new(arguments: &Arguments, _task: &Task) -> Result<SshConfig, ModuleError> {
        let mut options = Vec::new();
        for (argument, option) in OPTIONS {
            if let Some(value) = given(arguments, argument) {
                options.push(((*option).to_owned(), value));
            }
        }
        let others = arguments.raw("other_options").and_then(Value::as_object);
        for (key, value) in others.into_iter().flatten() {
            let (key, value) = other(key, value)?;
            options.extend((!value.is_empty()).then_some((key, value)));
        }
        let host = arguments.text("host");
        let breaks = |text: &str| text.contains('\n');
        let has_lines = breaks(&host) || options.iter().any(|(_, value)| breaks(value));
        if has_lines || host.trim().is_empty() {
            return Err(ModuleError::new(
                "what ssh is told of a host stands in one line each, and the host has a name",
            ));
        }
        let user = arguments.filled("user");
        Ok(SshConfig {
            host: host.split_whitespace().collect::<Vec<_>>().join(" "),
            present: arguments.text("state") == "present",
            group: arguments.filled("group").or_else(|| user.clone()),
            user,
            file: arguments.filled_path("ssh_config_file"),
            identity_file: arguments.filled("identity_file"),
            options,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        let path = self.path(host)?;
        let is_there = host.metadata_followed(&path)?.is_some();
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        if let (true, Some(identity)) = (is_there, &self.identity_file)
            && host.metadata_followed(&folder.join(identity))?.is_none()
        {
            return Err(ModuleError::new(format!(
                "IdentityFile {identity} does not exist"
            )));
        }
        let bytes = match is_there {
            true => host.read(&path)?,
            false => Vec::new(),
        };
        let before = String::from_utf8(bytes)
            .map_err(|_| ModuleError::new(format!("{} is no text", path.display())))?;
        let mut current = Current {
            permissions: self.permissions(host, &path)?,
            missing: missing_folders(host, &folder)?,
            after: before.clone(),
            before,
            path,
            changed: Vec::new(),
            removed: 0,
            is_added: false,
        };
        self.edit(&mut current);
        Ok(current)
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        if current.before == current.after {
            return Vec::new();
        }
        // The folder of a user belongs to the user.
        let is_own = self.user.is_some();
        let mode = if is_own { 0o700 } else { 0o755 };
        let folders = current.missing.iter().flat_map(|path| {
            let made = Change::CreateDirectory {
                path: path.clone(),
                mode,
            };
            let owned = is_own.then(|| Change::Permissions {
                path: path.clone(),
                permissions: Permissions {
                    mode: None,
                    ..current.permissions
                },
                follow: false,
                heading: Heading::File,
            });
            [Some(made), owned].into_iter().flatten()
        });
        let write = Change::Write(FileWrite {
            permissions: current.permissions,
            ..FileWrite::new(current.path.clone(), current.after.as_bytes())
        });
        folders.chain([write]).collect()
    }

    fn report(&self, _: &dyn Host, current: &Current, _: &Outcome) -> Result<Report, ModuleError> {
        let times = |number: usize| vec![self.host.clone(); number];
        Ok(Report::of(values(json!({
            "hosts_added": times(usize::from(current.is_added)),
            "hosts_changed": times(current.changed.len()),
            "hosts_removed": times(current.removed),
            "hosts_change_diff": current.changed,
        }))))
    }
}

/// The value of an argument as ssh has it; an empty one is none.
fn given(arguments: &Arguments, name: &str) -> Option<String> {
    match name {
        "identities_only" | "forward_agent" | "add_keys_to_agent" => {
            let value = arguments.maybe(name)?;
            Some(if value { "yes" } else { "no" }.to_owned())
        }
        "controlpersist" => arguments.filled(name).map(|value| match value.as_str() {
            "True" => "yes".to_owned(),
            "False" => "no".to_owned(),
            _ => value,
        }),
        _ => arguments.filled(name),
    }
}

/// One of `other_options`, under the name that ssh has for it.
fn other(key: &str, value: &Value) -> Result<(String, String), ModuleError> {
    if key.to_lowercase() != *key {
        return Err(ModuleError::new(format!(
            "The other_options key '{key}' must be lower case"
        )));
    }
    let is_argument = |(argument, _): &(&str, &str)| match *argument {
        "remote_user" => key == "user",
        argument => argument == key,
    };
    if OPTIONS.iter().any(is_argument) {
        return Err(ModuleError::new(format!(
            "Multiple values provided for key '{key}'"
        )));
    }
    match value {
        Value::String(value) => Ok((key.replace('_', ""), value.clone())),
        _ => Err(ModuleError::new(format!(
            "The other_options value provided for key '{key}' must be a string"
        ))),
    }
}

impl SshConfig {
    fn path(&self, host: &dyn Host) -> Result<PathBuf, ModuleError> {
        let Some(name) = &self.user else {
            return Ok(self.file.clone().unwrap_or_else(|| SYSTEM.into()));
        };
        let user = host.users()?.into_iter().find(|user| user.name == *name);
        let user = match user {
            Some(user) => Some(user),
            None => host.find_user(name)?,
        };
        match user {
            Some(user) => Ok(Path::new(&user.home).join(".ssh/config")),
            None => Err(ModuleError::new(format!("there is no user {name}"))),
        }
    }

    /// The file belongs to its user, who alone reads it; that of the whole machine is for everybody.
    fn permissions(&self, host: &dyn Host, path: &Path) -> Result<Permissions, ModuleError> {
        let users = host.users()?;
        let uid = self.user.as_ref().and_then(|name| {
            let user = users.iter().find(|user| user.name == *name)?;
            Some(user.uid)
        });
        let groups = host.groups()?;
        let gid = match &self.group {
            None => None,
            Some(name) => match groups.iter().find(|group| group.name == *name) {
                Some(group) => Some(group.gid),
                None => return Err(ModuleError::new(format!("there is no group {name}"))),
            },
        };
        Ok(Permissions {
            mode: Some(if path == Path::new(SYSTEM) {
                0o644
            } else {
                0o600
            }),
            uid,
            gid,
        })
    }

    fn edit(&self, current: &mut Current) {
        let mut lines: Vec<String> = current.before.lines().map(str::to_owned).collect();
        let blocks: Vec<Block> = blocks(&lines);
        let ours = blocks.iter().filter(|block| block.host == self.host);
        // From the last one on, so that the places of those before stay true.
        for block in ours.clone().rev() {
            match self.present {
                false => {
                    lines.drain(block.start..block.end);
                    current.removed += 1;
                }
                true => current.changed.extend(self.change(block, &mut lines)),
            }
        }
        if self.present && ours.count() == 0 && !self.options.is_empty() {
            lines.push(format!("Host {}", self.host));
            lines.extend(
                self.options
                    .iter()
                    .map(|(key, value)| format!("    {key} {value}")),
            );
            current.is_added = true;
        }
        current.after = lines.iter().map(|line| format!("{line}\n")).collect();
        let is_same = current.removed == 0 && current.changed.is_empty() && !current.is_added;
        if is_same {
            current.after.clone_from(&current.before);
        }
    }

    /// Changes the lines of a block; tells the options before and after, where they differ.
    fn change(&self, block: &Block, lines: &mut Vec<String>) -> Option<Value> {
        let old = options(&lines[block.start + 1..block.end]);
        let mut new = old.clone();
        let mut missing = Vec::new();
        let mut gone = Vec::new();
        for (key, value) in &self.options {
            let values = old.get(key);
            let has = match values {
                Some(Value::Array(values)) => values.contains(&json!(value)),
                Some(now) => now == value,
                None => false,
            };
            if has {
                continue;
            }
            new.insert(key.clone(), json!(value));
            let mut places = (block.start + 1..block.end).filter(|at| {
                split(&lines[*at]).is_some_and(|(name, _)| name.eq_ignore_ascii_case(key))
            });
            match places.next() {
                None => missing.push(format!("    {key} {value}")),
                Some(first) => {
                    gone.extend(places);
                    lines[first] = replaced(&lines[first], value);
                }
            }
        }
        if new == old {
            return None;
        }
        lines.splice(block.end..block.end, missing);
        gone.sort_unstable();
        for at in gone.into_iter().rev() {
            lines.remove(at);
        }
        Some(json!({&self.host: {"old": old, "new": new}}))
    }
}

/// The lines of a host, from the one that names it to its last option.
#[derive(Debug, Clone)]
struct Block {
    host: String,
    start: usize,
    end: usize,
}

fn blocks(lines: &[String]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (at, line) in lines.iter().enumerate() {
        match split(line) {
            None => {}
            Some((key, value)) if key.eq_ignore_ascii_case("host") => {
                blocks.push(Block {
                    host: value.split_whitespace().collect::<Vec<_>>().join(" "),
                    start: at,
                    end: at + 1,
                });
                is_open = true;
            }
            Some((key, _)) if key.eq_ignore_ascii_case("match") => is_open = false,
            Some(_) => {
                if let (true, Some(block)) = (is_open, blocks.last_mut()) {
                    block.end = at + 1;
                }
            }
        }
    }
    blocks
}

/// Options that may be said more than once.
const MANY: &[&str] = &["identityfile", "localforward", "remoteforward"];

fn options(lines: &[String]) -> Map<String, Value> {
    let mut options = Map::new();
    for (key, value) in lines.iter().filter_map(|line| split(line)) {
        let key = key.to_lowercase();
        match options.get_mut(&key) {
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(_) => {}
            None if MANY.contains(&key.as_str()) => {
                options.insert(key, json!([value]));
            }
            None => {
                options.insert(key, json!(value));
            }
        }
    }
    options
}

/// The name and the value of a line: `Port 22`, or `Port=22`.
fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '=');
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start();
    Some((key, rest.strip_prefix('=').unwrap_or(rest).trim_start()))
}

/// A line with another value.
fn replaced(line: &str, value: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let key = split(line).map_or("", |(key, _)| key);
    format!("{indent}{key} {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_host_stays() {
        let text = "# mine\nHost a\n  Port=22\n  IdentityFile ~/.ssh/one\n  IdentityFile two\n\n# of b\nHost b c\n\tUser x\nMatch all\n  Port 1\n";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let found: Vec<_> = blocks(&lines)
            .into_iter()
            .map(|block| (block.host, block.start, block.end))
            .collect();
        assert_eq!(found, [("a".to_owned(), 1, 5), ("b c".to_owned(), 7, 9)]);
        let module = SshConfig {
            host: "a".to_owned(),
            present: true,
            user: None,
            group: None,
            file: None,
            identity_file: None,
            options: vec![
                ("port".to_owned(), "23".to_owned()),
                ("identityfile".to_owned(), "three".to_owned()),
                ("user".to_owned(), "me".to_owned()),
            ],
        };
        let mut current = Current {
            path: PathBuf::new(),
            before: text.to_owned(),
            after: String::new(),
            missing: Vec::new(),
            permissions: Permissions::default(),
            changed: Vec::new(),
            removed: 0,
            is_added: false,
        };
        module.edit(&mut current);
        assert_eq!(
            current.after,
            "# mine\nHost a\n  Port 23\n  IdentityFile three\n    user me\n\n# of b\nHost b c\n\tUser x\nMatch all\n  Port 1\n"
        );
    }
}
