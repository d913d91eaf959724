//! `strata check`: what these systems have learnt the hard way, as rules.
//!
//! [`walk`] reads the files, [`stages`] the project file if there is one, [`view`] prepares what
//! rules look at, each rule in [`rules`] looks, and [`waiver`] sets aside what is accepted. Rules
//! work on what the files say: nothing is asked for, run or changed. What a rule cannot tell for sure
//! it does not report, and what cannot be read is named in [`Report::unchecked`]. Start reading at
//! [`check()`], then at any rule.

mod finding;
mod page;
mod reach;
mod rule;
mod rules;
mod stages;
mod view;
mod waiver;
mod walk;

#[cfg(test)]
mod tests;

use std::path::Path;

use strata_core::{Diagnostics, Severity, Source, files::Files};

pub use finding::{Finding, Report, Waived};
pub use page::page;
pub use rule::{Example, Rule};
pub use rules::ALL as RULES;

use crate::project::FILE_NAME;
use view::View;

/// Checks the files in a folder: those of a project's environments, or without a project file all of them.
///
/// Fails if the project file cannot be read, or has no environment of the name.
pub fn check(
    files: &dyn Files,
    folder: &Path,
    environment: Option<&str>,
    is_link: &dyn Fn(&Path) -> bool,
) -> Result<Report, Diagnostics> {
    let mut report = Report::default();
    let stages = project(files, folder, environment)?;
    for stage in stages.iter().filter(|stage| stage.is_computed()) {
        let (environment, name) = (&stage.environment, &stage.name);
        let note = format!("environment `{environment}`, stage `{name}`: its path is computed");
        report.unchecked.push(note);
    }
    let texts = walk::texts(files, folder, is_link, &mut report.unchecked);
    let in_project = !stages.is_empty();
    let view = View::new(texts, stages, files, &mut report.unchecked);
    let mut found = Vec::new();
    for rule in rules::ALL {
        let mut findings = finding::Findings::new(rule, &mut found, &mut report.unchecked);
        (rule.find)(&view, &mut findings);
    }
    let looked_at = |name: &str| !in_project || view.looks_at(Path::new(name));
    let (mut kept, waived) = waiver::apply(&view.files, looked_at, found);
    kept.sort_by(|a, b| order(a).cmp(&order(b)));
    report.findings = kept;
    report.waived = waived;
    report.files = view.files.len();
    Ok(report)
}

fn order(finding: &Finding) -> (Severity, Option<&strata_core::Span>, &str) {
    let severity = finding.diagnostic.severity;
    (severity, finding.span(), finding.rule.name)
}

fn project(
    files: &dyn Files,
    folder: &Path,
    environment: Option<&str>,
) -> Result<Vec<stages::Stage>, Diagnostics> {
    let path = folder.join(FILE_NAME);
    let Ok(text) = files.read_text(&path) else {
        return match environment {
            None => Ok(Vec::new()),
            Some(name) => Err(no_project(name)),
        };
    };
    let source = Source::new(path.display().to_string(), text).into();
    let mut diags = Diagnostics::new();
    stages::read(&source, folder, environment, &mut diags).ok_or(diags)
}

fn no_project(environment: &str) -> Diagnostics {
    let summary = format!("There is no project file, so there is no environment `{environment}`");
    strata_core::Diagnostic::error("no-project", summary)
        .hint("Leave the environment out to check all files below this folder.")
        .into()
}
