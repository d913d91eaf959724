//! Programs in an instance: one operation with four WebSockets, for the three streams and for control.
//!
//! The end of a stream is an empty text message. Breaking the control socket off kills the program;
//! that is how dropping the output ends it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use strata_core::{
    BoxFuture,
    connection::{Channel, ChannelInput, ChannelOutput, ConnectionError, Output},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    ApiPath, Client, ClientError, Notes, Operation, Watched,
    files::Instance,
    websocket::{self, WebSocket},
};

/// A program, and in what surroundings it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// The program and its arguments; no shell takes part.
    pub(crate) argv: Vec<String>,
    /// Variables beside those that the server gives.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where it runs; the home of its user if empty.
    pub(crate) folder: String,
    /// The user it runs as.
    pub(crate) uid: u32,
    /// The group it runs as.
    pub(crate) gid: u32,
}

impl Program {
    /// A program that runs as root.
    pub(crate) fn new(argv: &[String]) -> Self {
        Self {
            argv: argv.to_vec(),
            ..Self::default()
        }
    }
}

/// Starts a program and gives its streams.
pub(crate) async fn start(
    client: &Arc<Client>,
    instance: Instance<'_>,
    program: &Program,
) -> Result<Channel, ClientError> {
    let body = json!({
        "command": program.argv,
        "environment": program.environment,
        "cwd": program.folder,
        "user": program.uid,
        "group": program.gid,
        "interactive": false,
        "wait-for-websocket": true,
    });
    let operation = client.start(&instance.path(&["exec"]), &body).await?;
    let socket = |descriptor: &'static str| open(client, &operation, descriptor);
    let (input, stdout, stderr, control) =
        tokio::try_join!(socket("0"), socket("1"), socket("2"), socket("control"))?;
    Ok(Channel {
        input: Box::new(Input {
            socket: Some(input),
        }),
        output: Box::new(Running {
            stdout: Some(stdout),
            stderr: Some(stderr),
            _control: control,
            end: Some((client.clone(), client.watch(operation))),
        }),
    })
}

/// Runs a program without input to its end.
///
/// A shell runs it, and stays until all is heard: of a program that ends at once, Incus 6.0.4 loses the output now and
/// then on a busy machine. Where there is no shell it is run by itself.
pub(crate) async fn run(
    client: &Arc<Client>,
    instance: Instance<'_>,
    program: &Program,
    notes: Notes<'_>,
) -> Result<Finished, ConnectionError> {
    let held = ["/bin/sh", "-c", HELD, "sh"].map(str::to_owned);
    let held = Program {
        argv: held.iter().chain(&program.argv).cloned().collect(),
        ..program.clone()
    };
    let (finished, is_heard) = notes
        .wait(hear(start(client, instance, &held).await?))
        .await?;
    if finished.code != NOT_FOUND || is_heard {
        return Ok(finished);
    }
    let mut channel = start(client, instance, program).await?;
    channel.input.close().await?;
    Ok(notes.wait(hear(channel)).await?.0)
}

/// Each stream ends with a NUL.
const HELD: &str =
    r#""$@" </dev/null; code=$?; printf '\0'; printf '\0' >&2; read -r _; exit $code"#;

/// Takes all that a program writes, and closes its input as soon as both streams have had their last byte; true if they
/// had.
async fn hear(channel: Channel) -> Result<(Finished, bool), ConnectionError> {
    let Channel {
        mut input,
        mut output,
    } = channel;
    let mut finished = Finished {
        code: 0,
        output: Vec::new(),
    };
    let (mut stdout, mut stderr) = (false, false);
    loop {
        let (mut bytes, is_last) = match output.receive().await? {
            Output::Stdout(bytes) => (bytes, &mut stdout),
            Output::Stderr(bytes) => (bytes, &mut stderr),
            Output::Exit(code) => return Ok((Finished { code, ..finished }, stdout && stderr)),
        };
        *is_last |= bytes.pop_if(|last| *last == 0).is_some();
        finished.output.extend(bytes);
        if stdout && stderr {
            input.close().await?;
        }
    }
}

/// What came of a program.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output and error, as they came.
    pub(crate) output: Vec<u8>,
}

/// The exit code of a program that does not exist, as shells have it.
pub(crate) const NOT_FOUND: i32 = 127;

async fn open(
    client: &Client,
    operation: &Operation,
    descriptor: &str,
) -> Result<WebSocket, ClientError> {
    let secret = operation
        .metadata
        .pointer(&format!("/fds/{descriptor}"))
        .and_then(serde_json::Value::as_str)
        .ok_or_else(|| {
            ClientError::Exchange("the server gave no socket for a stream".to_owned())
        })?;
    let path = ApiPath::new(&["operations", &operation.id, "websocket"]).query("secret", secret);
    websocket::open(client.pool().await?, &path).await
}

struct Input {
    socket: Option<WebSocket>,
}

impl ChannelInput for Input {
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let Some(socket) = &mut self.socket else {
                return Err(ConnectionError::Broken(
                    "the program's input is closed".to_owned(),
                ));
            };
            let message = Message::Binary(Bytes::copy_from_slice(bytes));
            socket.send(message).await.map_err(|error| broken(&error))
        })
    }

    fn close<'a>(&'a mut self) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let Some(mut socket) = self.socket.take() else {
                return Ok(());
            };
            // A program that has ended already no longer takes the message; that is no mistake.
            socket.send(Message::Text("".into())).await.ok();
            socket.close(None).await.ok();
            Ok(())
        })
    }
}

struct Running {
    stdout: Option<WebSocket>,
    stderr: Option<WebSocket>,
    _control: WebSocket,
    end: Option<(Arc<Client>, Watched)>,
}

impl ChannelOutput for Running {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Output, ConnectionError>> {
        Box::pin(async move {
            while self.stdout.is_some() || self.stderr.is_some() {
                let piece = tokio::select! {
                    piece = next(&mut self.stdout) => piece?.map(Output::Stdout),
                    piece = next(&mut self.stderr) => piece?.map(Output::Stderr),
                };
                if let Some(output) = piece {
                    return Ok(output);
                }
            }
            let Some((client, operation)) = self.end.take() else {
                return Err(ConnectionError::Broken("the program has ended".to_owned()));
            };
            Ok(Output::Exit(client.exit_code(operation).await?))
        })
    }
}

/// The next piece of a stream; none if it has just ended. A stream that has ended never answers.
async fn next(stream: &mut Option<WebSocket>) -> Result<Option<Vec<u8>>, ConnectionError> {
    let Some(socket) = stream else {
        return std::future::pending().await;
    };
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => {}
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes.into())),
            Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => {
                // Whether it ended or broke is told by the operation, which knows the exit code.
                *stream = None;
                return Ok(None);
            }
            Some(Ok(_)) => {}
        }
    }
}

impl Client {
    async fn exit_code(&self, operation: Watched) -> Result<i32, ClientError> {
        let end = self.end_of(operation, Notes::Nobody).await?;
        // A program that does not exist is a failed operation that gives an exit code nevertheless.
        match end
            .metadata
            .get("return")
            .and_then(serde_json::Value::as_i64)
        {
            Some(code) => Ok(i32::try_from(code).unwrap_or(i32::MAX)),
            None => match end.into_result() {
                Err(error) => Err(error),
                Ok(_) => Err(ClientError::Exchange(
                    "the server gave no exit code".to_owned(),
                )),
            },
        }
    }
}

fn broken(error: &tokio_tungstenite::tungstenite::Error) -> ConnectionError {
    websocket::failed(error).into()
}
