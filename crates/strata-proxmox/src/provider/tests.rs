//! Lives of objects against the twin: made, read, changed, imported, drifted, deleted.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{
        ApplyRequest, ConfiguredProvider, EffectKind, Object, PlanRequest, PlanResponse, Progress,
        Provider, ReadRequest,
    },
    schema::{Attribute, Block, NestedBlock, Nesting},
};

use super::value::{from_json, to_json};
use crate::{
    Proxmox, Settings,
    twin::{Fault, FaultKind, Options, Twin},
};

struct World {
    twin: Twin,
    provider: Arc<dyn Provider>,
    configured: Arc<dyn ConfiguredProvider>,
    _folder: tempfile::TempDir,
}

fn options() -> Options {
    Options {
        nodes: vec!["pve".to_owned(), "pve2".to_owned()],
        lenient: false,
        ..Options::rehearsal()
    }
}

async fn world(options: Options) -> World {
    let folder = tempfile::tempdir().unwrap();
    let twin = Twin::on_loopback(options).await.unwrap();
    let provider = Proxmox::new(Settings::default()).provider();
    let block = provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": twin.endpoint(), "fingerprint": twin.fingerprint(), "api_token": "root@pam!twin=twin",
        }),
    );
    let configured = provider.configure(config).unwrap();
    World {
        twin,
        provider,
        configured,
        _folder: folder,
    }
}

fn config_of(block: &Block, given: &Json) -> Value {
    let mut whole = to_json(&block.empty_value());
    for (name, value) in given.as_object().unwrap() {
        whole[name] = value.clone();
    }
    from_json(&whole, &block.implied_type())
}

/// What the engine proposes: the configuration, and what is computed from before or unknown.
fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let attributes = block.attributes.iter().map(|(name, attribute)| {
        (
            name.clone(),
            propose_one(
                attribute,
                prior.and_then(|prior| prior.get(name)),
                config.get(name),
            ),
        )
    });
    let blocks = block.blocks.iter().map(|(name, nested)| {
        (
            name.clone(),
            propose_block(
                nested,
                prior.and_then(|prior| prior.get(name)),
                config.get(name).unwrap(),
            ),
        )
    });
    Value::object(attributes.chain(blocks))
}

fn propose_one(attribute: &Attribute, prior: Option<&Value>, config: Option<&Value>) -> Value {
    match config.filter(|config| !config.is_null()) {
        Some(config) => config.clone(),
        None if attribute.presence.is_computed() => prior
            .cloned()
            .unwrap_or_else(|| Value::unknown(attribute.ty.clone())),
        None => Value::Null(attribute.ty.clone()),
    }
}

fn propose_block(nested: &NestedBlock, prior: Option<&Value>, config: &Value) -> Value {
    match (nested.nesting, config) {
        (Nesting::List, Value::List(ty, items)) => {
            let before = prior.and_then(Value::as_sequence).unwrap_or_default();
            let items = items
                .iter()
                .enumerate()
                .map(|(at, item)| propose(&nested.block, before.get(at), item));
            Value::list(ty.clone(), items.collect())
        }
        (Nesting::Set, Value::Set(ty, items)) => Value::set(
            ty.clone(),
            items
                .iter()
                .map(|item| propose(&nested.block, None, item))
                .collect::<Vec<_>>(),
        ),
        _ => config.clone(),
    }
}

impl World {
    async fn plan(
        &self,
        name: &str,
        prior: Option<&Object>,
        config: &Json,
    ) -> Result<PlanResponse, Diagnostics> {
        let block = &self.provider.schema().resources[name].block;
        let config = config_of(block, config);
        let request = PlanRequest {
            type_name: name.into(),
            prior: prior.cloned(),
            proposed: propose(block, prior.map(|prior| &prior.value), &config),
            config,
        };
        self.configured.plan(request).await
    }

    async fn apply(
        &self,
        name: &str,
        prior: Option<&Object>,
        config: &Json,
    ) -> Result<Object, String> {
        let block = &self.provider.schema().resources[name].block;
        let plan = self
            .plan(name, prior, config)
            .await
            .map_err(|diags| shown(&diags))?;
        let response = self
            .configured
            .apply(ApplyRequest {
                type_name: name.into(),
                prior: prior.cloned(),
                planned: Some(plan.planned),
                config: Some(config_of(block, config)),
                private: plan.private,
                marker: format!("m-{}", uuid::Uuid::new_v4()),
                progress: Progress::ignored(),
            })
            .await;
        match response.diagnostics.is_empty() {
            true => {
                let object = response.object.unwrap();
                assert!(
                    object.value.is_wholly_known(),
                    "unknown after apply: {:?}",
                    object.value
                );
                Ok(object)
            }
            false => Err(shown(&response.diagnostics)),
        }
    }

    async fn read(&self, name: &str, object: &Object) -> Option<Object> {
        let request = ReadRequest {
            type_name: name.into(),
            object: object.clone(),
        };
        self.configured
            .read(request)
            .await
            .map_err(|diags| shown(&diags))
            .unwrap()
    }

    async fn delete(&self, name: &str, object: &Object) -> Result<(), String> {
        let response = self
            .configured
            .apply(ApplyRequest {
                type_name: name.into(),
                prior: Some(object.clone()),
                planned: None,
                config: None,
                private: Vec::new(),
                marker: String::new(),
                progress: Progress::ignored(),
            })
            .await;
        match response.diagnostics.is_empty() {
            true => Ok(()),
            false => Err(shown(&response.diagnostics)),
        }
    }

    /// Makes, reads, plans again (nothing), changes, plans again (nothing), deletes.
    async fn life(&self, name: &str, first: Json, second: Json) -> Object {
        let made = self
            .apply(name, None, &first)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = self
            .read(name, &made)
            .await
            .unwrap_or_else(|| panic!("{name} is gone"));
        self.nothing(name, &read, &first).await;
        let changed = self
            .apply(name, Some(&read), &second)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = self.read(name, &changed).await.unwrap();
        self.nothing(name, &read, &second).await;
        self.delete(name, &read)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        read
    }

    async fn nothing(&self, name: &str, object: &Object, config: &Json) {
        let plan = self
            .plan(name, Some(object), config)
            .await
            .map_err(|diags| shown(&diags))
            .unwrap();
        let (before, after) = (to_json(&object.value), to_json(&plan.planned));
        for (key, value) in before.as_object().unwrap() {
            assert_eq!(
                &after[key], value,
                "{name}.{key}: a second plan is not empty"
            );
        }
    }
}

fn shown(diags: &Diagnostics) -> String {
    format!("{diags:?}")
}

const VM: &str = "proxmox_virtual_environment_vm";

fn machine() -> Json {
    json!({
        "name": "web", "node_name": "pve", "tags": ["b", "a"], "description": "first",
        "cpu": [{ "cores": 2, "type": "x86-64-v2-AES" }],
        "memory": [{ "dedicated": 1024 }],
        "agent": [{ "enabled": true }],
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 8, "discard": "on", "ssd": true }],
        "network_device": [{ "bridge": "vmbr0" }],
        "operating_system": [{ "type": "l26" }],
        "initialization": [{
            "datastore_id": "local",
            "ip_config": [{ "ipv4": [{ "address": "10.0.0.5/24", "gateway": "10.0.0.1" }] }],
            "user_account": [{ "username": "debian", "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"] }],
        }],
    })
}

#[tokio::test]
async fn a_machine_is_made_read_changed_and_removed() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let json = to_json(&made.value);
    assert_eq!(json["vm_id"], 100);
    assert_eq!(json["ipv4_addresses"], json!([["127.0.0.1"], ["10.0.0.5"]]));
    assert_eq!(
        json["network_device"][0]["mac_address"]
            .as_str()
            .map(str::len),
        Some(17)
    );
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &machine()).await;

    let mut changed = machine();
    changed["memory"][0]["dedicated"] = json!(2048);
    changed["disk"][0]["size"] = json!(20);
    changed["description"] = json!("second");
    let plan = world.plan(VM, Some(&read), &changed).await.unwrap();
    assert!(plan.requires_replace.is_empty());
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.kind == EffectKind::Restart && effect.reason.contains("memory"))
    );
    let object = world.apply(VM, Some(&read), &changed).await.unwrap();
    let read = world.read(VM, &object).await.unwrap();
    assert_eq!(to_json(&read.value)["disk"][0]["size"], 20);
    world.nothing(VM, &read, &changed).await;

    changed["disk"][0]["size"] = json!(10);
    let refused = world.plan(VM, Some(&read), &changed).await.unwrap_err();
    assert!(shown(&refused).contains("cannot be made smaller"));
    world.delete(VM, &read).await.unwrap();
    assert!(world.read(VM, &read).await.is_none());
}

#[tokio::test]
async fn a_change_of_description_alone_touches_nothing_else() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let mut changed = machine();
    changed["description"] = json!("other");
    let plan = world.plan(VM, Some(&made), &changed).await.unwrap();
    assert!(plan.effects.is_empty(), "{:?}", plan.effects);
}

#[tokio::test]
async fn an_imported_machine_needs_no_change() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let id = to_json(&made.value)["vm_id"].to_string();
    let imported = world
        .configured
        .import(VM.into(), format!("pve/{id}"))
        .await;
    let imported = imported.map_err(|diags| shown(&diags)).unwrap();
    world.nothing(VM, &imported, &machine()).await;
    let missing = world
        .configured
        .import(VM.into(), "pve/4711".to_owned())
        .await
        .unwrap_err();
    assert!(shown(&missing).contains("Cannot import non-existent remote object"));
}

#[tokio::test]
async fn a_clone_gets_its_own_settings_and_disks_grow() {
    let world = world(options()).await;
    let mut template = machine();
    template["template"] = json!(true);
    template["started"] = json!(false);
    template["vm_id"] = json!(900);
    world.apply(VM, None, &template).await.unwrap();
    let mut clone = machine();
    clone["name"] = json!("clone");
    clone["clone"] = json!([{ "vm_id": 900, "full": true }]);
    clone["disk"][0]["size"] = json!(12);
    let made = world.apply(VM, None, &clone).await.unwrap();
    assert_eq!(
        to_json(&made.value)["disk"][0]["path_in_datastore"],
        "100/vm-100-disk-0.raw"
    );
    let read = world.read(VM, &made).await.unwrap();
    assert_eq!(to_json(&read.value)["disk"][0]["size"], 12);
    world.nothing(VM, &read, &clone).await;
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_touched() {
    let world = world(options()).await;
    let mut taken = machine();
    taken["vm_id"] = json!(200);
    world.apply(VM, None, &taken).await.unwrap();
    let mut other = taken.clone();
    other["name"] = json!("other");
    let refused = async |mut config: Json, change: fn(&mut Json)| {
        change(&mut config);
        let plan = world.plan(VM, None, &config).await;
        plan.map(drop).map_err(|diags| shown(&diags)).unwrap_err()
    };
    assert!(
        refused(other.clone(), |_| {})
            .await
            .contains("The id 200 is")
    );
    assert!(
        refused(machine(), |config| config["node_name"] = json!("nope"))
            .await
            .contains("no node `nope`")
    );
    assert!(
        refused(machine(), |config| config["disk"][0]["datastore_id"] =
            json!("gone"))
        .await
        .contains("no storage `gone`")
    );
    assert!(
        refused(machine(), |config| config["memory"][0]["dedicated"] =
            json!(9_000_000))
        .await
        .contains("not enough memory")
    );
    assert!(
        refused(machine(), |config| config["clone"] =
            json!([{ "vm_id": 999 }]))
        .await
        .contains("no guest 999")
    );
}

#[tokio::test]
async fn a_machine_that_moved_is_found_and_not_made_anew() {
    let world = world(options()).await;
    let mut config = machine();
    config["migrate"] = json!(true);
    let made = world.apply(VM, None, &config).await.unwrap();
    config["node_name"] = json!("pve2");
    let moved = world.apply(VM, Some(&made), &config).await.unwrap();
    // State of another run that does not know of the move.
    let read = world.read(VM, &made).await.unwrap();
    assert_eq!(
        to_json(&read.value)["vm_id"],
        to_json(&moved.value)["vm_id"]
    );
    let mut as_before = machine();
    as_before["migrate"] = json!(true);
    world.nothing(VM, &read, &as_before).await;
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_told_apart() {
    let mut options = options();
    options.guests_answer = false;
    let world = world(options).await;
    let mut config = machine();
    config["agent"][0]["timeout"] = json!("1s");
    let error = world.apply(VM, None, &config).await.unwrap_err();
    assert!(error.contains("did not answer within 1 s"), "{error}");
}

#[tokio::test]
async fn a_killed_task_and_a_busy_proxy_are_lived_through_or_told() {
    let world = world(options()).await;
    world.twin.fault(Fault {
        verb: "GET",
        path: "/tasks/",
        kind: FaultKind::Refused(596, "timeout"),
        after: 0,
        times: 2,
    });
    let made = world.apply(VM, None, &machine()).await.unwrap();
    world.twin.fault(Fault {
        verb: "",
        path: "qmdestroy",
        kind: FaultKind::TaskKilled,
        after: 0,
        times: 1,
    });
    let error = world.delete(VM, &made).await.unwrap_err();
    assert!(error.contains("unexpected status"), "{error}");
    world.delete(VM, &made).await.unwrap();
}

#[tokio::test]
async fn two_hundred_clones_are_made_four_at_a_time() {
    let mut options = options();
    options.task_time = Duration::from_millis(20);
    let world = world(options).await;
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4 }],
    });
    world.apply(VM, None, &template).await.unwrap();
    let configs: Vec<Json> = (0..200)
        .map(|at| json!({ "name": format!("c{at}"), "node_name": "pve", "started": false, "clone": [{ "vm_id": 900 }] }))
        .collect();
    let all = configs.iter().map(|config| world.apply(VM, None, config));
    let made = futures_util::future::join_all(all).await;
    let mut ids: Vec<i64> = made
        .iter()
        .map(|object| {
            to_json(&object.as_ref().unwrap().value)["vm_id"]
                .as_i64()
                .unwrap()
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert!(
        world.twin.most_at_once("qmclone") <= 4,
        "{}",
        world.twin.most_at_once("qmclone")
    );

    // Refresh and plan: lists, not a call for each.
    let before = world.twin.calls();
    for (config, object) in configs.iter().zip(&made) {
        let read = world.read(VM, object.as_ref().unwrap()).await.unwrap();
        world.nothing(VM, &read, config).await;
    }
    assert!(
        world.twin.calls() - before <= 6,
        "{} calls",
        world.twin.calls() - before
    );
}

const CT: &str = "proxmox_virtual_environment_container";

#[tokio::test]
async fn a_container_is_made_read_changed_and_removed() {
    let mut options = options();
    options.lenient = true;
    let world = world(options).await;
    let first = json!({
        "node_name": "pve", "unprivileged": true, "tags": ["x"],
        "cpu": [{ "cores": 1 }], "memory": [{ "dedicated": 256, "swap": 0 }],
        "disk": [{ "datastore_id": "local", "size": 4 }],
        "features": [{ "nesting": true }],
        "initialization": [{ "hostname": "ct", "ip_config": [{ "ipv4": [{ "address": "10.0.0.9/24", "gateway": "10.0.0.1" }] }] }],
        "network_interface": [{ "name": "eth0" }],
        "operating_system": [{ "template_file_id": "local:vztmpl/debian-13.tar.zst", "type": "debian" }],
    });
    let mut second = first.clone();
    second["memory"][0]["dedicated"] = json!(512);
    second["disk"][0]["size"] = json!(6);
    let object = world.life(CT, first, second).await;
    assert_eq!(to_json(&object.value)["ipv4"]["eth0"], "10.0.0.9");
}

#[tokio::test]
async fn plain_objects_have_a_whole_life() {
    let world = world(options()).await;
    let lives = [
        (
            "role",
            json!({ "role_id": "R", "privileges": ["VM.Audit"] }),
            json!({ "role_id": "R", "privileges": ["VM.Audit", "VM.Console"] }),
        ),
        (
            "pool",
            json!({ "pool_id": "p", "comment": "a" }),
            json!({ "pool_id": "p", "comment": "b" }),
        ),
        (
            "group",
            json!({ "group_id": "g", "comment": "a" }),
            json!({ "group_id": "g", "comment": "b" }),
        ),
        (
            "user",
            json!({ "user_id": "u@pve", "comment": "a", "password": "12345678" }),
            json!({ "user_id": "u@pve", "comment": "b", "password": "12345678" }),
        ),
        (
            "storage_directory",
            json!({ "id": "dir", "path": "/srv", "content": ["iso"] }),
            json!({ "id": "dir", "path": "/srv", "content": ["iso", "images"] }),
        ),
        (
            "storage_nfs",
            json!({ "id": "nfs", "server": "10.0.0.1", "export": "/x", "content": ["iso"] }),
            json!({ "id": "nfs", "server": "10.0.0.1", "export": "/x", "content": ["backup"] }),
        ),
        (
            "network_linux_bridge",
            json!({ "node_name": "pve", "name": "vmbr9", "comment": "a" }),
            json!({ "node_name": "pve", "name": "vmbr9", "comment": "b", "vlan_aware": true }),
        ),
        (
            "network_linux_vlan",
            json!({ "node_name": "pve", "name": "eth0.9", "comment": "a" }),
            json!({ "node_name": "pve", "name": "eth0.9", "comment": "b" }),
        ),
        (
            "dns",
            json!({ "node_name": "pve", "domain": "lan", "servers": ["1.1.1.1"] }),
            json!({ "node_name": "pve", "domain": "lan", "servers": ["1.1.1.1", "9.9.9.9"] }),
        ),
        (
            "time",
            json!({ "node_name": "pve", "time_zone": "UTC" }),
            json!({ "node_name": "pve", "time_zone": "Europe/Vienna" }),
        ),
        (
            "hosts",
            json!({ "node_name": "pve", "entry": [{ "address": "127.0.0.1", "hostnames": ["localhost"] }] }),
            json!({ "node_name": "pve", "entry": [{ "address": "10.0.0.1", "hostnames": ["a", "b"] }] }),
        ),
        (
            "firewall_alias",
            json!({ "name": "al", "cidr": "10.0.0.0/8", "comment": "a" }),
            json!({ "name": "al", "cidr": "10.1.0.0/16", "comment": "b" }),
        ),
        (
            "firewall_ipset",
            json!({ "name": "set", "cidr": [{ "name": "10.0.0.1" }] }),
            json!({ "name": "set", "cidr": [{ "name": "10.0.0.2" }] }),
        ),
        (
            "firewall_rules",
            json!({ "rule": [{ "type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22" }] }),
            json!({ "rule": [{ "type": "in", "action": "DROP" }, { "type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22" }] }),
        ),
        (
            "cluster_firewall_security_group",
            json!({ "name": "sg", "rule": [{ "type": "in", "action": "ACCEPT" }] }),
            json!({ "name": "sg", "comment": "c", "rule": [{ "type": "in", "action": "DROP" }] }),
        ),
        (
            "cluster_firewall",
            json!({ "enabled": false }),
            json!({ "enabled": true }),
        ),
        (
            "sdn_zone_simple",
            json!({ "id": "z1" }),
            json!({ "id": "z1", "mtu": 1400 }),
        ),
        (
            "apt_standard_repository",
            json!({ "node": "pve", "handle": "no-subscription" }),
            json!({ "node": "pve", "handle": "no-subscription" }),
        ),
        (
            "cluster_options",
            json!({ "keyboard": "de" }),
            json!({ "keyboard": "fr", "max_workers": 3 }),
        ),
        (
            "metrics_server",
            json!({ "name": "m1", "server": "10.0.0.1", "port": 2003, "type": "graphite" }),
            json!({ "name": "m1", "server": "10.0.0.2", "port": 2003, "type": "graphite" }),
        ),
    ];
    for (name, first, second) in lives {
        world
            .life(
                &format!("proxmox_virtual_environment_{name}"),
                first,
                second,
            )
            .await;
    }
}

#[tokio::test]
async fn a_token_s_value_comes_once_and_rights_are_given_by_entries() {
    let world = world(options()).await;
    let user = json!({ "user_id": "u@pve", "comment": "x" });
    world
        .apply("proxmox_virtual_environment_user", None, &user)
        .await
        .unwrap();
    let token = json!({ "user_id": "u@pve", "token_name": "t1", "comment": "x" });
    let made = world
        .apply("proxmox_user_token", None, &token)
        .await
        .unwrap();
    assert!(
        to_json(&made.value)["value"]
            .as_str()
            .unwrap()
            .starts_with("u@pve!t1=")
    );
    let read = world.read("proxmox_user_token", &made).await.unwrap();
    world.nothing("proxmox_user_token", &read, &token).await;
    let entry = json!({ "path": "/vms", "role_id": "PVEVMUser", "user_id": "u@pve" });
    world.life("proxmox_acl", entry.clone(), entry).await;
}

#[tokio::test]
async fn a_file_is_downloaded_once_and_a_wrong_checksum_leaves_none() {
    let world = world(options()).await;
    let file = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "url": "https://example.com/debian.img?x=1",
    });
    let made = world
        .apply("proxmox_virtual_environment_download_file", None, &file)
        .await
        .unwrap();
    assert_eq!(to_json(&made.value)["id"], "local:iso/debian.img");
    let read = world
        .read("proxmox_virtual_environment_download_file", &made)
        .await
        .unwrap();
    world
        .nothing("proxmox_virtual_environment_download_file", &read, &file)
        .await;
    let mut wrong = file.clone();
    wrong["file_name"] = json!("other.img");
    wrong["checksum"] = json!("0".repeat(64));
    wrong["checksum_algorithm"] = json!("sha256");
    let error = world
        .apply("proxmox_virtual_environment_download_file", None, &wrong)
        .await
        .unwrap_err();
    assert!(error.contains("checksum mismatch"), "{error}");
    world
        .delete("proxmox_virtual_environment_download_file", &made)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_missing_privilege_is_named_with_a_role_that_has_it() {
    let world = world(options()).await;
    let user = json!({ "user_id": "low@pve" });
    world
        .apply("proxmox_virtual_environment_user", None, &user)
        .await
        .unwrap();
    let token = json!({ "user_id": "low@pve", "token_name": "t1" });
    let made = world
        .apply("proxmox_user_token", None, &token)
        .await
        .unwrap();
    let block = world.provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(),
            "api_token": to_json(&made.value)["value"],
        }),
    );
    let low = World {
        configured: world.provider.configure(config).unwrap(),
        ..world
    };
    let error = low
        .apply(
            "proxmox_virtual_environment_pool",
            None,
            &json!({ "pool_id": "p" }),
        )
        .await
        .unwrap_err();
    assert!(
        error.contains("Pool.Allocate") && error.contains("PVEPoolAdmin"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_token_is_told_without_its_text() {
    let world = world(options()).await;
    let block = world.provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(), "api_token": "root@pam!twin=hunter2",
        }),
    );
    let wrong = World {
        configured: world.provider.configure(config).unwrap(),
        ..world
    };
    let error = wrong
        .apply(
            "proxmox_virtual_environment_pool",
            None,
            &json!({ "pool_id": "p" }),
        )
        .await
        .unwrap_err();
    assert!(
        error.contains("refuses the login") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn data_sources_tell_what_is_there() {
    let world = world(options()).await;
    world.apply(VM, None, &machine()).await.unwrap();
    let read = async |name: &str, config: Json| {
        let block = &world.provider.schema().data_sources[name].block;
        let value = world
            .configured
            .read_data(name.into(), config_of(block, &config))
            .await;
        to_json(&value.map_err(|diags| shown(&diags)).unwrap())
    };
    assert_eq!(read("proxmox_version", json!({})).await["release"], "9.1");
    let nodes = read("proxmox_virtual_environment_nodes", json!({})).await;
    assert_eq!(nodes["names"], json!(["pve", "pve2"]));
    let vms = read("proxmox_virtual_environment_vms", json!({ "tags": ["a"] })).await;
    assert_eq!(vms["vms"][0]["name"], "web");
    let stores = read("proxmox_datastores", json!({ "node_name": "pve" })).await;
    assert_eq!(stores["datastores"][0]["id"], "local");
}
