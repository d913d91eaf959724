//! Plain types on the twin: clusters, secrets, files, imports, data sources.

use serde_json::{Value as Json, json};
use strata_core::Value;
use strata_incus::{Incus, twin::Twin};

use crate::testbed::{Testbed, settings, short, texts};

/// A twin, the provider that speaks to it, and the way past the provider.
pub(crate) struct Rehearsal {
    pub(crate) testbed: Testbed,
    pub(crate) twin: Twin,
    pub(crate) folder: tempfile::TempDir,
}

impl Rehearsal {
    pub(crate) fn alone() -> Self {
        Self::of(&[])
    }

    pub(crate) fn of(members: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let twin = Twin::start_cluster(&socket, None, members).unwrap();
        let testbed = connect(&twin);
        Self {
            testbed,
            twin,
            folder,
        }
    }

    /// Asks the twin as somebody else would.
    pub(crate) async fn ask(&self, method: &'static str, path: &str, body: Json) -> Json {
        let (socket, path) = (self.twin.socket().to_owned(), path.to_owned());
        let asking =
            tokio::task::spawn_blocking(move || crate::raw::request(&socket, method, &path, &body));
        asking.await.unwrap().1
    }
}

/// A provider of its own, as another run has it.
pub(crate) fn connect(twin: &Twin) -> Testbed {
    let path = twin.socket().display().to_string();
    let incus = Incus::new(settings(&[("INCUS_SOCKET", path.as_str())], short()));
    let provider = incus.provider();
    let block = provider.schema().provider.empty_value();
    Testbed::of(incus, provider.configure(block).unwrap())
}

pub(crate) type Attributes = Vec<(&'static str, Value)>;

fn text(text: &str) -> Value {
    Value::from(text)
}

/// What some tests stand on.
async fn ground(rehearsal: &Rehearsal) {
    for name in ["inner", "other"] {
        let body = json!({ "name": name, "type": "ovn", "config": { "network": "incusbr0", "ipv4.address": "10.9.0.1/24" } });
        rehearsal.ask("POST", "/1.0/networks", body).await;
    }
    let bucket = json!({ "name": "objects" });
    rehearsal
        .ask("POST", "/1.0/storage-pools/default/buckets", bucket)
        .await;
}

#[tokio::test]
async fn the_secrets_of_a_buckets_key_stay_when_it_changes() {
    let rehearsal = Rehearsal::alone();
    ground(&rehearsal).await;
    let mut attributes = vec![
        ("name", text("k")),
        ("pool", text("default")),
        ("storage_bucket", text("objects")),
    ];
    let mut key = rehearsal.testbed.resource("incus_storage_bucket_key");
    key.apply(&attributes).await;
    let secret = key.get("secret_key");
    attributes.push(("description", text("d")));
    key.apply(&attributes).await;
    assert_eq!(key.get("secret_key"), secret);
}

#[tokio::test]
async fn a_volume_holds_its_files() {
    let rehearsal = Rehearsal::alone();
    let file = |content: &str| {
        Value::tuple(vec![Value::object([
            ("content", text(content)),
            ("target_path", text("/data/settings")),
            ("create_directories", Value::from(true)),
        ])])
    };
    let attributes = |content: &str| {
        vec![
            ("name", text("v")),
            ("pool", text("default")),
            ("file", file(content)),
        ]
    };
    let path = "/1.0/storage-pools/default/volumes/custom/v/files?path=/data/settings";
    let mut volume = rehearsal.testbed.resource("incus_storage_volume");
    for content in ["one", "two"] {
        volume.apply(&attributes(content)).await;
        volume.settled(&attributes(content)).await;
        let socket = rehearsal.twin.socket().to_owned();
        let read =
            tokio::task::spawn_blocking(move || crate::raw::exchange(&socket, "GET", path, ""));
        assert!(read.await.unwrap().ends_with(content));
    }
    volume.delete().await;
}

/// Announces something on three members, each with a key of its own, makes it, changes it and takes it back.
async fn in_a_cluster(type_name: &'static str, whole: Attributes, key: &'static str) {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let part_with = |member: &str, value: &str| {
        let mut part = whole.clone();
        part.push(("target", text(member)));
        part.push(("config", texts(&[(key, value)])));
        part
    };
    let part = |member: &str| part_with(member, &format!("of-{member}"));
    let mut parts = Vec::new();
    for member in ["n1", "n2", "n3"] {
        let mut resource = rehearsal.testbed.resource(type_name);
        resource.apply(&part(member)).await;
        resource.settled(&part(member)).await;
        parts.push((member, resource));
    }
    let mut made = rehearsal.testbed.resource(type_name);
    made.apply(&whole).await;
    made.settled(&whole).await;
    // What each member has for itself shows in its part only, whatever the server adds.
    for (member, resource) in &mut parts {
        resource.settled(&part(member)).await;
    }
    let changed = vec![
        ("config", texts(&[("user.a", "b")])),
        ("description", text("of all members")),
    ];
    let changed = [whole.clone(), changed].concat();
    made.apply(&changed).await;
    made.settled(&changed).await;
    for (member, resource) in &mut parts {
        resource.settled(&part(member)).await;
    }
    // A member's own key changes there, and nowhere else.
    let (member, resource) = &mut parts[1];
    let other = part_with(member, "another");
    resource.apply(&other).await;
    resource.settled(&other).await;
    made.settled(&changed).await;
    parts[0].1.settled(&part("n1")).await;
    made.delete().await;
    for (_, mut resource) in parts {
        resource.delete().await;
    }
}

#[tokio::test]
async fn a_pool_of_a_cluster_is_announced_on_each_member_first() {
    let whole = vec![("name", text("fast")), ("driver", text("dir"))];
    in_a_cluster("incus_storage_pool", whole, "source").await;
}

#[tokio::test]
async fn a_network_of_a_cluster_is_announced_on_each_member_first() {
    let whole = vec![("name", text("lan0")), ("type", text("bridge"))];
    in_a_cluster("incus_network", whole, "bridge.external_interfaces").await;
    let whole = vec![("name", text("out")), ("type", text("physical"))];
    in_a_cluster("incus_network", whole, "parent").await;
}

#[tokio::test]
async fn an_announced_pool_that_was_never_made_is_taken_back() {
    let rehearsal = Rehearsal::of(&["n1", "n2"]);
    let mut part = rehearsal.testbed.resource("incus_storage_pool");
    part.apply(&[
        ("name", text("half")),
        ("driver", text("dir")),
        ("target", text("n1")),
    ])
    .await;
    part.delete().await;
    let gone = rehearsal
        .ask("GET", "/1.0/storage-pools/half", Json::Null)
        .await;
    assert_eq!(gone["error_code"], 404);
}

#[tokio::test]
async fn the_keys_of_a_server_that_nobody_wrote_are_left_alone() {
    let rehearsal = Rehearsal::alone();
    rehearsal
        .ask("PATCH", "/1.0", json!({ "config": { "user.other": "x" } }))
        .await;
    let attributes = |days: &str| vec![("config", texts(&[("images.remote_cache_expiry", days)]))];
    let mut server = rehearsal.testbed.resource("incus_server");
    for days in ["5", "6"] {
        server.apply(&attributes(days)).await;
        server.settled(&attributes(days)).await;
    }
    server.delete().await;
    let left = rehearsal.ask("GET", "/1.0", Json::Null).await;
    assert_eq!(left["metadata"]["config"], json!({ "user.other": "x" }));
}

#[tokio::test]
async fn an_imported_image_takes_the_source_that_is_written() {
    let rehearsal = Rehearsal::alone();
    let there = rehearsal
        .ask("GET", "/1.0/images?recursion=1", Json::Null)
        .await;
    let fingerprint = there["metadata"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let alias = there["metadata"][0]["aliases"][0]["name"].as_str().unwrap();
    let mut image = rehearsal.testbed.resource("incus_image");
    let imported = rehearsal
        .testbed
        .provider
        .import("incus_image".into(), fingerprint.clone());
    image.object = Some(imported.await.unwrap());
    let attributes = [
        (
            "source_image",
            Value::object([("remote", text("images")), ("name", text(alias))]),
        ),
        (
            "alias",
            Value::tuple(vec![Value::object([("name", text(alias))])]),
        ),
    ];
    let plan = image.apply(&attributes).await;
    assert!(plan.requires_replace.is_empty());
    image.settled(&attributes).await;
    assert_eq!(image.get("fingerprint"), text(&fingerprint));
    let other = [(
        "source_image",
        Value::object([("remote", text("images")), ("name", text("other"))]),
    )];
    let plan = image.plan(&image.config(&other)).await;
    assert_eq!(plan.requires_replace.len(), 1);
}

#[tokio::test]
async fn an_image_of_files_that_the_server_has_is_taken_over_and_not_sent() {
    let rehearsal = Rehearsal::alone();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, name).unwrap();
        text(&path.display().to_string())
    };
    let files = Value::object([
        ("data_path", file("rootfs")),
        ("metadata_path", file("metadata")),
    ]);
    let attributes = [("source_file", files)];
    let mut image = rehearsal.testbed.resource("incus_image");
    image.apply(&attributes).await;
    // A server refuses to be sent what it has.
    let next = connect(&rehearsal.twin);
    let mut same = next.resource("incus_image");
    same.apply(&attributes).await;
    assert_eq!(same.get("fingerprint"), image.get("fingerprint"));
}

#[tokio::test]
async fn data_sources_tell_what_is_there() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    ground(&rehearsal).await;
    let read = |type_name: &'static str, set: Attributes| {
        let schema = rehearsal.testbed.incus.provider();
        let empty = schema.schema().data_sources[type_name].block.empty_value();
        let mut entries = empty.as_entries().unwrap().clone();
        entries.extend(set);
        let provider = rehearsal.testbed.provider.clone();
        async move {
            provider
                .read_data(type_name.into(), Value::object(entries))
                .await
                .unwrap()
        }
    };
    let cluster = read("incus_cluster", vec![]).await;
    assert_eq!(cluster.get("is_clustered"), Some(&Value::from(true)));
    let member = cluster.get("members").unwrap().get("n2").unwrap();
    assert_eq!(member.get("status").unwrap().as_str(), Some("Online"));
    let image = read("incus_image", vec![("name", text("debian/12"))]).await;
    let fingerprint = image.get("fingerprint").unwrap().clone();
    let same = read("incus_image", vec![("fingerprint", fingerprint.clone())]).await;
    assert_eq!(same.get("fingerprint"), Some(&fingerprint));
    let bucket = read(
        "incus_storage_bucket",
        vec![("name", text("objects")), ("storage_pool", text("default"))],
    )
    .await;
    assert!(
        bucket
            .get("s3_url")
            .unwrap()
            .as_str()
            .unwrap()
            .ends_with("/objects")
    );
    let network = read("incus_network", vec![("name", text("inner"))]).await;
    assert_eq!(network.get("type").unwrap().as_str(), Some("ovn"));
}
