//! What is wrong with waivers themselves; found while they are applied.

use strata_core::Severity;

use crate::check::rule::Rule;

pub(crate) static WITHOUT_REASON: Rule = Rule {
    name: "waiver-without-reason",
    severity: Severity::Warning,
    summary: "A waiver that does not say why",
    reason: "Whoever reads the file next cannot tell whether the waiver still holds.",
    fix: "Write `strata:ignore RULE: why this is right here`.",
    scope: "Without a reason the waiver has no effect: what it was meant for is still reported.",
    bad: &[(
        "main.tf",
        r#"resource "incus_instance" "router" {
  name     = "router"
  image    = "debian/12"
  profiles = ["router"]
  config = {
    # strata:ignore privileged-container
    "security.privileged" = "true"
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"resource "incus_instance" "router" {
  name     = "router"
  image    = "debian/12"
  profiles = ["router"]
  config = {
    # strata:ignore privileged-container: it loads kernel modules, and nothing else runs in it
    "security.privileged" = "true"
  }
}
"#,
    )],
    find: |_, _| {},
};

pub(crate) static UNUSED: Rule = Rule {
    name: "unused-waiver",
    severity: Severity::Warning,
    summary: "A waiver of something that is not there",
    reason: "It would hide the mistake if somebody made it again.",
    fix: "Delete the comment, or correct the rule's name.",
    scope: "",
    bad: &[(
        "main.tf",
        r#"resource "incus_instance" "router" {
  name     = "router"
  image    = "debian/12"
  profiles = ["router"]
  config = {
    # strata:ignore privileged-container: it loads kernel modules
    "security.privileged" = "false"
  }
}
"#,
    )],
    good: &[],
    find: |_, _| {},
};
