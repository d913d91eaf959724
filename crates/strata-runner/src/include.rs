//! Reads the tasks that an `include_tasks` or `include_role` brings for a host.

use strata_core::Diagnostics;
use strata_playbook::{
    load::{self, Included, RoleInclude, Site},
    play::{Action, Node, Play, Spanned},
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
    let site = Site {
        play,
        task: &job.task,
        parameters: &include.parameters,
    };
    let load_options = &options.load;
    let included = match &job.task.action {
        Action::IncludeTasks { apply, .. } => {
            let apply = apply.as_ref().map(|apply| &apply.value);
            load::include_tasks(files, site, &name, apply, load_options, &mut diags)
        }
        Action::IncludeRole {
            apply,
            public,
            allow_duplicates,
            validate,
            ..
        } => {
            let role = RoleInclude {
                name: &name,
                from: &include.from,
                apply: apply.as_ref().map(|apply| &apply.value),
                public: include.flag("public", *public),
                allow_duplicates: include.flag("allow_duplicates", *allow_duplicates),
                validate: include.flag("rolespec_validate", *validate),
            };
            load::include_role(files, site, role, load_options, &mut diags)
        }
        Action::Module { .. } | Action::Meta(_) => None,
    };
    if let Some(included) = &included {
        supported::check_nodes(&included.nodes, play, options, &mut diags);
    }
    match included {
        Some(included) if !diags.has_errors() => Ok(included),
        _ => Err(diags),
    }
}

/// The file that the tasks came from, as far as there are any.
pub(crate) fn file(included: &Included) -> Option<String> {
    let span = match included.nodes.first()? {
        Node::Task(task) => &task.span,
        Node::Block(block) => &block.span,
        Node::RoleDone(_) => return None,
    };
    Some(span.file.to_string())
}

/// What is shown when the tasks are there.
pub(crate) fn message(job: &Job, include: &Include, file: &str) -> String {
    let what = match &job.task.action {
        Action::IncludeRole { .. } => &include.name,
        _ => file,
    };
    format!("included: {what} for {}", job.host)
}
