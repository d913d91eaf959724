//! HTTP over the unix socket, and the WebSockets of events and programs.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures_util::SinkExt;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, service::service_fn, upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixListener, sync::broadcast};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::{
    Shared,
    answer::{self, Answer, Refusal},
    faults::{self, Failure},
    operations::BREAK,
    route,
};

/// The largest body that is taken, in bytes.
const MAX_BODY: usize = 64 << 20;

pub(super) async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        let service = service_fn(move |request| respond(request, shared.clone()));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        // A client that goes away in the middle is no matter of ours.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    if path == "/1.0/events" {
        return Ok(upgrade(request, &shared, send_events));
    }
    if path.starts_with("/1.0/operations/") && path.ends_with("/websocket") {
        return Ok(upgrade(request, &shared, end_stream));
    }
    let (parts, body) = request.into_parts();
    let body = match http_body_util::Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return Ok(answer::refusal(&Refusal {
                status: StatusCode::BAD_REQUEST,
                message: error.to_string(),
            }));
        }
    };
    let failure = faults::take(&shared, &parts.method, &path);
    let answered = match &failure {
        Some(Failure::Unheard) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Failure::Refused(status, message)) => faults::refused(*status, message),
        Some(Failure::Slow(time)) => {
            tokio::time::sleep(*time).await;
            route::answer(&shared, &parts, &body)
        }
        _ => route::answer(&shared, &parts, &body),
    };
    if parts.method != hyper::Method::GET
        && let Err(error) = shared.save()
    {
        let message = format!("the twin cannot write its file: {error}");
        return Ok(answer::refusal(&Refusal {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message,
        }));
    }
    let answered = match (answered, failure) {
        (_, Some(Failure::Unanswered)) => return Err(io::ErrorKind::ConnectionAborted.into()),
        (Ok(Answer::Operation(started)), Some(Failure::Dropped)) => {
            shared.operations.break_off();
            return Ok(answer::operation(&shared.operations.forget(&started)));
        }
        (Ok(Answer::Operation(mut started)), Some(Failure::HalfDone(message))) => {
            started.failure = faults::refused(400, message).err();
            Ok(Answer::Operation(started))
        }
        (Ok(_), Some(Failure::HalfDone(message))) => faults::refused(500, message),
        (answered, _) => answered,
    };
    Ok(match answered {
        Ok(Answer::Sync(value)) => answer::sync(&value),
        Ok(Answer::Created) => answer::created(),
        Ok(Answer::File(content)) => Response::new(Full::new(Bytes::from(content))),
        Ok(Answer::Operation(started)) => answer::operation(&shared.operations.run(&started)),
        Err(refusal) => answer::refusal(&refusal),
    })
}

/// Takes a WebSocket, and has `serve` speak on it.
fn upgrade<T>(
    mut request: Request<Incoming>,
    shared: &Shared,
    serve: fn(Upgraded, broadcast::Receiver<String>) -> T,
) -> Response<Full<Bytes>>
where
    T: Future<Output = ()> + Send + 'static,
{
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        let message = "websocket: the client is not using the websocket protocol".to_owned();
        return answer::refusal(&Refusal {
            status: StatusCode::BAD_REQUEST,
            message,
        });
    };
    let accept = derive_accept_key(key.as_bytes());
    let receiver = shared.operations.listen();
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
            serve(upgraded, receiver).await;
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
        .body(Full::new(Bytes::new()))
        .expect("the headers are well formed")
}

/// The stream of a program that has nothing to say.
async fn end_stream(upgraded: Upgraded, _: broadcast::Receiver<String>) {
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    // Whoever has gone already needs no end.
    drop(socket.send(Message::Text("".into())).await);
    drop(socket.close(None).await);
}

async fn send_events(upgraded: Upgraded, mut events: broadcast::Receiver<String>) {
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    while let Ok(event) = events.recv().await {
        if event == BREAK {
            return;
        }
        if socket.send(Message::Text(event.into())).await.is_err() {
            return;
        }
    }
}
