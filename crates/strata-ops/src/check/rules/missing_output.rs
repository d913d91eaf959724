//! `missing-output`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use regex::Regex;
use strata_core::{Severity, StageKind, Value};

use crate::check::{
    finding::Findings,
    rule::Rule,
    stages::Stage,
    view::{View, expand::Root, hcl, mask, task},
    walk::TextFile,
};

pub(super) static RULE: Rule = Rule {
    name: "missing-output",
    severity: Severity::Error,
    summary: "An output that the application layer needs and the root module does not give",
    reason: "The machines are made first, and only then it turns out that nobody can reach them: the inventory is empty, or of a form from which no host can be read.",
    fix: "Add the output to the root module, or correct the name where it is used. `NAME_instances` is a map or list of hosts, `NAME_ansible_vars` an object.",
    scope: "In a project: `provision.STAGE.OUTPUT`, the groups that playbooks name where the inventory is made from outputs, and the types of those outputs. Everywhere: `terraform output -raw NAME` in scripts and Makefiles.",
    bad: &[
        (
            "strata.hcl",
            r#"project "web" {}

environment "prod" {
  provision "machines" {
    directory = "infrastructure"
  }

  configure "web" {
    playbook = "site.yml"
    hosts    = { web = provision.machines.addresses }
  }
}
"#,
        ),
        (
            "infrastructure/main.tf",
            "output \"address\" {\n  value = [\"10.0.0.2\"]\n}\n",
        ),
        ("site.yml", "- hosts: web\n  tasks: []\n"),
    ],
    good: &[
        (
            "strata.hcl",
            r#"project "web" {}

environment "prod" {
  provision "machines" {
    directory = "infrastructure"
  }

  configure "web" {
    playbook = "site.yml"
    hosts    = { web = provision.machines.addresses }
  }
}
"#,
        ),
        (
            "infrastructure/main.tf",
            "output \"addresses\" {\n  value = [\"10.0.0.2\"]\n}\n",
        ),
        ("site.yml", "- hosts: web\n  tasks: []\n"),
    ],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for stage in &view.stages {
        references(view, stage, findings);
        if stage.is_by_convention() {
            groups(view, stage, findings);
        }
    }
    if view.stages.iter().any(Stage::is_by_convention) {
        view.roots.iter().for_each(|root| types(root, findings));
    }
    scripts(view, findings);
}

/// The root modules of an environment's stages, by stage.
fn roots<'a>(view: &'a View, environment: &str) -> BTreeMap<&'a str, &'a Root> {
    let provision = view
        .stages
        .iter()
        .filter(|stage| stage.kind == StageKind::Provision && *stage.environment == *environment);
    provision
        .filter_map(|stage| {
            let path = stage.path.as_deref()?;
            let root = view.roots.iter().find(|root| root.folder == path)?;
            Some((&*stage.name, root))
        })
        .collect()
}

fn references(view: &View, stage: &Stage, findings: &mut Findings<'_>) {
    let roots = roots(view, &stage.environment);
    hcl::attributes(&stage.body, &mut |attribute| {
        for reference in attribute.expression.references() {
            let (Some(name), Some(output)) = (reference.attribute(0), reference.attribute(1))
            else {
                continue;
            };
            let root = roots.get(name).filter(|_| *reference.root == *"provision");
            let Some(root) = root else { continue };
            if root.outputs.iter().all(|known| *known.name != *output) {
                let folder = root.folder.display();
                let summary = format!("The root module `{folder}` has no output `{output}`");
                findings.at(&reference.span(), summary);
            }
        }
    });
}

/// Groups that the plays of a stage want, and no output makes.
fn groups(view: &View, stage: &Stage, findings: &mut Findings<'_>) {
    let roots = roots(view, &stage.environment);
    let mut known: BTreeSet<&str> = BTreeSet::from(["all", "localhost", "ungrouped"]);
    for root in roots.values() {
        let outputs = root.outputs.iter();
        known.extend(outputs.filter_map(|output| output.name.strip_suffix("_instances")));
    }
    // Without any such output the inventory comes from elsewhere.
    if known.len() == 3 {
        return;
    }
    let hosts = machines(&roots);
    let playbook = view
        .yaml
        .iter()
        .find(|file| Some(&*file.path) == stage.path.as_deref());
    for play in playbook
        .and_then(|file| file.root.items())
        .unwrap_or_default()
    {
        let Some(node) = play.get("hosts") else {
            continue;
        };
        for name in task::texts(Some(node))
            .iter()
            .flat_map(|text| text.split([',', ':']))
        {
            let name = name.trim().trim_start_matches(['!', '&']);
            let pattern = name.contains(['*', '~', '[', '?']) || mask::is_dynamic(name);
            if !pattern && !name.is_empty() && !known.contains(name) && !hosts.contains(name) {
                findings.at(
                    &node.span,
                    format!("No output `{name}_instances` gives this play hosts"),
                );
            }
        }
    }
}

/// Names of the machines that root modules make, which are hosts, too.
fn machines(roots: &BTreeMap<&str, &Root>) -> BTreeSet<String> {
    let resources = roots.values().flat_map(|root| &root.resources);
    resources
        .filter_map(|resource| Some(resource.values.get("name")?.0.as_str()?.to_owned()))
        .collect()
}

fn types(root: &Root, findings: &mut Findings<'_>) {
    for output in &root.outputs {
        let (name, value) = (&output.name, output.value.unmarked());
        let scalar = matches!(value, Value::Number(_) | Value::Bool(_));
        let text = matches!(value, Value::String(_));
        let list = value.as_sequence().is_some();
        if name.ends_with("_instances") && scalar {
            findings.at(
                &output.span,
                format!("No hosts can be read from the output `{name}`"),
            );
        }
        if name.ends_with("_ansible_vars") && (scalar || text || list) {
            let summary = format!("The output `{name}` is no object of variables");
            findings.at(&output.span, summary);
        }
    }
}

static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"\b(?:terraform|tofu)\s+(?:-chdir=\S+\s+)?output\s+(?:-[\w=-]+\s+)*-(?:raw|json)\s+(?:-no-color\s+)?["']?([A-Za-z_][\w-]*)"#;
    Regex::new(pattern).expect("the pattern is a constant and valid")
});

/// Scripts that ask for an output which no folder has.
fn scripts(view: &View, findings: &mut Findings<'_>) {
    let known: BTreeSet<&str> = view
        .folders
        .iter()
        .flat_map(|folder| folder.blocks("output"))
        .filter_map(|block| block.label(0))
        .collect();
    if view.folders.is_empty() || !view.stages.is_empty() {
        return;
    }
    for text in view.files.iter().filter(|text| is_script(text)) {
        for found in ASKED.captures_iter(&text.source.text) {
            let Some(name) = found.get(1) else { continue };
            let span = text.source.span(name.range());
            let comment = text
                .source
                .line(span.start.line)
                .trim_start()
                .starts_with('#');
            if !comment && !known.contains(name.as_str()) {
                let summary = format!("No root module has the output `{}`", name.as_str());
                findings.at(&span, summary);
            }
        }
    }
}

fn is_script(text: &TextFile) -> bool {
    let name = text.name();
    let known = [
        "Makefile",
        "justfile",
        "Justfile",
        "Taskfile.yml",
        "Taskfile.yaml",
    ];
    let in_scripts = text
        .path
        .ancestors()
        .any(|part| part.ends_with(Path::new("scripts")));
    known.contains(&name)
        || text.is(&[".sh", ".bash", ".py", ".mk", ".just"])
        || in_scripts && !name.contains('.')
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn groups_and_types_of_the_convention_are_compared() {
        check(
            "missing-output",
            &[
                (
                    "strata.hcl",
                    "project \"p\" {}\nenvironment \"e\" {\n  provision \"m\" {\n    directory = \"infra\"\n  }\n  configure \"c\" {\n    playbook = \"site.yml\"\n  }\n}\n",
                ),
                (
                    "infra/main.tf",
                    "output \"web_instances\" {\n  value = { a = {} }\n}\noutput \"web_ansible_vars\" {\n  value = \"port=1\"\n}\nresource \"incus_instance\" \"c\" {\n  name = \"cache\"\n  profiles = []\n}\n",
                ),
                (
                    "site.yml",
                    "- hosts: web:cache\n  tasks: []\n- hosts: db\n  tasks: []\n- hosts: localhost\n  tasks: []\n",
                ),
            ],
            &expect![[r#"
                infra/main.tf:4:1: The output `web_ansible_vars` is no object of variables
                site.yml:3:10: No output `db_instances` gives this play hosts
            "#]],
        );
    }

    #[test]
    fn scripts_that_ask_for_an_output_are_compared_with_all_folders() {
        check(
            "missing-output",
            &[
                ("tf/main.tf", "output \"ip\" {\n  value = 1\n}\n"),
                (
                    "run.sh",
                    "IP=$(terraform -chdir=tf output -raw ip)\nX=$(tofu output -json hosts | jq .)\nterraform output -json > all.json\n",
                ),
            ],
            &expect![[r#"
                run.sh:2:23: No root module has the output `hosts`
            "#]],
        );
    }
}
