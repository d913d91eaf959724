//! Diagnostics for people: what, where with an excerpt, why, what to do next.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    env, fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};
use strata_core::{Diagnostic, Label, Severity, Span, Subject};

use super::style::tame;

/// Draws diagnostics; keeps the text of the files it has shown.
pub(crate) struct DiagnosticRenderer {
    renderer: Renderer,
    sources: BTreeMap<Arc<str>, Option<String>>,
    /// The working folder; files in it are named without it.
    folder: PathBuf,
}

impl DiagnosticRenderer {
    /// Draws for a terminal of `width` columns, with or without colours.
    pub(crate) fn new(colour: bool, width: usize) -> Self {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer
            .decor_style(DecorStyle::Ascii)
            .term_width(width.max(40));
        Self {
            renderer,
            sources: BTreeMap::new(),
            folder: env::current_dir().unwrap_or_default(),
        }
    }

    /// Draws one, with a line break at its end.
    pub(crate) fn render(&mut self, diagnostic: &Diagnostic) -> String {
        for label in &diagnostic.labels {
            let file = &label.span.file;
            if !self.sources.contains_key(file) {
                self.sources
                    .insert(file.clone(), fs::read_to_string(Path::new(&**file)).ok());
            }
        }
        let report = [self.group(diagnostic)];
        let mut text = tame(&self.renderer.render(&report)).into_owned();
        text.push('\n');
        text
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group =
            Group::with_title(level.primary_title(&diagnostic.summary).id(diagnostic.code));
        for (position, label) in diagnostic.labels.iter().enumerate() {
            group = match self.snippet(label, position == 0) {
                Some(snippet) => group.element(snippet),
                None => group.element(Level::NOTE.message(self.place(&label.span))),
            };
        }
        if let Some(subject) = &diagnostic.subject {
            group = group.element(Level::NOTE.with_name("about").message(describe(subject)));
        }
        for value in &diagnostic.values {
            let text = format!("`{}` {}", value.name, value.statement);
            group = group.element(Level::NOTE.with_name("value").message(text));
        }
        if !diagnostic.detail.is_empty() {
            group = group.element(Level::NOTE.with_name("why").message(&diagnostic.detail));
        }
        for hint in &diagnostic.hints {
            group = group.element(Level::HELP.with_name("next").message(hint));
        }
        group
    }

    fn place(&self, span: &Span) -> String {
        let (file, start) = (self.near(&span.file), span.start);
        format!("at {file}:{}:{}", start.line, start.column)
    }

    /// A file's name as the user would type it here.
    fn near<'a>(&self, file: &'a str) -> &'a str {
        let short = Path::new(file).strip_prefix(&self.folder).ok();
        short.and_then(Path::to_str).unwrap_or(file)
    }

    fn snippet<'a>(
        &'a self,
        label: &'a Label,
        primary: bool,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let source = self.sources.get(&label.span.file)?.as_deref()?;
        let range = byte_range(&label.span, source)?;
        let kind = if primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let lines = lines_around(&range, source);
        let range = range.start - lines.start..range.end - lines.start;
        let mut annotation = kind.span(range);
        if !label.text.is_empty() {
            annotation = annotation.label(Cow::Borrowed(label.text.as_str()));
        }
        Some(
            Snippet::source(&source[lines])
                .line_start(label.span.start.line as usize)
                .path(self.near(&label.span.file))
                .annotation(annotation),
        )
    }
}

/// The lines that some bytes are in, whole. No others are shown, and to look for them in all of a long file, for each
/// of many mistakes, would take long.
fn lines_around(range: &Range<usize>, source: &str) -> Range<usize> {
    let start = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[range.end..].find('\n');
    start..end.map_or(source.len(), |at| range.end + at + 1)
}

/// The bytes that a span covers, if the file still has them.
fn byte_range(span: &Span, source: &str) -> Option<Range<usize>> {
    let (start, end) = (span.start.byte as usize, span.end.byte as usize);
    let end = end.max(start);
    (source.is_char_boundary(start) && source.is_char_boundary(end)).then_some(start..end)
}

/// Names what a diagnostic is about.
pub(crate) fn describe(subject: &Subject) -> String {
    match subject {
        Subject::Resource(address) => address.to_string(),
        Subject::Task {
            host,
            task: Some(task),
        } => format!("host `{host}`, task `{task}`"),
        Subject::Task { host, task: None } => format!("host `{host}`"),
        Subject::Stage { environment, stage } => {
            format!("environment `{environment}`, stage `{stage}`")
        }
    }
}

#[cfg(test)]
mod tests {
    use strata_core::Source;

    use super::*;

    #[test]
    fn shows_what_where_why_and_what_to_do_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.tf");
        fs::write(&path, "a = 1\nimage = var.imge\n").unwrap();
        let name = path.to_str().unwrap().to_owned();
        let span = Source::new(name.as_str(), "a = 1\nimage = var.imge\n").span(14..22);
        let diagnostic = Diagnostic::error("undefined-variable", "There is no variable `imge`")
            .label(span, "not declared")
            .detail("The module declares `image`.")
            .hint("Did you mean `var.image`?");
        let text = DiagnosticRenderer::new(false, 80)
            .render(&diagnostic)
            .replace(&name, "main.tf");
        expect_test::expect![[r#"
            error[undefined-variable]: There is no variable `imge`
             --> main.tf:2:9
              |
            2 | image = var.imge
              |         ^^^^^^^^ not declared
              |
              = why: The module declares `image`.
              = next: Did you mean `var.image`?
        "#]]
        .assert_eq(&text);
    }
}
