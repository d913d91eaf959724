//! What a controller and an agent say to each other.
//!
//! A frame is a length (four bytes, big endian, counting what follows), one byte for its kind, and
//! the payload: a JSON message, or a chunk of the content last announced with
//! [`Request::Content`]. Every message that belongs to a task carries the task's number, so several
//! tasks may be in flight. Contents are named by their sha256 and travel only when the agent asks.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::host::Carried;

/// The version of this protocol; both sides must speak the same.
pub const VERSION: u32 = 2;

/// The longest frame either side accepts.
pub const MAX_FRAME: usize = 64 << 20;

/// The size of the pieces in which contents are sent.
pub const CHUNK: usize = 256 << 10;

const KIND_MESSAGE: u8 = b'M';
const KIND_CHUNK: u8 = b'C';

/// What the controller sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Opens the conversation.
    Hello { version: u32 },
    /// Asks for a task to be done; answered by one [`Response::Result`].
    Task { id: u64, task: Task },
    /// Announces a content that was asked for; `size` bytes of chunks follow, then nothing else.
    Content { sha256: String, size: u64 },
    /// Says that a content which was asked for cannot be had.
    ContentMissing { sha256: String, reason: String },
    /// Ends the processes of a task; its result still comes.
    Cancel { id: u64 },
    /// Asks what rehearsed tasks would have changed after a stamp; answered by one [`Response::Recalled`].
    Recall { id: u64, since: u64 },
    /// Tells what rehearsed tasks of another user would have changed; tasks that come later see it.
    Imagine { carried: Carried },
}

/// What the agent sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Response {
    /// Opens the conversation from this side, unasked: the user it runs as, and its own file.
    Hello {
        version: u32,
        user: String,
        path: String,
    },
    /// Asks for a content.
    Need { sha256: String },
    /// Ends a task.
    Result { id: u64, result: TaskResult },
    /// Answers [`Request::Recall`].
    Recalled { id: u64, carried: Carried },
    /// The agent cannot go on; it ends after this.
    Fatal { message: String },
}

/// One task for one host: a module with its arguments, every template already rendered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The module's short name, as `copy`.
    pub module: String,
    /// The module's arguments by name; a free form command is under `_raw_params`.
    pub args: Map<String, Value>,
    /// The file that the controller offers, for modules that bring one (`copy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentReference>,
    /// Stop after deciding, and tell what would change.
    #[serde(default)]
    pub check: bool,
    /// The whole run changes nothing; with `check` this task sees what earlier ones would have changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearse: bool,
    /// The user whom only an earlier task of the rehearsal would make, and as whom this one is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearse_as: Option<String>,
    /// Tell what changes inside files.
    #[serde(default)]
    pub diff: bool,
    /// The folder that relative paths are relative to; none: where the agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Added to the environment of every process that the task starts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The arguments hold secrets: nothing of them may be written anywhere.
    #[serde(default)]
    pub no_log: bool,
    /// The task fails after so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// A content by its name, to be asked for when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentReference {
    /// Lower-case hexadecimal sha256 of the whole content.
    pub sha256: String,
    /// Its sha1, which is what Ansible's modules return as `checksum`.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
    /// The file's own name, used when the destination is a directory.
    pub name: String,
}

/// What became of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Whether the host differs from before, or would in check mode.
    pub changed: bool,
    /// Whether the module failed; `msg` says why.
    pub failed: bool,
    /// Whether the module left the work out by itself (as `command` with `creates`).
    #[serde(default)]
    pub skipped: bool,
    /// The module's message; empty where it has none.
    #[serde(default)]
    pub msg: String,
    /// What changes inside files, where the task asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<Diff>,
    /// What the module returns beside the above, with the names that Ansible's module uses.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// Warnings and deprecations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
}

impl TaskResult {
    /// All of it in one map, as `register` keeps it.
    pub fn to_values(&self) -> Map<String, Value> {
        let mut values = self.values.clone();
        let mut put = |name: &str, value: Value| values.insert(name.to_owned(), value);
        put("changed", self.changed.into());
        put("failed", self.failed.into());
        if self.skipped {
            put("skipped", true.into());
        }
        if !self.msg.is_empty() {
            put("msg", self.msg.clone().into());
        }
        if !self.diff.is_empty() {
            put(
                "diff",
                serde_json::to_value(&self.diff).expect("a diff is strings"),
            );
        }
        let warnings: Vec<Value> = self.notices.iter().filter_map(Notice::warning).collect();
        if !warnings.is_empty() {
            put("warnings", warnings.into());
        }
        values
    }
}

impl Notice {
    fn warning(&self) -> Option<Value> {
        match self {
            Notice::Warning(text) => Some(Value::from(text.clone())),
            Notice::Deprecation(_) => None,
        }
    }
}

/// One file, or what describes it, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The path of what changes.
    pub path: String,
    /// What a renderer calls the old side; empty where it has no name.
    pub before_header: String,
    /// What a renderer calls the new side.
    pub after_header: String,
    /// Text before; attributes as sorted JSON.
    pub before: String,
    /// Text after.
    pub after: String,
}

/// Something a user should know though the task did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
pub enum Notice {
    /// Something is odd.
    Warning(String),
    /// Something will stop working.
    Deprecation(String),
}

/// One frame as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<M> {
    /// A message.
    Message(M),
    /// A piece of the content that was announced last.
    Chunk(Vec<u8>),
}

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side is gone, or the pipe broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The length is beyond [`MAX_FRAME`]: most often the other side printed text.
    #[error("a frame of {0} bytes is longer than the protocol allows")]
    TooLong(usize),
    /// The payload is not a message.
    #[error("a frame does not hold a message: {0}")]
    Malformed(String),
}

/// Gives the bytes of a message's frame.
pub fn encode_message<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0, 0, 0, 0, KIND_MESSAGE];
    serde_json::to_writer(&mut frame, message)
        .map_err(|error| FrameError::Malformed(error.to_string()))?;
    close_frame(frame)
}

/// Gives the bytes of a chunk's frame.
pub fn encode_chunk(bytes: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0, 0, 0, 0, KIND_CHUNK];
    frame.extend_from_slice(bytes);
    close_frame(frame)
}

fn close_frame(mut frame: Vec<u8>) -> Result<Vec<u8>, FrameError> {
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(frame)
}

/// Reads the length in a frame's first four bytes, and refuses what cannot be one.
pub fn frame_length(head: [u8; 4]) -> Result<usize, FrameError> {
    match u32::from_be_bytes(head) as usize {
        0 => Err(FrameError::Malformed("it is empty".to_owned())),
        length if length > MAX_FRAME => Err(FrameError::TooLong(length)),
        length => Ok(length),
    }
}

/// Reads a frame's body, which is everything after its length.
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<Frame<M>, FrameError> {
    match body.split_first() {
        Some((&KIND_MESSAGE, payload)) => serde_json::from_slice(payload)
            .map(Frame::Message)
            .map_err(|error| FrameError::Malformed(error.to_string())),
        Some((&KIND_CHUNK, payload)) => Ok(Frame::Chunk(payload.to_vec())),
        _ => Err(FrameError::Malformed("its kind is not known".to_owned())),
    }
}

/// Reads one frame; `None` when the other side has closed between two frames.
pub fn read_frame<M: DeserializeOwned>(
    input: &mut dyn Read,
) -> Result<Option<Frame<M>>, FrameError> {
    let mut head = [0; 4];
    if !fill_or_end(input, &mut head)? {
        return Ok(None);
    }
    let mut body = vec![0; frame_length(head)?];
    input.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// Writes a message and flushes.
pub fn write_message<M: Serialize>(output: &mut dyn Write, message: &M) -> Result<(), FrameError> {
    output.write_all(&encode_message(message)?)?;
    Ok(output.flush()?)
}

/// Fills `buffer`; false when the input ended before its first byte.
fn fill_or_end(input: &mut dyn Read, buffer: &mut [u8]) -> Result<bool, FrameError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Request {
        Request::Hello { version: VERSION }
    }

    #[test]
    fn a_message_survives_its_frame() {
        let bytes = encode_message(&hello()).unwrap();
        let frame = read_frame::<Request>(&mut bytes.as_slice()).unwrap();
        assert_eq!(frame, Some(Frame::Message(hello())));
    }

    #[test]
    fn a_chunk_survives_its_frame() {
        let bytes = encode_chunk(b"\0raw\xff").unwrap();
        let frame = read_frame::<Request>(&mut bytes.as_slice()).unwrap();
        assert_eq!(frame, Some(Frame::Chunk(b"\0raw\xff".to_vec())));
    }

    #[test]
    fn an_input_that_ends_between_frames_is_no_error() {
        assert_eq!(read_frame::<Request>(&mut [].as_slice()).unwrap(), None);
    }

    #[test]
    fn an_input_that_ends_inside_a_frame_is_an_error() {
        let bytes = encode_message(&hello()).unwrap();
        for cut in 1..bytes.len() {
            assert!(
                read_frame::<Request>(&mut &bytes[..cut]).is_err(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn text_in_place_of_a_frame_is_refused_before_it_is_read() {
        let mut text: &[u8] = b"Welcome to host1\n";
        assert!(matches!(
            read_frame::<Request>(&mut text),
            Err(FrameError::TooLong(_))
        ));
    }
}
