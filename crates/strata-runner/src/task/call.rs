//! A rendered task on its way to an action or to the agent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strata_agent::{
    host::Carried,
    protocol::{Diff, Task, TaskResult},
};
use strata_core::FileDiff;
use strata_jinja::{Templar, is_omit};
use strata_playbook::variables::HostVariables;
use strata_transport::{Become, Content};
use tokio::sync::SemaphorePermit;

use super::{Job, Shared, keywords};
use crate::{
    JsonMap,
    hosts::FactLevel,
    outcome::{self, Effect},
    session::{Order, Target, TaskError},
};

/// A task whose templates are rendered.
pub(crate) struct Call<'a> {
    pub(crate) job: &'a Job,
    pub(crate) shared: &'a Shared<'a>,
    pub(crate) variables: &'a HostVariables,
    pub(crate) templar: &'a Templar,
    /// The module's or action's name.
    pub(crate) name: &'a str,
    pub(crate) arguments: JsonMap,
    pub(crate) check: bool,
    pub(crate) diff: bool,
    pub(crate) no_log: bool,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) place: Place,
    /// For how long it may run in the background, if it is left there.
    pub(crate) background: Option<Duration>,
}

/// Where a task is done, and as whom.
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) r#become: Option<Become>,
    /// The other host, with `delegate_to`.
    pub(crate) delegate: Option<Arc<str>>,
}

/// What an action gives back.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActionResult {
    pub(crate) values: JsonMap,
    pub(crate) diffs: Vec<FileDiff>,
    pub(crate) effects: Vec<Effect>,
}

impl Place {
    /// The other host as the user is shown it: with its address, if that is not its name.
    pub(super) fn shown_delegate(&self, own: &str) -> Option<Arc<str>> {
        let delegate = self
            .delegate
            .as_ref()
            .filter(|delegate| &***delegate != own)?;
        let address = self.target.variables.get("ansible_host").map(outcome::text);
        Some(match address.filter(|address| **address != **delegate) {
            Some(address) => format!("{delegate}({address})").into(),
            None => delegate.clone(),
        })
    }

    /// The other host as the user is shown it where the task did not come that far; a name that cannot be rendered is
    /// shown as it is written.
    pub(super) fn told(
        job: &Job,
        variables: &HostVariables,
        templar: &Templar,
    ) -> Option<Arc<str>> {
        let written = job.task.keywords.delegate_to.as_ref()?;
        match Self::find(job, variables, templar) {
            Ok(place) => place.shown_delegate(&job.host),
            Err(_) => Some(outcome::text(&written.value).into()),
        }
    }

    pub(super) fn find(
        job: &Job,
        variables: &HostVariables,
        templar: &Templar,
    ) -> Result<Self, TaskError> {
        let keywords = &job.task.keywords;
        let delegate = match &keywords.delegate_to {
            None => None,
            Some(name) => Some(templar.render(&name.value)?).filter(|name| !is_omit(name)),
        };
        let options = &job.templates.options;
        let Some(delegate) = delegate.map(|name| Arc::<str>::from(outcome::text(&name))) else {
            return Ok(Self {
                target: keywords::target(templar, &job.host, variables, keywords)?,
                r#become: keywords::privilege(templar, variables, keywords, options)?,
                delegate: None,
            });
        };
        // How a host is reached is told by its own variables, not by those of the host that sends the task there.
        let scope = job.scope.of(&delegate, &job.templates.watch);
        let mut theirs = scope.for_task(&job.scope.play, &job.task);
        theirs.local = variables.local.clone();
        let their_templar = job.templates.templar(&theirs);
        let mut target = keywords::target(&their_templar, &delegate, &theirs, keywords)?;
        if job.scope.table.get(&delegate).is_none() && &*delegate != "localhost" {
            let address = delegate.to_string();
            let known = target.variables.contains_key("ansible_host");
            if !known {
                target
                    .variables
                    .insert("ansible_host".to_owned(), address.into());
            }
        }
        Ok(Self {
            target,
            r#become: keywords::privilege(&their_templar, &theirs, keywords, options)?,
            delegate: Some(delegate),
        })
    }
}

impl Call<'_> {
    /// Waits until as few tasks run as may run at a time, and tells when that took a while.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let forks = &self.shared.forks;
        if let Ok(permit) = forks.try_acquire() {
            return Some(permit);
        }
        let permit = forks.acquire().await.ok();
        self.job.begin(self.shared);
        permit
    }

    /// Gives a module to the agent on the host.
    pub(crate) async fn module(
        &self,
        module: &str,
        arguments: JsonMap,
        content: Option<Content>,
    ) -> Result<ActionResult, TaskError> {
        self.module_in(module, arguments, content, self.check).await
    }

    /// The same, with a check mode of its own.
    pub(crate) async fn module_in(
        &self,
        module: &str,
        arguments: JsonMap,
        content: Option<Content>,
        check: bool,
    ) -> Result<ActionResult, TaskError> {
        if self.job.templates.watch.met_unknown() {
            return Ok(ActionResult::of_values(outcome::unknown()));
        }
        let sessions = &self.shared.sessions;
        sessions.ready(&self.place.target).await?;
        if let Some(limit) = self.background.filter(|_| !check) {
            return self.leave_behind(module, arguments, content, limit).await;
        }
        let _permit = self.turn().await;
        let task = self.task(module, arguments, check);
        let result = sessions
            .run(Order {
                target: &self.place.target,
                task,
                content,
                r#become: self.place.r#become.as_ref(),
            })
            .await?;
        Ok(ActionResult::of_module(result))
    }

    /// Whether this task is done in check mode, in a run that is done so as a whole.
    pub(crate) fn rehearses(&self) -> bool {
        self.check && self.shared.options.check
    }

    /// All that earlier tasks would have changed on the host.
    pub(crate) async fn imagined(&self) -> Result<Carried, TaskError> {
        let session = self.shared.sessions.session(&self.place.target).await?;
        Ok(session.imagined().await)
    }

    /// Remembers in a rehearsal that nobody knows what this task would have changed.
    pub(crate) async fn doubt(&self) -> Result<(), TaskError> {
        if self.rehearses() {
            let session = self.shared.sessions.session(&self.place.target).await?;
            session.doubt().await;
        }
        Ok(())
    }

    /// Starts a module and does not wait for it.
    async fn leave_behind(
        &self,
        module: &str,
        arguments: JsonMap,
        content: Option<Content>,
        limit: Duration,
    ) -> Result<ActionResult, TaskError> {
        let session = self.shared.sessions.session(&self.place.target).await?;
        let wanted = self.place.r#become.clone();
        let task = self.task(module, arguments, false);
        let work = async move {
            let result = session.run(task, content, wanted.as_ref()).await?;
            Ok(ActionResult::of_module(result))
        };
        let id = self.shared.jobs.start(work, limit);
        Ok(ActionResult::values(serde_json::json!({
            "ansible_job_id": id,
            "changed": true,
            "failed": false,
            "finished": false,
            "results_file": format!("~/.ansible_async/{id}"),
            "started": true,
        })))
    }

    /// What `async` adds to the result of a task that was waited for.
    pub(crate) fn tell_job(&self, values: &mut JsonMap, id: &str) {
        if values.contains_key("ansible_job_id") {
            return;
        }
        values.insert(
            "results_file".to_owned(),
            format!("~/.ansible_async/{id}").into(),
        );
        values.insert("ansible_job_id".to_owned(), id.into());
        for name in ["started", "finished"] {
            values.insert(name.to_owned(), true.into());
        }
    }

    fn task(&self, module: &str, arguments: JsonMap, check: bool) -> Task {
        Task {
            module: module.to_owned(),
            args: arguments,
            check,
            rehearse: self.shared.options.check,
            diff: self.diff,
            folder: self.folder(),
            environment: self.environment.clone(),
            no_log: self.no_log,
            ..Task::default()
        }
    }

    /// On this machine relative paths are relative to the playbook's folder, as in Ansible.
    fn folder(&self) -> Option<String> {
        let folder = &self.job.scope.play.folder;
        let counts = self.place.target.is_local() && folder.is_absolute();
        counts.then(|| folder.to_str().map(str::to_owned))?
    }

    /// An argument as a text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = self.arguments.get(name).filter(|value| !value.is_null());
        value.map(outcome::text)
    }

    /// An argument that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<String, TaskError> {
        self.text(name).ok_or_else(|| {
            TaskError::Failed(format!("`{}` needs the argument `{name}`", self.name))
        })
    }

    /// An argument that says yes or no.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.arguments.get(name).map_or(default, outcome::truth)
    }

    /// An argument that is a list; a single text counts as a list of its words between commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.arguments
            .get(name)
            .map(crate::tags::words)
            .unwrap_or_default()
    }

    /// Refuses arguments that the action does not know.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), TaskError> {
        let unknown: Vec<String> = self
            .arguments
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("`{name}`"))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(TaskError::Failed(format!(
            "`{}` does not know the argument {}; it knows {}",
            self.name,
            unknown.join(", "),
            known.join(", ")
        )))
    }
}

impl ActionResult {
    /// Takes only values.
    pub(crate) fn values(values: serde_json::Value) -> Self {
        Self {
            values: outcome::map(values),
            ..Self::default()
        }
    }

    /// Takes what a module of others returned.
    pub(crate) fn of_values(values: JsonMap) -> Self {
        let facts = values
            .get("ansible_facts")
            .and_then(serde_json::Value::as_object);
        let effects = facts.map(|facts| Effect::Facts {
            level: FactLevel::Gathered,
            facts: facts.clone(),
            host: None,
        });
        Self {
            effects: effects.into_iter().collect(),
            diffs: values.get("diff").map(diffs_of).unwrap_or_default(),
            values,
        }
    }

    fn of_module(result: TaskResult) -> Self {
        Self {
            diffs: result.diff.iter().map(file_diff).collect(),
            ..Self::of_values(result.to_values())
        }
    }
}

/// The differences that a result tells: one, or a list of them.
fn diffs_of(diff: &serde_json::Value) -> Vec<FileDiff> {
    let one = |diff: &serde_json::Value| {
        let text = |name: &str| diff.get(name).map(outcome::text).unwrap_or_default();
        let any = diff.get("before").is_some() || diff.get("after").is_some();
        any.then(|| FileDiff {
            name: text("after_header"),
            before_header: text("before_header"),
            after_header: text("after_header"),
            before: text("before"),
            after: text("after"),
        })
    };
    match diff {
        serde_json::Value::Array(diffs) => diffs.iter().filter_map(one).collect(),
        diff => one(diff).into_iter().collect(),
    }
}

fn file_diff(diff: &Diff) -> FileDiff {
    FileDiff {
        name: diff.path.clone(),
        before_header: diff.before_header.clone(),
        after_header: diff.after_header.clone(),
        before: diff.before.clone(),
        after: diff.after.clone(),
    }
}
