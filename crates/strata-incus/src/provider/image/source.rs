//! Where an image comes from: another remote that the server pulls from, files of ours, or an instance.

use std::{
    io::{self, Read, Write},
    process::{Command, Stdio},
};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use strata_http::{Part, encode, url};

use crate::{
    client::{Answer, ApiPath, Client, ClientError, Notes, known_certificate},
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
                source["server"] = match &self.remote.remote().credentials_helper {
                    Some(helper) if protocol == "oci" => {
                        json!(with_credentials(url, helper).await?)
                    }
                    _ => json!(url),
                };
                source["protocol"] = json!(protocol);
                let key = if is_fingerprint(self.name) {
                    "fingerprint"
                } else {
                    "alias"
                };
                source[key] = json!(self.name);
                // An image server with a certificate of its own making is known by that.
                if protocol == "incus"
                    && let Some(certificate) = known_certificate(self.remote.remote())?
                {
                    source["certificate"] = json!(certificate);
                }
            }
            _ => self.copy_from_incus(&mut source).await?,
        }
        Ok(source)
    }

    /// The other server gives a secret that opens this image to whoever pulls it.
    async fn copy_from_incus(&self, source: &mut Json) -> Result<(), ClientError> {
        let fingerprint = self.fingerprint().await?;
        let (listens, certificate) = reachable(self.remote).await?;
        let path = ApiPath::new(&["images", &fingerprint, "secret"]);
        let path = path.project(&self.remote.remote().project);
        let operation = self.remote.start(&path, &Json::Null).await?;
        source["server"] = json!(listens);
        source["protocol"] = json!("incus");
        source["certificate"] = certificate;
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
}

/// The URL of a registry with the name and the secret that a helper has for it; the server logs in with them.
///
/// Speaks as the Incus client does: `HELPER get`, the host on its input, JSON on its output. No message
/// quotes that: it is a secret.
async fn with_credentials(url: &str, helper: &str) -> Result<String, ClientError> {
    let failed = |reason: &str| ClientError::Setup(format!("`{helper} get` for {url}: {reason}"));
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(failed("the address of the registry is no URL"));
    };
    let host = rest.split('/').next().unwrap_or(rest).to_owned();
    let program = helper.to_owned();
    let asking = tokio::task::spawn_blocking(move || ask_helper(&program, &host));
    let answer = asking.await.map_err(|_| failed("it was cut off"))?;
    let answer = answer.map_err(|error| failed(&error.to_string()))?;
    let answer: Json = serde_json::from_slice(&answer).unwrap_or_default();
    let (Some(name), Some(secret)) = (answer["Username"].as_str(), answer["Secret"].as_str())
    else {
        return Err(failed("it tells no `Username` and `Secret`"));
    };
    let mut full = format!("{scheme}://");
    encode(name, &mut full);
    full.push(':');
    encode(secret, &mut full);
    Ok(full + "@" + rest)
}

fn ask_helper(program: &str, host: &str) -> io::Result<Vec<u8>> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not listen may have an answer all the same.
        drop(input.write_all(host.as_bytes()));
    }
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(io::Error::other(format!("it ended with {}", output.status))),
    }
}

/// Where other servers reach a remote, and the certificate that they find there.
pub(crate) async fn reachable(remote: &Client) -> Result<(String, Json), ClientError> {
    let server: Answer<Json> = remote.get(&ApiPath::new(&[])).await?;
    let environment = &server.value["environment"];
    let address = match &remote.remote().address {
        Address::Https { host, port } => url(host, *port),
        _ => match environment.pointer("/addresses/0").and_then(Json::as_str) {
            Some(address) => format!("https://{address}"),
            None => return Err(cannot_be_reached(remote)),
        },
    };
    Ok((address, environment["certificate"].clone()))
}

fn cannot_be_reached(remote: &Client) -> ClientError {
    let name = &remote.remote().name;
    ClientError::Setup(format!(
        "remote `{name}` listens on no address that another server could pull from: `incus config set {name}: core.https_address` sets one"
    ))
}

/// Sends the files of an image, unless the server has it; gives its fingerprint.
pub(super) async fn send_files(
    client: &Client,
    project: &str,
    files: Attributes<'_>,
    notes: Notes<'_>,
) -> Result<String, ClientError> {
    let data = files.text("data_path").unwrap_or_default();
    let metadata = files.some_text("metadata_path");
    for file in metadata.into_iter().chain([data]) {
        readable(file).await?;
    }
    let fingerprint = fingerprint_of(metadata.into_iter().chain([data])).await?;
    let there = ApiPath::new(&["images", &fingerprint]).project(project);
    if client.find::<Json>(&there).await?.is_some() {
        // A server refuses the same image, and only after it took it all.
        return Ok(fingerprint);
    }
    let (headers, parts) = match metadata {
        None => {
            let kind = ("Content-Type", "application/octet-stream".to_owned());
            let name = ("X-Incus-filename", file_name(data).to_owned());
            (vec![kind, name], vec![Part::File(data.into())])
        }
        Some(metadata) => form(metadata, data),
    };
    notes.note("sends the image");
    let path = ApiPath::new(&["images"]).project(project);
    let made = client.upload(&path, headers, parts, notes).await?;
    Ok(text(&made["fingerprint"]))
}

/// What an image of these files is known by: the SHA-256 of all that they hold.
async fn fingerprint_of<'a>(files: impl Iterator<Item = &'a str>) -> Result<String, ClientError> {
    let files: Vec<String> = files.map(str::to_owned).collect();
    let reading = move || -> Result<String, ClientError> {
        let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        for file in &files {
            let failed = |error: io::Error| ClientError::Setup(format!("`{file}`: {error}"));
            let mut content = std::fs::File::open(file).map_err(failed)?;
            loop {
                match content.read(&mut buffer).map_err(failed)? {
                    0 => break,
                    count => digest.update(&buffer[..count]),
                }
            }
        }
        let digest = digest.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let reading = tokio::task::spawn_blocking(reading);
    let cut_off = |_| ClientError::Setup("the image was not read to its end".to_owned());
    reading.await.map_err(cut_off)?
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn check(script: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let helper = folder.path().join("helper");
        std::fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&helper, PermissionsExt::from_mode(0o755)).unwrap();
        let helper = helper.display().to_string();
        let found = with_credentials("https://registry.example/a", &helper).await;
        found.map_err(|error| error.to_string().replace(&helper, "HELPER"))
    }

    #[tokio::test]
    async fn a_helper_tells_name_and_secret_and_no_message_quotes_them() {
        let told = r#"[ "$1 $(cat)" = "get registry.example" ] && echo '{"Username":"me","Secret":"a/b"}'"#;
        assert_eq!(
            check(told).await.unwrap(),
            "https://me:a%2Fb@registry.example/a"
        );
        assert_eq!(
            check("echo hunter2").await.unwrap_err(),
            "`HELPER get` for https://registry.example/a: it tells no `Username` and `Secret`"
        );
        let failed = check("echo hunter2; exit 3").await.unwrap_err();
        assert!(
            failed.contains("exit status: 3") && !failed.contains("hunter2"),
            "{failed}"
        );
    }
}
