//! The backend `s3`: a bucket of Amazon S3 or of a server that speaks the same, such as MinIO, Garage, R2 or Ceph.
//!
//! [`settings`] reads the arguments, [`credentials`] finds out who we are, [`sign`] signs requests, [`xml`] reads
//! answers. The state of `default` is at `key`, that of another workspace at `env:/WORKSPACE/KEY`; its lock is an
//! object beside it that may be made only once (`If-None-Match: *`), as Terraform 1.10 and later have it.

mod credentials;
mod settings;
mod sign;
mod xml;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value as Json};

use super::{Answer, DEFAULT, Outside, Remote, Request, retry::Retry};
use crate::{StateError, lock::LockInfo};
use settings::Settings;

/// How many pages of a listing are read; a thousand objects each.
const MOST_PAGES: usize = 1000;

/// A bucket with states.
#[derive(Debug)]
pub struct S3 {
    settings: Settings,
    outside: Outside,
    retry: Retry,
}

/// The state of one workspace.
#[derive(Debug)]
struct State {
    s3: Arc<S3>,
    key: String,
}

/// What is asked of one object, or of the bucket.
struct Call<'a> {
    method: &'static str,
    key: &'a str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    fn of(method: &'static str, key: &'a str) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: Vec::new(),
            body: &[],
        }
    }
}

impl S3 {
    /// A bucket by the arguments of the backend.
    pub fn new(arguments: &Map<String, Json>, outside: &Outside) -> Result<Self, StateError> {
        let settings = Settings::new(arguments, outside).map_err(StateError::Backend)?;
        let retry = Retry {
            most: settings.most_retries,
            shortest: Duration::from_millis(200),
            longest: Duration::from_secs(20),
        };
        Ok(Self {
            settings,
            outside: outside.clone(),
            retry,
        })
    }

    pub(super) fn state(self: Arc<Self>, workspace: &str) -> Arc<dyn Remote> {
        let key = match workspace {
            DEFAULT => self.settings.key.clone(),
            workspace => format!("{}/{workspace}/{}", self.settings.prefix, self.settings.key),
        };
        Arc::new(State { s3: self, key })
    }

    /// The workspaces whose state is in the bucket, and `default`.
    pub(super) fn workspaces(&self) -> Result<BTreeSet<String>, StateError> {
        let keys = self.keys(&format!("{}/", self.settings.prefix))?;
        let named = keys.iter().filter_map(|key| self.workspace_of(key));
        Ok(named.chain([DEFAULT.to_owned()]).collect())
    }

    /// The keys of all objects that begin with this.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = self.page(prefix, next.take())?;
            found.extend(xml::all(&page, "Key"));
            if xml::first(&page, "IsTruncated").as_deref() != Some("true") {
                break;
            }
            next = xml::first(&page, "NextContinuationToken");
        }
        Ok(found)
    }

    fn page(&self, prefix: &str, next: Option<String>) -> Result<String, StateError> {
        let mut call = Call::of("GET", "");
        call.query = vec![
            ("list-type", "2".to_owned()),
            ("max-keys", "1000".to_owned()),
            ("prefix", prefix.to_owned()),
        ];
        call.query
            .extend(next.map(|next| ("continuation-token", next)));
        let answer = self.send(&call)?;
        match answer.is_success() {
            true => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            false => Err(self.refused("list", prefix, &answer)),
        }
    }

    fn workspace_of(&self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(&self.settings.prefix)?.strip_prefix('/')?;
        let name = rest.strip_suffix(&self.settings.key)?.strip_suffix('/')?;
        (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
    }

    fn send(&self, call: &Call<'_>) -> Result<Answer, StateError> {
        let sent = self.retry.send(&self.outside, || self.request(call));
        sent.map_err(|reason| self.failed(call.method, call.key, reason))
    }

    fn request(&self, call: &Call<'_>) -> Request {
        let settings = &self.settings;
        let target = sign::Target {
            method: call.method,
            scheme: settings.scheme,
            host: &settings.host,
            path: &settings.path(call.key),
            query: &call.query,
        };
        let now = jiff::Timestamp::now();
        sign::request(
            &target,
            &call.headers,
            call.body,
            &settings.credentials,
            &settings.region,
            now,
            settings.tls.clone(),
        )
    }

    /// The headers of an object that is written.
    fn write_headers(&self, body: &[u8]) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if settings.checksum {
            let sum = BASE64.encode(digest(&SHA256, body));
            headers.push(("x-amz-checksum-sha256", sum));
            headers.push(("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()));
        }
        headers.extend(settings.acl.clone().map(|acl| ("x-amz-acl", acl)));
        headers.extend(settings.encryption_headers());
        headers
    }

    fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.settings.bucket)
    }

    fn failed(&self, method: &str, key: &str, reason: String) -> StateError {
        let action = match method {
            "PUT" => "write",
            "DELETE" => "delete",
            _ => "read",
        };
        self.error(action, key, reason)
    }

    /// What an answer says is wrong.
    fn refused(&self, action: &'static str, key: &str, answer: &Answer) -> StateError {
        let body = String::from_utf8_lossy(&answer.body);
        let code = xml::first(&body, "Code");
        let message = xml::first(&body, "Message").unwrap_or_default();
        let reason = match code.as_deref() {
            None => format!("the server answers {}", answer.status),
            Some("NoSuchBucket") => {
                format!("S3 bucket \"{}\" does not exist.", self.settings.bucket)
            }
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed") => format!(
                "{message} The region is `{}` here; that of the bucket may be another one.",
                self.settings.region
            ),
            Some(code) => format!("{code}: {message} ({})", answer.status),
        };
        self.error(action, key, reason)
    }

    fn error(&self, action: &'static str, key: &str, reason: String) -> StateError {
        StateError::Remote {
            action,
            place: self.place(key),
            reason,
        }
    }

    /// An object; none if there is none.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.get_version(key, None)
    }

    /// Reads one version of an object, or the newest one; none if there is none.
    pub fn get_version(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let mut call = Call::of("GET", key);
        let version = version.map(|version| ("versionId", version.to_owned()));
        call.query.extend(version);
        call.headers = self.settings.customer_key_headers();
        let answer = self.send(&call)?;
        if answer.is_success() {
            return Ok(Some(answer.body));
        }
        let body = String::from_utf8_lossy(&answer.body);
        let code = xml::first(&body, "Code");
        match (answer.status, code.as_deref()) {
            (404, Some("NoSuchKey") | None) => Ok(None),
            _ => Err(self.refused("read", key, &answer)),
        }
    }

    fn delete(&self, key: &str) -> Result<(), StateError> {
        let answer = self.send(&Call::of("DELETE", key))?;
        match answer.is_success() || answer.status == 404 {
            true => Ok(()),
            false => Err(self.refused("delete", key, &answer)),
        }
    }
}

impl State {
    fn lock_key(&self) -> String {
        format!("{}.tflock", self.key)
    }

    /// Who has the lock; none if nobody has.
    fn holder(&self) -> Result<Option<LockInfo>, StateError> {
        let found = self.s3.get(&self.lock_key())?;
        Ok(found.map(|bytes| serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

impl Remote for State {
    fn place(&self) -> String {
        self.s3.place(&self.key)
    }

    fn lock_path(&self) -> String {
        format!("{}/{}", self.s3.settings.bucket, self.key)
    }

    fn read(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.s3.get(&self.key)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StateError> {
        let mut call = Call::of("PUT", &self.key);
        call.headers = self.s3.write_headers(bytes);
        call.body = bytes;
        let answer = self.s3.send(&call)?;
        match answer.is_success() {
            true => Ok(()),
            false => Err(self.s3.refused("write", &self.key, &answer)),
        }
    }

    fn delete(&self) -> Result<(), StateError> {
        self.s3.delete(&self.key)
    }

    fn lock(&self, info: &LockInfo) -> Result<(), StateError> {
        if !self.s3.settings.locks {
            return Ok(());
        }
        let key = self.lock_key();
        let body = serde_json::to_vec(info).unwrap_or_default();
        let mut call = Call::of("PUT", &key);
        call.headers = self.s3.write_headers(&body);
        call.headers.push(("if-none-match", "*".to_owned()));
        call.body = &body;
        let answer = self.s3.send(&call)?;
        if answer.is_success() {
            return Ok(());
        }
        if !matches!(answer.status, 409 | 412) {
            return Err(self.s3.refused("lock", &self.key, &answer));
        }
        match self.holder()? {
            // The answer to an earlier try got lost.
            Some(holder) if holder.id == info.id => Ok(()),
            holder => Err(StateError::Locked(Box::new(holder.unwrap_or_default()))),
        }
    }

    fn unlock(&self, info: &LockInfo) -> Result<(), StateError> {
        match self.s3.settings.locks {
            true => self.force_unlock(&info.id),
            false => Ok(()),
        }
    }

    fn force_unlock(&self, id: &str) -> Result<(), StateError> {
        match self.holder()? {
            Some(holder) if holder.id == id => self.s3.delete(&self.lock_key()),
            _ => Err(StateError::NoSuchLock(id.to_owned())),
        }
    }
}
