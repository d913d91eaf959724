//! One item of a task (or the whole task, without a loop): conditions, arguments, tries, judgement.

use std::{sync::Arc, time::Duration};

use serde_json::Value as Json;
use strata_jinja::{Templar, TemplateError};
use strata_playbook::{
    play::{Action, Spanned},
    variables::HostVariables,
};

use super::{
    Call, Job, Shared,
    call::{self, ActionResult},
    keywords,
};
use crate::{
    JsonMap, actions,
    hosts::HostData,
    outcome::{self, Effect, Include, ItemResult},
    scope::with_local,
    session::TaskError,
};

/// Does one item; gives none, having done nothing, if it depends on other hosts that are not here yet.
pub(super) async fn run(
    job: &Job,
    shared: &Shared<'_>,
    variables: &HostVariables,
    loop_error: Option<TemplateError>,
) -> Option<ItemResult> {
    let templar = job.templates.templar(variables);
    let done = decide_and_do(job, shared, variables, &templar, loop_error).await;
    let mut result = match done {
        Ok(Done::Finished(result)) => *result,
        Ok(Done::Crossing) => return None,
        // Before the host was touched, a mistake may come from others that are not here yet.
        Err(_) if job.templates.watch.crossed() => return None,
        Err(error) => failed(error),
    };
    let keywords = &job.task.keywords;
    match flags(&templar, job) {
        Ok((no_log, ignore_errors, ignore_unreachable)) => {
            result.no_log |= no_log;
            result.ignore_errors = ignore_errors;
            result.ignore_unreachable = ignore_unreachable;
        }
        Err(error) => {
            result.no_log |= keywords.no_log.is_some();
            result.values.extend(failed(error.into()).values);
        }
    }
    Some(result)
}

enum Done {
    Crossing,
    Finished(Box<ItemResult>),
}

fn flags(templar: &Templar, job: &Job) -> Result<(bool, bool, bool), TemplateError> {
    let keywords = &job.task.keywords;
    let flag = |keyword: &Option<Spanned<Json>>| {
        keywords::boolean(templar, keyword.as_ref()).map(|value| value.unwrap_or(false))
    };
    Ok((
        flag(&keywords.no_log)?,
        flag(&keywords.ignore_errors)?,
        flag(&keywords.ignore_unreachable)?,
    ))
}

fn failed(error: TaskError) -> ItemResult {
    match error {
        TaskError::Failed(reason) => ItemResult::failed(reason),
        TaskError::Unreachable(reason) => {
            let mut values = JsonMap::new();
            values.insert("changed".to_owned(), false.into());
            values.insert("unreachable".to_owned(), true.into());
            values.insert("msg".to_owned(), reason.into());
            ItemResult {
                values,
                ..ItemResult::default()
            }
        }
    }
}

async fn decide_and_do(
    job: &Job,
    shared: &Shared<'_>,
    variables: &HostVariables,
    templar: &Templar,
    loop_error: Option<TemplateError>,
) -> Result<Done, TaskError> {
    let watch = &job.templates.watch;
    watch.condition(true);
    let skipped = first_false(templar, &job.task.keywords.when);
    watch.condition(false);
    if let Some(condition) = skipped? {
        if watch.crossed() {
            return Ok(Done::Crossing);
        }
        return Ok(Done::Finished(Box::new(skip(condition))));
    }
    if let Some(error) = loop_error {
        return Err(error.into());
    }
    match &job.task.action {
        Action::IncludeTasks { file, .. } => include(job, templar, &file.value),
        Action::IncludeRole { name, .. } => include(job, templar, &name.value),
        Action::Meta(name) => Err(TaskError::Failed(format!(
            "`meta: {}` cannot stand here",
            name.value
        ))),
        Action::Module { name, arguments } => {
            let name = module_name(templar, &name.value)?;
            let arguments = arguments_of(job, templar, &name, &arguments.value)?;
            module(job, shared, variables, templar, &name, arguments).await
        }
    }
}

/// The first condition that does not hold.
fn first_false<'a>(
    templar: &Templar,
    conditions: &'a [Spanned<Json>],
) -> Result<Option<&'a Json>, TaskError> {
    for condition in conditions {
        if !templar.condition(&condition.value)? {
            return Ok(Some(&condition.value));
        }
    }
    Ok(None)
}

fn all_hold(templar: &Templar, conditions: &[Spanned<Json>]) -> Result<bool, TaskError> {
    first_false(templar, conditions).map(|found| found.is_none())
}

fn skip(condition: &Json) -> ItemResult {
    let mut values = JsonMap::new();
    values.insert("changed".to_owned(), false.into());
    values.insert("skipped".to_owned(), true.into());
    values.insert(
        "skip_reason".to_owned(),
        "Conditional result was False".into(),
    );
    values.insert("false_condition".to_owned(), condition.clone());
    ItemResult {
        values,
        ..ItemResult::default()
    }
}

fn include(job: &Job, templar: &Templar, name: &Json) -> Result<Done, TaskError> {
    let name = outcome::text(&templar.render(name)?);
    if job.templates.watch.crossed() {
        return Ok(Done::Crossing);
    }
    let mut values = JsonMap::new();
    values.insert("changed".to_owned(), false.into());
    values.insert("include".to_owned(), name.clone().into());
    Ok(Done::Finished(Box::new(ItemResult {
        values,
        include: Some(Include {
            name,
            parameters: Arc::new(parameters(job, templar)),
        }),
        ..ItemResult::default()
    })))
}

/// The variables that go with an include: its own `vars`, and the loop's as they are in this round.
fn parameters(job: &Job, templar: &Templar) -> JsonMap {
    let mut parameters = JsonMap::new();
    let inherited = job.task.inherited.vars.len();
    for vars in job.task.keywords.vars.iter().skip(inherited) {
        for (name, value) in vars.iter() {
            // What cannot be rendered yet may be once the tasks use it.
            let value = templar.render(value).unwrap_or_else(|_| value.clone());
            parameters.insert(name.clone(), value);
        }
    }
    let control = &job.task.loop_control;
    if job.task.r#loop.is_none() {
        return parameters;
    }
    let names = [
        Some(control.loop_var.as_deref().unwrap_or("item")),
        control.index_var.as_deref(),
        control.extended.then_some("ansible_loop"),
    ];
    for name in names.into_iter().flatten() {
        if let Ok(value) = templar.expression(name) {
            parameters.insert(name.to_owned(), value);
        }
    }
    parameters
}

/// A module's name may be a template.
fn module_name(templar: &Templar, name: &str) -> Result<String, TaskError> {
    if !name.contains("{{") {
        return Ok(name.to_owned());
    }
    let rendered = outcome::text(&templar.render_text(name)?);
    let builtin = rendered.strip_prefix("ansible.builtin.");
    let legacy = rendered.strip_prefix("ansible.legacy.");
    Ok(builtin.or(legacy).unwrap_or(&rendered).to_owned())
}

/// The arguments with the module's defaults below them, rendered.
fn arguments_of(
    job: &Job,
    templar: &Templar,
    module: &str,
    arguments: &Json,
) -> Result<JsonMap, TaskError> {
    let mut all = JsonMap::new();
    for defaults in &job.task.keywords.module_defaults {
        if defaults.module != module {
            continue;
        }
        match templar.render(&defaults.arguments.value)? {
            Json::Object(map) => all.extend(map),
            _ => {
                return Err(TaskError::Failed(format!(
                    "the `module_defaults` of `{module}` need a mapping"
                )));
            }
        }
    }
    match templar
        .render(arguments)
        .map_err(|error| of_argument(error, arguments, templar))?
    {
        Json::Object(map) => all.extend(map),
        Json::Null => {}
        other => {
            return Err(TaskError::Failed(format!(
                "the arguments of `{module}` need a mapping, not `{other}`"
            )));
        }
    }
    Ok(all)
}

/// Names the argument in which a template went wrong.
fn of_argument(error: TemplateError, arguments: &Json, templar: &Templar) -> TaskError {
    let Json::Object(map) = arguments else {
        return error.into();
    };
    let wrong = map.iter().find(|(_, value)| templar.render(value).is_err());
    match (wrong, TaskError::from(error)) {
        (Some((name, _)), TaskError::Failed(reason)) => TaskError::Failed(format!(
            "the argument `{name}` cannot be rendered: {reason}"
        )),
        (_, error) => error,
    }
}

async fn module(
    job: &Job,
    shared: &Shared<'_>,
    variables: &HostVariables,
    templar: &Templar,
    name: &str,
    arguments: JsonMap,
) -> Result<Done, TaskError> {
    let place = call::Place::find(job, variables, templar)?;
    let options = &shared.options;
    let keywords = &job.task.keywords;
    let timeout = keywords::seconds(templar, keywords.timeout.as_ref())?;
    let call = Call {
        job,
        shared,
        variables,
        templar,
        name,
        arguments,
        check: keywords::boolean(templar, keywords.check_mode.as_ref())?.unwrap_or(options.check),
        diff: keywords::boolean(templar, keywords.diff.as_ref())?.unwrap_or(options.diff),
        no_log: keywords::boolean(templar, keywords.no_log.as_ref())?.unwrap_or(false),
        environment: keywords::environment(templar, keywords)?,
        place,
    };
    let tries = Tries::of(job, templar)?;
    let background = Background::of(job, templar)?;
    if job.templates.watch.crossed() {
        return Ok(Done::Crossing);
    }
    let limit = timeout
        .filter(|limit| !limit.is_zero())
        .or(background.limit);
    let result = repeat(&call, &tries, limit).await?;
    Ok(Done::Finished(Box::new(result)))
}

/// How often a task is tried, and how long it waits between.
struct Tries {
    most: u64,
    delay: Duration,
}

impl Tries {
    fn of(job: &Job, templar: &Templar) -> Result<Self, TaskError> {
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

/// `async`: how long a task may run. The agent keeps the task going, so nothing has to be polled.
struct Background {
    limit: Option<Duration>,
}

impl Background {
    fn of(job: &Job, templar: &Templar) -> Result<Self, TaskError> {
        let limit = keywords::seconds(templar, job.task.r#async.as_ref())?;
        let limit = limit.filter(|limit| !limit.is_zero());
        let poll = keywords::number(templar, job.task.poll.as_ref())?;
        if limit.is_some() && poll == Some(0.0) {
            return Err(TaskError::Failed(
                "`async` with `poll: 0` (a task left behind in the background) is not supported by Strata"
                    .to_owned(),
            ));
        }
        Ok(Self { limit })
    }
}

/// Does the task until it is good, or tried often enough.
async fn repeat(
    call: &Call<'_>,
    tries: &Tries,
    limit: Option<Duration>,
) -> Result<ItemResult, TaskError> {
    let job = call.job;
    let mut attempt = 1;
    loop {
        let done = once(call, limit).await?;
        let mut result = ItemResult {
            values: done.values,
            diffs: done.diffs,
            effects: done.effects,
            ..ItemResult::default()
        };
        complete(&mut result.values);
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
        if tries.most == 1 || good(job, &templar, &result)? {
            result.notify = notified(job, &templar)?;
            return Ok(result);
        }
        if attempt >= tries.most {
            result
                .values
                .insert("attempts".to_owned(), (tries.most - 1).into());
            result.values.insert("failed".to_owned(), true.into());
            return Ok(result);
        }
        tokio::time::sleep(tries.delay).await;
        attempt += 1;
    }
}

async fn once(call: &Call<'_>, limit: Option<Duration>) -> Result<ActionResult, TaskError> {
    let action = actions::run(call);
    let Some(limit) = limit else {
        return action.await;
    };
    match tokio::time::timeout(limit, action).await {
        Ok(result) => result,
        Err(_) => Err(TaskError::Failed(format!(
            "the task was ended after {} s, its time limit",
            limit.as_secs()
        ))),
    }
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
