//! `community.general.filetree`: all that is in folders and below them, with its properties.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use regex::Regex;
use serde_json::{Value as Json, json};

use super::{Found, Options, here, text};

/// What is in the folders of the terms: of a path that several of them have, the first one's. Each folder's content
/// comes sorted, folders first, and what is below them after it; links are told and not followed.
pub(super) fn filetree(folder: &Path, terms: &[String], options: &Options) -> Found {
    if let Some(unknown) = options.keys().find(|name| *name != "exclude") {
        return Err(format!("the lookup `filetree` has no option `{unknown}`"));
    }
    let exclude = options
        .get("exclude")
        .filter(|value| !value.is_null())
        .map(|value| {
            let written = text(value);
            Regex::new(&format!("^(?:{written})"))
                .map_err(|_| format!("`exclude` is no pattern that Strata can read: `{written}`"))
        })
        .transpose()?;
    let names = Names::read();
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for term in terms {
        let root = here(folder).join(term);
        for relative in below(&root)? {
            let told = relative.to_string_lossy().into_owned();
            let excluded = exclude.as_ref().is_some_and(|own| own.is_match(&told));
            if excluded || seen.contains(&told) {
                continue;
            }
            if let Some(properties) = properties(&root, &relative, &told, &names)? {
                found.push(properties);
                seen.insert(told);
            }
        }
    }
    Ok(found)
}

/// The relative paths of all that is below a folder; nothing where there is none.
fn below(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut all = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        let path = root.join(&folder);
        // What cannot be read is passed over, as Python's `os.walk` does.
        let Ok(entries) = fs::read_dir(&path) else {
            continue;
        };
        let (mut folders, mut files, mut inner) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", path.display()))?;
            let relative = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                inner.push(relative.clone());
            }
            match entry.path().is_dir() {
                true => folders.push(relative),
                false => files.push(relative),
            }
        }
        folders.sort();
        files.sort();
        inner.sort_by(|a, b| b.cmp(a));
        all.extend(folders.into_iter().chain(files));
        waiting.extend(inner);
    }
    Ok(all)
}

/// What is told of one thing; none of what is neither file, folder nor link.
fn properties(
    root: &Path,
    relative: &Path,
    told: &str,
    names: &Names,
) -> Result<Option<Json>, String> {
    let path = root.join(relative);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let own = fs::symlink_metadata(&path).map_err(failed)?;
    let (state, source) = if own.is_symlink() {
        ("link", Some(fs::read_link(&path).map_err(failed)?))
    } else if own.is_dir() {
        ("directory", None)
    } else if own.is_file() {
        ("file", Some(path.clone()))
    } else {
        return Ok(None);
    };
    let seconds = |whole: i64, part: i64| whole as f64 + part as f64 / 1e9;
    let mut properties = json!({
        "root": root.to_string_lossy(),
        "path": told,
        "state": state,
        "uid": own.uid(),
        "gid": own.gid(),
        "owner": name(&names.users, own.uid()),
        "group": name(&names.groups, own.gid()),
        "mode": format!("0{:03o}", own.mode() & 0o7777),
        "size": own.size(),
        "mtime": seconds(own.mtime(), own.mtime_nsec()),
        "ctime": seconds(own.ctime(), own.ctime_nsec()),
    });
    if let Some(source) = source {
        properties["src"] = source.to_string_lossy().into();
    }
    Ok(Some(properties))
}

/// The users and groups of this machine, by number.
struct Names {
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Names {
    fn read() -> Self {
        let read = |path: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = |line: &str| {
                let mut fields = line.split(':');
                let name = fields.next()?.to_owned();
                Some((fields.nth(1)?.parse().ok()?, name))
            };
            // The first of several of one number goes before the others.
            text.lines().rev().filter_map(line).collect()
        };
        Self {
            users: read("/etc/passwd"),
            groups: read("/etc/group"),
        }
    }
}

/// A name, or the number where it has none.
fn name(names: &BTreeMap<u32, String>, number: u32) -> Json {
    match names.get(&number) {
        Some(name) => name.as_str().into(),
        None => number.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_below_is_told_with_the_first_of_two_and_links_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("one/deep/er")).unwrap();
        fs::create_dir_all(at("two/deep")).unwrap();
        for path in [
            "one/z",
            "one/deep/a",
            "two/z",
            "two/deep/b.bak",
            "two/deep/c",
        ] {
            fs::write(at(path), path).unwrap();
        }
        symlink("deep", at("one/link")).unwrap();
        symlink("nowhere", at("one/deep/broken")).unwrap();
        let terms = [at("one"), at("two"), at("none")].map(|path| path.display().to_string());
        let options = json!({"exclude": r".*\.bak$"}).as_object().unwrap().clone();
        let found = filetree(Path::new(""), &terms, &options).unwrap();
        let text = |one: &Json, key: &str| one[key].as_str().unwrap_or("-").to_owned();
        let told: Vec<String> = found
            .iter()
            .map(|one| format!("{} {}", text(one, "state"), text(one, "path")))
            .collect();
        assert_eq!(
            told,
            [
                "directory deep",
                "link link",
                "file z",
                "directory deep/er",
                "file deep/a",
                "link deep/broken",
                "file deep/c",
            ]
        );
        assert_eq!(text(&found[1], "src"), "deep");
        assert_eq!(text(&found[2], "src"), at("one/z").display().to_string());
        assert_eq!(text(&found[0], "src"), "-");
        assert_eq!(found[2]["size"], 5);
        assert_eq!(text(&found[6], "root"), at("two").display().to_string());
        let wrong = json!({"depth": 1}).as_object().unwrap().clone();
        assert_eq!(
            filetree(Path::new(""), &terms, &wrong).unwrap_err(),
            "the lookup `filetree` has no option `depth`"
        );
    }
}
