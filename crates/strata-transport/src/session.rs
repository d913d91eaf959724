//! One host as a play sees it: give a task, get its result.
//!
//! Behind it is one agent process a user on the host, started when the first task for that user
//! comes, and started again after it was lost; in a rehearsal each learns what tasks of the others would have
//! changed. A model has no process: its tasks run in ours.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use strata_agent::change::Contents;
use strata_agent::host::{Carried, Host as Machine, HostError, Imagined, Model, Rehearsal};
use strata_agent::module::Context;
use strata_agent::protocol::{ContentReference, Task, TaskResult};
use strata_core::connection::Connection;
use tokio::sync::Mutex;

use crate::become_user::{self, quote};
use crate::content::{Content, Source};
use crate::conversation::Conversation;
use crate::push::Started;
use crate::rehearsal::Rehearsals;
use crate::{TransportError, push};

/// The way a task becomes another user.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Become {
    /// The user to become; Ansible's default is `root`.
    pub user: String,
    /// `become_method`: `sudo`, `su` or `doas`.
    pub method: BecomeMethod,
    /// `become_password`, given to the program on its standard input, or on a terminal where it asks on one alone.
    pub password: Option<String>,
    /// `become_exe`: the program, where it is not found by its name.
    pub exe: Option<String>,
    /// `become_flags`: flags in place of the usual ones, as one text.
    pub flags: Option<String>,
}

impl std::fmt::Debug for Become {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password is for nobody to see.
        f.debug_struct("Become")
            .field("user", &self.user)
            .field("method", &self.method)
            .finish()
    }
}

/// The program that makes another user of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BecomeMethod {
    /// `sudo`; where we are root already, `su`, which needs no configuration.
    Sudo,
    /// `su`.
    Su,
    /// `doas`, which asks for a password on a terminal alone.
    Doas,
}

/// The agents of one host.
pub struct AgentSession {
    host: Host,
}

enum Host {
    Real {
        connection: Arc<dyn Connection>,
        agents: Mutex<HashMap<Option<Become>, Slot>>,
        rehearsals: Rehearsals,
        /// The agent's files go when the session ends.
        removes: bool,
    },
    /// A model, with what rehearsed tasks would have changed on it.
    Model(Model, Imagined),
}

/// The agent of one user, perhaps not started yet.
type Slot = Arc<Mutex<Option<Agent>>>;

#[derive(Clone)]
struct Agent {
    conversation: Arc<Conversation>,
    user: String,
    path: String,
}

impl AgentSession {
    /// A host behind a connection. Nothing happens before the first task. The agent stays on the host, so that the next
    /// session finds it there.
    pub fn new(connection: Arc<dyn Connection>) -> AgentSession {
        AgentSession::real(connection, false)
    }

    /// The same, but [`AgentSession::leave`] removes the agent from the host. Another session there at that time may
    /// miss it when it becomes another user.
    pub fn removing_agent(connection: Arc<dyn Connection>) -> AgentSession {
        AgentSession::real(connection, true)
    }

    fn real(connection: Arc<dyn Connection>, removes: bool) -> AgentSession {
        AgentSession {
            host: Host::Real {
                connection,
                agents: Mutex::default(),
                rehearsals: Rehearsals::default(),
                removes,
            },
        }
    }

    /// A host that is a model in this process.
    pub fn for_model(model: Model) -> AgentSession {
        AgentSession {
            host: Host::Model(model, Imagined::default()),
        }
    }

    /// Runs one task; any number may run at the same time.
    ///
    /// A module that fails is an `Ok` whose `failed` is set. Dropping the future cancels the task.
    pub async fn run(
        &self,
        task: Task,
        content: Option<Content>,
        wanted: Option<&Become>,
    ) -> Result<TaskResult, TransportError> {
        match &self.host {
            Host::Model(model, imagined) => {
                let machine: Box<dyn Machine> = match task.check && task.rehearse {
                    true => Box::new(Rehearsal::new(Box::new(model.clone()), imagined.clone())),
                    false => Box::new(model.clone()),
                };
                run_on_model(machine, task, content).await
            }
            Host::Real {
                connection,
                agents,
                rehearsals,
                ..
            } => {
                let base = find_base(connection, agents).await?;
                let agent = match find_agent(connection, agents, &base, wanted).await {
                    Err(refusal @ TransportError::Become(_)) if task.rehearse => {
                        let wanted = wanted.expect("nobody is refused without asking");
                        let base = &base.conversation;
                        return rehearsals
                            .stand_in(base, task, content, wanted, refusal)
                            .await;
                    }
                    agent => agent?,
                };
                if task.rehearse {
                    rehearsals.catch_up(&agent.conversation).await?;
                }
                agent.conversation.run(task, content).await
            }
        }
    }

    /// All that rehearsed tasks would have changed so far.
    pub async fn imagined(&self) -> Carried {
        match &self.host {
            Host::Model(_, imagined) => imagined.since(0),
            Host::Real { rehearsals, .. } => rehearsals.recall().await,
        }
    }

    /// Remembers that a rehearsed task would have done something of which nobody knows what it would have changed.
    pub async fn doubt(&self) {
        match &self.host {
            Host::Model(_, imagined) => imagined.take(Carried::doubt()),
            Host::Real { rehearsals, .. } => rehearsals.doubt().await,
        }
    }

    /// Ends the agents on the host.
    pub async fn close(&self) {
        if let Host::Real { agents, .. } = &self.host {
            agents.lock().await.clear();
        }
    }

    /// Ends the agents on the host for good: where nothing of them is to stay, their files go first.
    pub async fn leave(&self) {
        if let Host::Real {
            agents,
            removes: true,
            ..
        } = &self.host
        {
            remove_files(&*agents.lock().await).await;
        }
        self.close().await;
    }
}

/// How long a host may take to remove the files of its agents at the end of a run.
const PATIENCE: Duration = Duration::from_secs(10);

/// Removes the files of all agents that were started, by the one of the user as whom the host is reached: they are that
/// user's. A host that is out of reach keeps them.
async fn remove_files(agents: &HashMap<Option<Become>, Slot>) {
    let base = match agents.get(&None) {
        Some(base) => base.lock().await.clone(),
        None => None,
    };
    let Some(Agent {
        conversation: base, ..
    }) = base
    else {
        return;
    };
    let slots: Vec<&Slot> = agents.values().collect();
    let mut paths = BTreeSet::new();
    for slot in slots {
        paths.extend(slot.lock().await.as_ref().map(|agent| agent.path.clone()));
    }
    let lines = paths.iter().map(|path| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (path, folder) = (quote(path), quote(folder));
        format!("rm -f {path}; rmdir {folder} 2>/dev/null\n")
    });
    let script = lines.collect::<String>() + "true\n";
    let task = Task {
        module: "shell".to_owned(),
        args: [("_raw_params".to_owned(), script.into())]
            .into_iter()
            .collect(),
        ..Task::default()
    };
    // What is lost meanwhile cannot be tidied up, and one that hangs does not hold up the end of the run.
    drop(tokio::time::timeout(PATIENCE, base.run(task, None)).await);
}

/// The agent of the user as whom the host is reached.
async fn find_base(
    connection: &Arc<dyn Connection>,
    agents: &Mutex<HashMap<Option<Become>, Slot>>,
) -> Result<Agent, TransportError> {
    let base = slot(agents, None).await;
    ensure(&base, || push::start(connection)).await
}

async fn find_agent(
    connection: &Arc<dyn Connection>,
    agents: &Mutex<HashMap<Option<Become>, Slot>>,
    base: &Agent,
    wanted: Option<&Become>,
) -> Result<Agent, TransportError> {
    let Some(wanted) = wanted.filter(|wanted| wanted.user != base.user) else {
        return Ok(base.clone());
    };
    let slot = slot(agents, Some(wanted.clone())).await;
    ensure(&slot, || {
        become_user::start(connection, &base.user, &base.path, wanted)
    })
    .await
}

async fn slot(agents: &Mutex<HashMap<Option<Become>, Slot>>, key: Option<Become>) -> Slot {
    agents.lock().await.entry(key).or_default().clone()
}

/// Gives the agent of a slot, and starts it where there is none or it was lost.
async fn ensure<F>(slot: &Slot, start: impl FnOnce() -> F) -> Result<Agent, TransportError>
where
    F: Future<Output = Result<Started, TransportError>>,
{
    let mut agent = slot.lock().await;
    if let Some(known) = &*agent
        && !known.conversation.is_over().await
    {
        return Ok(known.clone());
    }
    let Started {
        incoming,
        input,
        user,
        path,
    } = start().await?;
    let conversation = Arc::new(Conversation::open(incoming, input).await?);
    Ok(agent
        .insert(Agent {
            conversation,
            user,
            path,
        })
        .clone())
}

async fn run_on_model(
    model: Box<dyn Machine>,
    mut task: Task,
    content: Option<Content>,
) -> Result<TaskResult, TransportError> {
    if let Some(content) = &content {
        task.content = Some(content.reference().clone());
    }
    let work = tokio::task::spawn_blocking(move || {
        let contents = InProcess(content);
        strata_agent::modules::run(&Context {
            task: &task,
            host: model.as_ref(),
            contents: &contents,
        })
    });
    work.await
        .map_err(|error| TransportError::Unreachable(format!("the model failed: {error}")))
}

/// Contents for a task in this process.
struct InProcess(Option<Content>);

impl Contents for InProcess {
    fn open(&self, reference: &ContentReference) -> Result<Box<dyn Read + Send>, HostError> {
        let source = self
            .0
            .as_ref()
            .filter(|content| content.reference() == reference);
        match source.map(Content::source) {
            Some(Source::Bytes(bytes)) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            Some(Source::File(path)) => match std::fs::File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(HostError::io("open", path, &error)),
            },
            None => Err(HostError::Other("nobody offers this content".to_owned())),
        }
    }
}
