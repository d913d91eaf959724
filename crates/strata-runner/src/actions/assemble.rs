//! `assemble`: fragments of ours are put together here and copied; those of a host are its module's work.

use std::path::Path;

use strata_agent::fragments::{self, Side};
use strata_core::files::EntryKind;
use strata_transport::Content;

use super::{find_file, stage};
use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

/// Of this side or of `assemble` alone; the rest is for `copy`.
const OWN: &[&str] = &[
    "src",
    "remote_src",
    "regexp",
    "delimiter",
    "ignore_hidden",
    "decrypt",
];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    if call.flag("remote_src", true) {
        let arguments = stage::without(call, &["remote_src", "decrypt"]);
        return call.module("assemble", arguments, None).await;
    }
    let source = call.required("src")?;
    let folder = find_file::required(call, "files", &source)?;
    if call.shared.options.files.kind(&folder) != Some(EntryKind::Folder) {
        return Err(TaskError::Failed(format!(
            "Source ({}) is not a directory",
            folder.display()
        )));
    }
    let bytes = together(call, &folder)?;
    let md5 = strata_agent::digest::md5(&bytes);
    // As Ansible names it, and so the file in a folder that is the destination.
    let content = Content::from_bytes("src", bytes);
    let arguments = stage::without(call, OWN);
    let mut result = call.module("copy", arguments, Some(content)).await?;
    if !crate::outcome::check(&result.values, "failed") {
        result.values.insert("md5sum".to_owned(), md5.into());
    }
    Ok(result)
}

fn together(call: &Call<'_>, folder: &Path) -> Result<Vec<u8>, TaskError> {
    let files = call.shared.options.files.as_ref();
    let failed = |error: &dyn std::fmt::Display| TaskError::Failed(error.to_string());
    let entries = files.list(folder).map_err(|error| failed(&error))?;
    let mut names: Vec<String> = entries
        .iter()
        .filter(|entry| entry.kind != EntryKind::Folder)
        .map(|entry| entry.name.clone())
        .collect();
    names.sort();
    let pattern = call.text("regexp");
    let hidden = call.flag("ignore_hidden", false);
    let chosen = fragments::choose(&names, pattern.as_deref(), hidden)
        .map_err(|error| failed(&error.msg))?;
    let mut parts = Vec::new();
    for name in chosen {
        let part = files
            .read(&folder.join(name))
            .map_err(|error| failed(&error))?;
        parts.push(part);
    }
    let delimiter = call.text("delimiter");
    Ok(fragments::join(&parts, delimiter.as_deref(), Side::Ours))
}
