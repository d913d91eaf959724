//! `default-profile`.

use strata_core::{Severity, Span};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, expand::Resource},
};

pub(super) static RULE: Rule = Rule {
    name: "default-profile",
    severity: Severity::Warning,
    summary: "The profile `default` of Incus",
    reason: "It belongs to whoever runs the host: what it holds differs from host to host and changes without a word here, so that the same configuration gives other machines.",
    fix: "Make profiles of your own and name them in `profiles`; for none at all write `profiles = []`.",
    scope: "Instances of the Incus and LXD providers that name it, or that leave `profiles` out, which means `default`; and profiles that are called so. Within a project of their own they are left alone.",
    bad: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "web" {
  name     = "web"
  image    = "debian/12"
  profiles = ["default"]
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_profile" "base" {
  name = "web-base"
  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}

resource "incus_instance" "web" {
  name     = "web"
  image    = "debian/12"
  profiles = [incus_profile.base.name]
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for resource in view.roots.iter().flat_map(|root| &root.resources) {
        let found = match &*resource.kind {
            "incus_instance" | "lxd_instance" => instance(resource),
            "incus_profile" | "lxd_profile" => profile(resource),
            _ => None,
        };
        if let Some((span, what)) = found {
            findings.on(resource, span, format!("`{}` {what}", resource.address));
        }
    }
}

fn instance(resource: &Resource) -> Option<(&Span, &'static str)> {
    if is_in_own_project(resource) {
        return None;
    }
    let Some((profiles, span)) = resource.values.get("profiles") else {
        let said = "has the profile `default`, since it names none";
        return Some((&resource.values.span, said));
    };
    let names = profiles.as_sequence()?;
    let named = names.iter().any(|name| name.as_str() == Some("default"));
    named.then_some((span, "has the profile `default`"))
}

fn profile(resource: &Resource) -> Option<(&Span, &'static str)> {
    let (name, span) = resource.values.get("name")?;
    let ours = is_in_own_project(resource);
    (name.as_str() == Some("default") && !ours).then_some((span, "changes the profile `default`"))
}

/// True in a project of one's own, whose profile `default` nobody else changes.
fn is_in_own_project(resource: &Resource) -> bool {
    let project = resource.values.get("project").map(|(value, _)| value);
    project.is_some_and(|project| project.as_str() != Some("default"))
}
