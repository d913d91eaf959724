//! Why there is no answer.

/// Why there is no answer. No variant holds a header, a body or a query, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody listens, or the network does not lead there: nothing was sent.
    #[error("no answer at {endpoint}: {reason}")]
    NoServer {
        /// The socket's path or the URL.
        endpoint: String,
        /// The system's words.
        reason: String,
    },
    /// The socket is there, but not for us.
    #[error("no access to {endpoint}: {reason}")]
    NoAccess {
        /// The socket's path.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The encrypted connection could not be made: nothing was sent.
    #[error("no secure connection to {endpoint}: {reason}")]
    Tls {
        /// The URL.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// What was asked for cannot be asked.
    #[error("{0}")]
    Setup(String),
    /// It took too long.
    #[error("{what} took longer than {seconds} s")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The connection broke: the server may have done what it was asked.
    #[error("{0}")]
    Exchange(String),
}
