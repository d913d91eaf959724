//! Where a type is tried: a twin that is a cluster, or the real daemon; and what is there for all types.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Value as Json, json};
use strata_core::{Type, Value};
use strata_incus::{Incus, twin::Twin};

use crate::testbed::{self, Testbed, short};

/// A daemon, a provider that knows it under two names, and what tests may stand on.
pub(crate) struct Here {
    pub(crate) testbed: Testbed,
    socket: PathBuf,
    /// Begins all names, so that tests may run side by side.
    id: String,
    /// The twin, if it is one.
    pub(crate) twin: Option<(Twin, tempfile::TempDir)>,
}

impl Here {
    /// A twin of three members.
    pub(crate) async fn twin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let store = folder.path().join("store.json");
        let members = ["n1", "n2", "n3"];
        let twin = Twin::start_cluster(&socket, Some(&store), &members).unwrap();
        let here = Self {
            testbed: provider(&socket),
            socket,
            id: "k".to_owned(),
            twin: Some((twin, folder)),
        };
        here.lay_ground().await;
        here
    }

    /// The real daemon, if there is one.
    pub(super) async fn real() -> Option<Self> {
        let socket = testbed::socket()?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let here = Self {
            testbed: provider(&socket),
            socket,
            id: format!("inc{}", &id[..6]),
            twin: None,
        };
        here.lay_ground().await;
        Some(here)
    }

    /// A provider of its own, as another run has it.
    pub(crate) fn again(&self) -> Testbed {
        provider(&self.socket)
    }

    pub(super) fn is_twin(&self) -> bool {
        self.twin.is_some()
    }

    /// A name of this test's own; at most 15 characters where `what` has no more than 5.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.id)
    }

    /// An image that is there.
    pub(super) fn image(&self) -> &str {
        &self.testbed.image
    }

    /// A file of this machine that is there for the test.
    pub(super) fn file(&self, name: &str, content: &[u8]) -> String {
        let folder = match &self.twin {
            Some((_, folder)) => folder.path().to_owned(),
            None => std::env::temp_dir(),
        };
        let path = folder.join(format!("{}-{name}", self.id));
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Asks as somebody else would.
    pub(crate) async fn ask(
        &self,
        method: &'static str,
        path: impl Into<String>,
        body: Json,
    ) -> Json {
        let (socket, path) = (self.socket.clone(), path.into());
        let asking =
            tokio::task::spawn_blocking(move || crate::raw::request(&socket, method, &path, &body));
        asking.await.unwrap().1
    }

    async fn made(&self, path: &str, body: Json) {
        let answer = self.ask("POST", path, body).await;
        let failed = answer["error"].as_str().filter(|error| !error.is_empty());
        assert_eq!(failed, None, "{path}");
    }

    /// What was laid, in the order in which it can be taken away.
    fn ground(&self) -> Vec<(String, &'static str, Json)> {
        let project = self.name("room");
        let sharing = json!({
            "features.profiles": "false", "features.images": "false", "features.networks": "false",
            "features.storage.volumes": "true", "features.storage.buckets": "true",
        });
        let network = |kind: &str, config: Json| json!({ "type": kind, "config": config });
        let bridge = |at: u8| {
            network(
                "bridge",
                json!({ "ipv4.address": format!("10.93.{at}.1/24"), "ipv6.address": "none" }),
            )
        };
        let ovn = |at: u8| {
            network(
                "ovn",
                json!({ "network": "incusbr0", "ipv4.address": format!("10.9.{at}.1/24") }),
            )
        };
        let empty = || json!({ "source": { "type": "none" } });
        let mut ground = vec![
            (
                self.name("room"),
                "/1.0/projects",
                json!({ "config": sharing }),
            ),
            (self.name("one"), "/1.0/instances", empty()),
            (self.name("two"), "/1.0/instances", empty()),
            (self.name("base"), "/1.0/profiles", json!({})),
            (
                format!("{}.example", self.name("zone")),
                "/1.0/network-zones",
                json!({}),
            ),
            (
                self.name("vol"),
                "/1.0/storage-pools/default/volumes/custom",
                json!({}),
            ),
            (
                self.name("pool"),
                "/1.0/storage-pools",
                json!({ "driver": "dir" }),
            ),
        ];
        match self.is_twin() {
            false => {
                ground.push((self.name("br1"), "/1.0/networks", bridge(241)));
                ground.push((self.name("br2"), "/1.0/networks", bridge(242)));
            }
            true => {
                let buckets = "/1.0/storage-pools/default/buckets";
                ground.push((self.name("objects"), buckets, json!({})));
                ground.push((self.name("things"), buckets, json!({})));
                ground.push((self.name("br1"), "/1.0/networks", ovn(1)));
                ground.push((self.name("br2"), "/1.0/networks", ovn(2)));
                ground.push((self.name("br3"), "/1.0/networks", ovn(3)));
                ground.push((
                    self.name("link"),
                    "/1.0/network-integrations",
                    json!({ "type": "ovn" }),
                ));
            }
        }
        // The instance that is there in the other project, too.
        ground.push((
            self.name("one"),
            "/1.0/instances",
            json!({ "project": project, "source": { "type": "none" } }),
        ));
        ground
    }

    async fn lay_ground(&self) {
        for (name, collection, mut body) in self.ground() {
            let project = body["project"].as_str().map(str::to_owned);
            body["name"] = json!(name);
            if self.is_twin() && collection == "/1.0/storage-pools" {
                for member in ["n1", "n2", "n3"] {
                    self.made(&format!("{collection}?target={member}"), body.clone())
                        .await;
                }
            }
            let query = project.map_or(String::new(), |project| format!("?project={project}"));
            self.made(&format!("{collection}{query}"), body).await;
        }
    }

    /// Takes away what was there for all types.
    pub(super) async fn leave(&self) {
        for (name, collection, body) in self.ground().into_iter().rev() {
            let project = body["project"].as_str().unwrap_or("default");
            let path = format!("{collection}/{name}?project={project}");
            let answer = self.ask("DELETE", path, Json::Null).await;
            let failed = answer["error"].as_str().filter(|error| !error.is_empty());
            assert_eq!(failed, None, "{collection}/{name}");
        }
    }

    /// Takes away all of ours after a failure, as far as that goes.
    pub(super) async fn sweep(&self) {
        let room = self.name("room");
        for _ in 0..2 {
            for path in self.listing().await {
                let force = json!({ "action": "stop", "force": true });
                for project in ["default", room.as_str()] {
                    if path.starts_with("instances/") {
                        self.ask(
                            "PUT",
                            format!("/1.0/{path}/state?project={project}"),
                            force.clone(),
                        )
                        .await;
                    }
                    self.ask(
                        "DELETE",
                        format!("/1.0/{path}?project={project}"),
                        Json::Null,
                    )
                    .await;
                }
            }
        }
    }

    /// Everything that is there, or on the real daemon everything of ours.
    pub(crate) async fn listing(&self) -> BTreeSet<String> {
        if let Some((_, folder)) = &self.twin {
            let text = std::fs::read(folder.path().join("store.json")).unwrap();
            let store: Json = serde_json::from_slice(&text).unwrap();
            let kinds = store["objects"].as_object().unwrap().iter();
            let objects = kinds.flat_map(|(kind, objects)| {
                let objects = objects.as_object().unwrap().iter();
                objects.map(move |(name, object)| format!("{kind} {name} {object}"))
            });
            return objects.collect();
        }
        let collections = [
            "instances",
            "profiles",
            "networks",
            "projects",
            "storage-pools",
            "network-acls",
            "network-zones",
            "certificates",
            "storage-pools/default/volumes",
            "images",
        ];
        let mut found = BTreeSet::new();
        for collection in collections {
            let path = format!("/1.0/{collection}?recursion=1&all-projects=true");
            let all = self.ask("GET", path, Json::Null).await;
            let all = all["metadata"].as_array().cloned().unwrap_or_default();
            found.extend(all.into_iter().filter_map(|one| {
                let name = one["name"]
                    .as_str()
                    .or(one["aliases"][0]["name"].as_str())?;
                let id = one["fingerprint"].as_str().unwrap_or(name);
                let collection = collection.replace("/volumes", "/volumes/custom");
                name.starts_with(&self.id)
                    .then(|| format!("{collection}/{id}"))
            }));
        }
        found
    }
}

/// A provider that knows the daemon as `here`, which is meant where no remote is named, and as `other`.
fn provider(socket: &std::path::Path) -> Testbed {
    let incus = Incus::new(testbed::settings(
        &[("INCUS_CONF", "/nonexistent")],
        short(),
    ));
    let provider = incus.provider();
    let block = &provider.schema().provider;
    let mut entries = block.empty_value().as_entries().unwrap().clone();
    let address = format!("unix://{}", socket.display());
    let remote = &block.blocks["remote"].block;
    let remotes = ["here", "other"].map(|name| {
        let mut entries = remote.empty_value().as_entries().unwrap().clone();
        entries.insert("name".into(), Value::from(name));
        entries.insert("address".into(), Value::from(address.as_str()));
        Value::object(entries)
    });
    let ty = Type::list(remote.implied_type());
    let remotes = Value::tuple(remotes.into()).convert(&ty).unwrap();
    entries.insert("remote".into(), remotes);
    entries.insert("default_remote".into(), Value::from("here"));
    let configured = provider.configure(Value::object(entries)).unwrap();
    Testbed::of(incus, configured)
}
