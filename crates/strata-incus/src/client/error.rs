//! Why a call to Incus failed, and how that is told to a user.

use strata_core::{Diagnostic, connection::ConnectionError};

/// Why a call to Incus failed. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens, or the network does not lead there.
    #[error("the Incus daemon does not answer at {endpoint}: {reason}")]
    NoDaemon {
        /// The socket's path or the URL.
        endpoint: String,
        /// The system's words.
        reason: String,
    },
    /// The socket is there but not for us, or our certificate is not trusted.
    #[error("the Incus daemon at {endpoint} refuses access: {reason}")]
    Denied {
        /// The socket's path or the URL.
        endpoint: String,
        /// The system's or the server's words.
        reason: String,
    },
    /// The encrypted connection could not be made.
    #[error("no secure connection to {endpoint}: {reason}")]
    Tls {
        /// The URL.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The remote is not set up as it must be.
    #[error("{0}")]
    Setup(String),
    /// The server answered with an error.
    #[error("{message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// An operation ended with an error.
    #[error("{0}")]
    Operation(String),
    /// The connection broke and nobody can tell what became of the operation.
    #[error("nobody can tell how the operation ended: {0}")]
    OutcomeUnknown(String),
    /// It took too long.
    #[error("{what} took longer than {seconds} s")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// The connection broke, or the answer is not what the API promises.
    #[error("the exchange with Incus failed: {0}")]
    Exchange(String),
}

impl ClientError {
    /// True if the server says that the thing asked for does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, ClientError::Api { status: 404, .. })
    }

    /// True if the server looked for the first process of an instance at the moment when it ended (Incus 6.0: "Invalid PID").
    pub(crate) fn is_of_what_stops(&self) -> bool {
        matches!(self, ClientError::Api { status: 500, message } if message.starts_with("Invalid PID"))
    }

    /// True if somebody else's work stood in the way: nothing was done, and can be asked for again. That is so
    /// of an instance that is worked on, and of a bridge that was to be made while instances end: the server
    /// trips over interfaces that are gone when it looks at them, and takes back what it made (Incus 6.0.4). And
    /// of a server of images that several ask for at once for the first time: the second finds the folder of the
    /// first (`mkdir …: file exists`, Incus 6.0.4).
    pub(crate) fn is_busy(&self) -> bool {
        let busy = [
            "Instance is busy running a",
            "non-reusable operation has now",
            "Failed to delete bridge children interfaces",
        ];
        self.server_message().is_some_and(|said| {
            let is_late = said.contains("mkdir") && said.ends_with("file exists");
            is_late || busy.iter().any(|words| said.contains(words))
        })
    }

    /// True if the thing was changed by someone else since it was read.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, ClientError::Api { status: 412, .. })
    }

    /// True if the server may have done what it was asked although no answer says so.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(
            self,
            ClientError::OutcomeUnknown(_) | ClientError::Exchange(_) | ClientError::Timeout { .. }
        )
    }

    /// True if asking the same again may well get an answer: the server is in trouble, or not there now.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            ClientError::Api { status, .. } => *status >= 500,
            ClientError::NoDaemon { .. } | ClientError::Exchange(_) => true,
            _ => false,
        }
    }

    /// The words of the server or of an operation, if the failure is theirs.
    pub(crate) fn server_message(&self) -> Option<&str> {
        match self {
            ClientError::Api { message, .. } | ClientError::Operation(message) => Some(message),
            _ => None,
        }
    }

    /// Makes a diagnostic: `summary` says what was not done, the error says why.
    pub(crate) fn diagnostic(&self, summary: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code(), summary).detail(self.to_string());
        match self.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            ClientError::NoDaemon { .. } => "incus-not-reachable",
            ClientError::Denied { .. } => "incus-access-denied",
            ClientError::Tls { .. } => "incus-tls",
            ClientError::Setup(_) => "incus-remote-setup",
            ClientError::Api { .. } | ClientError::Operation(_) => "incus-refused",
            ClientError::OutcomeUnknown(_) => "incus-outcome-unknown",
            ClientError::Timeout { .. } => "incus-timeout",
            ClientError::Exchange(_) => "incus-exchange",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ClientError::NoDaemon { endpoint, .. } if endpoint.starts_with("https:") => Some(
                "check the address, and that the server listens: `incus config get core.https_address`"
                    .to_owned(),
            ),
            ClientError::NoDaemon { .. } => Some(
                "start Incus (`systemctl start incus`), or set `INCUS_SOCKET` to the path of its socket"
                    .to_owned(),
            ),
            ClientError::Denied { endpoint, .. } if endpoint.starts_with("https:") => Some(
                "have the server trust the client certificate: `incus config trust add NAME` there gives a `token` for the `remote` block"
                    .to_owned(),
            ),
            ClientError::Denied { .. } => Some(
                "run as a member of the group `incus-admin`: `sudo usermod -aG incus-admin $USER`, then log in again"
                    .to_owned(),
            ),
            ClientError::OutcomeUnknown(_) => {
                Some("run the same command again: it looks at what is there first".to_owned())
            }
            _ => None,
        }
    }
}

impl From<strata_http::Error> for ClientError {
    fn from(error: strata_http::Error) -> Self {
        use strata_http::Error;
        match error {
            Error::NoServer { endpoint, reason } => Self::NoDaemon { endpoint, reason },
            Error::NoAccess { endpoint, reason } => Self::Denied { endpoint, reason },
            Error::Tls { endpoint, reason } => Self::Tls { endpoint, reason },
            Error::Setup(reason) => Self::Setup(reason),
            Error::Timeout { what, seconds } => Self::Timeout { what, seconds },
            Error::Exchange(reason) => Self::Exchange(reason),
        }
    }
}

impl From<ClientError> for ConnectionError {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Api { status: 404, .. } => ConnectionError::Absent(error.to_string()),
            ClientError::Exchange(_) | ClientError::OutcomeUnknown(_) => {
                ConnectionError::Broken(error.to_string())
            }
            _ => ConnectionError::Unreachable(error.to_string()),
        }
    }
}
