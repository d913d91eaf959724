//! `fetch`: brings a file of the host to this machine.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value as Json, json};
use strata_agent::digest;

use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&[
        "src",
        "dest",
        "flat",
        "fail_on_missing",
        "validate_checksum",
    ])?;
    if !call.shared.options.disk {
        return Err(TaskError::Failed(
            "`fetch` needs the disk of this machine, which this run does not use".to_owned(),
        ));
    }
    let source = call.required("src")?;
    let to = destination(call, &source)?;
    if call.check {
        return Ok(ActionResult::values(json!({
            "changed": false,
            "skipped": true,
            "msg": "check mode not (yet) supported for this module",
        })));
    }
    let arguments = JsonMap::from_iter([("src".to_owned(), Json::from(source.as_str()))]);
    let read = call.module_in("slurp", arguments, None, false).await?;
    if outcome::check(&read.values, "failed") {
        return missing(call, &source, read);
    }
    let content = read.values.get("content").cloned().unwrap_or_default();
    let bytes = decode(outcome::text(&content).as_bytes()).ok_or_else(|| {
        TaskError::Failed(format!(
            "the host sent `{source}` in a form that cannot be read"
        ))
    })?;
    let changed = keep(&to, &bytes).map_err(|error| {
        TaskError::Failed(format!("`{}` cannot be written: {error}", to.display()))
    })?;
    let sha1 = digest::sha1(&bytes);
    let mut values = json!({
        "changed": changed,
        "checksum": sha1,
        "dest": to.display().to_string(),
        "file": source,
        "md5sum": digest::md5(&bytes),
    });
    if changed {
        values["remote_checksum"] = sha1.into();
        values["remote_md5sum"] = Json::Null;
    }
    Ok(ActionResult::values(values))
}

fn missing(call: &Call<'_>, source: &str, read: ActionResult) -> Result<ActionResult, TaskError> {
    if call.flag("fail_on_missing", true) {
        return Ok(read);
    }
    Ok(ActionResult::values(json!({
        "changed": false,
        "file": source,
        "msg": "the remote file does not exist, not transferring, ignored",
    })))
}

/// `dest/HOST/SRC`, or with `flat` as it says; a relative one is below the playbook's folder.
fn destination(call: &Call<'_>, source: &str) -> Result<PathBuf, TaskError> {
    let dest = call.required("dest")?;
    let folder = &call.job.scope.play.folder;
    // A host's answer never decides the path, but a path with `..` in it could still leave its folder.
    let below: PathBuf = Path::new(source)
        .components()
        .filter(|component| matches!(component, Component::Normal(_)))
        .collect();
    let path = match (call.flag("flat", false), dest.ends_with('/')) {
        (true, true) => Path::new(&dest).join(below.file_name().unwrap_or_default()),
        (true, false) => PathBuf::from(&dest),
        (false, _) => Path::new(&dest).join(&*call.job.host).join(below),
    };
    Ok(folder.join(path))
}

/// Writes a file beside its place and moves it there. Gives false if it was there already.
fn keep(to: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, to)?;
    Ok(true)
}

/// Reads base64.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for character in text
        .iter()
        .filter(|c| !c.is_ascii_whitespace() && **c != b'=')
    {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_its_padding() {
        assert_eq!(decode(b"aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode(b"aGVs\nbG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode(b"a*b"), None);
    }
}
