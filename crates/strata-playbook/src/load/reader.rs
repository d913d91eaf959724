//! Reads YAML files, and remembers what every part of loading needs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{
    Diagnostic, Diagnostics, Source, Span,
    files::{EntryKind, FileErrorReason, Files, normalize},
};
use strata_jinja::{Engine, NoSurroundings, Templar, Variable};

use super::{Options, context::Context};
use crate::{
    play::{Handler, JsonMap, Keywords, Role, Spanned},
    variables::SOPS_ENDINGS,
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
    /// Roles that `import_role` brought into the play.
    pub(super) imported_roles: Vec<Arc<Role>>,
    /// Handlers that `import_role` brought into the play.
    pub(super) imported_handlers: Vec<Arc<Handler>>,
    /// The variables of the play that is being read.
    pub(super) play_vars: Arc<JsonMap>,
    engine: Arc<Engine>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        files: &'a dyn Files,
        options: &'a Options,
        diags: &'a mut Diagnostics,
    ) -> Self {
        Self {
            files,
            options,
            diags,
            import_keywords: Arc::default(),
            imported_roles: Vec::new(),
            imported_handlers: Vec::new(),
            engine: Engine::new(),
            play_vars: Arc::default(),
        }
    }

    /// Forgets what belongs to the play before.
    pub(super) fn begin_play(&mut self, vars: &Arc<JsonMap>) {
        self.play_vars = vars.clone();
        self.imported_roles.clear();
        self.imported_handlers.clear();
    }

    /// Renders the name of a file or role that is expanded while loading, with what is known before anything runs.
    pub(super) fn static_text(
        &mut self,
        name: &Spanned<Json>,
        context: &Context,
    ) -> Option<String> {
        match self.static_templar(context).render(&name.value) {
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
                        .detail("Imports are expanded before anything runs, so their names can use extra variables and those of the play, its blocks and roles, but none of hosts.")
                        .at(name.span.clone())
                        .hint("use the `include_` form, which is read when it is reached"),
                );
                None
            }
        }
    }

    fn static_templar(&self, context: &Context) -> Templar {
        let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
        let mut add = |map: &JsonMap| {
            for (name, value) in map {
                variables.insert(name.clone(), Variable::Template(Arc::new(value.clone())));
            }
        };
        if let Some(role) = &context.role {
            add(&role.defaults);
        }
        add(&self.play_vars);
        if let Some(role) = &context.role {
            add(&role.vars);
            add(&role.given);
            add(&role.parameters);
        }
        context.keywords.vars.iter().for_each(|map| add(map));
        add(&self.options.extra_vars);
        let mut place = |name: &str, path: &Path| {
            let text = Json::String(path.display().to_string());
            variables.insert(name.to_owned(), Variable::Plain(Arc::new(text)));
        };
        place("playbook_dir", &context.playbook_folder);
        if let Some(role) = &context.role {
            place("role_path", &role.path);
        }
        Templar::new(
            &self.engine,
            Arc::new(variables),
            Arc::new(NoSurroundings::default()),
        )
    }

    pub(super) fn error(&mut self, code: &'static str, summary: impl Into<String>, span: &Span) {
        self.diags
            .push(Diagnostic::error(code, summary).at(span.clone()));
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
            "it is encrypted with Ansible Vault, and there is no password for it",
            place,
        ));
        return None;
    }
    yaml::parse(&Source::new(path.display().to_string(), text), diags)
}

fn unreadable(path: &Path, reason: &str, place: Option<&Span>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "unreadable-file",
        format!("cannot read `{}`: {reason}", path.display()),
    );
    let name = path.to_string_lossy();
    let is_sops = SOPS_ENDINGS.iter().any(|ending| name.ends_with(ending));
    if reason.contains("ecrypt") && !is_sops {
        diagnostic = diagnostic.hint(
            "Give the password with `--vault-password-file`, `--vault-id` or `--ask-vault-pass`.",
        );
    }
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
