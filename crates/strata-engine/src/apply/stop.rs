//! Asking an apply to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// A handle to stop an apply from elsewhere; clones stop the same one.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Wish>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    GoOn,
    StartNothing,
    Leave,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Wish::GoOn)))
    }

    /// Starts nothing more; what runs is waited for.
    pub fn soft(&self) {
        self.raise(Wish::StartNothing);
    }

    /// Returns at once; what runs is left to itself, and the journal tells of it.
    pub fn hard(&self) {
        self.raise(Wish::Leave);
    }

    fn raise(&self, wish: Wish) {
        self.0.send_if_modified(|now| {
            let more = wish > *now;
            *now = (*now).max(wish);
            more
        });
    }

    /// True if nothing more is to be started.
    pub fn is_soft(&self) -> bool {
        *self.0.borrow() >= Wish::StartNothing
    }

    /// True if what runs was left to itself.
    pub fn is_hard(&self) -> bool {
        *self.0.borrow() == Wish::Leave
    }

    /// Waits for a hard stop.
    pub(crate) async fn left(&self) {
        let mut wishes = self.0.subscribe();
        // The sender lives as long as this handle, so there is no other end.
        drop(wishes.wait_for(|wish| *wish == Wish::Leave).await);
    }
}
