//! `api-token-for-root`.

use std::sync::LazyLock;

use regex::Regex;
use strata_core::Severity;
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, mask, task::Task},
    walk::TextFile,
};

pub(super) static RULE: Rule = Rule {
    name: "api-token-for-root",
    severity: Severity::Warning,
    summary: "An API token of Proxmox's `root@pam`",
    reason: "A token of root may do everything on every node; if it leaks, the whole cluster is lost, and what used it cannot be told from an administrator.",
    fix: "Make a user for the tool, give it a role with the privileges it needs, and a token with privilege separation: `pveum user token add terraform@pve NAME -privsep 1`.",
    scope: "Terraform files and their values, Packer templates, `.env` files, YAML, and modules with `api_user: root@pam` and a token. Comments are left alone.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {
  endpoint  = "https://pve.example.com:8006/"
  api_token = "root@pam!terraform=${var.token_secret}"
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {
  endpoint  = "https://pve.example.com:8006/"
  api_token = "terraform@pve!provider=${var.token_secret}"
}
"#,
    )],
    find,
};

/// A token's name, up to its secret. Where the name only stands for one, nothing is said.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"root@pam!([A-Za-z][\w.-]*)").expect("the pattern is a constant and valid")
});

fn find(view: &View, findings: &mut Findings<'_>) {
    for text in view.files.iter().filter(|text| is_configuration(text)) {
        for found in TOKEN.captures_iter(&text.source.text) {
            let Some(whole) = found.get(0) else { continue };
            let span = text.source.span(whole.range());
            let line = text.source.line(span.start.line).trim_start();
            let before = &text.source.line(span.start.line);
            if is_comment(line) || described(before) {
                continue;
            }
            let summary = format!("The API token `{}` is root's", whole.as_str());
            findings.at(&span, summary);
        }
    }
    for task in &view.tasks {
        in_task(task, findings);
    }
}

/// Modules that are given the user and the token apart.
fn in_task(task: &Task, findings: &mut Findings<'_>) {
    let user = task.argument("api_user");
    let root = user.filter(|user| user.text() == Some("root@pam"));
    let token = task.argument("api_token_id").and_then(Node::text);
    if let (Some(user), Some(token)) = (root, token) {
        let summary = match mask::is_dynamic(token) {
            true => "The API token is root's".to_owned(),
            false => format!("The API token `{token}` is root's"),
        };
        findings.at(&user.span, summary);
    }
}

fn is_configuration(text: &TextFile) -> bool {
    let name = text.name();
    text.is(&[".tf", ".tofu", ".tfvars", ".hcl", ".yml", ".yaml"]) || name.starts_with(".env")
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#') || line.starts_with("//") || line.starts_with('*')
}

/// True for lines that only tell people what a token looks like.
fn described(line: &str) -> bool {
    ["description", "error_message", "msg:", "fail_msg", "name:"]
        .iter()
        .any(|word| line.trim_start().trim_start_matches("- ").starts_with(word))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn tokens_in_environment_files_and_modules_are_found_and_comments_are_not() {
        check(
            "api-token-for-root",
            &[
                (
                    ".env",
                    "# PM_API_TOKEN_ID=root@pam!a\nPM_API_TOKEN_ID=root@pam!tf\nPM_USER=root@pam\n",
                ),
                (
                    "site.yml",
                    "- hosts: localhost\n  tasks:\n    - name: VM\n      community.general.proxmox_kvm:\n        api_user: root@pam\n        api_token_id: \"{{ id }}\"\n    - name: by password\n      community.general.proxmox_kvm:\n        api_user: root@pam\n        api_password: \"{{ password }}\"\n",
                ),
            ],
            &expect![[r#"
                .env:2:17: The API token `root@pam!tf` is root's
                site.yml:5:19: The API token is root's
            "#]],
        );
    }
}
