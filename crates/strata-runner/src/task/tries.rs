//! A task is tried until it is good, or often enough; each try is judged by the task's own words.

use std::{sync::Arc, time::Duration};

use serde_json::Value as Json;
use strata_core::{Event, JobState};
use strata_jinja::Templar;
use strata_playbook::variables::HostVariables;

use super::{Call, Job, call::ActionResult, item::all_hold, keywords};
use crate::{
    JsonMap, actions,
    hosts::HostData,
    outcome::{self, Effect, ItemResult},
    scope::with_local,
    session::TaskError,
};

/// How often a task is tried, and how long it waits between.
pub(super) struct Tries {
    most: u64,
    delay: Duration,
}

impl Tries {
    pub(super) fn of(job: &Job, templar: &Templar) -> Result<Self, TaskError> {
        let task = &job.task;
        let retries = keywords::number(templar, task.retries.as_ref())?;
        let most = match (retries, &task.until) {
            (Some(retries), _) => 1 + retries.max(0.0) as u64,
            (None, Some(_)) => 4,
            (None, None) => 1,
        };
        let delay = keywords::seconds(templar, task.delay.as_ref())?;
        Ok(Self {
            most,
            delay: delay.unwrap_or(Duration::from_secs(5)),
        })
    }
}

/// `async`: how long a task may run, and whether it is left behind (`poll: 0`). The agent keeps a task going that
/// is waited for, so nothing has to be polled.
pub(super) struct Background {
    pub(super) limit: Option<Duration>,
    /// How often it is looked at; zero: never.
    poll: Duration,
}

/// How often a task in the background is looked at where nothing else is said.
const POLL: Duration = Duration::from_secs(15);

impl Background {
    pub(super) fn of(job: &Job, templar: &Templar) -> Result<Self, TaskError> {
        let limit = keywords::seconds(templar, job.task.r#async.as_ref())?;
        let limit = limit.filter(|limit| !limit.is_zero());
        let poll = keywords::seconds(templar, job.task.poll.as_ref())?;
        Ok(Self {
            limit,
            poll: poll.unwrap_or(POLL),
        })
    }

    pub(super) fn is_left_behind(&self) -> bool {
        self.limit.is_some() && self.poll.is_zero()
    }
}

/// Adds with what arguments a module of ours was called, which in Ansible registered results tell of the items of a loop
/// alone. Those that were not given are left out here, and secrets and contents are hidden. A module of others tells it by itself.
fn tell_invocation(call: &Call<'_>, values: &mut JsonMap) {
    if call.job.task.r#loop.is_none()
        || actions::asks_no_module(call.name)
        || values.contains_key("skipped")
        || values.contains_key("invocation")
    {
        return;
    }
    let mut secrets = Vec::new();
    let arguments = Json::Object(call.arguments.clone());
    collect_secrets(&arguments, false, &mut secrets);
    values.insert(
        "invocation".to_owned(),
        serde_json::json!({ "module_args": without_secrets(&arguments, &secrets) }),
    );
}

/// False for what changes the inventory alone: in Ansible that is changed after handlers were thought of, but for loops
/// and where `changed_when` says it.
fn tells_of_change(call: &Call<'_>) -> bool {
    let name = call.name.rsplit('.').next().unwrap_or_default();
    let task = &call.job.task;
    !["add_host", "group_by"].contains(&name)
        || task.r#loop.is_some()
        || task.changed_when.is_some()
}

/// Whether an argument of this name, or a part of one, is taken for a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = [
        "pass",
        "secret",
        "token",
        "private",
        "auth",
        "cred",
        "kubeconfig",
        "api_key",
        "tunnel_input_key",
        "tunnel_output_key",
    ];
    name != "update_password"
        && (!name.ends_with("_path") || name == "kubeconfig_path")
        && words.iter().any(|word| name.contains(word))
}

/// The texts below the names of secrets: they may stand in other arguments, too.
fn collect_secrets(value: &Json, secret: bool, found: &mut Vec<String>) {
    match value {
        // Shorter ones would hide what only looks like them.
        Json::String(text) if secret && text.len() > 3 => found.push(text.clone()),
        Json::Array(items) => {
            for item in items {
                collect_secrets(item, secret, found);
            }
        }
        Json::Object(map) => {
            for (name, value) in map {
                collect_secrets(value, secret || is_secret(name), found);
            }
        }
        _ => {}
    }
}

fn without_secrets(value: &Json, secrets: &[String]) -> Json {
    match value {
        Json::String(text) => {
            let hidden = secrets.iter().fold(text.clone(), |text, secret| {
                text.replace(secret.as_str(), "********")
            });
            hidden.into()
        }
        Json::Array(items) => items
            .iter()
            .map(|item| without_secrets(item, secrets))
            .collect(),
        Json::Object(map) => {
            let shown: JsonMap = map
                .iter()
                .map(|(name, value)| {
                    let shown = match is_secret(name) || name.contains("content") {
                        true => "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER".into(),
                        false => without_secrets(value, secrets),
                    };
                    (name.clone(), shown)
                })
                .collect();
            Json::Object(shown)
        }
        other => other.clone(),
    }
}

/// Does the task until it is good, or tried often enough.
pub(super) async fn repeat(
    call: &Call<'_>,
    tries: &Tries,
    timeout: Option<Duration>,
    background: &Background,
) -> Result<ItemResult, TaskError> {
    let job = call.job;
    let mut attempt = 1;
    loop {
        let done = once(call, timeout, background).await?;
        let mut result = ItemResult {
            values: done.values,
            diffs: done.diffs,
            effects: done.effects,
            delegate: call.place.shown_delegate(&call.job.host),
            ..ItemResult::default()
        };
        complete(&mut result.values);
        tell_invocation(call, &mut result.values);
        result.unknown = is_unknown(call, &result.values);
        if !result.unknown {
            let watch = &job.templates.watch;
            watch.finds_out(job.task.register.as_ref());
        }
        if tries.most > 1 {
            result.values.insert("attempts".to_owned(), attempt.into());
        }
        if let Some(host) = facts_host(call)? {
            give_facts_to(&mut result.effects, &host);
        }
        let variables = after(call, &result);
        let templar = job.templates.templar(&variables);
        if !result.values.contains_key("skipped") {
            judge(job, &templar, &mut result.values);
        }
        // What was judged is seen by `until`, too.
        let variables = after(call, &result);
        let templar = job.templates.templar(&variables);
        if tries.most == 1 || result.unknown || good(job, &templar, &result)? {
            if tells_of_change(call) {
                result.notify = notified(job, &templar)?;
            }
            return Ok(result);
        }
        if attempt >= tries.most {
            result
                .values
                .insert("attempts".to_owned(), (tries.most - 1).into());
            result.values.insert("failed".to_owned(), true.into());
            return Ok(result);
        }
        call.shared.events.send(Event::TaskRetried {
            host: job.host.clone(),
            task: job.name.clone(),
            left: tries.most - attempt,
        });
        tokio::time::sleep(tries.delay).await;
        attempt += 1;
    }
}

async fn once(
    call: &Call<'_>,
    timeout: Option<Duration>,
    background: &Background,
) -> Result<ActionResult, TaskError> {
    let action = async {
        match background.limit.filter(|_| !background.poll.is_zero()) {
            Some(limit) => looked_at(call, limit, background.poll).await,
            None => actions::run(call).await,
        }
    };
    let Some(limit) = timeout else {
        return action.await;
    };
    tokio::time::timeout(limit, action)
        .await
        .unwrap_or_else(|_| {
            let seconds = limit.as_secs();
            Ok(ActionResult::values(serde_json::json!({
                "changed": false,
                "failed": true,
                "msg": format!("Timed out after {seconds} second(s)."),
                "timedout": {"period": seconds},
            })))
        })
}

/// Does a task that is waited for in the background's way: with a limit, and a word about it at each look.
async fn looked_at(
    call: &Call<'_>,
    limit: Duration,
    poll: Duration,
) -> Result<ActionResult, TaskError> {
    let id = call.shared.jobs.name();
    let tell = |state| {
        call.shared.events.send(Event::JobLookedAt {
            host: call.job.host.clone(),
            job: id.as_str().into(),
            state,
        });
    };
    let mut action = std::pin::pin!(tokio::time::timeout(limit, actions::run(call)));
    let done = loop {
        tokio::select! {
            biased;
            done = &mut action => break done,
            () = tokio::time::sleep(poll) => tell(JobState::UnderWay),
        }
    };
    let mut done = match done {
        Ok(done) => done?,
        Err(_) => ActionResult::values(serde_json::json!({
            "changed": false,
            "failed": true,
            "msg": "Timeout exceeded",
            "stdout": "",
            "stdout_lines": [],
            "stderr": "",
            "stderr_lines": [],
        })),
    };
    complete(&mut done.values);
    call.tell_job(&mut done.values, &id);
    if !outcome::check(&done.values, "skipped") {
        tell(match outcome::check(&done.values, "failed") {
            true => JobState::Failed,
            false => JobState::Done,
        });
    }
    Ok(done)
}

/// `changed` and `failed` are always there; a module without `failed` has failed if its `rc` is not 0.
fn complete(values: &mut JsonMap) {
    if !values.contains_key("failed") {
        let rc = values.get("rc").and_then(Json::as_i64).unwrap_or(0);
        values.insert("failed".to_owned(), (rc != 0).into());
    }
    values
        .entry("changed".to_owned())
        .or_insert(Json::Bool(false));
}

/// True for what was left out since nobody knows how it would go.
fn is_unknown(call: &Call<'_>, values: &JsonMap) -> bool {
    let left_out = call.check && call.shared.options.check && outcome::check(values, "skipped");
    left_out || outcome::check(values, "unknown")
}

/// The host to which facts go with `delegate_facts`.
fn facts_host(call: &Call<'_>) -> Result<Option<Arc<str>>, TaskError> {
    let keyword = call.job.task.keywords.delegate_facts.as_ref();
    let given = keywords::boolean(call.templar, keyword)?.unwrap_or(false);
    Ok(call.place.delegate.clone().filter(|_| given))
}

fn give_facts_to(effects: &mut [Effect], to: &Arc<str>) {
    for effect in effects {
        if let Effect::Facts { host, .. } = effect {
            *host = Some(to.clone());
        }
    }
}

/// The variables after the task: with its facts and its registered result.
fn after(call: &Call<'_>, result: &ItemResult) -> HostVariables {
    let mut variables = call.variables.clone();
    apply_facts(&mut variables, result);
    match &call.job.task.register {
        None => variables,
        Some(register) => {
            let value = Json::Object(result.values.clone());
            with_local(&variables, [(register.clone(), value)])
        }
    }
}

/// Adds the facts of a result to the variables of its host.
pub(super) fn apply_facts(variables: &mut HostVariables, result: &ItemResult) {
    for effect in &result.effects {
        let Effect::Facts {
            level,
            facts,
            host: None,
        } = effect
        else {
            continue;
        };
        let mut data = HostData {
            inventory: Arc::default(),
            facts: variables.facts.clone(),
            include_vars: variables.include_vars.clone(),
            set_facts: variables.set_facts.clone(),
            unknown: Arc::default(),
        };
        data.add(*level, facts);
        variables.facts = data.facts;
        variables.include_vars = data.include_vars;
        variables.set_facts = data.set_facts;
    }
}

/// Lets `changed_when` and `failed_when` decide. A mistake in them is a failure.
fn judge(job: &Job, templar: &Templar, values: &mut JsonMap) {
    if let Some(conditions) = &job.task.changed_when
        && !conditions.is_empty()
    {
        match all_hold(templar, conditions) {
            Ok(changed) => put(values, "changed", changed.into()),
            Err(error) => return wrong(values, "changed_when", error),
        }
    }
    if let Some(conditions) = &job.task.failed_when
        && !conditions.is_empty()
    {
        match all_hold(templar, conditions) {
            Ok(failed) => {
                put(values, "failed_when_result", failed.into());
                put(values, "failed", failed.into());
                if failed && !values.contains_key("msg") {
                    // Ansible's words for a failure that says nothing by itself.
                    let unknown = "Task failed: Action failed: Unknown error.";
                    put(values, "msg", unknown.into());
                }
            }
            Err(error) => wrong(values, "failed_when", error),
        }
    }
}

fn put(values: &mut JsonMap, name: &str, value: Json) {
    values.insert(name.to_owned(), value);
}

fn wrong(values: &mut JsonMap, keyword: &str, error: TaskError) {
    let (TaskError::Failed(reason) | TaskError::Unreachable(reason)) = error;
    put(values, "failed", true.into());
    put(values, &format!("{keyword}_result"), reason.clone().into());
    put(
        values,
        "msg",
        format!("`{keyword}` cannot be evaluated: {reason}").into(),
    );
}

fn good(job: &Job, templar: &Templar, result: &ItemResult) -> Result<bool, TaskError> {
    match &job.task.until {
        Some(conditions) => all_hold(templar, conditions),
        None => Ok(!outcome::check(&result.values, "failed")),
    }
}

fn notified(job: &Job, templar: &Templar) -> Result<Vec<String>, TaskError> {
    let mut names = Vec::new();
    for notify in &job.task.notify {
        match templar.render(&notify.value)? {
            Json::Array(items) => names.extend(items.iter().map(outcome::text)),
            value if strata_jinja::is_omit(&value) => {}
            value => names.push(outcome::text(&value)),
        }
    }
    Ok(names)
}
