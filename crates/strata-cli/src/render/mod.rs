//! What users see: folds over the one event stream.
//!
//! Operations send events; [`Screen`] hands them, in order and with their time, to one renderer on
//! a thread of its own, so that a slow terminal never slows the work. Nothing here knows how
//! anything is done.

pub(crate) mod ansible;
pub(crate) mod diagnostic;
mod diff;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod terraform;
pub(crate) mod terraform_json;

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use strata_core::{Event, Events};

/// Draws events.
pub(crate) trait Renderer: Send {
    /// Shows one event.
    fn event(&mut self, event: Event);

    /// Redraws what changes by time alone; called when nothing happened for a while.
    fn tick(&mut self) {}

    /// Leaves the screen tidy; nothing comes after.
    fn finish(&mut self) {}
}

/// Owns the renderer's thread.
pub(crate) struct Screen {
    sender: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Event(Event),
    /// Nothing comes after. Needed, since handles may outlive the screen in work that was abandoned.
    End,
}

impl Screen {
    /// Starts drawing.
    pub(crate) fn new(renderer: Box<dyn Renderer>) -> Self {
        let (sender, receiver) = channel();
        let thread = thread::spawn(move || draw(renderer, &receiver));
        Self { sender, thread: Some(thread) }
    }

    /// A handle for operations.
    pub(crate) fn events(&self) -> Events {
        let sender = self.sender.clone();
        // After the screen is gone nobody looks any more, so a lost event is no loss.
        Events::new(move |event| drop(sender.send(Message::Event(event))))
    }
}

impl Drop for Screen {
    /// Draws what was sent until now and stops.
    fn drop(&mut self) {
        drop(self.sender.send(Message::End));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// How often what changes by time alone is drawn again.
const TICK: Duration = Duration::from_millis(250);

fn draw(mut renderer: Box<dyn Renderer>, messages: &Receiver<Message>) {
    loop {
        match messages.recv_timeout(TICK) {
            Ok(Message::Event(event)) => renderer.event(event),
            Err(RecvTimeoutError::Timeout) => renderer.tick(),
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    renderer.finish();
}
