//! The names that `env.NAME` stands for: environment files, and over them the process environment.

use strata_core::{Diagnostic, Source};
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
        self.only(&project.body, "A `project` block", &["env_file"], &[]);
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
        self.compare_with_example(project, &env);
        env
    }

    /// Names that `.env.example` lists and nobody sets.
    fn compare_with_example(&mut self, project: &Block, env: &Variables) {
        let path = self.folder.join(".env.example");
        let Ok(text) = self.files.read_text(&path) else {
            return;
        };
        let source = Source::new(path.display().to_string(), text);
        let example = env_file::parse(&source, self.environment, self.diags);
        for name in example.names().filter(|name| env.get(name).is_none()) {
            self.diags.push(missing_env(name).at(project.header_span()));
        }
    }
}
