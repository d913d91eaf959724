//! How much runs at once.
//!
//! Each step has a place from its begin to its end, and gives it to others while its provider says that it only waits:
//! then the platform works, and asks nothing of us. So there are as many calls as `-parallelism` says, and more steps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strata_core::{BoxFuture, hash::HashMap, provider};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many steps may be under way for each that has a place: a platform is not flooded with what it is to work on.
const STEPS: usize = 5;

/// Who lets fewer run at once than are usual means steps: with one at a time nothing is under way beside it.
const USUAL: usize = 10;

/// The places of one apply.
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    taken: HashMap<usize, Arc<Place>>,
}

/// The place of one step.
struct Place {
    free: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Places {
    /// As many as may call at once.
    pub(super) fn new(parallelism: usize) -> Self {
        let parallelism = parallelism.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(parallelism)),
            most: match parallelism < USUAL {
                true => parallelism,
                false => parallelism.saturating_mul(STEPS),
            },
            taken: HashMap::default(),
        }
    }

    /// Gives a step a place; false if there is none.
    pub(super) fn take(&mut self, at: usize) -> bool {
        if self.taken.len() >= self.most {
            return false;
        }
        let Ok(permit) = self.free.clone().try_acquire_owned() else {
            return false;
        };
        let place = Place {
            free: self.free.clone(),
            held: Mutex::new(Some(permit)),
        };
        self.taken.insert(at, Arc::new(place));
        true
    }

    /// The place of a step that has one.
    pub(super) fn of(&self, at: usize) -> Arc<dyn provider::Place> {
        self.taken[&at].clone()
    }

    /// Ends what a step has of them.
    pub(super) fn give_back(&mut self, at: usize) {
        if let Some(place) = self.taken.remove(&at) {
            provider::Place::leave(&*place);
        }
    }

    /// Waits until a step could have one, if there are more steps and only calls are in their way.
    pub(super) async fn room(&self, more: bool) {
        if !more || self.taken.len() >= self.most {
            std::future::pending::<()>().await;
        }
        // It is never closed, and what was got is given back at once: whoever asks next has it.
        drop(self.free.acquire().await);
    }
}

impl Place {
    fn held(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl provider::Place for Place {
    fn leave(&self) {
        drop(self.held().take());
    }

    fn take<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if self.held().is_some() {
                return;
            }
            let permit = self.free.clone().acquire_owned().await;
            *self.held() = permit.ok();
        })
    }
}
