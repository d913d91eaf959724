//! `modprobe`: a kernel module is loaded now, and if so asked at every boot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::programs::{failed, plain, required, words};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Modprobe {
    name: String,
    params: String,
    /// The parameters as `modprobe` takes them.
    words: Vec<String>,
    present: bool,
    /// Whether it shall be loaded at boot; `None` leaves that open.
    at_boot: Option<bool>,
    check: bool,
}

/// Whether it is loaded, and the files of the boot that differ from what is asked for.
pub(super) struct Found {
    loaded: bool,
    edits: BTreeMap<PathBuf, String>,
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

    fn new(arguments: &Arguments, task: &Task) -> Result<Modprobe, ModuleError> {
        let name = arguments.text("name");
        if name.is_empty() || name.starts_with(['-', '.']) || name.contains(['/', '\n', ' ']) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a kernel module"
            )));
        }
        let params = arguments.text("params");
        Ok(Modprobe {
            name,
            words: words(&params)?,
            params,
            present: arguments.text("state") == "present",
            at_boot: match arguments.text("persistent").as_str() {
                "present" => Some(true),
                "absent" => Some(false),
                _ => None,
            },
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let loaded = self.is_loaded(host)?;
        if self.present && !loaded && self.check {
            self.try_out(host)?;
        }
        Ok(Found {
            loaded,
            edits: match self.at_boot {
                Some(true) => self.missing_files(host)?,
                Some(false) => self.files_without(host)?,
                None => BTreeMap::new(),
            },
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.present && !found.loaded {
            let params = self.words.iter().map(String::as_str);
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

    /// Asks whether there is such a module at all.
    fn try_out(&self, host: &dyn Host) -> Result<(), ModuleError> {
        required(host, "modprobe")?;
        let argv = ["modprobe", "-n", &self.name].into_iter();
        let said = host.run(&plain(argv.chain(self.words.iter().map(String::as_str))))?;
        match said.status {
            0 => Ok(()),
            _ => Err(failed(&said)),
        }
    }

    /// The files that `persistent: present` asks for and that are not there yet.
    fn missing_files(&self, host: &dyn Host) -> Result<BTreeMap<PathBuf, String>, ModuleError> {
        let mut edits = BTreeMap::new();
        let of_modules = files(host, MODULES)?;
        let mut lines = of_modules.values().flat_map(|text| text.lines());
        if !lines.any(|line| self.names(line)) {
            edits.insert(self.file(MODULES), format!("{}\n", self.name));
        }
        let of_options = files(host, OPTIONS)?;
        let wanted: BTreeSet<&str> = self.params.split_whitespace().collect();
        let lines = of_options.values().flat_map(|text| text.lines());
        let kept: BTreeSet<&str> = lines.filter_map(|line| self.option(line)).collect();
        if wanted != kept {
            edits.extend(commented(&of_options, |line| self.option(line).is_some()));
            let lines = self.params.split_whitespace();
            let lines: Vec<String> = lines
                .map(|param| format!("options {} {param}", self.name))
                .collect();
            edits.insert(self.file(OPTIONS), lines.join("\n") + "\n");
        }
        Ok(edits)
    }

    /// The files that name the module, with those lines made comments.
    fn files_without(&self, host: &dyn Host) -> Result<BTreeMap<PathBuf, String>, ModuleError> {
        let mut edits = commented(&files(host, MODULES)?, |line| self.names(line));
        let of_options = files(host, OPTIONS)?;
        edits.extend(commented(&of_options, |line| self.option(line).is_some()));
        Ok(edits)
    }

    /// Whether a line has the module's name and nothing else.
    fn names(&self, line: &str) -> bool {
        let rest = line.trim_start_matches(' ').strip_prefix(&self.name);
        rest.is_some_and(is_end)
    }

    /// The parameter of a line as `options NAME parameter=value`.
    fn option<'a>(&self, line: &'a str) -> Option<&'a str> {
        let rest = line.strip_prefix("options ")?.strip_prefix(&self.name)?;
        let rest = rest.strip_prefix(' ')?;
        let param = rest.split(' ').next()?;
        let (name, value) = param.split_once('=')?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let is_one = !name.is_empty() && name.chars().all(is_word) && !value.is_empty();
        (is_one && is_end(&rest[param.len()..])).then_some(param)
    }

    fn file(&self, folder: &str) -> PathBuf {
        PathBuf::from(format!("{folder}/{}.conf", self.name))
    }
}

const MODULES: &str = "/etc/modules-load.d";
const OPTIONS: &str = "/etc/modprobe.d";

/// Whether nothing but a comment follows in a line.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start_matches(' ');
    rest.is_empty() || rest.starts_with(['#', ';'])
}

/// The files that have such lines, with those made comments.
fn commented(
    files: &BTreeMap<PathBuf, String>,
    is_it: impl Fn(&str) -> bool,
) -> BTreeMap<PathBuf, String> {
    let has = files.iter().filter(|(_, text)| text.lines().any(&is_it));
    let edited = has.map(|(path, text)| {
        let lines = text.lines().map(|line| match is_it(line) {
            true => format!("#{line}\n"),
            false => format!("{line}\n"),
        });
        (path.clone(), lines.collect())
    });
    edited.collect()
}

/// The files of a folder with their texts.
fn files(host: &dyn Host, folder: &str) -> Result<BTreeMap<PathBuf, String>, ModuleError> {
    let folder = Path::new(folder);
    if host.metadata_followed(folder)?.is_none() {
        return Ok(BTreeMap::new());
    }
    let paths = host.list(folder)?.into_iter().map(|name| folder.join(name));
    Ok(paths
        .filter_map(|path| host.read_text(&path).map(|text| (path, text)))
        .collect())
}
