//! Logging in by OIDC: the tokens that the Incus client got, and new ones when a server takes them no more.
//!
//! A server that refuses a token names who gives out others (`X-Incus-OIDC-*`). The refresh token is exchanged there, as
//! the Incus client does it, and what comes is kept where that keeps it, so that the two do not get in each other's way.
//! To log in anew takes a person with a browser: that is the Incus client's.

use serde_json::{Value as Json, json};
use strata_http::{Pool, Reply};

use super::{super::web, files};
use crate::{client::ClientError, remote::Remote};

/// Who gives out tokens, as a server names them.
pub(crate) struct Issuer {
    url: String,
    client: String,
}

impl Issuer {
    /// Whom an answer names; nobody if it refuses for another reason.
    pub(crate) fn named_by(reply: &Reply) -> Option<Self> {
        let url = reply.header("x-incus-oidc-issuer")?.to_owned();
        let client = reply.header("x-incus-oidc-clientid")?.to_owned();
        (!url.is_empty() && !client.is_empty()).then_some(Self { url, client })
    }

    /// Exchanges a refresh token; gives what came of it.
    async fn exchange(&self, remote: &Remote, refresh: &str) -> Result<Json, ClientError> {
        let base = self.url.trim_end_matches('/');
        let about = web::get(remote, &format!("{base}/.well-known/openid-configuration")).await?;
        let other = |what: &str| ClientError::Exchange(format!("{base} {what}"));
        if about["issuer"]
            .as_str()
            .map(|name| name.trim_end_matches('/'))
            != Some(base)
        {
            return Err(other("speaks for another issuer"));
        }
        let Some(endpoint) = about["token_endpoint"].as_str() else {
            return Err(other("names no `token_endpoint`"));
        };
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("client_id", &self.client),
        ];
        let tokens = web::post(remote, endpoint, &fields).await?;
        match tokens["access_token"].as_str() {
            Some(token) if !token.is_empty() => Ok(tokens),
            _ => Err(other("gave no `access_token`")),
        }
    }
}

/// Headers that prove who we are by a token.
pub(super) fn headers(token: &str) -> Vec<(&'static str, String)> {
    vec![
        ("authorization", proof(token)),
        ("x-incus-oidc", "true".to_owned()),
    ]
}

fn proof(token: &str) -> String {
    format!("Bearer {token}")
}

/// What a pool proves who we are by now.
pub(crate) fn used(pool: &Pool) -> Option<String> {
    let mut headers = pool.headers().into_iter();
    let (_, proof) = headers.find(|(name, _)| *name == "authorization")?;
    Some(proof)
}

/// Gives a pool another proof than the one that was `used` and refused.
///
/// Callers see to it that only one renews at a time: a refresh token may be good for one exchange only.
pub(crate) async fn renew(
    remote: &Remote,
    pool: &Pool,
    used: Option<&str>,
    issuer: &Issuer,
) -> Result<(), ClientError> {
    if self::used(pool).as_deref() != used {
        // Somebody else of this run was faster.
        return Ok(());
    }
    let mut tokens = files::oidc_tokens(remote)?;
    let kept = tokens["access_token"].as_str().unwrap_or_default();
    // The Incus client, or another run, may have got a new one meanwhile.
    if kept.is_empty() || Some(proof(kept).as_str()) == used {
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
        if refresh.is_empty() {
            return Err(expired(remote, "there is no refresh token"));
        }
        let new = issuer.exchange(remote, refresh).await;
        let new = new.map_err(|error| expired(remote, &error.to_string()))?;
        take(&mut tokens, &new);
        files::keep_oidc_tokens(remote, &tokens)?;
    }
    let token = tokens["access_token"].as_str().unwrap_or_default();
    pool.set_headers(headers(token));
    Ok(())
}

/// Puts what was given out in the place of what was kept.
fn take(tokens: &mut Json, new: &Json) {
    if !tokens.is_object() {
        *tokens = json!({});
    }
    for name in ["access_token", "refresh_token", "token_type"] {
        if new[name].is_string() {
            tokens[name] = new[name].clone();
        }
    }
    // That of the old one. Nobody looks at it: it is the server that says when a token has expired.
    if let Some(tokens) = tokens.as_object_mut() {
        tokens.remove("expiry");
    }
}

fn expired(remote: &Remote, why: &str) -> ClientError {
    ClientError::Setup(format!(
        "the OIDC token for remote `{0}` has expired, and there is no new one: {why}; `incus list {0}:` logs in anew",
        remote.name
    ))
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, Mutex},
    };

    use strata_http::tls;
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::{
        client::{Answer, ApiPath, Client},
        remote::Address,
    };

    /// What is asked of both servers, by method and path, with the token or the form.
    type Seen = Arc<Mutex<Vec<String>>>;

    /// Answers every request of a connection; gives up when it ends.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        mut stream: S,
        answer: impl Fn(&str) -> (u16, String, String),
    ) {
        let mut bytes = Vec::new();
        while let Ok(1..) = stream.read_buf(&mut bytes).await {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                (name == "content-length").then(|| value.parse::<usize>().ok())?
            });
            if body.len() < length.unwrap_or(0) {
                continue;
            }
            bytes.clear();
            let (status, headers, body) = answer(&text);
            let reply = format!(
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    }

    /// An OIDC provider that gives `fresh` for `again`, once.
    async fn issuer(seen: Seen) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let base = url.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (base, seen) = (base.clone(), seen.clone());
                let answer = move |request: &str| {
                    if request.starts_with("GET /realm/.well-known/openid-configuration") {
                        let about = json!({ "issuer": format!("{base}/realm"), "token_endpoint": format!("{base}/token") });
                        return (200, String::new(), about.to_string());
                    }
                    let (_, form) = request.split_once("\r\n\r\n").unwrap();
                    let mut seen = seen.lock().unwrap();
                    let is_first = !seen.iter().any(|one| one == form);
                    seen.push(form.to_owned());
                    match is_first && form.contains("refresh_token=again") {
                        true => {
                            let tokens = json!({ "access_token": "fresh", "refresh_token": "later", "token_type": "Bearer" });
                            (200, String::new(), tokens.to_string())
                        }
                        false => (
                            400,
                            String::new(),
                            json!({ "error": "invalid_grant" }).to_string(),
                        ),
                    }
                };
                tokio::spawn(serve(stream, answer));
            }
        });
        url + "/realm"
    }

    /// A server that takes only the token `fresh`.
    async fn server(issuer: String) -> (u16, String) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let config = rustls::ServerConfig::builder_with_provider(tls::crypto())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, issuer) = (acceptor.clone(), issuer.clone());
                tokio::spawn(async move {
                    let answer = |request: &str| match request
                        .contains("authorization: Bearer fresh")
                    {
                        true => {
                            let found =
                                json!({ "type": "sync", "metadata": { "auth": "trusted" } });
                            (200, String::new(), found.to_string())
                        }
                        false => {
                            let named = format!(
                                "X-Incus-OIDC-issuer: {issuer}\r\nX-Incus-OIDC-clientid: incus\r\n"
                            );
                            let refused =
                                json!({ "type": "error", "error_code": 401, "error": "expired" });
                            (401, named, refused.to_string())
                        }
                    };
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, answer).await;
                    }
                });
            }
        });
        (port, pem)
    }

    fn client(folder: &Path, port: u16, tokens: &Json) -> Arc<Client> {
        std::fs::create_dir_all(folder.join("oidctokens")).unwrap();
        std::fs::write(folder.join("oidctokens/lab.json"), tokens.to_string()).unwrap();
        Client::new(Remote {
            name: "lab".to_owned(),
            address: Address::Https {
                host: "127.0.0.1".to_owned(),
                port,
            },
            project: "default".to_owned(),
            config_dir: folder.to_owned(),
            authorities: None,
            credentials_helper: None,
            token: None,
            oidc: true,
            accept_certificate: true,
            generate_certificate: false,
        })
    }

    async fn ask(client: &Client) -> Result<(), String> {
        let answer: Result<Answer<Json>, _> = client.get(&ApiPath::new(&[])).await;
        answer.map(drop).map_err(|error| error.to_string())
    }

    fn kept(folder: &Path) -> Json {
        let text = std::fs::read(folder.join("oidctokens/lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[tokio::test]
    async fn a_token_that_has_expired_is_renewed_once_and_kept() {
        let seen = Seen::default();
        let (port, _) = server(issuer(seen.clone()).await).await;
        let folder = tempfile::tempdir().unwrap();
        let old = json!({ "access_token": "stale", "refresh_token": "again", "expiry": "2024-01-01T00:00:00Z", "IDToken": "who" });
        let client = client(folder.path(), port, &old);
        // All at once: one of them renews, the others use what it got.
        let asked = tokio::join!(ask(&client), ask(&client), ask(&client));
        assert_eq!(asked, (Ok(()), Ok(()), Ok(())));
        assert_eq!(
            *seen.lock().unwrap(),
            ["grant_type=refresh_token&refresh_token=again&client_id=incus"]
        );
        let new = json!({ "access_token": "fresh", "refresh_token": "later", "token_type": "Bearer", "IDToken": "who" });
        assert_eq!(kept(folder.path()), new);
        let mode = std::fs::metadata(folder.path().join("oidctokens/lab.json")).unwrap();
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_token_that_the_incus_client_got_meanwhile_is_used() {
        let seen = Seen::default();
        let (port, _) = server(issuer(seen.clone()).await).await;
        let folder = tempfile::tempdir().unwrap();
        let old = json!({ "access_token": "stale", "refresh_token": "again" });
        let client = client(folder.path(), port, &old);
        client.pool().await.unwrap();
        let fresh = json!({ "access_token": "fresh", "refresh_token": "again" });
        std::fs::write(folder.path().join("oidctokens/lab.json"), fresh.to_string()).unwrap();
        assert_eq!(ask(&client).await, Ok(()));
        assert!(seen.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_renewed_is_told_without_its_secrets() {
        let (port, _) = server(issuer(Seen::default()).await).await;
        for (refresh, why) in [
            ("hunter2", "answered with HTTP status 400: invalid_grant"),
            ("", "there is no refresh token"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let old = json!({ "access_token": "stale", "refresh_token": refresh });
            let told = ask(&client(folder.path(), port, &old)).await.unwrap_err();
            assert!(
                told.contains(why) && told.contains("`incus list lab:`"),
                "{told}"
            );
            assert!(
                !told.contains("hunter2") && !told.contains("stale"),
                "{told}"
            );
            assert_eq!(kept(folder.path()), old);
        }
    }

    #[tokio::test]
    async fn a_server_that_an_authority_vouches_for_is_known() {
        let (port, pem) = server(issuer(Seen::default()).await).await;
        let folder = tempfile::tempdir().unwrap();
        let authorities = folder.path().join("authorities.pem");
        std::fs::write(&authorities, pem).unwrap();
        let tokens = json!({ "access_token": "fresh" });
        let remote = client(folder.path(), port, &tokens).remote().clone();
        let with = |authorities| {
            Client::new(Remote {
                authorities,
                accept_certificate: false,
                ..remote.clone()
            })
        };
        assert_eq!(ask(&with(Some(authorities))).await, Ok(()));
        // The authority may go on with another certificate: none is remembered.
        assert!(!folder.path().join("servercerts").exists());
        let told = ask(&with(None)).await.unwrap_err();
        assert!(told.contains("is not known (fingerprint "), "{told}");
    }
}
