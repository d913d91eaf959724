//! What can go wrong between us and a host, apart from a module that fails.
//!
//! A module's failure is a [`TaskResult`](strata_agent::protocol::TaskResult); these are the cases
//! in which there is none.

/// Why a task has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The host cannot be reached, or was lost while it worked: Ansible's `UNREACHABLE!`.
    #[error("{0}")]
    Unreachable(String),
    /// The host is there, but does not let us become the user.
    #[error("{0}")]
    Become(String),
    /// The host, or what the inventory asks of the connection, is nothing we can serve.
    #[error("{0}")]
    Unsupported(String),
    /// A file of the controller that the task needs cannot be read.
    #[error("{0}")]
    Content(String),
    /// The task was ended by its time limit.
    #[error("{0}")]
    TimedOut(String),
}

impl TransportError {
    /// Whether the host itself is out of reach, so that the play goes on without it.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, TransportError::Unreachable(_))
    }
}
