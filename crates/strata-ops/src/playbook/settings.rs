//! `ansible.cfg` and the environment variables that say the same.
//!
//! The file is the first of `ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`.
//! The command line wins over the environment, the environment over the file. [`KNOWN`] lists what is there;
//! everything else is named once, as a warning.

mod asked;
mod file;
mod known;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use strata_core::{Diagnostic, Diagnostics, files::Files};

use crate::process::Process;
pub(super) use asked::asked;
use file::Entry;
use known::{Effect, KNOWN, Setting};

/// The settings of this project and process.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    /// The file they come from.
    pub file: Option<PathBuf>,
    home: Option<PathBuf>,
    /// What `$NAME` in a path stands for.
    environment: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    /// The folder that relative paths are relative to.
    folder: PathBuf,
}

impl Settings {
    /// Reads file and environment; what has no effect is a warning.
    pub fn read(files: &dyn Files, process: &Process, diags: &mut Diagnostics) -> Self {
        let mut settings = Self {
            home: process.environment.get("HOME").map(PathBuf::from),
            environment: process.environment.clone(),
            ..Self::default()
        };
        if let Some(path) = settings.find(files, process) {
            settings.take_file(files, &path, diags);
            settings.file = Some(path);
        }
        settings.take_environment(process, diags);
        settings.take_project(files, process);
        settings
    }

    /// `conditionals` of the project file counts where the settings of Ansible are silent.
    fn take_project(&mut self, files: &dyn Files, process: &Process) {
        let folder = &process.working_directory;
        let Some(lenient) = crate::project::lenient_conditionals(files, folder) else {
            return;
        };
        let value = Value {
            text: lenient.to_string(),
            folder: folder.clone(),
        };
        self.values
            .entry("allow_broken_conditionals")
            .or_insert(value);
    }

    fn find(&self, files: &dyn Files, process: &Process) -> Option<PathBuf> {
        let named = process.environment.get("ANSIBLE_CONFIG").map(|path| {
            let path = PathBuf::from(path);
            if path.is_dir() {
                path.join("ansible.cfg")
            } else {
                path
            }
        });
        let here = (!anybody_may_write(&process.working_directory))
            .then(|| process.working_directory.join("ansible.cfg"));
        let home = self.home.as_ref().map(|home| home.join(".ansible.cfg"));
        [named, here, home, Some("/etc/ansible/ansible.cfg".into())]
            .into_iter()
            .flatten()
            .find(|path| files.kind(path) == Some(strata_core::files::EntryKind::File))
    }

    fn take_file(&mut self, files: &dyn Files, path: &Path, diags: &mut Diagnostics) {
        let text = match files.read_text(path) {
            Ok(text) => text,
            Err(error) => {
                diags.push(Diagnostic::error("unreadable-file", error.to_string()));
                return;
            }
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let (entries, wrong) = file::parse(&text);
        for line in wrong {
            let message = format!(
                "`{}:{line}` is neither a section nor `name = value`",
                path.display()
            );
            diags.push(Diagnostic::error("ansible-cfg", message));
        }
        let mut unknown = Vec::new();
        for Entry {
            section,
            key,
            value,
        } in entries
        {
            let Some(setting) = known(&section, &key) else {
                unknown.push(format!("`{section}.{key}`"));
                continue;
            };
            self.take(
                setting,
                &format!("`{section}.{key}`"),
                value,
                &folder,
                diags,
            );
        }
        warn_unknown(&format!("`{}`", path.display()), unknown, diags);
    }

    fn take_environment(&mut self, process: &Process, diags: &mut Diagnostics) {
        let mut unknown = Vec::new();
        for (name, value) in &process.environment {
            if known::OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            match KNOWN
                .iter()
                .find(|setting| setting.variables.contains(&name.as_str()))
            {
                None if !name.starts_with("ANSIBLE_") => {}
                Some(setting) => {
                    let folder = process.working_directory.clone();
                    self.take(setting, &format!("`{name}`"), value.clone(), &folder, diags);
                }
                None => unknown.push(format!("`{name}`")),
            }
        }
        warn_unknown("the environment", unknown, diags);
    }

    fn take(
        &mut self,
        setting: &Setting,
        shown: &str,
        text: String,
        folder: &Path,
        diags: &mut Diagnostics,
    ) {
        let is_one = |word: &str, of: &[&str]| of.iter().any(|one| one.eq_ignore_ascii_case(word));
        let refused = match setting.effect {
            Effect::Only(values, why) => {
                (!is_one(text.trim(), values)).then(|| (text.clone(), why))
            }
            Effect::Words(words, why) => {
                let given = text
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty());
                let others: Vec<_> = given.filter(|word| !is_one(word, words)).collect();
                (!others.is_empty()).then(|| (others.join(", "), why))
            }
            Effect::Used | Effect::Nothing => None,
        };
        if let Some((text, why)) = refused {
            let message = format!("{shown} is `{text}`, which is not supported by Strata: {why}");
            diags.push(Diagnostic::warning("ansible-cfg", message));
        }
        let value = Value {
            text,
            folder: folder.to_owned(),
        };
        self.values.insert(setting.name, value);
    }

    /// A setting as a text; none if nobody set it, or set it to nothing.
    pub fn text(&self, name: &str) -> Option<String> {
        debug_assert!(KNOWN.iter().any(|setting| setting.name == name), "{name}");
        let text = self.values.get(name)?.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A setting that says yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?.to_ascii_lowercase();
        Some(matches!(
            text.as_str(),
            "true" | "yes" | "on" | "1" | "y" | "t"
        ))
    }

    /// A setting that is a number; what is none is a mistake.
    pub fn number(&self, name: &str, diags: &mut Diagnostics) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            let message = format!("`{name}` needs a number, not `{text}`");
            diags.push(Diagnostic::error("ansible-cfg", message));
        }
        number
    }

    /// A setting that is a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let text = self.text(name)?;
        Some(self.expand(&text, &self.values.get(name)?.folder))
    }

    /// A setting that is several paths with `separator` between.
    pub fn paths(&self, name: &str, separator: char) -> Vec<PathBuf> {
        let (Some(text), Some(value)) = (self.text(name), self.values.get(name)) else {
            return Vec::new();
        };
        let parts = text
            .split(separator)
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(|part| self.expand(part, &value.folder)).collect()
    }

    /// A setting that is a list with commas between.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// `$NAME`, `~`, `{{CWD}}` and relative paths, as Ansible reads them.
    fn expand(&self, text: &str, folder: &Path) -> PathBuf {
        let text = text.replace("{{CWD}}", ".").replace("{{ CWD }}", ".");
        let text = with_variables(&text, &self.environment);
        match (text.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => folder.join(text),
        }
    }

    /// Where roles and collections are when nobody says otherwise.
    pub fn home_folder(&self, inside: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(inside))
    }
}

/// Puts variables of the environment in place of `$NAME` and `${NAME}`; what is not set stays as it is written.
fn with_variables(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let braced = part.strip_prefix('{').and_then(|part| part.split_once('}'));
        let bare = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, rest) = braced.unwrap_or_else(|| part.split_at(bare.unwrap_or(part.len())));
        match environment.get(name) {
            Some(value) => whole.extend([value, rest]),
            None => whole.extend(["$", part]),
        }
    }
    whole
}

fn known(section: &str, key: &str) -> Option<&'static Setting> {
    KNOWN.iter().find(|setting| {
        setting
            .places
            .iter()
            .any(|place| place.rsplit_once('.') == Some((section, key)))
    })
}

fn warn_unknown(place: &str, mut unknown: Vec<String>, diags: &mut Diagnostics) {
    if unknown.is_empty() {
        return;
    }
    unknown.dedup();
    let message = format!(
        "{place} has settings that Strata does not have: {}",
        unknown.join(", ")
    );
    diags.push(Diagnostic::warning("ansible-cfg", message).detail("They have no effect."));
}

/// A folder that everybody may write to: a configuration in it could be anybody's.
fn anybody_may_write(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(test)]
mod tests {
    use strata_core::files::MemoryFiles;

    use super::*;

    fn settings(cfg: &str, environment: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let mut environment: BTreeMap<String, String> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        environment.insert("HOME".to_owned(), "/home/me".to_owned());
        environment.insert(
            "ANSIBLE_CONFIG".to_owned(),
            "/project/ansible.cfg".to_owned(),
        );
        let process = Process {
            environment,
            working_directory: "/elsewhere".into(),
            started_in: "/elsewhere".into(),
            host: "here".to_owned(),
        };
        let files = MemoryFiles::new([("/project/ansible.cfg", cfg)]);
        let mut diags = Diagnostics::new();
        let settings = Settings::read(&files, &process, &mut diags);
        (
            settings,
            diags.iter().map(|one| one.summary.clone()).collect(),
        )
    }

    #[test]
    fn variables_of_the_environment_stand_in_paths() {
        let cfg = "[defaults]\ninventory = $ROOT/hosts,${ROOT}2/a,$NOWHERE/b,c$,${x\n";
        let (settings, _) = settings(cfg, &[("ROOT", "/srv")]);
        let paths = [
            "/srv/hosts",
            "/srv2/a",
            "/project/$NOWHERE/b",
            "/project/c$",
            "/project/${x",
        ];
        assert_eq!(settings.paths("inventory", ','), paths.map(PathBuf::from));
    }

    #[test]
    fn the_environment_wins_over_the_file_and_paths_are_relative_to_it() {
        let cfg = "[defaults]\n# note\ninventory = hosts, prod ; both\nroles_path=~/roles:lib\nforks: 20\n[ssh_connection]\npipelining = True\n";
        let (settings, said) = settings(
            cfg,
            &[("ANSIBLE_FORKS", "7"), ("ANSIBLE_REMOTE_USER", "joe")],
        );
        assert_eq!(
            settings.paths("inventory", ','),
            [Path::new("/project/hosts"), Path::new("/project/prod")]
        );
        assert_eq!(
            settings.paths("roles_path", ':'),
            [Path::new("/home/me/roles"), Path::new("/project/lib")]
        );
        assert_eq!(settings.number("forks", &mut Diagnostics::new()), Some(7));
        assert_eq!(settings.text("remote_user").as_deref(), Some("joe"));
        assert!(said.is_empty(), "{said:?}");
    }

    #[test]
    fn the_project_file_says_how_conditions_are_judged_where_ansible_cfg_does_not() {
        let lenient = |cfg: &str, word: &str| {
            let project = format!("project \"p\" {{\n  conditionals = \"{word}\"\n}}\n");
            let files = MemoryFiles::new([
                ("/elsewhere/strata.hcl", project.as_str()),
                ("/etc/ansible/ansible.cfg", cfg),
            ]);
            let process = Process {
                environment: BTreeMap::new(),
                working_directory: "/elsewhere".into(),
                started_in: "/elsewhere".into(),
                host: "here".to_owned(),
            };
            let settings = Settings::read(&files, &process, &mut Diagnostics::new());
            settings.flag("allow_broken_conditionals")
        };
        assert_eq!(lenient("", "ansible-2.16"), Some(true));
        assert_eq!(lenient("", "ansible-2.19"), Some(false));
        let strict = "[defaults]\nallow_broken_conditionals = false\n";
        assert_eq!(lenient(strict, "ansible-2.16"), Some(false));
    }

    #[test]
    fn settings_are_asked_for_by_the_names_that_ansible_has_for_them() {
        let cfg = "[defaults]\nforks = 9\nroles_path = lib\nhost_key_checking = no\n";
        let (settings, _) = settings(cfg, &[]);
        let check = |name: &str, value: serde_json::Value| {
            assert_eq!(asked(&settings, name), Some(value), "{name}");
        };
        check("DEFAULT_FORKS", 9.into());
        check("DEFAULT_TIMEOUT", 10.into());
        check("DEFAULT_REMOTE_USER", serde_json::Value::Null);
        check("HOST_KEY_CHECKING", false.into());
        check("DEFAULT_ROLES_PATH", serde_json::json!(["/project/lib"]));
        let collections = [
            "/home/me/.ansible/collections",
            "/usr/share/ansible/collections",
        ];
        check("COLLECTIONS_PATHS", serde_json::json!(collections));
        check("TAGS_RUN", serde_json::json!([]));
        assert_eq!(asked(&settings, "NOPE"), None);
    }

    #[test]
    fn what_is_not_there_is_named_once() {
        let (_, said) = settings(
            "[defaults]\nfancy = 1\nhash_behaviour = mix\nbroken\n",
            &[("ANSIBLE_MAGIC", "1")],
        );
        assert_eq!(
            said,
            [
                "`/project/ansible.cfg:4` is neither a section nor `name = value`",
                "`defaults.hash_behaviour` is `mix`, which is not supported by Strata: it is `replace` or `merge`",
                "`/project/ansible.cfg` has settings that Strata does not have: `defaults.fancy`",
                "the environment has settings that Strata does not have: `ANSIBLE_MAGIC`",
            ]
        );
    }
}
