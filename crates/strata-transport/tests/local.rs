//! Tasks on this machine, through the agent that is embedded, pushed and started for real.

use serde_json::{Map, Value, json};
use strata_agent::protocol::{Task, TaskResult};
use strata_transport::{AgentSession, Content, local};
use tokio::io::AsyncReadExt;

fn task(module: &str, args: Value) -> Task {
    let args = args.as_object().cloned().unwrap_or_default();
    Task {
        module: module.to_owned(),
        args,
        ..Task::default()
    }
}

fn shell(line: &str) -> Task {
    task("shell", json!({ "_raw_params": line }))
}

fn text<'a>(values: &'a Map<String, Value>, name: &str) -> &'a str {
    values.get(name).and_then(Value::as_str).unwrap_or_default()
}

async fn run(session: &AgentSession, task: Task) -> TaskResult {
    session
        .run(task, None, None)
        .await
        .expect("this machine can be reached")
}

#[tokio::test]
async fn a_task_comes_back_with_its_values() {
    let session = AgentSession::new(local());
    let result = run(&session, task("ping", json!({}))).await;
    assert_eq!(text(&result.values, "ping"), "pong");
    let result = run(&session, shell("echo out; echo err >&2; exit 3")).await;
    assert!(result.failed);
    assert_eq!(result.values["rc"], 3);
    assert_eq!(text(&result.values, "stdout"), "out");
    assert_eq!(text(&result.values, "stderr"), "err");
    session.close().await;
}

#[tokio::test]
async fn tasks_run_at_the_same_time() {
    // Each waits for what the other makes: one after the other they would never end.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let wait = |mine: &str, other: &str| {
        shell(&format!(
            "mkfifo {path}/{mine}; while ! [ -p {path}/{other} ]; do :; done; echo ok"
        ))
    };
    let session = AgentSession::new(local());
    let (a, b) = tokio::join!(run(&session, wait("a", "b")), run(&session, wait("b", "a")));
    assert_eq!(
        (text(&a.values, "stdout"), text(&b.values, "stdout")),
        ("ok", "ok")
    );
}

#[tokio::test]
async fn an_unknown_module_is_a_failed_task_that_names_it() {
    let session = AgentSession::new(local());
    let result = run(&session, task("frobnicate", json!({}))).await;
    assert!(result.failed);
    assert_eq!(
        result.msg,
        "the module `frobnicate` is not supported by Strata"
    );
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_ended_with_its_children() {
    let session = AgentSession::new(local());
    let late = Task {
        timeout: Some(1),
        ..shell("sleep 1000 & sleep 1000")
    };
    let result = run(&session, late).await;
    assert_eq!(
        (result.failed, result.msg.as_str()),
        (true, "Timed out after 1 second(s).")
    );
}

#[tokio::test]
async fn a_task_that_nobody_waits_for_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("end");
    let session = AgentSession::new(local());
    run(&session, shell(&format!("mkfifo {}", fifo.display()))).await;
    let endless = shell(&format!(
        "exec 3>{}; echo up >&3; sleep 1000",
        fifo.display()
    ));
    let mut pipe = tokio::select! {
        _ = session.run(endless, None, None) => panic!("it cannot end"),
        pipe = async {
            let mut pipe = tokio::fs::File::open(&fifo).await.unwrap();
            pipe.read_exact(&mut [0; 3]).await.unwrap();
            pipe
        } => pipe,
    };
    // The shell's end of the pipe closes only when the shell and its children are ended.
    assert_eq!(pipe.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_lost_agent_is_unreachable_and_the_next_task_starts_another() {
    let session = AgentSession::new(local());
    let error = session
        .run(shell("kill -9 $PPID"), None, None)
        .await
        .unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    let result = run(&session, task("ping", json!({}))).await;
    assert!(!result.failed);
}

#[tokio::test]
async fn content_is_offered_by_name_and_stays_where_it_is_until_asked_for() {
    let session = AgentSession::new(local());
    let content = Content::from_bytes("a.txt", *b"hello");
    // `ping` never asks.
    let result = session
        .run(task("ping", json!({})), Some(content), None)
        .await
        .unwrap();
    assert!(!result.failed);
}

/// Runs the agent as the holder of a terminal for a shell script, whose `$0` it is; `input` is the password, and what
/// the script may read.
#[expect(clippy::unwrap_used, reason = "in a test a panic is the message")]
fn on_terminal(script: &str, input: &str) -> (Option<i32>, String, String) {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    std::fs::write(&path, strata_transport::agent()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = Command::new(&path)
        .args(["--on-terminal", "sh", "-c", script])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_program_that_asks_on_a_terminal_alone_gets_the_password_there_and_keeps_its_streams() {
    let asks = "printf 'doas (me@here) password: ' >/dev/tty; read -r p </dev/tty; [ \"$p\" = secret ] || exit 7; cat";
    let (code, stdout, stderr) = on_terminal(asks, "secret\nwhat comes after\n");
    assert_eq!((code, stdout.as_str()), (Some(0), "what comes after\n"));
    assert!(!stderr.contains("secret"), "{stderr}");
    let (code, ..) = on_terminal(asks, "wrong\n");
    assert_eq!(code, Some(7));
    let again =
        "for n in 1 2; do printf 'Password: ' >/dev/tty; read -r p </dev/tty; done; echo never";
    let (code, stdout, stderr) = on_terminal(again, "wrong\n");
    assert_eq!((code, stdout.as_str()), (Some(137), ""));
    assert!(stderr.contains("Incorrect password"), "{stderr}");
    let (code, _, stderr) = on_terminal("echo 'I asked nobody' >/dev/tty; exit 3", "secret\n");
    assert_eq!(code, Some(3));
    assert!(stderr.contains("I asked nobody"), "{stderr}");
}

#[test]
fn an_agent_that_has_left_the_terminal_has_none_and_nobody_is_answered_any_more() {
    // Nobody has asked yet, and the password is still there; two tenths of a second are given to answer.
    let asks_late = "printf 'the agent has left the terminal\\n' >/dev/tty; \
                     stty -icanon -echo min 0 time 2 </dev/tty; printf 'password: ' >/dev/tty; head -c 6 </dev/tty";
    let (code, stdout, stderr) = on_terminal(asks_late, "secret\n");
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    // An agent without input says hello and ends; what it says of itself is the first frame.
    let (code, stdout, stderr) = on_terminal("exec \"$0\" --off-terminal", "secret\n");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("hello"), "{stdout}");
    assert!(!stderr.contains("secret"), "{stderr}");
}
