//! Filters over paths. They look at the letters only, but for `expanduser` and `realpath`, which ask the surroundings.

use minijinja::{Environment, Error, State, Value, value::Kwargs};
use std::path::Path;

use super::{add, items, option, refuse};
use crate::{python, run::Run};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "basename", |path: Option<String>| {
        needed(path).map(|path| base(&path).to_owned())
    });
    add(environment, "dirname", |path: String| folder(&path));
    add(environment, "splitext", splitext);
    add(environment, "expanduser", expanduser);
    add(environment, "expandvars", expandvars);
    add(environment, "realpath", realpath);
    add(environment, "normpath", |path: String| normalized(&path));
    add(environment, "relpath", relpath);
    add(environment, "path_join", path_join);
    add(environment, "commonpath", commonpath);
    add(environment, "win_basename", |path: String| {
        path.rsplit(['\\', '/'])
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    add(environment, "win_dirname", |path: String| {
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

/// A path; nothing is none.
fn needed(path: Option<String>) -> Result<String, Error> {
    path.map_or_else(|| refuse("nothing is no path"), Ok)
}

fn splitext(path: Option<String>) -> Result<Vec<String>, Error> {
    let path = needed(path)?;
    let name = base(&path);
    let leading = name.len() - name.trim_start_matches('.').len();
    Ok(match name[leading..].rfind('.') {
        Some(at) => {
            let at = path.len() - name.len() + leading + at;
            vec![path[..at].to_owned(), path[at..].to_owned()]
        }
        None => vec![path, String::new()],
    })
}

fn expanduser(state: &mut State<'_, '_>, path: String) -> Result<String, Error> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path);
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
    Ok(home.map_or(path.clone(), |home| {
        format!("{}{rest}", home.trim_end_matches('/'))
    }))
}

fn expandvars(state: &mut State<'_, '_>, path: String) -> Result<String, Error> {
    let run = Run::of(state)?;
    let pattern =
        crate::python_regex::compile(r"\$(\w+|\{[^}]*\})", crate::python_regex::Flags::default())?;
    let (replaced, _) = pattern.replace(&path, 0, |found| {
        let group = |at| found.get(at).map_or("", |group| group.as_str());
        let name = group(1).trim_matches(['{', '}']);
        let value = run.templar.surroundings.environment_variable(name);
        value.unwrap_or_else(|| group(0).to_owned())
    })?;
    Ok(replaced)
}

/// Links are not followed: the tree that templates see has none.
fn realpath(path: String) -> String {
    normalized(&path)
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

fn relpath(path: String, start: Option<String>) -> String {
    let (path, start) = (
        normalized(&path),
        normalized(&start.unwrap_or_else(|| ".".to_owned())),
    );
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
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

fn path_join(value: &Value) -> Result<String, Error> {
    let parts = match value.as_str() {
        Some(text) => vec![text.to_owned()],
        None => items(value)?.iter().map(python::text).collect(),
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
    let paths: Vec<String> = items(value)?.iter().map(python::text).collect();
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
