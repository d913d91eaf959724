//! A file of ours in a folder of its own on the host, for as long as a task needs it.

use serde_json::{Value as Json, json};

use super::{copy, find_file};
use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

/// A folder on the host with one file in it.
pub(super) struct Staged {
    folder: String,
    /// The file.
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
    let arguments = outcome::map(json!({"state": "directory", "prefix": ".strata."}));
    let made = call.module_in("tempfile", arguments, None, false).await?;
    if outcome::check(&made.values, "failed") {
        return Ok(Err(made));
    }
    let folder = made.values.get("path").and_then(Json::as_str);
    let folder = folder.unwrap_or_default().to_owned();
    if folder.is_empty() {
        return Ok(Err(made));
    }
    let staged = Staged {
        path: format!("{folder}/{name}"),
        folder,
    };
    let arguments = outcome::map(json!({"dest": staged.path, "mode": mode}));
    let content = copy::content(call, &path).await?;
    let copied = call
        .module_in("copy", arguments, Some(content), false)
        .await?;
    if outcome::check(&copied.values, "failed") {
        staged.remove(call).await?;
        return Ok(Err(copied));
    }
    Ok(Ok(staged))
}

impl Staged {
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
    let found = call.module_in("stat", arguments, None, false).await?;
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
