//! Reads lists of tasks and blocks.

use std::{path::Path, sync::Arc};

use serde_json::Value as Json;
use strata_core::Diagnostic;

use super::{
    actions::Named,
    context::{Context, MAX_DEPTH},
    fields::{list, spanned},
    keywords::{SHARED, inherit},
    reader::Reader,
    spelling,
};
use crate::{
    play::{Block, Handler, Keywords, Loop, LoopControl, Node as PlayNode, Spanned, Task},
    yaml::{Entry, Node},
};

/// Keywords that only tasks have.
const TASK: &[&str] = &[
    "action",
    "args",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "local_action",
    "loop",
    "loop_control",
    "name",
    "notify",
    "poll",
    "register",
    "retries",
    "until",
];

/// Keywords that only blocks have.
const BLOCK: &[&str] = &["always", "block", "name", "notify", "rescue"];

/// Lookups over which a task may loop with `with_NAME`.
const WITH: &[&str] = &[
    "community.general.cartesian",
    "community.general.filetree",
    "community.general.flattened",
    "csvfile",
    "inventory_hostnames",
    "lines",
    "pipe",
    "url",
    "varnames",
    "cartesian",
    "dict",
    "env",
    "file",
    "fileglob",
    "filetree",
    "first_found",
    "flattened",
    "indexed_items",
    "ini",
    "items",
    "list",
    "nested",
    "random_choice",
    "sequence",
    "subelements",
    "template",
    "together",
    "vars",
];

/// Keywords that ansible-core refuses of `include_tasks` and `include_role`.
const NOT_OF_INCLUDES: &[&str] = &[
    "any_errors_fatal",
    "async",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "changed_when",
    "check_mode",
    "connection",
    "delay",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "failed_when",
    "ignore_unreachable",
    "module_defaults",
    "notify",
    "poll",
    "port",
    "remote_user",
    "retries",
    "throttle",
    "until",
];

impl Reader<'_> {
    /// Reads a file of tasks.
    pub(super) fn task_file(
        &mut self,
        path: &Path,
        place: &strata_core::Span,
        context: &Context,
    ) -> Vec<PlayNode> {
        if context.depth > MAX_DEPTH {
            self.error(
                "import-depth",
                "task files import one another without end",
                place,
            );
            return Vec::new();
        }
        let Some(node) = self.yaml(path, Some(place)) else {
            return Vec::new();
        };
        let context = Context {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            depth: context.depth + 1,
            ..context.clone()
        };
        self.tasks(&node, &context)
    }

    /// Reads a list of tasks.
    pub(super) fn tasks(&mut self, node: &Node, context: &Context) -> Vec<PlayNode> {
        let items = self.sequence(node, "a list of tasks").unwrap_or_default();
        items
            .iter()
            .flat_map(|item| self.task_or_block(item, context))
            .collect()
    }

    fn task_or_block(&mut self, node: &Node, context: &Context) -> Vec<PlayNode> {
        if self.mapping(node, "a task").is_none() {
            return Vec::new();
        }
        if node.get("block").is_some()
            || node.get("rescue").is_some()
            || node.get("always").is_some()
        {
            return self.block(node, context);
        }
        let Some(read) = self.task(node, context, false) else {
            return Vec::new();
        };
        match read.named.name.value.as_str() {
            "import_tasks" => self.import_tasks(&read, context),
            "import_role" => self.import_role(&read, context),
            _ => self
                .finish(read, context)
                .map(PlayNode::Task)
                .into_iter()
                .collect(),
        }
    }

    fn block(&mut self, node: &Node, context: &Context) -> Vec<PlayNode> {
        let (inner, notify) = self.block_keywords(node, context);
        let mut part = |key: &str| match node.get(key) {
            Some(tasks) => self.tasks(tasks, &inner),
            None => Vec::new(),
        };
        let mut block = Block {
            block: part("block"),
            rescue: part("rescue"),
            always: part("always"),
            span: node.span.clone(),
        };
        if !notify.is_empty() {
            for nodes in [&mut block.block, &mut block.rescue, &mut block.always] {
                add_notify(nodes, &notify);
            }
        }
        vec![PlayNode::Block(Arc::new(block))]
    }

    /// What a block says to the tasks in it, and whom they notify beside their own.
    fn block_keywords(&mut self, node: &Node, context: &Context) -> (Context, Vec<Spanned<Json>>) {
        let mut own = Keywords::default();
        let mut notify = Vec::new();
        for entry in node.entries().unwrap_or_default() {
            match entry.key.text().unwrap_or_default() {
                "block" | "rescue" | "always" | "name" => {}
                "notify" => notify = list(&entry.value),
                _ if self.keyword(entry, &mut own) => {}
                key => {
                    let known: Vec<_> = SHARED.iter().chain(BLOCK).copied().collect();
                    if TASK.contains(&key) || key.starts_with("with_") {
                        self.error(
                            "unknown-keyword",
                            format!("`{key}` is not for a block, only for a task"),
                            &entry.key.span,
                        );
                    } else {
                        self.unknown(entry, "a block", &known);
                    }
                }
            }
        }
        let inner = Context {
            keywords: Arc::new(inherit(&context.keywords, own)),
            ..context.clone()
        };
        (inner, notify)
    }

    /// Reads handlers, which are tasks that may listen, or blocks of such tasks.
    pub(super) fn handlers(&mut self, node: &Node, context: &Context) -> Vec<Arc<Handler>> {
        let items = self.sequence(node, "`handlers`").unwrap_or_default();
        let mut handlers = Vec::new();
        for item in items {
            if self.mapping(item, "a handler").is_none() {
                continue;
            }
            match item.get("block") {
                Some(block) => handlers.extend(self.handlers_of_block(item, block, context)),
                None => handlers.extend(self.handler(item, context)),
            }
        }
        handlers
    }

    /// The tasks of a block, each a handler of its own with what the block says; as in Ansible, `rescue` and `always`
    /// are not for handlers.
    fn handlers_of_block(
        &mut self,
        node: &Node,
        block: &Node,
        context: &Context,
    ) -> Vec<Arc<Handler>> {
        let (inner, notify) = self.block_keywords(node, context);
        for part in ["rescue", "always"] {
            if let Some(part) = node.get(part) {
                let message = "no handler is rescued: this part of the block never runs";
                let found = Diagnostic::warning("handler-block", message);
                self.diags.push(found.at(part.span.clone()));
            }
        }
        let tasks = self
            .sequence(block, "a list of handlers")
            .unwrap_or_default();
        let mut handlers = Vec::new();
        for task in tasks {
            match task.get("block") {
                Some(nested) => {
                    let message = "Using a block as a handler is not supported.";
                    self.error("unsupported", message, &nested.span);
                }
                None if self.mapping(task, "a handler").is_some() => {
                    handlers.extend(self.handler(task, &inner));
                }
                None => {}
            }
        }
        for handler in &mut handlers {
            let task = &mut Arc::make_mut(handler).task;
            Arc::make_mut(task).notify.extend_from_slice(&notify);
        }
        handlers
    }

    fn handler(&mut self, item: &Node, context: &Context) -> Vec<Arc<Handler>> {
        let Some(read) = self.task(item, context, true) else {
            return Vec::new();
        };
        let listen = read.listen.clone();
        match read.named.name.value.as_str() {
            "import_tasks" => self.import_handlers(&read, context),
            _ => {
                let task = self.finish(read, context);
                task.map(|task| Arc::new(Handler { task, listen }))
                    .into_iter()
                    .collect()
            }
        }
    }
}

fn add_notify(nodes: &mut [PlayNode], notify: &[Spanned<Json>]) {
    for node in nodes {
        match node {
            PlayNode::Task(task) => Arc::make_mut(task).notify.extend_from_slice(notify),
            PlayNode::Block(block) => {
                let block = Arc::make_mut(block);
                for nodes in [&mut block.block, &mut block.rescue, &mut block.always] {
                    add_notify(nodes, notify);
                }
            }
            PlayNode::RoleDone(_) => {}
        }
    }
}

/// A task with its keys taken apart.
pub(super) struct Read {
    pub(super) named: Named,
    pub(super) own: Keywords,
    pub(super) r#loop: Option<Loop>,
    listen: Vec<Spanned<Json>>,
    task: TaskKeys,
    span: strata_core::Span,
}

/// The keywords that only tasks have.
#[derive(Default)]
struct TaskKeys {
    name: Option<Spanned<Json>>,
    loop_control: LoopControl,
    register: Option<String>,
    notify: Vec<Spanned<Json>>,
    changed_when: Option<Vec<Spanned<Json>>>,
    failed_when: Option<Vec<Spanned<Json>>>,
    until: Option<Vec<Spanned<Json>>>,
    retries: Option<Spanned<Json>>,
    delay: Option<Spanned<Json>>,
    r#async: Option<Spanned<Json>>,
    poll: Option<Spanned<Json>>,
}

impl Loop {
    /// Where the loop is written.
    pub(super) fn span(&self) -> &strata_core::Span {
        match self {
            Self::Loop(values) | Self::With { terms: values, .. } => &values.span,
        }
    }
}

impl Reader<'_> {
    /// Takes a task's keys apart.
    fn task(&mut self, node: &Node, context: &Context, handler: bool) -> Option<Read> {
        let mut keys = TaskKeys::default();
        let mut own = Keywords::default();
        let mut repeat = None;
        let mut listen = Vec::new();
        let mut modules: Vec<&Entry> = Vec::new();
        let what = if handler { "a handler" } else { "a task" };
        for entry in node.entries().unwrap_or_default() {
            let key = entry.key.text().unwrap_or_default();
            match key {
                "args" => {}
                "listen" if handler => listen = list(&entry.value),
                "listen" => self.error(
                    "unknown-keyword",
                    "only handlers can `listen`",
                    &entry.key.span,
                ),
                "loop" => set_loop(self, &mut repeat, entry, Loop::Loop(spanned(&entry.value))),
                _ if key.starts_with("with_") => {
                    if let Some(with) = self.with(entry) {
                        set_loop(self, &mut repeat, entry, with);
                    }
                }
                _ if self.task_keyword(entry, &mut keys) => {}
                _ if self.keyword(entry, &mut own) => {}
                _ => modules.push(entry),
            }
        }
        let module = self.only_module(node, &modules, what)?;
        let mut named = self.module(module)?;
        if let Some(args) = node.get("args") {
            self.add_args(&mut named, args);
        }
        self.only_keywords_of_includes(node, &named.name.value);
        if named.local && own.delegate_to.is_none() {
            own.delegate_to = Some(Spanned {
                value: Json::String("localhost".to_owned()),
                span: named.name.span.clone(),
            });
        }
        let _ = context;
        Some(Read {
            named,
            own,
            r#loop: repeat,
            listen,
            task: keys,
            span: node.span.clone(),
        })
    }

    /// Refuses what says nothing of an include, but would of the tasks that it brings.
    fn only_keywords_of_includes(&mut self, node: &Node, module: &str) {
        if !matches!(module, "include_tasks" | "include_role") {
            return;
        }
        for entry in node.entries().unwrap_or_default() {
            let key = entry.key.text().unwrap_or_default();
            if !NOT_OF_INCLUDES.contains(&key) {
                continue;
            }
            let message = format!("`{key}` is not a keyword of `{module}`");
            self.diags.push(
                Diagnostic::error("unknown-keyword", message)
                    .at(entry.key.span.clone())
                    .hint("Put it into `apply`, which says it of the tasks that are included."),
            );
        }
    }

    /// The one entry that names a module.
    fn only_module<'n>(
        &mut self,
        node: &Node,
        modules: &[&'n Entry],
        what: &str,
    ) -> Option<&'n Entry> {
        let known = || {
            SHARED
                .iter()
                .chain(TASK)
                .copied()
                .chain(["listen", "block", "rescue", "always"])
        };
        match modules {
            [only] => {
                let key = only.key.text().unwrap_or_default();
                // A module may look like a keyword (`group`, `async_status`), but not one that has no dot and no own name.
                let may_be_a_slip = node.entries().is_some_and(|e| e.len() > 1)
                    && !KNOWN_LIKE_KEYWORDS.contains(&key)
                    && !matches!(key, "action" | "local_action")
                    && !key.contains('.');
                if may_be_a_slip && let Some(meant) = spelling::closest(key, known()) {
                    self.diags.push(
                        Diagnostic::error("unknown-keyword", format!("`{key}` is not a keyword of {what}, and there is no module besides it"))
                            .at(only.key.span.clone())
                            .hint(format!("did you mean `{meant}`?")),
                    );
                    return None;
                }
                Some(only)
            }
            [] => {
                self.error(
                    "missing-module",
                    format!("{what} must name a module"),
                    &node.span,
                );
                None
            }
            several => {
                let (slips, real): (Vec<_>, Vec<_>) =
                    several.iter().copied().partition(|entry: &&Entry| {
                        let key = entry.key.text().unwrap_or_default();
                        let similar = spelling::closest(key, known()).is_some()
                            && !KNOWN_LIKE_KEYWORDS.contains(&key)
                            && !matches!(key, "action" | "local_action");
                        // `include` was a module, too.
                        let gone = super::fields::gone(key).is_some() && key != "include";
                        !key.contains('.') && (similar || gone)
                    });
                let known: Vec<_> = known().collect();
                for slip in &slips {
                    self.unknown(slip, what, &known);
                }
                match (real.as_slice(), slips.is_empty()) {
                    ([only], _) => Some(only),
                    (_, true) => {
                        let names: Vec<_> = several
                            .iter()
                            .map(|entry| format!("`{}`", entry.key.text().unwrap_or_default()))
                            .collect();
                        let mut diagnostic = Diagnostic::error("two-modules", format!("{what} names more than one module: {}", names.join(" and ")))
                            .hint("one of them may be a misspelled keyword, or an argument with too few blanks before it");
                        for entry in several {
                            diagnostic = diagnostic.at(entry.key.span.clone());
                        }
                        self.diags.push(diagnostic);
                        None
                    }
                    _ => None,
                }
            }
        }
    }

    fn task_keyword(&mut self, entry: &Entry, keys: &mut TaskKeys) -> bool {
        match entry.key.text().unwrap_or_default() {
            "name" => {
                // An empty name is none.
                keys.name = match entry.value.is_null() || entry.value.text() == Some("") {
                    true => None,
                    false => self.text(entry),
                }
            }
            "register" => keys.register = self.variable_name(entry),
            "notify" => keys.notify = list(&entry.value),
            "changed_when" => keys.changed_when = Some(self.conditions(entry)),
            "failed_when" => keys.failed_when = Some(self.conditions(entry)),
            "until" => keys.until = Some(self.conditions(entry)),
            "retries" => keys.retries = self.integer(entry),
            "delay" => keys.delay = self.integer(entry),
            "async" => keys.r#async = self.integer(entry),
            "poll" => keys.poll = self.integer(entry),
            "loop_control" => keys.loop_control = self.loop_control(&entry.value),
            _ => return false,
        }
        true
    }

    fn with(&mut self, entry: &Entry) -> Option<Loop> {
        let key = entry.key.text().unwrap_or_default();
        let lookup = super::keywords::short_name(key.strip_prefix("with_").unwrap_or(key));
        if !WITH.contains(&lookup) {
            self.error(
                "unsupported",
                format!("`{key}` is not supported by Strata"),
                &entry.key.span,
            );
            return None;
        }
        Some(Loop::With {
            lookup: Spanned {
                value: lookup.to_owned(),
                span: entry.key.span.clone(),
            },
            terms: spanned(&entry.value),
        })
    }

    fn loop_control(&mut self, node: &Node) -> LoopControl {
        let mut control = LoopControl::default();
        let known = [
            "loop_var",
            "index_var",
            "label",
            "pause",
            "extended",
            "extended_allitems",
            "break_when",
        ];
        for entry in self.mapping(node, "`loop_control`").unwrap_or_default() {
            match entry.key.text().unwrap_or_default() {
                "loop_var" => control.loop_var = self.variable_name(entry),
                "index_var" => control.index_var = self.variable_name(entry),
                "label" => {
                    control.label =
                        Some(spanned(&entry.value)).filter(|label| !label.value.is_null())
                }
                "pause" => control.pause = self.integer(entry),
                "extended" => {
                    control.extended = self
                        .boolean(entry)
                        .is_some_and(|value| value.value == Json::Bool(true));
                }
                "extended_allitems" => {
                    control.without_items = self
                        .boolean(entry)
                        .is_some_and(|value| value.value == Json::Bool(false));
                }
                "break_when" => control.break_when = self.conditions(entry),
                _ => self.unknown(entry, "`loop_control`", &known),
            }
        }
        control
    }

    fn finish(&mut self, read: Read, context: &Context) -> Option<Arc<Task>> {
        let written = read.named.written.clone();
        let action = self.dynamic_action(read.named)?;
        let keys = read.task;
        Some(Arc::new(Task {
            name: keys.name,
            action,
            written,
            keywords: Arc::new(inherit(&context.keywords, read.own)),
            inherited: context.keywords.clone(),
            r#loop: read.r#loop,
            loop_control: keys.loop_control,
            register: keys.register,
            notify: keys.notify,
            changed_when: keys.changed_when,
            failed_when: keys.failed_when,
            until: keys.until,
            retries: keys.retries,
            delay: keys.delay,
            r#async: keys.r#async,
            poll: keys.poll,
            role: context.role.clone(),
            folder: context.folder.clone(),
            include_parameters: context.include_parameters.clone(),
            implicit: false,
            span: read.span,
        }))
    }
}

/// Modules whose names are close to keywords.
const KNOWN_LIKE_KEYWORDS: &[&str] = &[
    "ping",
    "pip",
    "apt",
    "raw",
    "git",
    "file",
    "find",
    "fail",
    "yum",
    "dnf",
    "user",
    "cron",
    "meta",
    "uri",
    "copy",
    "stat",
    "unarchive",
    "group",
    "async_status",
    "cargo",
    "seport",
    "slack",
    "zpool",
    "mount",
    "script",
    "slurp",
    "debug",
    "assert",
];

fn set_loop(reader: &mut Reader<'_>, repeat: &mut Option<Loop>, entry: &Entry, new: Loop) {
    if repeat.is_some() {
        reader.error(
            "two-loops",
            "a task can have only one loop",
            &entry.key.span,
        );
    }
    *repeat = Some(new);
}
