//! `cloud-init-password`.

use strata_core::{Severity, Span};
use strata_hcl::Block;
use strata_jinja::yaml::{Node, NodeKind};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, hcl, mask},
};

pub(super) static RULE: Rule = Rule {
    name: "cloud-init-password",
    severity: Severity::Error,
    summary: "A password, or the hash of one, in cloud-init user-data",
    reason: "User-data can be read by every process of the guest that may ask the metadata drive, lies on the hypervisor as a file, and stays in state; a hash is guessed offline.",
    fix: "Log in with ssh keys (`ssh_authorized_keys`); where a password is needed, set it in the application layer from a secret.",
    scope: "`password`, `passwd`, `hashed_passwd`, `plain_text_passwd` and `chpasswd` in user-data, whether written out or filled in by a template, and written-out passwords in `user_account` and `cipassword` of the Proxmox providers.",
    bad: &[(
        "user-data.yml",
        r#"#cloud-config
users:
  - name: admin
    lock_passwd: false
    hashed_passwd: $6$rounds=4096$salt$0123456789abcdef
"#,
    )],
    good: &[(
        "user-data.yml",
        r#"#cloud-config
users:
  - name: admin
    lock_passwd: true
    ssh_authorized_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin
"#,
    )],
    find,
};

const KEYS: [&str; 5] = [
    "password",
    "passwd",
    "hashed_passwd",
    "plain_text_passwd",
    "hashed-passwd",
];

fn find(view: &View, findings: &mut Findings<'_>) {
    for user_data in &view.cloud_inits {
        for part in ["users", "password", "user", "chpasswd", "autoinstall"] {
            let Some(node) = user_data.get(part) else {
                continue;
            };
            if part == "password" {
                report(part, node, findings);
            }
            // What builds an image needs a way in; it is filled in for the time of the build.
            look(node, part == "autoinstall", findings);
        }
        if let Some(list) = user_data.get("chpasswd").and_then(|node| node.get("list")) {
            report("chpasswd", list, findings);
        }
    }
    for folder in &view.folders {
        for block in folder.blocks("resource") {
            for span in written_out(block) {
                findings.at(
                    &span,
                    "A password is written out in the cloud-init settings",
                );
            }
        }
    }
}

fn look(node: &Node, building: bool, findings: &mut Findings<'_>) {
    match &node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter().for_each(|item| look(item, building, findings)),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.text().unwrap_or_default();
                let filled_in = entry.value.text().is_some_and(mask::is_dynamic);
                if KEYS.contains(&key) && !(building && filled_in) {
                    report(key, &entry.value, findings);
                }
                look(&entry.value, building, findings);
            }
        }
    }
}

fn report(key: &str, value: &Node, findings: &mut Findings<'_>) {
    // `*` and `!` are what a locked account has.
    let locked = |text: &str| matches!(text.trim(), "" | "*" | "!" | "!!" | "null" | "~");
    let is_list = value.items().is_some_and(|items| !items.is_empty());
    if is_list || value.text().is_some_and(|text| !locked(text)) {
        findings.at(
            &value.span,
            format!("`{key}` in user-data holds a password"),
        );
    }
}

fn written_out(block: &Block) -> Vec<Span> {
    let attributes = match block.label(0).unwrap_or_default() {
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => block
            .body
            .blocks_of("initialization")
            .flat_map(|block| block.body.blocks_of("user_account"))
            .filter_map(|block| block.body.attribute("password"))
            .collect(),
        "proxmox_vm_qemu" => block.body.attribute("cipassword").into_iter().collect(),
        _ => Vec::new(),
    };
    attributes
        .iter()
        .filter(|attribute| hcl::text(&attribute.expression).is_some_and(|text| !text.is_empty()))
        .map(|attribute| attribute.span())
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn passwords_in_heredocs_are_found_where_they_stand() {
        check(
            "cloud-init-password",
            &[(
                "main.tf",
                "locals {\n  user_data = <<-EOT\n    #cloud-config\n    hostname: ${var.name}\n    password: ${var.password}\n    chpasswd: { expire: false }\n  EOT\n}\n",
            )],
            &expect![[r#"
                main.tf:5:15: `password` in user-data holds a password
            "#]],
        );
    }

    #[test]
    fn encoded_user_data_and_texts_in_yaml_are_read_too() {
        check(
            "cloud-init-password",
            &[
                (
                    "main.tf",
                    "locals {\n  a = join(\"\\n\", [\"#cloud-config\", yamlencode({ users = [{ name = \"a\", passwd = var.p }] })])\n}\n",
                ),
                (
                    "tasks/main.yml",
                    "- name: user-data\n  copy:\n    dest: /a\n    content: |\n      #cloud-config\n      users:\n        - name: a\n          passwd: \"*\"\n        - name: b\n          passwd: abc\n",
                ),
            ],
            &expect![[r#"
                main.tf:2:81: `passwd` in user-data holds a password
                tasks/main.yml:5:7: `passwd` in user-data holds a password
            "#]],
        );
    }
}
