//! The HTTP client of operations: what it trusts, how long it waits.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use strata_state::backend::{Answer, Request, Tls, Web};
use ureq::{
    Agent,
    config::ConfigBuilder,
    http,
    tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem},
    typestate::AgentScope,
};

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The largest answer that is read, in bytes.
const MAX_SIZE: u64 = 256 << 20;

/// A client that trusts what this machine trusts; a status that is none of success is no error.
pub(crate) fn agent(timeout: Duration) -> Agent {
    config(tls(trusted()), timeout).build().new_agent()
}

fn tls(trusted: Vec<Certificate<'static>>) -> ureq::tls::TlsConfigBuilder {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(trusted)))
}

fn config(tls: ureq::tls::TlsConfigBuilder, timeout: Duration) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
}

/// How long one request of a backend may take; a state may be large.
const STATE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long it may take to reach a server that keeps states.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The way of states to their servers. Connections are kept, those of each kind of trust apart.
#[derive(Default)]
pub(crate) struct States(Mutex<Vec<(Arc<Tls>, Agent)>>);

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}

impl States {
    fn agent(&self, tls: &Arc<Tls>) -> Result<Agent, String> {
        let mut agents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, agent)) = agents.iter().find(|(known, _)| known == tls) {
            return Ok(agent.clone());
        }
        let agent = state_agent(tls)?;
        agents.push((tls.clone(), agent.clone()));
        Ok(agent)
    }
}

fn state_agent(wanted: &Tls) -> Result<Agent, String> {
    let trusted = match &wanted.authorities {
        None => trusted(),
        Some(pem) => certificates(pem.as_bytes()),
    };
    let client = wanted.client.as_ref().map(|(certificate, key)| {
        let key = PrivateKey::from_pem(key.as_bytes())
            .map_err(|_| "the private key of the client is no PEM".to_owned())?;
        Ok::<_, String>(ClientCert::new_with_certs(
            &certificates(certificate.as_bytes()),
            key,
        ))
    });
    let tls = tls(trusted)
        .client_cert(client.transpose()?)
        .disable_verification(wanted.any_server);
    let config = config(tls, STATE_TIMEOUT)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .max_redirects(0)
        .allow_non_standard_methods(true);
    Ok(config.build().new_agent())
}

impl Web for States {
    fn send(&self, request: &Request) -> Result<Answer, String> {
        let agent = self.agent(&request.tls)?;
        let mut asked = http::Request::builder()
            .method(&*request.method)
            .uri(&request.url);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        let wrong = |_| "its address, method or a header cannot be sent".to_owned();
        let answered = match request.body.is_empty() {
            true => agent.run(asked.body(()).map_err(wrong)?),
            false => agent.run(asked.body(&request.body[..]).map_err(wrong)?),
        };
        let mut response = answered.map_err(|error| error.to_string())?;
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_SIZE)
            .read_to_vec();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().iter().filter_map(header).collect(),
            body: body.map_err(|error| error.to_string())?,
        })
    }
}

/// How a URL is asked for.
pub(crate) struct Asking {
    /// Names and values; the client's own are overwritten.
    pub(crate) headers: BTreeMap<String, String>,
    /// How long all of it may take.
    pub(crate) timeout: Duration,
    /// Whether a server's certificate must be one that is trusted.
    pub(crate) verifies: bool,
    /// A file with the certificates that are trusted in the place of this machine's.
    pub(crate) authorities: Option<String>,
    /// Whether it goes through the proxy of the environment.
    pub(crate) by_proxy: bool,
    /// Whether it goes where an answer leads on to.
    pub(crate) follows: bool,
}

/// Gets what is behind a URL; a status that is none of success is an error.
pub(crate) fn get(
    url: &str,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    let asking = Asking {
        headers: headers.clone(),
        timeout,
        verifies: true,
        authorities: None,
        by_proxy: true,
        follows: true,
    };
    ask(url, &asking)
}

/// The same, as the user wants it.
pub(crate) fn ask(url: &str, asking: &Asking) -> Result<Vec<u8>, String> {
    let trusted = match &asking.authorities {
        None => trusted(),
        Some(path) => {
            let pem = fs::read(path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
            certificates(&pem)
        }
    };
    let tls = tls(trusted).disable_verification(!asking.verifies);
    let mut config = config(tls, asking.timeout);
    if !asking.by_proxy {
        config = config.proxy(None);
    }
    if !asking.follows {
        config = config.max_redirects(0);
    }
    let mut request = config.build().new_agent().get(url);
    for (name, value) in &asking.headers {
        request = request.header(name, value);
    }
    let mut response = request.call().map_err(|error| error.to_string())?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("`{url}` answers {status}"));
    }
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_SIZE)
        .read_to_vec();
    body.map_err(|error| error.to_string())
}

/// A text of an address without its escapes.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The certificates that this machine trusts; none if it has no bundle, so that no HTTPS URL passes.
fn trusted() -> Vec<Certificate<'static>> {
    let bundle = BUNDLES
        .iter()
        .map(Path::new)
        .find_map(|path| fs::read(path).ok())
        .unwrap_or_default();
    certificates(&bundle)
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificates = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    certificates.collect()
}
