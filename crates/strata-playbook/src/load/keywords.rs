//! Reads the keywords that are inherited.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    fields::{list, spanned},
    reader::{Reader, variables},
};
use crate::{
    play::{Debugger, Keywords, ModuleDefaults, Spanned},
    yaml::{Entry, Node},
};

/// Keywords that plays, blocks, roles and tasks share.
pub(super) const SHARED: &[&str] = &[
    "any_errors_fatal",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "ignore_errors",
    "ignore_unreachable",
    "module_defaults",
    "no_log",
    "port",
    "remote_user",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "vars",
    "when",
];

impl Reader<'_> {
    /// Takes an entry if it is a shared keyword; gives false if it is not.
    pub(super) fn keyword(&mut self, entry: &Entry, own: &mut Keywords) -> bool {
        let Some(key) = entry.key.text() else {
            return false;
        };
        match key {
            "become" => own.r#become = self.boolean(entry),
            "become_user" => own.become_user = self.text(entry),
            "become_method" => own.become_method = self.text(entry),
            "become_exe" => own.become_exe = self.text(entry),
            "become_flags" => own.become_flags = self.text(entry),
            "environment" => own.environment.extend(list(&entry.value)),
            "tags" => own.tags.extend(self.tags(&entry.value)),
            "when" => own.when.extend(self.conditions(entry)),
            "vars" => own
                .vars
                .extend(variables(&entry.value, self.diags).map(Arc::new)),
            "module_defaults" => own
                .module_defaults
                .extend(self.module_defaults(&entry.value)),
            "no_log" => own.no_log = self.boolean(entry),
            "ignore_errors" => own.ignore_errors = self.boolean(entry),
            "ignore_unreachable" => own.ignore_unreachable = self.boolean(entry),
            "any_errors_fatal" => own.any_errors_fatal = self.boolean(entry),
            "check_mode" => own.check_mode = self.boolean(entry),
            "diff" => own.diff = self.boolean(entry),
            "run_once" => own.run_once = self.boolean(entry),
            "delegate_to" => own.delegate_to = self.text(entry),
            "delegate_facts" => own.delegate_facts = self.boolean(entry),
            "throttle" => own.throttle = self.integer(entry),
            "timeout" => own.timeout = self.integer(entry),
            "connection" => own.connection = self.text(entry),
            "remote_user" => own.remote_user = self.text(entry),
            "port" => own.port = self.integer(entry),
            "collections" => own.collections.extend(self.collections(entry)),
            "debugger" => own.debugger = self.debugger(entry),
            _ => return false,
        }
        true
    }

    /// `collections`: where roles and modules without a collection are looked for.
    fn collections(&mut self, entry: &Entry) -> Vec<String> {
        let names = list(&entry.value);
        let names = names
            .iter()
            .map(|name| name.value.as_str().map(str::to_owned));
        names.collect::<Option<Vec<_>>>().unwrap_or_else(|| {
            self.error(
                "wrong-type",
                "`collections` must be a list of names",
                &entry.value.span,
            );
            Vec::new()
        })
    }

    /// When the user is asked about a result.
    fn debugger(&mut self, entry: &Entry) -> Option<Debugger> {
        let word = self.plain_text(entry)?;
        let found = Debugger::of(&word.value);
        if found.is_none() {
            let summary = format!(
                "`{}` is not a valid value for `debugger`: it is one of {}",
                word.value,
                Debugger::WORDS.map(|(word, _)| word).join(", ")
            );
            self.error("wrong-type", summary, &word.span);
        }
        found
    }

    /// Conditions: one or a list; each a text or a boolean.
    pub(super) fn conditions(&mut self, entry: &Entry) -> Vec<Spanned<Json>> {
        let conditions = list(&entry.value);
        let key = entry.key.text().unwrap_or_default().to_owned();
        for condition in &conditions {
            let fits = matches!(condition.value, Json::Bool(_) | Json::String(_));
            if !fits {
                let summary = format!("`{key}` must be an expression or a boolean");
                self.error("wrong-type", summary, &condition.span);
            }
        }
        conditions
    }

    /// Tags: a list, or one text with commas.
    fn tags(&mut self, node: &Node) -> Vec<Spanned<Json>> {
        let mut tags = Vec::new();
        for tag in list(node) {
            match &tag.value {
                Json::String(text) if text.contains(',') && !text.contains("{{") => {
                    tags.extend(text.split(',').map(|part| Spanned {
                        value: Json::String(part.trim().to_owned()),
                        span: tag.span.clone(),
                    }));
                }
                Json::String(_) => tags.push(tag),
                Json::Number(number) => tags.push(Spanned {
                    value: Json::String(number.to_string()),
                    span: tag.span,
                }),
                _ => self.error("wrong-type", "a tag must be a text", &tag.span),
            }
        }
        tags
    }

    fn module_defaults(&mut self, node: &Node) -> Vec<ModuleDefaults> {
        let mut defaults = Vec::new();
        // A list of mappings means the same as one mapping.
        for part in node.items().unwrap_or(std::slice::from_ref(node)) {
            for entry in self.mapping(part, "`module_defaults`").unwrap_or_default() {
                let name = entry.key.text().unwrap_or_default();
                for module in self.defaulted(name, &entry.key.span) {
                    defaults.push(ModuleDefaults {
                        module,
                        arguments: spanned(&entry.value),
                    });
                }
            }
        }
        defaults
    }
}

/// A module's name without the collection that is always there.
pub(crate) fn short_name(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name)
}

/// What `own` says on top of what is inherited.
pub(super) fn inherit(parent: &Keywords, own: Keywords) -> Keywords {
    fn joined<T: Clone>(parent: &[T], own: Vec<T>) -> Vec<T> {
        parent.iter().cloned().chain(own).collect()
    }
    macro_rules! nearest {
        ($($name:ident),* $(,)?) => {
            Keywords {
                $($name: own.$name.or_else(|| parent.$name.clone()),)*
                environment: joined(&parent.environment, own.environment),
                tags: joined(&parent.tags, own.tags),
                when: joined(&parent.when, own.when),
                vars: joined(&parent.vars, own.vars),
                module_defaults: joined(&parent.module_defaults, own.module_defaults),
                collections: if own.collections.is_empty() {
                    parent.collections.clone()
                } else {
                    own.collections
                },
            }
        };
    }
    nearest!(
        r#become,
        become_user,
        become_method,
        become_exe,
        become_flags,
        no_log,
        ignore_errors,
        ignore_unreachable,
        any_errors_fatal,
        check_mode,
        debugger,
        diff,
        run_once,
        delegate_to,
        delegate_facts,
        throttle,
        timeout,
        connection,
        remote_user,
        port,
    )
}
