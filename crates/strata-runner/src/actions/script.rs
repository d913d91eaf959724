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
    if let Some(path) = call.text("creates")
        && stage::is_there(call, &path).await?
    {
        return Ok(stage::skipped(format!(
            "{path} exists, matching creates option"
        )));
    }
    if let Some(path) = call.text("removes")
        && !stage::is_there(call, &path).await?
    {
        return Ok(stage::skipped(format!(
            "{path} does not exist, matching removes option"
        )));
    }
    let (source, rest) = first_word(line.trim());
    if call.check {
        super::find_file::required(call, "files", &source)?;
        let conditional = ["creates", "removes"]
            .iter()
            .any(|name| call.text(name).is_some());
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
    let command = match call.text("executable") {
        Some(program) => format!("{program} {quoted}{rest}"),
        // A folder from which nothing may be run (noexec) still lets an interpreter read it.
        None => match interpreter(call, &source)? {
            Some(program) => {
                format!(
                    "if test -x {quoted}; then {quoted}{rest}; else {program} {quoted}{rest}; fi"
                )
            }
            None => format!("{quoted}{rest}"),
        },
    };
    let mut arguments = JsonMap::from_iter([("_raw_params".to_owned(), Json::from(command))]);
    if let Some(folder) = call.text("chdir") {
        arguments.insert("chdir".to_owned(), folder.into());
    }
    let result = call.module("shell", arguments, None).await;
    staged.remove(call).await?;
    let mut result = result?;
    // Of `shell`, not of a script.
    for name in ["cmd", "delta", "start", "end"] {
        result.values.remove(name);
    }
    Ok(result)
}

/// What the first line of a script says shall run it.
fn interpreter(call: &Call<'_>, source: &str) -> Result<Option<String>, TaskError> {
    let path = super::find_file::required(call, "files", source)?;
    let bytes = call.shared.options.files.read(&path);
    Ok(bytes.ok().and_then(|bytes| shebang(&bytes)))
}

fn shebang(script: &[u8]) -> Option<String> {
    let line = script
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = std::str::from_utf8(line).ok()?.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " /._+-=:@".contains(c);
    (!line.is_empty() && line.chars().all(is_plain)).then(|| line.to_owned())
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
    use super::{first_word, shebang};

    #[test]
    fn a_script_names_its_interpreter() {
        assert_eq!(
            shebang(b"#!/bin/sh -e\necho").as_deref(),
            Some("/bin/sh -e")
        );
        assert_eq!(shebang(b"#!/bin/sh; rm x\n"), None);
        assert_eq!(shebang(b"\x7fELF"), None);
    }

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
