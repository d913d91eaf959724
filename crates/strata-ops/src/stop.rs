//! Ending an operation early, in both layers at once.

use std::sync::Arc;

use strata_runner::{StopHandle, StopSignal};

/// Stops an operation: gently, or at once. A clone stops the same one.
#[derive(Clone)]
pub struct Stop {
    engine: strata_engine::Stop,
    runner: Arc<StopHandle>,
    signal: StopSignal,
}

impl Stop {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        let (handle, signal) = strata_runner::stop_handle();
        Self {
            engine: strata_engine::Stop::new(),
            runner: Arc::new(handle),
            signal,
        }
    }

    /// Starts nothing more; what runs is waited for.
    pub fn soft(&self) {
        self.engine.soft();
        self.runner.soft();
    }

    /// Leaves what runs to itself.
    pub fn hard(&self) {
        self.engine.hard();
        self.runner.hard();
    }

    /// True if nothing more is to be started.
    pub fn is_soft(&self) -> bool {
        self.engine.is_soft()
    }

    /// True if what runs was left to itself.
    pub fn is_hard(&self) -> bool {
        self.engine.is_hard()
    }

    /// For the engine.
    pub fn engine(&self) -> &strata_engine::Stop {
        &self.engine
    }

    /// For the runner.
    pub fn signal(&self) -> StopSignal {
        self.signal.clone()
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
