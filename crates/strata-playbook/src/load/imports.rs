//! `import_tasks` and `import_role`: expanded while loading, in the place of the task.

use std::{path::Path, sync::Arc};

use strata_core::{Diagnostic, files::normalize};

use super::{
    actions,
    context::{Context, MAX_DEPTH},
    keywords::inherit,
    reader::Reader,
    tasks::Read,
};
use crate::play::{Handler, Node as PlayNode, Spanned};

impl Reader<'_> {
    pub(super) fn import_handlers(&mut self, read: &Read, context: &Context) -> Vec<Arc<Handler>> {
        let Some(path) = self.imported_file(read, context, "handlers") else {
            return Vec::new();
        };
        if context.depth > MAX_DEPTH {
            self.error(
                "import-depth",
                "handler files import one another without end",
                &read.named.name.span,
            );
            return Vec::new();
        }
        let Some(node) = self.yaml(&path, Some(&read.named.name.span)) else {
            return Vec::new();
        };
        let inner = Context {
            keywords: Arc::new(inherit(&context.keywords, read.own.clone())),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            depth: context.depth + 1,
            ..context.clone()
        };
        self.handlers(&node, &inner)
    }

    pub(super) fn import_tasks(&mut self, read: &Read, context: &Context) -> Vec<PlayNode> {
        if let Some(repeat) = &read.r#loop {
            let span = repeat.span().clone();
            self.diags.push(
                Diagnostic::error(
                    "loop-on-import",
                    "an import cannot loop: it is expanded before anything runs",
                )
                .at(span)
                .hint("use `include_tasks`"),
            );
            return Vec::new();
        }
        let Some(path) = self.imported_file(read, context, "tasks") else {
            return Vec::new();
        };
        let inner = Context {
            keywords: Arc::new(inherit(&context.keywords, read.own.clone())),
            ..context.clone()
        };
        self.task_file(&path, &read.named.name.span, &inner)
    }

    fn imported_file(
        &mut self,
        read: &Read,
        context: &Context,
        folder: &str,
    ) -> Option<std::path::PathBuf> {
        let name = self.file_argument(&read.named)?;
        let file = self.static_text(&name, context)?;
        self.find_task_file(
            &Spanned {
                value: file,
                span: name.span,
            },
            context,
            folder,
        )
    }

    /// Looks beside the including file, then in the role's folder, then beside the playbook.
    pub(super) fn find_task_file(
        &mut self,
        file: &Spanned<String>,
        context: &Context,
        folder: &str,
    ) -> Option<std::path::PathBuf> {
        let name = Path::new(&file.value);
        let mut candidates = vec![context.folder.join(name)];
        if let Some(role) = &context.role {
            candidates.push(role.path.join(folder).join(name));
            candidates.push(role.path.join(name));
        }
        candidates.push(context.playbook_folder.join(folder).join(name));
        candidates.push(context.playbook_folder.join(name));
        let mut candidates: Vec<_> = candidates.iter().map(|path| normalize(path)).collect();
        let mut seen = std::collections::BTreeSet::new();
        candidates.retain(|path| seen.insert(path.clone()));
        let found = self.first_file(&candidates);
        if found.is_none() {
            let looked: Vec<_> = candidates
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect();
            self.diags.push(
                Diagnostic::error("missing-file", format!("there is no file `{}`", file.value))
                    .detail(format!("Looked at {}.", looked.join(", ")))
                    .at(file.span.clone()),
            );
        }
        found
    }

    pub(super) fn import_role(&mut self, read: &Read, context: &Context) -> Vec<PlayNode> {
        if let Some(repeat) = &read.r#loop {
            let span = repeat.span().clone();
            self.error(
                "loop-on-import",
                "an import cannot loop: use `include_role`",
                &span,
            );
            return Vec::new();
        }
        let Some((name, from)) = self.role_argument(&read.named) else {
            return Vec::new();
        };
        let Some(text) = self.static_text(&name, context) else {
            return Vec::new();
        };
        for (key, value) in actions::templated(&read.named) {
            if matches!(key, "public" | "rolespec_validate") {
                let message = format!("`{key}` of an import must be a boolean");
                self.error("wrong-type", message, &value.span);
            }
        }
        let from = from.rendered(|file| {
            let file = Spanned {
                value: file.into(),
                span: name.span.clone(),
            };
            self.static_text(&file, context).ok_or(())
        });
        let Ok(from) = from else {
            return Vec::new();
        };
        let inner = Context {
            keywords: Arc::new(inherit(&context.keywords, read.own.clone())),
            ..context.clone()
        };
        let spec = super::roles::Spec {
            name: Spanned {
                value: text,
                span: name.span,
            },
            from,
            parameters: Arc::default(),
            given: Arc::default(),
            public: self.flag(&read.named, "public", !self.options.private_role_vars),
            allow_duplicates: Some(self.flag(&read.named, "allow_duplicates", true)),
            validate: self.validates(&read.named),
            by_task: true,
            words: String::new(),
        };
        match self.role(&spec, &inner) {
            Some(loaded) => {
                self.imported_roles.extend(loaded.roles.iter().cloned());
                self.imported_handlers.extend(loaded.handlers);
                loaded.nodes
            }
            None => Vec::new(),
        }
    }
}
