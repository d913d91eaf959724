//! The one event stream of a remote: tells how operations end and what happens to instances.
//!
//! It is opened before the first call that starts an operation, so that no end can be missed. An
//! operation may end before its caller has read the answer that names it; the latest ends are
//! therefore kept. When the stream breaks, everyone who waits is told and asks by other means.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use strata_http::Pool;
use tokio::{
    sync::{broadcast, mpsc},
    task::AbortHandle,
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    error::ClientError,
    operation::Operation,
    path::ApiPath,
    websocket::{self, WebSocket},
};

/// How many ends of operations are kept for callers that come late.
const KEPT_ENDS: usize = 1024;

/// The server pings every ten seconds; a stream that is silent for longer is dead.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// Something that happened to an object, such as `instance-started`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Lifecycle {
    /// What happened.
    pub(crate) action: String,
    /// The object's path, with a query.
    pub(crate) source: String,
    /// The object's project.
    #[serde(default)]
    pub(crate) project: String,
}

impl Lifecycle {
    /// True if it happened to the object of this path, given without a query.
    pub(crate) fn is_of(&self, path: &str) -> bool {
        self.source.split('?').next() == Some(path)
    }
}

/// The event stream and those who wait for it.
#[derive(Clone)]
pub(crate) struct Events {
    state: Arc<Mutex<State>>,
    opening: Arc<tokio::sync::Mutex<()>>,
}

struct State {
    reader: Option<AbortHandle>,
    waiting: HashMap<String, mpsc::UnboundedSender<Operation>>,
    ends: VecDeque<Operation>,
    lifecycle: broadcast::Sender<Lifecycle>,
}

/// What is to be heard of one operation.
pub(crate) enum Subscription {
    /// It has ended already.
    Ended(Box<Operation>),
    /// Updates come; the channel closes when the stream breaks.
    Updates(mpsc::UnboundedReceiver<Operation>),
    /// There is no stream.
    NoStream,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                reader: None,
                waiting: HashMap::new(),
                ends: VecDeque::new(),
                lifecycle: broadcast::channel(256).0,
            })),
            opening: Arc::default(),
        }
    }

    /// Opens the stream unless it is open.
    pub(crate) async fn open(&self, pool: &Pool) -> Result<(), ClientError> {
        if self.is_open() {
            return Ok(());
        }
        let _one_opens = self.opening.lock().await;
        if self.is_open() {
            return Ok(());
        }
        let path = ApiPath::new(&["events"])
            .query("type", "operation,lifecycle")
            .query("all-projects", "true");
        let socket = websocket::open(pool, &path).await?;
        let reader = tokio::spawn(read(socket, Arc::downgrade(&self.state)));
        self.locked(|state| state.reader = Some(reader.abort_handle()));
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.locked(|state| {
            let reader = state.reader.as_ref();
            reader.is_some_and(|reader| !reader.is_finished())
        })
    }

    /// Listens to one operation.
    pub(crate) fn subscribe(&self, id: &str) -> Subscription {
        if !self.is_open() {
            return Subscription::NoStream;
        }
        self.locked(|state| {
            if let Some(end) = state.ends.iter().find(|end| end.id == id) {
                return Subscription::Ended(Box::new(end.clone()));
            }
            let (sender, receiver) = mpsc::unbounded_channel();
            state.waiting.insert(id.to_owned(), sender);
            Subscription::Updates(receiver)
        })
    }

    /// Listens to what happens to objects.
    pub(crate) fn lifecycle(&self) -> broadcast::Receiver<Lifecycle> {
        self.locked(|state| state.lifecycle.subscribe())
    }

    fn locked<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("no panic holds this"))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

async fn read(mut socket: WebSocket, state: Weak<Mutex<State>>) {
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE_LIMIT, socket.next()).await {
        let Message::Text(text) = message else {
            continue;
        };
        let Some(state) = state.upgrade() else { return };
        let mut state = state.lock().expect("no panic holds this");
        state.take(&text);
    }
    if let Some(state) = state.upgrade() {
        // Dropping the senders tells everyone who waits.
        state.lock().expect("no panic holds this").lost();
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(default)]
    project: String,
}

impl State {
    fn take(&mut self, text: &str) {
        let Ok(event) = serde_json::from_str::<Event<'_>>(text) else {
            return;
        };
        match event.kind {
            "operation" => {
                if let Ok(operation) = serde_json::from_str(event.metadata.get()) {
                    self.take_operation(operation);
                }
            }
            "lifecycle" => {
                if let Ok(mut lifecycle) = serde_json::from_str::<Lifecycle>(event.metadata.get()) {
                    if lifecycle.project.is_empty() {
                        lifecycle.project = event.project;
                    }
                    // Without listeners it is lost, which is right.
                    self.lifecycle.send(lifecycle).ok();
                }
            }
            _ => {}
        }
    }

    fn take_operation(&mut self, operation: Operation) {
        if operation.is_final() {
            if self.ends.len() == KEPT_ENDS {
                self.ends.pop_front();
            }
            self.ends.push_back(operation.clone());
            if let Some(waiting) = self.waiting.remove(&operation.id) {
                waiting.send(operation).ok();
            }
        } else if let Some(waiting) = self.waiting.get(&operation.id) {
            waiting.send(operation).ok();
        }
    }

    fn lost(&mut self) {
        self.reader = None;
        self.waiting.clear();
        self.lifecycle = broadcast::channel(256).0;
    }
}
