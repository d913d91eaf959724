//! What changes inside files and about them, for a user to read.

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json, ser::PrettyFormatter};

use crate::change::{Change, FileContent, FileWrite, Heading, open};
use crate::host::{Host, HostError, Kind, Metadata, Permissions};
use crate::module::Context;
use crate::protocol::Diff;

/// Beyond this many bytes a diff is not shown, as in Ansible.
const MAX_DIFF: u64 = 104_448;

/// What is no file, as sorted JSON on both sides.
pub(crate) fn of_values(name: &str, before: &Value, after: &Value) -> Diff {
    let shown = |value: &Value| format!("{value:#}\n");
    Diff {
        path: name.to_owned(),
        before_header: name.to_owned(),
        after_header: name.to_owned(),
        before: shown(before),
        after: shown(after),
    }
}

/// The diffs of changes that are about to be made.
pub fn diffs(changes: &[Change], context: &Context<'_>) -> Result<Vec<Diff>, HostError> {
    let mut diffs = Vec::new();
    for change in changes {
        diffs.extend(diff(change, context)?);
    }
    Ok(diffs)
}

fn diff(change: &Change, context: &Context<'_>) -> Result<Vec<Diff>, HostError> {
    let host = context.host;
    Ok(match change {
        Change::Write(FileWrite {
            content: FileContent::Hidden(_),
            ..
        }) => Vec::new(),
        Change::Write(write) => {
            let content = write_diff(write, context)?;
            let attributes = match &write.heading {
                Heading::Aspect => aspect_diff(host, &write.path, write.permissions)?,
                _ => None,
            };
            [content].into_iter().chain(attributes).collect()
        }
        Change::Permissions {
            path,
            permissions,
            heading: Heading::Aspect,
            ..
        } => aspect_diff(host, path, *permissions)?.into_iter().collect(),
        Change::Permissions {
            path, permissions, ..
        } => permission_diff(host, path, *permissions)?
            .into_iter()
            .collect(),
        Change::CreateDirectory { path, .. } => vec![state_diff(host, path, "directory")?],
        Change::Symlink { path, .. } => vec![state_diff(host, path, "link")?],
        Change::HardLink { path, .. } => vec![state_diff(host, path, "hard")?],
        Change::Remove { path } => vec![state_diff(host, path, "absent")?],
        _ => Vec::new(),
    })
}

fn write_diff(write: &FileWrite, context: &Context<'_>) -> Result<Diff, HostError> {
    let path = write.path.to_string_lossy().into_owned();
    let before = match context.host.metadata_followed(&write.path)? {
        Some(found) if found.kind == Kind::File => {
            Some(readable(&mut context.host.open(&write.path)?))
        }
        _ => None,
    };
    let after = readable(&mut open(&write.content, context)?);
    let (before_header, after_header) = match &write.heading {
        Heading::File => (path.clone(), path.clone()),
        Heading::Content | Heading::Aspect => {
            (format!("{path} (content)"), format!("{path} (content)"))
        }
        Heading::From(source) if before.is_some() => (path.clone(), source.clone()),
        Heading::From(source) => (String::new(), source.clone()),
    };
    let before = before.unwrap_or_default();
    Ok(Diff {
        before_header,
        after_header,
        path,
        before,
        after,
    })
}

fn readable(input: &mut dyn Read) -> String {
    let mut bytes = Vec::new();
    if input.take(MAX_DIFF + 1).read_to_end(&mut bytes).is_err() {
        return "(cannot be read)\n".to_owned();
    }
    if bytes.len() as u64 > MAX_DIFF {
        return format!("(larger than {MAX_DIFF} bytes)\n");
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => "(binary)\n".to_owned(),
    }
}

type Sides = (Map<String, Value>, Map<String, Value>);

fn permission_diff(
    host: &dyn Host,
    path: &Path,
    wanted: Permissions,
) -> Result<Option<Diff>, HostError> {
    let sides = permission_sides(host, path, wanted)?;
    Ok(sides.map(|(before, after)| attribute_diff(path, before, after)))
}

/// The attributes that differ, under a heading that tells them from the content; none, if none differ.
fn aspect_diff(
    host: &dyn Host,
    path: &Path,
    wanted: Permissions,
) -> Result<Option<Diff>, HostError> {
    let sides = permission_sides(host, path, wanted)?;
    Ok(sides
        .filter(|(_, after)| !after.is_empty())
        .map(|(before, after)| {
            let header = format!("{} (file attributes)", path.display());
            Diff {
                path: path.to_string_lossy().into_owned(),
                before_header: header.clone(),
                after_header: header,
                before: sorted_json(before),
                after: sorted_json(after),
            }
        }))
}

/// The attributes that differ, as they are and as they shall be; `None` where nothing is there.
fn permission_sides(
    host: &dyn Host,
    path: &Path,
    wanted: Permissions,
) -> Result<Option<Sides>, HostError> {
    let Some(current) = host.metadata_followed(path)? else {
        return Ok(None);
    };
    let mut before = Map::new();
    let mut after = Map::new();
    let mut side = |name: &str, old: Value, new: Option<Value>| {
        if let Some(new) = new.filter(|new| *new != old) {
            before.insert(name.to_owned(), old);
            after.insert(name.to_owned(), new);
        }
    };
    side(
        "group",
        json!(current.gid),
        wanted.gid.map(|gid| json!(gid)),
    );
    side("mode", shown(current.mode), wanted.mode.map(shown));
    side(
        "owner",
        json!(current.uid),
        wanted.uid.map(|uid| json!(uid)),
    );
    Ok(Some((before, after)))
}

fn state_diff(host: &dyn Host, path: &Path, after: &str) -> Result<Diff, HostError> {
    let before = state_name(host.metadata(path)?.as_ref());
    let side = |state: &str| Map::from_iter([("state".to_owned(), Value::from(state))]);
    Ok(attribute_diff(path, side(before), side(after)))
}

/// The state of a path in the words of the `file` module.
pub(crate) fn state_name(metadata: Option<&Metadata>) -> &'static str {
    match metadata {
        None => "absent",
        Some(found) => match found.kind {
            Kind::Symlink => "link",
            Kind::Directory => "directory",
            _ if found.links > 1 => "hard",
            _ => "file",
        },
    }
}

fn shown(mode: u32) -> Value {
    Value::from(crate::mode::show(mode))
}

/// The two sides of what is told of a path beside its content.
pub(crate) fn attribute_diff(
    path: &Path,
    mut before: Map<String, Value>,
    mut after: Map<String, Value>,
) -> Diff {
    let path = path.to_string_lossy().into_owned();
    before.insert("path".to_owned(), path.clone().into());
    after.insert("path".to_owned(), path.clone().into());
    Diff {
        path,
        before_header: String::new(),
        after_header: String::new(),
        before: sorted_json(before),
        after: sorted_json(after),
    }
}

pub(crate) fn sorted_json(map: Map<String, Value>) -> String {
    let sorted: std::collections::BTreeMap<String, Value> = map.into_iter().collect();
    let mut bytes = Vec::new();
    let indented = PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, indented);
    let written = sorted.serialize(&mut serializer);
    written.expect("strings and numbers are JSON");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}
