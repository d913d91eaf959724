//! What a request sends: text, JSON, a form, or a file.

use std::path::PathBuf;

use serde_json::Value;

use crate::arguments::{Arguments, text};
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::copy::python_json;

/// The body of a request.
pub(super) enum Body {
    Bytes {
        bytes: Vec<u8>,
        kind: &'static str,
    },
    File(PathBuf),
    /// The parts of a form, and what stands between them.
    Multipart(Vec<Part>),
}

/// One field of a form.
pub(super) struct Part {
    name: String,
    kind: Option<String>,
    file_name: Option<String>,
    content: Content,
}

enum Content {
    Text(String),
    HostFile(PathBuf),
}

/// Nothing that a form carries has this line in it by chance.
const BOUNDARY: &str = "===============3141592653589793238==";

impl Body {
    pub(super) fn read(arguments: &Arguments) -> Result<Option<Body>, ModuleError> {
        if let Some(path) = arguments.path("src") {
            return Ok(Some(Body::File(path)));
        }
        let Some(body) = arguments.raw("body") else {
            return Ok(None);
        };
        let bytes = |text: String, kind| Body::Bytes {
            bytes: text.into_bytes(),
            kind,
        };
        Ok(Some(match (arguments.text("body_format").as_str(), body) {
            ("json", Value::String(text)) => bytes(text.clone(), "application/json"),
            ("json", body) => bytes(python_json(body), "application/json"),
            ("form-urlencoded", Value::String(text)) => bytes(text.clone(), FORM),
            ("form-urlencoded", body) => bytes(form(body)?, FORM),
            ("form-multipart", body) => Body::Multipart(parts(body)?),
            (_, body) => bytes(text(body).unwrap_or_default(), FORM),
        }))
    }

    pub(super) fn content_type(&self) -> String {
        match self {
            Body::Bytes { kind, .. } => (*kind).to_owned(),
            // As Python's library sends what nobody gave a type.
            Body::File(_) => FORM.to_owned(),
            Body::Multipart(_) => format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
        }
    }

    pub(super) fn bytes(&self, host: &dyn Host) -> Result<Vec<u8>, ModuleError> {
        match self {
            Body::Bytes { bytes, .. } => Ok(bytes.clone()),
            Body::File(path) => host.read(path).map_err(|_| {
                let shown = path.display();
                ModuleError::new(format!("Unable to open source file {shown}"))
            }),
            Body::Multipart(parts) => multipart(host, parts),
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Adds a header field unless the task gives it itself.
pub(super) fn set_default(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !headers
        .iter()
        .any(|(known, _)| known.eq_ignore_ascii_case(name))
    {
        headers.push((name.to_owned(), value.to_owned()));
    }
}

/// A mapping or a list of pairs as a form; a list as value gives its name several times.
fn form(body: &Value) -> Result<String, ModuleError> {
    let mut pairs: Vec<(String, &Value)> = Vec::new();
    match body {
        Value::Object(map) => pairs.extend(map.iter().map(|(name, value)| (name.clone(), value))),
        Value::Array(items) => {
            for item in items {
                match item.as_array().map(Vec::as_slice) {
                    Some([name, value]) => pairs.push((text(name).unwrap_or_default(), value)),
                    _ => return Err(not_a_form()),
                }
            }
        }
        _ => return Err(not_a_form()),
    }
    let mut encoded = Vec::new();
    for (name, value) in pairs {
        let several = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in several {
            let value = text(value).unwrap_or_else(|| "None".to_owned());
            encoded.push(format!("{}={}", quote(&name), quote(&value)));
        }
    }
    Ok(encoded.join("&"))
}

fn not_a_form() -> ModuleError {
    ModuleError::new(
        "failed to parse body as form_urlencoded: the body is neither a mapping nor a list of \
         pairs",
    )
}

fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                quoted.push(char::from(byte));
            }
            b' ' => quoted.push('+'),
            byte => quoted.push_str(&format!("%{byte:02X}")),
        }
    }
    quoted
}

fn parts(body: &Value) -> Result<Vec<Part>, ModuleError> {
    let fail =
        |why: &str| ModuleError::new(format!("failed to parse body as form-multipart: {why}"));
    let Some(fields) = body.as_object() else {
        return Err(fail("Mapping is required, cannot be anything else"));
    };
    let mut parts = Vec::new();
    for (name, value) in fields {
        let get = |key: &str| value.get(key).and_then(text);
        let content = match (value, get("content"), get("filename")) {
            (Value::Object(_), Some(content), _) => Content::Text(content),
            (Value::Object(_), None, Some(file)) => Content::HostFile(PathBuf::from(file)),
            (Value::Object(_), None, None) => {
                return Err(fail("at least one of filename or content must be provided"));
            }
            (value, _, _) => Content::Text(text(value).unwrap_or_default()),
        };
        let file_name =
            get("filename").map(|path| path.rsplit('/').next().unwrap_or_default().to_owned());
        parts.push(Part {
            name: name.clone(),
            kind: get("mime_type"),
            file_name,
            content,
        });
    }
    Ok(parts)
}

/// The parts as RFC 7578 has them.
fn multipart(host: &dyn Host, parts: &[Part]) -> Result<Vec<u8>, ModuleError> {
    let mut bytes = Vec::new();
    for part in parts {
        let content = match &part.content {
            Content::Text(text) => text.clone().into_bytes(),
            Content::HostFile(path) => host.read(path)?,
        };
        let file = part.file_name.as_ref();
        let file = file.map_or(String::new(), |name| format!("; filename=\"{name}\""));
        let kind = match (&part.kind, &part.file_name) {
            (Some(kind), _) => kind.as_str(),
            (None, Some(_)) => "application/octet-stream",
            (None, None) => "text/plain",
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Type: {kind}\r\n\
             Content-Disposition: form-data; name=\"{}\"{file}\r\n\r\n",
            part.name
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&content);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_are_written_as_browsers_do() {
        let check = |body: Value, expected: &str| assert_eq!(form(&body).unwrap(), expected);
        check(json!({"a": "x y", "b": [1, "ü"]}), "a=x+y&b=1&b=%C3%BC");
        check(json!([["a", 1], ["a", true]]), "a=1&a=True");
        assert!(form(&json!("x")).is_err());
    }

    #[test]
    fn parts_of_a_form_have_their_heads() {
        let parts = parts(&json!({"f": {"content": "x", "filename": "/a/b.txt"}})).unwrap();
        let bytes = multipart(&crate::host::Model::empty(), &parts).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains("name=\"f\"; filename=\"b.txt\"\r\n\r\nx\r\n--"),
            "{text}"
        );
    }
}
