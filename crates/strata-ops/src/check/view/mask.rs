//! Templates read as the YAML that they will become.
//!
//! What is filled in later is covered with letters of the same length, lines that are nothing but a
//! directive with blanks, so that every place in the YAML is the same place in the file.

use strata_core::{Diagnostics, Source, Span};
use strata_jinja::yaml::{self, Node, NodeKind};

/// Which templates are covered.
const OPENINGS: [(&str, &str); 6] = [
    ("${", "}"),
    ("%{", "}"),
    ("{{", "}}"),
    ("{%", "%}"),
    ("{#", "#}"),
    ("$${", "}"),
];

/// Lines that people write are shorter.
const MAX_LINE: usize = 20_000;

/// How long a template may be until it is closed.
const MAX_TEMPLATE: usize = 4_000;

/// Parses the part of a file from `start` to `end` as YAML; none if it is not YAML even so.
pub(crate) fn parse(file: &Source, start: usize, end: usize) -> Option<Node> {
    let text = file.text.get(start..end)?;
    if text.lines().any(|line| line.len() > MAX_LINE) {
        return None;
    }
    let blank: String = file.text[..start]
        .chars()
        .flat_map(|c| match c {
            '\n' => vec!['\n'],
            c => vec![' '; c.len_utf8()],
        })
        .collect();
    let mut masked = last_line_empty(blank);
    masked.push_str(&cover(text));
    let source = Source::new(file.name.clone(), masked);
    let mut diags = Diagnostics::new();
    let documents = yaml::parse_all(&source, &mut diags);
    let mut node = documents
        .into_iter()
        .next()
        .filter(|_| !diags.has_errors())?;
    restore(&mut node, file);
    Some(node)
}

/// Begins the text on a line of its own, since blanks before it would indent its first line.
fn last_line_empty(mut blank: String) -> String {
    if blank.pop().is_some() {
        blank.push('\n');
    }
    blank
}

/// True if a text is filled in later, so that nothing can be said about it.
pub(crate) fn is_dynamic(text: &str) -> bool {
    text.contains("${") || text.contains("{{") || text.contains("{%")
}

fn cover(text: &str) -> String {
    let mut covered = String::with_capacity(text.len());
    for line in blocks(text) {
        let open = line.trim_start();
        let close = open.trim_end();
        if alone(close) {
            covered.extend(line.chars().flat_map(blank));
        } else {
            covered.push_str(&cover_line(line));
        }
    }
    covered
}

fn blank(c: char) -> Vec<char> {
    match c {
        '\n' => vec!['\n'],
        c => vec![' '; c.len_utf8()],
    }
}

/// Lines, but a line in which something opens goes on until it is closed.
fn blocks(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = 0;
        loop {
            let line = rest[end..].find('\n').map_or(rest.len(), |at| end + at + 1);
            match first_opening(&rest[end..line]) {
                Some((at, _)) => match closing(&rest[end + at..]) {
                    Some(length) if end + at + length > line => {
                        end += at + length;
                        continue;
                    }
                    Some(_) | None => end = line,
                },
                None => end = line,
            }
            break;
        }
        blocks.push(&rest[..end]);
        rest = &rest[end..];
    }
    blocks
}

/// True for a line that is one template and nothing else.
fn alone(line: &str) -> bool {
    let mut rest = line;
    let mut any = false;
    while let Some((0, _)) = first_opening(rest) {
        let Some(length) = closing(rest) else {
            return false;
        };
        any = true;
        rest = rest[length..].trim_start();
    }
    any && rest.is_empty()
}

fn cover_line(line: &str) -> String {
    let mut covered = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((at, _)) = first_opening(rest) {
        let Some(length) = closing(&rest[at..]) else {
            break;
        };
        covered.push_str(&rest[..at]);
        covered.push_str(&"x".repeat(length));
        rest = &rest[at + length..];
    }
    covered.push_str(rest);
    covered
}

fn first_opening(text: &str) -> Option<(usize, usize)> {
    OPENINGS
        .iter()
        .enumerate()
        .filter_map(|(which, (open, _))| Some((text.find(open)?, which)))
        .min()
}

/// How long the template is that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let (_, which) = first_opening(text).filter(|(at, _)| *at == 0)?;
    let (open, close) = OPENINGS[which];
    let text = &text[..text.floor_char_boundary(MAX_TEMPLATE)];
    if close != "}" {
        return Some(open.len() + text[open.len()..].find(close)? + close.len());
    }
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at + 1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Gives covered texts back as they stand in the file, and every place its true line.
fn restore(node: &mut Node, file: &Source) {
    let (start, end) = (node.span.start.byte as usize, node.span.end.byte as usize);
    node.span = file.span(start..end);
    match &mut node.kind {
        NodeKind::Scalar { text, .. } => {
            let written = file.text.get(start..end).unwrap_or_default();
            if is_dynamic(written) {
                *text = written.trim_end().to_owned();
            }
        }
        NodeKind::Sequence(items) => items.iter_mut().for_each(|item| restore(item, file)),
        NodeKind::Mapping(entries) => entries.iter_mut().for_each(|entry| {
            restore(&mut entry.key, file);
            restore(&mut entry.value, file);
        }),
    }
}

/// Puts a whole tree at one place, for texts whose lines are not the file's.
pub(crate) fn place(node: &mut Node, span: &Span) {
    node.span = span.clone();
    match &mut node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter_mut().for_each(|item| place(item, span)),
        NodeKind::Mapping(entries) => entries.iter_mut().for_each(|entry| {
            place(&mut entry.key, span);
            place(&mut entry.value, span);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(cover(text), expected);
    }

    #[test]
    fn what_is_filled_in_is_covered_and_places_stay() {
        check("a: ${var.b}\n", "a: xxxxxxxx\n");
        check("a: ${f({ x = 1 })}b\n", "a: xxxxxxxxxxxxxxxb\n");
        check(
            "%{ for p in ps }\n- ${p}\n%{ endfor }\n",
            "                \n- xxxx\n           \n",
        );
        check("{% if a %}\nb: {{ c }}\n", "          \nb: xxxxxxx\n");
    }

    #[test]
    fn what_is_never_closed_stays() {
        check("a: ${b\n", "a: ${b\n");
    }

    #[test]
    fn a_part_of_a_file_has_the_places_of_the_file() {
        let file = Source::new("a.tf", "x = <<EOT\n#cloud-config\nname: ${a}\nEOT\n");
        let node = parse(&file, 10, 35).unwrap();
        let name = node.get("name").unwrap();
        assert_eq!((name.text(), name.span.start.line), (Some("${a}"), 3));
    }
}
