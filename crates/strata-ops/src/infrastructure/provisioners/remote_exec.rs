//! `remote-exec`: scripts on a host.

use std::fs;

use strata_engine::Provision;

use super::{
    arguments::{text, texts},
    remote::{self, Remote},
};

pub(super) async fn run(call: &Provision) -> Result<(), String> {
    let scripts = scripts(call)?;
    let remote = remote::connect(call).await?;
    for script in scripts {
        run_one(call, &remote, &script).await?;
    }
    Ok(())
}

fn scripts(call: &Provision) -> Result<Vec<Vec<u8>>, String> {
    let config = &call.config;
    if let Some(lines) = texts(config, "inline") {
        return Ok(vec![format!("{}\n", lines.join("\n")).into_bytes()]);
    }
    let files = match text(config, "script") {
        Some(script) => vec![script],
        None => texts(config, "scripts").unwrap_or_default(),
    };
    if files.is_empty() {
        return Err("one of `inline`, `script` and `scripts` must be set".to_owned());
    }
    let read =
        |path: &String| fs::read(path).map_err(|error| format!("`{path}` cannot be read: {error}"));
    files.iter().map(read).collect()
}

async fn run_one(call: &Provision, remote: &Remote, script: &[u8]) -> Result<(), String> {
    let number = uuid::Uuid::new_v4().simple().to_string();
    let path = remote
        .script_path
        .as_deref()
        .unwrap_or("/tmp/terraform_%RAND%.sh");
    let path = path.replace("%RAND%", &number);
    let script = match script.starts_with(b"#!") {
        true => script.to_vec(),
        false => [b"#!/bin/sh\n", script].concat(),
    };
    remote.upload(&path, 0o700, &script).await?;
    let quoted =
        shlex::try_quote(&path).map_err(|_| "`script_path` has a zero in it".to_owned())?;
    let command = format!("{quoted}; code=$?; rm -f {quoted}; exit $code");
    match remote.shell(&command, &[], &*call.output).await? {
        0 => Ok(()),
        code => Err(format!(
            "error executing \"{path}\": Process exited with status {code}"
        )),
    }
}
