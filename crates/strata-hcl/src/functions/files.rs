//! Files, their hashes, and templates made of them. Files come through the scope's environment.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use strata_core::{
    Diagnostic, Diagnostics, Source, Type, Value,
    files::{EntryKind, FileErrorReason, Files},
};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, hash::hex,
    md5::md5, paths, text,
};
use crate::{
    parser::parse_template,
    scope::{Environment, Reference, Resolved, Scope, evaluate},
};

const PATH: Parameter = Parameter::new("path", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "basename",
        &[PATH],
        Returns::String,
        "Gives the last part of a path.",
        |given, _| Ok(Value::from(basename(text(given, 0)))),
    ),
    Function::new(
        "dirname",
        &[PATH],
        Returns::String,
        "Gives a path without its last part.",
        |given, _| Ok(Value::from(dirname(text(given, 0)))),
    ),
    Function::new(
        "file",
        &[PATH],
        Returns::String,
        "Reads a file of UTF-8 text.",
        |given, context| Ok(Value::from(&*read_text(text(given, 0), context)?)),
    ),
    Function::new(
        "filebase64",
        &[PATH],
        Returns::String,
        "Reads a file and gives it as base64.",
        |given, context| {
            let bytes = read(text(given, 0), context)?;
            Ok(Value::from(STANDARD.encode(bytes)))
        },
    ),
    Function::new(
        "filebase64sha256",
        &[PATH],
        Returns::String,
        "Gives the SHA-256 of a file as base64.",
        |given, context| {
            hashed(given, context, |bytes| {
                STANDARD.encode(Sha256::digest(bytes))
            })
        },
    ),
    Function::new(
        "filebase64sha512",
        &[PATH],
        Returns::String,
        "Gives the SHA-512 of a file as base64.",
        |given, context| {
            hashed(given, context, |bytes| {
                STANDARD.encode(Sha512::digest(bytes))
            })
        },
    ),
    Function::new(
        "fileexists",
        &[PATH],
        Returns::Bool,
        "Tells whether a file is there.",
        fileexists,
    ),
    Function::new(
        "filemd5",
        &[PATH],
        Returns::String,
        "Gives the MD5 of a file.",
        |given, context| hashed(given, context, |bytes| hex(&md5(bytes))),
    ),
    Function::new(
        "fileset",
        &[PATH, Parameter::new("pattern", Kind::String)],
        Returns::By(|_| Ok(Type::set(Type::String))),
        "Gives the files of a folder that fit a pattern.",
        fileset,
    ),
    Function::new(
        "filesha1",
        &[PATH],
        Returns::String,
        "Gives the SHA-1 of a file.",
        |given, context| hashed(given, context, |bytes| hex(&Sha1::digest(bytes))),
    ),
    Function::new(
        "filesha256",
        &[PATH],
        Returns::String,
        "Gives the SHA-256 of a file.",
        |given, context| hashed(given, context, |bytes| hex(&Sha256::digest(bytes))),
    ),
    Function::new(
        "filesha512",
        &[PATH],
        Returns::String,
        "Gives the SHA-512 of a file.",
        |given, context| hashed(given, context, |bytes| hex(&Sha512::digest(bytes))),
    ),
    Function::new(
        "templatefile",
        &[PATH, Parameter::new("vars", Kind::Any).raw()],
        Returns::Dynamic,
        "Reads a file as a template and fills it in.",
        |given, context| {
            let content = read_text(text(given, 0), context)?;
            template(text(given, 0), content, &given[1], context)
        },
    )
    .or_null(),
    Function::new(
        "templatestring",
        &[
            Parameter::new("template", Kind::String),
            Parameter::new("vars", Kind::Any).raw(),
        ],
        Returns::Dynamic,
        "Takes a text as a template and fills it in.",
        |given, context| {
            template(
                "<templatestring argument>",
                text(given, 0).into(),
                &given[1],
                context,
            )
        },
    )
    .or_null(),
];

fn basename(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn dirname(path: &str) -> String {
    let Some((before, _)) = path.rsplit_once('/') else {
        return ".".to_owned();
    };
    let clean = cleaned(before);
    match clean.as_str() {
        "" if path.starts_with('/') => "/".to_owned(),
        "" => ".".to_owned(),
        _ => clean,
    }
}

/// The shortest path of the same meaning.
pub(super) fn cleaned(path: &str) -> String {
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            Component::ParentDir if clean.has_root() => {}
            other => clean.push(other),
        }
    }
    clean.to_string_lossy().into_owned()
}

/// The files, and where a path leads to in them.
fn locate<'a>(
    path: &str,
    context: &Context<'a>,
) -> Result<(&'a dyn Files, PathBuf), FunctionError> {
    let environment = context.scope.environment();
    let Some(files) = environment.files else {
        return Err(FunctionError::new("files cannot be read here"));
    };
    let path = paths::expanded(path, context)?;
    Ok((files, environment.directory.join(&*path)))
}

fn read(path: &str, context: &Context<'_>) -> Result<Arc<[u8]>, FunctionError> {
    let (files, place) = locate(path, context)?;
    files
        .read(&place)
        .map_err(|error| unreadable(path, &error.reason, is_folder(files, &place)))
}

fn read_text(path: &str, context: &Context<'_>) -> Result<Arc<str>, FunctionError> {
    let (files, place) = locate(path, context)?;
    files
        .read_text(&place)
        .map_err(|error| unreadable(path, &error.reason, is_folder(files, &place)))
}

fn is_folder(files: &dyn Files, place: &Path) -> bool {
    files.kind(place) == Some(EntryKind::Folder)
}

/// A path as Terraform shows it, cleaned: nothing is the folder itself.
fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn unreadable(path: &str, reason: &FileErrorReason, is_folder: bool) -> FunctionError {
    let message = match reason {
        FileErrorReason::NotFound => format!(
            "no file exists at {path:?}; this function works only with files that are distributed as part of the configuration source code, so if this file will be created by a resource in this configuration you must instead obtain this result from an attribute of that resource"
        ),
        _ if is_folder => format!("failed to read file: read {}: is a directory", shown(path)),
        reason => format!("failed to read {path:?}: {reason}"),
    };
    FunctionError::argument(0, message)
}

fn hashed(given: Given<'_>, context: &Context<'_>, hash: fn(&[u8]) -> String) -> Result_ {
    let (files, place) = locate(text(given, 0), context)?;
    let path = shown(text(given, 0));
    let missing = match files.kind(&place) {
        Some(EntryKind::Folder) => Some(format!("read {path}: is a directory")),
        None => Some(format!("open {path}: no such file or directory")),
        _ => None,
    };
    if let Some(message) = missing {
        return Err(FunctionError::new(message));
    }
    Ok(Value::from(hash(&read(text(given, 0), context)?)))
}

fn fileexists(given: Given<'_>, context: &Context<'_>) -> Result_ {
    let (files, place) = locate(text(given, 0), context)?;
    match files.kind(&place) {
        Some(EntryKind::File) => Ok(Value::Bool(true)),
        None => Ok(Value::Bool(false)),
        Some(EntryKind::Folder | EntryKind::Other) => Err(FunctionError::argument(
            0,
            format!("{:?} is a directory, not a file", shown(text(given, 0))),
        )),
    }
}

fn fileset(given: Given<'_>, context: &Context<'_>) -> Result_ {
    let (files, folder) = locate(text(given, 0), context)?;
    let written = text(given, 1);
    let pattern = glob(written).map_err(|message| {
        FunctionError::new(format!("failed to glob pattern {written:?}: {message}"))
    })?;
    if written.split('/').any(|part| part == "..") {
        return Err(FunctionError::argument(
            1,
            "a pattern that leaves a folder by `..` is not supported: name the folder in the first argument",
        ));
    }
    let mut found = Vec::new();
    let mut folders = vec![(folder, String::new())];
    while let Some((folder, inside)) = folders.pop() {
        let Ok(entries) = files.list(&folder) else {
            continue;
        };
        for entry in entries {
            let name = format!("{inside}{}", entry.name);
            match entry.kind {
                EntryKind::Folder => folders.push((folder.join(&entry.name), format!("{name}/"))),
                EntryKind::File if pattern.is_match(&name) => found.push(Value::from(name)),
                EntryKind::File | EntryKind::Other => {}
            }
        }
    }
    Ok(Value::set(Type::String, found))
}

/// A pattern of paths as a regular expression: `*` and `?` stay in one part, `**` goes through parts.
fn glob(pattern: &str) -> Result<regex::Regex, String> {
    let mut out = String::from("^");
    let mut rest = pattern.strip_prefix("./").unwrap_or(pattern);
    let mut alternatives = 0_usize;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            out.push_str("(?:.*/)?");
            rest = after;
            continue;
        }
        if rest == "**" {
            out.push_str(".*");
            break;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                alternatives += 1;
                out.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                out.push(')');
            }
            ',' if alternatives > 0 => out.push('|'),
            '[' => {
                let Some((class, after)) = rest.split_once(']') else {
                    return Err("the pattern has `[` without `]`".to_owned());
                };
                let class = class
                    .strip_prefix('^')
                    .map_or(class.to_owned(), |class| format!("^{class}"));
                out.push_str(&format!("[{}]", class.replace('\\', "\\\\")));
                rest = after;
            }
            '\\' => {
                let Some(escaped) = rest.chars().next() else {
                    return Err("the pattern ends with a backslash".to_owned());
                };
                out.push_str(&regex::escape(&escaped.to_string()));
                rest = &rest[escaped.len_utf8()..];
            }
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push('$');
    regex::Regex::new(&out).map_err(|_| "the pattern cannot be read".to_owned())
}

/// The scope of a template: its variables and the outside, but no more templates.
struct TemplateScope<'a> {
    variables: &'a Value,
    outer: &'a dyn Scope,
}

impl Scope for TemplateScope<'_> {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let value = self.variables.get(reference.root)?;
        Some(Resolved::new(value.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        self.outer.environment()
    }

    fn roots(&self) -> Vec<String> {
        let entries = self.variables.as_entries();
        entries.map_or(Vec::new(), |entries| {
            entries.keys().map(|key| key.to_string()).collect()
        })
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        self.outer.call(name, arguments)
    }
}

fn template(name: &str, content: Arc<str>, variables: &Value, context: &Context<'_>) -> Result_ {
    let marks = variables.marks();
    if !variables.is_known() {
        return Ok(Value::unknown(Type::Dynamic).with_marks(marks));
    }
    let variables = variables.unmarked();
    let Some(entries) = variables.as_entries() else {
        return Err(FunctionError::argument(
            1,
            "invalid vars value: must be a map",
        ));
    };
    if let Some(key) = entries
        .keys()
        .find(|key| !crate::parser::is_identifier(key))
    {
        return Err(FunctionError::argument(
            1,
            format!("{key:?} is no name for a template variable"),
        ));
    }
    let mut diags = Diagnostics::new();
    let source = Arc::new(Source::new(name, content));
    let expression = parse_template(&source, &mut diags);
    if let Some(call) = expression.calls().iter().find(|call| {
        matches!(
            &*call.text,
            "templatefile" | "templatestring" | "core::templatefile" | "core::templatestring"
        )
    }) {
        diags.push(
            Diagnostic::error(
                "recursive-template",
                format!("`{}` cannot be called in a template", call.text),
            )
            .at(call.range.span(&source)),
        );
    }
    if diags.has_errors() {
        return Err(template_error(&diags));
    }
    let references = expression.references();
    if let Some(missing) = references.iter().find(|r| !entries.contains_key(&r.root)) {
        let span = missing.span_to(0);
        return Err(FunctionError::argument(
            1,
            format!(
                "vars map does not contain key {:?}, referenced at {}:{},{}-{}",
                missing.root, span.file, span.start.line, span.start.column, span.end.column
            ),
        ));
    }
    let scope = TemplateScope {
        variables,
        outer: context.scope,
    };
    let value = evaluate(&expression, &scope, &mut diags);
    if diags.has_errors() {
        return Err(template_error(&diags));
    }
    Ok(value.with_marks(marks))
}

/// All mistakes of a template in one message, each with its place.
fn template_error(diags: &Diagnostics) -> FunctionError {
    let line = |diagnostic: &Diagnostic| {
        let place = diagnostic.labels.first().map_or(String::new(), |label| {
            format!(
                "{}:{},{}: ",
                label.span.file, label.span.start.line, label.span.start.column
            )
        });
        let detail = diagnostic.detail.trim_end_matches('.');
        if detail.is_empty() {
            format!("{place}{}", diagnostic.summary)
        } else {
            format!("{place}{}; {detail}", diagnostic.summary)
        }
    };
    let lines: Vec<_> = diags
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(line)
        .collect();
    FunctionError::new(lines.join("\n"))
}
