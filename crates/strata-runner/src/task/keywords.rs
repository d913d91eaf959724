//! A task's keywords, rendered for a host.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value as Json;
use strata_core::ResultKind;
use strata_jinja::{Templar, TemplateError, as_python, is_omit};
use strata_playbook::{
    inventory::LOCAL,
    play::{Action, Keywords, Spanned, Task},
    variables::HostVariables,
};
use strata_transport::{Become, BecomeMethod};

use super::Job;
use crate::{
    JsonMap, Options,
    outcome::{text, truth},
    session::{Target, TaskError},
};

/// Renders a keyword that says yes or no.
pub(crate) fn boolean(
    templar: &Templar,
    keyword: Option<&Spanned<Json>>,
) -> Result<Option<bool>, TemplateError> {
    let Some(keyword) = keyword else {
        return Ok(None);
    };
    let value = templar.render(&keyword.value)?;
    Ok((!is_omit(&value) && !value.is_null()).then(|| truth(&value)))
}

/// Renders a keyword that is a text.
pub(super) fn words(
    templar: &Templar,
    keyword: Option<&Spanned<Json>>,
) -> Result<Option<String>, TemplateError> {
    let Some(keyword) = keyword else {
        return Ok(None);
    };
    let value = templar.render(&keyword.value)?;
    Ok((!is_omit(&value) && !value.is_null()).then(|| text(&value)))
}

/// Renders a keyword that is a number; texts of digits count.
pub(super) fn number(
    templar: &Templar,
    keyword: Option<&Spanned<Json>>,
) -> Result<Option<f64>, TaskError> {
    let Some(words) = words(templar, keyword)? else {
        return Ok(None);
    };
    match words.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(TaskError::Failed(format!("`{words}` is not a number"))),
    }
}

/// A whole number of seconds as a span of time; negative ones count as none.
pub(super) fn seconds(
    templar: &Templar,
    keyword: Option<&Spanned<Json>>,
) -> Result<Option<Duration>, TaskError> {
    let number = number(templar, keyword)?;
    Ok(
        number
            .map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
    )
}

/// The pause between the items of a loop.
pub(super) fn loop_pause(job: &Job) -> Result<Option<Duration>, String> {
    let templar = job.templates.templar(&job.variables);
    seconds(&templar, job.task.loop_control.pause.as_ref()).map_err(|error| match error {
        TaskError::Failed(reason) | TaskError::Unreachable(reason) => {
            format!("the loop's pause cannot be used: {reason}")
        }
    })
}

/// True if the loop ends after this item (`break_when`).
pub(super) fn breaks(job: &Job, variables: &HostVariables) -> bool {
    let conditions = &job.task.loop_control.break_when;
    let templar = job.templates.templar(variables);
    !conditions.is_empty()
        && conditions
            .iter()
            .all(|condition| templar.condition(&condition.value).unwrap_or(false))
}

/// The environment variables of a task: the outermost first, later ones win.
pub(super) fn environment(
    templar: &Templar,
    keywords: &Keywords,
) -> Result<BTreeMap<String, String>, TaskError> {
    let mut all = BTreeMap::new();
    for entry in &keywords.environment {
        let rendered = templar.render(&entry.value)?;
        let maps = match rendered {
            Json::Array(items) => items,
            other => vec![other],
        };
        for map in maps {
            match map {
                Json::Object(map) => {
                    let texts = map.iter();
                    let texts = texts.map(|(name, value)| (name.clone(), as_python(value)));
                    all.extend(texts);
                }
                Json::Null => {}
                value if is_omit(&value) => {}
                other => {
                    return Err(TaskError::Failed(format!(
                        "`environment` needs a mapping, not `{other}`"
                    )));
                }
            }
        }
    }
    Ok(all)
}

/// How the host is reached, by its variables and the task's keywords.
pub(crate) fn target(
    templar: &Templar,
    host: &Arc<str>,
    variables: &HostVariables,
    keywords: &Keywords,
) -> Result<Target, TaskError> {
    let mut rendered = JsonMap::new();
    for name in connection_variables(variables) {
        let value = templar
            .render_text(&format!("{{{{ {name} }}}}"))
            .map_err(|error| {
                let TaskError::Failed(reason) = TaskError::from(error) else {
                    return TaskError::Failed(format!("the variable `{name}` cannot be rendered"));
                };
                TaskError::Failed(format!(
                    "the variable `{name}` cannot be rendered: {reason}"
                ))
            })?;
        rendered.insert(name, value);
    }
    let stand_ins = [
        ("ansible_connection", &keywords.connection),
        ("ansible_user", &keywords.remote_user),
        ("ansible_port", &keywords.port),
    ];
    for (name, keyword) in stand_ins {
        if rendered.contains_key(name) {
            continue;
        }
        if let Some(value) = words(templar, keyword.as_ref())? {
            rendered.insert(name.to_owned(), value.into());
        }
    }
    let here = LOCAL.contains(&&**host);
    if here && !rendered.contains_key("ansible_connection") {
        rendered.insert("ansible_connection".to_owned(), "local".into());
    }
    Ok(Target {
        host: host.clone(),
        variables: rendered,
    })
}

/// The names of the variables that say how a host is reached. Facts have no say in that.
fn connection_variables(variables: &HostVariables) -> Vec<String> {
    let single = [
        &variables.inventory,
        &variables.include_vars,
        &variables.set_facts,
        &variables.extra_vars,
    ];
    let many = [
        &variables.role_defaults,
        &variables.play_vars,
        &variables.vars_files,
        &variables.role_vars,
        &variables.task_vars,
        &variables.role_parameters,
        &variables.include_parameters,
    ];
    let maps = single.into_iter().chain(many.into_iter().flatten());
    let mut names: Vec<String> = maps
        .flat_map(|map| map.keys())
        .filter(|name| says_how(name))
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn says_how(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let other = name.starts_with("ansible_become")
        || name.starts_with("ansible_loop")
        || name.starts_with("ansible_failed_")
        || matches!(
            name,
            "ansible_facts"
                | "ansible_index_var"
                | "ansible_python_interpreter"
                | "ansible_managed"
        );
    plain && name.starts_with("ansible_") && !other
}

/// Whom the task becomes on the host: variables win over keywords, keywords over the run's defaults.
pub(super) fn privilege(
    templar: &Templar,
    variables: &HostVariables,
    keywords: &Keywords,
    options: &Options,
) -> Result<Option<Become>, TaskError> {
    use strata_jinja::Variables as _;
    let defaults = &options.become_defaults;
    let variable = |names: [&str; 2]| -> Result<Option<Json>, TemplateError> {
        for name in names {
            if variables.get(name).is_some() {
                return templar.render_text(&format!("{{{{ {name} }}}}")).map(Some);
            }
        }
        Ok(None)
    };
    let said = match variable(["ansible_become", "ansible_become"])? {
        Some(value) => Some(truth(&value)),
        None => boolean(templar, keywords.r#become.as_ref())?,
    };
    if !said.unwrap_or(defaults.enabled) {
        return Ok(None);
    }
    let choose = |value: Option<Json>, keyword: Option<&Spanned<Json>>, default: &str| {
        let value = value
            .filter(|value| !value.is_null())
            .map(|value| text(&value));
        match value {
            Some(value) => Ok::<String, TemplateError>(value),
            None => Ok(words(templar, keyword)?.unwrap_or_else(|| default.to_owned())),
        }
    };
    let user = choose(
        variable(["ansible_become_user", "ansible_become_user"])?,
        keywords.become_user.as_ref(),
        &defaults.user,
    )?;
    let method = choose(
        variable(["ansible_become_method", "ansible_become_method"])?,
        keywords.become_method.as_ref(),
        &defaults.method,
    )?;
    let password = variable(["ansible_become_password", "ansible_become_pass"])?
        .filter(|value| !value.is_null())
        .map(|value| text(&value))
        .or_else(|| defaults.password.clone());
    let optional =
        |value: Option<Json>, keyword: Option<&Spanned<Json>>, default: &Option<String>| {
            let value = choose(value, keyword, default.as_deref().unwrap_or_default())?;
            Ok::<_, TemplateError>(Some(value).filter(|value| !value.trim().is_empty()))
        };
    let exe = optional(
        variable(["ansible_become_exe", "ansible_sudo_exe"])?,
        keywords.become_exe.as_ref(),
        &defaults.exe,
    )?;
    let flags = optional(
        variable(["ansible_become_flags", "ansible_sudo_flags"])?,
        keywords.become_flags.as_ref(),
        &defaults.flags,
    )?;
    Ok(Some(Become {
        user,
        method: become_method(&method)?,
        password,
        exe,
        flags,
    }))
}

fn become_method(name: &str) -> Result<BecomeMethod, TaskError> {
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    match short.strip_prefix("community.general.").unwrap_or(short) {
        "sudo" => Ok(BecomeMethod::Sudo),
        "su" => Ok(BecomeMethod::Su),
        "doas" => Ok(BecomeMethod::Doas),
        other => Err(TaskError::Failed(format!(
            "`become_method: {other}` is not supported by Strata, only `sudo`, `su` and `doas`"
        ))),
    }
}

/// True if the task brings further tasks.
pub(crate) fn is_include(task: &Task) -> bool {
    matches!(
        task.action,
        Action::IncludeTasks { .. } | Action::IncludeRole { .. }
    )
}

/// What a result of the task is, for those who show it.
pub(crate) fn kind(task: &Task) -> ResultKind {
    match &task.action {
        Action::Module { name, .. } if name.value == "debug" => ResultKind::Shown,
        Action::Module { name, arguments } if name.value == "assert" => {
            // What was quiet about it is known by its argument alone.
            let quiet = arguments.value.get("quiet").is_some_and(truth);
            if quiet {
                ResultKind::Plain
            } else {
                ResultKind::Verbose
            }
        }
        _ => ResultKind::Plain,
    }
}
