//! A file of ours in a folder of its own on the host, for as long as a task needs it.

use serde_json::{Value as Json, json};
use strata_transport::Content;

use super::{copy, find_file};
use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

/// A folder on the host with one file in it.
pub(super) struct Staged {
    folder: String,
    /// The file; empty as long as there is none.
    pub(super) path: String,
}

/// What staging comes to: the file, or the failure of a module that was to help.
pub(super) type Staging = Result<Staged, ActionResult>;

/// Brings a file of ours to the host, in check mode too; `mode` is the file's there.
pub(super) async fn file(call: &Call<'_>, source: &str, mode: &str) -> Result<Staging, TaskError> {
    let path = find_file::required(call, "files", source)?;
    let name = path.file_name().map_or_else(
        || "source".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let mut staged = match folder(call).await? {
        Ok(staged) => staged,
        Err(failed) => return Ok(Err(failed)),
    };
    let content = copy::content(call, &path).await?;
    match staged.copy(call, &name, content, mode).await? {
        Ok(path) => {
            staged.path = path;
            Ok(Ok(staged))
        }
        Err(failed) => {
            staged.remove(call).await?;
            Ok(Err(failed))
        }
    }
}

/// Makes a folder for one task, in check mode too.
pub(super) async fn folder(call: &Call<'_>) -> Result<Staging, TaskError> {
    let arguments = outcome::map(json!({"state": "directory", "prefix": ".strata."}));
    let mut made = call
        .module_in("tempfile", arguments.clone(), None, false)
        .await?;
    if outcome::check(&made.values, "failed") {
        // A host without `/tmp` has the other one, most often.
        let mut elsewhere = arguments;
        elsewhere.insert("path".to_owned(), "/var/tmp".into());
        let second = call.module_in("tempfile", elsewhere, None, false).await?;
        if outcome::check(&second.values, "failed") {
            return Ok(Err(made));
        }
        made = second;
    }
    let folder = made.values.get("path").and_then(Json::as_str);
    let folder = folder.unwrap_or_default().to_owned();
    if folder.is_empty() {
        return Ok(Err(made));
    }
    Ok(Ok(Staged {
        path: String::new(),
        folder,
    }))
}

impl Staged {
    /// Puts a text of ours into the folder and gives its path.
    pub(super) async fn put(
        &self,
        call: &Call<'_>,
        name: &str,
        bytes: impl Into<std::sync::Arc<[u8]>>,
        mode: &str,
    ) -> Result<Result<String, ActionResult>, TaskError> {
        let content = Content::from_bytes(name, bytes);
        self.copy(call, name, content, mode).await
    }

    async fn copy(
        &self,
        call: &Call<'_>,
        name: &str,
        content: Content,
        mode: &str,
    ) -> Result<Result<String, ActionResult>, TaskError> {
        let path = format!("{}/{name}", self.folder);
        let arguments = outcome::map(json!({"dest": path, "mode": mode}));
        let copied = call
            .module_in("copy", arguments, Some(content), false)
            .await?;
        Ok(match outcome::check(&copied.values, "failed") {
            true => Err(copied),
            false => Ok(path),
        })
    }

    /// Takes the folder away.
    pub(super) async fn remove(self, call: &Call<'_>) -> Result<(), TaskError> {
        let arguments = outcome::map(json!({"path": self.folder, "state": "absent"}));
        call.module_in("file", arguments, None, false).await?;
        Ok(())
    }
}

/// Whether something is at a path of the host.
pub(super) async fn is_there(call: &Call<'_>, path: &str) -> Result<bool, TaskError> {
    let arguments = outcome::map(json!({"path": path, "follow": true, "get_checksum": false}));
    let found = call.module("stat", arguments, None).await?;
    Ok(found.values["stat"]["exists"] == true)
}

/// The result of a task that is left out.
pub(super) fn skipped(msg: String) -> ActionResult {
    ActionResult::values(json!({"changed": false, "skipped": true, "msg": msg}))
}

/// Arguments without some that only this side knows.
pub(super) fn without(call: &Call<'_>, names: &[&str]) -> JsonMap {
    let mut arguments = call.arguments.clone();
    arguments.retain(|name, _| !names.contains(&name.as_str()));
    arguments
}
