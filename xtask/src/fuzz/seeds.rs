//! What each target begins with: our own test cases and examples, cut into pieces.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Files of test cases: path, and what stands between two of them.
const EXPRESSIONS: [(&str, &str); 2] = [
    ("crates/strata-hcl/tests/cases/expressions.txt", "\n"),
    ("crates/strata-hcl/tests/cases/templates.txt", "---\n"),
];
const FILES: [(&str, &str); 2] = [
    ("crates/strata-hcl/tests/cases/format.txt", "---\n"),
    ("crates/strata-hcl/tests/cases/templates.txt", "---\n"),
];

/// Folders in which every file with one of the endings is a case.
const FOLDERS: [&str; 2] = ["crates", "examples"];

/// Longer texts take long for little.
const LONGEST: usize = 4096;

/// Writes the seeds of a target into a folder, a file each, and gives the file that lists them. Their order is the same
/// each time, which that of a folder is not.
pub(super) fn write(target: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let mut paths = Vec::new();
    for (at, text) in of(target)?.iter().enumerate() {
        let path = folder.join(at.to_string());
        fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        paths.push(path.display().to_string());
    }
    let list = folder.join("list");
    fs::write(&list, paths.join(",")).map_err(|error| Failure::file(&list, &error))?;
    Ok(list)
}

fn of(target: &str) -> Result<Vec<String>, Failure> {
    let mut found = match target {
        "evaluate" => pieces(&EXPRESSIONS)?,
        "jinja" => templates()?,
        "parse" | "fmt" => pieces(&FILES)?,
        _ => Vec::new(),
    };
    let endings: &[&str] = match target {
        "parse" | "fmt" => &[".tf", ".tfvars", ".tf.json"],
        "jinja" => &[".j2"],
        "playbook" => &[".yml", ".yaml", ".ini", "hosts"],
        _ => &[],
    };
    for folder in FOLDERS {
        walk(Path::new(folder), endings, &mut found)?;
    }
    found.retain(|text| !text.trim().is_empty() && text.len() <= LONGEST);
    Ok(found)
}

fn pieces(files: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for (path, between) in files {
        found.extend(read(Path::new(path))?.split(between).map(str::to_owned));
    }
    Ok(found)
}

/// The templates that Ansible was asked about.
fn templates() -> Result<Vec<String>, Failure> {
    let path = Path::new("crates/strata-jinja/tests/oracle/templates.json");
    let cases: serde_json::Value = serde_json::from_str(&read(path)?)
        .map_err(|error| Failure::new(format!("`{}`: {error}", path.display())))?;
    let mut found = Vec::new();
    texts(&cases, &mut found);
    found.retain(|text| text.contains("{{") || text.contains("{%"));
    Ok(found)
}

fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

fn walk(folder: &Path, endings: &[&str], found: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |error| Failure::file(folder, &error);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, endings, found)?;
        } else if endings
            .iter()
            .any(|end| path.to_string_lossy().ends_with(end))
        {
            found.push(read(&path)?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file(path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
