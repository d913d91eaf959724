//! What an agent process sends: frames on its standard output, complaints on its standard error.

use strata_agent::protocol::{self, Frame, Response};
use strata_core::connection::{ChannelOutput, Output};

use crate::TransportError;

/// So much of the standard error is kept to explain an end.
const KEPT: usize = 4096;

/// A channel's output, cut into frames.
pub(crate) struct Incoming {
    output: Box<dyn ChannelOutput>,
    buffer: Vec<u8>,
    said: Vec<u8>,
    exit: Option<i32>,
}

/// What comes next.
pub(crate) enum Next {
    Frame(Frame<Response>),
    /// More of the standard error is there.
    Complaint,
    /// The process ended.
    Exit(i32),
}

impl Incoming {
    pub(crate) fn new(output: Box<dyn ChannelOutput>) -> Incoming {
        Incoming {
            output,
            buffer: Vec::new(),
            said: Vec::new(),
            exit: None,
        }
    }

    /// Waits for the next frame; `None` at the end of the process.
    pub(crate) async fn frame(&mut self) -> Result<Option<Frame<Response>>, TransportError> {
        loop {
            match self.next().await? {
                Next::Frame(frame) => return Ok(Some(frame)),
                Next::Complaint => {}
                Next::Exit(_) => return Ok(None),
            }
        }
    }

    /// Waits for anything.
    pub(crate) async fn next(&mut self) -> Result<Next, TransportError> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Next::Frame(frame));
            }
            if let Some(code) = self.exit {
                return Ok(Next::Exit(code));
            }
            match self
                .output
                .receive()
                .await
                .map_err(|error| lost(&error.to_string()))?
            {
                Output::Stdout(bytes) => self.buffer.extend_from_slice(&bytes),
                Output::Exit(code) => self.exit = Some(code),
                Output::Stderr(bytes) => {
                    self.said.extend_from_slice(&bytes);
                    let surplus = self.said.len().saturating_sub(KEPT);
                    self.said.drain(..surplus);
                    return Ok(Next::Complaint);
                }
            }
        }
    }

    fn take_frame(&mut self) -> Result<Option<Frame<Response>>, TransportError> {
        let Some(head) = self.buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = protocol::frame_length(*head).map_err(|_| self.noise())?;
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let frame = protocol::decode(&self.buffer[4..4 + length]).map_err(|_| self.noise())?;
        self.buffer.drain(..4 + length);
        Ok(Some(frame))
    }

    /// Something on the host prints where only the agent may.
    fn noise(&self) -> TransportError {
        let text = String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(200)]);
        lost(&format!(
            "its output is not the protocol, but `{}`",
            text.trim()
        ))
    }

    /// The standard error so far.
    pub(crate) fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.said).trim().to_owned()
    }

    /// Forgets the standard error so far.
    pub(crate) fn forget_complaints(&mut self) {
        self.said.clear();
    }

    /// Text that came on standard output in place of frames.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).trim().to_owned()
    }

    /// Why it ended, as well as one can tell.
    pub(crate) fn last_words(&self) -> String {
        let code = self.exit.unwrap_or_default();
        match self.complaints() {
            said if said.is_empty() => format!("it ended with status {code}"),
            said => format!("it ended with status {code}: {said}"),
        }
    }
}

/// The agent, and with it the host, is out of reach.
pub(crate) fn lost(reason: &str) -> TransportError {
    TransportError::Unreachable(format!("the agent on the host was lost: {reason}"))
}
