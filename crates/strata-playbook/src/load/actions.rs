//! What a task does: the module and its arguments out of the task's own keys.

use serde_json::Value as Json;
use strata_core::Span;

use super::{arguments, fields, keywords::short_name, reader::Reader};
use crate::{
    play::{Action, JsonMap, RoleFiles, Spanned},
    yaml::{Entry, Node},
};

/// Modules whose text is one command, with options among its words.
const COMMANDS: &[&str] = &[
    "command",
    "shell",
    "raw",
    "script",
    "win_command",
    "win_shell",
    "ansible.windows.win_shell",
    "ansible.windows.win_command",
];

/// A module as a task names it.
pub(super) struct Named {
    pub(super) name: Spanned<String>,
    /// The name as the user wrote it, collection and all.
    pub(super) written: String,
    pub(super) arguments: Spanned<Json>,
    /// Whether it was named by `local_action`.
    pub(super) local: bool,
    /// The node with the arguments, for actions that look into it.
    node: Node,
}

impl Reader<'_> {
    /// The module that an entry names.
    pub(super) fn module(&mut self, entry: &Entry) -> Option<Named> {
        let key = entry.key.text().unwrap_or_default();
        match key {
            "action" | "local_action" => self.action_keyword(entry, key == "local_action"),
            _ => {
                let name = Spanned {
                    value: short_name(key).to_owned(),
                    span: entry.key.span.clone(),
                };
                let named = self.named(name, &entry.value, false)?;
                Some(Named {
                    written: key.to_owned(),
                    ..named
                })
            }
        }
    }

    fn named(&mut self, name: Spanned<String>, value: &Node, local: bool) -> Option<Named> {
        let arguments = match value.to_json() {
            Json::Object(_) if value.entries().is_some() => value.to_json(),
            Json::Null => Json::Object(JsonMap::new()),
            Json::String(text) => text_arguments(&name.value, &text),
            _ if value.tag.is_none() && value.text().is_some() => {
                text_arguments(&name.value, value.text().unwrap_or_default())
            }
            _ => {
                let found = value.describe();
                let module = &name.value;
                self.error(
                    "wrong-type",
                    format!(
                        "the arguments of `{module}` must be a mapping or a text, this is {found}"
                    ),
                    &value.span,
                );
                return None;
            }
        };
        Some(Named {
            written: name.value.clone(),
            name,
            arguments: Spanned {
                value: arguments,
                span: value.span.clone(),
            },
            local,
            node: value.clone(),
        })
    }

    /// `action: copy src=a dest=b` or `action: {module: copy, src: a}`.
    fn action_keyword(&mut self, entry: &Entry, local: bool) -> Option<Named> {
        let value = &entry.value;
        if let Some(text) = value.text() {
            let text = text.trim();
            let (module, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let name = Spanned {
                value: short_name(module).to_owned(),
                span: value.span.clone(),
            };
            let arguments = Spanned {
                value: text_arguments(&name.value, rest.trim()),
                span: value.span.clone(),
            };
            return Some(Named {
                written: module.to_owned(),
                name,
                arguments,
                local,
                node: value.clone(),
            });
        }
        let Some(module) = value.get("module").and_then(Node::text) else {
            self.error(
                "missing-module",
                "the action must name a `module`",
                &value.span,
            );
            return None;
        };
        let name = Spanned {
            value: short_name(module).to_owned(),
            span: value.span.clone(),
        };
        let mut arguments = value.to_json();
        if let Some(map) = arguments.as_object_mut() {
            map.shift_remove("module");
        }
        Some(Named {
            written: module.to_owned(),
            name,
            arguments: Spanned {
                value: arguments,
                span: value.span.clone(),
            },
            local,
            node: value.clone(),
        })
    }

    /// Adds what the keyword `args` says; the module's own arguments win.
    pub(super) fn add_args(&mut self, named: &mut Named, args: &Node) {
        match (args.to_json(), &mut named.arguments.value) {
            (Json::Object(more), Json::Object(own)) => {
                for (key, value) in more {
                    if !own.contains_key(&key) {
                        own.insert(key, value);
                    }
                }
            }
            (Json::String(template), Json::Object(own))
                if own.is_empty() && template.contains("{{") =>
            {
                named.arguments = Spanned {
                    value: Json::String(template),
                    span: args.span.clone(),
                };
            }
            (Json::Null, _) => {}
            _ => self.error("wrong-type", "`args` must be a mapping", &args.span),
        }
    }

    /// The action, unless it is one that is expanded while loading.
    pub(super) fn dynamic_action(&mut self, named: Named) -> Option<Action> {
        match named.name.value.as_str() {
            "include_tasks" => self.include_tasks_action(&named),
            "include_role" => self.include_role_action(&named),
            "meta" => self.meta(&named),
            "include" => {
                self.diags.push(
                    strata_core::Diagnostic::error(
                        "removed-module",
                        "`include` does not exist any more",
                    )
                    .at(named.name.span)
                    .hint("use `include_tasks` or `import_tasks`"),
                );
                None
            }
            // It asks `setup`, and nobody else: hosts here have no other facts.
            "gather_facts" => Some(Action::Module {
                name: Spanned {
                    value: "setup".to_owned(),
                    span: named.name.span,
                },
                arguments: without(named.arguments, "parallel"),
            }),
            _ => Some(Action::Module {
                name: named.name,
                arguments: named.arguments,
            }),
        }
    }

    fn include_tasks_action(&mut self, named: &Named) -> Option<Action> {
        let file = self.file_argument(named)?;
        self.only_arguments(named, &["file", "_raw_params", "apply"]);
        Some(Action::IncludeTasks {
            file,
            apply: apply(&named.node),
        })
    }

    /// The file of `include_tasks` and `import_tasks`.
    pub(super) fn file_argument(&mut self, named: &Named) -> Option<Spanned<Json>> {
        let value = ["file", "_raw_params"]
            .iter()
            .find_map(|key| named.arguments.value.get(key));
        match value {
            Some(value @ Json::String(_)) => Some(Spanned {
                value: value.clone(),
                span: named.arguments.span.clone(),
            }),
            _ => {
                let name = &named.name.value;
                self.error(
                    "missing-file",
                    format!("`{name}` must name a file"),
                    &named.arguments.span,
                );
                None
            }
        }
    }

    fn only_arguments(&mut self, named: &Named, known: &[&str]) {
        let Some(map) = named.arguments.value.as_object() else {
            return;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let module = &named.name.value;
            self.error(
                "unknown-argument",
                format!("`{module}` has no argument `{key}`"),
                &key_span(&named.node, key),
            );
        }
    }

    /// The role that `include_role` or `import_role` names, and which of its files to use.
    pub(super) fn role_argument(&mut self, named: &Named) -> Option<(Spanned<Json>, RoleFiles)> {
        let known = [
            "name",
            "role",
            "tasks_from",
            "vars_from",
            "defaults_from",
            "handlers_from",
            "apply",
            "public",
            "allow_duplicates",
            "rolespec_validate",
        ];
        self.only_arguments(named, &known);
        let arguments = &named.arguments.value;
        let text = |key: &str| arguments.get(key).and_then(Json::as_str).map(str::to_owned);
        let from = RoleFiles {
            tasks: text("tasks_from"),
            vars: text("vars_from"),
            defaults: text("defaults_from"),
            handlers: text("handlers_from"),
        };
        let Some(name) = arguments.get("name").or_else(|| arguments.get("role")) else {
            let module = &named.name.value;
            self.error(
                "missing-role",
                format!("`{module}` must have a `name`"),
                &named.arguments.span,
            );
            return None;
        };
        let name = Spanned {
            value: name.clone(),
            span: named
                .node
                .get("name")
                .map_or(&named.arguments.span, |node| &node.span)
                .clone(),
        };
        Some((name, from))
    }

    fn include_role_action(&mut self, named: &Named) -> Option<Action> {
        let (name, from) = self.role_argument(named)?;
        Some(Action::IncludeRole {
            name,
            from,
            apply: apply(&named.node),
            public: self.flag(named, "public", false),
            allow_duplicates: self.flag(named, "allow_duplicates", true),
            validate: self.validates(named),
            flags: templated(named),
        })
    }

    /// `rolespec_validate`: whether the role's arguments are checked.
    pub(super) fn validates(&mut self, named: &Named) -> bool {
        self.flag(named, "rolespec_validate", true)
    }

    pub(super) fn flag(&mut self, named: &Named, key: &str, usual: bool) -> bool {
        let Some(value) = named.arguments.value.get(key) else {
            return usual;
        };
        let said = match value {
            Json::Bool(value) => Some(*value),
            // It is rendered when the task is reached.
            Json::String(text) if text.contains("{{") => Some(usual),
            Json::String(text) => fields::truth(text),
            Json::Number(number) => fields::truth(&number.to_string()),
            _ => None,
        };
        match said {
            Some(value) => value,
            None => {
                self.error(
                    "wrong-type",
                    format!("`{key}` must be a boolean"),
                    &key_span(&named.node, key),
                );
                usual
            }
        }
    }

    fn meta(&mut self, named: &Named) -> Option<Action> {
        const KNOWN: &[&str] = &[
            "flush_handlers",
            "end_play",
            "end_host",
            "end_batch",
            "end_role",
            "clear_facts",
            "clear_host_errors",
            "noop",
            "refresh_inventory",
            "reset_connection",
        ];
        let text = named
            .arguments
            .value
            .get("_raw_params")
            .and_then(Json::as_str)
            .unwrap_or_default();
        if !KNOWN.contains(&text) {
            let span = named.arguments.span.clone();
            let diagnostic = strata_core::Diagnostic::error(
                "unknown-meta",
                format!("there is no meta action `{text}`"),
            )
            .at(span);
            let meant = super::spelling::closest(text, KNOWN.iter().copied());
            self.diags.push(match meant {
                Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                None => diagnostic,
            });
            return None;
        }
        Some(Action::Meta(Spanned {
            value: text.to_owned(),
            span: named.arguments.span.clone(),
        }))
    }
}

fn key_span(node: &Node, key: &str) -> Span {
    let entries = node.entries().unwrap_or_default();
    let found = entries.iter().find(|entry| entry.key.text() == Some(key));
    found.map_or(&node.span, |entry| &entry.key.span).clone()
}

/// The arguments of `include_role` or `import_role` that say yes or no by a template.
pub(super) fn templated(named: &Named) -> Vec<(&'static str, Spanned<Json>)> {
    let flags = ["public", "allow_duplicates", "rolespec_validate"].into_iter();
    let templated = flags.filter_map(|key| {
        let value = named.arguments.value.get(key)?;
        value.as_str()?.contains("{{").then(|| {
            let span = key_span(&named.node, key);
            let value = value.clone();
            (key, Spanned { value, span })
        })
    });
    templated.collect()
}

fn apply(node: &Node) -> Option<Box<Spanned<Node>>> {
    node.get("apply").map(|apply| {
        Box::new(Spanned {
            value: apply.clone(),
            span: apply.span.clone(),
        })
    })
}

/// Arguments that were written as one text.
fn text_arguments(module: &str, text: &str) -> Json {
    let whole = text.trim();
    if COMMANDS.contains(&module) {
        return Json::Object(arguments::command(text));
    }
    if matches!(
        module,
        "include_tasks" | "import_tasks" | "include_vars" | "import_playbook"
    ) && !whole.contains('=')
    {
        let mut map = JsonMap::new();
        map.insert("_raw_params".to_owned(), Json::String(whole.to_owned()));
        return Json::Object(map);
    }
    if whole.starts_with("{{") && whole.ends_with("}}") && !whole[2..].contains("{{") {
        return Json::String(whole.to_owned());
    }
    Json::Object(arguments::key_values(text))
}

/// Arguments without one that has nothing to tune here.
fn without(mut arguments: Spanned<Json>, name: &str) -> Spanned<Json> {
    if let Json::Object(given) = &mut arguments.value {
        given.remove(name);
    }
    arguments
}
