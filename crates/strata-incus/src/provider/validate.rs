//! Checks of a configuration beyond what the schema says.

use strata_core::{Diagnostic, Diagnostics};

use super::{attributes::Attributes, devices::TYPES};

/// Refuses, by name, what the schema has but we do not do.
pub(crate) fn unsupported(
    type_name: &str,
    config: Attributes<'_>,
    names: &[&'static str],
    diags: &mut Diagnostics,
) {
    for name in names.iter().filter(|name| config.is_set(name)) {
        diags.push(not_supported(format!(
            "`{name}` of `{type_name}` is not supported yet"
        )));
    }
}

/// A thing that we do not do.
pub(crate) fn not_supported(summary: String) -> Diagnostic {
    Diagnostic::error("incus-not-supported", summary)
}

/// Demands one of some words, if the value is known.
pub(crate) fn one_of(config: Attributes<'_>, name: &str, known: &[&str], diags: &mut Diagnostics) {
    let Some(text) = config.text(name) else {
        return;
    };
    if !known.contains(&text) {
        diags.push(
            Diagnostic::error(
                "incus-invalid-value",
                format!("`{text}` is not a valid `{name}`"),
            )
            .hint(format!("one of: {}", known.join(", "))),
        );
    }
}

/// Demands a value, known or not.
pub(crate) fn present(config: Attributes<'_>, name: &str, diags: &mut Diagnostics) {
    if !config.is_set(name) {
        let summary = format!("`{name}` is missing");
        diags.push(Diagnostic::error("incus-invalid-value", summary));
    }
}

/// Checks `device` blocks: known types, no name twice.
pub(crate) fn devices(config: Attributes<'_>, diags: &mut Diagnostics) {
    let mut names: Vec<&str> = Vec::new();
    for device in config.blocks("device") {
        one_of(device, "type", &TYPES, diags);
        let Some(name) = device.text("name") else {
            continue;
        };
        if names.contains(&name) {
            let summary = format!("there are two devices `{name}`");
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
        names.push(name);
    }
}
