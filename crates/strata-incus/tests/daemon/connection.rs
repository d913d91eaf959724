//! Programs and files in a container.

use std::sync::Arc;

use strata_core::{
    Value,
    connection::{Connection, ConnectionError, Output},
};

use crate::testbed::{name, testbed};

/// Runs a program to its end; gives what it wrote, and its exit code.
pub(crate) async fn run(connection: &Arc<dyn Connection>, argv: &[&str]) -> (String, i32) {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let mut channel = connection.start(&argv).await.unwrap();
    channel.input.close().await.unwrap();
    let mut text = Vec::new();
    loop {
        match channel.output.receive().await.unwrap() {
            Output::Stdout(bytes) | Output::Stderr(bytes) => text.extend(bytes),
            Output::Exit(code) => return (String::from_utf8(text).unwrap(), code),
        }
    }
}

#[tokio::test]
async fn a_container_can_be_worked_in() {
    let Some(testbed) = testbed() else { return };
    let mut instance = testbed.resource("incus_instance");
    instance
        .apply(&[
            ("name", Value::from(name("exec"))),
            ("image", Value::from(testbed.image.as_str())),
        ])
        .await;
    let object = instance.object.clone().unwrap().value;
    let host = testbed
        .incus
        .inventory()
        .host("incus_instance", &object)
        .unwrap();
    let connection = testbed.incus.connect(&host.variables).unwrap();
    connection.ready(&|_| {}).await.unwrap();

    // Output and exit codes.
    assert_eq!(
        run(&connection, &["sh", "-c", "echo out; exit 7"]).await,
        ("out\n".to_owned(), 7)
    );
    assert_eq!(run(&connection, &["/no/such/program"]).await.1, 127);
    assert_eq!(run(&connection, &["sh", "-c", "kill -9 $$"]).await.1, 137);

    // Input, and its end; more than any buffer holds comes back whole.
    let argv = ["sh", "-c", "cat; echo err >&2"].map(str::to_owned);
    let mut channel = connection.start(&argv).await.unwrap();
    let sent = vec![b'x'; 3 << 20];
    let sending = async {
        for piece in sent.chunks(64 << 10) {
            channel.input.send(piece).await.unwrap();
        }
        channel.input.close().await.unwrap();
    };
    let mut received = 0;
    let mut errors = Vec::new();
    let receiving = async {
        loop {
            match channel.output.receive().await.unwrap() {
                Output::Stdout(bytes) => received += bytes.len(),
                Output::Stderr(bytes) => errors.extend(bytes),
                Output::Exit(code) => return code,
            }
        }
    };
    let ((), code) = tokio::join!(sending, receiving);
    assert_eq!(
        (code, received, errors.as_slice()),
        (0, sent.len(), b"err\n".as_slice())
    );

    // Dropping the output ends the program, even one that never reads.
    let argv = ["sh", "-c", "echo begun; exec sleep 4711"].map(str::to_owned);
    let mut channel = connection.start(&argv).await.unwrap();
    assert_eq!(
        channel.output.receive().await.unwrap(),
        Output::Stdout(b"begun\n".to_vec())
    );
    drop(channel);
    let gone =
        "for i in $(seq 100); do pgrep -f 'sleep 471[1]' || exit 0; sleep 0.05; done; exit 1";
    assert_eq!(run(&connection, &["sh", "-c", gone]).await.1, 0);

    // Files: new, with folders; then replaced, with another mode.
    connection
        .upload("/opt/a/b/file", 0o600, b"one")
        .await
        .unwrap();
    connection
        .upload("/opt/a/b/file", 0o755, b"two")
        .await
        .unwrap();
    let shown = run(
        &connection,
        &["sh", "-c", "stat -c %a%u /opt/a/b/file; cat /opt/a/b/file"],
    )
    .await;
    assert_eq!(shown.0, "7550\ntwo");

    instance.delete().await;
    let error = connection.ready(&|_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectionError::Absent(_)), "{error:?}");
}
