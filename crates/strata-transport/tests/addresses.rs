//! Modules that ask addresses, by the agent that is embedded: it alone has an HTTP client.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use strata_agent::protocol::{Task, TaskResult};
use strata_transport::{AgentSession, local};

/// A server on loopback that tells what it was asked; gives its address.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // It ends with the test, whose client may be gone before an answer is through.
        for stream in listener.incoming().flatten() {
            answer(stream).ok();
        }
    });
    address
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_lowercase()),
        }
    }
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
    reader.read_exact(&mut body)?;
    let first = head.first().cloned().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, more) = match path {
        "/moved" => ("302 Found", "Location: /here\r\n"),
        "/broken" => ("500 Internal Server Error", ""),
        _ => ("200 OK", "Set-Cookie: a=b\r\n"),
    };
    let said = json!({"head": head, "body": String::from_utf8_lossy(&body)}).to_string();
    let length = said.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{more}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{said}"
    );
    reader.get_mut().write_all(answer.as_bytes())
}

async fn run(module: &str, args: Value) -> TaskResult {
    let session = AgentSession::new(local());
    let task = Task {
        module: module.to_owned(),
        args: args.as_object().cloned().unwrap_or_default(),
        ..Task::default()
    };
    let result = session.run(task, None, None).await.unwrap();
    session.close().await;
    result
}

fn asked(result: &TaskResult, start: &str) -> bool {
    let head = result.values["json"]["head"].as_array().unwrap();
    head.iter()
        .any(|line| line.as_str().unwrap().starts_with(start))
}

#[tokio::test]
async fn uri_gives_what_is_answered() {
    let url = serve();
    let args = json!({
        "url": format!("{url}/x?y=1"), "method": "POST", "body_format": "json", "body": {"a": 1},
        "url_username": "me", "url_password": "secret", "return_content": true,
    });
    let result = run("uri", args).await;
    assert!(!result.failed, "{}", result.msg);
    assert_eq!(result.values["status"], 200);
    assert_eq!(result.values["cookies"], json!({"a": "b"}));
    assert_eq!(
        serde_json::from_str::<Value>(result.values["json"]["body"].as_str().unwrap()).unwrap(),
        json!({"a": 1})
    );
    assert!(asked(&result, "post /x?y=1"));
    assert!(asked(&result, "authorization: basic "));
    assert!(asked(&result, "content-type: application/json"));
}

#[tokio::test]
async fn uri_fails_at_another_status() {
    let url = serve();
    let result = run("uri", json!({"url": format!("{url}/broken")})).await;
    assert!(result.failed);
    assert!(
        result.msg.starts_with("Status code was 500 and not [200]"),
        "{}",
        result.msg
    );
    let result = run(
        "uri",
        json!({"url": format!("{url}/broken"), "status_code": [200, 500]}),
    )
    .await;
    assert!(!result.failed, "{}", result.msg);
}

#[tokio::test]
async fn a_redirect_leaves_some_headers_behind() {
    let url = serve();
    let args = json!({
        "url": format!("{url}/moved"), "headers": {"X-Once": "1", "X-Both": "2"},
        "unredirected_headers": ["x-once"],
    });
    let result = run("uri", args).await;
    assert!(!result.failed, "{}", result.msg);
    assert!(asked(&result, "get /here"));
    assert!(asked(&result, "x-both: 2") && !asked(&result, "x-once"));
}

#[tokio::test]
async fn get_url_keeps_what_matches_its_checksum() {
    let url = serve();
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("file");
    let args = json!({
        "url": format!("{url}/file"), "dest": dest, "tmp_dest": folder.path(),
        "checksum": "md5:00000000000000000000000000000000",
    });
    let result = run("get_url", args).await;
    assert!(
        result.failed && result.msg.contains("did not match"),
        "{}",
        result.msg
    );
    assert!(!dest.exists());
    let args = json!({"url": format!("{url}/file"), "dest": dest, "tmp_dest": folder.path()});
    let result = run("get_url", args).await;
    assert!(!result.failed && result.changed, "{}", result.msg);
    assert!(
        std::fs::read_to_string(&dest)
            .unwrap()
            .contains("get /file")
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
