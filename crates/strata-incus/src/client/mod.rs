//! A client of the Incus REST API, as far as Strata needs it.
//!
//! [`Client`] is one remote: kept HTTP connections over a unix socket or TLS ([`trust`]), one event
//! stream that tells how operations end ([`events`]), programs in instances ([`exec`]) and their files ([`files`]). Nothing is opened before it is needed.

mod error;
mod events;
mod exec;
mod files;
mod notes;
mod operation;
mod path;
mod revise;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
mod trust;
pub(crate) mod web;
mod websocket;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value as Json, value::RawValue};
use strata_http::{Body, Call, Part, Pool, Reply};
use tokio::sync::OnceCell;

use self::events::{Events, Subscription};
#[cfg(test)]
pub(crate) use self::scripted::{Scripted, Step, object, refusal};
pub(crate) use self::{
    error::ClientError,
    events::Lifecycle,
    exec::{Finished, NOT_FOUND, Program, run, start},
    files::{Holder, Instance, Ownership},
    notes::Notes,
    operation::Operation,
    path::ApiPath,
    trust::{known_certificate, oidc},
};
use crate::remote::Remote;

/// How long a call that only answers may take; networks and volumes are made in such calls.
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// How long an operation may take: unpacking a large image on a slow disk is the longest one.
const OPERATION_LIMIT: Duration = Duration::from_secs(1800);

/// How often something is asked for again because an instance is just being stopped, or others work on it: for a minute.
const AGAIN: usize = 240;

/// How often a call is sent again with another token: one that somebody else kept, and one that is new.
const RENEWALS: usize = 2;

/// How long after the last time.
const PAUSE: Duration = Duration::from_millis(250);

/// One remote. Cheap to share; all calls may run at the same time.
pub(crate) struct Client {
    remote: Remote,
    pool: OnceCell<Pool>,
    events: Events,
    /// Held while a new token is got.
    renewing: tokio::sync::Mutex<()>,
}

/// A synchronous answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer<T> {
    /// What was asked for.
    pub(crate) value: T,
    /// The state it was in, for `If-Match`.
    pub(crate) etag: Option<String>,
}

/// An operation with an ear on the events.
pub(crate) struct Watched {
    operation: Operation,
    subscription: Subscription,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", default)]
    kind: &'a str,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    error: String,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
}

/// Waits for a moment; false if that was done often enough.
async fn wait(left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    tokio::time::sleep(PAUSE).await;
    true
}

enum Outcome {
    Sync {
        metadata: String,
        etag: Option<String>,
    },
    Async(Operation),
}

impl Client {
    /// A client that connects when first asked to do something.
    pub(crate) fn new(remote: Remote) -> Arc<Self> {
        Arc::new(Self {
            remote,
            pool: OnceCell::new(),
            events: Events::new(),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// The remote's settings.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Reads an object; one that is just being stopped, and trips the server up, is asked for again.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &ApiPath,
    ) -> Result<Answer<T>, ClientError> {
        let mut waits = AGAIN;
        loop {
            match self.get_once(path).await {
                Err(error) if error.is_of_what_stops() && wait(&mut waits).await => {}
                answer => return answer,
            }
        }
    }

    async fn get_once<T: DeserializeOwned>(
        &self,
        path: &ApiPath,
    ) -> Result<Answer<T>, ClientError> {
        match self
            .call(Method::GET, path, Vec::new(), Body::empty(), CALL_LIMIT)
            .await?
        {
            Outcome::Sync { metadata, etag } => Ok(Answer {
                value: parse(&metadata)?,
                etag,
            }),
            Outcome::Async(_) => Err(unexpected("an operation where an object was asked for")),
        }
    }

    /// Reads an object; none if it does not exist.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        path: &ApiPath,
    ) -> Result<Option<Answer<T>>, ClientError> {
        match self.get(path).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a change and waits until it is done, whether the server answers at once or starts an operation.
    ///
    /// Where the work of others on an instance is in the way, such as what a run that was killed began, it waits for that.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &ApiPath,
        body: &Json,
        etag: Option<&str>,
        notes: Notes<'_>,
    ) -> Result<(), ClientError> {
        let headers = etag.map(|etag| ("If-Match", etag.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        let mut waits = AGAIN;
        loop {
            let (method, headers, body) = (method.clone(), headers.clone(), json(body).into());
            let done = self.send(method, path, headers, body, CALL_LIMIT, notes);
            match done.await {
                Err(error) if error.is_busy() && wait(&mut waits).await => {}
                done => return done.map(drop),
            }
        }
    }

    /// Like [`Self::change`], for what is posted with a result: that of the operation.
    pub(crate) async fn post(
        &self,
        path: &ApiPath,
        body: &Json,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        let body = json(body).into();
        self.send(Method::POST, path, Vec::new(), body, CALL_LIMIT, notes)
            .await
    }

    /// Sends files, of which the server makes something; gives the result of the operation.
    pub(crate) async fn upload(
        &self,
        path: &ApiPath,
        headers: Vec<(&'static str, String)>,
        parts: Vec<Part>,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        let body = Body::Parts(parts);
        self.send(Method::POST, path, headers, body, OPERATION_LIMIT, notes)
            .await
    }

    async fn send(
        &self,
        method: Method,
        path: &ApiPath,
        headers: Vec<(&'static str, String)>,
        body: Body,
        limit: Duration,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        // Before the call, so that the operation's end cannot be missed.
        self.open_events().await;
        match self.call(method, path, headers, body, limit).await? {
            Outcome::Sync { metadata, .. } => parse(&metadata),
            Outcome::Async(operation) => {
                let end = notes.wait(self.end_of(self.watch(operation), notes)).await;
                let end = end.map_err(in_doubt)?.into_result()?;
                Ok(end.metadata)
            }
        }
    }

    /// Starts an operation that answers before it ends, such as one that has WebSockets.
    pub(crate) async fn start(
        &self,
        path: &ApiPath,
        body: &Json,
    ) -> Result<Operation, ClientError> {
        self.open_events().await;
        match self
            .call(
                Method::POST,
                path,
                Vec::new(),
                json(body).into(),
                CALL_LIMIT,
            )
            .await?
        {
            Outcome::Async(operation) => Ok(operation),
            Outcome::Sync { .. } => Err(unexpected("no operation where one was to be started")),
        }
    }

    /// Waits until an operation ends well.
    pub(crate) async fn wait(
        &self,
        operation: Operation,
        notes: Notes<'_>,
    ) -> Result<(), ClientError> {
        self.end_of(self.watch(operation), notes)
            .await?
            .into_result()
            .map(drop)
    }

    /// Begins to listen for an operation's end; to be called soon after it was started.
    pub(crate) fn watch(&self, operation: Operation) -> Watched {
        let subscription = match operation.is_final() {
            true => Subscription::Ended(Box::new(operation.clone())),
            false => self.events.subscribe(&operation.id),
        };
        Watched {
            operation,
            subscription,
        }
    }

    /// Waits until an operation ends, well or not: by events, and if these are lost, by asking the server to tell.
    pub(crate) async fn end_of(
        &self,
        watched: Watched,
        notes: Notes<'_>,
    ) -> Result<Operation, ClientError> {
        tokio::time::timeout(OPERATION_LIMIT, self.end_without_limit(watched, notes))
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::Timeout {
                    what: "the operation".to_owned(),
                    seconds: OPERATION_LIMIT.as_secs(),
                })
            })
    }

    async fn end_without_limit(
        &self,
        watched: Watched,
        notes: Notes<'_>,
    ) -> Result<Operation, ClientError> {
        let Watched {
            operation,
            subscription,
        } = watched;
        match subscription {
            Subscription::Ended(end) => return Ok(*end),
            Subscription::NoStream => {}
            Subscription::Updates(mut updates) => {
                while let Some(update) = updates.recv().await {
                    if update.is_final() {
                        return Ok(update);
                    }
                    if let Some(text) = update.progress() {
                        notes.note(text);
                    }
                }
            }
        }
        self.end_by_call(&operation).await
    }

    /// The operations that run in a project.
    pub(crate) async fn running(&self, project: &str) -> Result<Vec<Operation>, ClientError> {
        let path = ApiPath::new(&["operations"])
            .project(project)
            .query("recursion", "1");
        let by_status: Answer<std::collections::BTreeMap<String, Vec<Operation>>> =
            self.get(&path).await?;
        let all = by_status.value.into_values().flatten();
        Ok(all.filter(|operation| !operation.is_final()).collect())
    }

    /// Listens to what happens to objects; opens the event stream if need be.
    pub(crate) async fn lifecycle(&self) -> tokio::sync::broadcast::Receiver<Lifecycle> {
        self.open_events().await;
        self.events.lifecycle()
    }

    /// A call whose answer is not JSON, such as a file.
    pub(crate) async fn raw(&self, call: Call) -> Result<Reply, ClientError> {
        let reply = self.exchange(call).await?;
        match reply.status {
            200..300 => Ok(reply),
            status => Err(self.refusal(status, &reply.body)),
        }
    }

    pub(crate) async fn pool(&self) -> Result<&Pool, ClientError> {
        self.pool
            .get_or_try_init(|| trust::connect(&self.remote))
            .await
    }

    /// Sends a call; where a token has expired, once more with a new one: the server has done nothing then.
    async fn exchange(&self, call: Call) -> Result<Reply, ClientError> {
        let pool = self.pool().await?;
        if !self.remote.oidc {
            return Ok(pool.send(call).await?);
        }
        let mut renewals = RENEWALS;
        loop {
            let used = oidc::used(pool);
            let reply = pool.send(call.clone()).await?;
            let issuer = match reply.status {
                401 if renewals > 0 => oidc::Issuer::named_by(&reply),
                _ => None,
            };
            let Some(issuer) = issuer else {
                return Ok(reply);
            };
            renewals -= 1;
            let _one_renews = self.renewing.lock().await;
            oidc::renew(&self.remote, pool, used.as_deref(), &issuer).await?;
        }
    }

    /// Opens the event stream if it can be opened; if not, operations are awaited by calls.
    async fn open_events(&self) {
        if let Ok(pool) = self.pool().await {
            // The call that follows meets the same trouble and tells it better.
            self.events.open(pool).await.ok();
        }
    }

    async fn end_by_call(&self, operation: &Operation) -> Result<Operation, ClientError> {
        let path = ApiPath::new(&["operations", &operation.id, "wait"]);
        let call = Call {
            method: Method::GET,
            path: path.into_text(),
            headers: Vec::new(),
            body: Body::empty(),
            limit: OPERATION_LIMIT,
        };
        let reply = self.exchange(call).await?;
        match self.outcome(&reply) {
            Ok(Outcome::Sync { metadata, .. }) => parse(&metadata),
            Ok(Outcome::Async(operation)) => Ok(operation),
            Err(error) if error.is_not_found() => {
                let what = format!("the server no longer knows `{}`", operation.description);
                Err(ClientError::OutcomeUnknown(what))
            }
            Err(error) => Err(error),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &ApiPath,
        headers: Vec<(&'static str, String)>,
        body: Body,
        limit: Duration,
    ) -> Result<Outcome, ClientError> {
        let call = Call {
            method,
            path: path.as_str().to_owned(),
            headers,
            body,
            limit,
        };
        let reply = self.exchange(call).await?;
        self.outcome(&reply)
    }

    fn outcome(&self, reply: &Reply) -> Result<Outcome, ClientError> {
        let envelope: Envelope<'_> = match serde_json::from_slice(&reply.body) {
            Ok(envelope) => envelope,
            Err(_) if reply.status >= 400 => return Err(self.refusal(reply.status, &reply.body)),
            Err(error) => return Err(unexpected(&format!("an answer that is no JSON ({error})"))),
        };
        let metadata = envelope.metadata.map_or("null", RawValue::get);
        match envelope.kind {
            "sync" => Ok(Outcome::Sync {
                metadata: metadata.to_owned(),
                etag: reply.header("etag").map(str::to_owned),
            }),
            "async" => Ok(Outcome::Async(parse(metadata)?)),
            _ => Err(self.refusal(reply.status, &reply.body)),
        }
    }

    fn refusal(&self, status: u16, body: &[u8]) -> ClientError {
        let envelope: Option<Envelope<'_>> = serde_json::from_slice(body).ok();
        let (status, message) = match envelope {
            Some(envelope) if envelope.error_code != 0 => (envelope.error_code, envelope.error),
            _ => (
                status,
                format!("the server answered with HTTP status {status}"),
            ),
        };
        match status {
            401 | 403 => ClientError::Denied {
                endpoint: self.remote.endpoint_name(),
                reason: message,
            },
            status => ClientError::Api { status, message },
        }
    }
}

/// An error that came after the server had begun: whether it went on is not known then.
fn in_doubt(error: ClientError) -> ClientError {
    match error {
        ClientError::NoDaemon { .. } | ClientError::Denied { .. } | ClientError::Tls { .. } => {
            ClientError::OutcomeUnknown(error.to_string())
        }
        error => error,
    }
}

fn json(body: &Json) -> Bytes {
    match body {
        Json::Null => Bytes::new(),
        body => body.to_string().into(),
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ClientError> {
    serde_json::from_str(text)
        .map_err(|error| unexpected(&format!("another object than expected ({error})")))
}

fn unexpected(what: &str) -> ClientError {
    ClientError::Exchange(format!("the server gave {what}"))
}
