//! Ctrl-C: the first ends the work gently, the second at once.

use strata_ops::stop::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::render::Printer;

/// Does `work`; signals that come meanwhile stop it.
pub(super) async fn stoppable<T>(
    stop: &Stop,
    printer: &Printer,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let mut signals = std::pin::pin!(count(stop, printer));
    loop {
        // Signals first: they must be heard before the work begins, which may go far without a pause.
        tokio::select! {
            biased;
            () = &mut signals => {}
            done = &mut work => return done,
        }
    }
}

/// Turns signals into stops; never ends.
async fn count(stop: &Stop, printer: &Printer) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
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
    std::future::pending().await
}
