//! One task on one host: rendered, done, and judged.
//!
//! [`perform`] is a function of what it is given: it changes nothing of the run, all that follows is in its
//! [`Report`]. A task with a loop is done once for each item, one after the other.

mod arguments;
mod call;
mod delegated;
mod item;
mod keywords;
mod loop_items;
mod tries;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strata_core::{Event, Events, ResultKind, TaskOutcome};
use strata_jinja::TemplateError;
use strata_playbook::{play::Task, variables::HostVariables};
use tokio::sync::Semaphore;

use crate::{
    JsonMap, Options,
    hosts::HostTable,
    jobs::Jobs,
    magic::PlayScope,
    outcome::{self, ItemResult},
    scope::{Templates, with_local},
    session::Sessions,
};

pub(crate) use arguments::looks_up;
pub(crate) use call::{ActionResult, Call};
pub(crate) use keywords::{boolean, is_include, kind, target};

/// What all tasks of a run share.
pub(crate) struct Shared<'a> {
    pub(crate) options: Arc<Options>,
    pub(crate) sessions: Sessions<'a>,
    pub(crate) table: Arc<HostTable>,
    pub(crate) events: &'a Events,
    /// Tasks left behind in the background.
    pub(crate) jobs: Jobs,
    /// As many permits as tasks may run at a time.
    pub(crate) forks: Semaphore,
}

/// A task to do on a host, with all it needs.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) host: Arc<str>,
    pub(crate) task: Arc<Task>,
    /// The task's name as events have it.
    pub(crate) name: Arc<str>,
    pub(crate) handler: bool,
    pub(crate) scope: Arc<PlayScope>,
    pub(crate) variables: HostVariables,
    pub(crate) templates: Templates,
    /// Bounds how many hosts do this task at a time.
    pub(crate) throttle: Option<Arc<Semaphore>>,
}

impl Job {
    /// Tells that the host is at it from now on.
    pub(crate) fn begin(&self, shared: &Shared<'_>) {
        shared.events.send(Event::HostBegan {
            host: self.host.clone(),
            task: self.name.clone(),
        });
    }
}

/// What came of a job.
pub(crate) enum Report {
    /// Nothing was done: the task depends on other hosts, which must come here first.
    Crossing,
    /// It is done.
    Done {
        /// The whole result.
        whole: Box<ItemResult>,
        /// The tasks to put behind it, in order.
        includes: Vec<outcome::Include>,
    },
}

/// Does a task on a host.
pub(crate) async fn perform(job: &Job, shared: &Shared<'_>) -> Report {
    let templar = job.templates.templar(&job.variables);
    let items = loop_items::items(job, &templar);
    let _permit = match &job.throttle {
        Some(throttle) => throttle.acquire().await.ok(),
        None => None,
    };
    job.begin(shared);
    match items {
        Ok(None) => single(job, shared, None).await,
        // What to loop over is not known: the task's conditions may still say that it does not matter.
        Ok(Some(_)) if job.templates.watch.met_unknown() => single(job, shared, None).await,
        // Whether the loop's mistake matters is decided by the task's conditions.
        Err(error) => single(job, shared, Some(error)).await,
        Ok(Some(items)) if items.is_empty() => done(outcome::nothing_to_do(), Vec::new()),
        Ok(Some(items)) => repeat(job, shared, items).await,
    }
}

fn done(whole: ItemResult, includes: Vec<outcome::Include>) -> Report {
    Report::Done {
        whole: Box::new(whole),
        includes,
    }
}

async fn single(job: &Job, shared: &Shared<'_>, loop_error: Option<TemplateError>) -> Report {
    match item::run(job, shared, &job.variables, loop_error).await {
        None => Report::Crossing,
        Some(mut result) => {
            let includes = result.include.take().into_iter().collect();
            done(result, includes)
        }
    }
}

/// Of so many rounds a result that nobody registers tells what variables they set, though later ones set them anew: who
/// reads all results as JSON finds them there, as in Ansible. Of a longer loop that would take memory by the square.
const TOLD_WHOLE: usize = 100;

/// Does the task for each item.
async fn repeat(job: &Job, shared: &Shared<'_>, items: Vec<Json>) -> Report {
    let mut variables = HostVariables {
        before_loop: Some(Arc::new(job.variables.clone())),
        ..job.variables.clone()
    };
    let mut results: Vec<ItemResult> = Vec::new();
    let mut includes = Vec::new();
    // The last item that set something.
    let mut latest = None;
    let pause = match keywords::loop_pause(job) {
        Ok(pause) => pause,
        Err(error) => return done(ItemResult::failed(error), Vec::new()),
    };
    for index in 0..items.len() {
        if let (Some(pause), true) = (pause, index > 0) {
            tokio::time::sleep(pause).await;
        }
        // What the item before asked for says nothing of this one.
        job.templates.watch.take_unknown();
        job.templates.watch.finds_out(None);
        let local = loop_variables(job, &items, index);
        variables = with_local(&variables, local.clone());
        let Some(mut result) = item::run(job, shared, &variables, None).await else {
            // A later item that looks at other hosts sees them as they are now: what is done is done.
            if index == 0 {
                return Report::Crossing;
            }
            results.push(ItemResult::failed(
                "an item of this loop depends on other hosts that are not this far yet: \
                 run with the lockstep pace, or split the task",
            ));
            break;
        };
        tries::apply_facts(&mut variables, &result);
        if let Some(register) = &job.task.register {
            let registered = Json::Object(result.values.clone());
            variables = with_local(&variables, [(register.clone(), registered)]);
        }
        result.values.extend(local);
        label(job, &variables, &items[index], &mut result);
        includes.extend(result.include.take().map(|include| outcome::Include {
            label: result.label.clone(),
            ..include
        }));
        show_item(job, shared.events, &result);
        let stop = keywords::breaks(job, &variables);
        if let Some(before) = latest.and_then(|latest: usize| results.get_mut(latest)) {
            let kept = job.task.register.is_some() || index < TOLD_WHOLE;
            before.drop_facts_replaced_by(&result, kept);
        }
        if !result.effects.is_empty() {
            latest = Some(index);
        }
        results.push(result);
        if stop {
            break;
        }
    }
    done(outcome::collect(results), includes)
}

/// The variables of one round, which its result has, too.
fn loop_variables(job: &Job, items: &[Json], index: usize) -> JsonMap {
    let control = &job.task.loop_control;
    let name = control.loop_var.as_deref().unwrap_or("item");
    let mut local = JsonMap::new();
    local.insert(name.to_owned(), items[index].clone());
    local.insert("ansible_loop_var".to_owned(), name.into());
    if let Some(index_var) = &control.index_var {
        local.insert(index_var.clone(), index.into());
        local.insert("ansible_index_var".to_owned(), index_var.as_str().into());
    }
    if control.extended {
        let mut extended = extended(items, index);
        if control.without_items
            && let Json::Object(map) = &mut extended
        {
            map.remove("allitems");
        }
        local.insert("ansible_loop".to_owned(), extended);
    }
    local
}

fn extended(items: &[Json], index: usize) -> Json {
    let length = items.len();
    let mut map = outcome::map(json!({
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index + 1 == length,
        "length": length,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "allitems": items,
    }));
    if let Some(next) = items.get(index + 1) {
        map.insert("nextitem".to_owned(), next.clone());
    }
    if let Some(previous) = index.checked_sub(1).and_then(|index| items.get(index)) {
        map.insert("previtem".to_owned(), previous.clone());
    }
    Json::Object(map)
}

/// What an item is called that nobody is to see.
pub(crate) const CENSORED: &str = "(censored due to no_log)";

/// Names the item for the user: by the label, or as Python prints the item.
fn label(job: &Job, variables: &HostVariables, item: &Json, result: &mut ItemResult) {
    if result.no_log {
        result.label = Some(CENSORED.to_owned());
        return;
    }
    let templar = job.templates.templar(variables);
    let rendered = match &job.task.loop_control.label {
        Some(label) => templar.render(&label.value),
        None => Ok(item.clone()),
    };
    match rendered {
        Ok(Json::String(text)) => result.label = Some(text),
        Ok(value) => {
            let local = with_local(variables, [("strata_label".to_owned(), value.clone())]);
            let printed = job
                .templates
                .templar(&local)
                .expression("strata_label | string");
            result.label = Some(outcome::text(&printed.unwrap_or(value)));
        }
        Err(error) => {
            // As in Ansible, nothing else is told of an item that has no name.
            result.label = Some("None".to_owned());
            result.values =
                outcome::failure(format!("the loop's label cannot be rendered: {error}"));
        }
    }
}

fn show_item(job: &Job, events: &Events, result: &ItemResult) {
    // Included files announce themselves when they are read.
    if keywords::is_include(&job.task) && result.outcome() == TaskOutcome::Ok {
        return;
    }
    let kind = kind(&job.task);
    events.send(Event::TaskFinished {
        host: job.host.clone(),
        task: job.name.clone(),
        item: result.label.clone(),
        outcome: result.outcome(),
        message: result.message(kind != ResultKind::Plain),
        diffs: result.shown_diffs(),
        result: result.json(),
        delegate: result.delegate.clone(),
        kind,
    });
}
