//! `unarchive`: an archive of ours is brought to the host first; one of the host is its module's work.

use serde_json::Value as Json;

use super::stage;
use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    let both = call.arguments.contains_key("copy") && call.arguments.contains_key("remote_src");
    if both {
        return Err(TaskError::Failed(
            "parameters are mutually exclusive: ('copy', 'remote_src')".to_owned(),
        ));
    }
    let remote = match call.arguments.get("copy") {
        Some(_) => !call.flag("copy", true),
        None => call.flag("remote_src", false),
    };
    let mut arguments = stage::without(call, &["copy", "decrypt"]);
    arguments.insert("remote_src".to_owned(), true.into());
    if remote {
        return call.module("unarchive", arguments, None).await;
    }
    let source = call.required("src")?;
    if source.contains("://") {
        return Err(TaskError::Failed(
            "Unsupported option, an URI src is only supported when remote_src is True".to_owned(),
        ));
    }
    if let Some(path) = call.text("creates")
        && stage::is_there(call, &path).await?
    {
        return Ok(stage::skipped(format!("skipped, since {path} exists")));
    }
    let staged = match stage::file(call, &source, "0600").await? {
        Ok(staged) => staged,
        Err(failed) => return Ok(failed),
    };
    arguments.insert("src".to_owned(), Json::from(staged.path.as_str()));
    let result = call.module("unarchive", arguments, None).await;
    staged.remove(call).await?;
    result
}
