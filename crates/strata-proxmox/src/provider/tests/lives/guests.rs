//! Virtual machines and containers.

use super::*;

const CT: &str = "proxmox_virtual_environment_container";

pub(in super::super) fn machine_case() -> Case {
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4 }],
    });
    case(VM, json!({ "name": "web", "node_name": "pve", "vm_id": 200 }))
        .import("{node_name}/{vm_id}")
        .after(VM, template)
        .after("proxmox_virtual_environment_pool", json!({ "pool_id": "p" }))
        .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["images"] }))
        .after("proxmox_hardware_mapping_dir", json!({ "name": "share", "map": [{ "node": "pve", "path": "/srv" }] }))
        .after("proxmox_hardware_mapping_dir", json!({ "name": "share2", "map": [{ "node": "pve", "path": "/mnt" }] }))
        .after("proxmox_hardware_mapping_pci", json!({ "name": "gpu", "map": [{ "node": "pve", "path": "0000:01:00.0", "id": "10de:1b80" }] }))
        .after("proxmox_hardware_mapping_usb", json!({ "name": "stick", "map": [{ "node": "pve", "id": "1234:5678" }] }))
        .after("proxmox_network_linux_bridge", json!({ "node_name": "pve", "name": "vmbr1" }))
.sample("vm_id", json!(201)).sample("pool_id", json!("p")).sample("name", json!("web2"))
        .sample("clone.vm_id", json!(900)).sample("clone.datastore_id", json!("second")).sample("clone.node_name", json!("pve"))
        .with("clone", json!({ "clone": [{ "vm_id": 900 }] }))
        .not("clone.vm_id", "required of a clone: tried with the others")
        .not("clone.node_name", "where the template is, which the cluster tells")
        .with("agent.", json!({ "agent": [{ "enabled": true, "wait_for_ip": [{ "disabled": true }] }] }))
        .sample("agent.type", json!("isa"))
.sample("agent.enabled", json!(false))
.sample("audio_device.device", json!("ich9-intel-hda"))
.sample("disk.queues", json!(4))
.not("protection", "what is protected is not deleted: tried by itself")
        .not("agent.timeout", "how long it is waited for").not("agent.wait_for_ip", "what is waited for")
        .sample("amd_sev.type", json!("snp"))
        .with("amd_sev", json!({ "amd_sev": [{ "type": "std" }], "bios": "ovmf" }))
        .with("audio_device", json!({ "audio_device": [{ "enabled": true }] })).sample("audio_device.enabled", json!(false))
        .with("bios", json!({}))
        .with("cdrom", json!({ "cdrom": [{ "file_id": "local:iso/a.iso" }] })).sample("cdrom.interface", json!("ide0"))
        .not("disk.import_from", "what a disk is made of, once: the plan says that it stays, which is tried by itself")
        .not("cdrom.enabled", "what the original ignores, too")
        .with("cpu", json!({ "cpu": [{ "type": "x86-64-v2-AES", "cores": 4 }] })).sample("cpu.type", json!("host"))
        .sample("cpu.cores", json!(2))
        .sample("cpu.hotplugged", json!(2)).with("cpu.hotplugged", json!({ "hotplug": "cpu" }))
        .with("cpu.architecture", json!({}))
        .with("efi_disk", json!({ "bios": "ovmf", "efi_disk": [{ "datastore_id": "local", "type": "4m" }] }))
        .sample("efi_disk.type", json!("2m")).sample("efi_disk.datastore_id", json!("second"))
        .with("tpm_state", json!({ "tpm_state": [{ "datastore_id": "local" }] })).sample("tpm_state.version", json!("v1.2")).sample("tpm_state.datastore_id", json!("second"))
        .with("initialization", json!({ "initialization": [{ "datastore_id": "local" }] }))
        .with("initialization.ip_config", json!({ "initialization": [{ "ip_config": [{ "ipv4": [{ "address": "10.9.0.3/24" }], "ipv6": [{ "address": "fd00::3/64" }] }] }] }))
        .sample("initialization.ip_config.ipv6.address", json!("fd00::7/64")).sample("initialization.ip_config.ipv6.gateway", json!("fd00::1"))
        .sample("initialization.datastore_id", json!("second"))
        .sample("initialization.interface", json!("ide0")).not("initialization.interface", ELSEWHERE).sample("initialization.type", json!("nocloud"))
        .sample("initialization.user_account.keys", json!(["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"]))
        .sample("initialization.user_account.password", json!("12345678"))
        .not("initialization.user_account.password", BLIND)
        .sample("initialization.user_data_file_id", json!("local:snippets/u.yaml")).sample("initialization.vendor_data_file_id", json!("local:snippets/v.yaml"))
        .sample("initialization.network_data_file_id", json!("local:snippets/n.yaml")).sample("initialization.meta_data_file_id", json!("local:snippets/m.yaml"))
        .with("hostpci", json!({ "machine": "q35", "hostpci": [{ "device": "hostpci0", "id": "0000:01:00" }] })).sample("hostpci.device", json!("hostpci1"))
        .with("hostpci.mapping", json!({ "hostpci": [{ "id": null }] })).sample("hostpci.mapping", json!("gpu"))
        .not("hostpci.mapping", "takes the place of `id`: tried by itself")
        .sample("hostpci.id", json!("0000:02:00")).sample("hostpci.mdev", json!("nvidia-1")).sample("hostpci.rom_file", json!("a.rom"))
        .with("usb", json!({ "usb": [{ "host": "1234:0001" }] })).sample("usb.mapping", json!("stick"))
        .not("usb.mapping", "takes the place of `host`: tried by itself")
        .with("numa", json!({ "cpu": [{ "numa": true, "cores": 2 }], "numa": [{ "device": "numa0", "cpus": "0", "memory": 512, "policy": "preferred", "hostnodes": "0" }] }))
        .sample("numa.device", json!("numa1")).sample("numa.memory", json!(256)).sample("numa.hostnodes", json!("1"))
        .with("disk", json!({ "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 8, "file_format": "raw" }] }))
        .sample("disk.interface", json!("virtio0")).sample("disk.datastore_id", json!("second")).sample("disk.size", json!(9))
        .not("disk.size", "disks only grow: tried by itself").not("disk.path_in_datastore", "it is told")
        .not("disk.file_format", "a disk keeps its format until it is moved")
        .sample("disk.file_id", json!("local:import/d.qcow2")).sample("disk.iothread", json!(true))
        .sample("memory.dedicated", json!(1024)).sample("memory.shared", json!(8)).with("memory", json!({ "memory": [{ "dedicated": 512 }] }))
        .with("memory.hugepages", json!({ "cpu": [{ "numa": true }] })).with("memory.keep_hugepages", json!({ "cpu": [{ "numa": true }], "memory": [{ "hugepages": "2" }] }))
        .with("network_device", json!({ "network_device": [{ "bridge": "vmbr0", "mac_address": "BC:24:11:00:00:01" }] }))
        .sample("network_device.bridge", json!("vmbr1")).sample("network_device.mtu", json!(1400)).sample("network_device.trunks", json!("5;6"))
        .sample("operating_system.type", json!("l26"))
        .sample("node_name", json!("pve2"))
        .with("rng", json!({ "rng": [{ "source": "/dev/urandom" }] })).sample("rng.source", json!("/dev/random"))
        .with("serial_device", json!({ "serial_device": [{}] })).sample("serial_device.device", json!("/dev/ttyS0"))
        .with("startup", json!({ "startup": [{ "order": 5 }] })).sample("startup.order", json!(3))
        .with("vga", json!({ "vga": [{ "type": "qxl" }] })).sample("vga.type", json!("virtio")).sample("vga.memory", json!(32))
        .with("virtiofs", json!({ "virtiofs": [{ "mapping": "share" }] })).sample("virtiofs.mapping", json!("share2")).sample("virtiofs.cache", json!("always"))
        .with("watchdog", json!({ "watchdog": [{ "enabled": true }] })).sample("watchdog.enabled", json!(false)).sample("watchdog.model", json!("ib700")).sample("watchdog.action", json!("reset"))
        .sample("machine", json!("q35")).sample("kvm_arguments", json!("-foo")).sample("hook_script_file_id", json!("local:snippets/h.sh"))
        .sample("boot_order", json!(["net0", "scsi0"])).with("boot_order", json!({ "network_device": [{ "bridge": "vmbr0" }], "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 8 }] }))
        .with("template", json!({ "started": false })).not("template", "there is no way back: tried by itself")
        .not("mac_addresses", "it is told")
}

#[tokio::test]
async fn every_argument_of_machines_lives() {
    live(vec![machine_case()]).await;
}

#[tokio::test]
async fn every_argument_of_containers_lives() {
    live(vec![container_case()]).await;
}

pub(in super::super) fn container_case() -> Case {
    let mut least = super::firewall::container();
    least["vm_id"] = json!(200);
    case(CT, least)
            .import("{node_name}/{vm_id}")
            .after("proxmox_virtual_environment_pool", json!({ "pool_id": "p" }))
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["rootdir"] }))
            .after("proxmox_network_linux_bridge", json!({ "node_name": "pve", "name": "vmbr1" }))
.sample("vm_id", json!(201)).sample("pool_id", json!("p"))
            .not("clone", "takes the place of a template: tried by itself")
.not("idmap", "written over ssh, which a model has not: the script is tested")
.not("protection", "what is protected is not deleted: tried by itself")
            .with("console", json!({ "console": [{ "tty_count": 1 }] })).sample("console.type", json!("shell")).sample("console.tty_count", json!(3))
            .with("cpu", json!({ "cpu": [{ "cores": 2 }] })).sample("cpu.architecture", json!("arm64")).sample("cpu.cores", json!(3))
            .sample("disk.datastore_id", json!("second")).sample("disk.size", json!(5)).not("disk.size", "disks only grow: tried by itself")
            .sample("disk.mount_options", json!(["noatime"]))
            .sample("environment_variables", json!({ "A": "b" }))
            .with("features", json!({ "features": [{ "nesting": true }] })).sample("features.nesting", json!(false)).sample("features.mount", json!(["nfs"]))
            .with("initialization", json!({ "initialization": [{ "hostname": "ct" }] })).sample("initialization.hostname", json!("ct2"))
            .sample("initialization.dns.server", json!("10.0.0.54")).sample("initialization.dns.servers", json!(["10.0.0.53"]))
            .with("initialization.ip_config", json!({ "network_interface": [{ "name": "eth0" }], "initialization": [{ "ip_config": [{ "ipv4": [{ "address": "10.9.0.3/24" }], "ipv6": [{ "address": "fd00::3/64" }] }] }] }))
            .sample("initialization.ip_config.ipv6.address", json!("fd00::7/64")).sample("initialization.ip_config.ipv6.gateway", json!("fd00::1"))
            .sample("initialization.user_account.keys", json!(["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"])).sample("initialization.user_account.password", json!("12345678"))
            .with("initialization.user_account", json!({ "initialization": [{ "user_account": [{ "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI y"], "password": "87654321" }] }] }))
            .sample("initialization.entrypoint", json!("/bin/sh"))
            .with("idmap", json!({ "idmap": [{ "type": "uid", "container_id": 0, "host_id": 100000, "size": 65536 }] })).sample("idmap.type", json!("gid"))
            .sample("memory.dedicated", json!(1024)).with("memory", json!({ "memory": [{ "swap": 64 }] })).sample("memory.swap", json!(128))
            .with("mount_point", json!({ "mount_point": [{ "volume": "local", "size": "4G", "path": "/data" }] })).sample("mount_point.path", json!("/other"))
            .sample("mount_point.volume", json!("second")).sample("mount_point.size", json!("5G")).sample("mount_point.mount_options", json!(["noatime"]))
            .with("device_passthrough", json!({ "device_passthrough": [{ "path": "/dev/a" }] })).sample("device_passthrough.path", json!("/dev/b")).sample("device_passthrough.mode", json!("0666"))
            .with("network_interface", json!({ "network_interface": [{ "name": "eth0", "mac_address": "BC:24:11:00:00:01" }] }))
            .sample("network_interface.bridge", json!("vmbr1")).sample("network_interface.name", json!("eth5")).sample("network_interface.mtu", json!(1400))
            .with("startup", json!({ "startup": [{ "order": 5 }] })).sample("startup.order", json!(3))
            .sample("operating_system.template_file_id", json!("local:vztmpl/ubuntu.tar.zst")).sample("operating_system.type", json!("ubuntu"))
            .sample("hook_script_file_id", json!("local:snippets/h.sh"))
            .sample("started", json!(true)).not("template", "there is no way back: tried by itself")
            .with("wait_for_ip", json!({ "started": true })).not("wait_for_ip", "what is waited for")
}

#[tokio::test]
async fn every_argument_of_the_newer_types_lives() {
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4, "cache": "writethrough" }],
        "network_device": [{ "bridge": "vmbr0" }, { "bridge": "vmbr0" }],
    });
    let newer = |name: &'static str, least: Json| {
        case(name, least)
            .after(VM, template.clone())
            .after(
                "proxmox_network_linux_bridge",
                json!({ "node_name": "pve", "name": "vmbr1" }),
            )
            .sample("id", json!(201))
            .sample("node_name", json!("pve2"))
            .with(
                "cpu",
                json!({ "cpu": { "type": "x86-64-v2-AES", "cores": 4 } }),
            )
            .sample("cpu.type", json!("host"))
            .sample("cpu.vcpus", json!(2))
            .with(
                "cdrom",
                json!({ "cdrom": { "ide3": { "file_id": "local:iso/a.iso" } } }),
            )
            .with("rng", json!({ "rng": { "source": "/dev/urandom" } }))
            .sample("rng.source", json!("/dev/random"))
            .with("vga", json!({ "vga": { "type": "qxl" } }))
            .sample("vga.type", json!("virtio"))
            .sample("vga.memory", json!(32))
            .not("timeouts", "how long it may take")
            .not(
                "node_name",
                "another one is a move, or a new machine: tried by itself",
            )
            .not("disk.aio", BLIND)
            .not("disk.cache", BLIND)
            .not("disk.discard", BLIND)
            .not("disk.iothread", BLIND)
            .not("disk.serial", BLIND)
            .not("disk.ssd", BLIND)
            .sample("disk.backup", json!(false))
            .sample("disk.replicate", json!(false))
            .not("disk.backup", BLIND)
            .not("disk.replicate", BLIND)
            .not("template", "there is no way back: tried by itself")
    };
    live(vec![
        newer("proxmox_vm", json!({ "name": "web", "node_name": "pve", "id": 200 }))
            .import("{node_name}/{id}")
            .unknown(&["purge_on_destroy", "delete_unreferenced_disks_on_destroy", "stop_on_destroy"]),
        newer("proxmox_cloned_vm", json!({ "name": "web", "node_name": "pve", "id": 200, "clone": { "source_vm_id": 900 } }))
            .no_import()
            .after(VM, json!({ "name": "t2", "node_name": "pve", "vm_id": 901, "template": true, "started": false }))
            .after("proxmox_virtual_environment_pool", json!({ "pool_id": "p" }))
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["images"] }))
            .sample("clone.source_vm_id", json!(901))
            .not("clone.", "how it is made, once: tried by itself")
            .sample("memory.size", json!(1024))
            .with("memory", json!({ "memory": { "size": 768 } }))
            .with("memory.hugepages", json!({ "cpu": { "numa": true } }))
            .with("memory.keep_hugepages", json!({ "cpu": { "numa": true }, "memory": { "hugepages": "2" } }))
            .with("disk", json!({ "disk": { "scsi1": { "datastore_id": "local", "size_gb": 8 } } }))
            .sample("disk.datastore_id", json!("second"))
            .not("disk.size_gb", "disks only grow: tried by itself")
            .not("disk.format", "a disk keeps its format until it is moved")
            .not("disk.import_from", "what a disk is made of, once")
            .not("disk.file", "what a disk is made of, once")
            .not("disk.media", "what a disk is made of, once")
            .with("network", json!({ "network": { "net0": { "bridge": "vmbr0", "model": "virtio", "mac_address": "BC:24:11:00:00:01" } } }))
            .sample("network.bridge", json!("vmbr1"))
            .sample("network.mtu", json!(1400))
            .not("delete", "what the template has, once: tried by itself"),
    ])
    .await;
}

#[tokio::test]
async fn a_clone_of_the_newer_type_keeps_what_nobody_speaks_of() {
    let world = world(Options {
        lenient: true,
        ..options()
    })
    .await;
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4, "cache": "writethrough" }],
        "network_device": [{ "bridge": "vmbr0" }, { "bridge": "vmbr0" }],
    });
    world.apply(VM, None, &template).await.unwrap();
    let clone = json!({
        "name": "web", "node_name": "pve", "id": 200, "started": false,
        "clone": { "source_vm_id": 900, "bandwidth_limit": 1000, "retries": 2 },
        "disk": { "scsi0": { "size_gb": 6, "discard": "on" } },
        "delete": { "network": ["net1"] },
    });
    const NEWER: &str = "proxmox_cloned_vm";
    let made = world.apply(NEWER, None, &clone).await.unwrap();
    let config = world.twin.config(200);
    assert!(
        config["scsi0"].contains("cache=writethrough") && config["scsi0"].contains("discard=on"),
        "{config:?}"
    );
    assert!(
        config.contains_key("net0") && !config.contains_key("net1"),
        "{config:?}"
    );
    let read = world.read(NEWER, &made).await.unwrap();
    assert_eq!(to_json(&read.value)["disk"]["scsi0"]["size_gb"], 6);
    world.nothing(NEWER, &read, &clone).await;
    world.delete(NEWER, &read).await.unwrap();
    assert_eq!(world.twin.guests(), [900]);
}

#[tokio::test]
async fn a_newer_machine_is_told_by_its_data_source() {
    let world = world(Options {
        lenient: true,
        ..options()
    })
    .await;
    let mut machine = machine();
    machine["vm_id"] = json!(200);
    world.apply(VM, None, &machine).await.unwrap();
    let block = &world.provider.schema().data_sources["proxmox_vm"].block;
    let read = world.configured.read_data(
        "proxmox_vm".into(),
        config_of(block, &json!({ "node_name": "pve", "id": 200 })),
    );
    let told = to_json(&read.await.map_err(|diags| shown(&diags)).unwrap());
    assert_eq!(
        (&told["name"], &told["cpu"]["cores"], &told["status"]),
        (&json!("web"), &json!(2), &json!("running"))
    );
    let read = world.configured.read_data(
        "proxmox_ceph_status".into(),
        config_of(
            &world.provider.schema().data_sources["proxmox_ceph_status"].block,
            &json!({}),
        ),
    );
    assert_eq!(
        to_json(&read.await.map_err(|diags| shown(&diags)).unwrap())["health_status"],
        "HEALTH_OK"
    );
}
