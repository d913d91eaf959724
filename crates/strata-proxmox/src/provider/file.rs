//! Files in storages: downloaded by the node, or sent from here.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{
    BoxFuture, Diagnostic, Diagnostics,
    provider::{Effect, EffectKind},
};
use strata_http::Part;

use super::{
    PRIVATE, ahead,
    guest::{self, first, text},
    kind::{Doing, Failure, Kind, Outcome, Planned, Work},
    plain::read_import,
    ssh, value,
};
use crate::client::{Params, Upload, path};

pub(crate) static ALL: [&dyn Kind; 2] = [&Download, &Sent];

/// `proxmox_download_file`: the node fetches it.
struct Download;

/// `proxmox_virtual_environment_file`: it is sent from here.
struct Sent;

/// The folder of a content type in a volume's name.
fn folder(content: &str) -> &str {
    match content {
        "backup" => "backup",
        other => other,
    }
}

/// A volume's path in the API.
fn volume(object: &Json, id: &str) -> String {
    let (node, storage) = (text(object, "node_name"), text(object, "datastore_id"));
    path(&[
        "nodes",
        node.unwrap_or_default(),
        "storage",
        storage.unwrap_or_default(),
        "content",
        id,
    ])
}

/// The row of a volume in its storage's list; none if it is not there.
pub(super) async fn find(work: &Work<'_>, object: &Json, id: &str) -> Outcome<Option<Json>> {
    let (node, storage) = (
        text(object, "node_name").unwrap_or_default(),
        text(object, "datastore_id").unwrap_or_default(),
    );
    let content = text(object, "content_type")
        .map(|content| format!("?content={content}"))
        .unwrap_or_default();
    let list = path(&["nodes", node, "storage", storage, "content"]);
    let rows = work.session.client.find(&format!("{list}{content}")).await;
    let rows = rows
        .doing(|| format!("The files of storage `{storage}` cannot be listed"))?
        .unwrap_or_default();
    let mut rows = rows.as_array().cloned().unwrap_or_default().into_iter();
    Ok(rows.find(|row| row["volid"] == id))
}

pub(super) async fn remove(work: &Work<'_>, object: &Json) -> Outcome<()> {
    let Some(id) = text(object, "id") else {
        return Ok(());
    };
    let gone = work.delete(&volume(object, id), &Params::new()).await;
    gone.doing(|| format!("The file `{id}` was not deleted"))
}

fn wrong(code: &'static str, summary: String, detail: impl Into<String>) -> Box<Failure> {
    Failure::new(Diagnostic::error(code, summary).detail(detail.into()))
}

pub(super) fn import(id: &str) -> Result<Json, String> {
    let parts = read_import("{node_name}/{id}", id)
        .ok_or("an id looks like `node/storage:iso/file.iso`")?;
    let whole = parts["id"].as_str().unwrap_or_default().to_owned();
    let (storage, rest) = whole
        .split_once(':')
        .ok_or("an id looks like `node/storage:iso/file.iso`")?;
    let (content, name) = rest
        .split_once('/')
        .ok_or("an id looks like `node/storage:iso/file.iso`")?;
    Ok(json!({
        "node_name": parts["node_name"], "id": whole, "datastore_id": storage,
        "content_type": content, "file_name": name,
    }))
}

impl Download {
    fn file_name(object: &Json) -> String {
        let url = text(object, "url").unwrap_or_default();
        let last = url
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        text(object, "file_name").unwrap_or(last).to_owned()
    }

    fn id(object: &Json) -> String {
        let (storage, content) = (text(object, "datastore_id"), text(object, "content_type"));
        format!(
            "{}:{}/{}",
            storage.unwrap_or_default(),
            folder(content.unwrap_or_default()),
            Self::file_name(object)
        )
    }
}

impl Kind for Download {
    fn name(&self) -> &'static str {
        "proxmox_download_file"
    }

    fn noun(&self) -> &'static str {
        "file"
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        if text(config, "checksum").is_some() && config["checksum_algorithm"].is_null() {
            diags.push(Diagnostic::error(
                "proxmox-invalid-value",
                "`checksum` needs `checksum_algorithm`",
            ));
        }
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let content = text(planned.planned, "content_type").unwrap_or_default();
            ahead::new_file(planned, content).await
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (name, id) = (Self::file_name(object), Self::id(object));
            if find(work, object, &id).await?.is_some() {
                if object["overwrite_unmanaged"] != true {
                    return Err(wrong(
                        "proxmox-file-exists",
                        format!("The file `{id}` is there already"),
                        "it was not made by this configuration: set `overwrite_unmanaged = true` to replace it, or import it",
                    ));
                }
                let gone = work.delete(&volume(object, &id), &Params::new()).await;
                gone.doing(|| format!("The file `{id}` was not replaced"))?;
            }
            download(work, object, &name).await?;
            object["file_name"] = json!(name);
            object["id"] = json!(id);
            let row = find(work, object, &id)
                .await
                .map_err(|failure| failure.half_made())?;
            object["size"] = row.unwrap_or_default()["size"].clone();
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let id = text(object, "id").map_or_else(|| Self::id(object), str::to_owned);
            let Some(row) = find(work, object, &id).await? else {
                return Ok(false);
            };
            object["size"] = row["size"].clone();
            object["id"] = json!(id);
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(remove(work, object))
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        import(id)
    }
}

async fn download(work: &Work<'_>, object: &Json, name: &str) -> Outcome<()> {
    let (node, storage) = (
        text(object, "node_name").unwrap_or_default(),
        text(object, "datastore_id").unwrap_or_default(),
    );
    let mut params = Params::new().with("filename", name);
    params
        .maybe("content", text(object, "content_type"))
        .maybe("url", text(object, "url"));
    params.maybe(
        "checksum-algorithm",
        text(object, "checksum_algorithm").filter(|_| text(object, "checksum").is_some()),
    );
    params.maybe("checksum", text(object, "checksum"));
    params.maybe("compression", text(object, "decompression_algorithm"));
    if object["verify"] == false {
        params.flag("verify-certificates", false);
    }
    let limit = guest::limit(object, "upload_timeout", 600);
    let target = path(&["nodes", node, "storage", storage, "download-url"]);
    let done = work.change(Method::POST, &target, &params, limit).await;
    if let Err(error) = &done
        && error.words().contains("checksum mismatch")
    {
        // The node removes such a file itself; should one be left, it must not be taken for good.
        let id = Download::id(object);
        drop(work.delete(&volume(object, &id), &Params::new()).await);
    }
    done.map(drop)
        .doing(|| format!("`{name}` was not downloaded to storage `{storage}` of node `{node}`"))
}

/// What is sent: its name and content.
struct Content {
    name: String,
    bytes: Source,
}

enum Source {
    Text(Vec<u8>),
    File(std::path::PathBuf),
    /// Where it lies on the web: the node itself fetches it.
    Address(String),
}

/// True for what is fetched from the web.
fn is_address(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// What tells whether a file of ours changed: its size, its SHA-256, and when it was written.
fn digest(path: &std::path::Path) -> Option<Json> {
    use std::io::Read;

    use sha2::Digest;

    let mut file = std::fs::File::open(path).ok()?;
    let (mut digest, mut size) = (sha2::Sha256::new(), 0);
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).ok()? {
            0 => break,
            count => {
                digest.update(&part[..count]);
                size += count as u64;
            }
        }
    }
    let text: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(json!({ "size": size, "written": written(path), "sha256": text }))
}

fn written(path: &std::path::Path) -> Option<u64> {
    let at = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// True if a file of ours is not what it was when it was sent. One that is gone is judged when it is sent.
fn is_another(path: &std::path::Path, was: &Json) -> bool {
    let Ok(about) = std::fs::metadata(path) else {
        return false;
    };
    match (
        was["size"] == about.len(),
        was["written"] == json!(written(path)),
    ) {
        _ if !was.is_object() => false,
        (false, _) => true,
        (true, true) => false,
        (true, false) => digest(path).is_some_and(|now| now["sha256"] != was["sha256"]),
    }
}

/// The file of ours that an object is made of.
fn source_path(directory: &std::path::Path, object: &Json) -> Option<std::path::PathBuf> {
    let path = text(first(object, "source_file"), "path")?;
    (!is_address(path)).then(|| directory.join(path))
}

impl Sent {
    fn content(work: &Work<'_>, object: &Json) -> Outcome<Content> {
        let (raw, file) = (first(object, "source_raw"), first(object, "source_file"));
        if let Some(data) = raw["data"].as_str() {
            let name = text(raw, "file_name").unwrap_or_default().to_owned();
            return Ok(Content {
                name,
                bytes: Source::Text(data.as_bytes().to_vec()),
            });
        }
        let given = text(file, "path").unwrap_or_default();
        let name = text(file, "file_name").map(str::to_owned);
        let name = name
            .or_else(|| given.rsplit('/').next().map(str::to_owned))
            .unwrap_or_default();
        let bytes = match is_address(given) {
            true => Source::Address(given.to_owned()),
            false => Source::File(work.directory.join(given)),
        };
        Ok(Content { name, bytes })
    }

    fn content_type(object: &Json, name: &str) -> String {
        if let Some(content) = text(object, "content_type") {
            return content.to_owned();
        }
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&[".iso", ".img"]) => "iso",
            () if ends(&[".tar.gz", ".tar.xz", ".tar.zst"]) => "vztmpl",
            () if ends(&[".qcow2", ".raw", ".vmdk", ".ova"]) => "import",
            () => "snippets",
        }
        .to_owned()
    }
}

impl Kind for Sent {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_file"
    }

    fn noun(&self) -> &'static str {
        "file"
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "source_file.changed",
            "source_file.min_tls",
            "source_raw.resize",
        ]
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        let (raw, file) = (first(config, "source_raw"), first(config, "source_file"));
        let name = text(raw, "file_name").or_else(|| text(file, "path"));
        let content = name.map(|name| Self::content_type(config, name));
        let over_ssh = content.as_deref().is_none_or(is_over_ssh);
        let mode = text(config, "file_mode");
        let octal = |mode: &str| {
            (3..=4).contains(&mode.len())
                && mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
        };
        if mode.is_some_and(|mode| !octal(mode)) {
            diags.push(Diagnostic::error(
                "proxmox-invalid-value",
                "`file_mode` is no mode such as `0755`",
            ));
        } else if mode.is_some() && !over_ssh {
            diags.push(
                Diagnostic::error(
                    "proxmox-invalid-value",
                    "`file_mode` is for snippets and backups alone",
                )
                .detail("all else is sent through the API, which gives files a mode of its own"),
            );
        }
        if over_ssh && text(file, "path").is_some_and(is_address) {
            diags.push(
                Diagnostic::error("proxmox-not-supported", "`source_file.path` with a URL is not supported for snippets")
                    .detail("a node fetches images, templates and disks by itself, but no snippets: read it by the data source `http`, and give it as `source_raw`"),
            );
        }
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let object = planned.planned;
            let name = text(first(object, "source_raw"), "file_name")
                .or_else(|| text(first(object, "source_file"), "path"));
            let content = match name {
                Some(name) => Self::content_type(object, name),
                None => text(object, "content_type").unwrap_or_default().to_owned(),
            };
            ahead::new_file(planned, &content).await?;
            if let (Some(directory), Some(prior)) = (planned.directory, planned.prior)
                && let Some(path) = source_path(directory, object)
                && is_another(&path, &prior[PRIVATE]["source"])
            {
                // The arguments are the same, and the file that they name is another.
                planned.changed = true;
                planned.reopen.push("file_tag");
                planned.replace.push("file_tag");
            }
            if planned.prior.is_none() && is_over_ssh(&content) {
                planned.effects.push(Effect {
                    kind: EffectKind::Live,
                    reason: format!("written to the node over ssh: the API takes no {content}"),
                });
            }
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let content = Self::content(work, object)?;
            let kind = Self::content_type(object, &content.name);
            object["content_type"] = json!(kind);
            let storage = text(object, "datastore_id").unwrap_or_default().to_owned();
            let id = format!("{storage}:{}/{}", folder(&kind), content.name);
            if object["overwrite"] == false && find(work, object, &id).await?.is_some() {
                return Err(wrong(
                    "proxmox-file-exists",
                    format!("The file `{id}` is there already"),
                    "set `overwrite = true` to replace it, or import it",
                ));
            }
            match is_over_ssh(&kind) && !ssh::is_rehearsal(work) {
                true => write(work, object, &storage, content).await?,
                false => send(work, object, &kind, &storage, content).await?,
            }
            object["id"] = json!(id);
            if let Some(path) = source_path(work.directory, object) {
                object[PRIVATE] = json!({ "source": digest(&path) });
            }
            self.read(work, object)
                .await
                .map(drop)
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let id = text(object, "id").unwrap_or_default().to_owned();
            let Some(row) = find(work, object, &id).await? else {
                return Ok(false);
            };
            object["file_name"] = json!(id.rsplit('/').next());
            object["file_size"] = row["size"].clone();
            if let Some(at) = value::number(&row["ctime"]) {
                object["file_modification_date"] = json!(guest::rfc3339(at));
                object["file_tag"] = json!(format!(
                    "{at:x}-{:x}",
                    value::number(&row["size"]).unwrap_or(0)
                ));
            }
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(remove(work, object))
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        import(id)
    }
}

/// True for content that the API does not take.
fn is_over_ssh(content: &str) -> bool {
    matches!(content, "snippets" | "backup")
}

/// Writes a snippet onto its node over ssh.
async fn write(work: &Work<'_>, object: &Json, storage: &str, content: Content) -> Outcome<()> {
    let bytes = match content.bytes {
        Source::Text(bytes) => bytes,
        Source::Address(url) => {
            return Err(wrong(
                "proxmox-not-supported",
                format!("`{url}` is not fetched for a snippet"),
                "give its text as `source_raw`",
            ));
        }
        Source::File(path) => tokio::fs::read(&path).await.map_err(|error| {
            wrong(
                "proxmox-file-unreadable",
                format!("`{}` cannot be read", path.display()),
                error.to_string(),
            )
        })?,
    };
    let target = ssh::place(work, storage, &content.name).await?;
    ssh::write(
        work,
        text(object, "node_name").unwrap_or_default(),
        &target,
        &bytes,
        text(object, "file_mode"),
    )
    .await
}

/// Has the node fetch a file from the web.
async fn fetch(work: &Work<'_>, object: &Json, kind: &str, name: &str, url: &str) -> Outcome<()> {
    let file = first(object, "source_file");
    let asked = json!({
        "node_name": object["node_name"], "datastore_id": object["datastore_id"], "content_type": kind,
        "url": url, "file_name": name, "checksum": file["checksum"],
        "checksum_algorithm": text(file, "checksum").map(|_| "sha256"),
        "verify": file["insecure"] != true, "upload_timeout": object["timeout_upload"],
    });
    download(work, &asked, name).await
}

async fn send(
    work: &Work<'_>,
    object: &Json,
    kind: &str,
    storage: &str,
    content: Content,
) -> Outcome<()> {
    let node = text(object, "node_name").unwrap_or_default();
    let unreadable = |path: &std::path::Path, error: &std::io::Error| {
        wrong(
            "proxmox-file-unreadable",
            format!("`{}` cannot be read", path.display()),
            error.to_string(),
        )
    };
    let (source, size) = match content.bytes {
        Source::Address(url) => return fetch(work, object, kind, &content.name, &url).await,
        Source::Text(bytes) => {
            let size = bytes.len() as u64;
            (Part::Bytes(bytes.into()), size)
        }
        Source::File(path) => {
            let about = tokio::fs::metadata(&path).await;
            let size = about.map_err(|error| unreadable(&path, &error))?.len();
            (Part::File(path), size)
        }
    };
    let checksum = text(first(object, "source_file"), "checksum");
    let upload = Upload {
        node,
        storage,
        content: kind,
        file_name: &content.name,
        checksum: checksum.map(|sum| ("sha256", sum)),
        source,
        size,
    };
    let limit = guest::limit(object, "timeout_upload", 1800).max(Duration::from_secs(10));
    let summary = || {
        format!(
            "`{}` was not sent to storage `{storage}` of node `{node}`",
            content.name
        )
    };
    let upid = work
        .session
        .client
        .upload(upload, limit)
        .await
        .doing(summary)?;
    let notes = |text: &str| work.note(text);
    work.session
        .client
        .wait(&upid, limit, &notes)
        .await
        .doing(summary)
}
