//! Lookups that read the controller's files: `file`, `template`, `first_found`, `fileglob`, `lines` of a file, `ini`;
//! and where those of the surroundings find theirs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use minijinja::{Error, Value, value::ValueKind};
use serde_json::{Map, Value as Json};
use strata_core::files::{EntryKind, normalize};

use super::{Options, refuse};
use crate::{
    FileOptions, Templar, Variable, Variables, compile, convert, header, python, run::Run,
};

/// Runs one of these lookups, if the name is one of theirs.
pub(super) fn run(
    run: &Arc<Run>,
    name: &str,
    terms: &[Value],
    options: &Options<'_>,
) -> Option<Result<Vec<Value>, Error>> {
    Some(match name {
        "file" => terms.iter().map(|term| file(run, term, options)).collect(),
        "template" => terms
            .iter()
            .map(|term| template(run, term, options))
            .collect(),
        "first_found" => first_found(run, terms, options, None),
        crate::WITH_FIRST_FOUND => match terms.split_first() {
            Some((kind, terms)) => first_found(run, terms, options, kind.as_str()),
            None => Ok(Vec::new()),
        },
        "fileglob" => fileglob(run, terms),
        "csvfile" => terms
            .iter()
            .map(|term| csvfile(run, term, options))
            .collect(),
        "ini" => terms.iter().try_fold(Vec::new(), |mut all, term| {
            all.extend(super::ini::ini(run, term, options)?);
            Ok(all)
        }),
        _ => return None,
    })
}

/// `csvfile('KEY file=F delimiter=, col=1')`: a column of the row whose first column is the key.
fn csvfile(run: &Arc<Run>, term: &Value, options: &Options<'_>) -> Result<Value, Error> {
    options.only(&["file", "delimiter", "col", "keycol", "default", "encoding"])?;
    let term = python::text(term);
    let mut words = term.split_whitespace();
    let key = words.next().unwrap_or_default();
    let inline: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let option = |name: &str| {
        let own = inline.iter().find(|(known, _)| *known == name);
        own.map(|(_, value)| (*value).to_owned())
            .or(options.text(name))
    };
    let number = |name: &str, usual: usize| match option(name) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .map_err(|_| refuse(format!("`{name}` needs a number, not `{text}`"))),
    };
    let (column, key_column) = (number("col", 1)?, number("keycol", 0)?);
    let delimiter = match option("delimiter").as_deref() {
        None | Some("TAB" | "t" | "\\t") => '\t',
        Some(text) => text.chars().next().unwrap_or('\t'),
    };
    let path = find(
        run,
        "files",
        &option("file").unwrap_or_else(|| "ansible.csv".to_owned()),
    )?;
    let text = read(run, &path)?;
    let rows = crate::filters::community::rows(&text, delimiter, false);
    let row = rows
        .iter()
        .find(|row| row.get(key_column).is_some_and(|own| own == key));
    match row.and_then(|row| row.get(column)) {
        Some(found) => Ok(Value::from(found.as_str())),
        None => Ok(option("default").map_or(Value::from(()), Value::from)),
    }
}

/// Where a relative path may be: in `kind` of each search folder, then in the folder itself.
pub(crate) fn candidates(run: &Run, kind: &str, path: &str) -> Vec<PathBuf> {
    let path = Path::new(path);
    if path.is_absolute() {
        return vec![path.to_owned()];
    }
    let folders = run.templar.surroundings.search_folders();
    let beside = run.templar.beside.iter().filter(|_| kind == "templates");
    beside
        .chain(&folders)
        .flat_map(|folder| [folder.join(kind).join(path), folder.join(path)])
        .map(|path| normalize(&path))
        .collect()
}

/// The terms of a lookup of the surroundings that reads files or folders: where they are, beside the task, its role and
/// the playbook. What is nowhere stays as it was said, for the lookup to name it.
pub(super) fn located(run: &Run, name: &str, terms: &[Value]) -> Vec<Value> {
    let wanted = match name {
        "filetree" => EntryKind::Folder,
        "unvault" | "community.sops.sops" => EntryKind::File,
        _ => return terms.to_vec(),
    };
    let files = run.templar.surroundings.files();
    let locate = |term: &Value| {
        let said = python::text(term);
        let mut places = candidates(run, "files", &said).into_iter();
        let Some(found) = places.find(|path| files.kind(path) == Some(wanted)) else {
            return term.clone();
        };
        // A folder keeps the stroke behind it, which the lookup tells.
        let stroke = if said.ends_with('/') { "/" } else { "" };
        Value::from(format!("{}{stroke}", found.display()))
    };
    terms.iter().map(locate).collect()
}

pub(crate) fn find(run: &Run, kind: &str, path: &str) -> Result<PathBuf, Error> {
    let candidates = candidates(run, kind, path);
    let files = run.templar.surroundings.files();
    match candidates
        .iter()
        .find(|path| files.kind(path) == Some(EntryKind::File))
    {
        Some(found) => Ok(found.clone()),
        None => {
            let places: Vec<_> = candidates
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect();
            Err(refuse(format!(
                "could not find the file `{path}`; looked at {}",
                if places.is_empty() {
                    "no folder".to_owned()
                } else {
                    places.join(", ")
                }
            )))
        }
    }
}

pub(crate) fn read(run: &Run, path: &Path) -> Result<Arc<str>, Error> {
    let files = run.templar.surroundings.files();
    files
        .read_text(path)
        .map_err(|error| refuse(error.to_string()))
}

fn file(run: &Arc<Run>, term: &Value, options: &Options<'_>) -> Result<Value, Error> {
    options.only(&["rstrip", "lstrip"])?;
    let text = read(run, &find(run, "files", &python::text(term))?)?;
    if text.starts_with("$ANSIBLE_VAULT;") {
        let mark = serde_json::json!({ crate::VAULT_KEY: &*text });
        return Ok(run.vault(&mark));
    }
    let text = if options.flag("rstrip", true) {
        text.trim_end()
    } else {
        &text
    };
    Ok(Value::from(if options.flag("lstrip", false) {
        text.trim_start()
    } else {
        text
    }))
}

fn template(run: &Arc<Run>, term: &Value, options: &Options<'_>) -> Result<Value, Error> {
    options.only(&["convert_data", "template_vars"])?;
    let path = find(run, "templates", &python::text(term))?;
    let own = options.get("template_vars");
    let own = own.map(convert::to_json).transpose()?;
    let mut about = about(run, &path, &python::text(term))?;
    let run = &match own {
        Some(Json::Object(own)) => {
            about.extend(own);
            with_own(run, &path, about)
        }
        Some(Json::Null) | None => with_own(run, &path, about),
        Some(_) => {
            return Err(refuse(
                "`template_vars` of the lookup `template` is a mapping",
            ));
        }
    };
    let text = read(run, &path)?;
    let (file_options, body) =
        header::split(&text, &FileOptions::ansible()).map_err(|error| refuse(error.to_string()))?;
    let syntax = header::syntax(&file_options).map_err(|error| refuse(error.to_string()))?;
    let value = compile::render_source(run, &path.display().to_string(), body, &syntax)?;
    // A single value stays what it is, and a template that puts nothing out is none.
    let Some(text) = value.as_str() else {
        return Ok(match body.is_empty() {
            true => Value::from(""),
            false => value,
        });
    };
    let missing =
        compile::trailing_line_breaks(body).saturating_sub(compile::trailing_line_breaks(text));
    Ok(Value::from(text.to_owned() + &"\n".repeat(missing)))
}

/// What a template knows about itself, as one that the module `template` renders; the user's own `ansible_managed` wins.
fn about(run: &Arc<Run>, path: &Path, term: &str) -> Result<Map<String, Json>, Error> {
    let file = run.templar.surroundings.template_file(path);
    crate::about::template(&file, path, (term, None), &run.templar)
        .map_err(|error| refuse(error.to_string()))
}

/// A run in which some variables are others.
fn with_own(run: &Arc<Run>, path: &Path, own: Map<String, Json>) -> Arc<Run> {
    // The time of rendering makes no scope of its own.
    let fixed: Map<_, _> = own
        .iter()
        .filter(|(name, _)| *name != "template_run_date")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let scope = format!("{}\0{}", path.display(), Json::Object(fixed));
    let own = own
        .into_iter()
        .map(|(name, value)| (name, Arc::new(value)))
        .collect();
    let templar = Templar {
        variables: Arc::new(Own {
            own,
            others: run.templar.variables.clone(),
        }),
        // A template includes others from beside itself.
        beside: path.parent().map(Path::to_owned),
        ..run.templar.clone()
    };
    run.inside(&scope, templar)
}

/// Variables of a template's own before all others; their texts are no templates any more.
struct Own {
    own: BTreeMap<String, Arc<Json>>,
    others: Arc<dyn Variables>,
}

impl Variables for Own {
    fn get(&self, name: &str) -> Option<Variable> {
        match self.own.get(name) {
            Some(value) => Some(Variable::Plain(value.clone())),
            None => self.others.get(name),
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.others.names();
        names.extend(self.own.keys().cloned());
        names.sort();
        names.dedup();
        names
    }
}

/// Terms are names, or mappings with `files`, `paths` and `skip`. `kind` is the folder beside the task, its role and the
/// playbook in which they are looked for before these themselves.
fn first_found(
    run: &Arc<Run>,
    terms: &[Value],
    options: &Options<'_>,
    kind: Option<&str>,
) -> Result<Vec<Value>, Error> {
    options.only(&["files", "paths", "skip"])?;
    let mut skip = options.flag("skip", false);
    let mut names = combined(options.get("files"), options.get("paths"))?;
    for term in flat(terms)? {
        if term.kind() == ValueKind::Map {
            skip = term.get_attr("skip")?.is_true();
            let field = |name: &str| {
                term.get_attr(name)
                    .ok()
                    .filter(|value| !value.is_undefined())
            };
            names.extend(combined(field("files").as_ref(), field("paths").as_ref())?);
        } else {
            names.push(python::text(&term));
        }
    }
    let files = run.templar.surroundings.files();
    for name in &names {
        let found = candidates(run, kind.unwrap_or_default(), name)
            .into_iter()
            .find(|path| files.kind(path) == Some(EntryKind::File));
        if let Some(found) = found {
            return Ok(vec![Value::from(found.display().to_string())]);
        }
    }
    if skip {
        return Ok(Vec::new());
    }
    Err(refuse(format!(
        "none of these files was found: {}",
        names.join(", ")
    )))
}

fn flat(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for term in terms {
        match term.kind() {
            ValueKind::Seq => flat.extend(term.try_iter()?),
            _ => flat.push(term.clone()),
        }
    }
    Ok(flat)
}

fn texts(value: Option<&Value>) -> Result<Vec<String>, Error> {
    Ok(match value {
        None => Vec::new(),
        Some(value) => match value.as_str() {
            Some(text) => text
                .split([',', ';'])
                .map(|part| part.trim().to_owned())
                .collect(),
            None => value.try_iter()?.map(|item| python::text(&item)).collect(),
        },
    })
}

/// Every file in every path, the paths outermost.
fn combined(files: Option<&Value>, paths: Option<&Value>) -> Result<Vec<String>, Error> {
    let (files, paths) = (texts(files)?, texts(paths)?);
    if paths.is_empty() {
        return Ok(files);
    }
    let join = |path: &String, file: &String| format!("{}/{file}", path.trim_end_matches('/'));
    Ok(paths
        .iter()
        .flat_map(|path| files.iter().map(move |file| join(path, file)))
        .collect())
}

/// The files that fit a pattern in the last part of a path, sorted.
fn fileglob(run: &Arc<Run>, terms: &[Value]) -> Result<Vec<Value>, Error> {
    let files = run.templar.surroundings.files();
    let mut found = Vec::new();
    for term in flat(terms)? {
        let text = python::text(&term);
        for pattern in candidates(run, "files", &text) {
            let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else {
                continue;
            };
            let pattern = name.to_string_lossy();
            let entries = files.list(folder).unwrap_or_default();
            let fitting = entries.iter().filter(|entry| {
                entry.kind == EntryKind::File
                    && crate::wildcard::matches_file(&pattern, &entry.name)
            });
            let paths: Vec<_> = fitting
                .map(|entry| folder.join(&entry.name).display().to_string())
                .collect();
            if !paths.is_empty() {
                found.extend(paths.into_iter().map(Value::from));
                break;
            }
        }
    }
    Ok(found)
}
