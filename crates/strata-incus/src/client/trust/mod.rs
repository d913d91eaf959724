//! Who we are and whom we trust: client certificates, remembered server certificates, join tokens, logins by OIDC.
//!
//! Incus servers sign their own certificates, unless an authority does. The client remembers one by its content in
//! `servercerts/REMOTE.crt` and accepts no other; a join token carries the fingerprint of the
//! server's certificate, so that even the first connection is certain.

mod files;
pub(crate) mod oidc;

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use hyper::Method;
use rustls::{
    ClientConfig, ConfigBuilder, WantsVerifier,
    client::{WantsClientCert, danger::ServerCertVerifier},
};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use strata_http::{Body, CONNECT_LIMIT, Call, Endpoint, Pool, tls};

use super::{ApiPath, ClientError, web};
use crate::remote::{Address, Remote};

/// Makes what is needed to speak to a remote; joins with its token if it does not trust us yet.
pub(crate) async fn connect(remote: &Remote) -> Result<Pool, ClientError> {
    match &remote.address {
        Address::Unix(path) => Ok(Pool::new(Endpoint::Unix(path.as_path().into()))),
        Address::Https { host, port } => connect_https(remote, host, *port).await,
        Address::Images { .. } => Err(ClientError::Setup(format!(
            "remote `{}` serves images only: it can hold no other objects",
            remote.name
        ))),
    }
}

/// The certificate in PEM that is remembered for a remote, if one is.
pub(crate) fn known_certificate(remote: &Remote) -> Result<Option<String>, ClientError> {
    let known = files::server_certificate(remote)?;
    Ok(known.map(|certificate| files::pem(&certificate)))
}

/// Which certificate is accepted.
enum Pin {
    /// The one with this fingerprint.
    Fingerprint(String),
    /// The first that is seen, and from then on only this one.
    First,
    /// None: nothing is known of the server.
    Nothing,
}

/// The certificate that the server showed first.
type Seen = Arc<Mutex<Option<CertificateDer<'static>>>>;

fn verifier(pin: Pin, seen: Seen) -> Arc<dyn ServerCertVerifier> {
    tls::verifier(move |certificate| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.get_or_insert_with(|| certificate.clone().into_owned());
        match &pin {
            Pin::Fingerprint(expected) => tls::fingerprint(certificate) == *expected,
            Pin::First => first.as_ref() == certificate.as_ref(),
            Pin::Nothing => false,
        }
    })
}

fn first(seen: &Seen) -> Option<CertificateDer<'static>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What a join token holds.
#[derive(Deserialize)]
struct Token {
    fingerprint: String,
}

async fn connect_https(remote: &Remote, host: &str, port: u16) -> Result<Pool, ClientError> {
    let known = files::server_certificate(remote)?;
    let token = remote.token.as_deref().map(read_token).transpose()?;
    let pin = match (&known, &token, remote.accept_certificate) {
        (Some(certificate), _, _) => Pin::Fingerprint(tls::fingerprint(certificate)),
        (None, Some(token), _) => Pin::Fingerprint(token.fingerprint.to_lowercase()),
        (None, None, true) => Pin::First,
        (None, None, false) => Pin::Nothing,
    };
    let unknown = matches!(pin, Pin::Nothing);
    if unknown && let Some(endpoint) = vouched_for(remote, host, port).await? {
        return pool(remote, endpoint);
    }
    let seen = Seen::default();
    let endpoint = Endpoint::Https {
        host: host.into(),
        port,
        tls: Arc::new(tls_config(remote, verifier(pin, seen.clone()))?),
    };
    let pool = pool(remote, endpoint)?;
    match introduce(remote, &pool, known.is_none(), &seen).await {
        Err(ClientError::Tls { endpoint, .. }) if unknown && first(&seen).is_some() => {
            return Err(unknown_certificate(remote, &endpoint, first(&seen)));
        }
        outcome => outcome?,
    }
    Ok(pool)
}

fn pool(remote: &Remote, endpoint: Endpoint) -> Result<Pool, ClientError> {
    Ok(match remote.oidc {
        true => Pool::new(endpoint).with_headers(oidc::headers(&files::oidc_token(remote)?)),
        false => Pool::new(endpoint),
    })
}

/// The way to a server whose certificate is of an authority that we trust, such as one got by ACME; it is not
/// remembered, since such a server gets another one now and then.
async fn vouched_for(
    remote: &Remote,
    host: &str,
    port: u16,
) -> Result<Option<Endpoint>, ClientError> {
    let authorities = web::authorities(remote).map_err(ClientError::Setup)?;
    let config = builder()?.with_root_certificates(authorities);
    let endpoint = Endpoint::Https {
        host: host.into(),
        port,
        tls: Arc::new(identified(remote, config)?),
    };
    // Whatever else is wrong is told by the connection that is tried next.
    let opened = endpoint.open(CONNECT_LIMIT).await;
    Ok(opened.is_ok().then_some(endpoint))
}

fn tls_config(
    remote: &Remote,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, ClientError> {
    let config = builder()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    identified(remote, config)
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, ClientError> {
    ClientConfig::builder_with_provider(tls::crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Setup(error.to_string()))
}

/// Says who we are, unless a token does.
fn identified(
    remote: &Remote,
    config: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, ClientError> {
    if remote.oidc {
        return Ok(config.with_no_client_auth());
    }
    let identity = files::identity(remote)?;
    config
        .with_client_auth_cert(identity.chain, identity.key)
        .map_err(|error| ClientError::Setup(error.to_string()))
}

/// Makes the first connection: remembers the server's certificate, and has it trust ours if we bring a token.
async fn introduce(
    remote: &Remote,
    pool: &Pool,
    remember: bool,
    seen: &Seen,
) -> Result<(), ClientError> {
    if !remember && remote.token.is_none() {
        return Ok(());
    }
    let server = request(pool, Method::GET, &[], &Json::Null).await?;
    if remember && let Some(certificate) = first(seen) {
        files::remember(remote, &certificate)?;
    }
    let trusted = server.pointer("/metadata/auth").and_then(Json::as_str) == Some("trusted");
    match &remote.token {
        Some(token) if !trusted => join(pool, token).await,
        _ => Ok(()),
    }
}

async fn join(pool: &Pool, token: &str) -> Result<(), ClientError> {
    let body = json!({ "type": "client", "trust_token": token });
    let answer = request(pool, Method::POST, &["certificates"], &body).await?;
    match answer.get("error").and_then(Json::as_str) {
        None | Some("") => Ok(()),
        Some(reason) => Err(ClientError::Denied {
            endpoint: pool.endpoint().name(),
            reason: format!("it does not take the token: {reason}"),
        }),
    }
}

async fn request(
    pool: &Pool,
    method: Method,
    path: &[&str],
    body: &Json,
) -> Result<Json, ClientError> {
    let call = Call {
        method,
        path: ApiPath::new(path).into_text(),
        headers: Vec::new(),
        body: match body {
            Json::Null => Body::empty(),
            body => body.to_string().into(),
        },
        limit: CONNECT_LIMIT * 3,
    };
    let reply = pool.send(call).await?;
    serde_json::from_slice(&reply.body)
        .map_err(|error| ClientError::Exchange(format!("the server gave no JSON ({error})")))
}

fn read_token(token: &str) -> Result<Token, ClientError> {
    // The decoder's own words could quote the token, which is a secret.
    base64::engine::general_purpose::STANDARD
        .decode(token.trim())
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            ClientError::Setup("the `token` of the remote is not a join token".to_owned())
        })
}

fn unknown_certificate(
    remote: &Remote,
    url: &str,
    certificate: Option<CertificateDer<'static>>,
) -> ClientError {
    let fingerprint =
        certificate.map_or_else(String::new, |certificate| tls::fingerprint(&certificate));
    ClientError::Setup(format!(
        "the certificate of remote `{}` at {url} is not known (fingerprint {fingerprint}): set `accept_remote_certificate = true` in the provider block, or give the remote a `token`",
        remote.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_cannot_be_read_is_not_shown() {
        let error = read_token("hunter2").err().unwrap();
        assert_eq!(
            error.to_string(),
            "the `token` of the remote is not a join token"
        );
    }
}
