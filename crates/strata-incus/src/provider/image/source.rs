//! Where an image comes from: another remote that the server pulls from, files of ours, or an instance.

use serde_json::{Value as Json, json};
use strata_http::{Part, url};

use crate::{
    client::{Answer, ApiPath, Client, ClientError, Notes},
    provider::{attributes::Attributes, session::is_fingerprint, source::readable},
    remote::Address,
};

/// An image on a remote.
pub(crate) struct ImageSource<'a> {
    pub(crate) remote: &'a Client,
    pub(crate) name: &'a str,
}

impl ImageSource<'_> {
    /// What tells a server to pull it.
    pub(crate) async fn pulled(&self) -> Result<Json, ClientError> {
        let mut source = json!({ "type": "image", "mode": "pull" });
        match &self.remote.remote().address {
            Address::Images { url, protocol } => {
                source["server"] = json!(url);
                source["protocol"] = json!(protocol);
                let key = if is_fingerprint(self.name) {
                    "fingerprint"
                } else {
                    "alias"
                };
                source[key] = json!(self.name);
            }
            address => self.copy_from_incus(address, &mut source).await?,
        }
        Ok(source)
    }

    /// The other server gives a secret that opens this image to whoever pulls it.
    async fn copy_from_incus(
        &self,
        address: &Address,
        source: &mut Json,
    ) -> Result<(), ClientError> {
        let fingerprint = self.fingerprint().await?;
        let server: Answer<Json> = self.remote.get(&ApiPath::new(&[])).await?;
        let environment = &server.value["environment"];
        let listens = match address {
            Address::Https { host, port } => url(host, *port),
            _ => match environment.pointer("/addresses/0").and_then(Json::as_str) {
                Some(address) => format!("https://{address}"),
                None => return Err(self.cannot_be_reached()),
            },
        };
        let path = ApiPath::new(&["images", &fingerprint, "secret"]);
        let path = path.project(&self.remote.remote().project);
        let operation = self.remote.start(&path, &Json::Null).await?;
        source["server"] = json!(listens);
        source["protocol"] = json!("incus");
        source["certificate"] = environment["certificate"].clone();
        source["fingerprint"] = json!(fingerprint);
        source["secret"] = operation.metadata["secret"].clone();
        Ok(())
    }

    /// The whole fingerprint of the image, by its alias or by the beginning of its fingerprint.
    pub(crate) async fn fingerprint(&self) -> Result<String, ClientError> {
        let project = &self.remote.remote().project;
        if is_fingerprint(self.name) {
            let path = ApiPath::new(&["images", self.name]).project(project);
            let image: Answer<Json> = self.remote.get(&path).await?;
            return Ok(text(&image.value["fingerprint"]));
        }
        let path = ApiPath::new(&["images", "aliases", self.name]).project(project);
        let alias: Answer<Json> = self.remote.get(&path).await?;
        Ok(text(&alias.value["target"]))
    }

    fn cannot_be_reached(&self) -> ClientError {
        let name = &self.remote.remote().name;
        ClientError::Setup(format!(
            "remote `{name}` listens on no address that another server could pull from: `incus config set {name}: core.https_address` sets one"
        ))
    }
}

/// Sends the files of an image; gives its fingerprint.
pub(super) async fn send_files(
    client: &Client,
    path: &ApiPath,
    files: Attributes<'_>,
    notes: Notes<'_>,
) -> Result<String, ClientError> {
    let data = files.text("data_path").unwrap_or_default();
    readable(data).await?;
    let (headers, parts) = match files.some_text("metadata_path") {
        None => {
            let kind = ("Content-Type", "application/octet-stream".to_owned());
            let name = ("X-Incus-filename", file_name(data).to_owned());
            (vec![kind, name], vec![Part::File(data.into())])
        }
        Some(metadata) => {
            readable(metadata).await?;
            form(metadata, data)
        }
    };
    notes("sends the image");
    let made = client.upload(path, headers, parts, notes).await?;
    Ok(text(&made["fingerprint"]))
}

/// The two files of a split image, as a form.
fn form(metadata: &str, data: &str) -> (Vec<(&'static str, String)>, Vec<Part>) {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let field = |name: &str, path: &str| {
        let file = file_name(path).replace('"', "_");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        [
            Part::Bytes(head.into()),
            Part::File(path.into()),
            Part::Bytes("\r\n".into()),
        ]
    };
    // A disk's image belongs to a virtual machine, an archive to a container.
    let is_disk = [".img", ".qcow2"].iter().any(|end| data.ends_with(end));
    let root = if is_disk { "rootfs.img" } else { "rootfs" };
    let mut parts = Vec::from(field("metadata", metadata));
    parts.extend(field(root, data));
    parts.push(Part::Bytes(format!("--{boundary}--\r\n").into()));
    let kind = format!("multipart/form-data; boundary={boundary}");
    (vec![("Content-Type", kind)], parts)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A text of the server's.
pub(super) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
