//! Who may do what.

use super::*;

#[tokio::test]
async fn every_argument_of_users_rights_and_realms_lives() {
    live(vec![
        case("proxmox_virtual_environment_role", json!({ "role_id": "R", "privileges": ["VM.Audit"] }))
            .import("{role_id}")
            .sample("role_id", json!("S"))
            .sample("privileges", json!(["VM.Audit", "VM.Console"])),
        case("proxmox_virtual_environment_pool", json!({ "pool_id": "p" })).sample("pool_id", json!("q")),
        case("proxmox_virtual_environment_group", json!({ "group_id": "g" }))
            .sample("group_id", json!("h"))
            .sample("acl.path", json!("/vms")),
        case("proxmox_virtual_environment_user", json!({ "user_id": "u@pve" }))
            .after("proxmox_virtual_environment_group", json!({ "group_id": "g" }))
            .sample("groups", json!(["g"]))
            .sample("acl.path", json!("/vms"))
            .sample("keys", json!("x!yubico"))
            .sample("password", json!("12345678"))
            .not("password", BLIND),
        case("proxmox_user_token", json!({ "user_id": "u@pve", "token_name": "t1" }))
            .import("{user_id}!{token_name}")
            .after("proxmox_virtual_environment_user", json!({ "user_id": "u@pve" }))
            .after("proxmox_virtual_environment_user", json!({ "user_id": "other@pve" }))
            .sample("token_name", json!("s1")),
        case("proxmox_acl", json!({ "path": "/vms", "role_id": "PVEVMUser", "user_id": "u@pve" }))
            .after("proxmox_virtual_environment_user", json!({ "user_id": "u@pve" }))
            .after("proxmox_virtual_environment_user", json!({ "user_id": "other@pve" }))
            .after("proxmox_virtual_environment_group", json!({ "group_id": "g" }))
            .after("proxmox_user_token", json!({ "user_id": "u@pve", "token_name": "t1" }))
            .sample("path", json!("/storage"))
            .sample("group_id", json!("g"))
            .sample("token_id", json!("u@pve!t1"))
            .with("group_id", json!({ "user_id": null }))
            .with("token_id", json!({ "user_id": null }))
            .not("group_id", "one of the three it must be: tried below")
            .not("token_id", "one of the three it must be: tried below"),
        case("proxmox_acl", json!({ "path": "/vms", "role_id": "PVEVMUser", "group_id": "g" }))
            .after("proxmox_virtual_environment_group", json!({ "group_id": "g" }))
            .after("proxmox_virtual_environment_group", json!({ "group_id": "h" }))
            .sample("group_id", json!("h"))
            .not("user_id", "tried above").not("token_id", "tried below").not("path", "tried above").not("role_id", "tried above"),
        case("proxmox_acl", json!({ "path": "/vms", "role_id": "PVEVMUser", "token_id": "u@pve!t1" }))
            .after("proxmox_virtual_environment_user", json!({ "user_id": "u@pve" }))
            .after("proxmox_user_token", json!({ "user_id": "u@pve", "token_name": "t1" }))
            .after("proxmox_user_token", json!({ "user_id": "u@pve", "token_name": "s1" }))
            .sample("token_id", json!("u@pve!s1"))
            .not("user_id", "tried above").not("group_id", "tried above").not("path", "tried above").not("role_id", "tried above"),
        case("proxmox_realm_ldap", json!({ "realm": "corp", "server1": "10.0.0.1", "base_dn": "dc=x", "user_attr": "uid" }))
            .import("{realm}")
            .sample("realm", json!("corp2"))
            .sample("base_dn", json!("dc=y")).sample("bind_dn", json!("cn=z"))
            .with("bind_password", json!({ "bind_dn": "cn=z" }))
            .sample("ca_path", json!("/etc/ssl/certs")).sample("cert_path", json!("/etc/c.pem")).sample("cert_key_path", json!("/etc/k.pem"))
            .sample("server1", json!("10.0.0.2")).sample("server2", json!("10.0.0.3"))
            .sample("mode", json!("ldaps")).sample("ssl_version", json!("tlsv1_2")).sample("port", json!(1389))
            .sample("filter", json!("(a=b)")).sample("group_filter", json!("(a=b)"))
            .sample("group_dn", json!("cn=g")).sample("group_classes", json!("posixGroup")).sample("user_classes", json!("posixAccount"))
            .sample("sync_attributes", json!("email=mail")).sample("sync_defaults_options", json!("scope=users"))
            .sample("user_attr", json!("cn")).sample("group_name_attr", json!("cn"))
            .not("bind_password", BLIND),
        case("proxmox_pool_membership", json!({ "pool_id": "p", "vm_id": 100 }))
            .after("proxmox_virtual_environment_pool", json!({ "pool_id": "p" }))
            .after("proxmox_virtual_environment_pool", json!({ "pool_id": "q" }))
            .after(VM, json!({ "name": "g", "node_name": "pve", "vm_id": 100, "started": false }))
            .after(VM, json!({ "name": "h", "node_name": "pve", "vm_id": 101, "started": false }))
            .sample("pool_id", json!("q")).sample("vm_id", json!(101)).not("storage_id", "takes the place of `vm_id`: tried below"),
        case("proxmox_pool_membership", json!({ "pool_id": "p", "storage_id": "local" }))
            .after("proxmox_virtual_environment_pool", json!({ "pool_id": "p" }))
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["iso"] }))
            .sample("storage_id", json!("second")).not("pool_id", "tried above").not("vm_id", "takes the place of `storage_id`"),
        case("proxmox_realm_sync", json!({ "realm": "corp", "scope": "both" }))
            .import("{realm}").unknown(&["dry_run", "enable_new", "full", "purge", "remove_vanished", "scope"])
            .after("proxmox_realm_ldap", json!({ "realm": "corp", "server1": "10.0.0.1", "base_dn": "dc=x", "user_attr": "uid" }))
            .after("proxmox_realm_ldap", json!({ "realm": "corp2", "server1": "10.0.0.2", "base_dn": "dc=x", "user_attr": "uid" }))
            .sample("realm", json!("corp2")).sample("scope", json!("users")).sample("remove_vanished", json!("acl;entry"))
            .not("(gone)", "users who were fetched stay")
            .not("dry_run", BLIND).not("enable_new", BLIND).not("full", BLIND).not("purge", BLIND).not("remove_vanished", BLIND).not("scope", BLIND),
        case("proxmox_realm_openid", json!({ "realm": "oidc", "issuer_url": "https://a.example", "client_id": "c" }))
            .import("{realm}")
            .sample("realm", json!("oidc2")).sample("issuer_url", json!("https://b.example"))
            .sample("username_claim", json!("email")).sample("groups_claim", json!("groups"))
            .sample("prompt", json!("login")).sample("scopes", json!("email")).sample("acr_values", json!("a"))
            .not("client_key", BLIND).not("client_key_wo", "sent and not kept: tried by itself").not("audiences", "later than the version that the model is of"),
    ])
    .await;
}
