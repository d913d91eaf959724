//! `patch`: a patch of ours is brought to the host first; one of the host is its module's work.

use serde_json::Value as Json;

use super::stage;
use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    if call.flag("remote_src", false) {
        return call.module("patch", call.arguments.clone(), None).await;
    }
    let named = ["src", "patchfile"];
    let Some(source) = named.iter().find_map(|name| call.text(name)) else {
        return Err(TaskError::Failed("src is required".to_owned()));
    };
    let staged = match stage::file(call, &source, "0600").await? {
        Ok(staged) => staged,
        Err(failed) => return Ok(failed),
    };
    let mut arguments = stage::without(call, &named);
    arguments.insert("src".to_owned(), Json::from(staged.path.as_str()));
    let result = call.module("patch", arguments, None).await;
    staged.remove(call).await?;
    result
}
