//! `script`: runs a program of ours on the host, and takes it away again.
//!
//! The agent makes a temporary file, which only the task's user can read; the program's own first line says what
//! runs it, so that the folder need not allow programs. A vaulted program is decrypted on the way.

use serde_json::{Value as Json, json};

use super::{copy, find_file};
use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

const KNOWN: &[&str] = &[
    "_raw_params",
    "cmd",
    "chdir",
    "creates",
    "removes",
    "executable",
    "decrypt",
];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(KNOWN)?;
    let line = call.text("_raw_params").or(call.text("cmd"));
    let line = line.ok_or_else(|| TaskError::Failed("no command given".to_owned()))?;
    let (program, arguments) = first_word(line.trim());
    if let Some(skipped) = spared(call).await? {
        return Ok(skipped);
    }
    let guarded = call.text("creates").is_some() || call.text("removes").is_some();
    if call.check {
        let skipped = json!({"changed": guarded, "skipped": !guarded, "msg": "Check mode is not supported for this task."});
        return Ok(ActionResult::values(skipped));
    }
    let path = find_file::required(call, "files", &program)?;
    let content = copy::content(call, &path).await?;
    let interpreter = match call.text("executable") {
        Some(executable) => executable,
        None => interpreter(call, &path)?,
    };
    let place = temporary(call, &path).await?;
    let sent = send(call, &place, content).await;
    let done = match sent {
        Ok(()) => execute(call, &format!("{interpreter} {place} {arguments}")).await,
        Err(error) => Err(error),
    };
    let gone = JsonMap::from_iter([
        ("path".to_owned(), Json::from(place)),
        ("state".to_owned(), "absent".into()),
    ]);
    let removed = call.module_in("file", gone, None, false).await;
    let done = done?;
    removed?;
    Ok(done)
}

/// The first word, which may be quoted, and the rest as it stands: the host's shell reads it.
fn first_word(line: &str) -> (String, &str) {
    for quote in ['"', '\''] {
        if let Some((word, rest)) = line
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return (word.to_owned(), rest.trim());
        }
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word.to_owned(), rest.trim())
}

/// `creates` and `removes`: the result if the script need not run.
async fn spared(call: &Call<'_>) -> Result<Option<ActionResult>, TaskError> {
    for (name, spares) in [("creates", true), ("removes", false)] {
        let Some(path) = call.text(name) else {
            continue;
        };
        let arguments = JsonMap::from_iter([("path".to_owned(), Json::from(path.as_str()))]);
        let found = call.module_in("stat", arguments, None, false).await?;
        let exists = found.values.get("stat").and_then(|stat| stat.get("exists"));
        if exists == Some(&Json::Bool(spares)) {
            let word = if spares { "exists" } else { "does not exist" };
            let message = format!("{path} {word}, matching {name} option");
            let result = json!({"changed": false, "skipped": true, "msg": message});
            return Ok(Some(ActionResult::values(result)));
        }
    }
    Ok(None)
}

/// What the first line names; a text without one is for the shell.
fn interpreter(call: &Call<'_>, path: &std::path::Path) -> Result<String, TaskError> {
    let bytes = call.shared.options.files.read(path);
    let bytes = bytes.map_err(|error| TaskError::Failed(error.to_string()))?;
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    Ok(
        match str::from_utf8(first)
            .ok()
            .and_then(|line| line.strip_prefix("#!"))
        {
            Some(named) => named.trim().to_owned(),
            // A program that is no text must be started by itself.
            None if bytes.starts_with(b"\x7fELF") => "chmod 0700".to_owned(),
            None => "/bin/sh".to_owned(),
        },
    )
}

async fn temporary(call: &Call<'_>, path: &std::path::Path) -> Result<String, TaskError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let arguments = JsonMap::from_iter([
        ("state".to_owned(), Json::from("file")),
        (
            "suffix".to_owned(),
            format!("-{}", name.unwrap_or_default()).into(),
        ),
    ]);
    let made = call.module_in("tempfile", arguments, None, false).await?;
    succeeded(&made)?;
    let place = made.values.get("path").and_then(Json::as_str);
    place
        .map(str::to_owned)
        .ok_or_else(|| TaskError::Failed("the host made no temporary file".to_owned()))
}

async fn send(
    call: &Call<'_>,
    place: &str,
    content: strata_transport::Content,
) -> Result<(), TaskError> {
    let arguments = JsonMap::from_iter([
        ("dest".to_owned(), Json::from(place)),
        ("mode".to_owned(), "0700".into()),
    ]);
    let sent = call
        .module_in("copy", arguments, Some(content), false)
        .await?;
    succeeded(&sent)
}

fn succeeded(result: &ActionResult) -> Result<(), TaskError> {
    if outcome::check(&result.values, "failed") {
        let reason = result.values.get("msg").map(outcome::text);
        return Err(TaskError::Failed(reason.unwrap_or_default()));
    }
    Ok(())
}

async fn execute(call: &Call<'_>, line: &str) -> Result<ActionResult, TaskError> {
    // A program that is no text: made runnable by `send` already, so it is called by its name alone.
    let line = line.strip_prefix("chmod 0700 ").unwrap_or(line);
    let mut arguments = JsonMap::from_iter([
        ("_raw_params".to_owned(), Json::from(line)),
        // What a script prints is kept as it is.
        ("strip_empty_ends".to_owned(), false.into()),
    ]);
    if let Some(folder) = call.text("chdir") {
        arguments.insert("chdir".to_owned(), folder.into());
    }
    let mut done = call.module("shell", arguments, None).await?;
    done.values.retain(|name, _| {
        !matches!(
            name.as_str(),
            "cmd" | "start" | "end" | "delta" | "invocation"
        )
    });
    done.values.insert("changed".to_owned(), true.into());
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_may_be_quoted_and_its_arguments_are_for_the_shell() {
        assert_eq!(first_word("a.sh 'b c' $D"), ("a.sh".to_owned(), "'b c' $D"));
        assert_eq!(first_word("\"a b.sh\" c"), ("a b.sh".to_owned(), "c"));
        assert_eq!(first_word("a.sh"), ("a.sh".to_owned(), ""));
    }
}
