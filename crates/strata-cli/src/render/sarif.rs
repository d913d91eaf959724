//! Findings in SARIF 2.1.0, as code hosts and editors read them.

use serde_json::{Value, json};
use strata_core::{Label, Severity, Span};
use strata_ops::check::{Finding, Report, Rule, page};

/// Where the format is defined.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes a report as a log with one run.
pub(crate) fn log(report: &Report, rules: &[&Rule]) -> Value {
    let found = report
        .findings
        .iter()
        .map(|finding| result(finding, rules, None));
    let waived = report
        .waived
        .iter()
        .map(|waived| result(&waived.finding, rules, Some(&waived.reason)));
    let notes: Vec<_> = report
        .unchecked
        .iter()
        .map(|note| notification(note))
        .collect();
    let descriptors: Vec<_> = rules.iter().map(|rule| descriptor(rule)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "strata",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": descriptors,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notes,
            }],
            "results": found.chain(waived).collect::<Vec<_>>(),
        }],
    })
}

fn notification(note: &str) -> Value {
    json!({ "level": "note", "message": { "text": format!("Not checked: {note}") } })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.reason },
        "help": { "text": rule.fix, "markdown": page(rule) },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding, rules: &[&Rule], waived: Option<&str>) -> Value {
    let diagnostic = &finding.diagnostic;
    let index = rules.iter().position(|rule| rule.name == finding.rule.name);
    let mut places = diagnostic.labels.iter();
    let main: Vec<_> = places.next().map(location).into_iter().collect();
    let mut result = json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": level(diagnostic.severity),
        "message": { "text": format!("{}. {}", diagnostic.summary, diagnostic.hints.join(" ")) },
        "locations": main,
    });
    let related: Vec<_> = places.map(location).collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if let Some(reason) = waived {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    result
}

fn location(label: &Label) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&label.span.file) },
            "region": region(&label.span),
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

fn region(span: &Span) -> Value {
    json!({
        "startLine": span.start.line,
        "startColumn": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    })
}

/// A relative reference: what a path may hold and a URI may not is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./a b/c#.tf"), "a%20b/c%23.tf");
    }
}
