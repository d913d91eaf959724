//! The real Incus daemon, asked directly, so that what `strata` says of it can be checked.

use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::{Value, json};

const SOCKET: &str = "/var/lib/incus/unix.socket";

/// The daemon's socket, if there is a daemon that answers.
pub(crate) fn socket() -> Option<String> {
    let path = env::var("STRATA_TEST_INCUS_SOCKET").unwrap_or_else(|_| SOCKET.to_owned());
    (Path::new(&path).exists() && UnixStream::connect(&path).is_ok()).then_some(path)
}

/// The daemon for one test alone, as long as this lives: tests compare all that is on it.
pub(crate) struct Alone {
    _lock: File,
}

/// Tells whether there is a daemon; without one says so, and fails where the tests must run.
pub(crate) fn is_there(test: &str) -> bool {
    let is_there = socket().is_some();
    if !is_there {
        assert!(
            env::var_os("STRATA_TEST_INCUS_REQUIRED").is_none(),
            "{test} needs an Incus daemon, and there is none"
        );
        eprintln!("skipped: {test} needs an Incus daemon (`cargo xtask testbed up`)");
    }
    is_there
}

/// Waits until no other test needs the daemon for itself; nothing if there is none, as in [`is_there`].
pub(crate) fn alone(test: &str) -> Option<Alone> {
    if !is_there(test) {
        return None;
    }
    let lock = File::create(env::temp_dir().join("strata-test-daemon.lock")).unwrap();
    lock.lock().unwrap();
    Some(Alone { _lock: lock })
}

/// Sends one request and gives the answer's body, which is JSON.
pub(crate) fn request(method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    serde_json::from_str(&exchange(method, path, &body)).unwrap()
}

/// What is at a path, as it is.
pub(crate) fn text(path: &str) -> String {
    exchange("GET", path, "")
}

fn exchange(method: &str, path: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket().unwrap()).unwrap();
    // HTTP/1.0, so that the answer comes in one piece and ends with the connection.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}

/// What begins the names of containers in which tests run beside all others; they have nothing but them on the daemon.
const BESIDE: [&str; 2] = ["four-runs-", "modules-"];

/// What an environment could leave behind, in an order in which it can be deleted.
const KINDS: [&str; 6] = [
    "instances?all-projects=true",
    "images?all-projects=true",
    "storage-pools/default/volumes?all-projects=true",
    "profiles?all-projects=true",
    "networks?all-projects=true",
    "projects",
];

/// Everything on the daemon that an environment could leave behind.
pub(crate) fn listing() -> BTreeSet<String> {
    KINDS.iter().flat_map(|kind| listed(kind)).collect()
}

fn listed(kind: &str) -> Vec<String> {
    let answer = request("GET", &format!("/1.0/{kind}"), &Value::Null);
    let entries = answer["metadata"].as_array().cloned().unwrap_or_default();
    let mut paths: Vec<_> = entries
        .iter()
        .map(|entry| entry.as_str().unwrap_or_default().to_owned())
        .collect();
    paths.retain(|path| !BESIDE.iter().any(|name| path.contains(&format!("/{name}"))));
    paths
}

/// Fails the test if something with this in its name was left behind; others may be at work beside it.
#[track_caller]
pub(crate) fn has_nothing_of(name: &str) {
    let mut left = listing();
    left.retain(|entry| entry.contains(name));
    assert!(left.is_empty(), "{left:?}");
}

/// Deletes what has one of these in its name: a run of the tests that was killed leaves it, and the next one meets it.
///
/// Only where tests must run (`STRATA_TEST_INCUS_REQUIRED`, as in CI): any other daemon may have such names for good.
pub(crate) fn clear_of(names: &[&str]) {
    if env::var_os("STRATA_TEST_INCUS_REQUIRED").is_none() {
        return;
    }
    for path in KINDS.iter().flat_map(|kind| listed(kind)) {
        // A project's own default profile goes with it, an instance's volume with the instance.
        let goes_with_another =
            path.starts_with("/1.0/profiles/default") || path.contains("/volumes/container/");
        let is_one = names.iter().any(|name| path.contains(name));
        if !is_one || goes_with_another {
            continue;
        }
        if path.starts_with("/1.0/instances/") {
            let (instance, project) = path.split_once('?').unwrap_or((&path, ""));
            let stop = json!({ "action": "stop", "force": true, "timeout": 30 });
            // One that is stopped already refuses that.
            settled("PUT", &format!("{instance}/state?{project}"), &stop);
        }
        delete(&path);
    }
}

/// Stops an instance at once, behind Strata's back.
pub(crate) fn stop(instance: &str) {
    let body = json!({ "action": "stop", "force": true, "timeout": 30 });
    operation("PUT", &format!("/1.0/instances/{instance}/state"), &body);
}

/// Deletes something, behind Strata's back.
pub(crate) fn delete(path: &str) {
    operation("DELETE", path, &Value::Null);
}

/// A request that the daemon works on after it has answered, or answers at once.
fn operation(method: &str, path: &str, body: &Value) {
    let done = settled(method, path, body);
    assert_eq!(done["status"], "Success", "{done}");
}

/// The operation as it ended, or the answer where there is none.
fn settled(method: &str, path: &str, body: &Value) -> Value {
    let answer = request(method, path, body);
    match answer["operation"].as_str().filter(|id| !id.is_empty()) {
        Some(operation) => {
            let path = format!("{operation}/wait?timeout=60");
            request("GET", &path, &Value::Null)["metadata"].clone()
        }
        None => answer,
    }
}
