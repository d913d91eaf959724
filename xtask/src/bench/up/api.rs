//! The least of an HTTP client that can speak with Incus: one call, one connection.
//!
//! HTTP/1.0 has neither chunks nor connections that stay open, so an answer is what comes until the
//! end. A connection to a socket of this machine costs microseconds, so nobody loses by it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;

/// No single answer takes longer: that of an operation comes when it ends, and fifty of them are unpacked
/// side by side.
const LIMIT: Duration = Duration::from_secs(600);

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(super) struct Api(pub(super) PathBuf);

impl Api {
    /// Asks for something that is there.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call("GET", path, None)
    }

    /// Asks for something that may be there.
    pub(super) fn find(&self, path: &str) -> Result<Option<Value>, Failure> {
        let answer = self.answer("GET", path, None)?;
        match answer["error_code"] == 404 {
            true => Ok(None),
            false => metadata_of(answer).map(Some).map_err(failed("GET", path)),
        }
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
        metadata_of(self.answer(method, path, body)?).map_err(failed(method, path))
    }

    fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let text = self.exchange(method, path, body);
        let text = text.map_err(|error| failed(method, path)(error.to_string()))?;
        parsed(&text).map_err(failed(method, path))
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len();
        let mut stream = UnixStream::connect(&self.0)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: incus\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

fn failed(method: &str, path: &str) -> impl FnOnce(String) -> Failure {
    let call = format!("{method} {path}");
    move |why| Failure::new(format!("`{call}`: {why}"))
}

/// The body of an answer.
fn parsed(answer: &str) -> Result<Value, String> {
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the answer has no body")?;
    serde_json::from_str(body).map_err(|error| error.to_string())
}

/// Takes what was asked for out of an answer.
fn metadata_of(mut answer: Value) -> Result<Value, String> {
    match answer["error"].as_str() {
        None | Some("") => Ok(answer["metadata"].take()),
        Some(error) => Err(error.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_was_asked_for_or_an_error() {
        let answer =
            |body: &str| metadata_of(parsed(&format!("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{body}"))?);
        let metadata = answer(r#"{"type":"sync","error":"","metadata":["a"]}"#);
        assert_eq!(metadata, Ok(serde_json::json!(["a"])));
        let error = answer(r#"{"type":"error","error":"Profile not found","error_code":404}"#);
        assert_eq!(error, Err("Profile not found".to_owned()));
        assert!(parsed("HTTP/1.0 200 OK").is_err());
    }
}
