//! A client of the Proxmox VE API.
//!
//! [`Client`] is one cluster: one or more endpoints ([`address`]) with kept HTTP connections, a login ([`login`]), calls with form-encoded parameters ([`params`]), tasks awaited
//! by asking ([`task`]) and uploads ([`upload`]). What differs between releases goes by what the server says it is ([`release`]). Nothing is opened before it is needed.

mod address;
mod error;
mod login;
mod params;
mod release;
mod task;
mod tls;
mod upload;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::Method;
use serde_json::Value as Json;

pub(crate) use self::{
    address::Address,
    error::ClientError,
    login::Credentials,
    params::{Params, path},
    release::Release,
    task::Upid,
    tls::Trust,
    upload::Upload,
};
/// What lies below the client, for tests that look at single answers.
#[cfg(test)]
pub(crate) mod raw {
    pub(crate) use strata_http::{Call, Pool};

    /// TLS settings that trust as told.
    pub(crate) fn config(trust: &super::Trust) -> std::sync::Arc<rustls::ClientConfig> {
        super::tls::config(trust, true).expect("these settings read no files")
    }
}

use strata_http::{Body, Call, Pool, Reply};
pub(crate) use strata_http::{
    decode as unpercent, encode as percent,
    tls::{crypto, fingerprint},
};

use self::login::Login;

/// Where the API is.
pub(crate) const BASE: &str = "/api2/json";

/// How long a call that only answers may take: some allocate disks before they answer.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(180);

/// How long a lock that something else holds is waited for.
const LOCK_LIMIT: Duration = Duration::from_secs(600);

/// How often a reading call is repeated when a node does not answer its proxy.
const READ_TRIES: u32 = 4;

/// How often a call that was one too many is made again; the pauses grow to half a minute.
const THROTTLED_TRIES: u32 = 7;

/// Takes short notes on what is under way.
pub(crate) type Notes<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// How a client reaches its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Endpoints of one cluster; the next is tried when one does not answer.
    pub(crate) endpoints: Vec<Address>,
    pub(crate) trust: Trust,
    /// Refuses TLS older than 1.3.
    pub(crate) min_tls13: bool,
    pub(crate) credentials: Credentials,
}

/// One cluster. Cheap to share; all calls may run at the same time.
pub(crate) struct Client {
    access: Access,
    pools: Vec<Pool>,
    /// Which endpoint answered last.
    current: AtomicUsize,
    login: Login,
    /// The first pause before a call that met a lock is made again.
    lock_pause: Duration,
    /// Which release answers, asked once.
    release: tokio::sync::OnceCell<Option<Release>>,
}

impl Client {
    /// A client that connects when first asked to do something.
    pub(crate) fn new(access: Access) -> Result<Arc<Self>, ClientError> {
        if access.endpoints.is_empty() {
            return Err(ClientError::Setup("no `endpoint` is set".to_owned()));
        }
        let tls = tls::config(&access.trust, access.min_tls13)?;
        let endpoints = access.endpoints.iter();
        let pools = endpoints
            .map(|address| Pool::new(address.endpoint(&tls)))
            .collect();
        Ok(Arc::new(Self {
            login: Login::new(access.credentials.clone()),
            pools,
            current: AtomicUsize::new(0),
            lock_pause: Duration::from_millis(250),
            release: tokio::sync::OnceCell::new(),
            access,
        }))
    }

    /// How it reaches its cluster.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Reads; asks again when a node does not answer its proxy.
    pub(crate) async fn get(&self, path: &str) -> Result<Json, ClientError> {
        let mut pause = Duration::from_millis(100);
        for _ in 1..READ_TRIES {
            match self.call(Method::GET, path, &Params::new()).await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 3;
        }
        self.call(Method::GET, path, &Params::new()).await
    }

    /// Reads; none if the thing is not there.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Json>, ClientError> {
        match self.get(path).await {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a call and gives what it answers, which may be a task's name. Only what was refused as one call too
    /// many is asked again.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        params: &Params,
    ) -> Result<Json, ClientError> {
        let mut pause = self.lock_pause;
        for _ in 0..THROTTLED_TRIES {
            match self.call_once(method.clone(), path, params).await {
                Err(error) if error.is_throttled() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.call_once(method, path, params).await
    }

    async fn call_once(
        &self,
        method: Method,
        path: &str,
        params: &Params,
    ) -> Result<Json, ClientError> {
        let reply = self.send(&method, path, params).await?;
        let reply = match reply.status {
            401 if self.login.forget().await => self.send(&method, path, params).await?,
            _ => reply,
        };
        match reply.status {
            200..300 => parse_data(&reply.body),
            _ => Err(refusal(&self.pool().endpoint().name(), &reply)),
        }
    }

    /// Makes a change and waits until it is done, whether the server answers at once or starts a
    /// task; waits for locks that something else holds.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        limit: Duration,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        let begun = Instant::now();
        let mut pause = self.lock_pause;
        let known = self.known(params).await;
        if let Some((_, name)) = &known {
            notes(&format!(
                "without `{name}`, which this release does not know"
            ));
        }
        let params = known.as_ref().map_or(params, |(known, _)| known);
        loop {
            let outcome = self
                .change_once(method.clone(), path, params, limit, notes)
                .await;
            match outcome {
                Err(error) if error.is_locked() && begun.elapsed() < LOCK_LIMIT.min(limit) => {
                    notes(&format!("waiting: {}", error.words().trim_end()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
                outcome => return outcome,
            }
        }
    }

    async fn change_once(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        limit: Duration,
        notes: Notes<'_>,
    ) -> Result<Json, ClientError> {
        let data = self.call(method, path, params).await?;
        if let Some(upid) = data.as_str().and_then(Upid::parse) {
            self.wait(&upid, limit, notes).await?;
        }
        Ok(data)
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        params: &Params,
    ) -> Result<Reply, ClientError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut trouble = None;
        for step in 0..self.pools.len() {
            let at = (first + step) % self.pools.len();
            match self.send_to(&self.pools[at], method, path, params).await {
                // Nothing was sent: another endpoint of the cluster may answer.
                Err(error @ ClientError::NoServer { .. }) => trouble = trouble.or(Some(error)),
                answer => {
                    self.current.store(at, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(trouble.expect("there is at least one endpoint"))
    }

    async fn send_to(
        &self,
        pool: &Pool,
        method: &Method,
        path: &str,
        params: &Params,
    ) -> Result<Reply, ClientError> {
        let mut headers = self.login.headers(pool, method).await?;
        let encoded = params.encode();
        let in_query = matches!(*method, Method::GET | Method::DELETE) && !encoded.is_empty();
        let mut target = format!("{BASE}{path}");
        let mut body = Body::empty();
        if in_query {
            target.push(if path.contains('?') { '&' } else { '?' });
            target.push_str(&encoded);
        } else if *method != Method::GET && *method != Method::DELETE {
            headers.push((
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ));
            body = encoded.into();
        }
        let call = Call {
            method: method.clone(),
            path: target,
            headers,
            body,
            limit: CALL_LIMIT,
        };
        Ok(pool.send(call).await?)
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pools[self.current.load(Ordering::Relaxed)]
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }
}

/// The `data` of an answer.
pub(crate) fn parse_data(body: &[u8]) -> Result<Json, ClientError> {
    let mut answer: Json = serde_json::from_slice(body)
        .map_err(|error| ClientError::Exchange(format!("the answer is no JSON ({error})")))?;
    Ok(answer.get_mut("data").map(Json::take).unwrap_or_default())
}

/// What a status other than 2xx says.
pub(crate) fn refusal(endpoint: &str, reply: &Reply) -> ClientError {
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    let message = match body["message"].as_str() {
        Some(message) => message.trim_end().to_owned(),
        None => reply.reason.clone(),
    };
    let fields = body["errors"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, text)| {
        (
            name.clone(),
            text.as_str()
                .map_or_else(|| text.to_string(), str::to_owned),
        )
    });
    match reply.status {
        401 => ClientError::Login {
            endpoint: endpoint.to_owned(),
            reason: message,
        },
        403 => ClientError::Denied { message },
        status => ClientError::Api {
            status,
            message,
            fields: fields.collect(),
        },
    }
}
