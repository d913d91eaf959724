//! `community.general.shutdown`: turns a host off, and does not wait for it.
//!
//! As in `community.general` 11.4: by the host's `shutdown`, or by `systemctl poweroff` where that is not there.

use serde_json::{Value as Json, json};

use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

/// Where `shutdown` is looked for unless the task says where.
const FOLDERS: &[&str] = &["/sbin", "/usr/sbin", "/usr/local/sbin"];
const SYSTEMD_FOLDERS: &[&str] = &["/bin", "/usr/bin"];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["delay", "msg", "search_paths"])?;
    if call.place.target.is_local() && !call.check {
        return Ok(failed(format!(
            "Running {} with local connection would shutdown the control node.",
            call.name
        )));
    }
    let distribution = match distribution(call).await? {
        Ok(distribution) => distribution,
        Err(failed) => return Ok(failed),
    };
    let line = match command(call, &distribution).await? {
        Ok(line) => line,
        Err(failed) => return Ok(failed),
    };
    if call.check {
        call.doubt().await?;
        return Ok(done(&line));
    }
    let arguments = JsonMap::from_iter([("_raw_params".to_owned(), Json::from(line.as_str()))]);
    let told = call.module_in("shell", arguments, None, false).await;
    // Whoever comes next shall find out that the host is gone, and not wait for an answer.
    call.shared.sessions.reset(&call.place.target).await;
    match told {
        Err(TaskError::Unreachable(_)) => Ok(done(&line)),
        Err(error) => Err(error),
        Ok(result) if outcome::check(&result.values, "failed") => {
            let said = |name: &str| result.values.get(name).map(outcome::text);
            let (stdout, stderr) = (said("stdout"), said("stderr"));
            Ok(failed(format!(
                "Shutdown command failed. Error was {}, {}",
                stdout.unwrap_or_default().trim(),
                stderr.unwrap_or_default().trim()
            )))
        }
        Ok(_) => Ok(done(&line)),
    }
}

/// What comes of a look at the host: the answer, or the result of a module that could not tell.
type Look<T> = Result<T, ActionResult>;

/// The distribution's name in small letters, as the facts have it.
async fn distribution(call: &Call<'_>) -> Result<Look<String>, TaskError> {
    let arguments = outcome::map(json!({"gather_subset": ["min"]}));
    let found = call.module_in("setup", arguments, None, false).await?;
    let name = found
        .values
        .get("ansible_facts")
        .and_then(|facts| facts.get("ansible_distribution"))
        .and_then(Json::as_str);
    Ok(match name {
        Some(name) => Ok(name.to_lowercase()),
        None => Err(found),
    })
}

/// The line that turns the host off; a delay is in whole minutes.
async fn command(call: &Call<'_>, distribution: &str) -> Result<Look<String>, TaskError> {
    let program = match distribution {
        "alpine" => "poweroff",
        _ => "shutdown",
    };
    let mut folders = call.list("search_paths");
    if !call.arguments.contains_key("search_paths") {
        folders = FOLDERS.iter().map(|folder| (*folder).to_owned()).collect();
    }
    let minutes = delay(call)? / 60;
    let msg = call.text("msg");
    let msg = msg.unwrap_or_else(|| "Shut down initiated by Strata".to_owned());
    let msg = quoted(&msg);
    let arguments = match distribution {
        "alpine" => String::new(),
        "void" => format!("-h +{minutes} {msg}"),
        _ => format!("-h {minutes} {msg}"),
    };
    match find(call, program, &folders).await? {
        Err(failed) => return Ok(Err(failed)),
        Ok(Some(path)) => return Ok(Ok(format!("{path} {arguments}"))),
        Ok(None) => {}
    }
    let usual: Vec<String> = SYSTEMD_FOLDERS
        .iter()
        .map(|folder| (*folder).to_owned())
        .collect();
    Ok(match find(call, "systemctl", &usual).await? {
        Err(failed) => Err(failed),
        Ok(Some(path)) => Ok(format!("{path} poweroff")),
        Ok(None) => Err(failed(format!(
            "Could not find command \"{program}\" in search paths: {} or systemctl command in search paths: {}, \
             unable to shutdown.",
            folders.join(", "),
            usual.join(", ")
        ))),
    })
}

/// The first of the folders' programs of that name.
async fn find(
    call: &Call<'_>,
    program: &str,
    folders: &[String],
) -> Result<Look<Option<String>>, TaskError> {
    for folder in folders {
        let arguments =
            outcome::map(json!({"paths": [folder], "patterns": [program], "file_type": "any"}));
        let found = call.module_in("find", arguments, None, false).await?;
        let Some(files) = found.values.get("files").and_then(Json::as_array) else {
            return Ok(Err(found));
        };
        let path = files.first().and_then(|file| file["path"].as_str());
        if let Some(path) = path {
            return Ok(Ok(Some(path.to_owned())));
        }
    }
    Ok(Ok(None))
}

fn delay(call: &Call<'_>) -> Result<u64, TaskError> {
    let Some(text) = call.text("delay") else {
        return Ok(0);
    };
    let seconds: i64 = text.trim().parse().map_err(|_| {
        TaskError::Failed(format!(
            "the argument `delay` needs a number of seconds, not `{text}`"
        ))
    })?;
    Ok(u64::try_from(seconds).unwrap_or(0))
}

/// A text between double quotes that the shell passes on as it is.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        if matches!(c, '"' | '$' | '`' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

fn done(line: &str) -> ActionResult {
    ActionResult::values(json!({"changed": true, "shutdown": true, "shutdown_command": line}))
}

fn failed(msg: String) -> ActionResult {
    ActionResult::values(json!({"changed": false, "failed": true, "shutdown": false, "msg": msg}))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_message_is_no_program() {
        assert_eq!(quoted("back at 5"), "\"back at 5\"");
        assert_eq!(
            quoted("a \"b\" `c` $d \\"),
            "\"a \\\"b\\\" \\`c\\` \\$d \\\\\""
        );
    }
}
