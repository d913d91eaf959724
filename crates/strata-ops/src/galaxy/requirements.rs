//! `requirements.yml`: which roles and collections, in which versions, from where.

use std::path::Path;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Source, files::Files};
use strata_jinja::yaml;

/// A role or a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A role.
    Role,
    /// A collection.
    Collection,
}

/// One thing that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is.
    pub kind: Kind,
    /// Its name, which says where it is put.
    pub name: String,
    /// The version, branch or commit; for collections perhaps conditions such as `>=1.2,<2`.
    pub version: Option<String>,
    /// Where it comes from, if it is not a Galaxy server by its name: an address or a path.
    pub from: Option<String>,
    /// Whether that is a git repository.
    pub git: bool,
}

impl Wanted {
    /// Where it comes from, for people.
    pub(super) fn source(&self, server: &str) -> String {
        self.from.clone().unwrap_or_else(|| server.to_owned())
    }
}

/// Reads a file: a list of roles, or a mapping of `roles` and `collections`.
pub(super) fn read(files: &dyn Files, path: &Path, diags: &mut Diagnostics) -> Vec<Wanted> {
    let text = match files.read_text(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("The requirements file cannot be read: {error}");
            diags.push(Diagnostic::error("unreadable-file", message));
            return Vec::new();
        }
    };
    let Some(node) = yaml::parse(&Source::new(path.display().to_string(), text), diags) else {
        return Vec::new();
    };
    let json = node.to_json();
    let (roles, collections) = match &json {
        Json::Array(_) => (Some(&json), None),
        other => (other.get("roles"), other.get("collections")),
    };
    let mut wanted = Vec::new();
    for (kind, list) in [(Kind::Role, roles), (Kind::Collection, collections)] {
        for entry in list.and_then(Json::as_array).into_iter().flatten() {
            if let Some(include) = entry.get("include").and_then(Json::as_str) {
                let folder = path.parent().unwrap_or(Path::new(""));
                wanted.extend(read(files, &folder.join(include), diags));
                continue;
            }
            match one(kind, entry) {
                Ok(one) => wanted.push(one),
                Err(reason) => {
                    diags.push(Diagnostic::error("galaxy", reason).at(node.span.clone()))
                }
            }
        }
    }
    wanted
}

/// The dependencies in a role's `meta/main.yml`; those that are only names of roles beside it are none of ours.
pub(super) fn of_metadata(files: &dyn Files, path: &Path, diags: &mut Diagnostics) -> Vec<Wanted> {
    let Ok(text) = files.read_text(path) else {
        return Vec::new();
    };
    let Some(node) = yaml::parse(&Source::new(path.display().to_string(), text), diags) else {
        return Vec::new();
    };
    let json = node.to_json();
    let list = json.get("dependencies").and_then(Json::as_array);
    let far = |one: &Wanted| one.from.is_some() || one.name.split('.').count() == 2;
    let all = list
        .into_iter()
        .flatten()
        .filter_map(|entry| one(Kind::Role, entry).ok());
    all.filter(far).collect()
}

fn one(kind: Kind, entry: &Json) -> Result<Wanted, String> {
    let text = |name: &str| {
        entry.get(name).map(|value| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    if let Json::String(name) = entry {
        return Ok(named(name, Some(kind)));
    }
    let source = match kind {
        Kind::Role => text("src").or(text("role")).or(text("name")),
        Kind::Collection => text("name").or(text("source")),
    };
    let source = source.ok_or_else(|| format!("an entry needs a name: {entry}"))?;
    let mut wanted = named(&source, Some(kind));
    if kind == Kind::Role {
        wanted.name = text("name").unwrap_or(wanted.name);
    }
    match text("type").as_deref() {
        None | Some("galaxy") => {}
        Some("git") => wanted.git = true,
        Some("url" | "file" | "dir") => {}
        Some(other) => {
            return Err(format!(
                "the type `{other}` of `{source}` is not supported by Strata"
            ));
        }
    }
    match text("scm").as_deref() {
        None => {}
        Some("git") => wanted.git = true,
        Some(other) => {
            return Err(format!(
                "`scm: {other}` of `{source}` is not supported by Strata, only `git`"
            ));
        }
    }
    if wanted.git && wanted.from.is_none() {
        wanted.from = Some(source);
    }
    wanted.version = text("version")
        .filter(|version| version != "*")
        .or(wanted.version);
    Ok(wanted)
}

/// A name as the command line has it: `NAME,VERSION`, `NAMESPACE.NAME:VERSION`, `git+ADDRESS,VERSION`, a path.
pub(super) fn named(text: &str, kind: Option<Kind>) -> Wanted {
    let kind = kind.unwrap_or(Kind::Role);
    let git = text.starts_with("git+")
        || text.starts_with("git@")
        || text
            .split(',')
            .next()
            .is_some_and(|source| source.ends_with(".git"));
    let (source, rest) = match text.strip_prefix("git+").unwrap_or(text).split_once(',') {
        Some((source, rest)) => (source, Some(rest)),
        None => (text.strip_prefix("git+").unwrap_or(text), None),
    };
    let far = git
        || source.contains("://")
        || source.starts_with(['/', '.']) && source.contains('/')
        || source.ends_with(".tar.gz");
    // `SRC,VERSION,NAME`
    let mut rest = rest.into_iter().flat_map(|rest| rest.split(','));
    let mut version = rest
        .next()
        .filter(|version| !version.is_empty())
        .map(str::to_owned);
    let mut source = source.to_owned();
    if !far
        && kind == Kind::Collection
        && let Some((name, own)) = source.clone().split_once(':')
    {
        (source, version) = (name.to_owned(), Some(own.to_owned()));
    }
    let name = match rest.next() {
        Some(name) => name.to_owned(),
        None if far => repository_name(&source),
        None => source.clone(),
    };
    Wanted {
        kind,
        name,
        version,
        from: far.then_some(source),
        git,
    }
}

/// `https://x/y/ansible-role-z.git` is `ansible-role-z`.
fn repository_name(source: &str) -> String {
    let last = source
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default();
    let last = last.trim_end_matches(".git").trim_end_matches(".tar.gz");
    last.to_owned()
}
