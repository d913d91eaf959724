//! `modprobe`: a kernel module is loaded now, and if so asked at every boot.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Modprobe {
    name: String,
    params: String,
    present: bool,
    /// Whether it shall be loaded at boot; `None` leaves that open.
    at_boot: Option<bool>,
}

/// Whether it is loaded, and the files of the boot that differ from what is asked for.
pub(super) struct Found {
    loaded: bool,
    edits: Vec<(PathBuf, String)>,
}

impl Module for Modprobe {
    const SPEC: Spec = Spec::new(
        "community.general.modprobe",
        &[
            Field::str("name").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("params").default(""),
            Field::str("persistent")
                .choices(&["absent", "disabled", "present"])
                .default("disabled"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Modprobe, ModuleError> {
        let name = arguments.text("name");
        if name.is_empty() || name.starts_with(['-', '.']) || name.contains(['/', '\n', ' ']) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a kernel module"
            )));
        }
        Ok(Modprobe {
            name,
            params: arguments.text("params"),
            present: arguments.text("state") == "present",
            at_boot: match arguments.text("persistent").as_str() {
                "present" => Some(true),
                "absent" => Some(false),
                _ => None,
            },
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        Ok(Found {
            loaded: self.is_loaded(host)?,
            edits: match self.at_boot {
                Some(true) => self.missing_files(host)?,
                Some(false) => self.files_without(host)?,
                None => Vec::new(),
            },
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.present && !found.loaded {
            let params = self.params.split_whitespace();
            let argv: Vec<&str> = ["modprobe", &self.name].into_iter().chain(params).collect();
            changes.push(Change::run(&argv));
        }
        if !self.present && found.loaded {
            changes.push(Change::run(&["modprobe", "-r", &self.name]));
        }
        let writes = found.edits.iter();
        changes.extend(writes.map(|(path, text)| Change::write(path, text.as_bytes())));
        changes
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "name": self.name,
            "params": self.params,
            "state": if self.present { "present" } else { "absent" },
        }))))
    }
}

impl Modprobe {
    fn is_loaded(&self, host: &dyn Host) -> Result<bool, ModuleError> {
        // The kernel writes `-` as `_`.
        let name = self.name.replace('-', "_");
        let loaded = host.read_text(Path::new("/proc/modules"));
        let listed = loaded.is_some_and(|text| {
            let mut names = text.lines().filter_map(|line| line.split(' ').next());
            names.any(|one| one == name)
        });
        if listed {
            return Ok(true);
        }
        // Some are no files but parts of the kernel.
        let release = host.kernel()?.release;
        let list = Path::new("/lib/modules")
            .join(release)
            .join("modules.builtin");
        let built_in = host.read_text(&list).unwrap_or_default();
        let end = format!("/{name}.ko");
        Ok(built_in
            .lines()
            .any(|line| line.replace('-', "_").ends_with(&end)))
    }

    /// The files that `persistent: present` asks for and that are not there yet.
    fn missing_files(&self, host: &dyn Host) -> Result<Vec<(PathBuf, String)>, ModuleError> {
        let mut wanted = Vec::new();
        let loads = |line: &str| line.trim() == self.name;
        if !any_line(host, "/etc/modules-load.d", loads)? {
            wanted.push((self.file("modules-load.d"), format!("{}\n", self.name)));
        }
        let options = format!("options {} {}", self.name, self.params);
        let sets = |line: &str| line.trim() == options;
        if !self.params.is_empty() && !any_line(host, "/etc/modprobe.d", sets)? {
            wanted.push((self.file("modprobe.d"), format!("{options}\n")));
        }
        Ok(wanted)
    }

    /// The files that name the module, with those lines made comments.
    fn files_without(&self, host: &dyn Host) -> Result<Vec<(PathBuf, String)>, ModuleError> {
        let start = format!("options {} ", self.name);
        let mut edits = Vec::new();
        for folder in ["/etc/modules-load.d", "/etc/modprobe.d"] {
            for (path, text) in files(host, folder)? {
                let is_ours = |line: &str| line.trim() == self.name || line.starts_with(&start);
                if !text.lines().any(is_ours) {
                    continue;
                }
                let lines = text.lines().map(|line| match is_ours(line) {
                    true => format!("#{line}\n"),
                    false => format!("{line}\n"),
                });
                edits.push((path, lines.collect()));
            }
        }
        Ok(edits)
    }

    fn file(&self, folder: &str) -> PathBuf {
        PathBuf::from(format!("/etc/{folder}/{}.conf", self.name))
    }
}

fn any_line(
    host: &dyn Host,
    folder: &str,
    is_it: impl Fn(&str) -> bool,
) -> Result<bool, ModuleError> {
    let files = files(host, folder)?;
    Ok(files.iter().any(|(_, text)| text.lines().any(&is_it)))
}

/// The configuration files of a folder with their texts.
fn files(host: &dyn Host, folder: &str) -> Result<Vec<(PathBuf, String)>, ModuleError> {
    let folder = Path::new(folder);
    if host.metadata_followed(folder)?.is_none() {
        return Ok(Vec::new());
    }
    let names = host.list(folder)?.into_iter();
    let paths = names
        .filter(|name| name.ends_with(".conf"))
        .map(|name| folder.join(name));
    Ok(paths
        .filter_map(|path| host.read_text(&path).map(|text| (path, text)))
        .collect())
}
