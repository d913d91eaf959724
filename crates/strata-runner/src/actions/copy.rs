//! `copy`: puts files of ours on the host. What is there already by its hash is not sent.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use strata_core::files::EntryKind;
use strata_transport::Content;

use super::find_file;
use crate::{
    JsonMap,
    session::TaskError,
    task::{ActionResult, Call},
};

/// How deep folders are copied.
const DEEPEST: usize = 64;

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    let remote = call.flag("remote_src", false);
    let Some(source) = call.text("src").filter(|_| !remote) else {
        return call.module("copy", call.arguments.clone(), None).await;
    };
    if call.arguments.contains_key("content") {
        return Err(TaskError::Failed(
            "`copy` takes `src` or `content`, not both".to_owned(),
        ));
    }
    let path = find_file::required(call, "files", &source)?;
    match call.shared.options.files.kind(&path) {
        Some(EntryKind::Folder) => tree(call, &path, source.ends_with('/')).await,
        _ => file(call, &path, arguments(call)).await,
    }
}

/// The arguments for the agent: without those that concern this machine.
fn arguments(call: &Call<'_>) -> JsonMap {
    let mut arguments = call.arguments.clone();
    for own in [
        "src",
        "remote_src",
        "directory_mode",
        "local_follow",
        "decrypt",
    ] {
        arguments.remove(own);
    }
    arguments
}

async fn file(
    call: &Call<'_>,
    path: &Path,
    mut arguments: JsonMap,
) -> Result<ActionResult, TaskError> {
    preserve_mode(call, path, &mut arguments)?;
    let content = content(call, path).await?;
    call.module("copy", arguments, Some(content)).await
}

/// Says which mode `mode: preserve` means.
pub(super) fn preserve_mode(
    call: &Call<'_>,
    path: &Path,
    arguments: &mut JsonMap,
) -> Result<(), TaskError> {
    if arguments.get("mode").and_then(Json::as_str) == Some("preserve") {
        arguments.insert("mode".to_owned(), own_mode(call, path)?.into());
    }
    Ok(())
}

/// Offers a file of ours to the host.
pub(super) async fn content(call: &Call<'_>, path: &Path) -> Result<Content, TaskError> {
    find_file::regular(call, path)?;
    let decrypts = call.flag("decrypt", true);
    if call.shared.options.disk && !(decrypts && begins_encrypted(path).await) {
        return Ok(Content::from_file(path).await?);
    }
    let files = call.shared.options.files.as_ref();
    let bytes = files
        .read(path)
        .map_err(|error| TaskError::Failed(error.to_string()))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok(Content::from_bytes(&name.unwrap_or_default(), bytes))
}

/// True for a vaulted file, by its first bytes.
async fn begins_encrypted(path: &Path) -> bool {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::new();
    match tokio::fs::File::open(path).await {
        Ok(file) => {
            let read = file.take(16).read_to_end(&mut head).await;
            read.is_ok() && strata_playbook::vault::is_encrypted(&head)
        }
        Err(_) => false,
    }
}

#[cfg(unix)]
fn own_mode(call: &Call<'_>, path: &Path) -> Result<String, TaskError> {
    use std::os::unix::fs::PermissionsExt;
    if !call.shared.options.disk {
        return Err(TaskError::Failed(
            "`mode: preserve` needs files on the disk of this machine".to_owned(),
        ));
    }
    let metadata = std::fs::metadata(path).map_err(|error| {
        TaskError::Failed(format!("`{}` cannot be read: {error}", path.display()))
    })?;
    Ok(format!("0{:o}", metadata.permissions().mode() & 0o7777))
}

/// Copies a folder: with a slash at its end only what is in it, else the folder itself, too.
async fn tree(
    call: &Call<'_>,
    folder: &Path,
    inside_only: bool,
) -> Result<ActionResult, TaskError> {
    let destination = PathBuf::from(call.required("dest")?);
    let root = match folder.file_name() {
        Some(name) if !inside_only => destination.join(name),
        _ => destination.clone(),
    };
    let mut whole = ActionResult::values(json!({
        "changed": false,
        "dest": format!("{}/", destination.display().to_string().trim_end_matches('/')),
        "src": folder.display().to_string(),
    }));
    let mut found = Vec::new();
    collect(call, folder, &root, &mut Vec::new(), &mut found)?;
    for (path, to, kind) in found {
        let part = match kind {
            Kind::Folder => make_folder(call, &to).await?,
            Kind::File => {
                let mut arguments = arguments(call);
                arguments.insert("dest".to_owned(), to.display().to_string().into());
                file(call, &path, arguments).await?
            }
            Kind::Link => make_link(call, &path, &to).await?,
        };
        whole.diffs.extend(part.diffs);
        let failed = crate::outcome::check(&part.values, "failed");
        if failed {
            whole.values.extend(part.values);
            break;
        }
        if crate::outcome::check(&part.values, "changed") {
            whole.values.insert("changed".to_owned(), true.into());
        }
    }
    Ok(whole)
}

/// How something in a folder is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    /// As a link with the same target.
    Link,
}

/// Finds what is in a folder: links are followed, but for those that lead nowhere or back to a folder that they are
/// in, and all with `local_follow: false`. `above` are the folders on the way, without links.
fn collect(
    call: &Call<'_>,
    folder: &Path,
    to: &Path,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<(PathBuf, PathBuf, Kind)>,
) -> Result<(), TaskError> {
    if above.len() > DEEPEST {
        return Err(TaskError::Failed(format!(
            "`{}` is nested too deep to be copied",
            folder.display()
        )));
    }
    let files = call.shared.options.files.as_ref();
    found.push((folder.to_owned(), to.to_owned(), Kind::Folder));
    let entries = files
        .list(folder)
        .map_err(|error| TaskError::Failed(error.to_string()))?;
    above.push(files.real(folder));
    for entry in entries {
        let (path, to) = (folder.join(&entry.name), to.join(&entry.name));
        let is_link = files.is_link(&path);
        match files.kind(&path) {
            None => found.push((path, to, Kind::Link)),
            Some(_) if is_link && !call.flag("local_follow", true) => {
                found.push((path, to, Kind::Link));
            }
            Some(EntryKind::Folder) if is_link && above.contains(&files.real(&path)) => {
                found.push((path, to, Kind::Link));
            }
            Some(EntryKind::Folder) => collect(call, &path, &to, above, found)?,
            Some(EntryKind::File | EntryKind::Other) => found.push((path, to, Kind::File)),
        }
    }
    above.pop();
    Ok(())
}

async fn make_link(call: &Call<'_>, path: &Path, to: &Path) -> Result<ActionResult, TaskError> {
    let target = std::fs::read_link(path).map_err(|error| {
        TaskError::Failed(format!("`{}` cannot be read: {error}", path.display()))
    })?;
    let mut arguments = owners(call);
    arguments.insert("path".to_owned(), to.display().to_string().into());
    arguments.insert("src".to_owned(), target.display().to_string().into());
    for (name, value) in [
        ("state", json!("link")),
        ("force", json!(true)),
        ("follow", json!(false)),
    ] {
        arguments.insert(name.to_owned(), value);
    }
    call.module("file", arguments, None).await
}

async fn make_folder(call: &Call<'_>, path: &Path) -> Result<ActionResult, TaskError> {
    let mut arguments = owners(call);
    arguments.insert("path".to_owned(), path.display().to_string().into());
    arguments.insert("state".to_owned(), "directory".into());
    if let Some(mode) = call.arguments.get("directory_mode") {
        arguments.insert("mode".to_owned(), mode.clone());
    }
    call.module("file", arguments, None).await
}

/// Who shall own what is made beside the files.
fn owners(call: &Call<'_>) -> JsonMap {
    let mut arguments = JsonMap::new();
    for same in ["owner", "group"] {
        if let Some(value) = call.arguments.get(same) {
            arguments.insert(same.to_owned(), value.clone());
        }
    }
    arguments
}
