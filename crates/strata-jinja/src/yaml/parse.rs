//! From the parser's events to a tree.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle as Style, Span as EventSpan, Tag};
use strata_core::{Diagnostic, Diagnostics, Source, Span};

use super::{
    Entry, Node, NodeKind, ScalarStyle,
    relaxed::{Crooked, Relaxed},
};

/// How deep a file may nest.
const MAX_DEPTH: usize = 100;

/// How many nodes aliases may make out of a file.
const MAX_NODES: usize = 1_000_000;

/// Reads a file with one document; none if it is empty or broken.
pub fn parse(source: &Source, diags: &mut Diagnostics) -> Option<Node> {
    let mut documents = parse_all(source, diags);
    if documents.len() > 1 {
        let second = documents[1].span.clone();
        diags.push(
            Diagnostic::error("yaml-documents", "the file has more than one YAML document")
                .label(second, "the second one begins here"),
        );
        return None;
    }
    documents.pop()
}

/// Reads all documents of a file. After a mistake in the syntax nothing is given.
pub fn parse_all(source: &Source, diags: &mut Diagnostics) -> Vec<Node> {
    let mut text = Relaxed::new(&source.text);
    loop {
        let mut found = Diagnostics::new();
        let (documents, crooked) = read(source, &text, &mut found);
        match crooked {
            Some(crooked) if text.mend(crooked) => {}
            _ => {
                diags.append(found);
                return documents;
            }
        }
    }
}

/// Reads all documents once; with what more blanks would mend, where that ended it.
fn read(source: &Source, text: &Relaxed, diags: &mut Diagnostics) -> (Vec<Node>, Option<Crooked>) {
    let mut builder = Builder {
        source,
        text,
        parser: Parser::new_from_str(&text.text),
        anchors: BTreeMap::new(),
        nodes: 0,
        crooked: None,
        diags,
    };
    let mut documents = Vec::new();
    loop {
        match builder.next() {
            Err(Stop) => return (Vec::new(), builder.crooked),
            Ok(None) => return (documents, None),
            Ok(Some((Event::DocumentStart(..), _))) => match builder.node(0) {
                Ok(Some(node)) => documents.push(node),
                Ok(None) => {}
                Err(Stop) => return (Vec::new(), builder.crooked),
            },
            Ok(Some(_)) => {}
        }
    }
}

/// A mistake was reported and reading ends.
struct Stop;

struct Builder<'a> {
    source: &'a Source,
    text: &'a Relaxed,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    crooked: Option<Crooked>,
    diags: &'a mut Diagnostics,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, EventSpan)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or_default();
                self.crooked = match error.kind() {
                    ErrorKind::InvalidQuotedScalarIndent => Some(Crooked::Line(at)),
                    ErrorKind::CommentNotSeparated => Some(Crooked::Comment(at)),
                    _ => None,
                };
                let at = self.text.original(at);
                let span = self.source.span(at..at);
                let mut diagnostic = Diagnostic::error("yaml-syntax", "the file is not valid YAML")
                    .detail(error.info().to_owned())
                    .at(span.clone());
                let line = self.source.line(span.start.line);
                if let Some(hint) = hint(&error.info(), line) {
                    diagnostic = diagnostic.hint(hint);
                }
                self.diags.push(diagnostic);
                Err(Stop)
            }
        }
    }

    fn span(&self, span: &EventSpan) -> Span {
        let range = span.byte_range().unwrap_or_default();
        self.source
            .span(self.text.original(range.start)..self.text.original(range.end))
    }

    /// True for what stands on a last line that no line break ends: a block's text has none there either.
    fn ends_the_file(&self, span: &EventSpan) -> bool {
        let text = &self.text.text;
        let last = text.rfind('\n').map_or(0, |line_break| line_break + 1);
        let end = span.byte_range().unwrap_or_default().end;
        !text[last..].trim().is_empty() && end > last
    }

    /// Reads one node; none at the end of what holds it.
    fn node(&mut self, depth: usize) -> Result<Option<Node>, Stop> {
        let Some((event, event_span)) = self.next()? else {
            return Ok(None);
        };
        let span = self.span(&event_span);
        self.nodes += 1;
        if depth > MAX_DEPTH {
            return Err(self.stop("yaml-limit", "the file nests too deep", span));
        }
        if self.nodes > MAX_NODES {
            let message = "the file has more than a million values";
            return Err(self.stop("yaml-limit", message, span));
        }
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mut text = text.into_owned();
                let is_block = matches!(style, Style::Literal | Style::Folded);
                if is_block && self.ends_the_file(&event_span) && text.ends_with('\n') {
                    text.pop();
                }
                let style = match style {
                    Style::Plain => ScalarStyle::Plain,
                    _ => ScalarStyle::Quoted,
                };
                let kind = NodeKind::Scalar { text, style };
                (anchor, self.tagged(kind, span, tag.as_deref()))
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut items = Vec::new();
                while let Some(item) = self.node(depth + 1)? {
                    items.push(item);
                }
                (
                    anchor,
                    self.tagged(NodeKind::Sequence(items), span, tag.as_deref()),
                )
            }
            Event::MappingStart(_, anchor, tag) => {
                let (entries, span) = self.entries(depth, span)?;
                (
                    anchor,
                    self.tagged(NodeKind::Mapping(entries), span, tag.as_deref()),
                )
            }
            Event::Alias(anchor) => {
                let node = self.alias(anchor, span)?;
                (0, node)
            }
            Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd | Event::StreamEnd => {
                return Ok(None);
            }
            _ => return self.node(depth),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(Some(node))
    }

    fn tagged(&mut self, kind: NodeKind, span: Span, tag: Option<&Tag>) -> Node {
        let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        if let Some(name) = &tag
            && !matches!(
                name.as_str(),
                "!" | "!unsafe" | "!vault" | "!vault-encrypted"
            )
            && !name.starts_with("tag:yaml.org,2002:")
        {
            self.diags.push(
                Diagnostic::error("yaml-tag", format!("the tag `{name}` is not supported"))
                    .at(span.clone()),
            );
        }
        Node { kind, span, tag }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.stop("yaml-alias", "the alias has no anchor before it", span));
        };
        self.nodes += size(node);
        if self.nodes > MAX_NODES {
            return Err(self.stop(
                "yaml-limit",
                "the file repeats too much through aliases",
                span,
            ));
        }
        Ok(node.clone())
    }

    fn entries(&mut self, depth: usize, start: Span) -> Result<(Vec<Entry>, Span), Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merges = Vec::new();
        while let Some(key) = self.node(depth + 1)? {
            let Some(value) = self.node(depth + 1)? else {
                break;
            };
            if key.entries().is_some() || key.items().is_some() {
                return Err(self.template_without_quotes(&key));
            }
            if is_merge(&key) {
                merges.push(value);
                continue;
            }
            self.insert(&mut entries, Entry { key, value });
        }
        let own = entries.len();
        for merge in merges {
            self.merge(&mut entries, &merge)?;
        }
        // What is merged comes first, as in Python: there the own keys are laid over it.
        entries.rotate_left(own);
        let end = entries
            .last()
            .map_or(start.end, |entry| entry.value.span.end);
        Ok((entries, Span { end, ..start }))
    }

    /// Later keys win over earlier ones, as in Python.
    fn insert(&mut self, entries: &mut Vec<Entry>, entry: Entry) {
        let same = |other: &&mut Entry| other.key.text() == entry.key.text();
        let Some(first) = entries.iter_mut().find(same) else {
            entries.push(entry);
            return;
        };
        let name = entry.key.text().unwrap_or_default().to_owned();
        self.diags.push(
            Diagnostic::warning(
                "yaml-duplicate-key",
                format!("the key `{name}` is there twice"),
            )
            .detail("The later one is used.")
            .label(entry.key.span.clone(), "the second one")
            .label(first.key.span.clone(), "the first one"),
        );
        *first = entry;
    }

    /// Takes in what `<<` names: what is there already wins, and so do earlier ones of a list.
    fn merge(&mut self, entries: &mut Vec<Entry>, value: &Node) -> Result<(), Stop> {
        match &value.kind {
            NodeKind::Mapping(merged) => {
                for entry in merged {
                    if !entries
                        .iter()
                        .any(|other| other.key.text() == entry.key.text())
                    {
                        entries.push(entry.clone());
                    }
                }
                Ok(())
            }
            NodeKind::Sequence(items) if items.iter().all(|item| item.entries().is_some()) => {
                items.iter().try_for_each(|item| self.merge(entries, item))
            }
            _ => Err(self.stop(
                "yaml-merge",
                "`<<` takes a mapping or a list of mappings",
                value.span.clone(),
            )),
        }
    }

    fn template_without_quotes(&mut self, key: &Node) -> Stop {
        self.diags.push(
            Diagnostic::error("yaml-key", "a key must be a text")
                .detail("A list or a mapping cannot be the key of a mapping.")
                .at(key.span.clone())
                .hint("a value that begins with `{{` must be in quotes: `\"{{ ... }}\"`"),
        );
        Stop
    }

    fn stop(&mut self, code: &'static str, summary: &str, span: Span) -> Stop {
        self.diags.push(Diagnostic::error(code, summary).at(span));
        Stop
    }
}

/// What is meant most often where YAML says this of a line.
fn hint(reason: &str, line: &str) -> Option<&'static str> {
    Some(match reason {
        _ if line.contains("{{") => {
            "a value that begins with `{{` must be in quotes: `\"{{ ... }}\"`"
        }
        reason if reason.contains("mapping values are not allowed") => {
            "a value with `: ` in it must be in quotes; a mapping begins on a line of its own"
        }
        reason if reason.contains("quoted scalar") => {
            "a value that begins with a quote ends with it: put the whole value into quotes of the other kind"
        }
        reason if reason.contains("tab") => "indentation is made of blanks, not of tabs",
        _ => return None,
    })
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, NodeKind::Scalar { text, style: ScalarStyle::Plain } if text == "<<")
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        NodeKind::Scalar { .. } => 0,
        NodeKind::Sequence(items) => items.iter().map(size).sum(),
        NodeKind::Mapping(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(text: &str) -> (serde_json::Value, Vec<String>) {
        let mut diags = Diagnostics::new();
        let node = parse(&Source::new("a.yml", text), &mut diags);
        let shown = diags
            .iter()
            .map(|d| {
                format!(
                    "{}:{} {}",
                    d.labels[0].span.start.line, d.labels[0].span.start.column, d.summary
                )
            })
            .collect();
        (node.map(|node| node.to_json()).unwrap_or_default(), shown)
    }

    #[test]
    fn anchors_and_merge_keys_are_resolved() {
        let (value, mistakes) = shown("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n");
        assert_eq!(value["b"], json!({"y": 3, "x": 1}));
        assert_eq!(mistakes, Vec::<String>::new());
    }

    #[test]
    fn a_block_on_a_last_line_without_an_end_ends_without_one() {
        // As PyYAML 6 gives them.
        for (text, value) in [
            ("a: |\n  x", json!("x")),
            ("a: |+\n  x", json!("x")),
            ("a: |-\n  x", json!("x")),
            ("a: >\n  x\n  y", json!("x y")),
            ("a: |2\n    x", json!("  x")),
            ("a: |\n  x\n  # c", json!("x\n# c")),
            ("a: |\n  x\n", json!("x\n")),
            ("a: |\n  x\n  ", json!("x\n")),
            ("a: |\n  x\n# c", json!("x\n")),
            ("a: |\n  x\nb: 1", json!("x\n")),
            ("a: |\r\n  x\r\n", json!("x\n")),
        ] {
            assert_eq!(shown(text).0["a"], value, "{text:?}");
        }
    }

    #[test]
    fn tags_become_marks() {
        let (value, _) =
            shown("a: !unsafe '{{ x }}'\nb: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  33\n");
        assert_eq!(value["a"], json!({"__ansible_unsafe": "{{ x }}"}));
        assert!(
            value["b"]["__ansible_vault"]
                .as_str()
                .unwrap()
                .starts_with("$ANSIBLE_VAULT")
        );
    }

    #[test]
    fn mistakes_have_places() {
        assert_eq!(shown("a: 1\na: 2\n").1, ["2:1 the key `a` is there twice"]);
        assert_eq!(shown("a: {{ x }}\n").1, ["1:5 a key must be a text"]);
        assert_eq!(shown("a: b: c\n").1.len(), 1);
        assert_eq!(shown("a: *x\n").1.len(), 1);
    }

    #[test]
    fn quoted_texts_may_continue_anywhere() {
        let (value, mistakes) = shown("a:\n  b: \"one\n  two\nthree\"\nc: *x\n");
        assert_eq!((value, mistakes.len()), (json!(null), 1));
        let (value, mistakes) = shown("a:\n  b: \"one\n  two\nthree\"\nc: 1\nc: 2\n");
        assert_eq!(value, json!({"a": {"b": "one two three"}, "c": 2}));
        assert_eq!(mistakes, ["6:1 the key `c` is there twice"]);
    }

    #[test]
    fn comments_may_follow_a_value_at_once() {
        let (value, mistakes) = shown("a: \"x\"#one\nb: [1]#two\nc: {d: 1}#three\ne: f#g\ne: 2\n");
        assert_eq!(value, json!({"a": "x", "b": [1], "c": {"d": 1}, "e": 2}));
        assert_eq!(mistakes, ["5:1 the key `e` is there twice"]);
    }

    #[test]
    fn aliases_cannot_explode() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..9 {
            let refs = vec![format!("*a{}", at - 1); 10].join(", ");
            text.push_str(&format!("a{at}: &a{at} [{refs}]\n"));
        }
        assert_eq!(shown(&text).1.len(), 1);
    }
}
