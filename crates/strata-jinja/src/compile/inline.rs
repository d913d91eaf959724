//! `{% import %}`, `{% from … import … %}` and `{% extends %}`: the other file is put in the place of the statement.
//!
//! An imported file is rendered into a variable that nobody reads, so that its macros and variables are there
//! and its text is not; `m` of `import … as m` is a mapping of them. Of `extends`, the child's blocks take the
//! place of the base's. Names must be plain texts, and the delimiters the usual ones. Imported files see the
//! variables of the template, as `with context` has it in Jinja.

use std::{collections::BTreeMap, sync::Arc};

use minijinja::{Error, ErrorKind};
use regex::Regex;

use crate::{lookups::files, run::Run};

/// How deep files may lead into one another.
const DEEPEST: usize = 20;

/// The most text that files may add up to.
const MAX_SIZE: usize = 16 << 20;

/// The source with other files put in; none if it speaks of none.
pub(super) fn inlined(run: &Arc<Run>, source: &str) -> Result<Option<String>, Error> {
    let speaks = source.contains("{%") && (source.contains("import") || source.contains("extends"));
    if !speaks {
        return Ok(None);
    }
    let text = Inliner { run, count: 0 }.template(source, 0)?;
    Ok(Some(text).filter(|text| text != source))
}

struct Inliner<'a> {
    run: &'a Arc<Run>,
    count: usize,
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is ours")
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

impl Inliner<'_> {
    fn template(&mut self, source: &str, depth: usize) -> Result<String, Error> {
        if depth > DEEPEST || source.len() > MAX_SIZE {
            return Err(refuse("templates import or extend one another without end"));
        }
        let source = self.imports(source, depth)?;
        let extends = regex(r#"\{%[-+]?\s*extends\s+(?:'([^']*)'|"([^"]*)")\s*[-+]?%\}\n?"#);
        let Some(found) = extends.captures(&source) else {
            return Ok(source);
        };
        let name = found
            .get(1)
            .or(found.get(2))
            .map_or("", |name| name.as_str());
        let statement = found.get(0).expect("the whole match is there");
        let child = format!(
            "{}{}",
            &source[..statement.start()],
            &source[statement.end()..]
        );
        let base = self.read(name)?;
        let base = self.template(&base, depth + 1)?;
        self.extended(&base, &child)
    }

    fn read(&self, name: &str) -> Result<String, Error> {
        let path = files::find(self.run, "templates", name)?;
        let read = self.run.templar.surroundings.files().read_text(&path);
        read.map(|text| text.to_string())
            .map_err(|error| refuse(error.to_string()))
    }

    /// Puts imported files in the place of their statements.
    fn imports(&mut self, source: &str, depth: usize) -> Result<String, Error> {
        let statement = regex(
            r#"\{%([-+]?)\s*(?:import\s+(?:'([^']*)'|"([^"]*)")\s+as\s+(\w+)|from\s+(?:'([^']*)'|"([^"]*)")\s+import\s+([\w\s,]+?))(?:\s+with(?:out)?\s+context)?\s*([-+]?)%\}"#,
        );
        let mut text = String::new();
        let mut rest = 0;
        for found in statement.captures_iter(source) {
            let whole = found.get(0).expect("the whole match is there");
            let part = |at: usize| found.get(at).map(|part| part.as_str());
            let name = part(2)
                .or(part(3))
                .or(part(5))
                .or(part(6))
                .unwrap_or_default();
            let imported = self.read(name)?;
            let imported = self.template(&imported, depth + 1)?;
            let aliases = match (part(4), part(7)) {
                (Some(module), _) => module_of(module, &imported),
                (None, names) => aliases(names.unwrap_or_default()),
            };
            self.count += 1;
            text.push_str(&source[rest..whole.start()]);
            let (before, after) = (part(1).unwrap_or_default(), part(8).unwrap_or_default());
            text.push_str(&format!(
                "{{%{before} set __strata_import_{} %}}{imported}{{% endset %}}{aliases}{{% set __strata_import_{} = '' {after}%}}",
                self.count, self.count
            ));
            rest = whole.end();
        }
        text.push_str(&source[rest..]);
        Ok(text)
    }

    /// The base with the child's blocks in the place of its own; what the child sets outside of blocks comes first.
    fn extended(&mut self, base: &str, child: &str) -> Result<String, Error> {
        let (outside, blocks) = blocks(child)?;
        self.count += 1;
        let head = if outside.contains("{%") {
            format!(
                "{{% set __strata_child_{} %}}{outside}{{% endset %}}",
                self.count
            )
        } else {
            String::new()
        };
        Ok(format!("{head}{}", replaced(base, &blocks, 0)?))
    }
}

/// `NAME, NAME as OTHER`: what is not called as it was.
fn aliases(names: &str) -> String {
    let named = names.split(',').filter_map(|name| {
        let words: Vec<&str> = name.split_whitespace().collect();
        match words.as_slice() {
            [name, "as", alias] => Some(format!("{{% set {alias} = {name} %}}")),
            _ => None,
        }
    });
    named.collect()
}

/// A mapping of all that a file defines at its top.
fn module_of(module: &str, imported: &str) -> String {
    let defined = regex(r"\{%[-+]?\s*(?:macro\s+(\w+)\s*\(|set\s+(\w+)\s*=)");
    let mut names: Vec<&str> = defined
        .captures_iter(imported)
        .filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str()))
        .filter(|name| !name.starts_with("__strata"))
        .collect();
    names.sort_unstable();
    names.dedup();
    let pairs: Vec<String> = names
        .iter()
        .map(|name| format!("'{name}': {name}"))
        .collect();
    format!("{{% set {module} = {{{}}} %}}", pairs.join(", "))
}

/// A `block` or `endblock` statement.
struct Mark<'a> {
    name: Option<&'a str>,
    start: usize,
    end: usize,
}

fn marks(text: &str) -> Vec<Mark<'_>> {
    let statement = regex(
        r"\{%[-+]?\s*(?:block\s+(\w+)(?:\s+scoped)?(?:\s+required)?|endblock(?:\s+\w+)?)\s*[-+]?%\}",
    );
    // `captures_iter` borrows the text, not the expression.
    let found: Vec<Mark<'_>> = statement
        .captures_iter(text)
        .map(|found| {
            let whole = found.get(0).expect("the whole match is there");
            Mark {
                name: found.get(1).map(|name| name.as_str()),
                start: whole.start(),
                end: whole.end(),
            }
        })
        .collect();
    found
}

/// Where the block that begins at `at` ends.
fn closing(marks: &[Mark<'_>], at: usize) -> Result<usize, Error> {
    let mut depth = 0;
    for (place, mark) in marks.iter().enumerate().skip(at) {
        if mark.name.is_some() {
            depth += 1;
        } else {
            depth -= 1;
            if depth == 0 {
                return Ok(place);
            }
        }
    }
    Err(Error::new(
        ErrorKind::SyntaxError,
        "a block has no `endblock`",
    ))
}

/// The text outside of a template's blocks, and what is in each of them.
fn blocks(text: &str) -> Result<(String, BTreeMap<String, String>), Error> {
    let marks = marks(text);
    let mut outside = String::new();
    let mut found = BTreeMap::new();
    let (mut at, mut rest) = (0, 0);
    while let Some(mark) = marks.get(at) {
        let Some(name) = mark.name else {
            return Err(Error::new(
                ErrorKind::SyntaxError,
                "`endblock` without a block",
            ));
        };
        let end = closing(&marks, at)?;
        outside.push_str(&text[rest..mark.start]);
        let inside = &text[mark.end..marks[end].start];
        found.extend(blocks(inside)?.1);
        found.insert(name.to_owned(), inside.to_owned());
        rest = marks[end].end;
        at = end + 1;
    }
    outside.push_str(&text[rest..]);
    Ok((outside, found))
}

/// A base with blocks of a child in it. The marks stay, so that it can be extended again.
fn replaced(base: &str, blocks: &BTreeMap<String, String>, depth: usize) -> Result<String, Error> {
    if depth > DEEPEST {
        return Err(refuse("blocks are nested too deep"));
    }
    let marks = marks(base);
    let parent = regex(r"\{\{[-+]?\s*super\(\)\s*[-+]?\}\}");
    let mut text = String::new();
    let (mut at, mut rest) = (0, 0);
    while let Some(mark) = marks.get(at) {
        let end = closing(&marks, at)?;
        let own = replaced(&base[mark.end..marks[end].start], blocks, depth + 1)?;
        let inside = match mark.name.and_then(|name| blocks.get(name)) {
            Some(child) => {
                let child = replaced(child, &blocks_without(blocks, mark.name), depth + 1)?;
                parent
                    .replace_all(&child, regex::NoExpand(&own))
                    .into_owned()
            }
            None => own,
        };
        text.push_str(&base[rest..mark.end]);
        text.push_str(&inside);
        text.push_str(&base[marks[end].start..marks[end].end]);
        rest = marks[end].end;
        at = end + 1;
    }
    text.push_str(&base[rest..]);
    Ok(text)
}

/// All blocks but one, which is being filled.
fn blocks_without(
    blocks: &BTreeMap<String, String>,
    name: Option<&str>,
) -> BTreeMap<String, String> {
    let others = blocks
        .iter()
        .filter(|(other, _)| Some(other.as_str()) != name);

    others
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect()
}
