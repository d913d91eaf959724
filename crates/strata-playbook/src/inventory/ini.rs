//! Inventories in INI form.

use std::path::Path;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Source, Span};

use super::{
    build::{Builder, Spoken},
    range, value,
};

#[derive(Clone)]
enum Section {
    Hosts(String),
    Children(String),
    Vars(String),
    Broken,
}

/// Reads an INI inventory; every wrong line is reported.
pub(super) fn read(source: &Source, path: &Path, builder: &mut Builder, diags: &mut Diagnostics) {
    let mut section = Section::Hosts("ungrouped".to_owned());
    // Groups that are only spoken of: each becomes a child where its section begins, so that children stand in
    // the order in which they are declared. Those that never are stand in another source.
    let mut pending: Vec<Spoken> = Vec::new();
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let begin = offset + (line.len() - line.trim_start().len());
        let range = begin..(offset + line.trim_end().len()).max(begin);
        offset += line.len();
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        let result = match text.strip_prefix('[') {
            Some(rest) if is_header(text) => header(rest, builder).map(|new| {
                declare(&new, &mut pending, builder);
                section = new;
            }),
            _ => {
                let place = source.span(range.clone());
                entry(text, place, &section, path, builder, &mut pending)
            }
        };
        if let Err(reason) = result {
            if text.starts_with('[') && is_header(text) {
                section = Section::Broken;
            }
            diags.push(Diagnostic::error("inventory", reason).at(source.span(range)));
        }
    }
    for spoken in pending {
        builder.speak_of(spoken);
    }
}

/// A section of hosts or children declares its group: it becomes a child of those that waited for it.
fn declare(section: &Section, pending: &mut Vec<Spoken>, builder: &mut Builder) {
    let (Section::Hosts(name) | Section::Children(name)) = section else {
        return;
    };
    for spoken in pending.extract_if(.., |spoken| spoken.child == *name) {
        builder.add_child(&spoken.group, &spoken.child);
    }
}

/// `[name]`, not a host such as `[a:b].example`.
fn is_header(text: &str) -> bool {
    let text = text.split(" #").next().unwrap_or(text).trim_end();
    text.ends_with(']') && text.matches('[').count() == 1
}

fn header(rest: &str, builder: &mut Builder) -> Result<Section, String> {
    let name = rest.split(']').next().unwrap_or_default();
    let (group, kind) = name.split_once(':').unwrap_or((name, "hosts"));
    if group.is_empty() || group.contains(char::is_whitespace) {
        return Err(format!("`{group}` cannot be the name of a group"));
    }
    let group = group.to_owned();
    match kind {
        "hosts" => {
            builder.group(&group);
            Ok(Section::Hosts(group))
        }
        "children" => {
            builder.group(&group);
            Ok(Section::Children(group))
        }
        "vars" => {
            builder.group(&group);
            Ok(Section::Vars(group))
        }
        other => Err(format!(
            "a section is for hosts, `children` or `vars`, not `{other}`"
        )),
    }
}

fn entry(
    text: &str,
    place: Span,
    section: &Section,
    path: &Path,
    builder: &mut Builder,
    pending: &mut Vec<Spoken>,
) -> Result<(), String> {
    match section {
        Section::Broken => Ok(()),
        Section::Children(group) => {
            let child = value::without_comment(text);
            if child.contains(char::is_whitespace) || child.contains('=') {
                return Err(format!("`{child}` cannot be the name of a group"));
            }
            match builder.has_group(child) {
                true => builder.add_child(group, child),
                false => pending.push(Spoken {
                    group: group.clone(),
                    child: child.to_owned(),
                    place,
                }),
            }
            Ok(())
        }
        Section::Vars(group) => {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| format!("expected `name=value`, found `{text}`"))?;
            // What is no literal keeps even what looks like a comment, as in Ansible.
            let value = value::parse(value);
            builder
                .group(group)
                .vars
                .insert(name.trim().to_owned(), value);
            Ok(())
        }
        Section::Hosts(group) => hosts(text, group, path, builder),
    }
}

fn hosts(text: &str, group: &str, path: &Path, builder: &mut Builder) -> Result<(), String> {
    if text.starts_with('[') && !text.contains(']') {
        return Err(format!("Invalid section entry: `{text}`"));
    }
    let words = words(value::without_comment(text))?;
    let Some((pattern, settings)) = words.split_first() else {
        return Ok(());
    };
    let (pattern, port) = split_port(pattern);
    let mut vars = Vec::new();
    if let Some(port) = port {
        vars.push(("ansible_port".to_owned(), Json::from(port)));
    }
    for setting in settings {
        let (name, text) = setting
            .split_once('=')
            .ok_or_else(|| format!("expected `name=value` behind the host, found `{setting}`"))?;
        vars.push((name.to_owned(), value::parse(text)));
    }
    for name in range::expand(pattern)? {
        if name.contains('=') {
            return Err(format!("`{name}` cannot be the name of a host"));
        }
        let host = builder.host(&name, Some(path));
        host.vars.extend(vars.iter().cloned());
        builder.add_host(group, &name);
    }
    Ok(())
}

/// `host:22`; ranges and IPv6 addresses have colons of their own.
pub(super) fn split_port(name: &str) -> (&str, Option<u16>) {
    match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) if !host.is_empty() => (without_brackets(host), Some(port)),
            _ => (name, None),
        },
        _ => (name, None),
    }
}

/// An IPv6 address without the brackets that set its port apart.
fn without_brackets(host: &str) -> &str {
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inside {
        Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => address,
        _ => host,
    }
}

/// Words as a shell splits them; quotes around a part of a word go away.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                let next = characters.next();
                let plain = quote.is_none() || matches!(next, Some('"' | '\\'));
                let word = word.get_or_insert_default();
                if !plain {
                    word.push('\\');
                }
                word.extend(next);
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}
