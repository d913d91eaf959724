//! Names that a server would not take.

use strata_core::{Diagnostic, Diagnostics};

use crate::provider::{attributes::Attributes, instance};

/// Fails for a name that no server takes, as the documentation of Incus 6 has it for each kind.
pub(crate) fn validate(type_name: &str, config: Attributes<'_>, diags: &mut Diagnostics) {
    let Some(name) = config.text("name") else {
        return;
    };
    if let Some(reason) = wrong(type_name, config, name) {
        let summary = format!("`{name}` is no name for `{type_name}`");
        diags.push(Diagnostic::error("incus-invalid-value", summary).detail(reason));
    }
}

fn wrong(type_name: &str, config: Attributes<'_>, name: &str) -> Option<&'static str> {
    match type_name {
        _ if name.is_empty() => Some("It is empty."),
        instance::TYPE if name.len() > 63 => Some("It is longer than 63 characters."),
        instance::TYPE if !is_host_name(name) => Some(
            "It may have letters, digits and hyphens, begins with a letter and does not end with a hyphen.",
        ),
        "incus_network" if is_interface(config) && name.len() > 15 => {
            Some("It becomes the name of a network interface, which has at most 15 characters.")
        }
        "incus_network" if is_interface(config) && name.len() < 2 => {
            Some("It becomes the name of a network interface, which has at least 2 characters.")
        }
        "incus_profile"
        | "incus_project"
        | "incus_storage_pool"
        | "incus_network"
        | "incus_storage_volume"
        | "incus_network_acl"
        | "incus_instance_snapshot"
            if name.contains('/') || name.contains(char::is_whitespace) =>
        {
            Some("It may have neither slashes nor spaces.")
        }
        "incus_project" if [".", ".."].contains(&name) => Some("It is the name of a folder."),
        _ => None,
    }
}

/// True if a network is a bridge, or may become one.
fn is_interface(config: Attributes<'_>) -> bool {
    config.text("type") == Some("bridge")
}

fn is_host_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use strata_core::Value;

    use super::*;

    fn check(type_name: &str, kind: &str, name: &str) -> bool {
        let config = Value::object([("name", Value::from(name)), ("type", Value::from(kind))]);
        let mut diags = Diagnostics::new();
        validate(type_name, Attributes(&config), &mut diags);
        !diags.has_errors()
    }

    #[test]
    fn names_are_as_each_kind_wants_them() {
        for name in ["web-1", "a", "W9"] {
            assert!(check("incus_instance", "container", name), "{name}");
        }
        for name in ["1web", "web-", "web_1", "we b", "", "ü"] {
            assert!(!check("incus_instance", "container", name), "{name}");
        }
        assert!(!check("incus_instance", "container", &"a".repeat(64)));
        assert!(!check("incus_network", "bridge", "longer-than-15-letters"));
        assert!(check("incus_network", "ovn", "longer-than-15-letters"));
        assert!(!check("incus_profile", "", "a/b") && check("incus_profile", "", "a_b.c"));
    }
}
