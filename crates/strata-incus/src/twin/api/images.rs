//! Images: some are there from the start, others are made. An image is found by alias or fingerprint.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, Started, bad_request, not_found, refuse},
        route::Call,
        store::{Kind, Store},
    },
    objects,
};

/// Lists the aliases.
pub(in super::super) fn aliases(call: &Call<'_>) -> Answered {
    let store = call.shared.store();
    let mut found = Vec::new();
    for (_, image) in entries(&store) {
        for entry in image["aliases"].as_array().into_iter().flatten() {
            let name = entry["name"].as_str().unwrap_or_default();
            found.push(match call.recursion {
                0 => json!(format!("/1.0/images/aliases/{name}")),
                _ => json!({ "name": name, "description": entry["description"], "type": image["type"], "target": image["fingerprint"] }),
            });
        }
    }
    Ok(Answer::Sync(found.into()))
}

/// Reads, changes or removes an alias.
pub(in super::super) fn alias(call: &Call<'_>, alias: &str) -> Answered {
    let mut store = call.shared.store();
    let Some((key, mut image)) = named(&store, alias) else {
        return not_found("Image alias");
    };
    let aliases = image["aliases"].as_array().into_iter().flatten();
    let entry = aliases
        .clone()
        .find(|entry| entry["name"] == alias)
        .cloned();
    let mut entry = entry.unwrap_or_default();
    match *call.method {
        Method::GET => {
            let (target, kind) = (&image["fingerprint"], &image["type"]);
            let description = &entry["description"];
            return Ok(Answer::Sync(
                json!({ "name": alias, "description": description, "type": kind, "target": target }),
            ));
        }
        Method::POST | Method::PUT | Method::PATCH => {
            let field = if call.method == Method::POST {
                "name"
            } else {
                "description"
            };
            entry[field] = call.body[field].clone();
            let others = aliases.filter(|other| other["name"] != alias).cloned();
            image["aliases"] = others.chain([entry]).collect();
        }
        Method::DELETE => {
            image["aliases"] = aliases
                .filter(|entry| entry["name"] != alias)
                .cloned()
                .collect()
        }
        _ => return refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
    store.put(Kind::Image, "default", &key, image);
    Ok(Answer::Sync(Value::Null))
}

pub(in super::super) fn add_alias(call: &Call<'_>) -> Answered {
    let mut store = call.shared.store();
    let text = |name: &str| call.body[name].as_str().unwrap_or_default();
    let name = text("name");
    if named(&store, name).is_some() {
        let message = format!("Alias {name:?} already exists");
        return refuse(StatusCode::CONFLICT, message);
    }
    let Some(image) = find(&store, text("target")) else {
        return not_found("Image");
    };
    let Some((key, mut image)) = by_fingerprint(&store, &image["fingerprint"]) else {
        return not_found("Image");
    };
    if let Some(aliases) = image["aliases"].as_array_mut() {
        aliases.push(json!({ "name": name, "description": text("description") }));
    }
    store.put(Kind::Image, "default", &key, image);
    Ok(Answer::Sync(Value::Null))
}

/// Reads or removes an image.
pub(in super::super) fn one(call: &Call<'_>, fingerprint: &str) -> Answered {
    let mut store = call.shared.store();
    let Some(image) = find(&store, fingerprint) else {
        return not_found("Image");
    };
    match *call.method {
        Method::GET => Ok(Answer::Sync(image)),
        Method::PUT | Method::PATCH => {
            let changed = objects::changed(call, image)?;
            if let Some((key, _)) = by_fingerprint(&store, &changed["fingerprint"]) {
                store.put(Kind::Image, "default", &key, changed);
            }
            Ok(Answer::Sync(Value::Null))
        }
        Method::DELETE => {
            if let Some((key, _)) = by_fingerprint(&store, &image["fingerprint"]) {
                store.remove(Kind::Image, "default", &key);
            }
            Ok(Answer::Operation(Box::new(working(
                call,
                "Deleting image",
                fingerprint,
            ))))
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

/// Lets another server have an image.
pub(in super::super) fn secret(call: &Call<'_>, fingerprint: &str) -> Answered {
    let mut started = working(call, "Image download token", fingerprint);
    started.sockets = json!({ "secret": uuid::Uuid::new_v4().to_string() });
    Ok(Answer::Operation(started.into()))
}

/// Makes an image: of another server's, of a file, or of an instance.
pub(in super::super) fn create(call: &Call<'_>) -> Answered {
    let mut store = call.shared.store();
    let source = &call.body["source"];
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    let (content, kind) = match (call.is_raw(), text("type")) {
        (true, _) => (file(call), "container"),
        (false, "image") => {
            let name = [text("alias"), text("fingerprint")].concat();
            let kind = source["image_type"].as_str().unwrap_or("container");
            match find(&store, &name) {
                Some(image) if image["type"] == kind => {
                    let fingerprint = image["fingerprint"].as_str().unwrap_or_default();
                    let mut started = working(call, "Downloading image", fingerprint);
                    started.result = json!({ "fingerprint": fingerprint });
                    return Ok(Answer::Operation(started.into()));
                }
                _ => (format!("{kind} {name}").into_bytes(), kind),
            }
        }
        (false, from @ ("instance" | "snapshot")) => {
            let name = text("name");
            let kind = if from == "instance" {
                Kind::Instance
            } else {
                Kind::Snapshot
            };
            let Some(instance) = store.get(kind, &call.project, name) else {
                return not_found("Instance");
            };
            if from == "instance" && instance["status"] == "Running" {
                return bad_request("The instance is running");
            }
            (instance.to_string().into_bytes(), "container")
        }
        _ => return bad_request("Invalid images API request"),
    };
    let digest = Sha256::digest(&content);
    let fingerprint: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if call.is_raw() && by_fingerprint(&store, &json!(fingerprint)).is_some() {
        let mut started = working(call, "Downloading image", &fingerprint);
        started.failure = Some(Refusal {
            status: StatusCode::BAD_REQUEST,
            message: "Image with same fingerprint already exists".to_owned(),
        });
        return Ok(Answer::Operation(started.into()));
    }
    let properties = call.body["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let aliases = call.body["aliases"].as_array().cloned().unwrap_or_default();
    let taken =
        |alias: &&Value| named(&store, alias["name"].as_str().unwrap_or_default()).is_some();
    if let Some(alias) = aliases.iter().find(taken) {
        return bad_request(format!("Alias already exists: {}", alias["name"]));
    }
    let image = json!({
        "fingerprint": fingerprint, "aliases": aliases, "architecture": "x86_64", "type": kind, "properties": properties,
        "public": false, "size": content.len(), "created_at": store.now(),
    });
    store.put(Kind::Image, "default", &fingerprint, image);
    drop(store);
    let mut started = working(call, "Downloading image", &fingerprint);
    started.progress = Some(("download", "rootfs: 50% (100.00MB/s)"));
    started.result = json!({ "fingerprint": fingerprint, "size": content.len().to_string() });
    Ok(Answer::Operation(started.into()))
}

/// What the files of an image hold: all of the body, or the parts of a form.
fn file(call: &Call<'_>) -> Vec<u8> {
    let kind = call.header("content-type").unwrap_or_default();
    let Some((_, boundary)) = kind.split_once("boundary=") else {
        return call.raw.to_vec();
    };
    let body = String::from_utf8_lossy(call.raw);
    let between = format!("--{boundary}");
    let parts = body.split(between.as_str());
    let parts =
        parts.filter_map(|part| Some(part.split_once("\r\n\r\n")?.1.trim_end_matches("\r\n")));
    parts.collect::<String>().into_bytes()
}

fn working(call: &Call<'_>, description: &'static str, fingerprint: &str) -> Started {
    let path = format!("/1.0/images/{fingerprint}");
    Started::new(description, ("images", path), &call.project)
}

fn entries(store: &Store) -> impl Iterator<Item = (String, &Value)> {
    let all = store.list(Kind::Image, Some("default")).into_iter();
    all.map(|(key, image)| (key.to_owned(), image))
}

fn named(store: &Store, alias: &str) -> Option<(String, Value)> {
    let has = |image: &Value| {
        let mut aliases = image["aliases"].as_array().into_iter().flatten();
        aliases.any(|entry| entry["name"] == alias)
    };
    let found = entries(store).find(|(_, image)| has(image))?;
    Some((found.0, found.1.clone()))
}

fn by_fingerprint(store: &Store, fingerprint: &Value) -> Option<(String, Value)> {
    let found = entries(store).find(|(_, image)| image["fingerprint"] == *fingerprint)?;
    Some((found.0, found.1.clone()))
}

/// The image that an instance is to be made of. Another server has whatever is asked of it: a rehearsal asks none.
/// So has this one, if it lends.
pub(super) fn source(store: &Store, source: &Value) -> Option<Value> {
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    let name = [text("alias"), text("fingerprint")].concat();
    let elsewhere = (store.lends || !text("server").is_empty()) && !name.is_empty();
    find(store, &name).or_else(|| elsewhere.then(|| super::super::images::image(&name)))
}

/// The image of an alias, or whose fingerprint begins so.
pub(super) fn find(store: &Store, name: &str) -> Option<Value> {
    if let Some((_, image)) = named(store, name) {
        return Some(image);
    }
    let begins = |image: &Value| {
        let fingerprint = image["fingerprint"].as_str();
        fingerprint.is_some_and(|all| name.len() >= 12 && all.starts_with(name))
    };
    entries(store)
        .find(|(_, image)| begins(image))
        .map(|(_, image)| image.clone())
}
