//! Modules of others: their file goes to the host, and the host's Python or the module itself does the work.
//!
//! Arguments of Python modules travel on standard input. Modules that want a file of arguments find it, readable
//! for their user alone, in a folder that is gone afterwards.
//!
//! In a rehearsal they see the host as it is. A result about what earlier tasks would have changed is unknown then.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use strata_agent::host::Carried;

use super::{
    kubernetes,
    stage::{self, Staged},
};
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
        call.doubt().await?;
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
    match call.rehearses() {
        true => rehearsed(call, ran?).await,
        false => ran,
    }
}

/// What a result is worth in a rehearsal: the module saw the host as it is, and not as earlier tasks would have it.
async fn rehearsed(call: &Call<'_>, ran: ActionResult) -> Result<ActionResult, TaskError> {
    let imagined = call.imagined().await?;
    let failed = outcome::check(&ran.values, "failed") && !imagined.is_empty();
    let reason = match touched(&call.arguments, &imagined) {
        Some(path) => format!("earlier tasks would have changed `{}`", path.display()),
        None if failed => {
            let msg = ran.values.get("msg").map(outcome::text).unwrap_or_default();
            format!("earlier tasks would have changed things ({msg})")
        }
        None => {
            if outcome::check(&ran.values, "changed") {
                call.doubt().await?;
            }
            return Ok(ran);
        }
    };
    call.doubt().await?;
    let mut values = outcome::unknown();
    let reason = format!(
        "Unknown in check mode: `{}` is a module of others, which sees the host as it is, and {reason}",
        call.name
    );
    values.insert("skip_reason".to_owned(), reason.into());
    Ok(ActionResult::of_values(values))
}

/// The first would-be path of the host that arguments name, have inside of them or lie below.
fn touched<'a>(arguments: &JsonMap, imagined: &'a Carried) -> Option<&'a Path> {
    let mut named = Vec::new();
    arguments
        .values()
        .for_each(|value| absolute_paths(value, &mut named));
    let mut paths = imagined.paths();
    let touches = |path: &PathBuf| {
        let related = |named: &&Path| path.starts_with(named) || named.starts_with(path);
        named.iter().any(related)
    };
    paths.find(|path| touches(path)).map(PathBuf::as_path)
}

fn absolute_paths<'a>(value: &'a Json, found: &mut Vec<&'a Path>) {
    match value {
        Json::String(text) if text.starts_with('/') => found.push(Path::new(text.as_str())),
        Json::Array(values) => values.iter().for_each(|value| absolute_paths(value, found)),
        Json::Object(values) => values
            .values()
            .for_each(|value| absolute_paths(value, found)),
        _ => {}
    }
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
    let given = arguments(call, kubernetes::arguments(call)?);
    let arguments = json!({ "ANSIBLE_MODULE_ARGS": given }).to_string();
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
fn arguments(call: &Call<'_>, mut arguments: JsonMap) -> JsonMap {
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
    let all = arguments(call, kubernetes::arguments(call)?);
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
