//! Filters, tests and lookups that a project has as Python files: one Python of this machine does them all.
//!
//! They are looked for where Ansible looks beside a playbook: in `filter_plugins`, `test_plugins` and
//! `lookup_plugins` of the playbook's folder and of roles, and in the folders of the settings with these names; and in
//! collections, by their full names. No Python is started where there are none, and for collections only once one of
//! theirs is used. Lookups get no variables. What cannot be loaded is told by its file.

mod collections;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_jinja::Plugin;
use strata_runner::{Lookup, Plugins};

use super::{Project, modules};

const SERVER: &str = include_str!("server.py");

/// Kinds of plugins, as settings name their folders.
const KINDS: [(&str, &str); 3] = [
    ("filter", "filter_plugins"),
    ("test", "test_plugins"),
    ("lookup", "lookup_plugins"),
];

/// Kinds of plugins that a project may have, and that Strata does not run.
const NOT_RUN: [(&str, &str); 6] = [
    (
        "become_plugins",
        "Its way to become another user is refused where a task asks for it.",
    ),
    (
        "cache_plugins",
        "Facts are kept by `memory` and `jsonfile` alone.",
    ),
    (
        "callback_plugins",
        "It does not hear of the run; `-json` tells all events to other programs.",
    ),
    (
        "connection_plugins",
        "Its connection is refused where a host asks for it.",
    ),
    (
        "strategy_plugins",
        "Its strategy is refused where a play asks for it.",
    ),
    (
        "vars_plugins",
        "The variables that it would give are not there.",
    ),
];

/// Gives a run the plugins of a project.
pub(crate) fn add(
    runner: &mut strata_runner::Options,
    project: &Project,
    folder: &Path,
    diags: &mut Diagnostics,
) {
    let homes = homes(folder, &runner.load.roles_path);
    diags.extend(not_run(&homes));
    let files = files(project, &homes);
    let roots = collections::roots(runner, folder);
    let mut names = collections::names(&roots);
    if files.is_empty() && roots.is_empty() {
        return;
    }
    let python = Arc::new(Python {
        files: files.clone(),
        roots: roots.clone(),
        folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
        environment: runner.environment.clone(),
        started: OnceLock::new(),
    });
    let mut lookups = Vec::new();
    if let Some((_, first)) = files.first() {
        match python.started() {
            Ok(started) => {
                for (path, reason) in &started.wrong {
                    diags.push(unusable(path, reason));
                }
                let found = &started.found;
                names.extend(found.filter.iter().cloned().map(Plugin::Filter));
                names.extend(found.test.iter().cloned().map(Plugin::Test));
                lookups.clone_from(&found.lookup);
            }
            Err(reason) => diags.push(unusable(&first.display().to_string(), reason)),
        }
    }
    runner.lookup = with_lookups(&runner.lookup, &python, lookups);
    runner.plugins = Some(Arc::new(plugins(python, names)));
}

fn unusable(path: &str, reason: &str) -> Diagnostic {
    let message = format!("the plugins in `{path}` cannot be used");
    Diagnostic::warning("python-plugin", message)
        .detail(reason)
        .hint("They are Python, and run by the `python3` of this machine.")
}

fn plugins(python: Arc<Python>, names: Vec<Plugin>) -> Plugins {
    Plugins {
        names,
        call: Box::new(move |plugin, arguments, named| {
            let (kind, name) = match plugin {
                Plugin::Filter(name) => ("filter", name),
                Plugin::Test(name) => ("test", name),
            };
            python.ask(kind, name, arguments, named)
        }),
    }
}

/// The lookups of before, then those of collections; those of the project, which have these names, go before both.
fn with_lookups(before: &Arc<Lookup>, python: &Arc<Python>, names: Vec<String>) -> Arc<Lookup> {
    let (before, python) = (before.clone(), python.clone());
    Arc::new(move |folder, name, terms, options| {
        if !names.iter().any(|own| own == name) {
            if let Some(found) = before(folder, name, terms, options) {
                return Some(found);
            }
            if !collections::has_lookup(&python.roots, name) {
                return None;
            }
        }
        let found = python.ask("lookup", name, terms, options);
        Some(found.map(|found| match found {
            Json::Array(items) => items,
            one => vec![one],
        }))
    })
}

/// The folders that may have folders of plugins: the playbook's and those of roles.
fn homes(folder: &Path, roles_path: &[PathBuf]) -> Vec<PathBuf> {
    let beside = folder.join("roles");
    let mut homes = vec![folder.to_owned()];
    for roles in std::iter::once(&beside).chain(roles_path) {
        homes.extend(entries(roles));
    }
    homes
}

/// All plugin files with their kinds.
fn files(project: &Project, homes: &[PathBuf]) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for (kind, name) in KINDS {
        let mut folders: Vec<PathBuf> = homes.iter().map(|home| home.join(name)).collect();
        folders.extend(project.settings.paths(name, ':'));
        let files = folders.iter().flat_map(|folder| python_files(folder));
        found.extend(files.map(|path| (kind, path)));
    }
    found
}

/// The Python files of a folder.
fn python_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| {
        let is_python = path.extension().is_some_and(|end| end == "py");
        is_python && path.file_name().is_some_and(|name| name != "__init__.py")
    });
    files
}

/// Names the plugins of a project that are not run, each with what that means.
fn not_run(homes: &[PathBuf]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, meaning) in NOT_RUN {
        let kinds = name.replace('_', " ");
        let files = homes.iter().flat_map(|home| python_files(&home.join(name)));
        found.extend(files.map(|path| {
            let path = path.display();
            let message = format!("the plugin `{path}` is not run: Strata does not run {kinds}");
            Diagnostic::warning("python-plugin", message).detail(meaning)
        }));
    }
    found
}

/// What is in a folder, sorted; nothing if there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = all.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// What the server says first.
#[derive(Deserialize)]
struct Said {
    found: Found,
    wrong: Vec<(String, String)>,
}

#[derive(Clone, Deserialize)]
struct Found {
    filter: Vec<String>,
    test: Vec<String>,
    lookup: Vec<String>,
}

/// An answer of the server.
#[derive(Deserialize)]
struct Answer {
    value: Option<Json>,
    error: Option<String>,
}

/// The Python that does them, one after the other; started when it is first asked.
struct Python {
    files: Vec<(&'static str, PathBuf)>,
    /// Folders with `ansible_collections` in them.
    roots: Vec<PathBuf>,
    /// The playbook's.
    folder: PathBuf,
    environment: Arc<BTreeMap<String, String>>,
    started: OnceLock<Result<Started, String>>,
}

/// A Python under way.
struct Started {
    pipes: Mutex<Pipes>,
    found: Found,
    wrong: Vec<(String, String)>,
}

struct Pipes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Pipes {
    fn exchange(&mut self, line: &Json) -> Result<String, String> {
        let gone = |error: std::io::Error| format!("the project's plugins are gone: {error}");
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .map_err(gone)?;
        let mut answer = String::new();
        match self.output.read_line(&mut answer).map_err(gone)? {
            0 => Err("the Python of the project's plugins has ended".to_owned()),
            _ => Ok(answer),
        }
    }
}

impl Python {
    fn started(&self) -> Result<&Started, &String> {
        self.started.get_or_init(|| start(self)).as_ref()
    }

    fn ask(
        &self,
        kind: &str,
        name: &str,
        arguments: &[Json],
        named: &Map<String, Json>,
    ) -> Result<Json, String> {
        let asked = json!({"kind": kind, "name": name, "arguments": arguments, "named": named});
        let started = self.started().map_err(String::clone)?;
        let mut pipes = started.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = pipes.exchange(&asked)?;
        let answer: Answer = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match answer.error {
            Some(error) => Err(format!("the {kind} `{name}` failed: {error}")),
            None => Ok(answer.value.unwrap_or(Json::Null)),
        }
    }
}

fn start(python: &Python) -> Result<Started, String> {
    let mut command = Command::new("python3");
    // An ansible-core of this machine has what plugins import, and comes with a Python of its own.
    if let Some(packages) = modules::core(&python.environment)
        .as_deref()
        .and_then(Path::parent)
    {
        let own = packages
            .ancestors()
            .nth(3)
            .map(|home| home.join("bin/python3"));
        if let Some(own) = own.filter(|program| program.is_file()) {
            command = Command::new(own);
        }
        command.env("PYTHONPATH", packages);
    }
    let mut child = command
        .args(["-c", SERVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("`python3` cannot be started: {error}"))?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("`python3` has no pipes".to_owned());
    };
    let mut pipes = Pipes {
        child,
        input,
        output: BufReader::new(output),
    };
    let listed = python
        .files
        .iter()
        .map(|(kind, path)| json!([kind, path.to_string_lossy()]));
    let listed: Json = listed.collect();
    let roots: Vec<_> = python
        .roots
        .iter()
        .map(|root| root.to_string_lossy())
        .collect();
    let folder = python.folder.to_string_lossy();
    let said = pipes.exchange(&json!({"files": listed, "roots": roots, "folder": folder}))?;
    let said: Said = serde_json::from_str(&said).map_err(|error| error.to_string())?;
    Ok(Started {
        pipes: Mutex::new(pipes),
        found: said.found,
        wrong: said.wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_of_a_project_are_done_by_python() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "filter_plugins/own.py",
            "from ansible.errors import AnsibleFilterError\n\
             def shout(text, times=1):\n    if not text: raise AnsibleFilterError('nothing to shout')\n    return text.upper() + '!' * times\n\
             class FilterModule(object):\n    def filters(self): return {'shout': shout, 'pair': lambda a, b: (a, {b})}\n",
        );
        write(
            "roles/r/test_plugins/own.py",
            "class TestModule:\n    def tests(self): return {'loud': lambda text: text.endswith('!')}\n",
        );
        write(
            "lookup_plugins/twice.py",
            "from ansible.plugins.lookup import LookupBase\n\
             class LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kwargs): return terms * 2\n",
        );
        write("filter_plugins/broken.py", "import nothing_of_that_name\n");
        let project = Project::bare();
        let found = files(&project, &homes(folder.path(), &[]));
        assert_eq!(found.len(), 4);
        let python = Python {
            files: found,
            roots: Vec::new(),
            folder: PathBuf::new(),
            environment: Arc::default(),
            started: OnceLock::new(),
        };
        let Ok(said) = python.started() else {
            return; // No Python on this machine.
        };
        assert_eq!(said.found.filter, ["pair", "shout"]);
        assert_eq!((said.found.test.len(), said.found.lookup.len()), (1, 1));
        assert!(
            said.wrong[0].1.contains("nothing_of_that_name"),
            "{:?}",
            said.wrong
        );
        let ask = |kind: &str, name: &str, arguments: Json, named: Json| {
            let arguments = arguments.as_array().unwrap().clone();
            python.ask(kind, name, &arguments, named.as_object().unwrap())
        };
        assert_eq!(
            ask("filter", "shout", json!(["a"]), json!({"times": 2})),
            Ok(json!("A!!"))
        );
        assert_eq!(
            ask("filter", "pair", json!([1, 2]), json!({})),
            Ok(json!([1, [2]]))
        );
        assert_eq!(
            ask("test", "loud", json!(["a!"]), json!({})),
            Ok(json!(true))
        );
        assert_eq!(
            ask("lookup", "twice", json!([1]), json!({})),
            Ok(json!([1, 1]))
        );
        let wrong = ask("filter", "shout", json!([""]), json!({})).unwrap_err();
        assert!(wrong.contains("nothing to shout"), "{wrong}");
    }

    #[test]
    fn plugins_that_are_not_run_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["vars_plugins/own.py", "roles/r/callback_plugins/slack.py"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let said = not_run(&homes(folder.path(), &[]));
        let said: Vec<&str> = said.iter().map(|found| found.summary.as_str()).collect();
        assert!(
            said[0].ends_with(
                "callback_plugins/slack.py` is not run: Strata does not run callback plugins"
            ),
            "{said:?}"
        );
        assert!(said[1].contains("vars_plugins/own.py"), "{said:?}");
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn plugins_of_collections_go_by_their_full_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("collections");
        let write = |path: &str, text: &str| {
            let path = root.join("ansible_collections/my/own/plugins").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("module_utils/words.py", "LOUD = '!'\n");
        write(
            "filter/shout.py",
            "from ansible_collections.my.own.plugins.module_utils.words import LOUD\n\
             class FilterModule(object):\n    def filters(self): return {'shout': lambda text: text + LOUD, 'twice': lambda text: text * 2}\n",
        );
        // Comes first where each file is looked at, and hides nothing.
        write("filter/alone.py", "import nothing_of_that_name\n");
        write(
            "test/loud.py",
            "class TestModule:\n    def tests(self): return {'loud': lambda text: text.endswith('!')}\n",
        );
        write(
            "lookup/near.py",
            "from ansible.plugins.lookup import LookupBase\n\
             class LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kwargs):\n\
             \x20       self.set_options(var_options=variables, direct=kwargs)\n        return [len(terms)]\n",
        );
        let roots = vec![root];
        let names = collections::names(&roots);
        let full = |name: &str| format!("my.own.{name}");
        for expected in [
            Plugin::Filter(full("shout")),
            Plugin::Filter(full("twice")),
            Plugin::Test(full("loud")),
        ] {
            assert!(names.contains(&expected), "{names:?}");
        }
        assert!(collections::has_lookup(&roots, "my.own.near"));
        assert!(!collections::has_lookup(&roots, "my.own.far"));
        let python = Python {
            files: Vec::new(),
            roots,
            folder: PathBuf::new(),
            environment: Arc::default(),
            started: OnceLock::new(),
        };
        if python.started().is_err() {
            return; // No Python on this machine.
        }
        let ask = |kind: &str, name: &str, argument: Json| {
            python.ask(kind, &full(name), &[argument], &Map::new())
        };
        assert_eq!(ask("filter", "shout", json!("a")), Ok(json!("a!")));
        assert_eq!(ask("filter", "twice", json!("a")), Ok(json!("aa")));
        assert_eq!(ask("test", "loud", json!("a!")), Ok(json!(true)));
        assert_eq!(ask("lookup", "near", json!("a")), Ok(json!([1])));
        let wrong = ask("filter", "quiet", json!("a")).unwrap_err();
        assert!(wrong.contains("quiet"), "{wrong}");
        assert!(wrong.contains("nothing_of_that_name"), "{wrong}");
    }
}
