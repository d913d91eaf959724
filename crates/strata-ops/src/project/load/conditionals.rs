//! `conditionals` of the `project` block: by which version of ansible-core a condition is true.

use std::path::Path;
use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Source, files::Files};
use strata_hcl::{Block, EmptyScope, Expression};

use super::{FILE_NAME, Loader};

/// Whether conditions need not be boolean, by the names of the versions.
const VERSIONS: &[(&str, bool)] = &[("ansible-2.16", true), ("ansible-2.19", false)];

impl Loader<'_> {
    /// Checks the argument; the settings read it by themselves, for they are read without environments, too.
    pub(super) fn conditionals(&mut self, project: &Block) {
        let Some(attribute) = project.body.attribute("conditionals") else {
            return;
        };
        if lenient(&attribute.expression, self.diags).is_none() {
            let names: Vec<String> = VERSIONS
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            let message = format!("`conditionals` is {}", names.join(" or "));
            self.diags.push(
                Diagnostic::error("invalid-argument", message).at(attribute.expression.span()),
            );
        }
    }
}

fn lenient(expression: &Expression, diags: &mut Diagnostics) -> Option<bool> {
    let value = strata_hcl::evaluate(expression, &EmptyScope, diags);
    let name = value.as_str()?;
    VERSIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, lenient)| *lenient)
}

/// What the project file in `folder` says, if there is one that says it.
///
/// Mistakes are not told here: [`super::load()`] tells them.
pub(crate) fn lenient_conditionals(files: &dyn Files, folder: &Path) -> Option<bool> {
    let path = folder.join(FILE_NAME);
    let text = files.read_text(&path).ok()?;
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let mut diags = Diagnostics::new();
    let body = strata_hcl::parse(&source, &mut diags);
    let project = body.blocks_of("project").next()?;
    lenient(
        &project.body.attribute("conditionals")?.expression,
        &mut diags,
    )
}
