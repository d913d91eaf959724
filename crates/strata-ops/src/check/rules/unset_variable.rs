//! `unset-variable`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use strata_core::{Severity, Span};
use strata_jinja::yaml::{Node, NodeKind};

use crate::check::{
    finding::Findings,
    reach,
    rule::Rule,
    view::{
        View,
        ansible::{FileKind, YamlFile, role_of},
        mask,
        names::{self, Asked},
    },
    walk::TextFile,
};

pub(super) static RULE: Rule = Rule {
    name: "unset-variable",
    severity: Severity::Warning,
    summary: "A variable that a role needs and nobody sets",
    reason: "The play fails in the middle, on the first host that comes to the task, with half of the work done.",
    fix: "Give it a default in the role's `defaults/main.yml`, set it in `group_vars` or by an output `NAME_ansible_vars`, or say `| default(…)` where the role can do without.",
    scope: "Roles that a playbook here uses, with their templates. A name counts as set if any file seems to set it, whichever way; where variables may come from what is not here (an encrypted file, one that is missing, an inventory kept elsewhere) nothing is reported, and that is said.",
    bad: &[
        ("inventory.ini", "[web]\nweb-1\n"),
        ("site.yml", "- hosts: web\n  roles: [web]\n"),
        (
            "roles/web/tasks/main.yml",
            r#"- name: Configure the site
  ansible.builtin.template:
    src: site.conf.j2
    dest: /etc/nginx/conf.d/site.conf
"#,
        ),
        (
            "roles/web/templates/site.conf.j2",
            "listen {{ web_port }};\n",
        ),
    ],
    good: &[
        ("inventory.ini", "[web]\nweb-1\n"),
        ("site.yml", "- hosts: web\n  roles: [web]\n"),
        (
            "roles/web/tasks/main.yml",
            r#"- name: Configure the site
  ansible.builtin.template:
    src: site.conf.j2
    dest: /etc/nginx/conf.d/site.conf
"#,
        ),
        (
            "roles/web/templates/site.conf.j2",
            "listen {{ web_port }};\n",
        ),
        ("roles/web/defaults/main.yml", "web_port: 80\n"),
    ],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    let playbooks: Vec<&Path> = view
        .yaml_of(FileKind::Playbook)
        .map(|file| file.path.as_path())
        .collect();
    let used = reach::files(&view.yaml, &playbooks);
    let roles: BTreeSet<&Path> = used.iter().filter_map(|path| role_of(path)).collect();
    let roles: Vec<&Path> = roles
        .into_iter()
        .filter(|role| !role.as_os_str().is_empty())
        .collect();
    if roles.is_empty() {
        return;
    }
    if let Some(why) = unknown(view) {
        findings.unchecked(why);
        return;
    }
    let set = set(view);
    for role in roles {
        for (name, span) in needed(view, role) {
            if !set.contains(&name) {
                let role = role.file_name().unwrap_or_default().to_string_lossy();
                let summary = format!("The role `{role}` needs `{name}`, and nobody sets it");
                findings.at(&span, summary);
            }
        }
    }
}

/// Why variables may come from somewhere that is not here.
fn unknown(view: &View) -> Option<String> {
    if let Some(path) = view.encrypted.first() {
        return Some(format!("`{}` is encrypted", path.display()));
    }
    let modules = view.files.iter().find(|text| sets_at_run_time(text));
    if let Some(text) = modules {
        return Some(format!("`{}` may set variables", text.path.display()));
    }
    if let Some(what) = view.yaml.iter().find_map(|file| missing(view, file)) {
        return Some(what);
    }
    let inventory = view.yaml_of(FileKind::Inventory).next().is_some()
        || view.files.iter().any(is_ini_inventory)
        || !view.stages.is_empty();
    (!inventory).then(|| "there is no inventory here".to_owned())
}

/// Plugins and modules of the repository's own that set variables.
fn sets_at_run_time(text: &TextFile) -> bool {
    let below = |folder: &str| {
        text.path
            .ancestors()
            .skip(1)
            .any(|part| part.ends_with(folder))
    };
    let module = below("library") || below("modules") || below("action_plugins");
    below("vars_plugins")
        || below("inventory_plugins")
        || text.is(&[".py"]) && module && text.source.text.contains("ansible_facts")
}

fn is_ini_inventory(text: &TextFile) -> bool {
    let name = text.name();
    let plain = !name.contains('.') || name.ends_with(".ini");
    let begins = text.source.text.lines().any(|line| {
        let line = line.trim();
        line.starts_with('[') && line.ends_with(']') && !line.contains(' ')
    });
    plain
        && begins
        && (name.contains("hosts") || name.contains("inventory") || {
            text.path
                .ancestors()
                .any(|part| part.ends_with("inventory") || part.ends_with("inventories"))
        })
}

/// A file of variables that a playbook or a task reads and that is not here.
fn missing(view: &View, file: &YamlFile) -> Option<String> {
    let mut names = Vec::new();
    files_with_variables(&file.root, &mut names);
    let folder = file.path.parent().unwrap_or(Path::new(""));
    names.into_iter().find_map(|name| {
        let base = Path::new(&name).file_name()?.to_str()?;
        let here = |path: PathBuf| {
            let path = strata_core::files::normalize(&path);
            view.files
                .iter()
                .any(|text| text.path == path || text.path.starts_with(&path))
        };
        let known = here(folder.join(&name))
            || view.files.iter().any(|text| text.name() == base)
            || mask::is_dynamic(base) && in_role_vars(file);
        (!known).then(|| {
            format!(
                "`{name}`, which `{}` reads, is not here",
                file.path.display()
            )
        })
    })
}

/// A role that chooses one of its own files reads what is here.
fn in_role_vars(file: &YamlFile) -> bool {
    file.role().is_some()
}

fn files_with_variables(node: &Node, names: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items
            .iter()
            .for_each(|item| files_with_variables(item, names)),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.text().unwrap_or_default();
                match key.rsplit('.').next().unwrap_or(key) {
                    "vars_files" => {
                        let items = entry.value.items().unwrap_or_default().iter();
                        names.extend(items.filter_map(Node::text).map(str::to_owned));
                    }
                    "include_vars" => {
                        let file = entry
                            .value
                            .text()
                            .or(entry.value.get("file").and_then(Node::text));
                        names.extend(file.map(str::to_owned));
                    }
                    _ => files_with_variables(&entry.value, names),
                }
            }
        }
    }
}

/// Every name that any file seems to set.
fn set(view: &View) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for text in &view.files {
        if !text.is(&[".j2", ".tftpl", ".tpl"]) {
            names::assigned(&text.source.text, &mut set);
        }
    }
    // Each instance of a `configure` stage is told its name.
    if view.stages.iter().any(|stage| !stage.instances.is_empty()) {
        set.insert("strata_instance".to_owned());
    }
    set
}

/// What a role needs, with the first place that asks for it.
fn needed(view: &View, role: &Path) -> Vec<(String, Span)> {
    let mut all = Asked::default();
    let mut places: Vec<(String, Span)> = Vec::new();
    for file in view.yaml.iter().filter(|file| file.role() == Some(role)) {
        texts(&file.root, false, &mut |text, span, expression| {
            ask(&mut all, &mut places, text, span, expression);
        });
    }
    for text in view.files.iter().filter(|text| is_template(text, role)) {
        let whole = text.source.span(0..0);
        let before: BTreeSet<String> = all.needed.clone();
        ask(&mut all, &mut Vec::new(), &text.source.text, &whole, false);
        for name in all.needed.difference(&before) {
            places.push((name.clone(), place(text, name)));
        }
    }
    let open: BTreeSet<&str> = all.open().collect();
    let mut seen = BTreeSet::new();
    places
        .into_iter()
        .filter(|(name, _)| open.contains(name.as_str()) && seen.insert(name.clone()))
        .collect()
}

fn ask(
    all: &mut Asked,
    places: &mut Vec<(String, Span)>,
    text: &str,
    span: &Span,
    expression: bool,
) {
    let mut asked = Asked::default();
    if expression && !text.contains("{{") {
        asked.expression(text);
    } else {
        asked.text(text);
    }
    places.extend(asked.needed.iter().map(|name| (name.clone(), span.clone())));
    all.needed.extend(asked.needed);
    all.settled.extend(asked.settled);
}

fn is_template(text: &TextFile, role: &Path) -> bool {
    text.is(&[".j2", ".jinja", ".jinja2"]) && role_of(&text.path) == Some(role)
}

/// Where a template first names a variable inside a template's braces.
fn place(text: &TextFile, name: &str) -> Span {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let source = &text.source;
    let first = source
        .text
        .match_indices(name)
        .map(|(at, _)| at)
        .find(|at| {
            let line = source.line(source.position(*at).line);
            let before = source.text[..*at].chars().next_back();
            let after = source.text[at + name.len()..].chars().next();
            !is_word(before) && !is_word(after) && (line.contains("{{") || line.contains("{%"))
        });
    let at = first.unwrap_or(0);
    source.span(at..at + first.map_or(0, |_| name.len()))
}

/// Keywords whose value is an expression without braces.
const EXPRESSIONS: [&str; 6] = [
    "when",
    "until",
    "failed_when",
    "changed_when",
    "that",
    "var",
];

/// Every text of a tree; true for those that are expressions.
fn texts(node: &Node, expression: bool, visit: &mut dyn FnMut(&str, &Span, bool)) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => {
            if node.tag.as_deref() != Some("!unsafe") {
                visit(text, &node.span, expression);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|item| texts(item, expression, visit)),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.text().unwrap_or_default();
                texts(&entry.value, EXPRESSIONS.contains(&key), visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::{check, report};

    const SITE: (&str, &str) = ("site.yml", "- hosts: all\n  roles:\n    - role: a\n");

    #[test]
    fn what_the_role_does_without_or_makes_itself_is_not_missing() {
        check(
            "unset-variable",
            &[
                SITE,
                (
                    "inventory/hosts.yml",
                    "all:\n  hosts:\n    x:\n      from_inventory: 1\n",
                ),
                (
                    "roles/a/tasks/main.yml",
                    "- name: one\n  command: a {{ found.stdout }} {{ from_inventory }} {{ open }}\n  when: guarded is defined and asked\n- name: two\n  shell: b {{ guarded }} {{ item }} {{ ansible_host }}\n  register: found\n",
                ),
            ],
            &expect![[r#"
                roles/a/tasks/main.yml:2:12: The role `a` needs `open`, and nobody sets it
                roles/a/tasks/main.yml:3:9: The role `a` needs `asked`, and nobody sets it
            "#]],
        );
    }

    #[test]
    fn an_instance_knows_its_name_and_nothing_else_does() {
        let tasks = "- name: one\n  debug:\n    msg: a {{ strata_instance }}\n";
        let found = |stage: &str| {
            let project = format!(
                "project \"p\" {{}}\nenvironment \"e\" {{\n  configure \"c\" {{\n    playbook = \"site.yml\"\n{stage}  }}\n}}\n"
            );
            let files = [
                ("strata.hcl", project.as_str()),
                SITE,
                ("roles/a/tasks/main.yml", tasks),
            ];
            report(&files).findings.len()
        };
        assert_eq!(found("    instances = [\"dev\", \"prod\"]\n"), 0);
        assert_eq!(found(""), 1);
    }

    #[test]
    fn where_variables_may_be_elsewhere_that_is_said() {
        let tasks = (
            "roles/a/tasks/main.yml",
            "- name: one\n  debug:\n    msg: a {{ open }}\n",
        );
        for (why, files) in [
            ("no inventory", vec![SITE, tasks]),
            (
                "is encrypted",
                vec![
                    SITE,
                    tasks,
                    ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n12\n"),
                ],
            ),
        ] {
            let report = report(&files);
            assert!(report.findings.is_empty(), "{:?}", report.findings);
            assert!(report.unchecked[0].contains(why), "{:?}", report.unchecked);
        }
    }
}
