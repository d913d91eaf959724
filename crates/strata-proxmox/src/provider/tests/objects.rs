//! Containers, and the plain objects around guests.

use super::*;

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
            json!({ "group_id": "g", "comment": "b", "acl": [{ "path": "/vms", "role_id": "PVEVMUser", "propagate": true }] }),
        ),
        (
            "storage_cifs",
            json!({ "id": "smb", "server": "10.0.0.1", "share": "x", "backups": { "keep_last": 3 } }),
            json!({ "id": "smb", "server": "10.0.0.1", "share": "x", "backups": { "keep_last": 3, "keep_daily": 7 } }),
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
            "realm_ldap",
            json!({ "realm": "corp", "server1": "10.0.0.1", "base_dn": "dc=x", "user_attr": "uid", "cert_path": "/etc/ldap.pem" }),
            json!({ "realm": "corp", "server1": "10.0.0.2", "base_dn": "dc=x", "user_attr": "uid", "comment": "c" }),
        ),
        (
            "metrics_server",
            json!({ "name": "otel", "server": "10.0.0.1", "port": 4318, "type": "opentelemetry", "opentelemetry_proto": "http" }),
            json!({ "name": "otel", "server": "10.0.0.1", "port": 4318, "type": "opentelemetry", "opentelemetry_proto": "https" }),
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
async fn each_node_has_its_own_files_where_a_storage_is_not_shared() {
    const NAME: &str = "proxmox_virtual_environment_download_file";
    let world = world(options()).await;
    let on = |node: &str, overwrite: bool| {
        json!({
            "node_name": node, "datastore_id": "local", "content_type": "iso", "overwrite": overwrite,
            "url": format!("https://example.com/{node}/debian.iso"), "file_name": "debian.iso",
        })
    };
    let first = world.apply(NAME, None, &on("pve", false)).await.unwrap();
    let second = world.apply(NAME, None, &on("pve2", false)).await.unwrap();
    for (made, node) in [(&first, "pve"), (&second, "pve2")] {
        let read = world.read(NAME, made).await.unwrap();
        world.nothing(NAME, &read, &on(node, false)).await;
    }
    world.delete(NAME, &second).await.unwrap();
    assert!(world.read(NAME, &second).await.is_none());
    assert!(world.read(NAME, &first).await.is_some());
    world.delete(NAME, &first).await.unwrap();
    assert!(world.twin.files().is_empty(), "{:?}", world.twin.files());
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

#[tokio::test]
async fn what_only_the_users_own_ssh_can_do_is_refused_by_name() {
    let world = world(options()).await;
    let block = world.provider.schema().provider.clone();
    let try_with = |ssh: Json| {
        let given =
            json!({ "endpoint": "https://pve:8006", "api_token": "root@pam!x=y", "ssh": [ssh] });
        let config = config_of(&block, &given);
        world.provider.configure(config).map(drop)
    };
    let refused = try_with(json!({ "socks5_server": "127.0.0.1:1080" })).unwrap_err();
    assert!(shown(&refused).contains("`ssh.socks5_server`"));
    assert!(try_with(json!({ "agent": true, "agent_forwarding": false })).is_ok());
}
