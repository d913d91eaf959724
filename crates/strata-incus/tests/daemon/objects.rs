//! Every plain type on the twin, a cluster of three: made, read back, changed, replaced, imported, drifted, removed.

use serde_json::{Value as Json, json};
use strata_core::{Type, Value, provider::PlanResponse};
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

type Attributes = Vec<(&'static str, Value)>;

/// One type: how it is made, how it is changed, what of it replaces it, its id, where it is.
struct Case {
    type_name: &'static str,
    before: Attributes,
    after: Attributes,
    replaces: Option<(&'static str, Value)>,
    id: Option<&'static str>,
    path: &'static str,
    drift: Json,
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(items: &[&str]) -> Value {
    Value::list(Type::String, items.iter().map(|item| text(item)).collect())
}

fn row(cells: &[(&'static str, &str)]) -> Value {
    Value::object(cells.iter().map(|(name, cell)| (*name, text(cell))))
}

fn cases() -> Vec<Case> {
    let backend = |address| Value::tuple(vec![row(&[("name", "a"), ("target_address", address)])]);
    let port = Value::object([
        ("listen_port", text("80")),
        ("target_backend", list(&["a"])),
    ]);
    vec![
        Case {
            type_name: "incus_network_address_set",
            before: vec![
                ("name", text("set")),
                ("addresses", list(&["10.0.0.2", "10.0.0.1"])),
            ],
            after: vec![
                ("name", text("renamed")),
                ("addresses", list(&["10.0.0.3"])),
                ("description", text("d")),
            ],
            replaces: None,
            id: Some("renamed"),
            path: "/1.0/network-address-sets/renamed",
            drift: json!({ "addresses": ["10.0.0.9"] }),
        },
        Case {
            type_name: "incus_network_integration",
            before: vec![("name", text("link")), ("type", text("ovn"))],
            after: vec![
                ("name", text("link")),
                ("type", text("ovn")),
                ("config", texts(&[("user.a", "b")])),
            ],
            replaces: Some(("name", text("other"))),
            id: Some("link"),
            path: "/1.0/network-integrations/link",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_network_load_balancer",
            before: vec![
                ("network", text("inner")),
                ("listen_address", text("192.0.2.1")),
                ("backend", backend("10.9.0.2")),
                ("port", Value::tuple(vec![port.clone()])),
            ],
            after: vec![
                ("network", text("inner")),
                ("listen_address", text("192.0.2.1")),
                ("backend", backend("10.9.0.3")),
                ("port", Value::tuple(vec![port])),
                ("description", text("d")),
            ],
            replaces: Some(("listen_address", text("192.0.2.2"))),
            id: Some("inner/192.0.2.1"),
            path: "/1.0/networks/inner/load-balancers/192.0.2.1",
            drift: json!({ "backends": [{ "name": "a", "target_address": "10.9.0.9" }] }),
        },
        Case {
            type_name: "incus_network_peer",
            before: vec![
                ("name", text("p")),
                ("network", text("inner")),
                ("target_network", text("other")),
            ],
            after: vec![
                ("name", text("p")),
                ("network", text("inner")),
                ("target_network", text("other")),
                ("description", text("d")),
            ],
            replaces: Some(("target_network", text("inner"))),
            id: Some("inner/p"),
            path: "/1.0/networks/inner/peers/p",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_storage_bucket",
            before: vec![
                ("name", text("b")),
                ("pool", text("default")),
                ("target", text("n2")),
            ],
            after: vec![
                ("name", text("b")),
                ("pool", text("default")),
                ("target", text("n2")),
                ("config", texts(&[("size", "1GiB")])),
            ],
            replaces: Some(("target", text("n3"))),
            id: None,
            path: "/1.0/storage-pools/default/buckets/b",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_storage_bucket_key",
            before: vec![
                ("name", text("k")),
                ("pool", text("default")),
                ("storage_bucket", text("objects")),
            ],
            after: vec![
                ("name", text("k")),
                ("pool", text("default")),
                ("storage_bucket", text("objects")),
                ("description", text("d")),
            ],
            replaces: Some(("role", text("admin"))),
            id: Some("default/objects/k"),
            path: "/1.0/storage-pools/default/buckets/objects/keys/k",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_cluster_group",
            before: vec![("name", text("g"))],
            after: vec![("name", text("g")), ("description", text("d"))],
            replaces: Some(("name", text("h"))),
            id: Some("g"),
            path: "/1.0/cluster/groups/g",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_network",
            before: vec![
                ("name", text("up")),
                ("type", text("ovn")),
                ("config", texts(&[("network", "incusbr0")])),
            ],
            after: vec![
                ("name", text("up")),
                ("type", text("ovn")),
                (
                    "config",
                    texts(&[("network", "incusbr0"), ("ipv4.nat", "true")]),
                ),
            ],
            replaces: Some(("type", text("physical"))),
            id: None,
            path: "/1.0/networks/up",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_network_acl",
            before: vec![("name", text("acl"))],
            after: vec![
                ("name", text("acl")),
                (
                    "ingress",
                    Value::tuple(vec![row(&[("action", "allow"), ("state", "enabled")])]),
                ),
            ],
            replaces: Some(("name", text("other"))),
            id: Some("acl"),
            path: "/1.0/network-acls/acl",
            drift: json!({ "ingress": [] , "description": "changed" }),
        },
        Case {
            type_name: "incus_network_forward",
            before: vec![
                ("network", text("inner")),
                ("listen_address", text("192.0.2.9")),
            ],
            after: vec![
                ("network", text("inner")),
                ("listen_address", text("192.0.2.9")),
                ("description", text("d")),
            ],
            replaces: Some(("listen_address", text("192.0.2.8"))),
            id: Some("inner/192.0.2.9"),
            path: "/1.0/networks/inner/forwards/192.0.2.9",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_network_zone",
            before: vec![("name", text("lab.example"))],
            after: vec![
                ("name", text("lab.example")),
                ("config", texts(&[("dns.nameservers", "ns1.example")])),
            ],
            replaces: Some(("name", text("other.example"))),
            id: Some("lab.example"),
            path: "/1.0/network-zones/lab.example",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_project",
            before: vec![("name", text("room"))],
            after: vec![
                ("name", text("room")),
                ("config", texts(&[("limits.instances", "3")])),
            ],
            replaces: Some(("name", text("other"))),
            id: Some("room"),
            path: "/1.0/projects/room",
            drift: json!({ "description": "changed" }),
        },
        Case {
            type_name: "incus_profile",
            before: vec![("name", text("p"))],
            after: vec![
                ("name", text("p")),
                ("config", texts(&[("limits.cpu", "3")])),
            ],
            replaces: Some(("name", text("other"))),
            id: Some("p"),
            path: "/1.0/profiles/p",
            drift: json!({ "config": { "limits.cpu": "9" } }),
        },
    ]
}

/// What the cases stand on.
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
async fn every_type_is_made_changed_replaced_imported_drifts_and_goes() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    ground(&rehearsal).await;
    for case in cases() {
        println!("{}", case.type_name);
        let mut resource = rehearsal.testbed.resource(case.type_name);
        resource.apply(&case.before).await;
        resource.settled(&case.before).await;
        let plan = resource.apply(&case.after).await;
        assert!(plan.requires_replace.is_empty());
        resource.settled(&case.after).await;

        if let Some(replacing) = case.replaces {
            let mut other = case.after.clone();
            other.retain(|(name, _)| *name != replacing.0);
            other.push(replacing.clone());
            let plan = resource.plan(&resource.config(&other)).await;
            assert_eq!(replaced(&plan), [replacing.0]);
        }
        if let Some(id) = case.id {
            let imported = rehearsal
                .testbed
                .provider
                .import(case.type_name.into(), id.to_owned())
                .await;
            let object = resource.object.clone();
            resource.object = Some(imported.unwrap());
            resource.settled(&case.after).await;
            resource.object = object;
        }
        rehearsal.ask("PATCH", case.path, case.drift).await;
        assert!(resource.refresh().await);
        let plan = resource.plan(&resource.config(&case.after)).await;
        assert_ne!(
            plan.planned,
            resource.object.as_ref().unwrap().value,
            "the drift shows"
        );
        resource.apply(&case.after).await;
        resource.settled(&case.after).await;
        resource.delete().await;
        resource.delete().await;
        let gone = rehearsal.ask("GET", case.path, Json::Null).await;
        assert_eq!(gone["error_code"], 404);
    }
}

fn replaced(plan: &PlanResponse) -> Vec<String> {
    let paths = plan.requires_replace.iter();
    paths.map(ToString::to_string).collect()
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

#[tokio::test]
async fn a_pool_of_a_cluster_is_announced_on_each_member_first() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let part = |member: &'static str| {
        vec![
            ("name", text("fast")),
            ("driver", text("dir")),
            ("target", text(member)),
        ]
    };
    let mut parts = Vec::new();
    for member in ["n1", "n2", "n3"] {
        let mut resource = rehearsal.testbed.resource("incus_storage_pool");
        resource.apply(&part(member)).await;
        resource.settled(&part(member)).await;
        parts.push(resource);
    }
    let whole = vec![("name", text("fast")), ("driver", text("dir"))];
    let mut pool = rehearsal.testbed.resource("incus_storage_pool");
    pool.apply(&whole).await;
    pool.settled(&whole).await;
    pool.delete().await;
    for mut part in parts {
        part.delete().await;
    }
    let pools = rehearsal.ask("GET", "/1.0/storage-pools", Json::Null).await;
    assert_eq!(pools["metadata"], json!(["/1.0/storage-pools/default"]));
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
async fn a_name_that_is_taken_is_told_while_planning_with_the_import_block() {
    let rehearsal = Rehearsal::alone();
    rehearsal
        .ask("POST", "/1.0/profiles", json!({ "name": "base" }))
        .await;
    let profile = rehearsal.testbed.resource("incus_profile");
    let config = profile.config(&[("name", text("base"))]);
    let diags = profile.try_plan(&config).await.unwrap_err();
    let told: Vec<_> = diags.iter().collect();
    assert_eq!(told[0].summary, "profile `base` is there already");
    assert!(told[0].hints[0].contains("import { to = incus_profile.NAME, id = \"base\" }"));
}

#[tokio::test]
async fn what_is_not_there_too_much_or_elsewhere_is_told_while_planning() {
    let rehearsal = Rehearsal::alone();
    let project = json!({ "name": "small", "config": { "limits.instances": "0", "features.networks": "false", "features.profiles": "false" } });
    rehearsal.ask("POST", "/1.0/projects", project).await;
    let nic = |address: &str| {
        Value::tuple(vec![Value::object([
            ("name", text("eth0")),
            ("type", text("nic")),
            (
                "properties",
                texts(&[("network", "incusbr0"), ("ipv4.address", address)]),
            ),
        ])])
    };
    let base = |more: Attributes| {
        [
            vec![("name", text("web")), ("image", text("debian/12"))],
            more,
        ]
        .concat()
    };
    let big = vec![
        ("name", text("v")),
        ("pool", text("default")),
        ("config", texts(&[("size", "900TiB")])),
    ];
    let cases = [
        (
            "incus_instance",
            base(vec![("device", nic("192.0.2.7"))]),
            "address `192.0.2.7` of device `eth0` is not in network `incusbr0`",
        ),
        (
            "incus_instance",
            base(vec![("profiles", list(&["nope"]))]),
            "there is no profile `nope`",
        ),
        (
            "incus_instance",
            base(vec![("project", text("small"))]),
            "instance `web` goes beyond the limits of project `small`",
        ),
        (
            "incus_storage_volume",
            big,
            "storage volume `v` is larger than its pool `default`",
        ),
        (
            "incus_storage_volume",
            vec![("name", text("v")), ("pool", text("nope"))],
            "there is no storage pool `nope`",
        ),
    ];
    for (type_name, attributes, summary) in cases {
        let resource = rehearsal.testbed.resource(type_name);
        let config = resource.config(&attributes);
        let told = match resource.try_plan(&config).await {
            Ok(plan) => plan.warnings,
            Err(errors) => errors,
        };
        let told: Vec<_> = told.iter().map(|told| told.summary.as_str()).collect();
        assert!(told.contains(&summary), "{told:?}");
    }
}

#[tokio::test]
async fn data_sources_tell_what_is_there() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    ground(&rehearsal).await;
    let read = |type_name: &'static str, set: Attributes| {
        let schema = rehearsal.testbed.incus.provider();
        let empty = schema.schema().data_sources[type_name].block.empty_value();
        let mut entries = empty.as_entries().unwrap().clone();
        entries.extend(set.into_iter().map(|(name, value)| (name.into(), value)));
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
