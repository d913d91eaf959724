//! `mount`: an entry of `/etc/fstab`, and whether it is mounted.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::edit::{Edited, Existing};
use super::file::missing_folders;
use super::programs::{attempt, change, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};
use fstab::Entry;

mod fstab;

pub(super) struct Mount {
    state: State,
    entry: Entry,
    fstab: PathBuf,
    boot: bool,
    backup: bool,
    options_hidden: bool,
    given_source: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Absent,
    AbsentFromFstab,
    Mounted,
    Present,
    Unmounted,
    Remounted,
    Ephemeral,
}

/// The table, what becomes of it, and what is mounted there.
pub(super) struct Found {
    file: Existing,
    text: Option<String>,
    /// The source of what is mounted at the path.
    mounted: Option<Source>,
    missing: Vec<PathBuf>,
    is_folder: bool,
}

/// Where a mount comes from: a device, and for a bind mount the folder in it.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    device: String,
    root: String,
}

impl Module for Mount {
    const SPEC: Spec = Spec::new(
        "ansible.posix.mount",
        &[
            Field::bool("boot", true),
            Field::str("dump").default("0"),
            Field::str("fstab").default("/etc/fstab"),
            Field::str("fstype"),
            Field::path("path").alias(&["name"]).required(),
            Field::str("opts"),
            Field::bool("opts_no_log", false),
            Field::str("passno").default("0"),
            Field::path("src"),
            Field::bool("backup", false),
            Field::str("state")
                .choices(&[
                    "absent",
                    "absent_from_fstab",
                    "mounted",
                    "present",
                    "unmounted",
                    "remounted",
                    "ephemeral",
                ])
                .required(),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Mount, ModuleError> {
        let name = arguments.text("state");
        let state = match name.as_str() {
            "absent" => State::Absent,
            "absent_from_fstab" => State::AbsentFromFstab,
            "mounted" => State::Mounted,
            "present" => State::Present,
            "unmounted" => State::Unmounted,
            "remounted" => State::Remounted,
            _ => State::Ephemeral,
        };
        if matches!(state, State::Mounted | State::Present | State::Ephemeral) {
            let missing: Vec<&str> = ["src", "fstype"]
                .into_iter()
                .filter(|name| arguments.string(name).is_none())
                .collect();
            if !missing.is_empty() {
                let missing = missing.join(", ");
                return Err(ModuleError::new(format!(
                    "state is {name} but all of the following are missing: {missing}"
                )));
            }
        }
        let boot = arguments.bool("boot");
        let mut options = arguments.string("opts").unwrap_or("defaults".to_owned());
        if !boot && !options.split(',').any(|option| option == "noauto") {
            options.push_str(",noauto");
        }
        Ok(Mount {
            state,
            entry: Entry {
                source: arguments.text("src"),
                path: arguments.text("path"),
                kind: arguments.text("fstype"),
                options,
                dump: arguments.text("dump"),
                pass: arguments.text("passno"),
            },
            fstab: arguments.path("fstab").unwrap_or_default(),
            boot,
            backup: arguments.bool("backup"),
            options_hidden: arguments.bool("opts_no_log"),
            given_source: arguments.string("src").is_some(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.fstab)?;
        let text = match self.state {
            State::Mounted | State::Present => fstab::with(&file.text, &self.entry),
            State::Absent | State::AbsentFromFstab => fstab::without(&file.text, &self.entry),
            _ => None,
        };
        let path = Path::new(&self.entry.path);
        let mounts = host.read_text(Path::new("/proc/self/mountinfo"));
        let mounted = mounts.and_then(|text| mounted_at(&text, &self.entry.path));
        let is_there = host.metadata_followed(path)?.is_some();
        let missing = match self.state {
            State::Mounted | State::Ephemeral if !is_there => missing_folders(host, path)?,
            _ => Vec::new(),
        };
        if let (State::Ephemeral, Some(source)) = (self.state, &mounted)
            && !self.is_same(source)
        {
            return Err(ModuleError::new(
                "Ephemeral mount point is already mounted with a different source than the \
                 specified one. Failing in order to prevent an unwanted unmount or override \
                 operation. Try replacing this command with a \"state: unmounted\" followed by a \
                 \"state: ephemeral\", or use a different destination path.",
            ));
        }
        Ok(Found {
            file,
            text,
            mounted,
            missing,
            is_folder: is_there,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let table = found.text.clone().map(|text| Edited {
            heading: Heading::File,
            text,
            backup: self.backup,
            validate: None,
        });
        let written = table.is_some();
        let is_mounted = found.mounted.is_some();
        let table = found.file.changes(table, &Wanted::default());
        let folders = found.missing.iter().map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o755,
        });
        match self.state {
            State::Present | State::AbsentFromFstab => table,
            State::Absent if written => {
                let leave = is_mounted.then(|| self.umount());
                let gone = found
                    .is_folder
                    .then(|| change(plain(["rmdir", &self.entry.path])));
                table.into_iter().chain(leave).chain(gone).collect()
            }
            State::Absent => Vec::new(),
            State::Unmounted => is_mounted.then(|| self.umount()).into_iter().collect(),
            State::Remounted => vec![self.mount(true)],
            State::Ephemeral => folders.chain([self.mount_or_restore(found)]).collect(),
            State::Mounted if is_mounted && !written => Vec::new(),
            State::Mounted => folders
                .chain(table)
                .chain([self.mount_or_restore(found)])
                .collect(),
        }
    }

    fn report(&self, _: &dyn Host, _: &Found, outcome: &Outcome) -> Result<Report, ModuleError> {
        let entry = &self.entry;
        let noauto = entry.options.split(',').any(|option| option == "noauto");
        let notices = (self.boot && noauto).then(|| {
            Notice::Warning("Ignore the 'boot' due to 'opts' contains 'noauto'.".to_owned())
        });
        let mut values = values(json!({
            "name": entry.path, "fstab": self.fstab.to_string_lossy(),
            "opts": if self.options_hidden { "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" } else { &entry.options },
            "dump": entry.dump, "passno": entry.pass,
            "boot": if self.boot { "yes" } else { "no" },
            "backup_file": outcome.backup_file.clone().unwrap_or_default(),
        }));
        if self.given_source {
            values.insert("src".to_owned(), entry.source.as_str().into());
        }
        if !entry.kind.is_empty() {
            values.insert("fstype".to_owned(), entry.kind.as_str().into());
        }
        Ok(Report {
            values,
            notices: notices.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl Mount {
    fn umount(&self) -> Change {
        change(plain(["umount", &self.entry.path]))
    }

    fn is_same(&self, source: &Source) -> bool {
        source.device == self.entry.source
            || Path::new(&source.root) == Path::new(&self.entry.source)
    }

    /// Mounts by the table that was just written. Where that fails the table becomes what it was, and folders that were
    /// made go, as in Ansible: an entry that does not work may keep the machine from starting.
    fn mount_or_restore(&self, found: &Found) -> Change {
        let mount = self.mount(found.mounted.is_some());
        let Change::Run { command, .. } = mount else {
            return mount;
        };
        let failure = format!("Error mounting {}: {{stderr}}", self.entry.path);
        let mut script = "\"$@\" && exit 0; failed=$?; ".to_owned();
        let mut environment = command.environment;
        if found.text.is_some() {
            script.push_str(match found.file.there {
                Some(_) => "printf %s \"$before\" > \"$table\"; ",
                None => "rm -f -- \"$table\"; ",
            });
            let table = self.fstab.to_string_lossy().into_owned();
            environment.insert("table".to_owned(), table);
            environment.insert("before".to_owned(), found.file.text.clone());
        }
        for (at, folder) in found.missing.iter().enumerate().rev() {
            script.push_str(&format!("rmdir -- \"$folder{at}\"; "));
            let folder = folder.to_string_lossy().into_owned();
            environment.insert(format!("folder{at}"), folder);
        }
        script.push_str("exit $failed");
        let words = ["sh", "-c", &script, "sh"].map(str::to_owned);
        let mut restoring = plain(words.into_iter().chain(command.argv));
        restoring.environment.extend(environment);
        attempt(restoring, failure)
    }

    fn mount(&self, again: bool) -> Change {
        let mut argv = vec!["mount".to_owned()];
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        let entry = &self.entry;
        let plain_options = entry.options == "defaults";
        if again && self.state == State::Remounted && !plain_options {
            add(&["-o", &format!("remount,{}", entry.options)]);
        } else if again {
            add(&["-o", "remount"]);
        }
        if self.state == State::Ephemeral {
            add(&["-t", &entry.kind]);
            if !plain_options {
                add(&["-o", &entry.options]);
            }
            add(&[&entry.source]);
        } else if self.fstab != Path::new("/etc/fstab") {
            add(&["-T", &self.fstab.to_string_lossy()]);
        }
        add(&[&entry.path]);
        let falls_back = entry.options == "defaults" || self.state != State::Remounted;
        if !(again && falls_back) {
            return change(plain(argv));
        }
        // Not every file system can be mounted again: then it is taken away first.
        let script = "\"$@\" && exit 0; umount \"$again_path\" && shift 3 && mount \"$@\"";
        let shell = ["sh", "-c", script, "sh"].map(str::to_owned);
        let mut command = plain(shell.into_iter().chain(argv));
        let path = ("again_path".to_owned(), entry.path.clone());
        command.environment.extend([path]);
        change(command)
    }
}

/// What is mounted at a path, by the last line that says so.
fn mounted_at(mountinfo: &str, path: &str) -> Option<Source> {
    let wanted = match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    let mut lines = mountinfo.lines().filter_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let head: Vec<&str> = head.split(' ').collect();
        let place = head.get(4)?.replace("\\040", " ");
        (place == wanted).then(|| Source {
            device: tail.split(' ').nth(1).unwrap_or_default().to_owned(),
            root: head[3].replace("\\040", " "),
        })
    });
    lines.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_is_read_from_the_kernels_table() {
        let table = "36 35 98:0 /a\\040b /mnt\\0402 rw - ext3 /dev/root rw\n\
                     37 35 0:5 / /tmp rw shared:1 - tmpfs tmpfs rw\n";
        let found = mounted_at(table, "/mnt 2/").unwrap();
        assert_eq!(
            (found.device.as_str(), found.root.as_str()),
            ("/dev/root", "/a b")
        );
        assert_eq!(mounted_at(table, "/tmp").unwrap().device, "tmpfs");
        assert_eq!(mounted_at(table, "/"), None);
    }
}
