//! The least of an HTTP client that can speak with Incus: one call, one connection.
//!
//! HTTP/1.0 has neither chunks nor connections that stay open, so an answer is what comes until the
//! end. A connection to a socket of this machine costs microseconds, so nobody loses by it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::Value;

use crate::failure::Failure;

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(super) struct Api(pub(super) PathBuf);

impl Api {
    /// Asks for something that is there.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call("GET", path, None)
    }

    /// Calls and, if the daemon answers with an operation, waits until that is done.
    pub(super) fn done(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), Failure> {
        let answer = self.call(method, path, body)?;
        // A synchronous answer has no identity, only what was asked for.
        let Some(operation) = answer["id"].as_str().filter(|_| answer["class"] == "task") else {
            return Ok(());
        };
        let end = self.get(&format!("/1.0/operations/{operation}/wait"))?;
        match end["status_code"].as_i64() {
            Some(200) => Ok(()),
            _ => Err(Failure::new(format!("`{method} {path}`: {}", end["err"]))),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("`{method} {path}`: {error}"));
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len();
        let mut stream = UnixStream::connect(&self.0).map_err(failed)?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: incus\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        metadata_of(&answer).map_err(|why| Failure::new(format!("`{method} {path}`: {why}")))
    }
}

/// Takes what was asked for out of an answer.
fn metadata_of(answer: &str) -> Result<Value, String> {
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the answer has no body")?;
    let mut body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    match body["error"].as_str() {
        None | Some("") => Ok(body["metadata"].take()),
        Some(error) => Err(error.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_was_asked_for_or_an_error() {
        let answer = |body: &str| metadata_of(&format!("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{body}"));
        let metadata = answer(r#"{"type":"sync","error":"","metadata":["a"]}"#);
        assert_eq!(metadata, Ok(serde_json::json!(["a"])));
        let error = answer(r#"{"type":"error","error":"Profile not found","error_code":404}"#);
        assert_eq!(error, Err("Profile not found".to_owned()));
        assert!(metadata_of("HTTP/1.0 200 OK").is_err());
    }
}
