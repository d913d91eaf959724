//! Who we are and whom we trust: client certificates, remembered server certificates, join tokens.
//!
//! Incus servers sign their own certificates. The client remembers one by its content in
//! `servercerts/REMOTE.crt` and accepts no other; a join token carries the fingerprint of the
//! server's certificate, so that even the first connection is certain.

mod files;
mod verifier;

use std::{fmt::Write, sync::Arc};

use base64::Engine;
use hyper::Method;
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use self::verifier::{Pin, Verifier};
use super::{
    ApiPath, ClientError,
    http::{Body, CONNECT_LIMIT, Call, Pool},
    stream::{Endpoint, url},
};
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

/// The fingerprint of a certificate as Incus writes it.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(certificate) {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
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
        (Some(certificate), _, _) => Pin::Fingerprint(fingerprint(certificate)),
        (None, Some(token), _) => Pin::Fingerprint(token.fingerprint.to_lowercase()),
        (None, None, true) => Pin::Any,
        (None, None, false) => Pin::None,
    };
    let verifier = Arc::new(Verifier::new(pin));
    let endpoint = Endpoint::Https {
        host: host.into(),
        port,
        tls: Arc::new(tls_config(remote, verifier.clone())?),
    };
    let pool = match remote.oidc {
        true => Pool::new(endpoint).with_bearer(&files::oidc_token(remote)?),
        false => Pool::new(endpoint),
    };
    introduce(remote, &pool, &url(host, port), known.is_none(), &verifier).await?;
    Ok(pool)
}

fn tls_config(
    remote: &Remote,
    verifier: Arc<Verifier>,
) -> Result<rustls::ClientConfig, ClientError> {
    let setup = |error: rustls::Error| ClientError::Setup(error.to_string());
    let config = rustls::ClientConfig::builder_with_provider(verifier::crypto())
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    if remote.oidc {
        return Ok(config.with_no_client_auth());
    }
    let identity = files::identity(remote)?;
    config
        .with_client_auth_cert(identity.chain, identity.key)
        .map_err(setup)
}

/// Makes the first connection: remembers the server's certificate, and has it trust ours if we bring a token.
async fn introduce(
    remote: &Remote,
    pool: &Pool,
    url: &str,
    remember: bool,
    verifier: &Verifier,
) -> Result<(), ClientError> {
    if !remember && remote.token.is_none() {
        return Ok(());
    }
    let server = match request(pool, Method::GET, &[], &Json::Null).await {
        Ok(server) => server,
        Err(ClientError::Tls { .. }) if verifier.refused_unknown() => {
            return Err(unknown_certificate(remote, url, verifier.seen()));
        }
        Err(error) => return Err(error),
    };
    if remember && let Some(certificate) = verifier.seen() {
        files::remember(remote, &certificate)?;
    }
    let trusted = server.pointer("/metadata/auth").and_then(Json::as_str) == Some("trusted");
    match &remote.token {
        Some(token) if !trusted => join(pool, url, token).await,
        _ => Ok(()),
    }
}

async fn join(pool: &Pool, url: &str, token: &str) -> Result<(), ClientError> {
    let body = json!({ "type": "client", "trust_token": token });
    let answer = request(pool, Method::POST, &["certificates"], &body).await?;
    match answer.get("error").and_then(Json::as_str) {
        None | Some("") => Ok(()),
        Some(reason) => Err(ClientError::Denied {
            endpoint: url.to_owned(),
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
        path: ApiPath::new(path),
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
    let fingerprint = certificate.map_or_else(String::new, |certificate| fingerprint(&certificate));
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

    #[test]
    fn fingerprints_are_lower_case_hex_of_sha_256() {
        assert!(fingerprint(b"").starts_with("e3b0c44298fc1c149afb"));
    }
}
