//! Plain HTTP over a unix socket: what somebody beside the provider does.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::Value;

/// Sends a request, waits for its operation if it starts one, and gives status and answer.
pub(crate) fn request(socket: &Path, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let answer = exchange(socket, method, path, &body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let answer: Value = serde_json::from_str(body).unwrap();
    match answer["operation"].as_str().filter(|path| !path.is_empty()) {
        Some(operation) => request(socket, "GET", &format!("{operation}/wait"), &Value::Null),
        None => (status, answer),
    }
}

/// Sends a request and gives all that comes back.
pub(crate) fn exchange(socket: &Path, method: &str, path: &str, body: &str) -> String {
    String::from_utf8_lossy(&send(socket, method, path, body)).into_owned()
}

/// Fetches a file.
pub(crate) fn download(socket: &Path, path: &str) -> Vec<u8> {
    let answer = send(socket, "GET", path, "");
    let end = b"\r\n\r\n";
    let at = answer
        .windows(end.len())
        .position(|piece| piece == end)
        .unwrap();
    answer[at + end.len()..].to_vec()
}

fn send(socket: &Path, method: &str, path: &str, body: &str) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
