//! `config`: the settings of a run.

use super::{Found, Options, text};
use crate::playbook::settings::{Settings, asked};

/// Settings by Ansible's own names for them.
pub(super) fn config(terms: &[String], options: &Options, settings: &Settings) -> Found {
    if let Some(refused) = options.keys().find(|name| *name != "on_missing") {
        return Err(format!(
            "the lookup `config` does not support the option `{refused}` in Strata"
        ));
    }
    let skips = match options.get("on_missing").map(text).as_deref() {
        None | Some("error") => false,
        Some("skip" | "warn") => true,
        Some(other) => {
            return Err(format!(
                "Invalid option for error handling, missing must be error, warn or skip, got: {other}."
            ));
        }
    };
    let mut found = Vec::new();
    for term in terms {
        match asked(settings, term) {
            Some(value) => found.push(value),
            None if skips => {}
            None => return Err(format!("Strata knows of no setting `{term}`")),
        }
    }
    Ok(found)
}
