//! The look of `terraform apply`: a line when a change begins, goes on and ends, and the sum at the end.

use std::{collections::BTreeMap, time::Instant};

use anstream::println;
use strata_core::{Action, ApplyPhase, ChangeCounts, Event, OperationKind, addr::ResourceInstance};

use super::{
    Renderer,
    diagnostic::DiagnosticRenderer,
    style::{GOOD, HEADING, paint},
};

/// Draws plan and apply as Terraform does.
pub(crate) struct TerraformLook {
    diagnostics: DiagnosticRenderer,
    since: BTreeMap<ResourceInstance, Instant>,
}

impl TerraformLook {
    /// Starts with nothing under way.
    pub(crate) fn new(diagnostics: DiagnosticRenderer) -> Self {
        Self {
            diagnostics,
            since: BTreeMap::new(),
        }
    }

    fn apply(&mut self, address: ResourceInstance, action: Action, phase: ApplyPhase) {
        let (doing, done) = words(action);
        match phase {
            ApplyPhase::Started => {
                println!("{}", paint(HEADING, &format!("{address}: {doing}...")));
                self.since.insert(address, Instant::now());
            }
            ApplyPhase::Progress(note) => {
                println!("{}", paint(HEADING, &format!("{address}: {note}")))
            }
            ApplyPhase::Finished(id) => {
                let seconds = self
                    .since
                    .remove(&address)
                    .map_or(0, |since| since.elapsed().as_secs());
                let id = id.map(|id| format!(" [id={id}]")).unwrap_or_default();
                println!(
                    "{}",
                    paint(
                        HEADING,
                        &format!("{address}: {done} complete after {seconds}s{id}")
                    )
                );
            }
            ApplyPhase::Failed => drop(self.since.remove(&address)),
        }
    }
}

/// Present and done, as Terraform says them.
pub(crate) fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Create | Action::DeleteThenCreate | Action::CreateThenDelete => {
            ("Creating", "Creation")
        }
        Action::Update | Action::NoOp => ("Modifying", "Modifications"),
        Action::Read => ("Reading", "Read"),
        Action::Delete => ("Destroying", "Destruction"),
        Action::Forget => ("Removing from state", "Removal"),
    }
}

/// The last line of plan, apply or destroy.
pub(crate) fn summary(operation: OperationKind, counts: &ChangeCounts) -> String {
    let ChangeCounts {
        add,
        change,
        destroy,
        import,
    } = counts;
    let imported = if *import > 0 {
        format!("{import} imported, ")
    } else {
        String::new()
    };
    let to_import = if *import > 0 {
        format!("{import} to import, ")
    } else {
        String::new()
    };
    match operation {
        OperationKind::Plan => {
            format!("Plan: {to_import}{add} to add, {change} to change, {destroy} to destroy.")
        }
        OperationKind::Apply => {
            format!(
                "Apply complete! Resources: {imported}{add} added, {change} changed, {destroy} destroyed."
            )
        }
        OperationKind::Destroy => format!("Destroy complete! Resources: {destroy} destroyed."),
    }
}

impl Renderer for TerraformLook {
    fn event(&mut self, event: Event) {
        match event {
            Event::RefreshStarted { address } => {
                println!(
                    "{}",
                    paint(HEADING, &format!("{address}: Refreshing state..."))
                );
            }
            Event::Apply {
                address,
                action,
                phase,
            } => self.apply(address, action, phase),
            Event::ChangeSummary {
                operation: OperationKind::Plan,
                ..
            } => {}
            Event::ChangeSummary { operation, counts } => {
                println!("\n{}", paint(GOOD, &summary(operation, &counts)));
            }
            Event::Diagnostic { diagnostic } => {
                anstream::eprint!("{}", self.diagnostics.render(&diagnostic))
            }
            _ => {}
        }
    }
}
