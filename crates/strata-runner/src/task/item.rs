//! One item of a task (or the whole task, without a loop): conditions, arguments, tries, judgement.

use std::sync::Arc;

use serde_json::Value as Json;
use strata_jinja::{Templar, TemplateError};
use strata_playbook::{
    play::{Action, Spanned},
    variables::HostVariables,
};

use super::{
    Call, Job, Shared,
    arguments::{arguments_of, module_name},
    call,
    delegated::with_delegate,
    keywords,
    tries::{Background, Tries, repeat},
};
use crate::{
    JsonMap, Options,
    outcome::{self, Effect, Include, ItemResult},
    session::TaskError,
    supported::now_called,
};

/// Does one item; gives none, having done nothing, if it depends on other hosts that are not here yet.
pub(super) async fn run(
    job: &Job,
    shared: &Shared<'_>,
    variables: &HostVariables,
    loop_error: Option<TemplateError>,
) -> Option<ItemResult> {
    let delegated = with_delegate(job, variables);
    let variables = delegated.as_ref().unwrap_or(variables);
    let templar = job.templates.templar(variables);
    let done = decide_and_do(job, shared, variables, &templar, loop_error).await;
    let mut result = match done {
        Ok(Done::Finished(result)) => *result,
        Ok(Done::Crossing) => return None,
        // Before the host was touched, a mistake may come from others that are not here yet.
        Err(_) if job.templates.watch.crossed() => return None,
        Err(error) => ItemResult {
            delegate: call::Place::told(job, variables, &templar),
            ..failed(error)
        },
    };
    let keywords = &job.task.keywords;
    let hides = |keyword: &Option<_>| keyword.is_some() || shared.options.no_log;
    match flags(&templar, job, &shared.options) {
        Ok((no_log, ignore_errors, ignore_unreachable)) => {
            result.no_log |= no_log;
            result.ignore_errors = ignore_errors;
            result.ignore_unreachable = ignore_unreachable;
            // The line below its result says so.
            if ignore_unreachable && result.is_unreachable() {
                result.values.insert("ignored".to_owned(), true.into());
            }
        }
        // Whether a failure is to be ignored is unknown, so that it is unknown whether it is one.
        Err(_) if job.templates.watch.met_unknown() => {
            if result.is_failed() {
                result = ItemResult::unknown();
            }
            result.no_log |= hides(&keywords.no_log);
        }
        Err(error) => {
            result.no_log |= hides(&keywords.no_log);
            result.values.extend(failed(error.into()).values);
        }
    }
    Some(result)
}

enum Done {
    Crossing,
    Finished(Box<ItemResult>),
}

fn flags(
    templar: &Templar,
    job: &Job,
    options: &Options,
) -> Result<(bool, bool, bool), TemplateError> {
    let keywords = &job.task.keywords;
    let flag = |keyword: &Option<Spanned<Json>>, usual: bool| {
        keywords::boolean(templar, keyword.as_ref()).map(|value| value.unwrap_or(usual))
    };
    Ok((
        flag(&keywords.no_log, options.no_log)?,
        flag(&keywords.ignore_errors, false)?,
        flag(&keywords.ignore_unreachable, false)?,
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
    let loop_is_unknown = watch.take_unknown();
    watch.condition(true);
    let decided = decide(templar, job);
    watch.condition(false);
    match decided? {
        Decision::Skip(_) if watch.crossed() => return Ok(Done::Crossing),
        Decision::Skip(condition) => return Ok(Done::Finished(Box::new(skip(condition)))),
        Decision::Unknown if is_include_vars(job) => {
            return Ok(doubted(act(job, shared, variables, templar).await));
        }
        Decision::Unknown => return Ok(not_known()),
        Decision::Do if loop_is_unknown => return Ok(not_known()),
        Decision::Do => {}
    }
    if let Some(error) = loop_error {
        return Err(error.into());
    }
    let done = act(job, shared, variables, templar).await;
    // What is made of something unknown is unknown, and so is what fails for it.
    match watch.met_unknown() {
        true => Ok(not_known()),
        false => done,
    }
}

fn is_include_vars(job: &Job) -> bool {
    matches!(&job.task.action, Action::Module { name, .. } if name.value == "include_vars")
}

/// Variables that a file may or may not have given: each is unknown, as far as the file is there.
fn doubted(done: Result<Done, TaskError>) -> Done {
    let mut result = ItemResult::unknown();
    if let Ok(Done::Finished(read)) = done {
        let names = read.effects.iter().filter_map(|effect| match effect {
            Effect::Facts { facts, .. } => Some(facts.keys().cloned().collect()),
            _ => None,
        });
        result.effects = names.map(|names| Effect::Doubt { names }).collect();
    }
    Done::Finished(Box::new(result))
}

fn not_known() -> Done {
    Done::Finished(Box::new(ItemResult::unknown()))
}

async fn act(
    job: &Job,
    shared: &Shared<'_>,
    variables: &HostVariables,
    templar: &Templar,
) -> Result<Done, TaskError> {
    match &job.task.action {
        Action::IncludeTasks { file, .. } => include(job, templar, &file.value),
        Action::IncludeRole { name, .. } => include(job, templar, &name.value),
        Action::Meta(name) => Err(TaskError::Failed(format!(
            "`meta: {}` cannot stand here",
            name.value
        ))),
        Action::Module { name, arguments } => {
            let name = module_name(templar, &name.value)?;
            let name = now_called(name, &job.task, &job.scope.play, &shared.options);
            let arguments = arguments_of(job, templar, &name, &arguments.value)?;
            module(job, shared, variables, templar, &name, arguments).await
        }
    }
}

/// What the conditions of a task say.
enum Decision<'a> {
    Do,
    /// This one does not hold.
    Skip(&'a Json),
    /// They depend on what is not known.
    Unknown,
}

/// Asks all conditions: one that is known not to hold decides, whatever the others depend on.
fn decide<'a>(templar: &Templar, job: &'a Job) -> Result<Decision<'a>, TaskError> {
    let watch = &job.templates.watch;
    let mut unknown = false;
    for condition in &job.task.keywords.when {
        let holds = templar.condition(&condition.value);
        if watch.take_unknown() {
            unknown = true;
        } else if !holds? {
            return Ok(Decision::Skip(&condition.value));
        }
    }
    Ok(match unknown {
        true => Decision::Unknown,
        false => Decision::Do,
    })
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

pub(super) fn all_hold(templar: &Templar, conditions: &[Spanned<Json>]) -> Result<bool, TaskError> {
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
    let (from, flags) = match &job.task.action {
        Action::IncludeRole { from, flags, .. } => {
            let text = |file: &str| Ok(outcome::text(&templar.render_text(file)?));
            let from = from.rendered::<TemplateError>(text)?;
            let flags = flags.iter().map(|(flag, value)| {
                let value = templar.render(&value.value)?;
                Ok((*flag, outcome::truth(&value)))
            });
            (from, flags.collect::<Result<_, TemplateError>>()?)
        }
        _ => Default::default(),
    };
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
            from,
            flags,
            label: None,
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
    let timeout = keywords::seconds(templar, keywords.timeout.as_ref())?.or(options.task_timeout);
    let background = Background::of(job, templar)?;
    let call = Call {
        background: background.limit.filter(|_| background.is_left_behind()),
        job,
        shared,
        variables,
        templar,
        name,
        arguments,
        check: keywords::boolean(templar, keywords.check_mode.as_ref())?.unwrap_or(options.check),
        diff: keywords::boolean(templar, keywords.diff.as_ref())?.unwrap_or(options.diff),
        no_log: keywords::boolean(templar, keywords.no_log.as_ref())?.unwrap_or(options.no_log),
        environment: keywords::environment(templar, keywords)?,
        place,
    };
    let tries = Tries::of(job, templar)?;
    if job.templates.watch.crossed() {
        return Ok(Done::Crossing);
    }
    let timeout = timeout.filter(|limit| !limit.is_zero());
    let result = repeat(&call, &tries, timeout, &background).await?;
    Ok(Done::Finished(Box::new(result)))
}
