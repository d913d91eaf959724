//! Loads what the runner reaches: `include_tasks` and `include_role`.

use std::{path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, files::Files};

use super::{Options, context::Context, keywords::inherit, reader::Reader, roles::Spec};
use crate::{
    play::{Handler, JsonMap, Keywords, Node, Play, Role, RoleFiles, Spanned, Task},
    yaml,
};

/// What an `include_tasks` or `include_role` brought.
#[derive(Clone, Debug)]
pub struct Included {
    /// The tasks.
    pub nodes: Vec<Node>,
    /// Handlers of included roles.
    pub handlers: Vec<Arc<Handler>>,
    /// The included roles with their dependencies.
    pub roles: Vec<Arc<Role>>,
}

/// Where an include stands and what goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The play.
    pub play: &'a Play,
    /// The task that includes.
    pub task: &'a Task,
    /// Variables that go with the include: its `vars` and the loop variable, rendered.
    pub parameters: &'a Arc<JsonMap>,
}

/// Reads the tasks of a file for the `include_tasks` task that reached it.
///
/// `file` is rendered; a relative one is looked for beside the including file and in the role's `tasks`.
pub fn include_tasks(
    files: &dyn Files,
    site: Site<'_>,
    file: &Spanned<String>,
    apply: Option<&yaml::Node>,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Included> {
    if is_too_deep(site, file, diags) {
        return None;
    }
    with_reader(files, options, diags, |reader| {
        let context = context(reader, site, apply);
        let path = reader.find_task_file(file, &context, "tasks")?;
        let nodes = reader.task_file(&path, &file.span, &context);
        Some(Included {
            nodes,
            handlers: std::mem::take(&mut reader.imported_handlers),
            roles: std::mem::take(&mut reader.imported_roles),
        })
    })
}

/// A role as `include_role` asks for it, rendered.
#[derive(Clone, Copy, Debug)]
pub struct RoleInclude<'a> {
    /// Its name.
    pub name: &'a Spanned<String>,
    /// Which of its files to use.
    pub from: &'a RoleFiles,
    /// Keywords for its tasks.
    pub apply: Option<&'a yaml::Node>,
    /// Whether its variables are seen by the rest of the play.
    pub public: bool,
    /// Whether it may run again with equal files.
    pub allow_duplicates: bool,
    /// Whether its arguments are checked.
    pub validate: bool,
}

/// Loads a role for the `include_role` task that reached it.
pub fn include_role(
    files: &dyn Files,
    site: Site<'_>,
    role: RoleInclude<'_>,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Included> {
    if is_too_deep(site, role.name, diags) {
        return None;
    }
    let spec = Spec {
        name: role.name.clone(),
        from: role.from.clone(),
        parameters: Arc::default(),
        given: Arc::default(),
        public: role.public,
        allow_duplicates: Some(role.allow_duplicates),
        validate: role.validate,
        by_task: true,
        words: String::new(),
    };
    with_reader(files, options, diags, |reader| {
        let context = context(reader, site, role.apply);
        let mut loaded = reader.role(&spec, &context)?;
        loaded.handlers.append(&mut reader.imported_handlers);
        loaded.roles.append(&mut reader.imported_roles);
        Some(Included {
            nodes: loaded.nodes,
            handlers: loaded.handlers,
            roles: loaded.roles,
        })
    })
}

/// How many includes may stand inside of one another. Ansible has no bound but its patience and memory.
const MOST_INCLUDES: usize = 500;

/// Refuses what includes itself without end.
fn is_too_deep(site: Site<'_>, name: &Spanned<String>, diags: &mut Diagnostics) -> bool {
    let is_too_deep = site.task.include_parameters.len() >= MOST_INCLUDES;
    if is_too_deep {
        let message = format!(
            "`{}` is included inside of {MOST_INCLUDES} includes: does it include itself?",
            name.value
        );
        diags.push(Diagnostic::error("include-depth", message).at(name.span.clone()));
    }
    is_too_deep
}

fn with_reader(
    files: &dyn Files,
    options: &Options,
    diags: &mut Diagnostics,
    body: impl FnOnce(&mut Reader<'_>) -> Option<Included>,
) -> Option<Included> {
    let mut found = Diagnostics::new();
    let result = body(&mut Reader::new(files, options, &mut found));
    let failed = found.has_errors();
    diags.append(found);
    result.filter(|_| !failed)
}

/// Included tasks inherit what is around the include, and `apply`, but not what the include says for itself.
fn context(reader: &mut Reader<'_>, site: Site<'_>, apply: Option<&yaml::Node>) -> Context {
    reader.begin_play(&site.play.vars);
    let mut own = Keywords::default();
    for entry in apply.and_then(yaml::Node::entries).unwrap_or_default() {
        if !reader.keyword(entry, &mut own) {
            reader.unknown(entry, "`apply`", super::keywords::SHARED);
        }
    }
    // One for each include around the tasks, so that their number tells how deep they are.
    let mut include_parameters = site.task.include_parameters.clone();
    include_parameters.push(site.parameters.clone());
    Context {
        keywords: Arc::new(inherit(&site.task.inherited, own)),
        role: site.task.role.clone(),
        folder: site.task.folder.clone(),
        playbook_folder: Path::new(&site.play.folder).to_owned(),
        include_parameters,
        depth: 0,
    }
}

#[cfg(test)]
mod tests {
    use strata_core::files::MemoryFiles;

    use super::*;

    #[test]
    fn tasks_that_include_themselves_come_to_an_end() {
        let book = "- hosts: all\n  tasks:\n    - include_tasks: again.yml\n";
        let files = MemoryFiles::new([
            ("site.yml", book),
            ("again.yml", "- include_tasks: again.yml\n"),
        ]);
        let (options, mut diags) = (Options::default(), Diagnostics::new());
        let playbook = super::super::load(&files, Path::new("site.yml"), &options, &mut diags);
        let playbook = playbook.expect("the playbook is right");
        let play = &playbook.plays[0];
        let mut nodes = play.tasks.clone();
        for depth in 0..=MOST_INCLUDES {
            let Some(Node::Task(task)) = nodes.first().cloned() else {
                panic!("there is a task at depth {depth}");
            };
            let parameters = Arc::default();
            let site = Site {
                play,
                task: &task,
                parameters: &parameters,
            };
            let name = Spanned {
                value: "again.yml".to_owned(),
                span: task.span.clone(),
            };
            match include_tasks(&files, site, &name, None, &options, &mut diags) {
                Some(included) => nodes = included.nodes,
                None => {
                    assert_eq!(depth, MOST_INCLUDES);
                    assert!(diags.iter().any(|found| found.code == "include-depth"));
                    return;
                }
            }
        }
        panic!("it goes on without end");
    }
}
