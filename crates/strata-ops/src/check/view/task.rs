//! Tasks as they stand in files, blocks opened.

use std::path::PathBuf;

use strata_core::Span;
use strata_jinja::yaml::Node;

/// Keywords of tasks and blocks: everything else names the module.
const KEYWORDS: [&str; 44] = [
    "action",
    "any_errors_fatal",
    "args",
    "async",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "failed_when",
    "ignore_errors",
    "ignore_unreachable",
    "listen",
    "local_action",
    "loop",
    "loop_control",
    "module_defaults",
    "name",
    "no_log",
    "notify",
    "poll",
    "port",
    "register",
    "remote_user",
    "retries",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "until",
    "vars",
    "when",
    "rescue",
    "always",
];

/// Modules that say that a list of mappings is a list of tasks.
const KNOWN: [&str; 34] = [
    "apt",
    "dnf",
    "yum",
    "package",
    "pip",
    "copy",
    "template",
    "file",
    "lineinfile",
    "blockinfile",
    "service",
    "systemd",
    "systemd_service",
    "command",
    "shell",
    "raw",
    "script",
    "debug",
    "set_fact",
    "assert",
    "include_tasks",
    "import_tasks",
    "include_role",
    "import_role",
    "user",
    "group",
    "get_url",
    "uri",
    "stat",
    "git",
    "include_vars",
    "wait_for",
    "fail",
    "include",
];

/// A task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// The whole mapping.
    pub(crate) node: Node,
    /// The module's name without its collection.
    pub(crate) module: String,
    /// Where the module's name stands.
    pub(crate) span: Span,
    /// What the module is given.
    pub(crate) arguments: Node,
    /// True for handlers.
    pub(crate) handler: bool,
    /// Conditions, those of the blocks around it too.
    pub(crate) conditions: Vec<String>,
    /// Tags, those of the blocks around it too.
    pub(crate) tags: Vec<String>,
    /// The file it stands in.
    pub(crate) file: PathBuf,
}

impl Task {
    /// A keyword of the task.
    pub(crate) fn keyword(&self, name: &str) -> Option<&Node> {
        self.node.get(name)
    }

    /// An argument of the module, if arguments are written as a mapping.
    pub(crate) fn argument(&self, name: &str) -> Option<&Node> {
        let extra = self.node.get("args").and_then(|args| args.get(name));
        self.arguments.get(name).or(extra)
    }

    /// True if the module is given an argument, in whatever way it is written.
    pub(crate) fn has_argument(&self, name: &str) -> bool {
        self.argument(name).is_some_and(|node| !node.is_null()) || self.inline(name).is_some()
    }

    /// The text of an argument, in whatever way it is written.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let written = self.argument(name).and_then(Node::text);
        written.or_else(|| self.inline(name))
    }

    /// What a command module runs.
    pub(crate) fn command(&self) -> String {
        let argv = self.argument("argv").and_then(Node::items);
        if let Some(items) = argv {
            let words: Vec<_> = items.iter().filter_map(Node::text).collect();
            return words.join(" ");
        }
        let text = self.argument("cmd").and_then(Node::text);
        text.or_else(|| self.arguments.text())
            .unwrap_or_default()
            .to_owned()
    }

    /// The value of `name=value` among words.
    fn inline(&self, name: &str) -> Option<&str> {
        let text = self.arguments.text()?;
        text.split_whitespace().find_map(|word| {
            let value = word.strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim_matches(['"', '\'']))
        })
    }
}

/// What tasks of a list have in common.
#[derive(Clone, Default)]
pub(crate) struct Around {
    pub(crate) handler: bool,
    pub(crate) conditions: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) file: PathBuf,
}

/// Collects the tasks of a list, those in blocks too.
pub(crate) fn collect(list: &Node, around: &Around, tasks: &mut Vec<Task>) {
    for node in list.items().unwrap_or_default() {
        if node.entries().is_none() {
            continue;
        }
        let mut inner = around.clone();
        inner.conditions.extend(texts(node.get("when")));
        inner.tags.extend(texts(node.get("tags")));
        if node.get("block").is_some() {
            for part in ["block", "rescue", "always"] {
                if let Some(list) = node.get(part) {
                    collect(list, &inner, tasks);
                }
            }
        } else {
            tasks.extend(task(node, inner));
        }
    }
}

/// The texts of a scalar or a list of scalars.
pub(crate) fn texts(node: Option<&Node>) -> Vec<String> {
    let text = |node: &Node| node.text().map(str::to_owned);
    match node {
        Some(node) => match node.items() {
            Some(items) => items.iter().filter_map(text).collect(),
            None => text(node).into_iter().collect(),
        },
        None => Vec::new(),
    }
}

/// True if a mapping names a module that everybody knows.
pub(super) fn names_known_module(node: &Node) -> bool {
    node.entries().unwrap_or_default().iter().any(|entry| {
        let name = entry.key.text().unwrap_or_default();
        name.matches('.').count() == 2 && !name.contains(['/', ' '])
            || node.get("name").is_some() && KNOWN.contains(&name)
    })
}

fn task(node: &Node, around: Around) -> Option<Task> {
    let entry = node.entries()?.iter().find(|entry| {
        let name = entry.key.text().unwrap_or_default();
        !KEYWORDS.contains(&name) && !name.starts_with("with_")
    })?;
    let name = entry.key.text()?;
    Some(Task {
        module: name.rsplit('.').next().unwrap_or(name).to_owned(),
        span: entry.key.span.clone(),
        arguments: entry.value.clone(),
        node: node.clone(),
        handler: around.handler,
        conditions: around.conditions,
        tags: around.tags,
        file: around.file,
    })
}
