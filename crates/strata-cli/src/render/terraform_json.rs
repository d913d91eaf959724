//! The machine-readable stream of `terraform plan -json` and `apply -json`, format 1.2.

use std::{
    collections::BTreeMap,
    fs,
    io::{Write, stdout},
    path::Path,
    time::Instant,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use strata_core::{
    Action, ApplyPhase, ChangeCounts, Diagnostic, Event, OperationKind, Severity, Source, Span,
    addr::{InstanceKey, ResourceInstance},
};

use super::{
    Renderer,
    terraform::{summary, words},
};

/// Writes each event that the format knows as one line.
pub(crate) struct TerraformJson {
    since: BTreeMap<ResourceInstance, Instant>,
}

impl TerraformJson {
    /// Begins the stream with the version line.
    pub(crate) fn new() -> Self {
        let version = env!("CARGO_PKG_VERSION");
        line(
            "info",
            &format!("Strata {version}"),
            "version",
            [("strata", json!(version)), ("ui", json!("1.2"))],
        );
        Self {
            since: BTreeMap::new(),
        }
    }

    fn apply(&mut self, address: ResourceInstance, action: Action, phase: ApplyPhase) {
        let (doing, done) = words(action);
        let elapsed = self
            .since
            .get(&address)
            .map_or(0, |since| since.elapsed().as_secs());
        let mut hook = json!({ "resource": resource(&address), "action": action_name(action) });
        match phase {
            ApplyPhase::Started => {
                line(
                    "info",
                    &format!("{address}: {doing}..."),
                    "apply_start",
                    [("hook", hook)],
                );
                self.since.insert(address, Instant::now());
            }
            ApplyPhase::Progress(note) => {
                hook["elapsed_seconds"] = json!(elapsed);
                line(
                    "info",
                    &format!("{address}: {note} [{elapsed}s elapsed]"),
                    "apply_progress",
                    [("hook", hook)],
                );
            }
            ApplyPhase::Finished(id) => {
                hook["elapsed_seconds"] = json!(elapsed);
                if let Some(id) = id {
                    hook["id_key"] = json!("id");
                    hook["id_value"] = json!(id);
                }
                line(
                    "info",
                    &format!("{address}: {done} complete after {elapsed}s"),
                    "apply_complete",
                    [("hook", hook)],
                );
                self.since.remove(&address);
            }
            ApplyPhase::Failed => {
                hook["elapsed_seconds"] = json!(elapsed);
                line(
                    "info",
                    &format!("{address}: {done} errored after {elapsed}s"),
                    "apply_errored",
                    [("hook", hook)],
                );
                self.since.remove(&address);
            }
        }
    }
}

/// Writes one line of the stream.
pub(crate) fn line<const N: usize>(
    level: &str,
    message: &str,
    kind: &str,
    fields: [(&str, Value); N],
) {
    let mut line = json!({
        "@level": level,
        "@message": message,
        "@module": "terraform.ui",
        "@timestamp": Timestamp::now().to_string(),
    });
    for (name, value) in fields {
        line[name] = value;
    }
    line["type"] = json!(kind);
    // Whoever read our output is gone; the work goes on all the same.
    drop(writeln!(stdout().lock(), "{line}"));
}

fn resource(address: &ResourceInstance) -> Value {
    let resource = &address.resource;
    let type_name = &*resource.type_name;
    let key = match &address.key {
        None => Value::Null,
        Some(InstanceKey::Int(index)) => json!(index),
        Some(InstanceKey::String(key)) => json!(&**key),
    };
    json!({
        "addr": address.to_string(),
        "module": resource.module.to_string(),
        "resource": resource.instance(address.key.clone()).to_string().split_off(prefix(address)),
        "implied_provider": type_name.split('_').next().unwrap_or(type_name),
        "resource_type": type_name,
        "resource_name": &*resource.name,
        "resource_key": key,
    })
}

/// Bytes of the module part of an address, with its dot.
fn prefix(address: &ResourceInstance) -> usize {
    match address.resource.module.to_string().len() {
        0 => 0,
        length => length + 1,
    }
}

pub(crate) fn action_name(action: Action) -> &'static str {
    match action {
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Read => "read",
        Action::Update => "update",
        Action::DeleteThenCreate | Action::CreateThenDelete => "replace",
        Action::Delete => "delete",
        Action::Forget => "remove",
    }
}

fn counts(operation: OperationKind, counts: &ChangeCounts) -> Value {
    let operation = match operation {
        OperationKind::Plan => "plan",
        OperationKind::Apply => "apply",
        OperationKind::Destroy => "destroy",
    };
    json!({ "add": counts.add, "change": counts.change, "import": counts.import, "remove": counts.destroy, "operation": operation })
}

/// A diagnostic in the form that `validate -json` and the stream share.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let hints = diagnostic.hints.iter().map(String::as_str);
    let detail: Vec<&str> = Some(diagnostic.detail.as_str())
        .filter(|text| !text.is_empty())
        .into_iter()
        .chain(hints)
        .collect();
    let mut value = json!({ "severity": severity, "summary": diagnostic.summary, "detail": detail.join("\n\n") });
    if let Some(label) = diagnostic.labels.first() {
        value["range"] = range(&label.span);
        if let Ok(text) = fs::read_to_string(Path::new(&*label.span.file)) {
            value["snippet"] = snippet(&label.span, &text);
            let named = diagnostic.values.iter();
            value["snippet"]["values"] = named
                .map(|named| json!({ "traversal": named.name, "statement": named.statement }))
                .collect();
        }
    }
    value
}

fn range(span: &Span) -> Value {
    json!({ "filename": &*span.file, "start": span.start, "end": span.end })
}

fn snippet(span: &Span, text: &str) -> Value {
    let source = Source::new(span.file.clone(), text);
    let code = source.line(span.start.line);
    let start = span.start.column as usize - 1;
    let end = if span.end.line == span.start.line {
        span.end.column as usize - 1
    } else {
        code.chars().count()
    };
    json!({
        "context": Value::Null,
        "code": code,
        "start_line": span.start.line,
        "highlight_start_offset": start,
        "highlight_end_offset": end,
        "values": [],
    })
}

impl Renderer for TerraformJson {
    fn event(&mut self, event: Event) {
        match event {
            Event::RefreshStarted { address } => {
                let hook = json!({ "resource": resource(&address) });
                line(
                    "info",
                    &format!("{address}: Refreshing state..."),
                    "refresh_start",
                    [("hook", hook)],
                );
            }
            Event::RefreshFinished { address } => {
                let hook = json!({ "resource": resource(&address) });
                line(
                    "info",
                    &format!("{address}: Refresh complete"),
                    "refresh_complete",
                    [("hook", hook)],
                );
            }
            Event::DriftFound { address, action } => {
                let change =
                    json!({ "resource": resource(&address), "action": action_name(action) });
                line(
                    "info",
                    &format!("{address}: Drift detected ({})", action_name(action)),
                    "resource_drift",
                    [("change", change)],
                );
            }
            Event::ChangePlanned { address, action } => {
                let change =
                    json!({ "resource": resource(&address), "action": action_name(action) });
                line(
                    "info",
                    &format!("{address}: Plan to {}", action_name(action)),
                    "planned_change",
                    [("change", change)],
                );
            }
            Event::ChangeSummary {
                operation,
                counts: sum,
            } => {
                line(
                    "info",
                    &summary(operation, &sum),
                    "change_summary",
                    [("changes", counts(operation, &sum))],
                );
            }
            Event::Apply {
                address,
                action,
                phase,
            } => self.apply(address, action, phase),
            Event::Diagnostic { diagnostic: found } => {
                let level = if found.is_error() { "error" } else { "warn" };
                let name = if found.is_error() { "Error" } else { "Warning" };
                line(
                    level,
                    &format!("{name}: {}", found.summary),
                    "diagnostic",
                    [("diagnostic", diagnostic(&found))],
                );
            }
            _ => {}
        }
    }
}
