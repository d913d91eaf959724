//! One host as a play sees it: give a task, get its result.
//!
//! Behind it is one agent process a user on the host, started when the first task for that user
//! comes, and started again after it was lost.

use strata_agent::protocol::{Task, TaskResult};

use crate::TransportError;
use crate::content::Content;

/// The way a task becomes another user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Become {
    /// The user to become; Ansible's default is `root`.
    pub user: String,
    /// `become_method`: `sudo` or `su`.
    pub method: BecomeMethod,
    /// `become_password`, given to `sudo -S` on its standard input.
    pub password: Option<String>,
}

/// The program that makes another user of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BecomeMethod {
    /// `sudo`; where we are root already, `setpriv` or `su`, which need no configuration.
    Sudo,
    /// `su`.
    Su,
}

/// The agents of one host.
pub struct AgentSession {}

impl AgentSession {
    /// Runs one task; any number may run at the same time.
    ///
    /// A module that fails is an `Ok` whose `failed` is set. Dropping the future cancels the task.
    pub async fn run(
        &self,
        _task: Task,
        _content: Option<Content>,
        _become_user: Option<&Become>,
    ) -> Result<TaskResult, TransportError> {
        Err(TransportError::Unsupported("not connected yet".to_owned()))
    }
}
