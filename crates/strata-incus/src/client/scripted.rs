//! A daemon that answers from a script, for tests of what goes over the wire.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::Client;
use crate::remote::{Address, Remote};

/// One answer.
#[derive(Clone, Default)]
pub(crate) struct Step {
    status: u16,
    etag: &'static str,
    body: String,
    events: Vec<String>,
    break_events: bool,
    close: bool,
    vanish: bool,
    break_off: bool,
}

/// The daemon; it lives as long as this.
pub(crate) struct Scripted {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    steps: Mutex<HashMap<String, VecDeque<Step>>>,
    seen: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    events: tokio::sync::Mutex<Option<WebSocketStream<UnixStream>>>,
}

/// An answer with an object.
pub(crate) fn object(json: &str) -> Step {
    answer(200, format!(r#"{{"type":"sync","metadata":{json}}}"#))
}

/// An answer with an error.
pub(crate) fn refusal(status: u16, message: &str) -> Step {
    answer(
        status,
        format!(r#"{{"type":"error","error_code":{status},"error":"{message}","metadata":null}}"#),
    )
}

/// An answer with an operation that runs.
pub(crate) fn running(id: &str) -> Step {
    answer(
        202,
        format!(
            r#"{{"type":"async","metadata":{}}}"#,
            operation(id, 103, "")
        ),
    )
}

/// An operation.
pub(crate) fn operation(id: &str, status: u16, error: &str) -> String {
    format!(
        r#"{{"id":"{id}","description":"Testing","status_code":{status},"err":"{error}","metadata":null}}"#
    )
}

fn answer(status: u16, body: String) -> Step {
    Step {
        status,
        body,
        ..Step::default()
    }
}

impl Step {
    /// Tells this of an operation on the event stream, and makes sure that it was heard, before it answers.
    pub(crate) fn after_event(mut self, operation: &str) -> Self {
        self.events.push(format!(
            r#"{{"type":"operation","metadata":{operation},"project":"default"}}"#
        ));
        self
    }

    /// Breaks the event stream off before it answers.
    pub(crate) fn after_breaking_events(self) -> Self {
        Self {
            break_events: true,
            ..self
        }
    }

    /// Closes the connection after the answer without saying so.
    pub(crate) fn then_close(self) -> Self {
        Self {
            close: true,
            ..self
        }
    }

    /// Removes the socket before the answer, so that nobody can connect again.
    pub(crate) fn then_vanish(self) -> Self {
        Self {
            vanish: true,
            close: true,
            ..self
        }
    }

    /// Does what it was asked, but breaks the connection off instead of answering.
    pub(crate) fn and_break_off(self) -> Self {
        Self {
            break_off: true,
            ..self
        }
    }

    /// Says which state the object is in.
    pub(crate) fn etag(self, etag: &'static str) -> Self {
        Self { etag, ..self }
    }
}

impl Scripted {
    /// Starts it; each line of the script is a method with a path, and its answer, used once.
    pub(crate) fn start(script: impl IntoIterator<Item = (&'static str, Step)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::new(Shared::default());
        for (request, step) in script {
            let mut steps = shared.steps.lock().unwrap();
            steps.entry(request.to_owned()).or_default().push_back(step);
        }
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, accepting.clone()));
            }
        });
        Self { folder, shared }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Arc<Client> {
        client(&self.folder.path().join("socket"))
    }

    /// The requests it has seen, with the body or the `If-Match` they carried; those for events left out.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }
}

/// A client of whatever listens at a path.
pub(crate) fn client(socket: &Path) -> Arc<Client> {
    Client::new(Remote {
        name: "local".to_owned(),
        address: Address::Unix(socket.to_owned()),
        project: "default".to_owned(),
        config_dir: PathBuf::from("/nonexistent"),
        authorities: None,
        token: None,
        oidc: false,
        accept_certificate: false,
        credentials_helper: None,
        generate_certificate: false,
    })
}

async fn serve(mut stream: UnixStream, shared: Arc<Shared>) {
    while let Some((head, body)) = request(&mut stream).await {
        let line = head
            .lines()
            .next()
            .unwrap_or_default()
            .replace(" HTTP/1.1", "");
        if let Some(key) = header(&head, "sec-websocket-key") {
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            *shared.events.lock().await = Some(socket);
            return;
        }
        let etag = header(&head, "if-match")
            .map(|etag| format!(" [{etag}]"))
            .unwrap_or_default();
        shared
            .seen
            .lock()
            .unwrap()
            .push(format!("{line}{etag} {body}").trim_end().to_owned());
        let step = shared
            .steps
            .lock()
            .unwrap()
            .get_mut(&line)
            .and_then(VecDeque::pop_front);
        let step = step.unwrap_or_else(|| refusal(500, "not in the script"));
        tell(&shared, &step).await;
        if step.vanish {
            let socket = stream.local_addr().unwrap();
            std::fs::remove_file(socket.as_pathname().unwrap()).unwrap();
        }
        if step.break_off {
            return;
        }
        let length = step.body.len();
        let answer = format!(
            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nEtag: {}\r\nContent-Length: {length}\r\n\r\n{}",
            step.status, step.etag, step.body
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        if step.close {
            return;
        }
    }
}

/// Sends a step's events. A ping behind them comes back only when the client has taken them.
async fn tell(shared: &Shared, step: &Step) {
    let mut events = shared.events.lock().await;
    if step.break_events {
        *events = None;
    }
    let Some(socket) = events.as_mut() else {
        return;
    };
    for event in &step.events {
        socket.send(Message::text(event.as_str())).await.unwrap();
    }
    socket.send(Message::Ping("heard?".into())).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if message.is_pong() {
            return;
        }
    }
}

async fn request(stream: &mut UnixStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    Some((head, String::from_utf8_lossy(&bytes[end..]).into_owned()))
}

fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim().to_owned())
}
