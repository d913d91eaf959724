//! What users see: folds over the one event stream.
//!
//! Operations send events; [`Screen`] hands them, in order and with their time, to one renderer on
//! a thread of its own, so that a slow terminal never slows the work. Nothing here knows how
//! anything is done.

pub(crate) mod adhoc;
pub(crate) mod ansible;
mod ansible_result;
pub(crate) mod console;
pub(crate) mod diagnostic;
mod diff;
mod disruption;
pub(crate) mod failures;
pub(crate) mod functions;
pub(crate) mod json;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod reference;
pub(crate) mod sarif;
pub(crate) mod schema_json;
pub(crate) mod style;
pub(crate) mod terraform;
pub(crate) mod terraform_json;
pub(crate) mod test;
pub(crate) mod value;

use std::{
    io::{Write, stdout},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

use strata_core::{Event, Events};

/// Draws events.
pub(crate) trait Renderer: Send {
    /// Shows one event.
    fn event(&mut self, event: Event);

    /// Shows finished text, such as a plan.
    fn text(&mut self, text: &str) {
        print_whole(text);
    }

    /// Shows what it kept back until no more events wait.
    fn pause(&mut self) {}

    /// Redraws what changes by time alone; called when nothing happened for a while.
    fn tick(&mut self) {}

    /// Leaves the screen tidy; nothing comes after.
    fn finish(&mut self) {}
}

/// Prints a line of which parts come from others.
pub(crate) fn say(text: &str) {
    anstream::println!("{}", style::tame(text));
}

/// Prints in one piece; `print!` would call the system for each line.
pub(crate) fn print_whole(text: &str) {
    let choice = anstream::AutoStream::choice(&stdout());
    let whole = match choice {
        anstream::ColorChoice::Never => style::without(text),
        _ => None,
    };
    let whole = whole.map(String::into_bytes).unwrap_or_else(|| {
        let mut whole = anstream::AutoStream::new(Vec::with_capacity(text.len()), choice);
        whole
            .write_all(style::tame(text).as_bytes())
            .expect("memory takes everything");
        whole.into_inner()
    });
    // Whoever read our output is gone; the work goes on all the same.
    drop(stdout().lock().write_all(&whole));
}

/// Owns the renderer's thread.
pub(crate) struct Screen {
    sender: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Event(Event),
    /// Text, and whom to tell when it is drawn.
    Text(String, Sender<()>),
    /// Nothing comes after. Needed, since handles may outlive the screen in work that was abandoned.
    End,
}

impl Screen {
    /// Starts drawing.
    pub(crate) fn new(renderer: Box<dyn Renderer>) -> Self {
        let (sender, receiver) = channel();
        let thread = thread::spawn(move || draw(renderer, &receiver));
        Self {
            sender,
            thread: Some(thread),
        }
    }

    /// A handle for operations.
    pub(crate) fn events(&self) -> Events {
        let sender = self.sender.clone();
        // After the screen is gone nobody looks any more, so a lost event is no loss.
        Events::new(move |event| drop(sender.send(Message::Event(event))))
    }

    /// A handle for text.
    pub(crate) fn printer(&self) -> Printer {
        Printer {
            sender: self.sender.clone(),
            drawer: self.thread.as_ref().map(|thread| thread.thread().clone()),
        }
    }
}

/// Puts text on the screen, in its order among the events.
#[derive(Clone)]
pub(crate) struct Printer {
    sender: Sender<Message>,
    drawer: Option<Thread>,
}

impl Printer {
    /// Draws text; returns when it, and every event sent before, is drawn.
    pub(crate) fn print(&self, text: String) {
        let (sender, drawn) = channel();
        if self.sender.send(Message::Text(text, sender)).is_ok() {
            self.drawer.iter().for_each(Thread::unpark);
            // An error means that the screen is gone: there is nothing to wait for.
            drawn.recv().ok();
        }
    }
}

impl Drop for Screen {
    /// Draws what was sent until now and stops.
    fn drop(&mut self) {
        drop(self.sender.send(Message::End));
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

/// How often what changes by time alone is drawn again.
const TICK: Duration = Duration::from_millis(250);

/// How long events are let gather, since each that finds us waiting costs the sender a call of the system.
const GATHER: Duration = Duration::from_millis(5);

fn draw(mut renderer: Box<dyn Renderer>, messages: &Receiver<Message>) {
    loop {
        match messages.recv_timeout(TICK) {
            Ok(Message::Event(event)) => renderer.event(event),
            Ok(Message::Text(text, drawn)) => {
                renderer.pause();
                renderer.text(&text);
                drawn.send(()).ok();
                continue;
            }
            Err(RecvTimeoutError::Timeout) => renderer.tick(),
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
        }
        if !drain(&mut *renderer, messages) {
            break;
        }
        renderer.pause();
        // Text and the end wake us.
        thread::park_timeout(GATHER);
    }
    renderer.pause();
    renderer.finish();
}

/// Draws what waits; false at the end.
fn drain(renderer: &mut dyn Renderer, messages: &Receiver<Message>) -> bool {
    while let Ok(message) = messages.try_recv() {
        match message {
            Message::Event(event) => renderer.event(event),
            Message::Text(text, drawn) => {
                renderer.pause();
                renderer.text(&text);
                drawn.send(()).ok();
            }
            Message::End => return false,
        }
    }
    true
}
