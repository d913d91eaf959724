//! `hard-coded-image-id`.

use strata_core::{Severity, Value};
use strata_hcl::{Attribute, Block};

use crate::check::{finding::Findings, rule::Rule, view::View};

pub(super) static RULE: Rule = Rule {
    name: "hard-coded-image-id",
    severity: Severity::Warning,
    summary: "The id of a template or image, written where it is used",
    reason: "An id holds on one cluster only, and only until the template is built again; a name or a reference holds on all of them.",
    fix: "Refer to the resource that makes it, look it up by name in a data source, or take it from a variable that each environment sets.",
    scope: "Literal ids in `clone` of a Proxmox VM or container, AMI ids, and fingerprints of Incus images. A variable with an id as its default is left alone.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  clone {
    vm_id = 9000
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

variable "template_id" {
  description = "VM id of the template on this cluster."
  type        = number
}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  clone {
    vm_id = var.template_id
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for folder in &view.folders {
        for block in folder.blocks("resource") {
            for attribute in ids(block) {
                let text = attribute.expression.text();
                let what = format!("{}.{}", text_of(block, 0), text_of(block, 1));
                let summary = format!("`{what}` is made from {text}, written out");
                findings.at(&attribute.span(), summary);
            }
        }
    }
}

fn text_of(block: &Block, label: usize) -> &str {
    block.label(label).unwrap_or_default()
}

fn ids(block: &Block) -> Vec<&Attribute> {
    let argument = |name: &str| block.body.attribute(name);
    let found = match block.label(0).unwrap_or_default() {
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => {
            let clones = block.body.blocks_of("clone");
            return clones
                .filter_map(|clone| clone.body.attribute("vm_id"))
                .filter(|attribute| is_number(attribute))
                .collect();
        }
        "proxmox_vm_qemu" => argument("clone_id").filter(|id| is_number(id)),
        "proxmox_lxc" => argument("clone").filter(|id| is_number(id)),
        "aws_instance" | "aws_launch_template" => ["ami", "image_id"]
            .iter()
            .find_map(|name| argument(name))
            .filter(|id| literal(id).is_some_and(|id| id.starts_with("ami-"))),
        "incus_instance" | "lxd_instance" => {
            argument("image").filter(|id| literal(id).is_some_and(|id| is_fingerprint(&id)))
        }
        _ => None,
    };
    found.into_iter().collect()
}

fn is_number(attribute: &Attribute) -> bool {
    let value = attribute.expression.as_literal();
    value.is_some_and(|value| match &value {
        Value::Number(_) => true,
        other => other
            .as_str()
            .is_some_and(|text| text.parse::<u32>().is_ok()),
    })
}

fn literal(attribute: &Attribute) -> Option<String> {
    Some(attribute.expression.as_literal()?.as_str()?.to_owned())
}

fn is_fingerprint(image: &str) -> bool {
    let id = image.rsplit(':').next().unwrap_or(image);
    let digits = id.chars().all(|c| c.is_ascii_hexdigit());
    id.len() >= 12 && digits && id.chars().any(|c| c.is_ascii_digit())
}
