//! Files sent to a storage, as `multipart/form-data`, in pieces: they may be larger than memory.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use strata_http::{Body, Call, Part};

use super::{
    Client,
    error::ClientError,
    params::{Params, path},
    parse_data, refusal,
    task::Upid,
};

/// A file to send.
pub(crate) struct Upload<'a> {
    pub(crate) node: &'a str,
    pub(crate) storage: &'a str,
    /// `iso`, `vztmpl` or `import`: the API takes no other.
    pub(crate) content: &'a str,
    pub(crate) file_name: &'a str,
    /// Algorithm and value: the server compares.
    pub(crate) checksum: Option<(&'a str, &'a str)>,
    pub(crate) source: Part,
    /// Of the source, in bytes.
    pub(crate) size: u64,
}

impl Client {
    /// Sends a file; the task that takes it in is given back.
    pub(crate) async fn upload(
        &self,
        upload: Upload<'_>,
        limit: Duration,
    ) -> Result<Upid, ClientError> {
        let pool = self.pool();
        let boundary = format!("strata{}", uuid::Uuid::new_v4().simple());
        let (head, tail) = envelope(&upload, &boundary);
        let size = head.len() as u64 + upload.size + tail.len() as u64;
        let mut headers = vec![
            // The server takes no chunks.
            ("content-length", size.to_string()),
            (
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            ),
        ];
        headers.extend(self.login().headers(pool, &Method::POST).await?);
        let target = path(&["nodes", upload.node, "storage", upload.storage, "upload"]);
        let call = Call {
            method: Method::POST,
            path: format!("{}{target}", super::BASE),
            headers,
            body: Body::Parts(vec![Part::Bytes(head), upload.source, Part::Bytes(tail)]),
            limit,
        };
        let reply = pool.send(call).await?;
        if reply.status != 200 {
            return Err(refusal(&pool.endpoint().name(), &reply));
        }
        let data = parse_data(&reply.body)?;
        let upid = data.as_str().and_then(Upid::parse);
        upid.ok_or_else(|| ClientError::Exchange("the upload's answer names no task".to_owned()))
    }
}

/// What stands before and after the file. The algorithm must come before the checksum.
fn envelope(upload: &Upload<'_>, boundary: &str) -> (Bytes, Bytes) {
    let mut fields = Params::new().with("content", upload.content);
    if let Some((algorithm, value)) = upload.checksum {
        fields
            .set("checksum-algorithm", algorithm)
            .set("checksum", value);
    }
    let mut head = String::new();
    for (name, value) in fields.iter() {
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    let name = upload.file_name.replace(['"', '\r', '\n'], "_");
    head.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    ));
    (head.into(), format!("\r\n--{boundary}--\r\n").into())
}
