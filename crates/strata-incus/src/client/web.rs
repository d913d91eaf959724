//! Other servers than Incus that a remote leads to: an OIDC provider, a server of images. They answer with JSON, and
//! are trusted as this system trusts servers, or as `SSL_CERT_FILE` says.

use std::{net::IpAddr, sync::Arc};

use hyper::Method;
use rustls::RootCertStore;
use serde_json::Value as Json;
use strata_http::{Body, CONNECT_LIMIT, Call, Endpoint, Pool, encode, tls};

use super::ClientError;
use crate::remote::{Remote, split_port};

/// How often a server may send us elsewhere.
const REDIRECTS: usize = 5;

/// Asks for what is at a URL that a remote leads to.
pub(crate) async fn get(remote: &Remote, url: &str) -> Result<Json, ClientError> {
    let mut url = url.to_owned();
    for _ in 0..REDIRECTS {
        let reply = send(remote, &url, Method::GET, Vec::new(), Body::empty()).await?;
        match (reply.status, reply.header("location")) {
            (301 | 302 | 307 | 308, Some(to)) => url = joined(&url, to),
            _ => return json(&url, &reply),
        }
    }
    Err(ClientError::Exchange(format!(
        "{url} is one of too many redirects"
    )))
}

/// Asks with headers of one's own for what is at a URL that a remote leads to; whatever the answer is.
pub(crate) async fn ask(
    remote: &Remote,
    url: &str,
    headers: Vec<(&'static str, String)>,
) -> Result<strata_http::Reply, ClientError> {
    send(remote, url, Method::GET, headers, Body::empty()).await
}

/// Posts a form, which may hold secrets: no message shows it, and a redirect is not followed with it.
pub(crate) async fn post(
    remote: &Remote,
    url: &str,
    fields: &[(&str, &str)],
) -> Result<Json, ClientError> {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        encode(name, &mut form);
        form.push('=');
        encode(value, &mut form);
    }
    let kind = "application/x-www-form-urlencoded".to_owned();
    let headers = vec![("Content-Type", kind)];
    let reply = send(remote, url, Method::POST, headers, form.into()).await?;
    json(url, &reply)
}

fn json(url: &str, reply: &strata_http::Reply) -> Result<Json, ClientError> {
    match reply.status {
        200..300 => serde_json::from_slice(&reply.body)
            .map_err(|error| ClientError::Exchange(format!("{url} gave no JSON ({error})"))),
        status => {
            let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
            // The words of RFC 6749, section 5.2.
            let why = body["error_description"]
                .as_str()
                .or(body["error"].as_str());
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            let message = format!("{url} answered with HTTP status {status}{why}");
            Err(ClientError::Api { status, message })
        }
    }
}

async fn send(
    remote: &Remote,
    url: &str,
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: Body,
) -> Result<strata_http::Reply, ClientError> {
    let (endpoint, path) = parse(url, || authorities(remote)).map_err(ClientError::Setup)?;
    let call = Call {
        method,
        path,
        headers,
        body,
        limit: CONNECT_LIMIT * 3,
    };
    Ok(Pool::new(endpoint).send(call).await?)
}

/// The authorities that are trusted for a remote.
pub(crate) fn authorities(remote: &Remote) -> Result<RootCertStore, String> {
    match &remote.authorities {
        None => Ok(tls::system_roots()),
        Some(path) => tls::roots(path)
            .map_err(|reason| format!("`{}` of `SSL_CERT_FILE`: {reason}", path.display())),
    }
}

/// Takes a URL apart: where it leads, and the path there. Without encryption it may lead only to this machine.
fn parse(
    url: &str,
    authorities: impl FnOnce() -> Result<RootCertStore, String>,
) -> Result<(Endpoint, String), String> {
    let wrong = |why: &str| format!("`{url}` {why}");
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("is no URL"))?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if authority.contains('@') {
        return Err("a URL with a name or password in it is not used".to_owned());
    }
    let default = if scheme == "http" { 80 } else { 443 };
    let (host, port) = split_port(authority, default)?;
    let host: Arc<str> = host.into();
    let path = match path.starts_with('?') {
        true => format!("/{path}"),
        false => path.to_owned(),
    };
    match scheme {
        "https" => {
            let config = rustls::ClientConfig::builder_with_provider(tls::crypto())
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(authorities()?)
                .with_no_client_auth();
            let tls = Arc::new(config);
            Ok((Endpoint::Https { host, port, tls }, path))
        }
        "http" if is_this_machine(&host) => Ok((Endpoint::Http { host, port }, path)),
        _ => Err(wrong("is not used: it does not begin with `https://`")),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Where a redirect leads, seen from the URL that gave it.
fn joined(url: &str, to: &str) -> String {
    if to.contains("://") {
        return to.to_owned();
    }
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    match to.starts_with('/') {
        true => format!("{}{to}", &url[..end]),
        false => format!("{}/{to}", &url[..url.rfind('/').unwrap_or(end).max(end)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_encryption_a_url_leads_only_to_this_machine() {
        let check = |url: &str| match parse(url, || Ok(RootCertStore::empty())) {
            Ok((endpoint, path)) => format!("{} {path}", endpoint.name()),
            Err(why) => why,
        };
        assert_eq!(
            check("https://id.example/a?b"),
            "https://id.example:443 /a?b"
        );
        assert_eq!(check("http://127.0.0.1:80"), "http://127.0.0.1:80 /");
        assert_eq!(
            check("http://id.example/"),
            "`http://id.example/` is not used: it does not begin with `https://`"
        );
        assert!(check("https://me:hunter2@id.example/").contains("is not used"));
        assert!(!check("https://me:hunter2@id.example/").contains("hunter2"));
        assert_eq!(check("id.example"), "`id.example` is no URL");
    }

    #[test]
    fn a_redirect_may_be_a_url_or_a_path() {
        let url = "https://a.example/b/c";
        assert_eq!(joined(url, "https://d.example/"), "https://d.example/");
        assert_eq!(joined(url, "/d"), "https://a.example/d");
        assert_eq!(joined(url, "d"), "https://a.example/b/d");
        assert_eq!(joined("https://a.example", "d"), "https://a.example/d");
    }
}
