//! Telmate's types.

use super::*;

/// Why nobody sees what another time would do.
const PATIENCE: &str = "how long it may take";

/// What is not tried of either guest, and why.
fn guest(name: &'static str, least: Json) -> Case {
    let mut case = case(name, least)
        .import("{id}")
        .after("proxmox_pool", json!({ "poolid": "p" }))
        .sample("pool", json!("p"))
        .sample("vmid", json!(201))
        .sample("target_node", json!("pve2"))
        .sample("tags", json!("x;y"))
        .sample("startup", json!("order=3"))
        .sample("nameserver", json!("10.0.0.53"))
        .sample("searchdomain", json!("example.org"))
        .not(
            "protection",
            "what is protected is not deleted: tried with the other provider",
        );
    for name in ["clone", "full"] {
        case = case.not(name, "how it is made, once: tried by itself");
    }
    case.sample("hastate", json!("ignored"))
        .not("hagroup", "gone since 9: tried by itself on 8")
        .not("timeouts", PATIENCE)
}

fn machine() -> Case {
    let mut case = guest("proxmox_vm_qemu", json!({ "name": "web", "target_node": "pve", "vmid": 200, "vm_state": "stopped" }))
        .sample("name", json!("web2")).sample("vm_state", json!("running")).sample("onboot", json!(true)).sample("start_at_node_boot", json!(true))
        .with("boot", json!({ "network": [{ "id": 0, "model": "virtio", "bridge": "vmbr0" }], "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "8G" }] }] }] }] }))
        .with("iso", json!({})).sample("iso", json!("local:iso/a.iso")).sample("bootdisk", json!("scsi0"))
        .with("pci.", json!({ "machine": "q35", "pci": [{ "id": 0, "raw_id": "0000:01:00.0" }] })).sample("pci.raw_id", json!("0000:02:00.0")).sample("pci.mdev", json!("nvidia-1"))
        .not("pci.mapping_id", "takes the place of `raw_id`: the same as the other provider's").not("pci.id", "its place in the list")
        .sample("boot", json!("order=net0;scsi0")).sample("agent", json!(1)).sample("memory", json!(1024)).sample("balloon", json!(256))
        .sample("qemu_os", json!("win10")).sample("cpu_type", json!("x86-64-v2-AES")).sample("vcpus", json!(1)).sample("args", json!("-foo"))
        .sample("scsihw", json!("virtio-scsi-single")).sample("cicustom", json!("user=local:snippets/u.yaml")).sample("ciuser", json!("debian"))
        .sample("cipassword", json!("12345678")).not("cipassword", BLIND).sample("sshkeys", json!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"))
        .not("cloudinit_cdrom_storage", "a drive that nobody speaks of any more stays")
        .with("network", json!({ "network": [{ "id": 0, "model": "virtio", "bridge": "vmbr0", "macaddr": "BC:24:11:00:00:01" }] }))
        .sample("network.macaddr", json!("BC:24:11:00:00:77")).sample("network.mtu", json!(1400))
        .with("disks.scsi.scsi0", json!({ "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "8G" }] }] }] }] }))
        .with("disks.ide.ide2.cdrom", json!({ "disks": [{ "ide": [{ "ide2": [{ "cdrom": [{ "iso": "local:iso/a.iso" }] }] }] }] }))
        .with("disks.ide.ide2.cloudinit", json!({ "disks": [{ "ide": [{ "ide2": [{ "cloudinit": [{ "storage": "local" }] }] }] }] }))
        .with("disks.ide.ide2.cdrom.passthrough", json!({ "disks": [{ "ide": [{ "ide2": [{ "cdrom": [{ "iso": null }] }] }] }] }))
        .sample("disks.ide.ide2.cdrom.iso", json!("local:iso/b.iso")).sample("disks.ide.ide2.cloudinit.storage", json!("local-lvm"))
        .with("disk.", json!({ "disk": [{ "slot": "scsi0", "type": "disk", "storage": "local", "size": "8G" }] }))
        .with("cpu.", json!({ "cpu": [{ "cores": 2, "sockets": 1, "type": "x86-64-v2-AES" }] })).sample("cpu.type", json!("host")).sample("cpu.cores", json!(3))
        .with("cpu.affinity", json!({})).sample("cpu.units", json!(500))
        .with("vga", json!({ "vga": [{ "type": "qxl" }] })).sample("vga.type", json!("virtio")).sample("vga.memory", json!(32))
        .with("serial", json!({ "serial": [{ "id": 0 }] })).sample("serial.type", json!("/dev/ttyS0")).not("serial.id", "its place in the list")
        .with("efidisk", json!({ "bios": "ovmf", "efidisk": [{ "storage": "local" }] })).sample("efidisk.storage", json!("local-lvm")).sample("efidisk.efitype", json!("2m"))
        .with("tpm_state", json!({ "tpm_state": [{ "storage": "local" }] })).sample("tpm_state.storage", json!("local-lvm")).sample("tpm_state.version", json!("v1.2"))
        .with("usb", json!({ "usb": [{ "host": "1234:0001" }] })).sample("usb.host", json!("1234:5678"))
        .with("usb.device_id", json!({ "usb": [{ "host": null, "device_id": "1234:0001" }] })).sample("usb.device_id", json!("1234:5678"))
        .with("usb.port_id", json!({ "usb": [{ "host": null, "port_id": "1-1" }] })).sample("usb.port_id", json!("1-2"))
        .with("usb.mapping_id", json!({ "usb": [{ "host": null, "mapping_id": "stick" }] })).sample("usb.mapping_id", json!("key")).not("usb.id", "its place in the list")
        .with("usbs.usb0.device", json!({ "usb": null, "usbs": [{ "usb0": [{ "device": [{ "device_id": "1234:0001" }] }] }] })).sample("usbs.usb0.device.device_id", json!("1234:5678"))
        .with("usbs.usb0.port", json!({ "usb": null, "usbs": [{ "usb0": [{ "port": [{ "port_id": "1-1" }] }] }] })).sample("usbs.usb0.port.port_id", json!("1-2"))
        .with("usbs.usb0.mapping", json!({ "usb": null, "usbs": [{ "usb0": [{ "mapping": [{ "mapping_id": "stick" }] }] }] })).sample("usbs.usb0.mapping.mapping_id", json!("key"))
        .with("usbs.usb0.spice", json!({ "usb": null, "usbs": [{ "usb0": [{ "spice": [{}] }] }] }))
        .with("pcis.pci0.raw", json!({ "machine": "q35", "pcis": [{ "pci0": [{ "raw": [{ "raw_id": "0000:01:00.0" }] }] }] })).sample("pcis.pci0.raw.raw_id", json!("0000:02:00.0")).sample("pcis.pci0.raw.mdev", json!("nvidia-1"))
        .with("pcis.pci0.mapping", json!({ "machine": "q35", "pcis": [{ "pci0": [{ "mapping": [{ "mapping_id": "card" }] }] }] })).sample("pcis.pci0.mapping.mapping_id", json!("other")).sample("pcis.pci0.mapping.mdev", json!("nvidia-1"))
        .with("smbios", json!({ "smbios": [{ "serial": "one" }] })).sample("smbios.uuid", json!("7d4ab9a3-4a3c-4d4c-8a9b-0d7f2f0c9a11"))
        .with("rng", json!({ "rng": [{ "source": "/dev/random" }] })).sample("rng.source", json!("/dev/hwrng"))
        .with("startup_shutdown", json!({ "startup_shutdown": [{ "order": 1 }] })).sample("startup_shutdown.order", json!(2))
        .sample("power_state", json!("running")).sample("target_nodes", json!(["pve2"])).not("target_nodes", "in place of `target_node`: tried by itself")
        .with("hostpci", json!({ "machine": "q35", "hostpci": [{ "host": "0000:01:00" }] })).sample("hostpci.host", json!("0000:02:00")).sample("hostpci.rombar", json!(0))
        .not("network.id", "its place in the list").not("network.bridge", "this provider makes no other: tried with the other provider");
    for at in 0..16 {
        // Leaked: names live as long as the test.
        let name: &'static str = format!("ipconfig{at}").leak();
        case = case.sample(name, json!("ip=10.9.0.7/24,gw=10.9.0.1"));
    }
    let drive =
        json!({ "disks": [{ "ide": [{ "ide2": [{ "cloudinit": [{ "storage": "local" }] }] }] }] });
    for name in [
        "ciuser",
        "cipassword",
        "cicustom",
        "ciupgrade",
        "searchdomain",
        "nameserver",
        "sshkeys",
        "ipconfig",
    ] {
        case = case.with(name, drive.clone());
    }
    for disk in ["disks.scsi.scsi0.disk.", "disk."] {
        let path = |name: &str| -> &'static str { format!("{disk}{name}").leak() };
        case = case
            .sample(path("storage"), json!("local-lvm"))
            .sample(path("asyncio"), json!("threads"))
            .not(path("size"), "disks only grow: tried by itself")
            .not(path("format"), "a disk keeps its format until it is moved")
            .sample(path("wwn"), json!("0x5000c500a0b1c2d3"));
    }
    for name in [
        "disk.iops",
        "disk.iops_max",
        "disk.iops_max_length",
        "disk.mbps",
    ] {
        case = case.not(name, "the same as in `disks`");
    }
    for name in ["disk.slot", "disk.type", "disk.iso"] {
        case = case.not(name, "where it is and what: another disk");
    }
    for name in [
        "disks.sata",
        "disks.virtio",
        "disks.ide.ide0",
        "disks.ide.ide1",
        "disks.ide.ide3",
        "disks.ide.ide2.disk",
        "disks.scsi.scsi0.c",
    ] {
        case = case.not(name, "the same as at other buses and slots");
    }
    for at in 1..10 {
        case = case.not(
            format!("disks.scsi.scsi{at}").leak(),
            "the same as in the first slot",
        );
    }
    for name in [
        "additional_wait",
        "define_connection_info",
        "os_type",
        "skip_ipv",
        "ssh_user",
        "ssh_forward_ip",
        "ssh_private_key",
        "ci_wait",
        "disk.id",
        "disk.file",
        "disk.volume",
        "disk.storage_type",
    ] {
        case = case.not(name, "asks for nothing here, as the documentation says");
    }
    for name in ["device_id", "vendor_id", "sub_device_id", "sub_vendor_id"] {
        for block in ["pci", "pcis.pci0.raw", "pcis.pci0.mapping"] {
            case = case.sample(format!("{block}.{name}").leak(), json!("0x1234"));
        }
    }
    for at in 1..16 {
        for slot in ["usbs.usb", "pcis.pci"] {
            case = case.not(
                format!("{slot}{at}").leak(),
                "the same as in the first slot",
            );
        }
    }
    for name in [
        "pxe",
        "preprovision",
        "force_create",
        "kvm",
        "oncreate",
        "os_network_config",
    ] {
        case = case.not(name, "may only say what is so anyway");
    }
    case.not("agent_timeout", "how long it is waited for")
        .not("target_node", ELSEWHERE)
        .not(
            "force_recreate_on_change_of",
            "another text makes it anew, the same otherwise",
        )
        .not("disk.media", "a CD in place of a disk: another drive")
        .not("automatic_reboot", "how it is changed: tried by itself")
}

#[tokio::test]
async fn every_argument_of_telmate_s_machines_lives() {
    live(vec![machine()]).await;
}

#[tokio::test]
async fn every_argument_of_telmate_s_containers_lives() {
    let mut case = guest("proxmox_lxc", json!({
        "target_node": "pve", "vmid": 200, "hostname": "ct", "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }],
    }))
    .sample("hostname", json!("ct2")).sample("ostemplate", json!("local:vztmpl/e.tar.zst")).sample("password", json!("12345678"))
    .with("password", json!({ "password": "87654321" })).with("ssh_public_keys", json!({ "ssh_public_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI y" }))
    .sample("ssh_public_keys", json!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x")).sample("arch", json!("arm64")).sample("cmode", json!("shell"))
    .sample("hookscript", json!("local:snippets/h.sh")).sample("ostype", json!("ubuntu")).sample("cpuunits", json!(500))
    .with("network", json!({ "network": [{ "name": "eth0", "bridge": "vmbr0", "hwaddr": "BC:24:11:00:00:01" }] }))
    .with("network.gw", json!({ "network": [{ "ip": "10.9.0.3/24" }] })).with("network.gw6", json!({ "network": [{ "ip6": "fd00::3/64" }] }))
    .sample("network.name", json!("eth5")).sample("network.hwaddr", json!("BC:24:11:00:00:77")).sample("network.ip", json!("10.9.0.7/24"))
    .sample("network.ip6", json!("fd00::7/64")).sample("network.gw", json!("10.9.0.1")).sample("network.gw6", json!("fd00::1")).sample("network.mtu", json!(1400))
    .not("network.bridge", "this provider makes no other: tried with the other provider").not("network.type", "there is one type")
    .with("mountpoint", json!({ "mountpoint": [{ "key": "0", "slot": 0, "storage": "local", "mp": "/data", "size": "4G" }] }))
    .sample("mountpoint.storage", json!("local-lvm")).sample("mountpoint.mp", json!("/other")).not("mountpoint.size", "volumes only grow: tried by itself").sample("mountpoint.replicate", json!(false)).not("target_node", ELSEWHERE)
    .not("mountpoint.volume", "one that is there, in place of a new one").not("mountpoint.key", "its place in the list").not("mountpoint.slot", "its place in the list")
    .sample("rootfs.storage", json!("local-lvm")).not("rootfs.size", "disks only grow: tried by itself").not("rootfs.volume", "it is told")
    .with("features", json!({ "features": [{ "nesting": true }] })).sample("features.nesting", json!(false)).sample("features.mount", json!("nfs"))
    .not("template", "there is no way back: tried with the other provider");
    for name in [
        "bwlimit",
        "force",
        "ignore_unpack_errors",
        "lock",
        "restore",
        "unique",
    ] {
        case = case.not(name, "may only say what is so anyway");
    }
    live(vec![case]).await;
}

#[tokio::test]
async fn every_argument_of_telmate_s_pool_lives() {
    live(vec![
        case("proxmox_storage_iso", json!({ "pve_node": "pve", "storage": "local", "url": "https://example.com/a.iso", "filename": "a.iso" }))
            .import("{pve_node}/{id}")
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 100, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .sample("pve_node", json!("pve2")).sample("filename", json!("b.iso")).sample("storage", json!("local-lvm"))
            .not("storage", "the other storage takes no images").not("pve_node", "each node has a `local` of its own").not("checksum", "tried with the other provider's type").not("timeouts", PATIENCE),
        case("proxmox_cloud_init_disk", json!({ "name": "web", "pve_node": "pve", "storage": "local" }))
            .no_import().sample("name", json!("db"))
            .not("storage", "the other storage takes no images").not("pve_node", "each node has a `local` of its own")
            .not("meta_data", "in the image, which is sent whole: tested there").not("network_config", "the same").not("user_data", "the same").not("vendor_data", "the same").not("timeouts", PATIENCE),
        case("proxmox_lxc_disk", json!({ "container": "pve/lxc/100", "slot": 0, "storage": "local", "mp": "/data", "size": "4G" }))
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 100, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 101, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .sample("container", json!("pve/lxc/101")).sample("mp", json!("/other")).sample("slot", json!(1)).sample("storage", json!("local-lvm"))
            .not("size", "volumes only grow").not("replicate", "what is so anyway").not("timeouts", PATIENCE),
        case("proxmox_pool", json!({ "poolid": "p" })).sample("poolid", json!("q")).not("timeouts", PATIENCE),
    ])
    .await;
}
