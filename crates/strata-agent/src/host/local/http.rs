//! HTTP by ureq, TLS by rustls, trust as the system has it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::{ciphers, names, redirect};
use crate::host::{HostError, HttpResponse};
use crate::system::HttpRequest;

/// Where distributions keep the certificates they trust.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes a request, and goes from address to address as far as it allows.
pub(super) fn fetch(
    request: &HttpRequest,
    environment: &BTreeMap<String, String>,
) -> Result<HttpResponse, HostError> {
    let mut request = request.clone();
    let mut visits = redirect::Visits::default();
    loop {
        let mut response = once(&request, environment)?;
        let location = response.headers.get("location");
        let next = location.and_then(|to| redirect::next(&request, response.status, to));
        match next {
            None => return Ok(response),
            Some(next) if visits.may_go_to(&next.url) => request = next,
            Some(_) => {
                response.reason = circle(&response.reason);
                return Ok(response);
            }
        }
    }
}

/// What is said instead of the server's words where redirects lead nowhere.
fn circle(reason: &str) -> String {
    format!(
        "The HTTP server returned a redirect error that would lead to an infinite loop.\nThe last \
         30x error message was:\n{reason}"
    )
}

fn once(
    request: &HttpRequest,
    environment: &BTreeMap<String, String>,
) -> Result<HttpResponse, HostError> {
    if redirect::origin(&request.url).1.is_empty() {
        return Err(failed("<urlopen error no host given>"));
    }
    let client = client(request, environment)?;
    let mut call = ureq::http::Request::builder()
        .method(request.method.as_str())
        .uri(&request.url);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let wrong = |error: ureq::http::Error| failed(&format!("<urlopen error {error}>"));
    let response = match &request.body {
        None => client.run(call.body(()).map_err(wrong)?),
        Some(body) => client.run(call.body(body.as_slice()).map_err(wrong)?),
    };
    let response = response.map_err(|error| told(&error))?;
    let status = response.status();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == "set-cookie" {
            cookies.push(value.clone());
        }
        // As one field, which means the same (RFC 9110, 5.3).
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert(value);
    }
    let is_packed = headers
        .get("content-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
    let body: Box<dyn Read + Send> = Box::new(response.into_body().into_reader());
    Ok(HttpResponse {
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default().to_owned(),
        headers,
        cookies,
        url: request.url.clone(),
        body: match is_packed && request.decompress && request.method != "HEAD" {
            true => Box::new(flate2::read::MultiGzDecoder::new(body)),
            false => body,
        },
    })
}

/// Why nothing was answered, in the words of Python's library.
fn told(error: &ureq::Error) -> HostError {
    use ureq::{Error, Timeout};
    match error {
        Error::Io(error) => failed(&format!("<urlopen error {}>", told_by_system(error))),
        Error::HostNotFound => failed("<urlopen error [Errno -2] Name or service not known>"),
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => failed("<urlopen error timed out>"),
        Error::Timeout(_) => HostError::Other("Connection failure: timed out".to_owned()),
        error => failed(&format!("<urlopen error {error}>")),
    }
}

fn told_by_system(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => {
            let text = text.split(" (os error").next().unwrap_or(&text);
            format!("[Errno {number}] {text}")
        }
        None => text,
    }
}

fn failed(reason: &str) -> HostError {
    HostError::Other(format!("Request failed: {reason}"))
}

/// The client's certificate and key, which may be in one file.
fn identity(request: &HttpRequest) -> Result<Option<ClientCert>, HostError> {
    let Some(path) = &request.client_certificate else {
        return Ok(None);
    };
    let chain = certificates(path)?;
    let of_key = request.client_key.as_ref().unwrap_or(path);
    let pem = std::fs::read(of_key).map_err(|error| HostError::io("read", of_key, &error))?;
    let key = PrivateKey::from_pem(&pem)
        .map_err(|error| HostError::Other(format!("{}: {error}", of_key.display())))?;
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, HostError> {
    let pem = std::fs::read(path).map_err(|error| HostError::io("read", path, &error))?;
    let found = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(found.collect())
}

fn client(
    request: &HttpRequest,
    environment: &BTreeMap<String, String>,
) -> Result<ureq::Agent, HostError> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(cryptography(request)?))
        .disable_verification(!request.verify_certificates)
        .root_certs(RootCerts::Specific(Arc::new(trusted(
            request,
            environment,
        )?)))
        .client_cert(identity(request)?)
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .timeout_connect(Some(request.timeout))
        .timeout_recv_response(Some(request.timeout))
        .user_agent("ansible-httpget")
        .accept(ureq::config::AutoHeaderValue::None)
        .accept_encoding(ureq::config::AutoHeaderValue::None)
        .proxy(proxy(request, environment)?)
        .build();
    Ok(ureq::Agent::with_parts(
        config,
        DefaultConnector::new(),
        Names(request.connect_to.clone()),
    ))
}

/// What TLS may use; less of it where the request names ciphers.
fn cryptography(request: &HttpRequest) -> Result<CryptoProvider, HostError> {
    let mut provider = rustls::crypto::ring::default_provider();
    if request.ciphers.is_empty() {
        return Ok(provider);
    }
    let known: Vec<&str> = provider.cipher_suites.iter().filter_map(name).collect();
    let picked = ciphers::picked(&request.ciphers, &known).map_err(HostError::Other)?;
    provider
        .cipher_suites
        .retain(|suite| name(suite).is_none_or(|name| picked.contains(&name)));
    Ok(provider)
}

/// OpenSSL's name of a suite of TLS 1.2.
fn name(suite: &SupportedCipherSuite) -> Option<&'static str> {
    Some(match suite.suite() {
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => return None,
    })
}

/// Names as the rest of the agent resolves them; or the one that is connected to instead of all.
#[derive(Debug)]
struct Names(Option<String>);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = self.0.as_deref().or(uri.host()).unwrap_or_default();
        let default = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let mut resolved = self.empty();
        // As many as ureq has room for.
        for address in names::addresses(host, uri.port_u16().unwrap_or(default))?
            .into_iter()
            .take(16)
        {
            resolved.push(address);
        }
        Ok(resolved)
    }
}

/// The system's trusted certificates, or those of `SSL_CERT_FILE`.
fn trusted(
    request: &HttpRequest,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Certificate<'static>>, HostError> {
    if !request.url.starts_with("https:") && !request.verify_certificates {
        return Ok(Vec::new());
    }
    let mut trusted = match &request.authorities {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let own = environment.get("SSL_CERT_FILE").map(String::as_str);
    let bundle = own.into_iter().chain(BUNDLES.iter().copied());
    // Plain HTTP needs none; for HTTPS the handshake will say that nobody is trusted.
    if let Some(path) = bundle.map(Path::new).find(|path| path.exists()) {
        trusted.extend(certificates(path)?);
    }
    Ok(trusted)
}

/// The proxy of the task's environment, unless the host is exempt.
fn proxy(
    request: &HttpRequest,
    environment: &BTreeMap<String, String>,
) -> Result<Option<ureq::Proxy>, HostError> {
    let get = |name: &str| {
        environment
            .get(name)
            .or_else(|| environment.get(&name.to_uppercase()))
    };
    let scheme = if request.url.starts_with("https:") {
        "https_proxy"
    } else {
        "http_proxy"
    };
    let address = get(scheme)
        .or_else(|| get("all_proxy"))
        .filter(|text| !text.is_empty());
    let exempt = get("no_proxy").is_some_and(|list| is_exempt(&request.url, list));
    match address {
        Some(address) if request.use_proxy && !exempt => ureq::Proxy::new(address)
            .map(Some)
            .map_err(|error| HostError::Other(format!("{scheme}: {error}"))),
        _ => Ok(None),
    }
}

fn is_exempt(url: &str, list: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', '?']).next().unwrap_or(host);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry.trim_start_matches('.');
            entry == "*" || host == entry || host.ends_with(&format!(".{entry}"))
        })
}
