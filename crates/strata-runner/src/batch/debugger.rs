//! `debugger`: after a task went wrong, or whenever it is wanted, the user looks at it, mends it and does it again.
//!
//! The commands are those of Ansible's task debugger. What it evaluates as Python is an expression of Jinja here, over
//! the same names: `task`, `task_vars`, `host` and `result`.

use serde_json::{Value as Json, json};
use strata_core::TaskOutcome;
use strata_playbook::play::{Action, Debugger};

use super::Batch;
use crate::{
    JsonMap,
    outcome::{self, ItemResult},
    scope::with_local,
    task::Job,
};

/// What to do with a result.
pub(super) enum Verdict {
    /// Nobody is asked: it counts.
    Unasked,
    /// It counts; it was shown before.
    Continue,
    /// The task is to be done again.
    Redo,
    /// It counts, and nothing comes after it.
    Quit,
}

const HELP: &str = "\
p EXPRESSION             show `task`, `task.args`, `task_vars['NAME']`, `host` or `result._result`
task.args['NAME'] = ...  change an argument of the task
task_vars['NAME'] = ...  change a variable of the task
u(pdate_task)            take changed variables into the task
r(edo)                   do the task again
c(ontinue)               go on with this result
q(uit)                   end the run";

impl Batch<'_> {
    /// Shows a result and asks what to do about it, if the task says that somebody is to be asked.
    pub(super) fn debug(&mut self, at: usize, job: &mut Job, whole: &ItemResult) -> Verdict {
        if self.quits || !self.is_debugged(job, whole) {
            return Verdict::Unasked;
        }
        self.show(job, whole, false);
        let watch = self.watch(&job.host);
        job.variables = self.variables(&job.host, &job.task, &watch);
        let mut said = String::new();
        loop {
            let question = format!("{said}[{}] TASK: {} (debug)> ", job.host, job.name);
            let ask = self.shared.options.ask.clone();
            let Some(line) = ask.and_then(|ask| ask(&question, false)) else {
                return self.quit();
            };
            let line = line.trim();
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            said = match word {
                "c" | "continue" => return Verdict::Continue,
                "r" | "redo" => {
                    self.hosts[at].state = super::State::Busy;
                    return Verdict::Redo;
                }
                "q" | "quit" | "EOF" => return self.quit(),
                // Templates are rendered anew each time the task is done.
                "" | "u" | "update_task" => String::new(),
                "h" | "help" | "?" => format!("{HELP}\n"),
                "p" | "pprint" => evaluated(job, whole, &format!("({rest}) | pprint")),
                _ => changed(job, whole, line),
            };
        }
    }

    fn quit(&mut self) -> Verdict {
        self.quits = true;
        Verdict::Quit
    }

    fn is_debugged(&self, job: &Job, whole: &ItemResult) -> bool {
        let outcome = whole.outcome();
        let is_failed = outcome == TaskOutcome::Failed;
        let is_unreachable = outcome == TaskOutcome::Unreachable;
        match job.task.keywords.debugger {
            Some(Debugger::Always) => true,
            Some(Debugger::Never) => false,
            Some(Debugger::OnFailed) => is_failed,
            Some(Debugger::OnUnreachable) => is_unreachable,
            Some(Debugger::OnSkipped) => outcome == TaskOutcome::Skipped,
            None => self.debugs && (is_failed || is_unreachable),
        }
    }
}

/// What an expression is, or why it is nothing, as a line.
fn evaluated(job: &Job, whole: &ItemResult, expression: &str) -> String {
    match value(job, whole, expression) {
        Ok(value) => format!("{}\n", outcome::text(&value)),
        Err(reason) => format!("***{reason}\n"),
    }
}

fn value(job: &Job, whole: &ItemResult, expression: &str) -> Result<Json, String> {
    let result = Json::Object(whole.values.clone());
    let arguments = match &job.task.action {
        Action::Module { arguments, .. } => arguments.value.clone(),
        _ => Json::Null,
    };
    let templar = job.templates.templar(&job.variables);
    let variables: JsonMap = templar_names(job)
        .into_iter()
        .filter(|name| expression.contains(name.as_str()))
        .filter_map(|name| {
            let value = templar.expression(&name).ok()?;
            Some((name, value))
        })
        .collect();
    let seen = [
        ("host", json!(&*job.host)),
        (
            "task",
            json!({"name": &*job.name, "action": job.task.written, "args": arguments}),
        ),
        ("task_vars", Json::Object(variables)),
        ("result", json!({"_result": result, "_return_data": result})),
    ];
    let seen = seen.map(|(name, value)| (name.to_owned(), value));
    let local = with_local(&job.variables, seen);
    let said = job.templates.templar(&local).expression(expression);
    said.map_err(|error| error.to_string())
}

fn templar_names(job: &Job) -> Vec<String> {
    use strata_jinja::Variables;
    job.variables.names()
}

/// Changes an argument or a variable: `task.args['NAME'] = EXPRESSION`.
fn changed(job: &mut Job, whole: &ItemResult, line: &str) -> String {
    let Some((target, name, expression)) = assignment(line) else {
        return evaluated(job, whole, line);
    };
    let value = match value(job, whole, expression) {
        Ok(value) => value,
        Err(reason) => return format!("***{reason}\n"),
    };
    if target == "task_vars" {
        job.variables = with_local(&job.variables, [(name.to_owned(), value)]);
        return String::new();
    }
    let mut task = (*job.task).clone();
    if let Action::Module { arguments, .. } = &mut task.action
        && let Json::Object(map) = &mut arguments.value
    {
        map.insert(name.to_owned(), value);
    }
    job.task = task.into();
    String::new()
}

/// What is changed (`task.args` or `task_vars`), the name in it, and the expression behind `=`.
fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    let (place, expression) = line.split_once('=')?;
    let (target, name) = place.trim().strip_suffix(']')?.split_once('[')?;
    let target = target.trim();
    let name = name.trim().trim_matches(['\'', '"']);
    let is_known = matches!(target, "task.args" | "task_vars") && !expression.starts_with('=');
    is_known.then_some((target, name, expression.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_name_what_they_change() {
        assert_eq!(
            assignment("task.args['msg'] = 'a=b'"),
            Some(("task.args", "msg", "'a=b'"))
        );
        assert_eq!(
            assignment("task_vars[\"x\"]=1"),
            Some(("task_vars", "x", "1"))
        );
        for other in ["task.args['a'] == 1", "x = 1", "task.name = 'n'", "p task"] {
            assert_eq!(assignment(other), None, "{other}");
        }
    }
}
