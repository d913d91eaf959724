//! Objects made from a backup: a file of this machine that goes to the server.

use strata_core::{Diagnostic, Diagnostics};
use strata_http::Part;

use super::attributes::Attributes;
use crate::client::{ApiPath, Client, ClientError, Notes};

/// A backup, and what is to become of it.
pub(crate) struct SourceFile<'a> {
    path: &'a str,
    headers: Vec<(&'static str, String)>,
}

impl<'a> SourceFile<'a> {
    /// The `source_file` of an object, if it has one; `kind` is what the server takes it for.
    pub(crate) fn of(object: Attributes<'a>, kind: &str) -> Option<Self> {
        let path = object.some_text("source_file")?;
        let name = object.text("name").unwrap_or_default();
        let headers = vec![
            ("Content-Type", "application/octet-stream".to_owned()),
            ("X-Incus-name", name.to_owned()),
            ("X-Incus-type", kind.to_owned()),
        ];
        Some(Self { path, headers })
    }

    /// Sends it to where its kind is made.
    pub(crate) async fn send(
        &self,
        client: &Client,
        path: &ApiPath,
        notes: Notes<'_>,
    ) -> Result<(), ClientError> {
        notes.note("sends the backup");
        readable(self.path).await?;
        let parts = vec![Part::File(self.path.into())];
        let sent = client.upload(path, self.headers.clone(), parts, notes);
        sent.await.map(drop)
    }
}

/// Fails, in words of the file, if a file cannot be read.
pub(crate) async fn readable(path: &str) -> Result<(), ClientError> {
    match tokio::fs::File::open(path).await {
        Ok(_) => Ok(()),
        Err(error) => Err(ClientError::Setup(format!("`{path}`: {error}"))),
    }
}

/// Refuses two ways to make the same thing.
pub(crate) fn at_most_one(config: Attributes<'_>, names: &[&str], diags: &mut Diagnostics) {
    let set: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| config.is_set(name))
        .collect();
    if set.len() > 1 {
        let summary = format!("only one of `{}` may be set", set.join("`, `"));
        diags.push(Diagnostic::error("incus-invalid-value", summary));
    }
}
