//! The agent's conversation: requests come in, every task runs in a thread of its own, results go
//! out as they come.
//!
//! The end of the input is the end of the agent: whatever runs for it is ended too.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::change::Contents;
use crate::contents::Store;
use crate::host::{Cancel, Host, HostError, Imagined};
use crate::module::Context;
use crate::modules;
use crate::protocol::{
    self, ContentReference, Frame, FrameError, Request, Response, Task, TaskResult, VERSION,
};

/// Gives the machine for one task, which ends with its `Cancel`.
pub type Machine = dyn Fn(&Task, Arc<Cancel>) -> Box<dyn Host> + Send + Sync;

/// More tasks than this at once wait for each other.
const MAX_TASKS: usize = 64;

/// Speaks with the controller until its end of the stream is closed.
pub fn serve(
    input: &mut dyn Read,
    output: Box<dyn Write + Send>,
    machine: &Machine,
    imagined: &Imagined,
) -> Result<(), FrameError> {
    let agent = Agent {
        output: Mutex::new(output),
        store: Store::default(),
        running: Mutex::default(),
    };
    greet(input, &agent)?;
    thread::scope(|scope| {
        let end = loop {
            match protocol::read_frame::<Request>(input) {
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
                Ok(Some(Frame::Chunk(bytes))) => agent.store.chunk(&bytes),
                Ok(Some(Frame::Message(request))) => match request {
                    Request::Hello { .. } => {
                        break Err(FrameError::Malformed("hello was said already".to_owned()));
                    }
                    Request::Content { sha256, size } => agent.store.announce(sha256, size),
                    Request::ContentMissing { sha256, reason } => {
                        agent.store.missing(sha256, reason);
                    }
                    Request::Cancel { id } => agent.cancel(id),
                    Request::Recall { id, since } => {
                        let carried = imagined.since(since);
                        agent.say(&Response::Recalled { id, carried });
                    }
                    Request::Imagine { carried } => imagined.take(carried),
                    Request::Task { id, task } => {
                        let Some(running) = agent.begin(id, &task) else {
                            continue;
                        };
                        let agent = &agent;
                        scope.spawn(move || agent.run(id, &task, running, machine));
                    }
                },
            }
        };
        agent.cancel_all();
        end
    })
}

/// Says hello at once: only then does the controller know that `sudo` is content and we run.
fn greet(input: &mut dyn Read, agent: &Agent) -> Result<(), FrameError> {
    let user = rustix::process::geteuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let known = crate::accounts::users(&passwd)
        .into_iter()
        .find(|known| known.uid == user);
    let user = known.map_or_else(|| user.to_string(), |known| known.name);
    let path = std::env::current_exe()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    agent.say(&Response::Hello {
        version: VERSION,
        user,
        path,
    });
    match protocol::read_frame::<Request>(input)? {
        None | Some(Frame::Message(Request::Hello { version: VERSION })) => Ok(()),
        Some(Frame::Message(Request::Hello { version })) => {
            let message = format!("the agent speaks version {VERSION}, the controller {version}");
            agent.say(&Response::Fatal {
                message: message.clone(),
            });
            Err(FrameError::Malformed(message))
        }
        Some(_) => Err(FrameError::Malformed("it is no hello".to_owned())),
    }
}

struct Agent {
    output: Mutex<Box<dyn Write + Send>>,
    store: Store,
    running: Mutex<HashMap<u64, Running>>,
}

/// What ends a task from outside.
#[derive(Clone)]
struct Running {
    cancel: Arc<Cancel>,
    cancelled: Arc<AtomicBool>,
}

impl Running {
    fn end(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.cancel.cancel();
    }
}

impl Agent {
    /// Sends a response. That nobody listens any more shows as the end of the input.
    fn say(&self, response: &Response) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::write_message(&mut *output, response).ok();
    }

    fn begin(&self, id: u64, task: &Task) -> Option<Running> {
        let running = Running {
            cancel: Arc::default(),
            cancelled: Arc::default(),
        };
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_TASKS {
            let msg = format!("more than {MAX_TASKS} tasks at once on one host");
            drop(all);
            let result = TaskResult {
                failed: true,
                msg,
                ..TaskResult::default()
            };
            self.say(&Response::Result { id, result });
            return None;
        }
        all.insert(id, running.clone());
        if let Some(reference) = &task.content {
            self.store.hold(reference);
        }
        Some(running)
    }

    fn run(&self, id: u64, task: &Task, running: Running, machine: &Machine) {
        let host = machine(task, running.cancel.clone());
        let contents = Offered {
            agent: self,
            cancelled: running.cancelled.clone(),
        };
        let context = Context {
            task,
            host: host.as_ref(),
            contents: &contents,
        };
        let result = match task.timeout {
            None => modules::run(&context),
            Some(seconds) => run_within(seconds, &context, &running),
        };
        if let Some(reference) = &task.content {
            self.store.release(reference);
        }
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        self.say(&Response::Result { id, result });
    }

    fn cancel(&self, id: u64) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = running.get(&id) {
            task.end();
        }
    }

    fn cancel_all(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tasks: Vec<_> = running.iter().collect();
        tasks.sort_by_key(|(id, _)| **id);
        for (_, task) in tasks {
            task.end();
        }
    }
}

/// Runs a task that a second thread ends after its time.
fn run_within(seconds: u64, context: &Context<'_>, running: &Running) -> TaskResult {
    let over = Cancel::default();
    let (result, late) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let late = over.wait(Duration::from_secs(seconds)).is_ok();
            if late {
                running.end();
            }
            late
        });
        let result = modules::run(context);
        over.cancel();
        (result, watch.join().unwrap_or(false))
    });
    if late && result.failed {
        let msg = format!("Timed out after {seconds} second(s).");
        return TaskResult { msg, ..result };
    }
    result
}

/// The contents for one task.
struct Offered<'a> {
    agent: &'a Agent,
    cancelled: Arc<AtomicBool>,
}

impl Contents for Offered<'_> {
    fn open(&self, reference: &ContentReference) -> Result<Box<dyn Read + Send>, HostError> {
        let ask = || {
            self.agent.say(&Response::Need {
                sha256: reference.sha256.clone(),
            })
        };
        self.agent
            .store
            .open(reference, &ask, &|| self.cancelled.load(Ordering::Acquire))
    }
}
