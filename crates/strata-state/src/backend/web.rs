//! What backends need of the outside: a way to send requests, and the environment.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

/// A request to a server that keeps states.
#[derive(Clone)]
pub struct Request {
    /// Such as `GET`, or one that only such servers know, such as `LOCK`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers in the order they are sent in; `Host` is not among them.
    pub headers: Vec<(String, String)>,
    /// What is sent; nothing if it is empty.
    pub body: Vec<u8>,
    /// Whom to trust.
    pub tls: Arc<Tls>,
}

/// Whom to trust, and who we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Any certificate of the server will do.
    pub any_server: bool,
    /// The authorities to trust instead of those of the machine, as PEM.
    pub authorities: Option<String>,
    /// Our certificate and its key, as PEM.
    pub client: Option<(String, String)>,
}

/// What a server answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends requests; redirects are not followed.
pub trait Web: Debug + Send + Sync {
    /// Sends one and waits for the answer; an error if there is none.
    fn send(&self, request: &Request) -> Result<Answer, String>;

    /// Waits before a request is sent again.
    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// What a backend knows of the machine.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Sends requests.
    pub web: Arc<dyn Web>,
    /// The environment variables.
    pub environment: Arc<BTreeMap<String, String>>,
}

impl Outside {
    /// An environment variable that is not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let found = self.environment.get(name);
        found.filter(|text| !text.is_empty()).cloned()
    }

    /// A path with `~` as the home folder.
    pub(super) fn expand(&self, path: &str) -> String {
        match (path.strip_prefix('~'), self.variable("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                format!("{home}{rest}")
            }
            _ => path.to_owned(),
        }
    }
}

impl Answer {
    /// A header's value; the name is in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// True for a status of success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("any_server", &self.any_server)
            .field("authorities", &self.authorities.is_some())
            .field("client", &self.client.is_some())
            .finish()
    }
}
