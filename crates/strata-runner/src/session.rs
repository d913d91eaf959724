//! The one session that each host has, over all plays.
//!
//! Whoever runs a playbook gives a [`Connect`]: from a host's rendered connection variables to a way there. A
//! session is made when the first task needs it. Hosts that may be young are waited for then, once; others must
//! answer at once, as in Ansible. A task that says otherwise how its host is reached (`connection`, `remote_user`, `port`) has a
//! session of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use strata_agent::protocol::{Task, TaskResult};
use strata_core::{
    Diagnostic, Event, Events,
    connection::{Connection, RemoteShell},
};
use strata_jinja::TemplateError;
use strata_transport::{AgentSession, Become, Content, TransportError};
use tokio::sync::OnceCell;

use crate::JsonMap;

/// Gives the way to a host.
pub type Connect<'a> = dyn Fn(&Target) -> Result<HostLink, Box<Diagnostic>> + Send + Sync + 'a;

/// A host to be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its inventory name.
    pub host: Arc<str>,
    /// Its `ansible_*` variables, rendered; `connection`, `remote_user` and `port` of the task stand in for those
    /// that are not set.
    pub variables: JsonMap,
}

impl Target {
    /// Whether it is this machine, reached without any connection.
    pub(crate) fn is_local(&self) -> bool {
        let connection = self.variables.get("ansible_connection");
        connection.and_then(serde_json::Value::as_str) == Some("local")
    }
}

/// A way to a host.
pub struct HostLink {
    session: Arc<AgentSession>,
    connection: Option<Arc<dyn Connection>>,
}

impl HostLink {
    /// A host whose tasks go to `session` once `connection` says that it is ready, such as a machine of the twin.
    pub fn session_when_ready(session: AgentSession, connection: Arc<dyn Connection>) -> Self {
        Self {
            session: Arc::new(session),
            connection: Some(connection),
        }
    }

    /// A host that is ready at once, such as a model.
    pub fn session(session: AgentSession) -> Self {
        Self {
            session: Arc::new(session),
            connection: None,
        }
    }
}

/// Why a task has no result.
#[derive(Clone, Debug)]
pub(crate) enum TaskError {
    /// The host is out of reach.
    Unreachable(String),
    /// The task cannot be done there.
    Failed(String),
}

impl From<TemplateError> for TaskError {
    fn from(error: TemplateError) -> Self {
        let mut text = error.message.clone();
        let file = error.file.as_deref();
        match (error.line, file) {
            (Some(line), Some(file)) => text.push_str(&format!(" (line {line} of `{file}`)")),
            (None, Some(file)) => text.push_str(&format!(" (in `{file}`)")),
            _ => {}
        }
        if !error.through.is_empty() {
            let names: Vec<String> = error
                .through
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            text.push_str(&format!(", needed by {}", names.join(", ")));
        }
        Self::Failed(text)
    }
}

impl From<TransportError> for TaskError {
    fn from(error: TransportError) -> Self {
        if error.is_unreachable() {
            Self::Unreachable(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}

/// All sessions of a run.
pub(crate) struct Sessions<'a> {
    connect: &'a Connect<'a>,
    ready_timeout: Option<Duration>,
    events: &'a Events,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    session: OnceCell<Arc<AgentSession>>,
}

/// A task for a host with all that goes with it.
pub(crate) struct Order<'a> {
    pub(crate) target: &'a Target,
    pub(crate) task: Task,
    pub(crate) content: Option<Content>,
    pub(crate) r#become: Option<&'a Become>,
}

impl<'a> Sessions<'a> {
    /// The program by which a host is reached, if there is one.
    pub(crate) fn remote_shell(&self, target: &Target) -> Result<Option<RemoteShell>, TaskError> {
        let link = (self.connect)(target)
            .map_err(|diagnostic| TaskError::Unreachable(diagnostic.summary.clone()))?;
        Ok(link
            .connection
            .and_then(|connection| connection.remote_shell()))
    }

    pub(crate) fn new(
        connect: &'a Connect<'a>,
        ready_timeout: Option<Duration>,
        events: &'a Events,
    ) -> Self {
        Self {
            connect,
            ready_timeout,
            events,
            slots: Mutex::default(),
        }
    }

    pub(crate) async fn run(&self, order: Order<'_>) -> Result<TaskResult, TaskError> {
        let session = self.session(order.target).await?;
        let result = session.run(order.task, order.content, order.r#become).await;
        Ok(result?)
    }

    /// Waits until the host is ready; at once if it was before.
    pub(crate) async fn ready(&self, target: &Target) -> Result<(), TaskError> {
        self.session(target).await.map(drop)
    }

    /// Forgets the session of a host, so that the next task begins a new one.
    pub(crate) async fn reset(&self, target: &Target) {
        let slot = self.lock().remove(&key(target));
        if let Some(session) = slot.as_ref().and_then(|slot| slot.session.get()) {
            session.close().await;
        }
    }

    /// Ends all sessions.
    pub(crate) async fn close(&self) {
        let slots: Vec<Arc<Slot>> = self.lock().drain().map(|(_, slot)| slot).collect();
        let open = slots.iter().filter_map(|slot| slot.session.get());
        futures_util::future::join_all(open.map(|session| session.leave())).await;
    }

    /// The session of a host, made if need be.
    pub(crate) async fn session(&self, target: &Target) -> Result<Arc<AgentSession>, TaskError> {
        let slot = self.lock().entry(key(target)).or_default().clone();
        let session = slot.session.get_or_try_init(|| self.open(target)).await?;
        Ok(session.clone())
    }

    async fn open(&self, target: &Target) -> Result<Arc<AgentSession>, TaskError> {
        let link = (self.connect)(target)
            .map_err(|diagnostic| TaskError::Unreachable(sentence(&diagnostic)))?;
        if let (Some(connection), Some(limit)) = (&link.connection, self.ready_timeout) {
            self.wait(target, connection.as_ref(), limit).await?;
        }
        self.events.send(Event::HostReady {
            host: target.host.clone(),
        });
        Ok(link.session)
    }

    async fn wait(
        &self,
        target: &Target,
        connection: &dyn Connection,
        limit: Duration,
    ) -> Result<(), TaskError> {
        let last = Mutex::new(String::new());
        let progress = |note: &str| {
            note.clone_into(&mut last.lock().unwrap_or_else(PoisonError::into_inner));
            self.events.send(Event::HostWaiting {
                host: target.host.clone(),
                note: note.to_owned(),
            });
        };
        let ready = tokio::time::timeout(limit, connection.ready(&progress)).await;
        match ready {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(TaskError::Unreachable(format!(
                "{}: {error}",
                connection.describe()
            ))),
            Err(_) => {
                let seconds = limit.as_secs();
                let note = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let waited = if note.is_empty() {
                    String::new()
                } else {
                    format!(", last: {note}")
                };
                Err(TaskError::Unreachable(format!(
                    "{}: not ready within {seconds} s{waited}",
                    connection.describe()
                )))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells sessions apart: the host, and how it is reached.
fn key(target: &Target) -> String {
    let mut key = target.host.to_string();
    for name in [
        "ansible_connection",
        "ansible_host",
        "ansible_port",
        "ansible_user",
    ] {
        key.push('\0');
        if let Some(value) = target.variables.get(name) {
            key.push_str(&value.to_string());
        }
    }
    key
}

fn sentence(diagnostic: &Diagnostic) -> String {
    if diagnostic.detail.is_empty() {
        diagnostic.summary.clone()
    } else {
        format!("{}: {}", diagnostic.summary, diagnostic.detail)
    }
}
