//! Operations and the events that tell of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::answer::{Refusal, Started};

/// How many events a slow listener may be behind before it loses some.
const BACKLOG: usize = 1024;

/// What makes every listener hang up, in place of an event.
pub(super) const BREAK: &str = "break";

/// All operations of the twin. In a model everything is done at once, so each has ended when it is told of.
pub(super) struct Operations {
    ended: Mutex<BTreeMap<String, Result<Value, Refusal>>>,
    events: broadcast::Sender<String>,
}

impl Operations {
    pub(super) fn new() -> Self {
        Self {
            ended: Mutex::default(),
            events: broadcast::channel(BACKLOG).0,
        }
    }

    /// Records an operation, tells of its beginning and end, and gives it as it was when it began.
    pub(super) fn run(&self, started: &Started) -> Value {
        let begun = begun(started);
        let mut ended = begun.clone();
        let (status, code, error) = match &started.failure {
            None => ("Success", 200, ""),
            Some(failure) => ("Failure", 400, failure.message.as_str()),
        };
        ended["status"] = json!(status);
        ended["status_code"] = json!(code);
        ended["err"] = json!(error);
        ended["metadata"] = started.result.clone();
        self.tell("operation", &started.project, &begun);
        if let Some(progress) = started.progress {
            let mut working = begun.clone();
            working["metadata"] = json!({ format!("{}_progress", progress.0): progress.1 });
            self.tell("operation", &started.project, &working);
        }
        for (action, source) in &started.lifecycle {
            let metadata =
                json!({ "action": action, "source": source, "project": started.project });
            self.tell("lifecycle", &started.project, &metadata);
        }
        let id = begun["id"].as_str().unwrap_or_default().to_owned();
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, started.failure.clone().map_or(Ok(ended.clone()), Err));
        self.tell("operation", &started.project, &ended);
        begun
    }

    /// An operation of which nobody hears again, as after a restart of the daemon.
    pub(super) fn forget(&self, started: &Started) -> Value {
        begun(started)
    }

    /// Hangs up on all who listen.
    pub(super) fn break_off(&self) {
        drop(self.events.send(BREAK.to_owned()));
    }

    /// What asking for an operation by id gives; asking for a failed one is refused with its reason.
    pub(super) fn get(&self, id: &str) -> Option<Result<Value, Refusal>> {
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// Listens from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<String> {
        self.events.subscribe()
    }

    fn tell(&self, kind: &str, project: &str, metadata: &Value) {
        let event = json!({ "type": kind, "timestamp": "2026-01-01T00:00:00Z", "metadata": metadata, "location": "none", "project": project });
        // Without a listener it is lost, as on a real daemon.
        drop(self.events.send(event.to_string()));
    }
}

/// An operation as it begins.
fn begun(started: &Started) -> Value {
    let (kind, path) = &started.resource;
    json!({
        "id": Uuid::new_v4().to_string(),
        "class": if started.sockets.is_null() { "task" } else { "websocket" },
        "description": started.description,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "status": "Running",
        "status_code": 103,
        "resources": { *kind: [path] },
        "metadata": started.sockets,
        "may_cancel": false,
        "err": "",
        "location": "none",
    })
}
