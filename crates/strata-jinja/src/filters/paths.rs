//! Filters over paths. They look at the letters only, but for `expanduser`, `fileglob`, `realpath` and `relpath`, which ask
//! the surroundings.

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, ValueKind},
};
use std::path::{Path, PathBuf};
use strata_core::files::Files;

use super::{add, items, option, refuse, tuple};
use crate::{operators::type_name, run::Run, wildcard};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "basename", |path: &str| base(path).to_owned());
    add(environment, "dirname", folder);
    add(environment, "splitext", splitext);
    add(environment, "expanduser", expanduser);
    add(environment, "expandvars", expandvars);
    add(environment, "realpath", realpath);
    add(environment, "normpath", normalized);
    add(environment, "relpath", relpath);
    add(environment, "path_join", path_join);
    add(environment, "fileglob", fileglob);
    add(environment, "commonpath", commonpath);
    add(environment, "win_basename", |path: &str| {
        path.rsplit(['\\', '/'])
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    add(environment, "win_dirname", |path: &str| {
        path.rsplit_once(['\\', '/'])
            .map_or(String::new(), |(folder, _)| folder.to_owned())
    });
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn folder(path: &str) -> String {
    let Some((folder, _)) = path.rsplit_once('/') else {
        return String::new();
    };
    let trimmed = folder.trim_end_matches('/');
    if trimmed.is_empty() {
        "/".to_owned()
    } else {
        trimmed.to_owned()
    }
}

fn splitext(path: &str) -> Value {
    let name = base(path);
    let leading = name.len() - name.trim_start_matches('.').len();
    let at = match name[leading..].rfind('.') {
        Some(at) => path.len() - name.len() + leading + at,
        None => path.len(),
    };
    let (stem, extension) = path.split_at(at);
    tuple(vec![stem.into(), extension.into()])
}

fn expanduser(state: &mut State<'_, '_>, path: &str) -> Result<String, Error> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path.to_owned());
    };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return refuse(format!(
            "the home of another user (`{path}`) is not looked up"
        ));
    }
    let home = Run::of(state)?
        .templar
        .surroundings
        .environment_variable("HOME");
    Ok(home.map_or(path.to_owned(), |home| {
        format!("{}{rest}", home.trim_end_matches('/'))
    }))
}

fn expandvars(state: &mut State<'_, '_>, path: &str) -> Result<String, Error> {
    let run = Run::of(state)?;
    let pattern =
        crate::python_regex::compile(r"\$(\w+|\{[^}]*\})", crate::python_regex::Flags::default())?;
    let (replaced, _) = pattern.replace(path, 0, |found| {
        let group = |at| found.get(at).map_or("", |group| group.as_str());
        let name = group(1).trim_matches(['{', '}']);
        let value = run.templar.surroundings.environment_variable(name);
        value.unwrap_or_else(|| group(0).to_owned())
    })?;
    Ok(replaced)
}

/// The whole path, without links as far as it is there.
fn realpath(state: &mut State<'_, '_>, path: &str) -> Result<String, Error> {
    let run = Run::of(state)?;
    let files = run.templar.surroundings.files();
    let whole = absolute(files, path);
    // What is behind a folder that is not there has no links.
    let there = whole
        .ancestors()
        .find(|folder| files.kind(folder).is_some())
        .unwrap_or(&whole);
    let rest = whole.strip_prefix(there).unwrap_or(Path::new(""));
    let real = files.real(there).join(rest);
    Ok(normalized(&real.to_string_lossy()))
}

fn absolute(files: &dyn Files, path: &str) -> PathBuf {
    let current = files.current().unwrap_or_default();
    PathBuf::from(normalized(&current.join(path).to_string_lossy()))
}

fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".to_owned(),
        (false, joined) => joined,
    }
}

fn relpath(state: &mut State<'_, '_>, path: &str, start: Option<&str>) -> Result<String, Error> {
    if path.is_empty() {
        return refuse("an empty text is no path");
    }
    let run = Run::of(state)?;
    let files = run.templar.surroundings.files();
    let whole = |path: &str| absolute(files, path).to_string_lossy().into_owned();
    let (path, start) = (whole(path), whole(start.unwrap_or(".")));
    let split = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect()
    };
    let (path, start) = (split(&path), split(&start));
    let shared = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let ups = std::iter::repeat_n("..", start.len() - shared);
    let parts: Vec<&str> = ups
        .chain(path[shared..].iter().map(String::as_str))
        .collect();
    Ok(match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    })
}

/// The texts of a list, all of which must be some.
fn texts(value: &Value) -> Result<Vec<String>, Error> {
    let text = |item: &Value| match item.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => refuse(format!("a {} is no path", type_name(item))),
    };
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items(value)?.iter().map(text).collect(),
        _ => refuse(format!(
            "paths stand in a list, not in a {}",
            type_name(value)
        )),
    }
}

fn path_join(value: &Value) -> Result<String, Error> {
    let parts = match value.as_str() {
        Some(text) => vec![text.to_owned()],
        None => texts(value)?,
    };
    let mut joined = String::new();
    for part in parts {
        if part.starts_with('/') || joined.is_empty() {
            joined = part;
        } else {
            if !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(&part);
        }
    }
    Ok(joined)
}

fn commonpath(value: &Value, options: Kwargs) -> Result<String, Error> {
    let _ = option::<Value>(&options, "encoding")?;
    let paths = texts(value)?;
    let Some(first) = paths.first() else {
        return refuse("commonpath needs at least one path");
    };
    let mut common: Vec<_> = Path::new(first).components().collect();
    for path in &paths[1..] {
        let shared = common
            .iter()
            .zip(Path::new(path).components())
            .take_while(|(a, b)| **a == *b)
            .count();
        common.truncate(shared);
    }
    Ok(common
        .iter()
        .collect::<std::path::PathBuf>()
        .to_string_lossy()
        .into_owned())
}

/// The files that fit a pattern, by whole paths or from the working directory.
fn fileglob(state: &mut State<'_, '_>, pattern: &str) -> Result<Vec<String>, Error> {
    let run = Run::of(state)?;
    Ok(wildcard::files(run.templar.surroundings.files(), pattern))
}
