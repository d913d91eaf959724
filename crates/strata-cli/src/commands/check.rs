//! `check`: the layer rules, on the files of a project or of a folder.

use std::path::Path;

use anstream::{eprintln, println};
use serde_json::{Value, json};
use strata_core::{Diagnostic, Diagnostics, Severity};
use strata_ops::{
    check::{self, Finding, RULES, Report, Waived},
    files::Disk,
};

use super::{Exit, FAILED};
use crate::{
    args,
    render::{sarif, terraform_json},
};

pub(super) fn run(arguments: &args::Check) -> Result<Exit, Diagnostics> {
    if let Some(name) = &arguments.explain {
        return explain(name);
    }
    let is_link = |path: &Path| path.is_symlink();
    let environment = arguments.environment.as_deref();
    let report = check::check(&Disk, Path::new(""), environment, &is_link)?;
    if arguments.sarif {
        println!("{:#}", sarif::log(&report, RULES));
    } else if arguments.json {
        println!("{:#}", as_json(&report));
    } else {
        show(&report);
    }
    let warnings = arguments.strict && !report.findings.is_empty();
    let failed = warnings || report.count(Severity::Error) > 0;
    Ok(if failed { FAILED } else { 0 })
}

fn explain(name: &str) -> Result<Exit, Diagnostics> {
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        let names: Vec<_> = RULES
            .iter()
            .map(|rule| format!("`{}`", rule.name))
            .collect();
        let unknown = Diagnostic::error("unknown-rule", format!("There is no rule `{name}`"));
        return Err(unknown
            .hint(format!("There are {}.", names.join(", ")))
            .into());
    };
    println!("{}", check::page(rule).trim_end());
    Ok(0)
}

/// Shows the findings to people: each with its place, reason and fix, then the sums.
fn show(report: &Report) {
    let mut renderer = super::diagnostics();
    for finding in &report.findings {
        println!("{}", renderer.render(&finding.diagnostic));
    }
    for note in &report.unchecked {
        eprintln!("Not checked: {note}");
    }
    println!("{}", summary(report));
}

fn summary(report: &Report) -> String {
    let errors = counted(report.count(Severity::Error), "error");
    let warnings = counted(report.count(Severity::Warning), "warning");
    let files = counted(report.files, "file");
    let waived = match report.waived.len() {
        0 => String::new(),
        more => format!(", {more} waived"),
    };
    format!("Checked {files}: {errors}, {warnings}{waived}.")
}

fn counted(number: usize, word: &str) -> String {
    match number {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        more => format!("{more} {word}s"),
    }
}

fn as_json(report: &Report) -> Value {
    let findings: Vec<_> = report.findings.iter().map(finding).collect();
    let waived: Vec<_> = report.waived.iter().map(waived).collect();
    json!({
        "format_version": "1.0",
        "error_count": report.count(Severity::Error),
        "warning_count": report.count(Severity::Warning),
        "findings": findings,
        "waived": waived,
        "not_checked": report.unchecked,
    })
}

/// A diagnostic as Terraform's commands write it, and the rule it comes from.
fn finding(finding: &Finding) -> Value {
    let mut value = terraform_json::diagnostic(&finding.diagnostic);
    value["rule"] = finding.rule.name.into();
    value
}

fn waived(waived: &Waived) -> Value {
    let mut value = finding(&waived.finding);
    value["reason"] = waived.reason.as_str().into();
    value
}
