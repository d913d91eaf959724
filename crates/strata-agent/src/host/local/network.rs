//! Connections from the real machine.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::host::{HostError, HttpResponse, Stream};
use crate::system::HttpRequest;

use super::names;

impl Stream for TcpStream {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_read_timeout(self, Some(timeout))
    }
}

pub(super) fn connect(
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<Box<dyn Stream>, HostError> {
    let failed = |error: io::Error| HostError::Other(format!("{host}:{port}: {error}"));
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in names::addresses(host, port).map_err(failed)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

#[cfg(not(feature = "fetch"))]
pub(super) fn fetch(
    request: &HttpRequest,
    _environment: &BTreeMap<String, String>,
) -> Result<HttpResponse, HostError> {
    Err(HostError::Other(format!(
        "{}: this build of the agent has no HTTP client",
        request.url
    )))
}

#[cfg(feature = "fetch")]
pub(super) use with_client::fetch;

#[cfg(feature = "fetch")]
mod with_client {
    //! HTTP by ureq, TLS by rustls, trust as the system has it.

    use std::path::Path;
    use std::sync::Arc;

    use ureq::config::Config;
    use ureq::http::Uri;
    use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
    use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

    use super::{BTreeMap, HostError, HttpRequest, HttpResponse, names};
    use crate::system::Redirects;

    /// Where distributions keep the certificates they trust.
    const BUNDLES: &[&str] = &[
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];

    pub(crate) fn fetch(
        request: &HttpRequest,
        environment: &BTreeMap<String, String>,
    ) -> Result<HttpResponse, HostError> {
        if !request.unredirected.is_empty() && request.redirects != Redirects::None {
            return follow(request, environment);
        }
        let client = client(request, environment)?;
        let mut call = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(&request.url);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        let wrong = |error: &dyn std::fmt::Display| failed(request, &error.to_string());
        let response = match &request.body {
            None => client.run(call.body(()).map_err(|error| wrong(&error))?),
            Some(body) => client.run(call.body(body.as_slice()).map_err(|error| wrong(&error))?),
        };
        let response = response.map_err(|error| wrong(&error))?;
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
        Ok(HttpResponse {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default().to_owned(),
            headers,
            cookies,
            url: ureq::ResponseExt::get_uri(&response).to_string(),
            body: Box::new(response.into_body().into_reader()),
        })
    }

    /// Goes from address to address itself, to leave behind what is for the first one only.
    fn follow(
        request: &HttpRequest,
        environment: &BTreeMap<String, String>,
    ) -> Result<HttpResponse, HostError> {
        let mut next = HttpRequest {
            redirects: Redirects::None,
            ..request.clone()
        };
        for _ in 0..redirects(request) {
            let response = fetch(&next, environment)?;
            let location = response.headers.get("location");
            let Some(location) = location.filter(|_| (301..=308).contains(&response.status)) else {
                return Ok(response);
            };
            next.url = joined(&next.url, location);
            if response.status == 303 && next.method != "HEAD" {
                next.method = "GET".to_owned();
                next.body = None;
            }
            let stays = |name: &String| {
                let mut names = request.unredirected.iter();
                names.any(|left| left.eq_ignore_ascii_case(name))
            };
            next.headers.retain(|(name, _)| !stays(name));
        }
        fetch(&next, environment)
    }

    /// An address as another one refers to it.
    fn joined(base: &str, location: &str) -> String {
        let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
        let host = rest.split('/').next().unwrap_or(rest);
        match location {
            location if location.contains("://") => location.to_owned(),
            location if location.starts_with("//") => format!("{scheme}:{location}"),
            location if location.starts_with('/') => format!("{scheme}://{host}{location}"),
            location => {
                let path = base.split(['?', '#']).next().unwrap_or(base);
                let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
                format!("{folder}/{location}")
            }
        }
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

    fn failed(request: &HttpRequest, reason: &str) -> HostError {
        // What follows `?` and what stands before `@` may be secret.
        let shown = request.url.split('?').next().unwrap_or_default();
        let shown = match shown.split_once("://") {
            Some((scheme, rest)) => {
                format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or(rest))
            }
            None => shown.to_owned(),
        };
        HostError::Other(format!("Request failed: {reason} ({shown})"))
    }

    fn client(
        request: &HttpRequest,
        environment: &BTreeMap<String, String>,
    ) -> Result<ureq::Agent, HostError> {
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
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
            .max_redirects(redirects(request))
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .save_redirect_history(true)
            .timeout_connect(Some(request.timeout))
            .timeout_recv_response(Some(request.timeout))
            .user_agent("ansible-httpget")
            .proxy(proxy(request, environment)?)
            .build();
        Ok(ureq::Agent::with_parts(
            config,
            DefaultConnector::new(),
            Names,
        ))
    }

    /// How many redirects are followed.
    fn redirects(request: &HttpRequest) -> u32 {
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        match request.redirects {
            Redirects::None => 0,
            Redirects::Safe if !reads => 0,
            Redirects::Safe | Redirects::All => 10,
        }
    }

    /// Names as the rest of the agent resolves them.
    #[derive(Debug)]
    struct Names;

    impl Resolver for Names {
        fn resolve(
            &self,
            uri: &Uri,
            _config: &Config,
            _timeout: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let host = uri.host().unwrap_or_default();
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
}
