//! Reads the tasks that an `include_tasks` or `include_role` brings for a host.

use strata_core::Diagnostics;
use strata_playbook::{
    load::{self, Included},
    play::{Action, Play, Spanned},
};

use crate::{Options, outcome::Include, supported, task::Job};

/// The tasks of one include.
pub(crate) fn load(
    job: &Job,
    play: &Play,
    include: &Include,
    options: &Options,
) -> Result<Included, Diagnostics> {
    let mut diags = Diagnostics::new();
    let name = Spanned {
        value: include.name.clone(),
        span: job.task.span.clone(),
    };
    let files = options.files.as_ref();
    let parameters = include.parameters.clone();
    let included = match &job.task.action {
        Action::IncludeTasks { .. } => load::include_tasks(
            files,
            play,
            &job.task,
            &name,
            parameters,
            &options.load,
            &mut diags,
        ),
        Action::IncludeRole { from, .. } => load::include_role(
            files,
            play,
            &job.task,
            &name,
            from,
            parameters,
            &options.load,
            &mut diags,
        ),
        Action::Module { .. } | Action::Meta(_) => None,
    };
    if let Some(included) = &included {
        supported::check_nodes(&included.nodes, options, &mut diags);
    }
    match included {
        Some(included) if !diags.has_errors() => Ok(included),
        _ => Err(diags),
    }
}

/// What is shown when the tasks are there.
pub(crate) fn message(job: &Job, include: &Include) -> String {
    format!("included: {} for {}", include.name, job.host)
}
