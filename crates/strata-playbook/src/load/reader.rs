//! Reads YAML files, and remembers what every part of loading needs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{
    Diagnostic, Diagnostics, Source, Span,
    files::{EntryKind, FileErrorReason, Files, normalize},
};
use strata_jinja::{Engine, NoSurroundings, Templar, Variable};

use super::Options;
use crate::{
    play::{Handler, JsonMap, Keywords, Role, Spanned},
    yaml::{self, Node},
};

/// The largest file that is read.
const MAX_SIZE: usize = 64 << 20;

pub(super) struct Reader<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) options: &'a Options,
    pub(super) diags: &'a mut Diagnostics,
    /// What the `import_playbook`s around say.
    pub(super) import_keywords: Arc<Keywords>,
    /// The roles of the play that have been expanded, each with its parameters.
    pub(super) roles_seen: BTreeSet<String>,
    /// Roles that `import_role` brought into the play.
    pub(super) imported_roles: Vec<Arc<Role>>,
    /// Handlers that `import_role` brought into the play.
    pub(super) imported_handlers: Vec<Arc<Handler>>,
    templar: Templar,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        files: &'a dyn Files,
        options: &'a Options,
        diags: &'a mut Diagnostics,
    ) -> Self {
        let variables: std::collections::BTreeMap<String, Variable> = options
            .extra_vars
            .iter()
            .map(|(name, value)| (name.clone(), Variable::Template(Arc::new(value.clone()))))
            .collect();
        let templar = Templar::new(
            &Engine::new(),
            Arc::new(variables),
            Arc::new(NoSurroundings::default()),
        );
        Self {
            files,
            options,
            diags,
            import_keywords: Arc::default(),
            roles_seen: BTreeSet::new(),
            imported_roles: Vec::new(),
            imported_handlers: Vec::new(),
            templar,
        }
    }

    /// Forgets what belongs to the play before.
    pub(super) fn begin_play(&mut self) {
        self.roles_seen.clear();
        self.imported_roles.clear();
        self.imported_handlers.clear();
    }

    /// Renders the name of a file that is imported, with what is known before anything runs.
    pub(super) fn static_text(&mut self, name: &Spanned<Json>) -> Option<String> {
        match self.templar.render(&name.value) {
            Ok(Json::String(text)) => Some(text),
            Ok(other) => {
                self.error(
                    "wrong-type",
                    format!("a file name must be a text, not `{other}`"),
                    &name.span,
                );
                None
            }
            Err(error) => {
                self.diags.push(
                    Diagnostic::error("undefined-variable", error.to_string())
                        .detail("Imports are expanded before anything runs, so only extra variables can be used in their names.")
                        .at(name.span.clone())
                        .hint("use the `include_` form, which is read when it is reached"),
                );
                None
            }
        }
    }

    pub(super) fn error(&mut self, code: &'static str, summary: impl Into<String>, span: &Span) {
        self.diags
            .push(Diagnostic::error(code, summary).at(span.clone()));
    }

    pub(super) fn warn(&mut self, code: &'static str, summary: impl Into<String>, span: &Span) {
        self.diags
            .push(Diagnostic::warning(code, summary).at(span.clone()));
    }

    /// Reads a file that must be there; `place` is where it was named.
    pub(super) fn yaml(&mut self, path: &Path, place: Option<&Span>) -> Option<Node> {
        read_yaml(self.files, path, place, self.diags)
    }

    pub(super) fn is_file(&self, path: &Path) -> bool {
        self.files.kind(path) == Some(EntryKind::File)
    }

    pub(super) fn is_folder(&self, path: &Path) -> bool {
        self.files.kind(path) == Some(EntryKind::Folder)
    }

    /// The first of these paths that is a file.
    pub(super) fn first_file(&self, paths: &[PathBuf]) -> Option<PathBuf> {
        paths
            .iter()
            .map(|path| normalize(path))
            .find(|path| self.is_file(path))
    }
}

fn read_yaml(
    files: &dyn Files,
    path: &Path,
    place: Option<&Span>,
    diags: &mut Diagnostics,
) -> Option<Node> {
    let text = match files.read_text(path) {
        Ok(text) if text.len() > MAX_SIZE => {
            diags.push(unreadable(path, "the file is too large", place));
            return None;
        }
        Ok(text) => text,
        Err(error) => {
            let reason = match error.reason {
                FileErrorReason::NotFound => "there is no such file".to_owned(),
                other => other.to_string(),
            };
            diags.push(unreadable(path, &reason, place));
            return None;
        }
    };
    if text.starts_with("$ANSIBLE_VAULT;") {
        diags.push(unreadable(
            path,
            "it is encrypted with Ansible Vault, which Strata cannot decrypt yet",
            place,
        ));
        return None;
    }
    yaml::parse(&Source::new(path.display().to_string(), text), diags)
}

fn unreadable(path: &Path, reason: &str, place: Option<&Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "unreadable-file",
        format!("cannot read `{}`: {reason}", path.display()),
    );
    match place {
        Some(span) => diagnostic.at(span.clone()),
        None => diagnostic,
    }
}

/// Reads a file of variables: `vars_files`, `include_vars`, `-e @FILE`. YAML or JSON by content.
pub fn vars_file(files: &dyn Files, path: &Path, diags: &mut Diagnostics) -> Option<JsonMap> {
    let before = diags.len();
    let Some(node) = read_yaml(files, path, None, diags) else {
        // An empty file has no variables, which is no mistake.
        return (diags.len() == before).then(JsonMap::new);
    };
    variables(&node, diags)
}

/// The variables of a mapping; nothing at all is fine, too.
pub(crate) fn variables(node: &Node, diags: &mut Diagnostics) -> Option<JsonMap> {
    match node.to_json() {
        Json::Object(map) if node.entries().is_some() => Some(map),
        Json::Null => Some(JsonMap::new()),
        _ => {
            diags.push(
                Diagnostic::error(
                    "wrong-type",
                    format!("variables must be a mapping, this is {}", node.describe()),
                )
                .at(node.span.clone()),
            );
            None
        }
    }
}
