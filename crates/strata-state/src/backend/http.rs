//! The backend `http`: a state at one address, as GitLab and others keep it.
//!
//! The state is got, posted and deleted there. Locks are asked for at an address of their own; a server that has
//! given it to somebody else answers 423 or 409, with what is known of who that is.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest, Md5};
use serde_json::{Map, Value as Json};

use super::{
    Answer, Outside, Remote, Request, Tls,
    arguments::{flag, text},
    retry::Retry,
};
use crate::{StateError, lock::LockInfo};

/// An address with a state.
#[derive(Debug)]
pub struct Http {
    outside: Outside,
    address: String,
    update_method: String,
    lock: Option<Place>,
    unlock: Option<Place>,
    headers: Vec<(String, String)>,
    retry: Retry,
    tls: Arc<Tls>,
    /// The lock that we have; what is written says so.
    held: Mutex<Option<String>>,
}

/// An address, and how to ask there.
#[derive(Debug)]
struct Place {
    method: String,
    address: String,
}

/// The arguments, with what the environment says where they say nothing.
struct Arguments<'a> {
    given: &'a Map<String, Json>,
    outside: &'a Outside,
}

impl Arguments<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let variable = format!("TF_HTTP_{}", name.to_ascii_uppercase());
        text(self.given, name).or_else(|| self.outside.variable(&variable))
    }

    fn number(&self, name: &str, usual: u64) -> Result<u64, String> {
        if let Some(number) = self.given.get(name).and_then(Json::as_u64) {
            return Ok(number);
        }
        self.text(name).map_or(Ok(usual), |text| {
            text.parse()
                .map_err(|_| format!("`{name}` must be a number, not `{text}`."))
        })
    }

    fn address(&self, name: &str) -> Result<Option<String>, String> {
        let Some(address) = self.text(name) else {
            return Ok(None);
        };
        match address.starts_with("http://") || address.starts_with("https://") {
            true => Ok(Some(address)),
            false => Err(format!("`{name}` must be an address of HTTP or HTTPS.")),
        }
    }

    fn place(&self, name: &str, usual: &str) -> Result<Option<Place>, String> {
        let method = self.text(&format!("{name}_method"));
        let address = self.address(&format!("{name}_address"))?;
        Ok(address.map(|address| Place {
            method: method.unwrap_or_else(|| usual.to_owned()),
            address,
        }))
    }

    /// The headers that go with each request; user and password among them.
    fn headers(&self) -> Result<Vec<(String, String)>, String> {
        let given = self.given.get("headers").and_then(Json::as_object);
        let given = given.into_iter().flatten();
        let mut headers: Vec<_> = given
            .filter_map(|(name, value)| {
                Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()))
            })
            .collect();
        let has = |name: &str| headers.iter().any(|(known, _)| known == name);
        if has("content-type") || has("content-md5") {
            return Err("`headers` must not have `Content-Type` or `Content-MD5`.".to_owned());
        }
        if let Some(user) = self.text("username") {
            if has("authorization") {
                let why = "`headers` must not have `Authorization` where there is a `username`.";
                return Err(why.to_owned());
            }
            let password = self.text("password").unwrap_or_default();
            let both = BASE64.encode(format!("{user}:{password}"));
            headers.push(("authorization".to_owned(), format!("Basic {both}")));
        }
        Ok(headers)
    }

    fn tls(&self) -> Result<Tls, String> {
        let certificate = self.text("client_certificate_pem");
        let key = self.text("client_private_key_pem");
        let client = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => {
                return Err(
                    "client_certificate_pem is set but client_private_key_pem is not".to_owned(),
                );
            }
            (None, Some(_)) => {
                return Err(
                    "client_private_key_pem is set but client_certificate_pem is not".to_owned(),
                );
            }
        };
        Ok(Tls {
            any_server: flag(self.given, "skip_cert_verification"),
            authorities: self.text("client_ca_certificate_pem"),
            client,
        })
    }
}

impl Http {
    pub(super) fn new(given: &Map<String, Json>, outside: &Outside) -> Result<Self, StateError> {
        Self::of(&Arguments { given, outside }).map_err(StateError::Backend)
    }

    fn of(arguments: &Arguments<'_>) -> Result<Self, String> {
        let address = arguments.address("address")?;
        let seconds = |name: &str, usual| arguments.number(name, usual).map(Duration::from_secs);
        Ok(Self {
            address: address.ok_or("address argument is required")?,
            update_method: arguments
                .text("update_method")
                .unwrap_or_else(|| "POST".to_owned()),
            lock: arguments.place("lock", "LOCK")?,
            unlock: arguments.place("unlock", "UNLOCK")?,
            headers: arguments.headers()?,
            retry: Retry {
                most: arguments.number("retry_max", 2)?,
                shortest: seconds("retry_wait_min", 1)?,
                longest: seconds("retry_wait_max", 30)?,
            },
            tls: Arc::new(arguments.tls()?),
            outside: arguments.outside.clone(),
            held: Mutex::default(),
        })
    }

    fn send(
        &self,
        action: &'static str,
        method: &str,
        address: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, StateError> {
        let make = || {
            let mut headers = self.headers.clone();
            if let Some(body) = body {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                let sum = BASE64.encode(Md5::digest(body));
                headers.push(("content-md5".to_owned(), sum));
            }
            Request {
                method: method.to_owned(),
                url: address.to_owned(),
                headers,
                body: body.unwrap_or_default().to_vec(),
                tls: self.tls.clone(),
            }
        };
        let sent = self.retry.send(&self.outside, make);
        sent.map_err(|reason| self.failed(action, reason))
    }

    fn failed(&self, action: &'static str, reason: String) -> StateError {
        StateError::Remote {
            action,
            place: self.place(),
            reason,
        }
    }

    fn refused(&self, action: &'static str, answer: &Answer) -> StateError {
        let reason = match answer.status {
            401 => "HTTP remote state endpoint requires auth".to_owned(),
            403 => "HTTP remote state endpoint invalid auth".to_owned(),
            500 => "HTTP remote state internal server error".to_owned(),
            status => format!("Unexpected HTTP response code {status}"),
        };
        self.failed(action, reason)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address that is written to: it names the lock that we have.
    fn update_address(&self) -> String {
        match &*self.held() {
            None => self.address.clone(),
            Some(id) => {
                let sign = if self.address.contains('?') { '&' } else { '?' };
                format!("{}{sign}ID={id}", self.address)
            }
        }
    }

    fn unlock_with(&self, info: &LockInfo) -> Result<(), StateError> {
        let Some(place) = &self.unlock else {
            return Ok(());
        };
        let body = serde_json::to_vec(info).unwrap_or_default();
        let answer = self.send("unlock", &place.method, &place.address, Some(&body))?;
        match answer.is_success() {
            true => Ok(()),
            false => Err(self.refused("unlock", &answer)),
        }
    }
}

/// What an answer says of who has the lock.
fn holder(answer: &Answer) -> LockInfo {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| LockInfo {
        operation: "some work".to_owned(),
        who: "somebody of whom the server says nothing".to_owned(),
        ..LockInfo::default()
    })
}

impl Remote for Http {
    fn place(&self) -> String {
        // What stands between is of who asks: a password must not be shown.
        let (scheme, rest) = self.address.split_once("://").unwrap_or(("http", ""));
        let plain = rest.split(['?', '#']).next().unwrap_or_default();
        let host = plain.find('/').unwrap_or(plain.len());
        let start = plain[..host].rfind('@').map_or(0, |at| at + 1);
        format!("{scheme}://{}", &plain[start..])
    }

    fn lock_path(&self) -> String {
        String::new()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, StateError> {
        let answer = self.send("read", "GET", &self.address, None)?;
        match answer.status {
            204 | 404 => return Ok(None),
            200 => {}
            _ => return Err(self.refused("read", &answer)),
        }
        let sum = answer.header("content-md5").map(|sum| BASE64.decode(sum));
        match sum {
            Some(Ok(sum)) if sum != Md5::digest(&answer.body)[..] => {
                let why = "what came is not what the server says it sent (Content-MD5)";
                Err(self.failed("read", why.to_owned()))
            }
            _ => Ok(Some(answer.body).filter(|body| !body.is_empty())),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StateError> {
        let address = self.update_address();
        let answer = self.send("write", &self.update_method, &address, Some(bytes))?;
        match answer.status {
            200 | 201 | 204 => Ok(()),
            _ => Err(self.refused("write", &answer)),
        }
    }

    fn delete(&self) -> Result<(), StateError> {
        let answer = self.send("delete", "DELETE", &self.address, None)?;
        match answer.status {
            200 | 204 | 404 => Ok(()),
            _ => Err(self.refused("delete", &answer)),
        }
    }

    fn lock(&self, info: &LockInfo) -> Result<(), StateError> {
        let Some(place) = &self.lock else {
            return Ok(());
        };
        let body = serde_json::to_vec(info).unwrap_or_default();
        let answer = self.send("lock", &place.method, &place.address, Some(&body))?;
        match answer.status {
            200..300 => {
                *self.held() = Some(info.id.clone());
                Ok(())
            }
            409 | 423 => {
                let holder = holder(&answer);
                if holder.id == info.id {
                    // The answer to an earlier try got lost.
                    *self.held() = Some(holder.id);
                    return Ok(());
                }
                Err(StateError::Locked(Box::new(holder)))
            }
            _ => Err(self.refused("lock", &answer)),
        }
    }

    fn unlock(&self, info: &LockInfo) -> Result<(), StateError> {
        *self.held() = None;
        self.unlock_with(info)
    }

    fn force_unlock(&self, id: &str) -> Result<(), StateError> {
        if self.unlock.is_none() {
            return Err(StateError::NoSuchLock(id.to_owned()));
        }
        self.unlock_with(&LockInfo {
            id: id.to_owned(),
            ..LockInfo::default()
        })
    }
}
