//! The machine-readable stream of `terraform plan -json` and `apply -json`, format 1.2.

use std::{
    fs,
    io::{Write, stdout},
    path::Path,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use strata_core::{
    Action, ApplyPhase, ChangeCounts, Diagnostic, Event, OperationKind, ProvisionPhase, Severity,
    Source, Span, Subject,
    addr::{InstanceKey, ResourceInstance},
};
use strata_ops::infrastructure::{
    Plan, context,
    stored::{self, State},
};

use super::{
    Renderer,
    terraform::{Running, elapsed, summary, words},
};
use crate::output_lost;

/// Writes each event that the format knows as one line.
pub(crate) struct TerraformJson {
    running: Running,
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
            running: Running::default(),
        }
    }

    fn apply(
        &mut self,
        address: ResourceInstance,
        action: Action,
        phase: ApplyPhase,
        id: Option<String>,
    ) {
        let (doing, done) = words_in_stream(action);
        let mut hook = json!({ "resource": resource(&address), "action": action_name(action) });
        let (kind, message) = match phase {
            ApplyPhase::Started => {
                let shown = with_id(&mut hook, id);
                self.running.start(address.clone(), action);
                ("apply_start", format!("{address}: {doing}...{shown}"))
            }
            ApplyPhase::Progress(note) => {
                let seconds = self.running.seconds(&address);
                hook["elapsed_seconds"] = json!(seconds);
                let message = format!("{address}: {note} [{} elapsed]", elapsed(seconds));
                ("apply_progress", message)
            }
            ApplyPhase::Finished(id) => {
                let seconds = self.running.end(&address);
                let shown = with_id(&mut hook, id);
                hook["elapsed_seconds"] = json!(seconds);
                let message = format!(
                    "{address}: {done} complete after {}{shown}",
                    elapsed(seconds)
                );
                ("apply_complete", message)
            }
            ApplyPhase::Failed => {
                let seconds = self.running.end(&address);
                hook["elapsed_seconds"] = json!(seconds);
                let message = format!("{address}: {done} errored after {}", elapsed(seconds));
                ("apply_errored", message)
            }
        };
        line("info", &message, of_family(kind, action), [("hook", hook)]);
    }
}

/// What is ephemeral has messages of its own kinds.
fn of_family(kind: &'static str, action: Action) -> &'static str {
    match action {
        Action::Open | Action::Renew | Action::Close => match kind {
            "apply_start" => "ephemeral_op_start",
            "apply_progress" => "ephemeral_op_progress",
            "apply_complete" => "ephemeral_op_complete",
            _ => "ephemeral_op_errored",
        },
        _ => kind,
    }
}

/// Terraform's stream calls reading a data source what it calls reading a resource again.
fn words_in_stream(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Read => ("Refreshing", "Refresh"),
        action => words(action),
    }
}

/// Adds the id of an object, and gives it as it stands at the end of a message.
fn with_id(hook: &mut Value, id: Option<String>) -> String {
    let Some(id) = id else {
        return String::new();
    };
    hook["id_key"] = json!("id");
    hook["id_value"] = json!(id);
    format!(" [id={id}]")
}

fn provision(address: &ResourceInstance, kind: &str, phase: ProvisionPhase) {
    let mut hook = json!({ "resource": resource(address), "provisioner": kind });
    let (name, message) = match phase {
        ProvisionPhase::Started => (
            "provision_start",
            format!("{address}: Provisioning with '{kind}'..."),
        ),
        ProvisionPhase::Output(text) => {
            hook["output"] = json!(text);
            ("provision_progress", format!("{address}: ({kind}): {text}"))
        }
        ProvisionPhase::Finished => (
            "provision_complete",
            format!("{address}: ({kind}) Provisioning complete"),
        ),
        ProvisionPhase::Failed => (
            "provision_errored",
            format!("{address}: ({kind}) Provisioning errored"),
        ),
    };
    line("info", &message, name, [("hook", hook)]);
}

/// The line that says what becomes of outputs; empty if there are none.
pub(crate) fn planned_outputs(plan: &Plan) -> String {
    let outputs = plan.outputs.iter().map(|(name, change)| {
        let action = action_name(change.action);
        let json = json!({ "sensitive": change.sensitive, "action": action });
        (name.to_string(), json)
    });
    let outputs: Map<_, _> = outputs.collect();
    match outputs.is_empty() {
        true => String::new(),
        false => outputs_line(outputs),
    }
}

/// The line with the outputs of a state, without the values of sensitive ones.
pub(crate) fn outputs(state: &State) -> String {
    let outputs = state.outputs.iter().map(|(name, output)| {
        let mut json = json!({
            "sensitive": output.sensitive,
            "type": stored::type_of(&output.value),
        });
        if !output.sensitive {
            json["value"] = stored::exact(&output.value);
        }
        (name.to_string(), json)
    });
    outputs_line(outputs.collect())
}

fn outputs_line(outputs: Map<String, Value>) -> String {
    let message = format!("Outputs: {}", outputs.len());
    let line = object("info", &message, "outputs", [("outputs", outputs.into())]);
    format!("{}\n", stored::exact_text(&line, false))
}

/// Writes one line of the stream.
pub(crate) fn line<const N: usize>(
    level: &str,
    message: &str,
    kind: &str,
    fields: [(&str, Value); N],
) {
    let line = stored::exact_text(&object(level, message, kind, fields), false);
    output_lost::heed(writeln!(stdout().lock(), "{line}"));
}

fn object<const N: usize>(
    level: &str,
    message: &str,
    kind: &str,
    fields: [(&str, Value); N],
) -> Value {
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
    line
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
        Action::Open => "open",
        Action::Renew => "renew",
        Action::Close => "close",
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
    if let Some(Subject::Resource(address)) = &diagnostic.subject {
        value["address"] = json!(address.to_string());
    }
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
        "context": context(span, text),
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
            Event::RefreshStarted { address, id } => {
                let mut hook = json!({ "resource": resource(&address) });
                let shown = with_id(&mut hook, id);
                let message = format!("{address}: Refreshing state...{shown}");
                line("info", &message, "refresh_start", [("hook", hook)]);
            }
            Event::RefreshFinished { address, id } => {
                let mut hook = json!({ "resource": resource(&address) });
                let shown = with_id(&mut hook, id);
                let message = format!("{address}: Refresh complete{shown}");
                line("info", &message, "refresh_complete", [("hook", hook)]);
            }
            Event::DriftFound {
                address,
                action,
                previous,
            } => {
                let mut change = json!({ "resource": resource(&address) });
                if let Some(previous) = &previous {
                    change["previous_resource"] = resource(previous);
                }
                let action = match action {
                    Action::NoOp => "move",
                    action => action_name(action),
                };
                change["action"] = json!(action);
                let message = format!("{address}: Drift detected ({action})");
                line("info", &message, "resource_drift", [("change", change)]);
            }
            Event::ChangePlanned {
                address,
                action,
                reason,
                previous,
                importing,
            } => {
                let mut change = json!({ "resource": resource(&address) });
                if let Some(previous) = &previous {
                    change["previous_resource"] = resource(previous);
                }
                let action = match (action, &previous, &importing) {
                    (Action::NoOp, _, Some(_)) => "import",
                    (Action::NoOp, Some(_), None) => "move",
                    (action, _, _) => action_name(action),
                };
                change["action"] = json!(action);
                if let Some(reason) = reason {
                    change["reason"] = json!(reason);
                }
                if let Some(id) = importing {
                    change["importing"] = json!({ "id": id });
                }
                let message = format!("{address}: Plan to {action}");
                line("info", &message, "planned_change", [("change", change)]);
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
                id,
            } => self.apply(address, action, phase, id),
            Event::Provision {
                address,
                kind,
                phase,
            } => provision(&address, &kind, phase),
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

    fn tick(&mut self) {
        for (address, action, seconds) in self.running.still() {
            let hook = json!({
                "resource": resource(&address),
                "action": action_name(action),
                "elapsed_seconds": seconds,
            });
            let doing = words_in_stream(action).0.to_lowercase();
            let message = format!("{address}: Still {doing}... [{} elapsed]", elapsed(seconds));
            line("info", &message, "apply_progress", [("hook", hook)]);
        }
    }
}
