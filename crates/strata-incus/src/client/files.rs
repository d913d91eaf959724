//! Files of an instance or a volume, through the API: no program in the guest takes part.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;

use strata_http::Call;

use super::{ApiPath, Client, ClientError};

/// How long one file may take.
const FILE_LIMIT: Duration = Duration::from_secs(600);

/// Who owns a file and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// Permission bits.
    pub(crate) mode: u32,
    /// Owner.
    pub(crate) uid: u32,
    /// Group.
    pub(crate) gid: u32,
}

/// What holds files: an instance, or a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder(pub(crate) ApiPath);

impl From<Instance<'_>> for Holder {
    fn from(instance: Instance<'_>) -> Self {
        Self(instance.path(&["files"]))
    }
}

impl Client {
    /// Writes a file, replacing what is there; folders that are missing are made with `folder_mode`, if given.
    pub(crate) async fn write_file(
        &self,
        holder: impl Into<Holder>,
        path: &str,
        ownership: Ownership,
        folder_mode: Option<u32>,
        content: &[u8],
    ) -> Result<(), ClientError> {
        let holder = &holder.into();
        // Mode and owner take hold only on files that are new, so the old one goes first.
        match self
            .file(Method::DELETE, holder, path, Vec::new(), Bytes::new())
            .await
        {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        let content = Bytes::copy_from_slice(content);
        let headers = headers("file", ownership);
        let first = self
            .file(Method::POST, holder, path, headers.clone(), content.clone())
            .await;
        match (first, folder_mode) {
            (Err(error), Some(mode)) if error.is_not_found() => {
                self.make_folders(holder, path, Ownership { mode, ..ownership })
                    .await?;
                self.file(Method::POST, holder, path, headers, content)
                    .await?;
            }
            (outcome, _) => drop(outcome?),
        }
        Ok(())
    }

    /// Reads a file.
    pub(crate) async fn read_file(
        &self,
        holder: impl Into<Holder>,
        path: &str,
    ) -> Result<Bytes, ClientError> {
        self.file(Method::GET, &holder.into(), path, Vec::new(), Bytes::new())
            .await
    }

    /// Makes the folders above `path`; those that are there stay as they are.
    async fn make_folders(
        &self,
        holder: &Holder,
        path: &str,
        ownership: Ownership,
    ) -> Result<(), ClientError> {
        let slashes = path.char_indices().filter(|(at, c)| *c == '/' && *at > 0);
        for (at, _) in slashes {
            let headers = headers("directory", ownership);
            self.file(Method::POST, holder, &path[..at], headers, Bytes::new())
                .await?;
        }
        Ok(())
    }

    async fn file(
        &self,
        method: Method,
        holder: &Holder,
        path: &str,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    ) -> Result<Bytes, ClientError> {
        let call = Call {
            method,
            path: holder.0.clone().query("path", path).into_text(),
            headers,
            body: body.into(),
            limit: FILE_LIMIT,
        };
        Ok(self.raw(call).await?.body)
    }
}

fn headers(kind: &str, ownership: Ownership) -> Vec<(&'static str, String)> {
    vec![
        // With curl's default type the server would take the content for a form and drop it.
        ("Content-Type", "application/octet-stream".to_owned()),
        ("X-Incus-type", kind.to_owned()),
        ("X-Incus-mode", format!("{:04o}", ownership.mode)),
        ("X-Incus-uid", ownership.uid.to_string()),
        ("X-Incus-gid", ownership.gid.to_string()),
    ]
}

/// An instance by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance<'a> {
    /// Its project.
    pub(crate) project: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
}

impl Instance<'_> {
    /// The path of the instance or of something below it.
    pub(crate) fn path(&self, below: &[&str]) -> ApiPath {
        let segments = [&["instances", self.name], below].concat();
        ApiPath::new(&segments).project(self.project)
    }
}
