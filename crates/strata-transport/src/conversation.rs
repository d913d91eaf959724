//! The conversation with one agent process.
//!
//! Three small tasks share it: one writes frames in the order they are queued, one reads frames and
//! hands each result to whoever waits for it, and one sends contents, one at a time. When the
//! stream ends everybody who still waits is told why.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strata_agent::host::Carried;
use strata_agent::protocol::{self, CHUNK, Frame, Request, Response, Task, TaskResult};
use strata_core::connection::ChannelInput;
use tokio::io::AsyncReadExt;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::TransportError;
use crate::content::{Content, Source, unreadable};
use crate::incoming::{Incoming, lost};

/// One agent process and the tasks that are in flight there.
pub(crate) struct Conversation {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Vec<u8>>,
    numbers: AtomicU64,
    jobs: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
}

/// Somebody who waits for an answer, or for the end.
type Waiting<T> = oneshot::Sender<Result<T, TransportError>>;

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting<TaskResult>>,
    recalling: HashMap<u64, Waiting<Carried>>,
    contents: HashMap<String, Content>,
    ended: Option<TransportError>,
}

impl Conversation {
    /// Says hello, which the agent did already, and starts the three tasks.
    pub(crate) async fn open(
        incoming: Incoming,
        mut input: Box<dyn ChannelInput>,
    ) -> Result<Conversation, TransportError> {
        let hello = encode(&Request::Hello {
            version: protocol::VERSION,
        })?;
        input
            .send(&hello)
            .await
            .map_err(|error| lost(&error.to_string()))?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
        });
        let (outgoing, queue) = mpsc::channel(16);
        let (needs, needed) = mpsc::unbounded_channel();
        let jobs = vec![
            tokio::spawn(write_frames(input, queue)),
            tokio::spawn(send_contents(shared.clone(), needed, outgoing.clone())),
            tokio::spawn(read_responses(incoming, shared.clone(), needs)),
        ];
        Ok(Conversation {
            shared,
            outgoing,
            numbers: AtomicU64::new(1),
            jobs,
        })
    }

    /// Runs one task; others may run at the same time.
    pub(crate) async fn run(
        &self,
        mut task: Task,
        content: Option<Content>,
    ) -> Result<TaskResult, TransportError> {
        if let Some(content) = &content {
            task.content = Some(content.reference().clone());
        }
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut state = self.shared.state.lock().await;
        if let Some(reason) = &state.ended {
            return Err(reason.clone());
        }
        if let Some(content) = content {
            state
                .contents
                .insert(content.reference().sha256.clone(), content);
        }
        state.waiting.insert(id, sender);
        drop(state);
        let mut guard = CancelOnDrop {
            id,
            outgoing: self.outgoing.clone(),
            done: false,
        };
        self.send(&Request::Task { id, task }).await?;
        let result = receiver
            .await
            .unwrap_or_else(|_| Err(lost("the conversation was closed")));
        guard.done = true;
        result
    }

    /// What rehearsed tasks of this agent would have changed after a stamp.
    pub(crate) async fn recall(&self, since: u64) -> Result<Carried, TransportError> {
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut state = self.shared.state.lock().await;
        if let Some(reason) = &state.ended {
            return Err(reason.clone());
        }
        state.recalling.insert(id, sender);
        drop(state);
        self.send(&Request::Recall { id, since }).await?;
        let closed = |_| Err(lost("the conversation was closed"));
        receiver.await.unwrap_or_else(closed)
    }

    /// Lets the tasks that come see what others would have changed.
    pub(crate) async fn imagine(&self, carried: Carried) -> Result<(), TransportError> {
        self.send(&Request::Imagine { carried }).await
    }

    async fn send(&self, request: &Request) -> Result<(), TransportError> {
        if self.outgoing.send(encode(request)?).await.is_ok() {
            return Ok(());
        }
        let state = self.shared.state.lock().await;
        Err(state
            .ended
            .clone()
            .unwrap_or_else(|| lost("its input is closed")))
    }

    /// Whether the stream has ended, so that a new agent must be started.
    pub(crate) async fn is_over(&self) -> bool {
        self.shared.state.lock().await.ended.is_some()
    }
}

impl Drop for Conversation {
    /// Closing the agent's input is what ends it.
    fn drop(&mut self) {
        for job in &self.jobs {
            job.abort();
        }
    }
}

/// A caller that stops waiting does not leave the task running on the host.
struct CancelOnDrop {
    id: u64,
    outgoing: mpsc::Sender<Vec<u8>>,
    done: bool,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Ok(frame) = encode(&Request::Cancel { id: self.id }) {
            // A full queue means that the host does not read any more: the task ends with it.
            self.outgoing.try_send(frame).ok();
        }
    }
}

async fn write_frames(mut input: Box<dyn ChannelInput>, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        if input.send(&frame).await.is_err() {
            return;
        }
    }
}

async fn read_responses(
    mut incoming: Incoming,
    shared: Arc<Shared>,
    needs: mpsc::UnboundedSender<String>,
) {
    let reason = loop {
        match incoming.frame().await {
            Ok(Some(Frame::Message(Response::Result { id, result }))) => {
                let waiting = shared.state.lock().await.waiting.remove(&id);
                if let Some(sender) = waiting {
                    sender.send(Ok(result)).ok();
                }
            }
            Ok(Some(Frame::Message(Response::Recalled { id, carried }))) => {
                let waiting = shared.state.lock().await.recalling.remove(&id);
                if let Some(sender) = waiting {
                    sender.send(Ok(carried)).ok();
                }
            }
            Ok(Some(Frame::Message(Response::Need { sha256 }))) => {
                needs.send(sha256).ok();
            }
            Ok(Some(Frame::Message(Response::Fatal { message }))) => break lost(&message),
            Ok(Some(Frame::Message(Response::Hello { .. }) | Frame::Chunk(_))) => {
                break lost("it said something out of turn");
            }
            Ok(None) => break lost(&incoming.last_words()),
            Err(error) => break error,
        }
    };
    let mut state = shared.state.lock().await;
    state.ended = Some(reason.clone());
    tell_all(std::mem::take(&mut state.waiting), &reason);
    tell_all(std::mem::take(&mut state.recalling), &reason);
}

fn tell_all<T>(waiting: HashMap<u64, Waiting<T>>, reason: &TransportError) {
    for (_, sender) in waiting.into_iter().collect::<Vec<_>>() {
        sender.send(Err(reason.clone())).ok();
    }
}

async fn send_contents(
    shared: Arc<Shared>,
    mut needed: mpsc::UnboundedReceiver<String>,
    outgoing: mpsc::Sender<Vec<u8>>,
) {
    while let Some(sha256) = needed.recv().await {
        let content = shared.state.lock().await.contents.get(&sha256).cloned();
        let sent = match &content {
            Some(content) => send_content(content, &outgoing).await,
            None => Err(TransportError::Content(
                "nobody offered this content".to_owned(),
            )),
        };
        if let Err(error) = sent {
            let missing = Request::ContentMissing {
                sha256,
                reason: error.to_string(),
            };
            if let Ok(frame) = encode(&missing) {
                outgoing.send(frame).await.ok();
            }
        }
    }
}

async fn send_content(
    content: &Content,
    outgoing: &mpsc::Sender<Vec<u8>>,
) -> Result<(), TransportError> {
    match content.source() {
        Source::Bytes(bytes) => {
            announce(content, outgoing).await?;
            for chunk in bytes.chunks(CHUNK) {
                queue(outgoing, protocol::encode_chunk(chunk)).await?;
            }
            Ok(())
        }
        Source::File(path) => send_file(content, path, outgoing).await,
    }
}

async fn send_file(
    content: &Content,
    path: &Path,
    outgoing: &mpsc::Sender<Vec<u8>>,
) -> Result<(), TransportError> {
    let opened = tokio::fs::File::open(path).await;
    let mut file = opened.map_err(|error| unreadable(path, &error))?;
    announce(content, outgoing).await?;
    let mut left = content.reference().size;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let room = left.min(CHUNK as u64) as usize;
        let count = file.read(&mut buffer[..room]).await;
        let count = count.map_err(|error| unreadable(path, &error))?;
        if count == 0 {
            return Err(TransportError::Content(format!(
                "`{}` became shorter while it was sent",
                path.display()
            )));
        }
        left -= count as u64;
        queue(outgoing, protocol::encode_chunk(&buffer[..count])).await?;
    }
    Ok(())
}

async fn announce(
    content: &Content,
    outgoing: &mpsc::Sender<Vec<u8>>,
) -> Result<(), TransportError> {
    let reference = content.reference();
    let request = Request::Content {
        sha256: reference.sha256.clone(),
        size: reference.size,
    };
    queue(outgoing, protocol::encode_message(&request)).await
}

async fn queue(
    outgoing: &mpsc::Sender<Vec<u8>>,
    frame: Result<Vec<u8>, protocol::FrameError>,
) -> Result<(), TransportError> {
    let frame = frame.map_err(|error| TransportError::Content(error.to_string()))?;
    outgoing
        .send(frame)
        .await
        .map_err(|_| lost("its input is closed"))
}

fn encode(request: &Request) -> Result<Vec<u8>, TransportError> {
    protocol::encode_message(request)
        .map_err(|error| TransportError::Content(format!("the task cannot be sent: {error}")))
}
