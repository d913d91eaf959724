//! `latest-version`.

use strata_core::{Severity, Span};
use strata_hcl::Attribute;
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{
        View,
        ansible::{FileKind, YamlFile},
        hcl, mask,
        task::Task,
    },
    walk::TextFile,
};

pub(super) static RULE: Rule = Rule {
    name: "latest-version",
    severity: Severity::Warning,
    summary: "`latest` as a version",
    reason: "It stands for something else every day: two hosts configured a week apart differ, a run that should change nothing upgrades a database, and there is no going back to what ran before.",
    fix: "Name the version, in a variable of the role's defaults, and raise it on purpose; for packages `state: present`.",
    scope: "`state: latest` of package modules, images with the tag `latest` or without a tag in container modules and compose files (also as templates), variables `…_version` and `…_tag`, and downloads from `/releases/latest/`. Playbooks that are there to upgrade (by their name or tag, or `name: \"*\"`) are left alone.",
    bad: &[(
        "site.yml",
        r#"- name: Database
  hosts: db
  tasks:
    - name: Install PostgreSQL
      ansible.builtin.apt:
        name: postgresql
        state: latest
    - name: Run the exporter
      community.docker.docker_container:
        name: exporter
        image: prometheuscommunity/postgres-exporter:latest
"#,
    )],
    good: &[(
        "site.yml",
        r#"- name: Database
  hosts: db
  tasks:
    - name: Install PostgreSQL
      ansible.builtin.apt:
        name: postgresql-16
        state: present
    - name: Run the exporter
      community.docker.docker_container:
        name: exporter
        image: prometheuscommunity/postgres-exporter:v0.15.0
"#,
    )],
    find,
};

/// Modules that install packages.
const PACKAGES: [&str; 13] = [
    "apt", "dnf", "dnf5", "yum", "package", "pip", "npm", "apk", "pacman", "zypper", "gem",
    "homebrew", "pipx",
];

fn find(view: &View, findings: &mut Findings<'_>) {
    for task in &view.tasks {
        in_task(task, findings);
    }
    for file in view.yaml_of(FileKind::Compose) {
        compose(&file.root, findings);
    }
    for text in view.files.iter().filter(|text| is_compose_template(text)) {
        if let Some(root) = mask::parse(&text.source, 0, text.source.text.len()) {
            compose(&root, findings);
        }
    }
    for file in view.yaml_of(FileKind::Variables) {
        variables(file, findings);
    }
    for body in view.folders.iter().flat_map(|folder| &folder.bodies) {
        hcl::attributes(body, &mut |attribute| in_hcl(attribute, findings));
        for block in body.blocks_of("variable") {
            let name = block.label(0).unwrap_or_default();
            if let Some(default) = block.body.attribute("default")
                && is_version(name)
                && hcl::text(&default.expression).as_deref() == Some("latest")
            {
                findings.at(
                    &default.span(),
                    format!("The default of `{name}` is `latest`"),
                );
            }
        }
    }
}

fn in_task(task: &Task, findings: &mut Findings<'_>) {
    let module = task.module.as_str();
    if PACKAGES.contains(&module) && task.text("state") == Some("latest") && !is_upgrade(task) {
        let span = task.argument("state").map_or(&task.span, |node| &node.span);
        let name = task
            .text("name")
            .or(task.text("pkg"))
            .filter(|name| !mask::is_dynamic(name));
        let what = name.map_or("The packages are".to_owned(), |name| format!("`{name}` is"));
        findings.at(span, format!("{what} installed in the latest version"));
    }
    if matches!(
        module,
        "docker_container" | "podman_container" | "docker_swarm_service"
    ) && let Some(image) = task.argument("image")
    {
        self::image(image, findings);
    }
    if module == "docker_image" && task.text("source") != Some("build") {
        pulled(task, findings);
    }
    if module == "get_url"
        && let Some(url) = task.argument("url")
    {
        let latest = url
            .text()
            .is_some_and(|url| url.contains("/releases/latest/"));
        if latest {
            findings.at(
                &url.span,
                "The latest release is downloaded, whichever that is",
            );
        }
    }
}

/// True for tasks whose purpose is to upgrade.
fn is_upgrade(task: &Task) -> bool {
    let says = |text: &str| {
        let text = text.to_lowercase();
        ["update", "upgrade", "patch"]
            .iter()
            .any(|word| text.contains(word))
    };
    let file = task.file.to_string_lossy();
    let all = task.text("name") == Some("*") || task.has_argument("upgrade");
    all || task.has_argument("only_upgrade") || says(&file) || task.tags.iter().any(|tag| says(tag))
}

fn pulled(task: &Task, findings: &mut Findings<'_>) {
    let tag = task.argument("tag");
    match (task.argument("name"), tag.and_then(Node::text)) {
        (_, Some("latest")) => {
            let span = tag.map_or(&task.span, |tag| &tag.span);
            findings.at(span, "The image's tag is `latest`");
        }
        (Some(name), None) => image(name, findings),
        _ => {}
    }
}

fn image(node: &Node, findings: &mut Findings<'_>) {
    if let Some(said) = node.text().and_then(judge) {
        findings.at(&node.span, said);
    }
}

/// What is wrong with the name of an image.
fn judge(image: &str) -> Option<String> {
    let image = image.trim();
    if image.ends_with(":latest") {
        return Some(format!("The image `{image}` is whatever is latest"));
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    let tagged = name.contains([':', '@']) || image.contains('@');
    if image.is_empty() || tagged || mask::is_dynamic(image) || image.starts_with("sha256:") {
        return None;
    }
    Some(format!(
        "The image `{image}` names no tag, which means `latest`"
    ))
}

fn is_compose_template(text: &TextFile) -> bool {
    text.name().contains("compose")
        && text.is(&[".yml.j2", ".yaml.j2", ".yml.tftpl", ".yaml.tftpl"])
}

fn compose(root: &Node, findings: &mut Findings<'_>) {
    for entry in root
        .get("services")
        .and_then(Node::entries)
        .unwrap_or_default()
    {
        let built = entry.value.get("build").is_some();
        if let Some(node) = entry.value.get("image").filter(|_| !built) {
            image(node, findings);
        }
    }
}

fn is_version(name: &str) -> bool {
    name == "version"
        || name == "tag"
        || ["_version", "_tag", "_image_tag", "_release"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn variables(file: &YamlFile, findings: &mut Findings<'_>) {
    for entry in file.root.entries().unwrap_or_default() {
        let name = entry.key.text().unwrap_or_default();
        let value = entry.value.text().unwrap_or_default();
        let version = is_version(name) && value == "latest";
        let image = name.ends_with("image") && value.ends_with(":latest");
        if version || image {
            findings.at(&entry.value.span, format!("`{name}` is `{value}`"));
        }
    }
}

fn in_hcl(attribute: &Attribute, findings: &mut Findings<'_>) {
    let name = &*attribute.name.text;
    let Some(value) = hcl::text(&attribute.expression) else {
        return;
    };
    let image = name.ends_with("image") && value.ends_with(":latest");
    if image || is_version(name) && &*value == "latest" {
        let span: Span = attribute.span();
        findings.at(&span, format!("`{name}` is `{value}`"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn compose_files_are_read_as_templates_too() {
        check(
            "latest-version",
            &[
                (
                    "roles/a/templates/docker-compose.yml.j2",
                    "services:\n{% if a %}\n  web:\n    image: nginx\n{% endif %}\n  db:\n    image: postgres:{{ version }}\n  own:\n    build: .\n    image: own\n",
                ),
                (
                    "roles/a/defaults/main.yml",
                    "app_version: latest\napp_tag: v1\n",
                ),
            ],
            &expect![[r#"
                roles/a/defaults/main.yml:1:14: `app_version` is `latest`
                roles/a/templates/docker-compose.yml.j2:4:12: The image `nginx` names no tag, which means `latest`
            "#]],
        );
    }

    #[test]
    fn upgrades_on_purpose_are_left_alone() {
        check(
            "latest-version",
            &[
                (
                    "upgrade.yml",
                    "- hosts: all\n  tasks:\n    - apt:\n        name: nginx\n        state: latest\n",
                ),
                (
                    "site.yml",
                    "- hosts: all\n  tasks:\n    - apt:\n        name: \"*\"\n        state: latest\n    - apt: name=x state=latest\n",
                ),
            ],
            &expect![[r#"
                site.yml:6:7: `x` is installed in the latest version
            "#]],
        );
    }
}
