//! Stopping a run from outside, as Ctrl-C does.

use tokio::sync::watch;

/// How far a stop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Not at all.
    No,
    /// What runs is finished, nothing more is started.
    Soft,
    /// What runs is dropped, which ends it on the hosts.
    Hard,
}

/// Stops a run.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<Stop>);

/// What a run listens to.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Stop>);

/// Makes a handle and the signal that it gives.
pub fn stop_handle() -> (StopHandle, StopSignal) {
    let (sender, receiver) = watch::channel(Stop::No);
    (StopHandle(sender), StopSignal(receiver))
}

impl StopHandle {
    /// Lets running tasks finish and starts nothing more.
    pub fn soft(&self) {
        self.raise(Stop::Soft);
    }

    /// Ends running tasks, too.
    pub fn hard(&self) {
        self.raise(Stop::Hard);
    }

    fn raise(&self, stop: Stop) {
        self.0.send_modify(|current| {
            if *current != Stop::Hard {
                *current = stop;
            }
        });
    }
}

impl StopSignal {
    pub(crate) fn requested(&self) -> bool {
        *self.0.borrow() != Stop::No
    }

    /// Waits until running tasks are to be dropped; for ever if nobody can ask for it any more.
    pub async fn hard(&mut self) {
        if self.0.wait_for(|stop| *stop == Stop::Hard).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
