//! Modules of others: their file goes to the host, and the host's Python or the module itself does the work.
//!
//! Arguments of Python modules travel on standard input. Modules that want a file of arguments find it, readable
//! for their user alone, in a folder that is gone afterwards.

use serde_json::{Value as Json, json};

use super::stage::{self, Staged};
use crate::{
    JsonMap,
    foreign::{self, Found, JSON_MARK, Kind, Places},
    outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

/// Finds a Python and lets it run a file: the file, then the names to try first.
const RUN_PYTHON: &str = "\
file=$1; shift
for name in \"$@\" python3 /usr/bin/python3 /usr/local/bin/python3 /usr/libexec/platform-python python; do
  if command -v \"$name\" >/dev/null 2>&1; then exec \"$name\" \"$file\"; fi
done
echo 'strata: there is no Python on this host' >&2
exit 127
";

/// Runs the module of a task from its file, if there is one.
pub(super) async fn run(call: &Call<'_>, found: Found) -> Result<ActionResult, TaskError> {
    if call.background.is_some() {
        return Err(TaskError::Failed(format!(
            "`{}` is a module that Strata does not have: it cannot be left behind with `poll: 0`",
            call.name
        )));
    }
    let content = call.shared.options.files.read(&found.path);
    let content = content.map_err(|error| TaskError::Failed(error.to_string()))?;
    let kind = Kind::of(&content);
    if let Kind::Refused(reason) = kind {
        return Err(refused(&found, reason));
    }
    if call.check && !kind.knows_check_mode(&content) {
        let msg = format!("remote module ({}) does not support check mode", call.name);
        return Ok(stage::skipped(msg));
    }
    let staged = match stage::folder(call).await? {
        Ok(staged) => staged,
        Err(failed) => return Ok(failed),
    };
    let ran = match kind {
        Kind::NewPython => python(call, &found, &content, &staged).await,
        _ => program(call, kind, &content, &staged).await,
    };
    staged.remove(call).await?;
    ran
}

fn refused(found: &Found, reason: &str) -> TaskError {
    TaskError::Failed(format!(
        "`{}` cannot be run: {reason}",
        found.path.display()
    ))
}

async fn python(
    call: &Call<'_>,
    found: &Found,
    content: &[u8],
    staged: &Staged,
) -> Result<ActionResult, TaskError> {
    let places = Places::of(&call.shared.options, &call.job.scope.play, &call.job.task);
    let source = String::from_utf8_lossy(content);
    let payload =
        foreign::pack(&places, found, &source).map_err(|reason| refused(found, &reason))?;
    let path = match staged
        .put(call, "module.zip", payload.bytes, "0600")
        .await?
    {
        Ok(path) => path,
        Err(failed) => return Ok(failed),
    };
    let arguments = json!({"ANSIBLE_MODULE_ARGS": arguments(call)}).to_string();
    let mut argv = vec!["/bin/sh", "-c", RUN_PYTHON, "strata", &path];
    let wanted = interpreter(call);
    argv.extend(wanted.as_deref());
    execute(call, &argv, Some(arguments)).await
}

/// The Python that the inventory names, if it does not leave it open.
fn interpreter(call: &Call<'_>) -> Option<String> {
    let value = call.templar.expression("ansible_python_interpreter").ok()?;
    let name = value.as_str()?.to_owned();
    (!name.starts_with("auto")).then_some(name)
}

/// The arguments, with what every module is told beside its own.
fn arguments(call: &Call<'_>) -> JsonMap {
    let mut arguments = call.arguments.clone();
    let verbosity = call.shared.options.verbosity;
    arguments.extend(outcome::map(json!({
        "_ansible_check_mode": call.check,
        "_ansible_debug": false,
        "_ansible_diff": call.diff,
        "_ansible_ignore_unknown_opts": false,
        "_ansible_keep_remote_files": false,
        "_ansible_module_name": call.name,
        "_ansible_no_log": call.no_log,
        "_ansible_remote_tmp": "~/.ansible/tmp",
        "_ansible_selinux_special_fs": ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"],
        "_ansible_shell_executable": "/bin/sh",
        "_ansible_socket": null,
        "_ansible_syslog_facility": "LOG_USER",
        "_ansible_target_log_info": null,
        "_ansible_tmpdir": null,
        "_ansible_tracebacks_for": [],
        "_ansible_verbosity": verbosity,
        "_ansible_version": "2.19.0",
    })));
    arguments
}

async fn program(
    call: &Call<'_>,
    kind: Kind,
    content: &[u8],
    staged: &Staged,
) -> Result<ActionResult, TaskError> {
    let all = arguments(call);
    let json = Json::Object(all).to_string();
    let text = match kind {
        Kind::JsonInside => {
            let text = String::from_utf8_lossy(content).replace(JSON_MARK, &json);
            text.into_bytes()
        }
        _ => content.to_vec(),
    };
    let module = match staged.put(call, "module", text, "0700").await? {
        Ok(path) => path,
        Err(failed) => return Ok(failed),
    };
    let given = match kind {
        Kind::WantJson | Kind::Binary => json,
        Kind::Words => words(&call.arguments),
        _ => String::new(),
    };
    let file = match staged
        .put(call, "arguments", given.into_bytes(), "0600")
        .await?
    {
        Ok(path) => path,
        Err(failed) => return Ok(failed),
    };
    let wanted = foreign::interpreter(content);
    let mut argv: Vec<&str> = Vec::new();
    // Run by its interpreter, it needs no folder from which programs may run.
    argv.extend(wanted.iter().flatten().map(String::as_str));
    argv.extend([module.as_str(), file.as_str()]);
    execute(call, &argv, None).await
}

/// Arguments as words, each quoted for a shell.
fn words(arguments: &JsonMap) -> String {
    let word = |(name, value): (&String, &Json)| {
        let value = outcome::text(value).replace('\'', "'\\''");
        format!("{name}='{value}'")
    };
    arguments.iter().map(word).collect::<Vec<_>>().join(" ")
}

async fn execute(
    call: &Call<'_>,
    argv: &[&str],
    stdin: Option<String>,
) -> Result<ActionResult, TaskError> {
    let mut arguments = outcome::map(json!({"argv": argv, "strip_empty_ends": false}));
    if let Some(stdin) = stdin {
        arguments.insert("stdin".to_owned(), stdin.into());
        arguments.insert("stdin_add_newline".to_owned(), false.into());
    }
    let ran = call.module_in("command", arguments, None, false).await?;
    let text = |name: &str| {
        ran.values
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
    };
    let rc = ran.values.get("rc").and_then(Json::as_i64).unwrap_or(1);
    if rc == 127 && text("stderr").contains("strata: there is no Python") {
        return Err(TaskError::Failed(format!(
            "`{}` is a module in Python that Strata does not have, and there is no Python on this host",
            call.name
        )));
    }
    let values = foreign::read(text("stdout"), text("stderr"), rc);
    Ok(ActionResult::of_values(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_as_words() {
        let arguments = outcome::map(json!({"a": "it's", "b": 1}));
        assert_eq!(words(&arguments), "a='it'\\''s' b='1'");
    }
}
