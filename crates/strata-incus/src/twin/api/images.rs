//! Images: there from the start, found by alias or fingerprint.

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Answered, not_found},
    route::Call,
    store::{Kind, Store},
};

pub(in super::super) fn alias(call: &Call<'_>, alias: &str) -> Answered {
    let store = call.shared.store();
    match store.get(Kind::Image, "default", alias) {
        Some(image) => Ok(Answer::Sync(
            json!({ "name": alias, "description": "", "type": "container", "target": image["fingerprint"] }),
        )),
        None => not_found("Image alias"),
    }
}

pub(in super::super) fn get(call: &Call<'_>, fingerprint: &str) -> Answered {
    match find(&call.shared.store(), fingerprint) {
        Some(image) => Ok(Answer::Sync(image)),
        None => not_found("Image"),
    }
}

/// The image of an alias, or whose fingerprint begins so.
pub(super) fn find(store: &Store, name: &str) -> Option<Value> {
    if let Some(image) = store.get(Kind::Image, "default", name) {
        return Some(image.clone());
    }
    let images = store.list(Kind::Image, Some("default"));
    let mut found = images.iter().filter(|(_, image)| {
        name.len() >= 12
            && image["fingerprint"]
                .as_str()
                .is_some_and(|all| all.starts_with(name))
    });
    found.next().map(|(_, image)| (*image).clone())
}
