//! Programs and files in a container.

use std::sync::Arc;

use strata_core::{
    Value,
    connection::{Channel, Connection, ConnectionError, Output},
};

use crate::testbed::{name, testbed};

/// Runs a program to its end; gives what it wrote, and its exit code. Of programs that end at once, Incus 6.0.4 loses
/// the output now and then: so a shell hands it over, and stays until it is heard.
pub(crate) async fn run(connection: &Arc<dyn Connection>, argv: &[&str]) -> (String, i32) {
    let held = r#"said=$("$@" 2>&1); code=$?; printf '%s\n' "$said"; read -r _; exit $code"#;
    let argv = [&["sh", "-c", held, "sh"], argv].concat();
    let mut channel = start(connection, &argv).await;
    let mut text = Vec::new();
    loop {
        match channel.output.receive().await.unwrap() {
            Output::Stdout(bytes) | Output::Stderr(bytes) => {
                text.extend(bytes);
                if text.ends_with(b"\n") {
                    channel.input.close().await.unwrap();
                }
            }
            Output::Exit(code) => return (String::from_utf8(text).unwrap(), code),
        }
    }
}

async fn start(connection: &Arc<dyn Connection>, argv: &[&str]) -> Channel {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    connection.start(&argv).await.unwrap()
}

/// The exit code of a program without input.
async fn exit_code(connection: &Arc<dyn Connection>, argv: &[&str]) -> i32 {
    let mut channel = start(connection, argv).await;
    channel.input.close().await.unwrap();
    loop {
        if let Output::Exit(code) = channel.output.receive().await.unwrap() {
            return code;
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
    assert_eq!(exit_code(&connection, &["/no/such/program"]).await, 127);
    assert_eq!(
        exit_code(&connection, &["sh", "-c", "kill -9 $$"]).await,
        137
    );

    // Input, and its end; more than any buffer holds comes back whole. It waits, or its last words could be lost.
    let held = ["sh", "-c", "cat; echo err >&2; exec sleep 4710"];
    let Channel {
        mut input,
        mut output,
    } = start(&connection, &held).await;
    let sent = vec![b'x'; 3 << 20];
    let sending = async {
        for piece in sent.chunks(64 << 10) {
            input.send(piece).await.unwrap();
        }
        input.close().await.unwrap();
    };
    let (mut received, mut errors) = (0, Vec::new());
    let receiving = async {
        while received < sent.len() || errors.len() < b"err\n".len() {
            match output.receive().await.unwrap() {
                Output::Stdout(bytes) => received += bytes.len(),
                Output::Stderr(bytes) => errors.extend(bytes),
                Output::Exit(code) => panic!("it ended with {code}"),
            }
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(
        (received, errors.as_slice()),
        (sent.len(), b"err\n".as_slice())
    );

    // Dropping the output ends the program, even one that never reads.
    let begun = ["sh", "-c", "echo begun; exec sleep 4711"];
    let mut channel = start(&connection, &begun).await;
    assert_eq!(
        channel.output.receive().await.unwrap(),
        Output::Stdout(b"begun\n".to_vec())
    );
    drop(channel);
    let gone =
        "for i in $(seq 100); do pgrep -f 'sleep 471[1]' || exit 0; sleep 0.05; done; exit 1";
    assert_eq!(exit_code(&connection, &["sh", "-c", gone]).await, 0);

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
    assert_eq!(shown.0, "7550\ntwo\n");

    instance.delete().await;
    let error = connection.ready(&|_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectionError::Absent(_)), "{error:?}");
}
