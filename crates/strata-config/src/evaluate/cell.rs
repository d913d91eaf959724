//! A place for a value that is computed once, when asked for.

use std::sync::{Mutex, PoisonError};

/// A value that is not computed, being computed, or there.
#[derive(Debug)]
pub(super) struct Cell<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    Empty,
    Running,
    Done(T),
}

/// What a cell says when asked.
pub(super) enum Asked<T> {
    /// It is there.
    Done(T),
    /// Whoever asks must compute it, and then [`Cell::fill`] it.
    Compute,
    /// It is being computed, further up: it refers to itself.
    Cycle,
}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self(Mutex::new(State::Empty))
    }
}

impl<T: Clone> Cell<T> {
    pub(super) fn ask(&self) -> Asked<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Done(value) => Asked::Done(value.clone()),
            State::Running => Asked::Cycle,
            State::Empty => {
                *state = State::Running;
                Asked::Compute
            }
        }
    }

    pub(super) fn fill(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Done(value);
    }
}
