//! `image-without-checksum`.

use strata_core::{Severity, Span};
use strata_hcl::Body;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, expand::Resource, hcl, task::Task},
};

pub(super) static RULE: Rule = Rule {
    name: "image-without-checksum",
    severity: Severity::Warning,
    summary: "A machine image from the network that nothing checks",
    reason: "Every machine made from it trusts it; a broken or exchanged download is noticed by nobody, and the same configuration gives other machines next month.",
    fix: "Take a dated release instead of `latest` or `current`, and give its checksum (`checksum` and `checksum_algorithm`, as the publisher lists them).",
    scope: "Downloads of the Proxmox providers, `get_url` of disk images, and `iso_checksum` of Packer templates.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_download_file" "debian" {
  node_name    = "pve"
  datastore_id = "local"
  content_type = "iso"
  url          = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_download_file" "debian" {
  node_name          = "pve"
  datastore_id       = "local"
  content_type       = "iso"
  url                = "https://cloud.debian.org/images/cloud/bookworm/20250703-2162/debian-12-genericcloud-amd64-20250703-2162.qcow2"
  checksum           = "ed4e7f4ff2b8d2d5a2cf5b0a9d3d2a1a"
  checksum_algorithm = "md5"
}
"#,
    )],
    find,
};

/// Endings of disk images.
const IMAGES: [&str; 6] = [".img", ".qcow2", ".iso", ".raw", ".img.xz", ".vmdk"];

fn find(view: &View, findings: &mut Findings<'_>) {
    for resource in view.roots.iter().flat_map(|root| &root.resources) {
        if let Some(span) = download(resource) {
            let address = &resource.address;
            findings.on(
                resource,
                span,
                format!("The download of `{address}` has no checksum"),
            );
        }
    }
    for task in &view.tasks {
        if let Some(span) = get_url(task) {
            findings.at(span, "The image is downloaded without a checksum");
        }
    }
    for body in &view.packer {
        packer(body, findings);
    }
}

fn download(resource: &Resource) -> Option<&Span> {
    match &*resource.kind {
        "proxmox_virtual_environment_download_file" | "proxmox_download_file" => {
            let (_, span) = resource.values.get("url")?;
            resource.values.get("checksum").is_none().then_some(span)
        }
        "proxmox_virtual_environment_file" => {
            let source = resource.values.blocks("source_file").next()?;
            let (path, span) = source.get("path")?;
            let remote = path.as_str()?.starts_with("http");
            (remote && source.get("checksum").is_none()).then_some(span)
        }
        _ => None,
    }
}

fn get_url(task: &Task) -> Option<&Span> {
    if task.module != "get_url" || task.has_argument("checksum") {
        return None;
    }
    let url = task.text("url")?;
    let image = IMAGES.iter().any(|ending| url.ends_with(ending));
    let span = task.argument("url").map_or(&task.span, |node| &node.span);
    image.then_some(span)
}

fn packer(body: &Body, findings: &mut Findings<'_>) {
    hcl::attributes(body, &mut |attribute| {
        let none = hcl::text(&attribute.expression).is_some_and(|text| &*text == "none");
        if &*attribute.name.text == "iso_checksum" && none {
            findings.at(&attribute.span(), "The installer image has no checksum");
        }
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn disk_images_that_tasks_download_need_a_checksum_and_other_files_do_not() {
        check(
            "image-without-checksum",
            &[(
                "tasks/main.yml",
                "- name: image\n  get_url:\n    url: https://x.org/a.img\n    dest: /a.img\n- name: checked\n  get_url:\n    url: https://x.org/a.img\n    checksum: sha256:1\n    dest: /a.img\n- name: key\n  get_url: url=https://x.org/a.gpg dest=/a\n",
            )],
            &expect![[r#"
                tasks/main.yml:3:10: The image is downloaded without a checksum
            "#]],
        );
    }
}
