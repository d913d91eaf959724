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
    /// What a login shell printed before the first frame, as far as it is kept.
    noise: Vec<u8>,
    /// How much of it there was, as long as no frame came; none afterwards.
    skipped: Option<usize>,
    said: Vec<u8>,
    exit: Option<i32>,
}

/// More than this is printed by no login shell that means well.
const NOISE: usize = 4 << 20;

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
            noise: Vec::new(),
            skipped: Some(0),
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

    /// Leaves out what stands before the first frame: a frame of that length begins with a byte that no text has.
    fn skip_noise(&mut self) -> Result<(), TransportError> {
        let Some(skipped) = &mut self.skipped else {
            return Ok(());
        };
        let length = self.buffer.iter().take_while(|byte| **byte != 0).count();
        *skipped += length;
        if *skipped > NOISE {
            return Err(self.noise());
        }
        let room = KEPT.saturating_sub(self.noise.len());
        self.noise.extend(self.buffer.iter().take(length.min(room)));
        self.buffer.drain(..length);
        Ok(())
    }

    fn take_frame(&mut self) -> Result<Option<Frame<Response>>, TransportError> {
        self.skip_noise()?;
        let Some(head) = self.buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = protocol::frame_length(*head).map_err(|_| self.noise())?;
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let frame = protocol::decode(&self.buffer[4..4 + length]).map_err(|_| self.noise())?;
        self.buffer.drain(..4 + length);
        self.skipped = None;
        Ok(Some(frame))
    }

    /// Something on the host prints where only the agent may.
    fn noise(&self) -> TransportError {
        let text: Vec<u8> = self
            .noise
            .iter()
            .chain(&self.buffer)
            .copied()
            .take(200)
            .collect();
        let text = String::from_utf8_lossy(&text);
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
        let text = [self.noise.as_slice(), &self.buffer].concat();
        String::from_utf8_lossy(&text).trim().to_owned()
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use strata_core::BoxFuture;
    use strata_core::connection::ConnectionError;

    use super::*;

    /// Says these things one after the other.
    struct Said(VecDeque<Output>);

    impl ChannelOutput for Said {
        fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Output, ConnectionError>> {
            let next = self.0.pop_front().expect("nobody listens any longer");
            Box::pin(async { Ok(next) })
        }
    }

    fn incoming(said: Vec<Output>) -> Incoming {
        Incoming::new(Box::new(Said(said.into())))
    }

    fn hello() -> Vec<u8> {
        let hello = Response::Hello {
            version: protocol::VERSION,
            user: "me".to_owned(),
            path: "/agent".to_owned(),
        };
        protocol::encode_message(&hello).unwrap()
    }

    #[tokio::test]
    async fn what_a_login_shell_prints_before_the_first_frame_is_left_out() {
        let greeting = "welcome\n".repeat(1000).into_bytes();
        let (begin, end) = (hello()[..3].to_vec(), hello()[3..].to_vec());
        let pieces = [b"hello".to_vec(), greeting, begin, end];
        let mut incoming = incoming(pieces.map(Output::Stdout).into());
        let frame = incoming.frame().await.unwrap();
        assert!(matches!(
            frame,
            Some(Frame::Message(Response::Hello { .. }))
        ));
    }

    #[tokio::test]
    async fn text_after_the_first_frame_is_a_mistake_and_text_alone_is_quoted() {
        let noise = Output::Stdout(b"never mind, I only print".to_vec());
        let mut broken = incoming(vec![Output::Stdout(hello()), noise]);
        broken.frame().await.unwrap();
        let error = broken.frame().await.err().unwrap().to_string();
        assert!(
            error.contains("not the protocol, but `never mind"),
            "{error}"
        );

        let refusal = Output::Stdout(b"This account is not available.\n".to_vec());
        let mut refused = incoming(vec![refusal, Output::Exit(1)]);
        assert!(refused.frame().await.unwrap().is_none());
        assert_eq!(refused.text(), "This account is not available.");
    }
}
