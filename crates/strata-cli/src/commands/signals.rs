//! Ctrl-C, the wish to end, and a terminal that was closed: the first ends the work gently, the second at once.
//!
//! They are heard in a thread of their own: work may stand in a call that does not end, such as the opening of a pipe
//! to which nobody writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use strata_core::{Diagnostic, Diagnostics};
use strata_ops::stop::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::{block_on, complain};
use crate::render::Printer;

/// How long work may take to end at once; what does not heed that is left.
const GRACE: Duration = Duration::from_secs(3);

/// How long it may take to say so, before the process ends as it stands.
const LAST: Duration = Duration::from_secs(1);

/// Does `work`; signals that come meanwhile stop it.
pub(super) async fn stoppable<T>(
    stop: &Stop,
    printer: &Printer,
    work: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let (given_up, is_given_up) = oneshot::channel();
    let (listening, is_listening) = mpsc::channel::<()>();
    let is_over = Arc::new(AtomicBool::new(false));
    let ear = Ear {
        stop: stop.clone(),
        printer: printer.clone(),
        is_over: is_over.clone(),
    };
    thread::spawn(move || {
        drop(block_on(async {
            let heard = Signals::new();
            // Whoever starts the work waits for this.
            drop(listening);
            if let Some(signals) = heard {
                ear.count(signals, given_up).await;
            }
        }));
    });
    // Nothing is ever sent: it ends when the other side does.
    is_listening.recv().ok();
    let done = tokio::select! {
        biased;
        Ok(()) = is_given_up => Err(left().into()),
        done = work => done,
    };
    // The thread is not woken for that: it ends with the process, or with the next signal.
    is_over.store(true, Ordering::Relaxed);
    done
}

fn left() -> Diagnostic {
    Diagnostic::error("interrupted", "The run was interrupted")
        .detail("Something was under way that does not end at once, and was left to itself.")
        .hint("Run the same again: what was begun is in the journal, and is looked for first.")
}

/// The signals that mean an end.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> Option<Signals> {
        let of = |kind| signal(kind).ok();
        Some(Signals([
            of(SignalKind::interrupt())?,
            of(SignalKind::terminate())?,
            of(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hang_up] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}

/// Who hears signals for the work.
struct Ear {
    stop: Stop,
    printer: Printer,
    /// Set when the work is done.
    is_over: Arc<AtomicBool>,
}

impl Ear {
    /// Turns signals into stops; ends with the first one after the work, or where the work did not, after the last.
    async fn count(self, mut signals: Signals, given_up: oneshot::Sender<()>) {
        signals.next().await;
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        // First this: who reads that it stops may rely on it. An output that is blocked is not waited for.
        self.stop.soft();
        self.printer.begin(
            "Stopping: what is under way is finished first. Once more stops at once.\n".to_owned(),
        );
        signals.next().await;
        self.printer.begin("Stopping at once.\n".to_owned());
        self.stop.hard();
        tokio::time::sleep(GRACE).await;
        given_up.send(()).ok();
        tokio::time::sleep(LAST).await;
        complain(&left().into());
        std::process::exit(1);
    }
}
