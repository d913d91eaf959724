//! `backend-without-locking`.

use strata_core::Severity;
use strata_hcl::Block;

use crate::check::{finding::Findings, rule::Rule, view::View};

pub(super) static RULE: Rule = Rule {
    name: "backend-without-locking",
    severity: Severity::Error,
    summary: "A shared state without a lock",
    reason: "Two people, or a person and a pipeline, who apply at once write over each other's state; what one of them made is then known to nobody.",
    fix: "For `s3` set `use_lockfile = true` (or `dynamodb_table`), for `http` set `lock_address` and `unlock_address`.",
    scope: "The backends `s3` and `http`, unless most of their settings come from the command line. Other backends lock by themselves.",
    bad: &[(
        "main.tf",
        r#"terraform {
  backend "s3" {
    bucket = "states"
    key    = "prod/terraform.tfstate"
    region = "eu-central-1"
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"terraform {
  backend "s3" {
    bucket       = "states"
    key          = "prod/terraform.tfstate"
    region       = "eu-central-1"
    use_lockfile = true
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for folder in &view.folders {
        for block in folder.settings("backend") {
            if !locks(block) {
                let kind = block.label(0).unwrap_or_default();
                let summary = format!("The state in the backend `{kind}` has no lock");
                findings.at(&block.header_span(), summary);
            }
        }
    }
}

fn locks(block: &Block) -> bool {
    let has = |name: &str| block.body.attribute(name).is_some();
    match block.label(0).unwrap_or_default() {
        "s3" => {
            let partial = !has("bucket") || !has("key");
            let file = block.body.attribute("use_lockfile");
            let file = file.is_some_and(|file| file.expression.text() != "false");
            partial || file || has("dynamodb_table")
        }
        "http" => !has("address") || has("lock_address"),
        "artifactory" | "etcd" | "etcdv3_nolock" => false,
        _ => true,
    }
}
