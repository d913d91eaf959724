//! Filters, tests and lookups that a project has as Python files: one Python of this machine does them all.
//!
//! They are looked for where Ansible looks beside a playbook: in `filter_plugins`, `test_plugins` and
//! `lookup_plugins` of the playbook's folder and of roles, and in the folders of the settings with these names. No
//! Python is started where there are none. Lookups get no variables. What cannot be loaded is told by its file.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
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

/// Gives a run the plugins of a project.
pub(crate) fn add(
    runner: &mut strata_runner::Options,
    project: &Project,
    folder: &Path,
    diags: &mut Diagnostics,
) {
    let files = files(project, folder, &runner.load.roles_path);
    if files.is_empty() {
        return;
    }
    match start(&files, &runner.environment) {
        Ok((python, said)) => {
            for (path, reason) in said.wrong {
                diags.push(unusable(&path, &reason));
            }
            let python = Arc::new(python);
            runner.lookup = with_lookups(&runner.lookup, &python, said.found.lookup);
            runner.plugins = Some(Arc::new(plugins(
                python,
                said.found.filter,
                said.found.test,
            )));
        }
        Err(reason) => {
            let (_, first) = &files[0];
            diags.push(unusable(&first.display().to_string(), &reason));
        }
    }
}

fn unusable(path: &str, reason: &str) -> Diagnostic {
    let message = format!("the plugins in `{path}` cannot be used");
    Diagnostic::warning("python-plugin", message)
        .detail(reason)
        .hint("They are Python, and run by the `python3` of this machine.")
}

fn plugins(python: Arc<Python>, filters: Vec<String>, tests: Vec<String>) -> Plugins {
    let filters = filters.into_iter().map(Plugin::Filter);
    Plugins {
        names: filters.chain(tests.into_iter().map(Plugin::Test)).collect(),
        call: Box::new(move |plugin, arguments, named| {
            let (kind, name) = match plugin {
                Plugin::Filter(name) => ("filter", name),
                Plugin::Test(name) => ("test", name),
            };
            python.ask(kind, name, arguments, named)
        }),
    }
}

/// The lookups of before, and behind them those of the project.
fn with_lookups(before: &Arc<Lookup>, python: &Arc<Python>, names: Vec<String>) -> Arc<Lookup> {
    let (before, python) = (before.clone(), python.clone());
    Arc::new(move |folder, name, terms, options| {
        if !names.iter().any(|own| own == name) {
            return before(folder, name, terms, options);
        }
        let found = python.ask("lookup", name, terms, options);
        Some(found.map(|found| match found {
            Json::Array(items) => items,
            one => vec![one],
        }))
    })
}

/// All plugin files with their kinds.
fn files(project: &Project, folder: &Path, roles_path: &[PathBuf]) -> Vec<(&'static str, PathBuf)> {
    let beside = folder.join("roles");
    let mut homes = vec![folder.to_owned()];
    for roles in std::iter::once(&beside).chain(roles_path) {
        homes.extend(entries(roles));
    }
    let mut found = Vec::new();
    for (kind, name) in KINDS {
        let mut folders: Vec<PathBuf> = homes.iter().map(|home| home.join(name)).collect();
        folders.extend(project.settings.paths(name, ':'));
        let files = folders.iter().flat_map(|folder| entries(folder));
        let python = files.filter(|path| path.extension().is_some_and(|end| end == "py"));
        let known =
            python.filter(|path| path.file_name().is_some_and(|name| name != "__init__.py"));
        found.extend(known.map(|path| (kind, path)));
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

#[derive(Deserialize)]
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

/// The Python that does them, one after the other.
struct Python(Mutex<Pipes>);

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
    fn ask(
        &self,
        kind: &str,
        name: &str,
        arguments: &[Json],
        named: &Map<String, Json>,
    ) -> Result<Json, String> {
        let asked = json!({"kind": kind, "name": name, "arguments": arguments, "named": named});
        let mut pipes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = pipes.exchange(&asked)?;
        let answer: Answer = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match answer.error {
            Some(error) => Err(format!("the {kind} `{name}` failed: {error}")),
            None => Ok(answer.value.unwrap_or(Json::Null)),
        }
    }
}

fn start(
    files: &[(&'static str, PathBuf)],
    environment: &BTreeMap<String, String>,
) -> Result<(Python, Said), String> {
    let mut command = Command::new("python3");
    // An ansible-core of this machine has what plugins import, and comes with a Python of its own.
    if let Some(packages) = modules::core(environment).as_deref().and_then(Path::parent) {
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
    let listed = files
        .iter()
        .map(|(kind, path)| json!([kind, path.to_string_lossy()]));
    let said = pipes.exchange(&listed.collect())?;
    let said = serde_json::from_str(&said).map_err(|error| error.to_string())?;
    Ok((Python(Mutex::new(pipes)), said))
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
        let found = files(&project, folder.path(), &[]);
        assert_eq!(found.len(), 4);
        let Ok((python, said)) = start(&found, &BTreeMap::new()) else {
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
}
