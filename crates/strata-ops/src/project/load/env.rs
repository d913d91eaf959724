//! The names that `env.NAME` stands for: environment files, and over them the process environment.

use strata_core::{Diagnostic, Source, Span};
use strata_hcl::Block;

use super::{
    super::{
        env_file::{self, Variables},
        scope::missing_env,
    },
    Loader,
};

impl Loader<'_> {
    /// The `.env` files and, over them, the process environment.
    pub(super) fn env(&mut self, project: &Block) -> Variables {
        self.only(
            &project.body,
            "A `project` block",
            &["env_file", "conditionals"],
            &[],
        );
        self.conditionals(project);
        let mut env = Variables::default();
        let names = match project.body.attribute("env_file") {
            Some(attribute) => self.texts(&attribute.expression),
            None => Vec::new(),
        };
        for name in names {
            let path = self.folder.join(&name);
            match self.files.read_text(&path) {
                Ok(text) => {
                    let source = Source::new(path.display().to_string(), text);
                    env.extend(env_file::parse(&source, self.environment, self.diags));
                }
                Err(error) => {
                    let diagnostic = Diagnostic::error(
                        "env-file",
                        format!("`{}` cannot be read", path.display()),
                    )
                    .at(project.header_span())
                    .detail(error.reason.to_string())
                    .hint(format!("Copy `.env.example` to `{name}` and fill it in."));
                    self.diags.push(diagnostic);
                }
            }
        }
        env.extend(
            self.environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        );
        self.compare_with_example(&env);
        env
    }

    /// Names that `.env.example` lists and nobody sets.
    fn compare_with_example(&mut self, env: &Variables) {
        let path = self.folder.join(".env.example");
        let Ok(text) = self.files.read_text(&path) else {
            return;
        };
        let source = Source::new(path.display().to_string(), text);
        for note in env_file::notes(&source) {
            if env.get(&note.name).is_none() {
                self.missing(&note.name, &note.span, &note.text);
            }
        }
    }

    /// Reports a name that nobody sets, once.
    pub(super) fn missing(&mut self, name: &str, span: &Span, note: &str) {
        if !self.missing.insert(name.to_owned()) {
            return;
        }
        let mut diagnostic = missing_env(name).at(span.clone());
        if !note.is_empty() {
            diagnostic = diagnostic.detail(format!("`.env.example` says of it: {note}"));
        }
        self.diags.push(diagnostic);
    }
}
