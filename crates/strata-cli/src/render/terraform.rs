//! The look of `terraform apply`: a line when a change begins, goes on and ends, and the sum at the end.

use std::{collections::BTreeMap, fmt::Write, time::Instant};

use strata_core::{
    Action, ApplyPhase, ChangeCounts, Diagnostic, Event, OperationKind, ProvisionPhase,
    addr::ResourceInstance,
};
use strata_ops::infrastructure::stored::State;

use super::{
    Renderer,
    diagnostic::DiagnosticRenderer,
    print_whole,
    style::{GOOD, HEADING, paint},
    value::long,
};

/// Draws plan and apply as Terraform does.
pub(crate) struct TerraformLook {
    diagnostics: DiagnosticRenderer,
    running: Running,
    /// Summaries of warnings, if they are to be told by these only.
    warnings: Option<Vec<String>>,
    /// Lines that are not printed yet.
    said: String,
}

impl TerraformLook {
    /// Starts with nothing under way.
    pub(crate) fn new(diagnostics: DiagnosticRenderer, compact_warnings: bool) -> Self {
        Self {
            diagnostics,
            running: Running::default(),
            warnings: compact_warnings.then(Vec::new),
            said: String::new(),
        }
    }

    fn apply(
        &mut self,
        address: ResourceInstance,
        action: Action,
        phase: ApplyPhase,
        id: Option<String>,
    ) {
        let (doing, done) = words(action);
        let shown = |id: Option<String>| id.map(|id| format!(" [id={id}]")).unwrap_or_default();
        match phase {
            ApplyPhase::Started => {
                self.tell(&format!("{address}: {doing}...{}", shown(id)));
                self.running.start(address, action);
            }
            ApplyPhase::Progress(note) => self.tell(&format!("{address}: {note}")),
            ApplyPhase::Finished(id) => {
                let seconds = self.running.end(&address);
                let id = shown(id);
                self.tell(&format!(
                    "{address}: {done} complete after {}{id}",
                    elapsed(seconds)
                ));
            }
            ApplyPhase::Failed => drop(self.running.end(&address)),
        }
    }

    fn tell(&mut self, line: &str) {
        self.say(&paint(HEADING, line));
    }

    fn say(&mut self, line: &str) {
        self.said.push_str(line);
        self.said.push('\n');
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        self.pause();
        match &mut self.warnings {
            Some(warnings) if !diagnostic.is_error() => warnings.push(diagnostic.summary.clone()),
            _ => anstream::eprint!("{}", self.diagnostics.render(diagnostic)),
        }
    }
}

/// What is under way, and since when.
#[derive(Default)]
pub(crate) struct Running(BTreeMap<ResourceInstance, Since>);

struct Since {
    began: Instant,
    action: Action,
    /// How often it was said that it still goes on.
    told: u64,
}

/// How often it is said of long work that it goes on, in seconds.
const STILL: u64 = 10;

impl Running {
    pub(crate) fn start(&mut self, address: ResourceInstance, action: Action) {
        let since = Since {
            began: Instant::now(),
            action,
            told: 0,
        };
        self.0.insert(address, since);
    }

    /// How many seconds it took.
    pub(crate) fn end(&mut self, address: &ResourceInstance) -> u64 {
        let since = self.0.remove(address);
        since.map_or(0, |since| since.began.elapsed().as_secs())
    }

    /// How many seconds it is under way.
    pub(crate) fn seconds(&self, address: &ResourceInstance) -> u64 {
        let since = self.0.get(address);
        since.map_or(0, |since| since.began.elapsed().as_secs())
    }

    /// What goes on for so long that it is time to say so again.
    pub(crate) fn still(&mut self) -> Vec<(ResourceInstance, Action, u64)> {
        let mut still = Vec::new();
        for (address, since) in &mut self.0 {
            let seconds = since.began.elapsed().as_secs();
            if seconds / STILL > since.told {
                since.told = seconds / STILL;
                still.push((address.clone(), since.action, since.told * STILL));
            }
        }
        still
    }
}

/// Seconds as Go writes durations.
pub(crate) fn elapsed(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The outputs of a state, as they are told at the end of an apply.
pub(crate) fn outputs(state: &State) -> String {
    if state.outputs.is_empty() {
        return String::new();
    }
    let lines = state.outputs.iter().map(|(name, output)| {
        let text = match output.sensitive {
            true => "<sensitive>".to_owned(),
            false => long(&output.value, 0),
        };
        format!("{name} = {text}\n")
    });
    format!("\nOutputs:\n\n{}", lines.collect::<String>())
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
        Action::Open => ("Opening", "Opening"),
        Action::Renew => ("Renewing", "Renewal"),
        Action::Close => ("Closing", "Closing"),
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
            Event::RefreshStarted { address, id } => {
                let (open, id, close) = match id.as_deref() {
                    Some(id) => (" [id=", id, "]"),
                    None => ("", "", ""),
                };
                let line = format_args!("{address}: Refreshing state...{open}{id}{close}");
                // A text takes everything.
                writeln!(self.said, "{HEADING}{line}{HEADING:#}").ok();
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
            } => match phase {
                ProvisionPhase::Started => {
                    self.tell(&format!("{address}: Provisioning with '{kind}'..."))
                }
                ProvisionPhase::Output(line) => {
                    let who = paint(HEADING, &format!("{address} ({kind}):"));
                    self.say(&format!("{who} {line}"));
                }
                ProvisionPhase::Finished | ProvisionPhase::Failed => {}
            },
            Event::ChangeSummary {
                operation: OperationKind::Plan,
                ..
            } => {}
            Event::ChangeSummary { operation, counts } => {
                self.say(&format!("\n{}", paint(GOOD, &summary(operation, &counts))));
            }
            Event::Diagnostic { diagnostic } => self.diagnostic(&diagnostic),
            _ => {}
        }
    }

    fn shows(&self) -> fn(&Event) -> bool {
        |event| {
            matches!(
                event,
                Event::RefreshStarted { .. }
                    | Event::Apply { .. }
                    | Event::Provision { .. }
                    | Event::ChangeSummary { .. }
                    | Event::Diagnostic { .. }
            )
        }
    }

    fn pause(&mut self) {
        if !self.said.is_empty() {
            print_whole(&std::mem::take(&mut self.said));
        }
    }

    fn tick(&mut self) {
        for (address, action, seconds) in self.running.still() {
            let doing = words(action).0.to_lowercase();
            self.tell(&format!(
                "{address}: Still {doing}... [{} elapsed]",
                elapsed(seconds)
            ));
        }
    }

    fn finish(&mut self) {
        let warnings = self.warnings.take().unwrap_or_default();
        if !warnings.is_empty() {
            let lines: Vec<_> = warnings.iter().map(|line| format!("- {line}")).collect();
            anstream::eprintln!(
                "Warnings:\n\n{}\n\nWithout -compact-warnings they are shown in full.",
                lines.join("\n")
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::elapsed;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let all: Vec<_> = [0, 59, 60, 3661].into_iter().map(elapsed).collect();
        assert_eq!(all, ["0s", "59s", "1m0s", "1h1m1s"]);
    }
}
