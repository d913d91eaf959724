//! What `terraform console` answers to single expressions.
//!
//! Each `tests/differential/expressions/*.txt` holds blocks, parted by empty lines: a line
//! `> EXPRESSION`, then the answer as the console prints it, or `Error: SUMMARY`. Recording keeps
//! the expressions and the `#` lines and replaces the answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

const FOLDER: &str = "tests/differential/expressions";

/// Records every file of the folder again.
pub(super) fn record() -> Result<usize, Failure> {
    let mut count = 0;
    for path in files(Path::new(FOLDER))? {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        let (text, answers) = recorded(&text, ask)?;
        fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        count += answers;
    }
    Ok(count)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    Ok(files)
}

/// Gives the text with every answer asked for again, and the number of answers.
fn recorded(
    text: &str,
    mut ask: impl FnMut(&str) -> Result<String, Failure>,
) -> Result<(String, usize), Failure> {
    let mut blocks = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        if let Some(expression) = line.strip_prefix("> ") {
            blocks.push(format!("{line}\n{}\n", ask(expression)?.trim_end()));
            count += 1;
        } else if line.starts_with("# ") {
            blocks.push(format!("{line}\n"));
        }
    }
    Ok((blocks.join("\n"), count))
}

fn ask(expression: &str) -> Result<String, Failure> {
    use std::io::Write;

    let failed = |error: std::io::Error| {
        Failure::new(format!("`terraform console` could not be run: {error}"))
    };
    let mut console = Command::new("terraform");
    // An empty folder, so that nothing but the expression has a say.
    let folder = std::env::temp_dir().join(format!("strata-record-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    console
        .arg("console")
        .current_dir(&folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("NO_COLOR", "1");
    console
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = console.spawn().map_err(failed)?;
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    writeln!(stdin, "{expression}").map_err(failed)?;
    drop(stdin);
    let output = child.wait_with_output().map_err(failed)?;
    fs::remove_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), summary(&errors)) {
        (true, _) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        (false, summary) if summary.is_empty() => Err(Failure::new(format!(
            "`terraform console` gave no answer to `{expression}`:\n{errors}"
        ))),
        (false, summary) => Ok(summary),
    }
}

/// Takes the summaries out of Terraform's framed diagnostics, which the console always colours.
fn summary(errors: &str) -> String {
    let plain = without_colours(errors);
    let lines = plain
        .lines()
        .map(|line| line.trim_start_matches(['│', ' ']).trim_end());
    let summaries: Vec<&str> = lines.filter(|line| line.starts_with("Error: ")).collect();
    summaries.join("\n")
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default();
    let rest = pieces.map(|piece| piece.split_once('m').map_or(piece, |(_, text)| text));
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_replaced_and_expressions_kept() {
        let text = "# Sums.\n\n> 1 + 1\n3\n\n> upper(1, 2)\nold\nlines\n";
        let (text, count) = recorded(text, |expression| Ok(format!("<{expression}>\n"))).unwrap();
        assert_eq!(
            text,
            "# Sums.\n\n> 1 + 1\n<1 + 1>\n\n> upper(1, 2)\n<upper(1, 2)>\n"
        );
        assert_eq!(count, 2);
    }

    #[test]
    fn an_error_is_its_summary() {
        let framed = "\u{1b}[31m╷\u{1b}[0m\n\u{1b}[31m│\u{1b}[0m \u{1b}[1mError: \u{1b}[0mInvalid index\n│ \n│   on <console-input> line 1:\n╵\n";
        assert_eq!(summary(framed), "Error: Invalid index");
    }
}
