//! Lives of telmate's types.

use strata_core::{PathStep, provider::ObjectKind};

use super::*;

pub(super) async fn telmate(options: Options) -> World {
    telmate_with(options, |_| Settings::default()).await
}

async fn telmate_with(options: Options, settings: impl FnOnce(&Twin) -> Settings) -> World {
    let folder = tempfile::tempdir().unwrap();
    let twin = Twin::on_loopback(options).await.unwrap();
    let provider = Proxmox::new(settings(&twin)).telmate();
    let block = provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "pm_api_url": format!("{}api2/json", twin.endpoint()), "pm_tls_insecure": true,
            "pm_api_token_id": "root@pam!twin", "pm_api_token_secret": "twin", "pm_parallel": 2,
        }),
    );
    let configured = provider.configure(config).unwrap();
    World {
        twin,
        provider,
        configured,
        _folder: folder,
        elsewhere: None,
    }
}

fn machine() -> Json {
    json!({
        "name": "web", "target_node": "pve", "memory": 1024, "cores": 2, "agent": 1, "tags": "a;b",
        "scsihw": "virtio-scsi-single", "boot": "order=scsi0;net0", "desc": "first",
        "disks": [{
            "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "8G", "discard": true }] }] }],
            "ide": [{ "ide2": [{ "cloudinit": [{ "storage": "local" }] }] }],
        }],
        "network": [{ "id": 0, "model": "virtio", "bridge": "vmbr0" }],
        "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1", "ciuser": "debian",
        "sshkeys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x",
    })
}

#[tokio::test]
async fn a_machine_has_a_whole_life() {
    let world = telmate(options()).await;
    let first = machine();
    let mut second = first.clone();
    second["memory"] = json!(2048);
    second["tags"] = json!("a;b;c");
    second["disks"][0]["scsi"][0]["scsi0"][0]["disk"][0]["size"] = json!("12G");
    let object = world.life("proxmox_vm_qemu", first, second).await;
    let object = to_json(&object.value);
    assert_eq!(object["default_ipv4_address"], "10.0.0.5");
    assert_eq!(object["ssh_host"], "10.0.0.5");
    assert_eq!(object["id"], "pve/qemu/100");
    assert!(
        object["network"][0]["macaddr"]
            .as_str()
            .unwrap()
            .starts_with("BC:24:11")
    );
}

#[tokio::test]
async fn a_machine_is_cloned_from_a_template_by_its_name() {
    let world = telmate(options()).await;
    let mut base = machine();
    base["name"] = json!("base");
    base["vm_state"] = json!("stopped");
    base["agent"] = json!(0);
    world.apply("proxmox_vm_qemu", None, &base).await.unwrap();
    let mut clone = machine();
    clone["clone"] = json!("base");
    let made = world.apply("proxmox_vm_qemu", None, &clone).await.unwrap();
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &clone).await;
    assert_eq!(to_json(&read.value)["vmid"], 101);
    clone["clone"] = json!("nope");
    let error = world
        .apply("proxmox_vm_qemu", None, &clone)
        .await
        .unwrap_err();
    assert!(
        error.contains("There is no guest `nope` to clone"),
        "{error}"
    );
}

#[tokio::test]
async fn a_rehearsal_has_the_nodes_and_templates_that_a_configuration_names() {
    let rehearsed = |twin: &Twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    };
    let world = telmate_with(Options::rehearsal(), rehearsed).await;
    let mut clone = machine();
    clone["clone"] = json!("a-template-of-somebody");
    clone["target_node"] = json!("attic");
    let made = world.apply("proxmox_vm_qemu", None, &clone).await.unwrap();
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    assert_eq!(to_json(&read.value)["id"], "attic/qemu/100");
    world.nothing("proxmox_vm_qemu", &read, &clone).await;
}

#[tokio::test]
async fn a_template_that_a_rehearsal_lends_is_there_for_clones_on_all_nodes_at_once() {
    let rehearsed = |twin: &Twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    };
    let world = telmate_with(Options::rehearsal(), rehearsed).await;
    let on = |node: &str, address: &str| {
        let mut clone = machine();
        clone["clone"] = json!("a-template-of-somebody");
        clone["name"] = json!(format!("web-{node}"));
        clone["target_node"] = json!(node);
        clone["ipconfig0"] = json!(format!("ip={address}/24,gw=10.0.0.1"));
        clone
    };
    let (attic, cellar) = (on("attic", "10.0.0.5"), on("cellar", "10.0.0.6"));
    let made = tokio::join!(
        world.apply("proxmox_vm_qemu", None, &attic),
        world.apply("proxmox_vm_qemu", None, &cellar),
    );
    let failures = (made.0.err(), made.1.err());
    assert_eq!(failures, (None, None));
}

#[tokio::test]
async fn zero_as_the_number_of_a_guest_says_nothing() {
    let world = telmate(options()).await;
    for name in ["proxmox_vm_qemu", "proxmox_lxc"] {
        let attribute = &world.provider.schema().resources[name].block.attributes["vmid"];
        let reads = attribute.reads.unwrap();
        assert!(reads(&Value::from(0)).is_some_and(|value| value.is_null()));
        assert_eq!(reads(&Value::from(100)), None);
    }
}

#[tokio::test]
async fn a_disk_may_be_where_a_variable_says() {
    let world = telmate(options()).await;
    let name = "proxmox_vm_qemu";
    let block = &world.provider.schema().resources[name].block;
    let disk = json!({ "storage": "local", "size": "8G" });
    let config = json!({ "name": "web", "target_node": "pve", "disk": [disk] });
    let wrong = |config: &Value| {
        let found = world.provider.validate(ObjectKind::Resource, name, config);
        found.has_errors()
    };
    let unsaid = config_of(block, &config);
    assert!(wrong(&unsaid));
    let unknown = unsaid.map_children(|step, disks| match step {
        PathStep::Attribute(name) if name.as_str() == "disk" => disks.map_children(|_, disk| {
            disk.map_children(|step, value| match step {
                PathStep::Attribute(name) if name.as_str() == "slot" => Value::unknown(value.ty()),
                _ => value.clone(),
            })
        }),
        _ => disks.clone(),
    });
    assert!(!wrong(&unknown));
}

#[tokio::test]
async fn a_clone_whose_drive_for_cloud_init_comes_later_boots_as_it_says() {
    let world = telmate(options()).await;
    let mut base = machine();
    base["name"] = json!("base");
    base["vm_state"] = json!("stopped");
    base["agent"] = json!(0);
    base["disks"][0]["ide"] = json!([]);
    for name in ["ipconfig0", "ciuser", "sshkeys"] {
        base[name] = Json::Null;
    }
    world.apply("proxmox_vm_qemu", None, &base).await.unwrap();
    let mut clone = machine();
    clone["clone"] = json!("base");
    clone["boot"] = json!("order=scsi0");
    let made = world.apply("proxmox_vm_qemu", None, &clone).await.unwrap();
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    assert_eq!(to_json(&read.value)["boot"], "order=scsi0");
    world.nothing("proxmox_vm_qemu", &read, &clone).await;
}

#[tokio::test]
async fn what_changed_outside_is_told_in_telmate_s_words() {
    let world = telmate(options()).await;
    let made = world
        .apply("proxmox_vm_qemu", None, &machine())
        .await
        .unwrap();
    world.twin.set(100, "memory", "4096");
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    assert_eq!(to_json(&read.value)["memory"], 4096);
}

#[tokio::test]
async fn a_container_has_a_whole_life() {
    let mut options = options();
    options.lenient = true;
    let world = telmate(options).await;
    let first = json!({
        "target_node": "pve", "hostname": "ct", "ostemplate": "local:vztmpl/debian-13.tar.zst", "unprivileged": true,
        "cores": 1, "memory": 256, "swap": 0, "start": true, "tags": "x",
        "rootfs": [{ "storage": "local", "size": "4G" }],
        "features": [{ "nesting": true }],
        "network": [{ "name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.9/24", "gw": "10.0.0.1" }],
    });
    let mut second = first.clone();
    second["memory"] = json!(512);
    let object = world.life("proxmox_lxc", first, second).await;
    assert_eq!(to_json(&object.value)["id"], "pve/lxc/100");
}

#[tokio::test]
async fn a_container_s_volume_grows_and_moves_where_it_is() {
    let mut options = options();
    options.lenient = true;
    let world = telmate(options).await;
    let first = json!({
        "target_node": "pve", "hostname": "ct", "ostemplate": "local:vztmpl/debian-13.tar.zst", "start": true,
        "rootfs": [{ "storage": "local", "size": "4G" }],
        "mountpoint": [{ "key": "0", "slot": 0, "storage": "local", "mp": "/data", "size": "4G" }],
    });
    let made = world.apply("proxmox_lxc", None, &first).await.unwrap();
    let mut second = first.clone();
    second["mountpoint"][0]["size"] = json!("6G");
    second["mountpoint"][0]["storage"] = json!("local-lvm");
    let plan = world
        .plan("proxmox_lxc", Some(&made), &second)
        .await
        .unwrap();
    assert!(plan.requires_replace.is_empty());
    let mut effects = plan.effects.iter();
    assert!(effects.any(|effect| effect.kind == EffectKind::Restart));
    let changed = world
        .apply("proxmox_lxc", Some(&made), &second)
        .await
        .unwrap();
    let config = world.twin.config(100);
    assert!(
        config["mp0"].starts_with("local-lvm:") && config["mp0"].contains("size=6G"),
        "{config:?}"
    );
    let read = world.read("proxmox_lxc", &changed).await.unwrap();
    world.nothing("proxmox_lxc", &read, &second).await;
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name_unless_it_changes_nothing() {
    let provider = Proxmox::new(Settings::default()).telmate();
    let block = &provider.schema().resources["proxmox_vm_qemu"].block;
    let said = |name: &str, value: Json| {
        let mut config = machine();
        config[name] = value;
        let kind = strata_core::provider::ObjectKind::Resource;
        shown(&provider.validate(kind, "proxmox_vm_qemu", &config_of(block, &config)))
    };
    assert!(said("kvm", json!(false)).contains("`kvm` of `proxmox_vm_qemu`"));
    assert!(said("target_nodes", json!(["pve"])).contains("`target_nodes` exclude"));
    assert!(said("usbs", json!([{ "usb1": [{ "spice": [{}] }] }])).contains("numbered from 0"));
    let disk =
        |size: &str| json!([{ "slot": "ide3", "type": "disk", "storage": "local", "size": size }]);
    assert!(!said("disk", disk("512M")).contains("is no size"));
    assert!(said("disk", disk("8 G")).contains("is no size of a disk"));
    let drive = json!([{ "slot": "ide3", "type": "cloudinit", "storage": "local", "size": "" }]);
    assert!(!said("disk", drive).contains("is no size"));
    assert!(said("oncreate", json!(false)).contains("`oncreate`"));
    assert!(said("boot", json!("legacy=cdn")).contains("is no `boot`"));
    assert!(said("os_type", json!("ubuntu")).contains("preprovision = false"));
    assert!(!said("kvm", json!(true)).contains("not supported"));
}

#[tokio::test]
async fn the_cluster_keeps_a_guest_running_as_long_as_it_asks_for_that() {
    let mut options = options();
    options.release = (8, 4);
    let world = telmate(options).await;
    let mut first = machine();
    first["hastate"] = json!("started");
    let made = world.apply("proxmox_vm_qemu", None, &first).await.unwrap();
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &first).await;
    let mut second = first.clone();
    second["hastate"] = json!("ignored");
    let changed = world
        .apply("proxmox_vm_qemu", Some(&made), &second)
        .await
        .unwrap();
    // Somebody else takes it out: the refresh tells.
    let taken = world
        .apply("proxmox_vm_qemu", Some(&changed), &machine())
        .await
        .unwrap();
    let read = world.read("proxmox_vm_qemu", &changed).await.unwrap();
    assert_eq!(to_json(&read.value)["hastate"], "");
    world.delete("proxmox_vm_qemu", &taken).await.unwrap();
}

#[tokio::test]
async fn a_group_of_highly_available_guests_is_gone_since_9() {
    for (release, gone) in [((8, 4), false), ((9, 1), true)] {
        let mut options = options();
        options.release = release;
        let mut config = machine();
        config["hagroup"] = json!("g");
        let plan = telmate(options)
            .await
            .plan("proxmox_vm_qemu", None, &config)
            .await;
        let refused = plan.is_err_and(|diags| shown(&diags).contains("groups became rules"));
        assert_eq!(refused, gone, "{release:?}");
    }
}

#[tokio::test]
async fn a_machine_stays_on_whichever_of_its_nodes_it_is() {
    let mut options = options();
    options.lenient = true;
    let world = telmate(options).await;
    let mut first = machine();
    first["target_node"] = Json::Null;
    first["target_nodes"] = json!(["pve"]);
    let made = world.apply("proxmox_vm_qemu", None, &first).await.unwrap();
    assert_eq!(to_json(&made.value)["current_node"], "pve");
    assert!(to_json(&made.value)["target_node"].is_null());
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &first).await;
    let mut wider = first.clone();
    wider["target_nodes"] = json!(["aaa", "pve"]);
    let stays = world
        .apply("proxmox_vm_qemu", Some(&made), &wider)
        .await
        .unwrap();
    assert_eq!(to_json(&stays.value)["current_node"], "pve");
}

#[tokio::test]
async fn a_disk_may_be_smaller_than_a_gib_and_grow() {
    let world = telmate(options()).await;
    let mut first = machine();
    let size = |config: &mut Json, size: &str| {
        config["disks"][0]["scsi"][0]["scsi1"] =
            json!([{ "disk": [{ "storage": "local", "size": size }] }]);
    };
    size(&mut first, "512M");
    let made = world.apply("proxmox_vm_qemu", None, &first).await.unwrap();
    assert!(world.twin.config(100)["scsi1"].contains("size=512M"));
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &first).await;
    let mut second = first.clone();
    size(&mut second, "1536M");
    let grown = world
        .apply("proxmox_vm_qemu", Some(&read), &second)
        .await
        .unwrap();
    assert!(world.twin.config(100)["scsi1"].contains("size=1536M"));
    let read = world.read("proxmox_vm_qemu", &grown).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &second).await;
    let smaller = world.plan("proxmox_vm_qemu", Some(&read), &first).await;
    assert!(shown(&smaller.err().unwrap()).contains("cannot be made smaller"));
}

#[tokio::test]
async fn a_description_that_ends_its_line_is_no_drift() {
    let mut options = options();
    options.lenient = true;
    let world = telmate(options).await;
    let container = json!({
        "target_node": "pve", "hostname": "ct", "ostemplate": "local:vztmpl/debian-13.tar.zst",
        "rootfs": [{ "storage": "local", "size": "4G" }], "description": "a\nb\n",
    });
    let mut machine = machine();
    machine["desc"] = json!("a\n");
    for (name, config) in [("proxmox_lxc", container), ("proxmox_vm_qemu", machine)] {
        let made = world.apply(name, None, &config).await.unwrap();
        let read = world.read(name, &made).await.unwrap();
        world.nothing(name, &read, &config).await;
    }
}

#[tokio::test]
async fn a_pool_has_a_whole_life() {
    let world = telmate(options()).await;
    let first = json!({ "poolid": "p", "comment": "a" });
    let second = json!({ "poolid": "p", "comment": "b" });
    let pool = world.life("proxmox_pool", first, second).await;
    assert_eq!(to_json(&pool.value)["id"], "pools/p");
}

#[tokio::test]
async fn the_two_providers_do_not_mix_their_types() {
    let proxmox = Proxmox::new(Settings::default());
    let (bpg, telmate) = (proxmox.provider(), proxmox.telmate());
    assert!(!bpg.schema().resources.contains_key("proxmox_vm_qemu"));
    assert!(!telmate.schema().resources.contains_key(VM));
    assert_eq!(telmate.source(), "registry.terraform.io/telmate/proxmox");
}

#[tokio::test]
async fn a_block_without_a_login_says_what_is_missing() {
    let provider = Proxmox::new(Settings::default()).telmate();
    let block = provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({ "pm_api_url": "https://pve:8006/api2/json" }),
    );
    let error = provider.configure(config).err().unwrap();
    assert!(shown(&error).contains("pm_api_token_id"));
}

#[tokio::test]
async fn a_rehearsal_lends_the_pool_that_a_machine_is_to_be_in() {
    let rehearsed = |twin: &Twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    };
    let world = telmate_with(Options::rehearsal(), rehearsed).await;
    let mut config = machine();
    config["pool"] = json!("a-pool-of-somebody");
    let made = world.apply("proxmox_vm_qemu", None, &config).await.unwrap();
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &config).await;
    config["pool"] = json!("another-one");
    let moved = world
        .apply("proxmox_vm_qemu", Some(&read), &config)
        .await
        .unwrap();
    let read = world.read("proxmox_vm_qemu", &moved).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &config).await;
}

#[tokio::test]
async fn how_long_a_burst_may_last_is_sent_and_read() {
    let world = telmate(options()).await;
    let config = json!({
        "name": "web", "target_node": "pve", "memory": 1024, "scsihw": "virtio-scsi-single",
        "disk": [{ "slot": "scsi0", "storage": "local", "size": "8G", "iops_r_burst": 500, "iops_r_burst_length": 60 }],
    });
    world.twin.heard();
    let made = world.apply("proxmox_vm_qemu", None, &config).await.unwrap();
    let heard = world.twin.heard();
    let asked = heard.iter().find_map(|(_, params)| params.get("scsi0"));
    assert!(
        asked
            .unwrap()
            .contains("iops_rd_max=500,iops_rd_max_length=60"),
        "{asked:?}"
    );
    let read = world.read("proxmox_vm_qemu", &made).await.unwrap();
    world.nothing("proxmox_vm_qemu", &read, &config).await;
}
