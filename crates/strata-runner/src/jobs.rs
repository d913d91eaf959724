//! Tasks that were left behind in the background (`async` with `poll: 0`).
//!
//! The host's agent keeps the task going and this process keeps the wire open; the run waits at its end for what
//! is still under way, at most for as long as the task itself allowed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{session::TaskError, task::ActionResult};

/// What became of a job; none as long as it is under way.
type Done = Option<Result<ActionResult, TaskError>>;

/// The jobs of a run, by their ids.
#[derive(Default)]
pub(crate) struct Jobs {
    left_behind: Mutex<HashMap<String, Job>>,
    /// How many ids were given.
    named: AtomicUsize,
}

struct Job {
    done: Arc<Mutex<Done>>,
    task: tokio::task::JoinHandle<()>,
}

impl Jobs {
    /// Starts a job, which ends at its limit at the latest. Gives its id.
    pub(crate) fn start(
        &self,
        work: impl Future<Output = Result<ActionResult, TaskError>> + Send + 'static,
        limit: Duration,
    ) -> String {
        let done: Arc<Mutex<Done>> = Arc::default();
        let slot = done.clone();
        let task = tokio::spawn(async move {
            let result = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                let seconds = limit.as_secs();
                Err(TaskError::Failed(format!(
                    "async task did not complete within the requested time - {seconds}s"
                )))
            });
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        });
        let id = self.name();
        self.jobs().insert(id.clone(), Job { done, task });
        id
    }

    /// An id that no other job has.
    pub(crate) fn name(&self) -> String {
        let before = self.named.fetch_add(1, Ordering::Relaxed);
        format!("j{}.{}", before + 1, std::process::id())
    }

    /// What became of a job; none if there is no such job.
    pub(crate) fn look(&self, id: &str) -> Option<Done> {
        let jobs = self.jobs();
        let job = jobs.get(id)?;
        let done = job.done.lock().unwrap_or_else(PoisonError::into_inner);
        Some(done.clone())
    }

    /// Forgets a job; if it is under way, it goes on.
    pub(crate) fn forget(&self, id: &str) {
        self.jobs().remove(id);
    }

    /// Waits for all that are still under way.
    pub(crate) async fn wait(&self) {
        let jobs: Vec<Job> = self.jobs().drain().map(|(_, job)| job).collect();
        for job in jobs {
            // A job that panicked has no result, which nobody asks for any more.
            drop(job.task.await);
        }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<String, Job>> {
        self.left_behind
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
