//! A task, what it does, and how often.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value as Json;
use strata_core::Span;

use super::{JsonMap, Keywords, Role, Spanned};

/// One task, with everything that its blocks, role and play say about it.
#[derive(Clone, Debug)]
pub struct Task {
    /// As the user named it, perhaps a template.
    pub name: Option<Spanned<Json>>,
    /// What it does.
    pub action: Action,
    /// The module's name as the user wrote it, by which a task without a name is shown.
    pub written: String,
    /// Inherited and own keywords.
    pub keywords: Arc<Keywords>,
    /// The inherited keywords alone, which is what the tasks of a dynamic include inherit.
    pub inherited: Arc<Keywords>,
    /// Over what it repeats.
    pub r#loop: Option<Loop>,
    /// How it repeats.
    pub loop_control: LoopControl,
    /// The variable that gets the result.
    pub register: Option<String>,
    /// The handlers to notify on change, perhaps templates.
    pub notify: Vec<Spanned<Json>>,
    /// When it counts as changed: all must hold; none: as the module says.
    pub changed_when: Option<Vec<Spanned<Json>>>,
    /// When it counts as failed: all must hold; none: as the module says.
    pub failed_when: Option<Vec<Spanned<Json>>>,
    /// What must hold before it is not tried again.
    pub until: Option<Vec<Spanned<Json>>>,
    /// How often it is tried again.
    pub retries: Option<Spanned<Json>>,
    /// Seconds between tries.
    pub delay: Option<Spanned<Json>>,
    /// Seconds it may run in the background.
    pub r#async: Option<Spanned<Json>>,
    /// Seconds between looks at what runs in the background.
    pub poll: Option<Spanned<Json>>,
    /// The role it belongs to.
    pub role: Option<Arc<Role>>,
    /// The folder of the file it stands in, where relative paths are looked for first.
    pub folder: PathBuf,
    /// Variables given by the include that brought it: precedence of include parameters.
    pub include_parameters: Vec<Arc<JsonMap>>,
    /// Whether it was written into the program, not by the user (a flush of handlers).
    pub implicit: bool,
    /// Where it begins.
    pub span: Span,
}

/// What a task does.
#[derive(Clone, Debug)]
pub enum Action {
    /// A module or action of this name.
    Module {
        /// The short name: `copy`; the full one for collections beyond `ansible.builtin`: `ansible.posix.mount`.
        name: Spanned<String>,
        /// The arguments: a mapping, with `_raw_params` for the free form; a text where all are one template.
        arguments: Spanned<Json>,
    },
    /// `include_tasks`: a file to be read when it is reached.
    IncludeTasks {
        /// The file, perhaps a template.
        file: Spanned<Json>,
        /// Keywords for the included tasks.
        apply: Option<Box<Spanned<crate::yaml::Node>>>,
    },
    /// `include_role`: a role to be loaded when it is reached.
    IncludeRole {
        /// The role, perhaps a template.
        name: Spanned<Json>,
        /// The files to use in place of `main`.
        from: RoleFiles,
        /// Keywords for the role's tasks.
        apply: Option<Box<Spanned<crate::yaml::Node>>>,
        /// Whether its variables are seen by the rest of the play.
        public: bool,
        /// Whether it may run again with equal parameters.
        allow_duplicates: bool,
        /// Whether its arguments are checked by its `meta/argument_specs.yml`.
        validate: bool,
        /// Those of the three above that are templates, by the names of their arguments.
        flags: Vec<(&'static str, Spanned<Json>)>,
    },
    /// `meta`: `flush_handlers`, `end_host`, ...
    Meta(Spanned<String>),
}

impl Action {
    /// An argument of a module as it is written.
    pub fn argument(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Module { arguments, .. } => arguments.value.get(name),
            _ => None,
        }
    }
}

/// Which files of a role to use in place of `main`, perhaps by templates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleFiles {
    /// In `tasks`.
    pub tasks: Option<String>,
    /// In `vars`.
    pub vars: Option<String>,
    /// In `defaults`.
    pub defaults: Option<String>,
    /// In `handlers`.
    pub handlers: Option<String>,
}

impl RoleFiles {
    /// The same files with names that are templates as `render` has them.
    pub fn rendered<E>(
        &self,
        mut render: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut one = |name: &Option<String>| match name {
            Some(text) if text.contains("{{") => render(text).map(Some),
            plain => Ok(plain.clone()),
        };
        Ok(Self {
            tasks: one(&self.tasks)?,
            vars: one(&self.vars)?,
            defaults: one(&self.defaults)?,
            handlers: one(&self.handlers)?,
        })
    }
}

/// Over what a task repeats.
#[derive(Clone, Debug)]
pub enum Loop {
    /// `loop`: a list, perhaps a template.
    Loop(Spanned<Json>),
    /// `with_LOOKUP`: the lookup's name and terms; `items` flattens one level.
    With {
        /// The lookup's name: `items`, `dict`, `fileglob`, ...
        lookup: Spanned<String>,
        /// Its terms, perhaps templates.
        terms: Spanned<Json>,
    },
}

/// How a task repeats.
#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    /// The variable of the loop; none: `item`.
    pub loop_var: Option<String>,
    /// The variable for the count from 0.
    pub index_var: Option<String>,
    /// What to show for an item, perhaps a template.
    pub label: Option<Spanned<Json>>,
    /// Seconds between items.
    pub pause: Option<Spanned<Json>>,
    /// Whether `ansible_loop` is set.
    pub extended: bool,
    /// Whether `ansible_loop.allitems` is left out.
    pub without_items: bool,
    /// When to stop: all must hold.
    pub break_when: Vec<Spanned<Json>>,
}

/// A task that runs when it was notified.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The task.
    pub task: Arc<Task>,
    /// Topics it listens to, perhaps templates.
    pub listen: Vec<Spanned<Json>>,
}
