//! One host's way through a play, as a pure iterator.
//!
//! [`Walk::next`] gives the next step; the runner does it and says with [`Walk::report`] how it went. The walk
//! decides where to go on: into `rescue` after a failure, through `always`, to the flush of handlers. It knows
//! nothing of conditions, loops and tags: a skipped task is reported as [`Outcome::Ok`].

use std::sync::Arc;

use crate::play::{Handler, Node, Play, Role, Task};

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Do this task.
    Task(Arc<Task>),
    /// Do this handler, which was notified.
    Handler(Arc<Handler>),
    /// This role has run for this host.
    RoleDone(Arc<Role>),
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, skipped, or failed with the failure ignored.
    Ok,
    /// Failed.
    Failed,
}

/// Where a step stands in the play; in the linear strategy the hosts with the least position go next, together.
pub type Position = Vec<u32>;

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was done.
    Done,
    /// A failure was not rescued.
    Failed,
}

/// The way of one host.
#[derive(Clone, Debug)]
pub struct Walk {}

impl Walk {
    /// Starts at the play's beginning.
    pub fn new(play: &Arc<Play>) -> Self {
        unimplemented!("{play:?}")
    }

    /// The step to do, with its position; none at the end. Gives the same step until [`Walk::report`] is called.
    pub fn next(&mut self) -> Option<(Position, Step)> {
        unimplemented!()
    }

    /// Says how the step went and moves on. Gives true if the failure goes to a rescue.
    pub fn report(&mut self, outcome: Outcome) -> bool {
        unimplemented!("{outcome:?}")
    }

    /// Puts the tasks of an include behind the current step; call before [`Walk::report`].
    pub fn include(&mut self, nodes: Vec<Node>, handlers: Vec<Arc<Handler>>) {
        unimplemented!("{nodes:?} {handlers:?}")
    }

    /// All handlers of this host, included ones too, to find those that a `notify` means.
    pub fn handlers(&self) -> &[Arc<Handler>] {
        &[]
    }

    /// Notes that a handler (by its place in [`Walk::handlers`]) was notified. Gives false if it already was.
    pub fn notify(&mut self, handler: usize) -> bool {
        unimplemented!("{handler}")
    }

    /// Runs notified handlers after the current step (`meta: flush_handlers`); call before [`Walk::report`].
    pub fn flush_handlers(&mut self) {}

    /// Leaves the play (`end_host`, `end_play`), the current role (`end_role`) or batch; call before [`Walk::report`].
    pub fn end_host(&mut self) {}

    /// Leaves the role of the current step; call before [`Walk::report`].
    pub fn end_role(&mut self) {}

    /// Forgets a failure (`clear_host_errors`) so that the host goes on.
    pub fn clear_errors(&mut self) {}

    /// True if a failure waits to be rescued or the walk is in a rescue.
    pub fn in_rescue(&self) -> bool {
        false
    }

    /// How it ended, or none while it goes on.
    pub fn end(&self) -> Option<End> {
        None
    }
}
