//! HTTP: from a request to a checked call, and from its answer to a response.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, sync::atomic::Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, body::Incoming, http::request::Parts, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value as Json, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Shared,
    answer::{self, Answer, Answered, Refusal},
    api, auth,
    call::{Call, File, Identity},
    calls,
    fault::{self, FaultKind},
    permission,
};
use crate::client::{BASE, crypto, unpercent};

/// The largest body that is taken, in bytes.
const MAX_BODY: usize = 512 << 20;

pub(super) async fn accept_unix(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        serve(stream, shared.clone());
    }
}

pub(super) async fn accept_tls(listener: TcpListener, config: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (config, shared) = (config.clone(), shared.clone());
        tokio::spawn(async move {
            // A client that does not trust us goes away here.
            if let Ok(stream) = config.accept(stream).await {
                serve(stream, shared);
            }
        });
    }
}

/// A certificate of our own and its fingerprint.
pub(super) fn tls() -> Result<(TlsAcceptor, String), String> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    let certificate = made.cert.der().clone();
    let fingerprint = crate::client::fingerprint(&certificate);
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(str::to_owned)?;
    let config = rustls::ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(|error| error.to_string())?;
    Ok((TlsAcceptor::from(Arc::new(config)), fingerprint))
}

fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S, shared: Arc<Shared>) {
    let service = service_fn(move |request| respond(request, shared.clone()));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that goes away in the middle is no matter of ours.
    tokio::spawn(async move { drop(connection.await) });
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is lost")
    }
}

impl std::error::Error for Lost {}

impl From<Infallible> for Lost {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Lost> {
    shared.calls.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let struck = fault::strikes(&shared.faults, parts.method.as_str(), parts.uri.path());
    match &struck {
        Some(FaultKind::Dropped) => return Err(Lost),
        Some(FaultKind::Slow(time)) => tokio::time::sleep(*time).await,
        Some(FaultKind::Refused(status, text)) => {
            return Ok(answer::refusal(&Refusal::status(*status, *text)));
        }
        Some(FaultKind::NoQuorum) => return Ok(answer::refusal(&fault::no_quorum())),
        _ => {}
    }
    let response = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let response = handle(&shared, &parts, &body.to_bytes());
            saved(&shared, &parts, response).await
        }
        Err(error) => answer::refusal(&Refusal::status(400, error.to_string())),
    };
    match struck {
        Some(FaultKind::AnswerLost) => Err(Lost),
        _ => Ok(response),
    }
}

fn handle(shared: &Arc<Shared>, parts: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
    let (who, answered) = match prepare(shared, parts, body) {
        Ok(call) => {
            let who = call.who.clone();
            #[cfg(test)]
            shared.hear(&call);
            (who, calls::answer(&mut shared.store(), &call))
        }
        Err(refusal) => (Identity::default(), Err(refusal)),
    };
    finish(shared, &who, answered)
}

/// The answer, once what it changed is written down.
async fn saved(
    shared: &Shared,
    parts: &Parts,
    response: Response<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    if parts.method == hyper::Method::GET {
        return response;
    }
    match shared.save().await {
        Ok(()) => response,
        Err(error) => answer::refusal(&Refusal::fail(format!(
            "the twin cannot write its file: {error}"
        ))),
    }
}

fn finish(shared: &Arc<Shared>, who: &Identity, answered: Answered) -> Response<Full<Bytes>> {
    match answered {
        Ok(Answer::Data(value)) => answer::response(value, Vec::new()),
        Ok(Answer::With(value, beside)) => answer::response(value, beside),
        Ok(Answer::Task(started)) => answer::response(json!(shared.run(started, who)), Vec::new()),
        Err(refusal) => answer::refusal(&refusal),
    }
}

/// Finds the method, the login and the parameters of a request, and checks them in the order of PVE.
fn prepare(shared: &Shared, parts: &Parts, body: &[u8]) -> Result<Call, Refusal> {
    let mut store = shared.store();
    let verb = parts.method.as_str();
    let path = parts.uri.path().strip_prefix(BASE).unwrap_or("/nosuch");
    let segments: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| unpercent(part, false))
        .collect();
    let found = api::find(verb, &segments);
    let open = found
        .as_ref()
        .is_some_and(|found| found.method.permissions["user"] == "world");
    let who = match open {
        true => Identity::default(),
        false => auth::identify(&store, verb, &parts.headers)?,
    };
    let Some(found) = found else {
        let path = unpercent(path, false);
        return Err(Refusal::status(
            501,
            format!("Method '{verb} {path}' not implemented"),
        ));
    };
    let (mut given, file) = parameters(parts, body)?;
    for (name, text) in &found.in_path {
        if given.insert(name.clone(), json!(text)).is_some() {
            return Err(Refusal::parameter(
                name,
                "duplicate parameter (already defined in URI)",
            ));
        }
    }
    if let Some(file) = &file {
        given.insert("filename".to_owned(), json!(file.name));
    }
    let mut call = Call {
        method: found.method,
        who,
        params: texts(&given),
        file,
    };
    permission::check(&store, &call)?;
    let node = call.node().to_owned();
    if store.lenient {
        super::lend::lend(&mut store, &call);
    }
    if found.method.on_node && found.in_path.contains_key("node") {
        reachable(&store, &node)?;
    }
    // A rehearsal has no nodes to write snippets to over ssh: they come in here.
    let snippet = store.lenient
        && found.method.path.ends_with("/upload")
        && given.get("content") == Some(&json!("snippets"));
    if snippet {
        return Ok(call);
    }
    call.params = api::check(found.method, &given).map_err(Refusal::parameters)?;
    Ok(call)
}

fn reachable(store: &super::store::Store, node: &str) -> Result<(), Refusal> {
    match store.nodes.get(node) {
        Some(node) if !node.offline => Ok(()),
        Some(_) => Err(Refusal::bare(595, "No route to host")),
        None => Err(Refusal::fail(format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: Temporary failure in name resolution"
        ))),
    }
}

fn texts(given: &Map<String, Json>) -> BTreeMap<String, String> {
    let text = |value: &Json| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    given
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn parameters(parts: &Parts, body: &[u8]) -> Result<(Map<String, Json>, Option<File>), Refusal> {
    let mut given = Map::new();
    form(parts.uri.query().unwrap_or_default(), &mut given);
    let kind = parts
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default();
    if let Some(boundary) = kind
        .split("boundary=")
        .nth(1)
        .filter(|_| kind.starts_with("multipart/"))
    {
        let file = multipart(body, boundary.trim_matches('"'), &mut given)?;
        return Ok((given, file));
    }
    if kind.starts_with("application/json") && !body.is_empty() {
        let json = serde_json::from_slice(body);
        let json: Json = json.map_err(|error| Refusal::status(400, error.to_string()))?;
        given.extend(json.as_object().cloned().unwrap_or_default());
    } else {
        form(&String::from_utf8_lossy(body), &mut given);
    }
    Ok((given, None))
}

fn form(text: &str, given: &mut Map<String, Json>) {
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unpercent(name, true), json!(unpercent(value, true)));
        match given.get_mut(&name) {
            // What comes several times is a list.
            Some(Json::Array(items)) => items.push(value),
            Some(known) => *known = json!([known.take(), value]),
            None => drop(given.insert(name, value)),
        }
    }
}

fn multipart(
    body: &[u8],
    boundary: &str,
    given: &mut Map<String, Json>,
) -> Result<Option<File>, Refusal> {
    let mut file = None;
    for (head, content) in sections(body, format!("--{boundary}").as_bytes()) {
        let name = attribute(&head, "name").unwrap_or_default();
        match attribute(&head, "filename") {
            Some(file_name) => {
                file = Some(File {
                    name: file_name,
                    content: content.to_vec(),
                })
            }
            None => {
                let known = ["content", "checksum", "checksum-algorithm", "tmpfilename"];
                // A sum is taken only after the way it was made.
                let late = name == "checksum-algorithm" && given.contains_key("checksum");
                if !known.contains(&name.as_str()) || late {
                    return Err(Refusal::bare(400, "Bad Request"));
                }
                given.insert(name, json!(String::from_utf8_lossy(content)));
            }
        }
    }
    Ok(file)
}

/// The parts between boundaries: their headers and contents.
fn sections<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<(String, &'a [u8])> {
    let mut found = Vec::new();
    let mut rest = body;
    while let Some(at) = position(rest, boundary) {
        rest = &rest[at + boundary.len()..];
        let end = position(rest, boundary).unwrap_or(rest.len());
        let part = &rest[..end];
        if let Some(head) = position(part, b"\r\n\r\n") {
            let content = &part[head + 4..];
            let content = content.strip_suffix(b"\r\n").unwrap_or(content);
            found.push((String::from_utf8_lossy(&part[..head]).into_owned(), content));
        }
    }
    found
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

fn attribute(head: &str, name: &str) -> Option<String> {
    let (_, rest) = head.split_once(&format!("; {name}=\""))?;
    Some(rest.split('"').next().unwrap_or_default().to_owned())
}
