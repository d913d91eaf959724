//! Inventories in YAML form.

use std::path::Path;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Source};

use super::{build::Builder, constructed, fetched, fetched::Fetch, ini::split_port, range};
use crate::yaml::{self, Entry, Node};

/// How deep groups may be written inside of groups.
const MAX_DEPTH: usize = 50;

struct Reader<'a> {
    path: &'a Path,
    builder: &'a mut Builder,
    diags: &'a mut Diagnostics,
}

/// Reads a YAML inventory; every mistake is reported.
pub(super) fn read(
    source: &Source,
    path: &Path,
    fetch: &dyn Fetch,
    builder: &mut Builder,
    diags: &mut Diagnostics,
) {
    let Some(node) = yaml::parse(source, diags) else {
        return;
    };
    if let Some(plugin) = node.get("plugin") {
        let name = plugin.text().unwrap_or_default();
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        if short == "constructed" {
            return constructed::apply(&node.to_json(), path, builder, diags);
        }
        let settings = node.to_json();
        if let Some(said) = fetch.plugin(short, &settings, path) {
            fetched::add(&said, path, builder, diags);
            let (whole, composed) = fetched::constructed(&said);
            constructed::apply_to(&settings, path, (&whole, &composed), builder, diags);
            return;
        }
        let hint = "Such plugins run where an ansible-core with their collection is installed on this machine; hosts \
                    can come out of the outputs of a `provision` stage, too.";
        diags.push(
            Diagnostic::error(
                "unsupported",
                format!("the inventory plugin `{name}` is not supported by Strata"),
            )
            .at(plugin.span.clone())
            .hint(hint),
        );
        return;
    }
    let mut reader = Reader {
        path,
        builder,
        diags,
    };
    let Some(entries) = reader.mapping(&node, "an inventory") else {
        return;
    };
    for entry in entries {
        reader.group(entry, 0);
    }
}

impl Reader<'_> {
    fn error(&mut self, summary: impl Into<String>, node: &Node) {
        self.diags
            .push(Diagnostic::error("inventory", summary).at(node.span.clone()));
    }

    fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        if node.is_null() {
            return Some(&[]);
        }
        if node.entries().is_none() {
            self.error(
                format!("{what} must be a mapping, this is {}", node.describe()),
                node,
            );
        }
        node.entries()
    }

    fn group(&mut self, entry: &Entry, depth: usize) {
        let name = entry.key.text().unwrap_or_default().to_owned();
        if depth > MAX_DEPTH {
            self.error("groups are written too deep inside of groups", &entry.key);
            return;
        }
        self.builder.group(&name);
        for part in self.mapping(&entry.value, "a group").unwrap_or_default() {
            match part.key.text().unwrap_or_default() {
                "hosts" => self.hosts(&name, &part.value),
                "children" => self.children(&name, &part.value, depth),
                "vars" => {
                    if self.mapping(&part.value, "`vars`").is_some()
                        && let Json::Object(vars) = part.value.to_json()
                    {
                        self.builder.group(&name).vars.extend(vars);
                    }
                }
                other => {
                    let summary = format!(
                        "Skipping unexpected key (`{other}`) in group (`{name}`), only `vars`, `children` and `hosts` are valid"
                    );
                    let found = Diagnostic::warning("inventory", summary);
                    self.diags.push(found.at(part.key.span.clone()));
                }
            }
        }
    }

    fn hosts(&mut self, group: &str, node: &Node) {
        if let Some(text) = node.text().filter(|_| !node.is_null()) {
            self.host(group, text, node, None);
            return;
        }
        for entry in self.mapping(node, "`hosts`").unwrap_or_default() {
            let name = entry.key.text().unwrap_or_default();
            self.host(group, name, &entry.key, Some(&entry.value));
        }
    }

    fn host(&mut self, group: &str, name: &str, place: &Node, vars: Option<&Node>) {
        let (name, port) = split_port(name);
        let names = match range::expand(name) {
            Ok(names) => names,
            Err(reason) => return self.error(reason, place),
        };
        let vars = vars.filter(|vars| self.mapping(vars, "the variables of a host").is_some());
        for name in names {
            let host = self.builder.host(&name, Some(self.path));
            if let Some(port) = port {
                host.vars
                    .insert("ansible_port".to_owned(), Json::from(port));
            }
            if let Some(Json::Object(vars)) = vars.map(Node::to_json) {
                host.vars.extend(vars);
            }
            self.builder.add_host(group, &name);
        }
    }

    fn children(&mut self, group: &str, node: &Node, depth: usize) {
        for entry in self.mapping(node, "`children`").unwrap_or_default() {
            let child = entry.key.text().unwrap_or_default().to_owned();
            self.group(entry, depth + 1);
            self.builder.add_child(group, &child);
        }
    }
}
