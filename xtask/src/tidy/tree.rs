//! What the checks look at: the repository as plain data.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// The repository's files and packages.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Text files by their path from the root, `/` between the parts.
    pub(crate) files: BTreeMap<String, String>,
    /// The workspace's packages.
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The path of its folder from the root.
    pub(crate) folder: String,
    /// What it needs in order to be built, without what only its tests need.
    pub(crate) dependencies: Vec<String>,
}

/// One thing that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    path: String,
    line: usize,
    message: String,
}

impl Problem {
    /// Makes a problem of a file as a whole.
    pub(crate) fn file(path: &str, message: impl Into<String>) -> Problem {
        Problem {
            path: path.to_owned(),
            line: 0,
            message: message.into(),
        }
    }

    /// Makes a problem of one line, counted from one.
    pub(crate) fn line(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

impl Tree {
    /// Reads the workspace around the current directory, new files included.
    ///
    /// Hidden folders and what cargo builds are left out.
    pub(crate) fn read() -> Result<Tree, Failure> {
        let locate = [
            "cargo",
            "locate-project",
            "--workspace",
            "--message-format",
            "plain",
        ];
        let manifest = process::output(&locate)?;
        let root = Path::new(manifest.trim_end())
            .parent()
            .unwrap_or(Path::new("."));
        let mut files = BTreeMap::new();
        collect(root, root, &mut files)?;
        Ok(Tree {
            files,
            packages: packages(root)?,
        })
    }

    /// Gives the Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Makes a tree of a few files, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let owned = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Tree {
            files: owned.collect(),
            packages: Vec::new(),
        }
    }

    /// Adds a package, for tests.
    #[cfg(test)]
    pub(crate) fn with(mut self, name: &str, dependencies: &[&str]) -> Tree {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        self.packages.push(Package {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            dependencies,
        });
        self
    }
}

fn collect(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let failed = |error| Failure::file(folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name == "target" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            // What is no text, an image say, has no lines to look at.
            let relative = path.strip_prefix(root).unwrap_or(&path);
            files.insert(relative.display().to_string(), text);
        }
    }
    Ok(())
}

fn packages(root: &Path) -> Result<Vec<Package>, Failure> {
    let mut cargo = process::command(&["cargo", "metadata", "--format-version", "1", "--no-deps"]);
    let answer = process::output_of(cargo.current_dir(root))?;
    let answer: Value = serde_json::from_str(&answer)
        .map_err(|error| Failure::new(format!("`cargo metadata` gave no JSON: {error}")))?;
    let packages = answer["packages"].as_array().into_iter().flatten();
    Ok(packages.map(|entry| package(root, entry)).collect())
}

fn package(root: &Path, entry: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = text(&entry["manifest_path"]);
    let folder = Path::new(&manifest).parent().unwrap_or(root);
    let folder = folder.strip_prefix(root).unwrap_or(folder);
    let dependencies = entry["dependencies"].as_array().into_iter().flatten();
    let needed = dependencies.filter(|dependency| dependency["kind"] != "dev");
    Package {
        name: text(&entry["name"]),
        folder: folder.display().to_string(),
        dependencies: needed.map(|dependency| text(&dependency["name"])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_read_without_what_only_its_tests_need() {
        let entry = serde_json::json!({
            "name": "a", "manifest_path": "/root/crates/a/Cargo.toml",
            "dependencies": [{ "name": "b", "kind": null }, { "name": "c", "kind": "dev" }, { "name": "d", "kind": "build" }],
        });
        let expected = Package {
            name: "a".to_owned(),
            folder: "crates/a".to_owned(),
            dependencies: vec!["b".to_owned(), "d".to_owned()],
        };
        assert_eq!(package(Path::new("/root"), &entry), expected);
    }

    #[test]
    fn a_problem_prints_its_place() {
        assert_eq!(Problem::file("a.rs", "is bad").to_string(), "a.rs: is bad");
        assert_eq!(
            Problem::line("a.rs", 3, "is bad").to_string(),
            "a.rs:3: is bad"
        );
    }
}
