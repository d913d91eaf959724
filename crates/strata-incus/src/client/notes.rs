//! Who is told what a call is at.

use strata_core::provider::Progress;

/// Takes what is told while something is worked on, and lets others go first while it is only waited for.
#[derive(Clone, Copy)]
pub(crate) enum Notes<'a> {
    /// Nobody listens.
    Nobody,
    /// The engine, whose calls have a place each among those that may run at once.
    Engine(&'a Progress),
    /// Whoever waits for a connection.
    Connecting(&'a (dyn Fn(&str) + Send + Sync)),
}

impl Notes<'_> {
    /// Tells what is under way.
    pub(crate) fn note(self, text: &str) {
        match self {
            Notes::Nobody => {}
            Notes::Engine(progress) => progress.note(text),
            Notes::Connecting(tell) => tell(text),
        }
    }

    /// Waits for something that the server, or a guest, does by itself.
    pub(crate) async fn wait<T>(self, event: impl Future<Output = T>) -> T {
        match self {
            Notes::Engine(progress) => progress.wait(event).await,
            Notes::Nobody | Notes::Connecting(_) => event.await,
        }
    }
}
