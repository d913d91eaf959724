//! A plan for people, in the look of `terraform plan`.

use std::{
    path::Path,
    sync::{LazyLock, mpsc},
    thread,
};

use strata_core::{
    Action, AttributePath, Type, Value,
    addr::{InstanceKey, ResourceInstance, ResourceMode},
};
use strata_ops::infrastructure::{Change, OutputChange, Plan, PlanMode, Providers, Reason};

use super::{
    disruption,
    style::{BAD, CHANGE, FAINT, GOOD, HEADING, paint, paint_onto},
    terraform::summary,
    value::{ValueLines, quoted},
};

/// So many changes are a piece of a plan: drawing the next one takes about as long as printing it.
const PIECE: usize = 100;

/// From so many changes on it pays to draw half of them in a thread of its own.
const MANY: usize = 4 * PIECE;

/// Draws all changes of a plan, its output changes, and the sum.
///
/// The schemas of the providers tell which attributes are blocks.
pub(crate) fn plan(plan: &Plan, providers: &Providers) -> String {
    let mut text = String::new();
    let last = pieces(String::new(), plan, providers, &mut |piece| {
        text.push_str(&piece);
    });
    text + &last
}

/// The same behind a first `text`, piece by piece, so that one can be printed while the next is drawn; gives the last.
pub(crate) fn pieces(
    mut text: String,
    plan: &Plan,
    providers: &Providers,
    print: &mut dyn FnMut(String),
) -> String {
    text.push_str(&drift(plan, providers));
    if plan.is_empty() {
        let nothing = match plan.mode {
            _ if plan.mode == PlanMode::RefreshOnly && !plan.drift.is_empty() => {
                "This plan only takes what has changed into the state."
            }
            PlanMode::Normal => "No changes. Your infrastructure matches the configuration.",
            PlanMode::RefreshOnly => {
                "No changes. Your infrastructure still matches the configuration."
            }
            PlanMode::Destroy => "No changes. No objects need to be destroyed.",
        };
        text.push_str(&format!("{}\n", paint(GOOD, nothing)));
        return text;
    }
    let changes: Vec<&Change> = plan
        .changes
        .iter()
        .filter(|change| {
            change.action != Action::NoOp
                || change.importing.is_some()
                || plan.moved_from(&change.address).is_some()
        })
        .collect();
    if !changes.is_empty() {
        text.push_str("Strata will perform the following actions:\n\n");
    }
    draw(&changes, &mut text, print, &|one, text| {
        change(one, plan, providers, text);
    });
    text.push_str(&format!(
        "{}\n",
        paint(
            HEADING,
            &summary(strata_core::OperationKind::Plan, &plan.counts())
        )
    ));
    text.push_str(&disruption::sum(plan));
    text.push_str(&outputs(plan));
    text
}

/// Draws changes, in their order: by two threads where there are many.
fn draw<C: Copy + Sync>(
    changes: &[C],
    text: &mut String,
    print: &mut dyn FnMut(String),
    one: &(dyn Fn(C, &mut String) + Sync),
) {
    let piece = |some: &[C], mut text: String| {
        some.iter().for_each(|change| one(*change, &mut text));
        text
    };
    let halves = if changes.len() < MANY { 1 } else { 2 };
    let (first, second) = changes.split_at(changes.len().div_ceil(halves));
    let (sender, drawn) = mpsc::channel();
    thread::scope(|scope| {
        let work = move || {
            let mut pieces = second.chunks(PIECE).map(|some| piece(some, String::new()));
            // Who prints them waits for the last.
            pieces.try_for_each(|piece| sender.send(piece)).ok();
        };
        let is_helped =
            !second.is_empty() && thread::Builder::new().spawn_scoped(scope, work).is_ok();
        for some in first.chunks(PIECE) {
            print(piece(some, std::mem::take(text)));
        }
        match is_helped {
            true => drawn.iter().for_each(print),
            false => second
                .chunks(PIECE)
                .for_each(|some| print(piece(some, String::new()))),
        }
    });
}

/// What is asked before a plan is applied.
pub(crate) fn question(plan: &Plan) -> &'static str {
    match plan.mode {
        PlanMode::Normal => {
            "Do you want to perform these actions?\n  Strata will perform the actions described above."
        }
        PlanMode::RefreshOnly => {
            "Would you like to update the state to reflect these detected changes?\n  Strata will write these changes to the state without modifying any real infrastructure.\n  There is no undo."
        }
        PlanMode::Destroy => {
            "Do you really want to destroy all resources?\n  Strata will destroy all your managed infrastructure, as shown above.\n  There is no undo."
        }
    }
}

/// What can be done with a plan that was only shown.
pub(crate) fn next_steps(out: Option<&Path>, plan: &Plan) -> String {
    match out {
        Some(path) => format!(
            "\nSaved the plan to: {path}\n\nTo perform exactly these actions, run the following command to apply:\n    strata apply {path:?}\n",
            path = path.display()
        ),
        None if plan.is_applyable() => {
            "\nNote: The plan was not saved (-out), so `strata apply` plans again.\n".to_owned()
        }
        None => String::new(),
    }
}

fn drift(plan: &Plan, providers: &Providers) -> String {
    if plan.drift.is_empty() {
        return String::new();
    }
    let is_moved = |change: &Change| change.action == Action::NoOp;
    let mut text = String::from(match plan.drift.iter().all(is_moved) {
        true => "Moved by the configuration:\n\n",
        false => "Changed outside of Strata:\n\n",
    });
    for change in &plan.drift {
        let address = &change.address;
        let (heading, word) = match (change.action, plan.moved_from(address)) {
            (Action::NoOp, Some(from)) => (format!("# {from}"), format!("has moved to {address}")),
            (Action::Delete, _) => (format!("# {address}"), "has been deleted".to_owned()),
            _ => (format!("# {address}"), "has changed".to_owned()),
        };
        text.push_str(&format!("  {} {word}\n", paint(HEADING, &heading)));
        if !matches!(change.action, Action::Delete | Action::NoOp) {
            text.push_str(&lines(change, providers, 4));
        }
    }
    text.push('\n');
    text
}

/// Draws one change.
fn change(change: &Change, plan: &Plan, providers: &Providers, text: &mut String) {
    let moved_from = plan.moved_from(&change.address);
    text.push_str("  ");
    headline(change, moved_from, text);
    text.push('\n');
    if change.action != Action::NoOp {
        if let Some(from) = moved_from {
            text.push_str(&format!("  # (moved from {from})\n"));
        }
        if let Some(id) = &change.importing {
            text.push_str(&format!("  # (imported from {id:?})\n"));
        }
    }
    if let Some(why) = change
        .reason
        .as_ref()
        .and_then(|reason| why(reason, change))
    {
        text.push_str(&format!("  # ({why})\n"));
    }
    text.push_str(&disruption::lines(change));
    let resource = &change.address.resource;
    let keyword = match resource.mode {
        ResourceMode::Data => " data ",
        _ => " resource ",
    };
    let (kind, name) = (quoted(&resource.type_name), quoted(&resource.name));
    for part in [sign(change.action), keyword, &kind, " ", &name, " {\n"] {
        text.push_str(part);
    }
    text.push_str(&lines(change, providers, 6));
    text.push_str("    }\n\n");
}

/// What will become of which object.
fn headline(change: &Change, moved_from: Option<&ResourceInstance>, text: &mut String) {
    let (address, verdict) = (&change.address, verdict(change));
    match (moved_from, change.action, &change.deposed) {
        (Some(from), Action::NoOp, _) => paint_onto(
            text,
            HEADING,
            format_args!("# {from} has moved to {address}"),
        ),
        (_, _, Some(key)) => paint_onto(
            text,
            HEADING,
            format_args!("# {address} (deposed object {key}) {verdict}"),
        ),
        _ => paint_onto(text, HEADING, format_args!("# {address} {verdict}")),
    }
}

/// What will become of it, after its address, in Terraform's words.
fn verdict(change: &Change) -> &'static str {
    let replaces = matches!(
        change.action,
        Action::DeleteThenCreate | Action::CreateThenDelete
    );
    match (change.action, &change.reason) {
        (_, Some(Reason::Tainted)) if replaces => "is tainted, so must be replaced",
        (_, Some(Reason::Requested)) if replaces => "will be replaced, as requested",
        (_, Some(Reason::Triggered)) if replaces => {
            "will be replaced due to changes in replace_triggered_by"
        }
        _ if replaces => "must be replaced",
        (Action::NoOp, _) => "will be imported",
        (Action::Create, _) => "will be created",
        (Action::Read, _) => "will be read during apply",
        (Action::Update, _) => "will be updated in-place",
        (Action::Delete, _) => "will be destroyed",
        (_, _) => "will no longer be managed by Strata, but will not be destroyed",
    }
}

/// Why, where the verdict does not say it.
fn why(reason: &Reason, change: &Change) -> Option<String> {
    let address = &change.address;
    let key = || {
        address
            .key
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    Some(match reason {
        _ if change.action == Action::Forget => {
            "destroy = false is set in the configuration".to_owned()
        }
        Reason::NotInConfiguration => {
            format!("because {} is not in configuration", address.resource)
        }
        Reason::NoMoveTarget => format!(
            "because it was moved to {}, which is not in configuration",
            address.resource
        ),
        Reason::NoModule => format!(
            "because {} is not in configuration",
            address.resource.module
        ),
        Reason::CountIndex => format!("because index {} is out of range for count", key()),
        Reason::EachKey => format!("because key {} is not in for_each map", key()),
        Reason::WrongRepetition => match &address.key {
            None => "because resource uses count or for_each".to_owned(),
            Some(InstanceKey::Int(_)) => "because resource does not use count".to_owned(),
            Some(InstanceKey::String(_)) => "because resource does not use for_each".to_owned(),
        },
        Reason::Deposed => {
            "left over from a partially-failed replacement of this instance".to_owned()
        }
        Reason::ConfigUnknown => "config refers to values not yet known".to_owned(),
        Reason::DependencyPending => {
            "depends on a resource or a module with changes pending".to_owned()
        }
        Reason::CannotUpdate if !change.requires_replace.is_empty() => {
            let paths = change.requires_replace.iter();
            let paths: Vec<String> = paths.map(|path| format!("`{path}`")).collect();
            format!(
                "because of {}, which cannot change in place",
                paths.join(", ")
            )
        }
        Reason::CannotUpdate | Reason::Tainted | Reason::Requested | Reason::Triggered => {
            return None;
        }
    })
}

fn lines(change: &Change, providers: &Providers, indent: usize) -> String {
    let resource = &change.address.resource;
    let schemas = providers.schemas();
    let schema = schemas.resource(&change.provider.source, resource.mode, &resource.type_name);
    let nothing = Value::Null(Type::Dynamic);
    let (before, after) = (
        change.before.as_ref().unwrap_or(&nothing),
        change.after.as_ref().unwrap_or(&nothing),
    );
    let mut lines = ValueLines {
        requires_replace: &change.requires_replace,
        block: schema.map(|schema| &schema.block),
        text: String::new(),
    };
    lines.object(before, after, &AttributePath::root(), indent);
    lines.text
}

fn sign(action: Action) -> &'static str {
    static DRAWN: LazyLock<[String; 7]> = LazyLock::new(|| {
        [
            format!("  {}", paint(GOOD, "+")),
            format!(" {}", paint(FAINT, "<=")),
            format!("  {}", paint(CHANGE, "~")),
            format!("{}/{}", paint(BAD, "-"), paint(GOOD, "+")),
            format!("{}/{}", paint(GOOD, "+"), paint(BAD, "-")),
            format!("  {}", paint(BAD, "-")),
            format!("  {}", paint(FAINT, ".")),
        ]
    });
    match action {
        // What is ephemeral is not in a plan.
        Action::NoOp | Action::Open | Action::Renew | Action::Close => "   ",
        Action::Create => &DRAWN[0],
        Action::Read => &DRAWN[1],
        Action::Update => &DRAWN[2],
        Action::DeleteThenCreate => &DRAWN[3],
        Action::CreateThenDelete => &DRAWN[4],
        Action::Delete => &DRAWN[5],
        Action::Forget => &DRAWN[6],
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
        block: None,
        text: String::new(),
    };
    lines.object(&before, &after, &AttributePath::root(), 2);
    match lines.text.is_empty() {
        true => String::new(),
        false => format!("\nChanges to Outputs:\n{}", lines.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_changes_are_drawn_in_their_order() {
        for count in [0, 1, PIECE, MANY - 1, MANY, 10 * MANY + 1] {
            let (mut text, mut drawn) = ("first ".to_owned(), String::new());
            let changes: Vec<usize> = (0..count).collect();
            draw(
                &changes,
                &mut text,
                &mut |piece| drawn.push_str(&piece),
                &|change, text| text.push_str(&format!("{change} ")),
            );
            let numbers: String = changes.iter().map(|at| format!("{at} ")).collect();
            assert_eq!(drawn + &text, format!("first {numbers}"), "{count}");
        }
    }
}
