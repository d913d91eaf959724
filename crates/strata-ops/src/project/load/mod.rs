//! Reads `strata.hcl` and the `.env` files beside it.
//!
//! [`load()`] goes through the file once and reports every mistake: `env` gathers the names of the
//! environment files, `stages` the order of the stages, `bodies` what each kind of stage takes.

mod bodies;
mod conditionals;
mod env;
mod read;
mod secrets;
mod stages;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use strata_core::{Diagnostic, Diagnostics, Source, StageKind, files::Files};
use strata_hcl::Body;

use super::{Environment, Project, keyword};
pub(crate) use conditionals::lenient_conditionals;

/// The name of the project file.
pub const FILE_NAME: &str = "strata.hcl";

/// Reads the project in `folder`; `environment` is the process environment.
///
/// Every mistake in the file is reported; none is given if there is one.
pub fn load(
    files: &dyn Files,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    diags: &mut Diagnostics,
) -> Option<Project> {
    let path = folder.join(FILE_NAME);
    let text = match files.read_text(&path) {
        Ok(text) => text,
        Err(error) => {
            let diagnostic = Diagnostic::error(
                "no-project",
                format!("There is no project file `{}`", path.display()),
            )
            .detail(error.reason.to_string())
            .hint("Go to the folder of a project, or name it with `-chdir=DIR`. For files that are there already `strata init --from .` drafts a project file.");
            diags.push(diagnostic);
            return None;
        }
    };
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let mut found = Diagnostics::new();
    let body = strata_hcl::parse(&source, &mut found);
    let project = Loader {
        files,
        folder,
        environment,
        missing: BTreeSet::new(),
        diags: &mut found,
    }
    .project(&body);
    let failed = found.has_errors();
    diags.append(found);
    project.filter(|_| !failed)
}

struct Loader<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    environment: &'a BTreeMap<String, String>,
    /// Names of the environment that are known to be missing.
    missing: BTreeSet<String>,
    diags: &'a mut Diagnostics,
}

impl Loader<'_> {
    fn project(&mut self, body: &Body) -> Option<Project> {
        self.only(
            body,
            "The project file",
            &[],
            &["project", "environment", "secret"],
        );
        let block = body.blocks_of("project").next();
        if block.is_none() {
            let diagnostic = Diagnostic::error(
                "no-project-block",
                "The project file has no `project` block",
            )
            .at(body.span())
            .hint("Begin it with `project \"NAME\" {}`.");
            self.diags.push(diagnostic);
        }
        let block = block?;
        if let Some(second) = body.blocks_of("project").nth(1) {
            self.error(
                "duplicate-block",
                "There is more than one `project` block",
                second,
            );
        }
        let name = self.name(block)?;
        let env = self.env(block);
        let secrets = self.secrets(body);
        let mut environments: Vec<Environment> = Vec::new();
        for block in body.blocks_of("environment") {
            for name in self.names(block) {
                if environments.iter().any(|other| other.name == name) {
                    self.error(
                        "duplicate-block",
                        &format!("There are two environments `{name}`"),
                        block,
                    );
                }
                let mistakes = self.diags.len();
                let stages = self.stages(block, &name, &env, &secrets);
                let twin_members = self.twin_members(block, &name, &env);
                environments.push(Environment {
                    name,
                    twin_members,
                    stages,
                });
                // One mistake is told once, however many environments the block is.
                if self.diags.len() > mistakes {
                    break;
                }
            }
        }
        Some(Project {
            name,
            folder: self.folder.to_owned(),
            env,
            secrets,
            environments,
        })
    }
}

/// What users call a stage: `provision.machines`.
pub(crate) fn stage_id(kind: StageKind, name: &str) -> String {
    format!("{}.{name}", keyword(kind))
}
