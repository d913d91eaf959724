//! `script`: brings a program of ours to the host and runs it there.

use serde_json::{Value as Json, json};

use super::stage;
use crate::{
    JsonMap,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&[
        "_raw_params",
        "cmd",
        "chdir",
        "creates",
        "removes",
        "executable",
        "decrypt",
    ])?;
    let line = call.text("_raw_params").or_else(|| call.text("cmd"));
    let line = line.filter(|line| !line.trim().is_empty());
    let Some(line) = line else {
        return Err(TaskError::Failed(
            "`script` needs a script to run".to_owned(),
        ));
    };
    if let Some(path) = call.text("creates").filter(|path| !path.is_empty())
        && stage::is_there(call, &path).await?
    {
        return Ok(stage::skipped(format!(
            "{path} exists, matching creates option"
        )));
    }
    if let Some(path) = call.text("removes").filter(|path| !path.is_empty())
        && !stage::is_there(call, &path).await?
    {
        return Ok(stage::skipped(format!(
            "{path} does not exist, matching removes option"
        )));
    }
    let (source, rest) = first_word(line.trim());
    if call.check {
        super::find_file::required(call, "files", &source)?;
        call.doubt().await?;
        let conditional = ["creates", "removes"]
            .iter()
            .any(|name| call.text(name).is_some_and(|path| !path.is_empty()));
        return Ok(match conditional {
            true => ActionResult::values(json!({"changed": true})),
            false => stage::skipped("Command would have run if not in check mode".to_owned()),
        });
    }
    let staged = match stage::file(call, &source, "0700").await? {
        Ok(staged) => staged,
        Err(failed) => return Ok(failed),
    };
    let quoted = format!("'{}'", staged.path.replace('\'', "'\\''"));
    let executable = call.text("executable");
    let command = match &executable {
        Some(program) => format!("{program} {quoted}{rest}"),
        None => format!("{quoted}{rest}"),
    };
    let mut result = shell(call, command).await;
    if let (Ok(done), None) = (&result, &executable)
        && must_not_run(done, &staged.path)
    {
        let program = interpreter(call, &source)?;
        result = shell(call, format!("{program} {quoted}{rest}")).await;
    }
    staged.remove(call).await?;
    let mut result = result?;
    // Of `shell`, not of a script.
    for name in ["cmd", "delta", "start", "end"] {
        result.values.remove(name);
    }
    Ok(result)
}

async fn shell(call: &Call<'_>, command: String) -> Result<ActionResult, TaskError> {
    let mut arguments = JsonMap::from_iter([("_raw_params".to_owned(), Json::from(command))]);
    if let Some(folder) = call.text("chdir") {
        arguments.insert("chdir".to_owned(), folder.into());
    }
    // What a script prints is kept to its last line's end.
    arguments.insert("strip_empty_ends".to_owned(), false.into());
    call.module("shell", arguments, None).await
}

/// True if the shell was not allowed to run the script, as on a file system mounted `noexec`.
fn must_not_run(done: &ActionResult, path: &str) -> bool {
    let stderr = done.values.get("stderr").and_then(Json::as_str);
    done.values.get("rc") == Some(&json!(126))
        && stderr.is_some_and(|stderr| stderr.contains(&format!("{path}: Permission denied")))
}

/// The program that the script's first line names.
fn interpreter(call: &Call<'_>, source: &str) -> Result<String, TaskError> {
    let path = super::find_file::required(call, "files", source)?;
    let content = call.shared.options.files.read(&path);
    let content = content.map_err(|error| TaskError::Failed(error.to_string()))?;
    let words = crate::foreign::interpreter(&content);
    Ok(words.map_or_else(|| "/bin/sh".to_owned(), |words| words.join(" ")))
}

/// The script's name, in quotes where it has gaps, and what follows it.
fn first_word(line: &str) -> (String, &str) {
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote
        && let Some((name, rest)) = line[1..].split_once(quote)
    {
        return (name.to_owned(), rest);
    }
    match line.find(char::is_whitespace) {
        Some(at) => (line[..at].to_owned(), &line[at..]),
        None => (line.to_owned(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::first_word;

    #[test]
    fn the_scripts_name_ends_at_a_gap_unless_it_is_quoted() {
        let check = |line: &str, name: &str, rest: &str| {
            assert_eq!(first_word(line), (name.to_owned(), rest));
        };
        check("a.sh -x b", "a.sh", " -x b");
        check("'my script.sh' -x", "my script.sh", " -x");
        check("a.sh", "a.sh", "");
    }
}
