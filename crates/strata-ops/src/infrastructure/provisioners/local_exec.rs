//! `local-exec`: a program on this machine.

use std::{
    process::Stdio,
    sync::{Mutex, PoisonError},
};

use strata_engine::Provision;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
};

use super::arguments::{named, text, texts, truth};

/// How much of the output is kept to be shown in an error, in bytes.
const KEPT: usize = 8 << 10;

pub(super) async fn run(call: &Provision, environment: &[(String, String)]) -> Result<(), String> {
    let config = &call.config;
    let command = text(config, "command").unwrap_or_default();
    if command.is_empty() {
        return Err("local-exec provisioner command must be a non-empty string".to_owned());
    }
    let mut words = texts(config, "interpreter").unwrap_or_default();
    if words.is_empty() {
        words = vec!["/bin/sh".to_owned(), "-c".to_owned()];
    }
    words.push(command.clone());
    match truth(config, "quiet") {
        Some(true) => (call.output)("local-exec: Executing: Suppressed by quiet=true"),
        _ => (call.output)(&format!("Executing: {}", quoted(&words))),
    }
    let mut process = Command::new(&words[0]);
    process
        .args(&words[1..])
        .env_clear()
        .envs(environment.iter().cloned())
        .envs(named(config, "environment"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(folder) = text(config, "working_dir").filter(|folder| !folder.is_empty()) {
        process.current_dir(folder);
    }
    let mut child = process
        .spawn()
        .map_err(|error| failed(call, &command, &error.to_string(), ""))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let kept = Mutex::new(String::new());
    let take = |line: &str| {
        (call.output)(line);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push_str(line);
            kept.push('\n');
        }
    };
    let ((), ()) = futures_util::future::join(lines(stdout, &take), lines(stderr, &take)).await;
    let status = child
        .wait()
        .await
        .map_err(|error| failed(call, &command, &error.to_string(), ""))?;
    if status.success() {
        return Ok(());
    }
    let how = match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    };
    let kept = kept.into_inner().unwrap_or_default();
    Err(failed(call, &command, &how, &kept))
}

/// Words as Terraform shows a command: quoted, between brackets.
fn quoted(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", words.join(" "))
}

async fn lines(stream: Option<impl AsyncRead + Unpin>, take: &(impl Fn(&str) + Sync)) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // Where reading fails there is nothing more to show; how the program ended tells the rest.
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        take(text.trim_end_matches(['\n', '\r']));
        line.clear();
    }
}

fn failed(call: &Provision, command: &str, how: &str, output: &str) -> String {
    match call.secret {
        true => {
            format!("Error running a command whose configuration holds sensitive values: {how}.")
        }
        false => format!("Error running command '{command}': {how}. Output: {output}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use strata_core::{Type, Value};

    use super::*;

    /// Runs a command and gives what it said, and how it failed.
    fn check(arguments: &[(&str, Value)], secret: bool) -> (String, Option<String>) {
        let said = Arc::new(Mutex::new(String::new()));
        let into = said.clone();
        let call = Provision {
            kind: "local-exec".into(),
            config: Value::object(arguments.iter().map(|(name, value)| (*name, value.clone()))),
            connection: None,
            secret,
            output: Arc::new(move |line| into.lock().unwrap().push_str(&format!("{line}\n"))),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let result = runtime.block_on(run(&call, &environment));
        let text = said.lock().unwrap().clone();
        (text, result.err())
    }

    #[test]
    fn a_program_runs_with_its_environment_in_its_folder() {
        let environment = Value::map(Type::String, [("X", Value::string("y"))]);
        let (said, failed) = check(
            &[
                ("command", Value::string("echo $X; pwd")),
                ("environment", environment),
                ("working_dir", Value::string("/")),
            ],
            false,
        );
        assert_eq!(
            said,
            "Executing: [\"/bin/sh\" \"-c\" \"echo $X; pwd\"]\ny\n/\n"
        );
        assert_eq!(failed, None);
    }

    #[test]
    fn a_failure_says_how_it_ended_and_what_was_said() {
        let interpreter = Value::list(
            Type::String,
            vec![Value::string("/bin/sh"), Value::string("-ec")],
        );
        let (_, failed) = check(
            &[
                ("command", Value::string("echo no; exit 3")),
                ("interpreter", interpreter),
                ("quiet", Value::Bool(true)),
            ],
            false,
        );
        assert_eq!(
            failed.as_deref(),
            Some("Error running command 'echo no; exit 3': exit status 3. Output: no\n")
        );
    }

    #[test]
    fn nothing_of_a_secret_command_is_in_its_error() {
        let (_, failed) = check(&[("command", Value::string("echo hunter2; exit 1"))], true);
        assert!(!failed.unwrap().contains("hunter2"));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let interpreter = Value::list(Type::String, vec![Value::string("/no/such")]);
        let (_, failed) = check(
            &[
                ("command", Value::string("x")),
                ("interpreter", interpreter),
            ],
            false,
        );
        assert!(failed.unwrap().contains("No such file"));
    }
}
