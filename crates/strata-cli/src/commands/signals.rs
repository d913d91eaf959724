//! Ctrl-C, the wish to end, and a terminal that was closed: the first ends the work gently, the second at once.

use std::time::Duration;

use strata_core::{Diagnostic, Diagnostics};
use strata_ops::stop::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::render::Printer;

/// How long work may take to end at once; what does not heed that is left.
const GRACE: Duration = Duration::from_secs(3);

/// Does `work`; signals that come meanwhile stop it.
pub(super) async fn stoppable<T>(
    stop: &Stop,
    printer: &Printer,
    work: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let mut work = std::pin::pin!(work);
    let mut signals = std::pin::pin!(count(stop, printer));
    // Signals first: they must be heard before the work begins, which may go far without a pause.
    tokio::select! {
        biased;
        () = &mut signals => Err(left().into()),
        done = &mut work => done,
    }
}

fn left() -> Diagnostic {
    Diagnostic::error("interrupted", "The run was interrupted")
        .detail("Something was under way that does not end at once, and was left to itself.")
        .hint("Run the same again: what was begun is in the journal, and is looked for first.")
}

/// Turns signals into stops; ends only where the work did not, after the last of them.
async fn count(stop: &Stop, printer: &Printer) {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    next().await;
    printer.print(
        "Stopping: what is under way is finished first. Once more stops at once.\n".to_owned(),
    );
    stop.soft();
    next().await;
    printer.print("Stopping at once.\n".to_owned());
    stop.hard();
    tokio::time::sleep(GRACE).await;
}
