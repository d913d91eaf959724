//! The page of a rule, as `docs/rules` has it.

use strata_core::Severity;

use super::rule::{Example, Rule};

/// Writes the page of a rule in Markdown.
pub fn page(rule: &Rule) -> String {
    let mut page = String::new();
    let severity = severity(rule.severity);
    let (name, summary, reason, fix) = (rule.name, rule.summary, rule.reason, rule.fix);
    page.push_str(&format!("# `{name}`\n\n{summary}. Severity: **{severity}**.\n\n## Why\n\n{reason}\n\n## What to do\n\n{fix}\n"));
    if !rule.scope.is_empty() {
        page.push_str(&format!("\n## What it looks at\n\n{}\n", rule.scope));
    }
    page.push_str(&format!("\n## Reported\n{}", example(rule.bad)));
    if !rule.good.is_empty() {
        page.push_str(&format!("\n## Not reported\n{}", example(rule.good)));
    }
    if rule.waivable() {
        page.push_str(&format!("\n## Accepting it\n\nOn the line that is reported, or on the line above, with your reason:\n\n```\n# strata:ignore {name}: why this is right here\n```\n"));
    }
    page
}

fn example(files: Example) -> String {
    let mut text = String::new();
    for (path, content) in files {
        let language = match path.rsplit('.').next() {
            Some("yml" | "yaml") => "yaml",
            Some("tf" | "tfvars" | "hcl") => "hcl",
            _ => "",
        };
        let content = content.trim_end();
        text.push_str(&format!("\n`{path}`:\n\n```{language}\n{content}\n```\n"));
    }
    text
}

/// The word for a severity.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

impl Rule {
    /// False for what is said about waivers themselves.
    fn waivable(&self) -> bool {
        !self.name.contains("waiver")
    }
}
