//! `sops` and `unvault`: files that somebody encrypted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::Engine as _;
use strata_playbook::vault::Secrets;

use super::{Options, here, text};

/// What the user's own `sops` decrypts, which `secrets` remembers to be masked.
pub(super) fn sops(
    folder: &Path,
    term: &str,
    options: &Options,
    environment: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Result<String, String> {
    let known = [
        "rstrip",
        "base64",
        "input_type",
        "output_type",
        "empty_on_not_exist",
        "extract",
        "sops_binary",
        "age_key",
        "age_keyfile",
        "config_path",
    ];
    if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "the lookup `sops` does not support the option `{unknown}` in Strata"
        ));
    }
    let path = find(folder, term);
    let Some(path) = path else {
        if options
            .get("empty_on_not_exist")
            .is_some_and(|value| text(value) == "true")
        {
            return Ok(String::new());
        }
        return Err(format!("could not locate file in lookup: {term}"));
    };
    let option = |name: &str| options.get(name).map(text);
    let mut command = Command::new(option("sops_binary").unwrap_or_else(|| "sops".to_owned()));
    for (name, flag) in [
        ("config_path", "--config"),
        ("input_type", "--input-type"),
        ("output_type", "--output-type"),
        ("extract", "--extract"),
    ] {
        if let Some(value) = option(name) {
            command.args([flag, &value]);
        }
    }
    command.envs(environment);
    // Keys travel in the environment: arguments are for everybody to see. Those of the task are stronger.
    for (name, variable) in [
        ("age_key", "SOPS_AGE_KEY"),
        ("age_keyfile", "SOPS_AGE_KEY_FILE"),
    ] {
        if let Some(value) = option(name) {
            command.env(variable, value);
        }
    }
    command.arg("--decrypt").arg(&path).stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| format!("`sops` cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!(
            "`sops` cannot decrypt `{}`: {said}",
            path.display()
        ));
    }
    if let Ok(plain) = str::from_utf8(&output.stdout) {
        secrets.reveal(plain);
    }
    shown(output.stdout, options)
}

/// What was decrypted: without blanks at its end unless `rstrip` says no, and by base64 if that is asked for.
fn shown(plain: Vec<u8>, options: &Options) -> Result<String, String> {
    let says = |name: &str, word: &str| {
        let value = options.get(name).map(text);
        value.is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let keeps = says("rstrip", "false");
    if says("base64", "true") {
        let bytes = if keeps {
            plain.as_slice()
        } else {
            plain.trim_ascii_end()
        };
        return Ok(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
    let plain = String::from_utf8(plain).map_err(|_| "the file is not UTF-8".to_owned())?;
    Ok(if keeps {
        plain
    } else {
        plain.trim_end().to_owned()
    })
}

pub(super) fn unvault(folder: &Path, term: &str, secrets: &Secrets) -> Result<String, String> {
    let path = find(folder, term).ok_or_else(|| format!("could not find the file `{term}`"))?;
    let bytes = fs::read(&path).map_err(|error| error.to_string())?;
    let plain = if strata_playbook::vault::is_encrypted(&bytes) {
        secrets.file(&bytes).map_err(|error| error.to_string())?
    } else {
        bytes
    };
    String::from_utf8(plain).map_err(|_| "the file is not UTF-8".to_owned())
}

fn find(folder: &Path, term: &str) -> Option<PathBuf> {
    let folder = here(folder);
    let places = [folder.join("files").join(term), folder.join(term)];
    places.into_iter().find(|path| path.is_file())
}
