//! Rehearsed tasks of several users on this machine: each sees what the others would have done.
//!
//! Becoming somebody else without a password needs root; elsewhere there is nothing to be seen here.

use serde_json::{Value, json};
use strata_agent::protocol::{Task, TaskResult};
use strata_transport::{AgentSession, Become, BecomeMethod, TransportError, local};

fn is_root() -> bool {
    std::fs::read_dir("/proc/self").is_ok() && {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }
}

fn user(name: &str) -> Become {
    Become {
        user: name.to_owned(),
        method: BecomeMethod::Sudo,
        password: None,
        exe: None,
        flags: None,
    }
}

/// Rehearses a task as a user.
async fn check(
    session: &AgentSession,
    name: &str,
    module: &str,
    args: Value,
) -> Result<TaskResult, TransportError> {
    let task = Task {
        module: module.to_owned(),
        args: args.as_object().cloned().unwrap_or_default(),
        check: true,
        rehearse: true,
        ..Task::default()
    };
    session.run(task, None, Some(&user(name))).await
}

fn content(result: &TaskResult) -> &str {
    result.values["content"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_one_user_would_have_written_is_there_for_another() {
    if !is_root() {
        return;
    }
    let folder = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let session = AgentSession::new(local());
    let open = json!({"path": path("x"), "state": "directory", "mode": "1777"});
    let above = json!({"path": folder.path(), "mode": "0755"});
    check(&session, "root", "file", above).await.unwrap();
    assert!(check(&session, "root", "file", open).await.unwrap().changed);
    let line = json!({"path": path("x/a"), "line": "one", "create": true, "mode": "0644"});
    assert!(
        check(&session, "root", "lineinfile", line)
            .await
            .unwrap()
            .changed
    );
    let read = check(&session, "nobody", "slurp", json!({"src": path("x/a")}));
    assert_eq!(content(&read.await.unwrap()), "b25lCg==");

    let more = json!({"path": path("x/b"), "line": "two", "create": true});
    let more = check(&session, "nobody", "lineinfile", more).await.unwrap();
    assert!(more.changed, "{}", more.msg);
    let found = check(&session, "root", "stat", json!({"path": path("x/b")}));
    assert_eq!(found.await.unwrap().values["stat"]["pw_name"], "nobody");
    let read = check(&session, "root", "slurp", json!({"src": path("x/b")}));
    assert_eq!(content(&read.await.unwrap()), "dHdvCg==");

    let gone = json!({"path": path("x/a"), "state": "absent"});
    assert!(check(&session, "root", "file", gone).await.unwrap().changed);
    let read = check(&session, "nobody", "stat", json!({"path": path("x/a")}));
    assert_eq!(read.await.unwrap().values["stat"]["exists"], false);
    assert!(!folder.path().join("x").exists());
}

#[tokio::test]
async fn modes_of_would_be_files_hold_for_other_users() {
    if !is_root() {
        return;
    }
    let folder = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let session = AgentSession::new(local());
    let above = json!({"path": folder.path(), "mode": "0755"});
    check(&session, "root", "file", above).await.unwrap();
    let secret = json!({"path": path("a"), "line": "one", "create": true, "mode": "0600"});
    check(&session, "root", "lineinfile", secret).await.unwrap();
    let read = check(&session, "nobody", "slurp", json!({"src": path("a")}));
    let read = read.await.unwrap();
    assert!(
        read.failed && read.msg.contains("Permission denied"),
        "{}",
        read.msg
    );
    let write = json!({"path": path("b"), "line": "two", "create": true});
    let write = check(&session, "nobody", "lineinfile", write)
        .await
        .unwrap();
    assert!(
        write.failed || write.values.contains_key("unknown"),
        "{write:?}"
    );
}

#[tokio::test]
async fn a_user_whom_an_earlier_task_would_make_can_be_become() {
    if !is_root() {
        return;
    }
    let session = AgentSession::new(local());
    let name = "strata-nobody-yet";
    let refused = check(&session, name, "ping", json!({})).await;
    assert!(
        matches!(refused, Err(TransportError::Become(_))),
        "{refused:?}"
    );
    let made = check(&session, "root", "user", json!({"name": name})).await;
    assert!(made.unwrap().changed);
    let home = format!("/home/{name}");
    let file = json!({"path": "~/.profile.d", "state": "directory"});
    let file = check(&session, name, "file", file).await.unwrap();
    assert!(file.changed, "{}", file.msg);
    let found = json!({"path": format!("{home}/.profile.d")});
    let found = check(&session, "root", "stat", found).await.unwrap();
    assert_eq!(found.values["stat"]["pw_name"], name);
    let outside = json!({"path": "/etc/strata-not-mine", "state": "directory"});
    let outside = check(&session, name, "file", outside).await.unwrap();
    assert!(
        outside.failed || outside.values.contains_key("unknown"),
        "{outside:?}"
    );
}
