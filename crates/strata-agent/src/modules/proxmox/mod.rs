//! The modules of `community.proxmox` for who may do what, by the API of Proxmox VE.
//!
//! They run where the task runs, most often on this machine, and need no Python there. A token goes along with each
//! request; a password is given once, for a ticket.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::arguments::{Arguments, Field, text};
use crate::change::Change;
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::docker::encode;
use crate::request::{self, Request};
use crate::system::HttpRequest;

pub(super) mod access_acl;
pub(super) mod group;
#[cfg(test)]
mod tests;

/// The arguments of every module of the family.
pub(super) const API: &[Field] = &[
    Field::str("api_host"),
    Field::int("api_port"),
    Field::str("api_user"),
    Field::str("api_password"),
    Field::str("api_otp"),
    Field::str("api_token_id"),
    Field::str("api_token_secret"),
    Field::path("ca_path"),
    Field::maybe("validate_certs"),
    Field::int("api_timeout"),
];

/// The port on which Proxmox VE answers.
const PORT: &str = "8006";

/// How the API is reached, as the arguments say; what they leave open the environment may say.
pub(super) struct Api {
    given: Vec<(&'static str, Option<String>)>,
    authorities: Option<PathBuf>,
}

/// The API, and who we are to it.
pub(super) struct Session {
    base: String,
    headers: Vec<(String, String)>,
    verifies: bool,
    authorities: Option<PathBuf>,
    timeout: Duration,
}

impl Api {
    pub(super) fn read(arguments: &Arguments) -> Api {
        let names = API.iter().map(|field| field.name);
        let given = names.map(|name| {
            let value = arguments.raw(name).filter(|value| !value.is_null());
            (name, value.and_then(text))
        });
        Api {
            given: given.collect(),
            authorities: arguments.path("ca_path"),
        }
    }

    /// An argument, or the variable of the environment that stands in for it.
    fn value(&self, host: &dyn Host, name: &str) -> Option<String> {
        let given = self.given.iter().find(|(known, _)| *known == name);
        let given = given.and_then(|(_, value)| value.clone());
        given.or_else(|| {
            let name = match name {
                "api_timeout" => "PROXMOX_API_TIMEOUT".to_owned(),
                name => format!("PROXMOX_{}", name.trim_start_matches("api_").to_uppercase()),
            };
            host.environment().get(&name).cloned()
        })
    }

    fn required(&self, host: &dyn Host, name: &str) -> Result<String, ModuleError> {
        let missing = || ModuleError::new(format!("missing required arguments: {name}"));
        self.value(host, name).ok_or_else(missing)
    }

    /// Says who we are, with a token or for a ticket.
    pub(super) fn open(&self, host: &dyn Host) -> Result<Session, ModuleError> {
        let (address, user) = (
            self.required(host, "api_host")?,
            self.required(host, "api_user")?,
        );
        let port = self.value(host, "api_port");
        let port = port.unwrap_or_else(|| PORT.to_owned());
        let verifies = self.value(host, "validate_certs");
        let verifies = verifies.map(|said| said.to_lowercase());
        let timeout = self.value(host, "api_timeout");
        let timeout = timeout.and_then(|seconds| seconds.parse().ok());
        let authorities = self.value(host, "ca_path").map(PathBuf::from);
        let mut session = Session {
            base: base(&address, &port),
            headers: Vec::new(),
            verifies: matches!(verifies.as_deref(), Some("true" | "yes" | "1" | "on")),
            authorities: self.authorities.clone().or(authorities),
            timeout: Duration::from_secs(timeout.unwrap_or(5)),
        };
        let token = (
            self.value(host, "api_token_id"),
            self.value(host, "api_token_secret"),
        );
        session.headers = match (self.value(host, "api_password"), token) {
            (Some(password), _) => {
                let otp = self.value(host, "api_otp");
                session.log_in(host, &user, &password, otp.as_deref())?
            }
            (None, (Some(id), Some(secret))) => vec![(
                "Authorization".to_owned(),
                format!("PVEAPIToken={user}!{id}={secret}"),
            )],
            (None, (None, None)) => {
                return Err(ModuleError::new(
                    "one of the following is required: api_password, api_token_id",
                ));
            }
            (None, _) => {
                return Err(ModuleError::new(
                    "parameters are required together: api_token_id, api_token_secret",
                ));
            }
        };
        Ok(session)
    }
}

/// The address of the API; one that has a scheme of its own is taken as it is.
fn base(address: &str, port: &str) -> String {
    if address.contains("://") {
        return format!("{}/api2/json", address.trim_end_matches('/'));
    }
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit()));
    // The colons of an address of IPv6 are no port.
    let is_v6 = address.matches(':').count() > 1 && !address.contains(']');
    match (is_v6, has_port) {
        (true, _) => format!("https://[{address}]:{port}/api2/json"),
        (false, true) => format!("https://{address}/api2/json"),
        (false, false) => format!("https://{address}:{port}/api2/json"),
    }
}

impl Session {
    /// Asks for a ticket, which changes nothing.
    fn log_in(
        &self,
        host: &dyn Host,
        user: &str,
        password: &str,
        otp: Option<&str>,
    ) -> Result<Vec<(String, String)>, ModuleError> {
        let mut form = vec![("username", user), ("password", password)];
        form.extend(otp.map(|otp| ("otp", otp)));
        let request = self.request("POST", "/access/ticket", &form);
        let said = self.send(host, request).map_err(|error| {
            let msg = format!(
                "Couldn't authenticate user: {user} to {}/access/ticket: {}",
                self.base, error.msg
            );
            ModuleError { msg, ..error }
        })?;
        let field = |name: &str| text(&said[name]).unwrap_or_default();
        Ok(vec![
            (
                "Cookie".to_owned(),
                format!("PVEAuthCookie={}", field("ticket")),
            ),
            (
                "CSRFPreventionToken".to_owned(),
                field("CSRFPreventionToken"),
            ),
        ])
    }

    fn request(&self, method: &str, path: &str, form: &[(&str, &str)]) -> HttpRequest {
        let mut headers = self.headers.clone();
        let pairs = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        if !form.is_empty() {
            let kind = "application/x-www-form-urlencoded";
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        let names = headers.iter().map(|(name, _)| name.clone());
        HttpRequest {
            url: format!("{}{path}", self.base),
            method: method.to_owned(),
            unredirected: names.collect(),
            headers,
            body: (!form.is_empty()).then(|| body.into_bytes()),
            timeout: self.timeout,
            verify_certificates: self.verifies,
            authorities: self.authorities.clone().filter(|_| self.verifies),
            use_proxy: true,
            ..HttpRequest::default()
        }
    }

    fn send(&self, host: &dyn Host, request: HttpRequest) -> Result<Value, ModuleError> {
        let answer = request::send(
            host,
            &Request {
                request,
                save: None,
                expected: vec![200],
                strict: true,
            },
        )?;
        let said: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| ModuleError::new("the answer of the API is no JSON"))?;
        Ok(said["data"].clone())
    }

    /// What there is at a path.
    pub(super) fn get(&self, host: &dyn Host, path: &str) -> Result<Value, ModuleError> {
        self.send(host, self.request("GET", path, &[]))
    }

    /// A request that changes something, and must succeed.
    pub(super) fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Change {
        Change::Request(Box::new(Request {
            request: self.request(method, path, form),
            save: None,
            expected: vec![200],
            strict: true,
        }))
    }
}
