//! A plan for people, in the look of `terraform plan`.

use strata_core::{Action, AttributePath, Type, Value};
use strata_ops::infrastructure::{Change, OutputChange, Plan, Reason};

use super::{
    style::{BAD, CHANGE, FAINT, GOOD, HEADING, paint},
    terraform::summary,
    value::ValueLines,
};

/// Draws all changes of a plan, its output changes, and the sum.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = drift(plan);
    if plan.is_empty() {
        text.push_str(&format!(
            "{}\n",
            paint(
                GOOD,
                "No changes. Your infrastructure matches the configuration."
            )
        ));
        return text;
    }
    let changes: Vec<&Change> = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp)
        .collect();
    if !changes.is_empty() {
        text.push_str("Strata will perform the following actions:\n\n");
        changes.iter().for_each(|one| text.push_str(&change(one)));
    }
    text.push_str(&format!(
        "{}\n",
        paint(
            HEADING,
            &summary(strata_core::OperationKind::Plan, &plan.counts())
        )
    ));
    text.push_str(&outputs(plan));
    text
}

fn drift(plan: &Plan) -> String {
    if plan.drift.is_empty() {
        return String::new();
    }
    let mut text = String::from("Changed outside of Strata:\n\n");
    for change in &plan.drift {
        let word = if change.action == Action::Delete {
            "has been deleted"
        } else {
            "has changed"
        };
        text.push_str(&format!(
            "  {} {}\n",
            paint(HEADING, &format!("# {}", change.address)),
            word
        ));
        if change.action != Action::Delete {
            text.push_str(&lines(change, 4));
        }
    }
    text.push('\n');
    text
}

/// Draws one change.
fn change(change: &Change) -> String {
    let (sign, word) = words(change.action);
    let deposed = change
        .deposed
        .as_ref()
        .map(|key| format!(" (deposed object {key})"))
        .unwrap_or_default();
    let reason = change
        .reason
        .as_ref()
        .map(|reason| format!(", because {}", why(reason)))
        .unwrap_or_default();
    let mut text = format!(
        "  {}\n",
        paint(
            HEADING,
            &format!("# {}{deposed} {word}{reason}", change.address)
        )
    );
    for effect in &change.effects {
        text.push_str(&format!(
            "  {}\n",
            paint(CHANGE, &format!("# {}", effect.reason))
        ));
    }
    let resource = &change.address.resource;
    let keyword = if resource.mode == strata_core::addr::ResourceMode::Data {
        "data"
    } else {
        "resource"
    };
    text.push_str(&format!(
        "{sign} {keyword} {:?} {:?} {{\n",
        &*resource.type_name, &*resource.name
    ));
    text.push_str(&lines(change, 6));
    text.push_str("    }\n\n");
    text
}

/// Why, as the end of a sentence.
fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::CannotUpdate => "it cannot change in place",
        Reason::Tainted => "it is tainted",
        Reason::Requested => "you asked for it",
        Reason::Triggered => "something in replace_triggered_by changes",
        Reason::NotInConfiguration => "it is not in configuration",
        Reason::NoModule => "its module is not in configuration",
        Reason::CountIndex => "its index is out of range for count",
        Reason::EachKey => "its key is not in for_each",
        Reason::WrongRepetition => "count or for_each came or went",
        Reason::Deposed => "it was left over from a replacement",
        Reason::ConfigUnknown => "its configuration is not known yet",
        Reason::DependencyPending => "what it depends on changes first",
    }
}

fn lines(change: &Change, indent: usize) -> String {
    let nothing = Value::Null(Type::Dynamic);
    let (before, after) = (
        change.before.as_ref().unwrap_or(&nothing),
        change.after.as_ref().unwrap_or(&nothing),
    );
    let mut lines = ValueLines {
        requires_replace: &change.requires_replace,
        lines: Vec::new(),
    };
    lines.object(before, after, &AttributePath::root(), indent);
    lines.lines.iter().map(|line| format!("{line}\n")).collect()
}

fn words(action: Action) -> (String, &'static str) {
    let both = format!("{}/{}", paint(BAD, "-"), paint(GOOD, "+"));
    match action {
        Action::NoOp => ("   ".to_owned(), "stays as it is"),
        Action::Create => (format!("  {}", paint(GOOD, "+")), "will be created"),
        Action::Read => (
            format!(" {}", paint(FAINT, "<=")),
            "will be read during apply",
        ),
        Action::Update => (
            format!("  {}", paint(CHANGE, "~")),
            "will be updated in-place",
        ),
        Action::DeleteThenCreate => (both, "must be replaced"),
        Action::CreateThenDelete => (
            format!("{}/{}", paint(GOOD, "+"), paint(BAD, "-")),
            "must be replaced",
        ),
        Action::Delete => (format!("  {}", paint(BAD, "-")), "will be destroyed"),
        Action::Forget => (
            format!("  {}", paint(FAINT, ".")),
            "will no longer be managed",
        ),
    }
}

fn outputs(plan: &Plan) -> String {
    let side = |value: fn(&OutputChange) -> &Option<Value>| {
        Value::object(
            plan.outputs
                .iter()
                .filter(|(_, change)| change.action != Action::NoOp)
                .map(|(name, change)| {
                    let value = value(change).clone().unwrap_or(Value::Null(Type::Dynamic));
                    (
                        name.clone(),
                        if change.sensitive && !value.is_null() {
                            value.sensitive()
                        } else {
                            value
                        },
                    )
                }),
        )
    };
    let (before, after) = (side(|change| &change.before), side(|change| &change.after));
    let mut lines = ValueLines {
        requires_replace: &[],
        lines: Vec::new(),
    };
    lines.object(&before, &after, &AttributePath::root(), 2);
    match lines.lines.is_empty() {
        true => String::new(),
        false => format!("\nChanges to Outputs:\n{}\n", lines.lines.join("\n")),
    }
}
