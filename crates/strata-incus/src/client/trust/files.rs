//! Certificates on disk, where the Incus client keeps them too.

use std::{
    fs, io,
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::Engine;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{client::ClientError, remote::Remote};

/// Our certificate and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// The certificate by which we are known; made if there is none and the remote's settings allow it.
pub(crate) fn identity(remote: &Remote) -> Result<Identity, ClientError> {
    let certificate_path = remote.config_dir.join("client.crt");
    let key_path = remote.config_dir.join("client.key");
    let (certificate, key) = match (read(&certificate_path)?, read(&key_path)?) {
        (Some(certificate), Some(key)) => (certificate, key),
        _ if remote.generate_certificate => generate(&certificate_path, &key_path)?,
        _ => {
            return Err(ClientError::Setup(format!(
                "there is no client certificate `{}`: set `generate_client_certificates = true` in the provider block, or run `incus remote generate-certificate`",
                certificate_path.display()
            )));
        }
    };
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(&certificate_path, &error))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| unreadable(&key_path, &error))?;
    Ok(Identity { chain, key })
}

/// The token that the Incus client got for a remote when its user logged in by OIDC.
pub(crate) fn oidc_token(remote: &Remote) -> Result<String, ClientError> {
    let tokens = oidc_tokens(remote)?;
    match tokens["access_token"].as_str() {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(ClientError::Setup(format!(
            "there is no OIDC token for remote `{0}` in `{1}`: `incus list {0}:` logs in",
            remote.name,
            oidc_path(remote).display()
        ))),
    }
}

/// All that the Incus client keeps of a login; null if there was none.
pub(crate) fn oidc_tokens(remote: &Remote) -> Result<serde_json::Value, ClientError> {
    let tokens = read(&oidc_path(remote))?.unwrap_or_default();
    // What the file holds is a secret: no message quotes it.
    Ok(serde_json::from_slice(&tokens).unwrap_or_default())
}

/// Keeps it in the same place.
pub(crate) fn keep_oidc_tokens(
    remote: &Remote,
    tokens: &serde_json::Value,
) -> Result<(), ClientError> {
    write(&oidc_path(remote), tokens.to_string().as_bytes(), 0o600)
}

fn oidc_path(remote: &Remote) -> PathBuf {
    let file = format!("{}.json", remote.name.replace('/', "_"));
    remote.config_dir.join("oidctokens").join(file)
}

/// The server certificate that is remembered for a remote.
pub(crate) fn server_certificate(
    remote: &Remote,
) -> Result<Option<CertificateDer<'static>>, ClientError> {
    let path = server_certificate_path(remote);
    let Some(pem) = read(&path)? else {
        return Ok(None);
    };
    let certificate = CertificateDer::from_pem_slice(&pem);
    certificate
        .map(Some)
        .map_err(|error| unreadable(&path, &error))
}

/// Remembers a server's certificate.
pub(crate) fn remember(
    remote: &Remote,
    certificate: &CertificateDer<'_>,
) -> Result<(), ClientError> {
    write(
        &server_certificate_path(remote),
        pem(certificate).as_bytes(),
        0o644,
    )
}

/// A certificate in PEM.
pub(crate) fn pem(certificate: &CertificateDer<'_>) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in body.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn server_certificate_path(remote: &Remote) -> PathBuf {
    let folder = remote.config_dir.join("servercerts");
    // A name with a slash must not lead out of the folder.
    folder.join(format!("{}.crt", remote.name.replace('/', "_")))
}

fn generate(certificate_path: &Path, key_path: &Path) -> Result<(Vec<u8>, Vec<u8>), ClientError> {
    let failed = |error: rcgen::Error| {
        ClientError::Setup(format!("no client certificate could be made: {error}"))
    };
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).map_err(failed)?;
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "strata");
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.self_signed(&key).map_err(failed)?;
    let (certificate, key) = (
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    );
    // The key first: a certificate without its key would look as if we were set up.
    write(key_path, &key, 0o600)?;
    write(certificate_path, &certificate, 0o644)?;
    Ok((certificate, key))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ClientError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), ClientError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let temporary = folder.join(format!(".{}", uuid::Uuid::new_v4()));
    let writing = || -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(folder)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    writing().map_err(|error| {
        fs::remove_file(&temporary).ok();
        failed(path, &error)
    })
}

fn failed(path: &Path, error: &io::Error) -> ClientError {
    ClientError::Setup(format!("`{}`: {error}", path.display()))
}

fn unreadable(path: &Path, error: &rustls_pki_types::pem::Error) -> ClientError {
    ClientError::Setup(format!("`{}` is not a PEM file: {error}", path.display()))
}
