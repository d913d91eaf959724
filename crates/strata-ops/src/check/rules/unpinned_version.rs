//! `unpinned-version`.

use std::path::Path;

use strata_core::{Severity, Span};
use strata_hcl::Expression;
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{
        View,
        ansible::FileKind,
        hcl::{self, Folder},
    },
};

pub(super) static RULE: Rule = Rule {
    name: "unpinned-version",
    severity: Severity::Warning,
    summary: "A provider, module, role or collection without a version",
    reason: "The next run on another machine takes whatever is newest that day: what worked yesterday fails today, or does something else.",
    fix: "Give a version: `version = \"~> 0.66\"` for a provider (or commit `.terraform.lock.hcl`), `version` or `?ref=TAG` for a module, `version` for a role or collection.",
    scope: "Providers in `required_providers` of root modules that have no committed lock file, modules from registries and git, and `requirements.yml`. A branch is not a version. Folders called `examples` are left alone.",
    bad: &[
        (
            "main.tf",
            r#"terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox" }
  }
}

provider "proxmox" {}
"#,
        ),
        (
            "requirements.yml",
            r#"roles:
  - name: geerlingguy.docker
"#,
        ),
    ],
    good: &[
        (
            "main.tf",
            r#"terraform {
  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.66"
    }
  }
}

provider "proxmox" {}
"#,
        ),
        (
            "requirements.yml",
            r#"roles:
  - name: geerlingguy.docker
    version: 7.4.1
"#,
        ),
    ],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for root in view.used_roots().filter(|root| !is_example(&root.folder)) {
        let folder = view
            .folders
            .iter()
            .find(|folder| folder.path == root.folder);
        if let Some(folder) = folder.filter(|folder| !folder.locked) {
            providers(folder, findings);
        }
    }
    for folder in view
        .folders
        .iter()
        .filter(|folder| !is_example(&folder.path))
    {
        modules(folder, findings);
    }
    for file in view.yaml_of(FileKind::Requirements) {
        requirements(&file.root, findings);
    }
}

/// Examples of a module are tried with whatever is newest.
fn is_example(folder: &Path) -> bool {
    folder.components().any(|part| {
        let name = part.as_os_str();
        name == "examples" || name == "example"
    })
}

fn providers(folder: &Folder, findings: &mut Findings<'_>) {
    for block in folder.settings("required_providers") {
        for attribute in &block.body.attributes {
            let version = match attribute.expression.as_map() {
                Some(entries) => member(&entries, "version").and_then(|value| hcl::text(&value)),
                None => hcl::text(&attribute.expression),
            };
            let name = &attribute.name.text;
            let said = match version.as_deref() {
                None | Some("") => "has no version".to_owned(),
                Some(version) if is_open(version) => format!("has any version `{version}`"),
                Some(_) => continue,
            };
            findings.at(&attribute.span(), format!("The provider `{name}` {said}"));
        }
    }
}

fn member(entries: &[(Expression, Expression)], name: &str) -> Option<Expression> {
    let is = |key: &Expression| key.text().trim_matches('"') == name;
    let entry = entries.iter().find(|(key, _)| is(key))?;
    Some(entry.1.clone())
}

/// True for constraints without an upper end.
fn is_open(version: &str) -> bool {
    version
        .split(',')
        .map(str::trim)
        .all(|part| part.starts_with('>') || part.starts_with("!=") || part == "*")
}

fn modules(folder: &Folder, findings: &mut Findings<'_>) {
    for block in folder.blocks("module") {
        let Some(attribute) = block.body.attribute("source") else {
            continue;
        };
        let Some(source) = hcl::text(&attribute.expression) else {
            continue;
        };
        let versioned = block.body.attribute("version").is_some();
        if let Some(said) = module(&source, versioned) {
            let name = block.label(0).unwrap_or_default();
            findings.at(&attribute.span(), format!("The module `{name}` {said}"));
        }
    }
}

/// What is wrong with where a module comes from.
fn module(source: &str, versioned: bool) -> Option<String> {
    if source.starts_with("./") || source.starts_with("../") || source.starts_with('/') {
        return None;
    }
    let git = source.starts_with("git::")
        || source.starts_with("git@")
        || ["github.com/", "bitbucket.org/"]
            .iter()
            .any(|host| source.starts_with(host));
    if !git {
        let registry = source.split("//").next().unwrap_or(source);
        let parts = registry.split('/').count();
        let registry = (3..=4).contains(&parts) && !source.contains("::") && !source.contains('?');
        return (registry && !versioned).then(|| "has no version".to_owned());
    }
    match source.split_once("ref=").map(|(_, reference)| reference) {
        None => Some("has no `?ref=`".to_owned()),
        Some(reference) => {
            is_branch(reference).then(|| format!("follows the branch `{reference}`"))
        }
    }
}

fn is_branch(reference: &str) -> bool {
    matches!(
        reference,
        "main" | "master" | "HEAD" | "devel" | "develop" | "latest" | "*" | "trunk"
    )
}

fn requirements(root: &Node, findings: &mut Findings<'_>) {
    let lists: [(&str, Option<&Node>); 2] = match root.items() {
        Some(_) => [("role", Some(root)), ("collection", None)],
        None => [
            ("role", root.get("roles")),
            ("collection", root.get("collections")),
        ],
    };
    for (what, list) in lists {
        for item in list.and_then(Node::items).unwrap_or_default() {
            if let Some((name, span, said)) = requirement(item) {
                findings.at(&span, format!("The {what} `{name}` {said}"));
            }
        }
    }
}

fn requirement(item: &Node) -> Option<(String, Span, String)> {
    if let Some(name) = item.text() {
        // `author.role,1.2` and `ns.collection:1.2` carry their version.
        let bare = !name.contains(',') && !name.trim_start_matches("https:").contains(':');
        return bare.then(|| {
            (
                name.to_owned(),
                item.span.clone(),
                "has no version".to_owned(),
            )
        });
    }
    let named = item
        .get("name")
        .or_else(|| item.get("src"))
        .or_else(|| item.get("source"))?;
    let name = named.text()?.to_owned();
    if name.contains(',') {
        return None;
    }
    // A folder or an archive is what it is.
    let kind = item.get("type").and_then(Node::text).unwrap_or_default();
    let fixed = matches!(kind, "dir" | "subdirs" | "file" | "url") || name.ends_with(".tar.gz");
    if fixed || item.get("include").is_some() {
        return None;
    }
    match item.get("version").and_then(Node::text) {
        None => Some((name, named.span.clone(), "has no version".to_owned())),
        Some(version) if is_branch(version) => Some((
            name,
            named.span.clone(),
            format!("has any version of `{version}`"),
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::module;
    use crate::check::tests::check;

    const OPEN: &str = "terraform {\n  required_providers {\n    a = \">= 1.0\"\n    b = { version = \">= 1.0, < 2.0\" }\n    c = { source = \"x/c\" }\n  }\n}\nprovider \"a\" {}\n";

    #[test]
    fn a_lock_file_pins_providers_and_examples_need_not_be_pinned() {
        check(
            "unpinned-version",
            &[
                ("main.tf", OPEN),
                ("locked/main.tf", OPEN),
                ("locked/.terraform.lock.hcl", ""),
                ("examples/a/main.tf", OPEN),
                (
                    "modules/m/main.tf",
                    "terraform {\n  required_providers {\n    a = {}\n  }\n}\n",
                ),
            ],
            &expect![[r#"
                main.tf:3:5: The provider `a` has any version `>= 1.0`
                main.tf:5:5: The provider `c` has no version
            "#]],
        );
    }

    #[test]
    fn requirements_are_read_in_every_form() {
        check(
            "unpinned-version",
            &[(
                "requirements.yml",
                "roles:\n  - src: a.b\n  - src: git+https://x.org/r.git\n    version: main\n  - name: c.d,1.2\n  - name: local\n    version: 1.0.0\ncollections:\n  - x.y\n  - x.z:1.2.0\n  - name: ./local\n    type: dir\n",
            )],
            &expect![[r#"
                requirements.yml:2:10: The role `a.b` has no version
                requirements.yml:3:10: The role `git+https://x.org/r.git` has any version of `main`
                requirements.yml:9:5: The collection `x.y` has no version
            "#]],
        );
    }

    #[test]
    fn modules_from_registries_and_git_need_a_version_and_folders_do_not() {
        assert_eq!(module("./modules/vm", false), None);
        assert_eq!(module("terraform-aws-modules/vpc/aws", true), None);
        assert!(module("terraform-aws-modules/vpc/aws", false).is_some());
        assert_eq!(module("git::https://x.org/m.git?ref=v1.2", false), None);
        assert!(module("git::https://x.org/m.git", false).is_some());
        assert!(module("github.com/a/b?ref=main", false).is_some());
    }
}
