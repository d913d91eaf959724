//! What a rehearsal on one host knows, with an agent for each user.
//!
//! Each agent imagines what its own tasks would change. Before another user's task begins, what the agent that
//! worked last has beyond what the other knows is carried over, so that a user sees what another would have done.

use std::sync::{Arc, Weak};

use strata_agent::host::Carried;
use strata_agent::protocol::{Task, TaskResult};
use tokio::sync::Mutex;

use crate::TransportError;
use crate::content::Content;
use crate::conversation::Conversation;
use crate::session::Become;

/// Which agent of a host knows most, and what the others know of it.
#[derive(Default)]
pub(crate) struct Rehearsals(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The agent that worked last.
    newest: Option<Weak<Conversation>>,
    /// The stamp up to which an agent knows what others would have changed.
    stamps: Vec<(Weak<Conversation>, u64)>,
    /// A doubt that no agent was there to be told of.
    in_doubt: bool,
}

impl Known {
    fn stamp(&mut self, agent: &Arc<Conversation>) -> &mut u64 {
        self.stamps.retain(|(known, _)| known.strong_count() > 0);
        let place = self.stamps.iter().position(|(known, _)| is(known, agent));
        let place = place.unwrap_or_else(|| {
            self.stamps.push((Arc::downgrade(agent), 0));
            self.stamps.len() - 1
        });
        &mut self.stamps[place].1
    }
}

fn is(known: &Weak<Conversation>, agent: &Arc<Conversation>) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(agent))
}

impl Rehearsals {
    /// Lets an agent know what the one that worked before would have changed; from now on it knows most.
    pub(crate) async fn catch_up(&self, agent: &Arc<Conversation>) -> Result<(), TransportError> {
        let mut known = self.0.lock().await;
        let before = known.newest.replace(Arc::downgrade(agent));
        if std::mem::take(&mut known.in_doubt) {
            agent.imagine(Carried::doubt()).await?;
        }
        let Some(before) = before.filter(|before| !is(before, agent)) else {
            return Ok(());
        };
        let since = *known.stamp(agent);
        let carried = match before.upgrade() {
            Some(before) => before.recall(since).await,
            None => Ok(Carried::doubt()),
        };
        // What went with a lost agent nobody knows any more.
        let carried = carried.unwrap_or_else(|_| Carried::doubt());
        let stamp = known.stamp(agent);
        *stamp = carried.stamp.max(*stamp);
        match carried.is_empty() {
            true => Ok(()),
            false => agent.imagine(carried).await,
        }
    }

    /// All that would have been changed so far.
    pub(crate) async fn recall(&self) -> Carried {
        let known = self.0.lock().await;
        let (newest, in_doubt) = (known.newest.clone(), known.in_doubt);
        drop(known);
        match newest.map(|newest| newest.upgrade()) {
            None if in_doubt => Carried::doubt(),
            None => Carried::default(),
            Some(None) => Carried::doubt(),
            Some(Some(newest)) => newest.recall(0).await.unwrap_or_else(|_| Carried::doubt()),
        }
    }

    /// Remembers that something would have been done of which nobody knows what it would have changed.
    pub(crate) async fn doubt(&self) {
        let mut known = self.0.lock().await;
        match known.newest.as_ref().map(Weak::upgrade) {
            // An agent that is lost leaves a doubt behind anyway.
            Some(Some(newest)) => newest.imagine(Carried::doubt()).await.unwrap_or_default(),
            _ => known.in_doubt = true,
        }
    }

    /// Does a task for a user who could not be become, since only an earlier task would make that user.
    pub(crate) async fn stand_in(
        &self,
        base: &Arc<Conversation>,
        task: Task,
        content: Option<Content>,
        wanted: &Become,
        refusal: TransportError,
    ) -> Result<TaskResult, TransportError> {
        let imagined = self.recall().await;
        if task.check && imagined.has_user(&wanted.user) {
            self.catch_up(base).await?;
            let rehearse_as = Some(wanted.user.clone());
            let task = Task {
                rehearse_as,
                ..task
            };
            return base.run(task, content).await;
        }
        match imagined.in_doubt || imagined.has_user(&wanted.user) {
            true => Ok(unknown(&refusal)),
            false => Err(refusal),
        }
    }
}

/// The result of a task that nobody can rehearse.
fn unknown(reason: &TransportError) -> TaskResult {
    let msg = format!("unknown: it depends on what earlier tasks would have done ({reason})");
    let mut result = TaskResult {
        skipped: true,
        msg,
        ..TaskResult::default()
    };
    result.values.insert("unknown".to_owned(), true.into());
    result
}
