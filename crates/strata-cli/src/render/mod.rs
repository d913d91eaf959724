//! What users see: folds over the one event stream.
//!
//! Operations send events; [`Screen`] hands them, in order and with their time, to one renderer on
//! a thread of its own, so that a slow terminal never slows the work. Nothing here knows how
//! anything is done.

pub(crate) mod adhoc;
pub(crate) mod ansible;
pub(crate) mod ansible_json;
pub(crate) mod ansible_profile;
mod ansible_result;
mod ansible_statistics;
pub(crate) mod console;
pub(crate) mod diagnostic;
mod diff;
mod disruption;
pub(crate) mod failures;
pub(crate) mod functions;
pub(crate) mod json;
pub(crate) mod lines;
mod moving;
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
    time::{Duration, Instant},
};

use strata_core::{Event, Events};

use crate::output_lost;
pub(crate) use moving::undisturbed;

/// Draws events.
pub(crate) trait Renderer: Send {
    /// Shows one event.
    fn event(&mut self, event: Event);

    /// Which events it shows at all; the others need not come here.
    fn shows(&self) -> fn(&Event) -> bool {
        |_| true
    }

    /// Shows finished text, such as a plan.
    fn text(&mut self, text: &str) {
        print_whole(text);
    }

    /// Shows what it kept back until no more events wait.
    fn pause(&mut self) {}

    /// Redraws what changes by time alone; called some times a second.
    fn tick(&mut self) {}

    /// Leaves the screen tidy; nothing comes after.
    fn finish(&mut self) {}
}

/// Prints a line of which parts come from others.
pub(crate) fn say(text: &str) {
    moving::above(|| anstream::println!("{}", style::tame(text)));
}

/// The same on standard error.
pub(crate) fn complain(text: &str) {
    moving::above(|| anstream::eprintln!("{}", style::tame(text)));
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
    moving::above(|| {
        let mut out = stdout().lock();
        output_lost::heed(out.write_all(&whole).and_then(|()| out.flush()));
    });
}

/// Owns the renderer's thread.
pub(crate) struct Screen {
    sender: Sender<Message>,
    shows: fn(&Event) -> bool,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Event(Event),
    /// Text, and whom to tell when it is drawn.
    Text(String, Option<Sender<()>>),
    /// Nothing comes after. Needed, since handles may outlive the screen in work that was abandoned.
    End,
}

impl Screen {
    /// Starts drawing.
    pub(crate) fn new(renderer: Box<dyn Renderer>) -> Self {
        let (sender, receiver) = channel();
        let shows = renderer.shows();
        let thread = thread::spawn(move || draw(renderer, &receiver));
        Self {
            sender,
            shows,
            thread: Some(thread),
        }
    }

    /// A handle for operations.
    pub(crate) fn events(&self) -> Events {
        let (sender, shows) = (self.sender.clone(), self.shows);
        Events::new(move |event| {
            if shows(&event) {
                // After the screen is gone nobody looks any more, so a lost event is no loss.
                drop(sender.send(Message::Event(event)));
            }
        })
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
        if self.hand_over(text, Some(sender)) {
            // An error means that the screen is gone: there is nothing to wait for.
            drawn.recv().ok();
        }
    }

    /// Draws text while the caller makes more of it. What is to come after it all is printed.
    pub(crate) fn begin(&self, text: String) {
        self.hand_over(text, None);
    }

    /// False if the screen is gone.
    fn hand_over(&self, text: String, drawn: Option<Sender<()>>) -> bool {
        let is_there = self.sender.send(Message::Text(text, drawn)).is_ok();
        self.drawer.iter().for_each(Thread::unpark);
        is_there
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
    let mut ticked = Instant::now();
    loop {
        // Also while much happens.
        if ticked.elapsed() >= TICK {
            renderer.tick();
            ticked = Instant::now();
        }
        match messages.recv_timeout(TICK) {
            Ok(Message::Event(event)) => renderer.event(event),
            Ok(Message::Text(text, drawn)) => {
                text_of(&mut *renderer, &text, drawn);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => continue,
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

fn text_of(renderer: &mut dyn Renderer, text: &str, drawn: Option<Sender<()>>) {
    renderer.pause();
    renderer.text(text);
    // An error means that nobody waits for it any more.
    drawn.map(|drawn| drawn.send(()).ok());
}

/// Draws what waits; false at the end.
fn drain(renderer: &mut dyn Renderer, messages: &Receiver<Message>) -> bool {
    while let Ok(message) = messages.try_recv() {
        match message {
            Message::Event(event) => renderer.event(event),
            Message::Text(text, drawn) => text_of(renderer, &text, drawn),
            Message::End => return false,
        }
    }
    true
}
