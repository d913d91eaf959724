//! The arguments of telmate's types, version 3.0, with those of 2.9 that say the same.
//!
//! A line is an argument: its name, its type, and `r` (required), `o` (optional), `c` (computed), `oc`;
//! then `!` if a change makes it anew, `=` with what it is if nobody says, `<` with its name in 2.9, and `switch`
//! for a truth that 2.9 has written as `1` or `"on"`, too, and `zero` for a number whose 0 says nothing.

use serde_json::{Map, Value as Json, json};

use super::devices::SLOTS;
use crate::provider::schema::Facts;

const MACHINE: &str = "
name string o
target_node string o
target_nodes set_of_string o
vmid number oc ! zero
desc string o
description string o
define_connection_info bool o =true
bios string o =\"seabios\"
onboot bool o
start_at_node_boot bool o
vm_state string o =\"running\"
power_state string o
protection bool o =false
tablet bool o =true
boot string oc
bootdisk string o
iso string o
oncreate bool o
force_recreate_on_change_of string o !
agent number o =0
agent_timeout number o =90
pxe bool o
clone string o !
clone_id number o !
full_clone bool o ! =true
hastate string o
hagroup string o
qemu_os string o =\"l26\"
os_type string o
memory number o =512
balloon number o =0
sockets number o =1
cores number o =1
vcpus number o =0
cpu_type string o =\"host\" <cpu
numa bool o =false
kvm bool o =true
hotplug string o =\"network,disk,usb\"
scsihw string o =\"lsi\"
machine string o
args string o
pool string o
tags string o
force_create bool o
startup string o
automatic_reboot bool o =true
skip_ipv4 bool o =false
skip_ipv6 bool o =false
ciuser string o
cipassword string o s
cicustom string o
ciupgrade bool o =false
searchdomain string o
nameserver string o
sshkeys string o
cloudinit_cdrom_storage string o
ci_wait number o
additional_wait number o =5
clone_wait number o =10
os_network_config string o
preprovision bool o
ssh_forward_ip string o
ssh_user string o
ssh_private_key string o s
default_ipv4_address string c
default_ipv6_address string c
ssh_host string c
ssh_port string c
reboot_required bool c
current_node string c
";

const CONTAINER: &str = "
target_node string r !
ostemplate string o !
clone string o !
clone_storage string o !
full bool o !
hostname string o
description string o
password string o s !
ssh_public_keys string o !
unprivileged bool o ! =false
arch string o =\"amd64\"
cores number o
cpulimit number o =0
cpuunits number o =1024
memory number o =512
swap number o =0
cmode string o =\"tty\"
console bool o =true
tty number o =2
hookscript string o
nameserver string o
searchdomain string o
onboot bool o =false
ostype string oc
pool string o
protection bool o =false
start bool o =false
startup string o
tags string o
vmid number oc ! zero
template bool o !
bwlimit number o
force bool o
hagroup string o
hastate string o
ignore_unpack_errors bool o
lock string o
restore bool o
unique bool o
";

const NETWORK: &str = "
id number o
model string r
macaddr string oc
bridge string o =\"nat\"
tag number o =0
firewall bool o =false
rate number o =0
queues number o =0
link_down bool o =false
mtu number o =0
";

/// What a disk is like, in whichever block it stands.
const DISK_OPTIONS: &str = "
storage string o
size string o
format string o
asyncio string o <aio
backup bool o =true switch
cache string o
discard bool o =false switch
emulatessd bool o =false switch <ssd
iothread bool o =false switch
readonly bool o =false
wwn string o
replicate bool o =false switch
serial string o
iops_r_concurrent number o =0 <iops_rd
iops_r_burst number o =0 <iops_rd_max
iops_r_burst_length number o =0 <iops_rd_max_length
iops_wr_concurrent number o =0 <iops_wr
iops_wr_burst number o =0 <iops_wr_max
iops_wr_burst_length number o =0 <iops_wr_max_length
mbps_r_concurrent number o =0 <mbps_rd
mbps_r_burst number o =0 <mbps_rd_max
mbps_wr_concurrent number o =0 <mbps_wr
mbps_wr_burst number o =0 <mbps_wr_max
";

/// What a block `disk` has beside them: where it is, what it is, and what else 2.9 knew.
const DISK_PLACE: &str = "
id number o
slot string o
type string o =\"disk\"
iso string o
media string o
storage_type string o
mbps number o
iops number o
iops_max number o
iops_max_length number o
file string o
volume string o
";

const PCI: &str = "
mapping_id string o
raw_id string o
pcie bool o =false
primary_gpu bool o =false
rombar bool o =true
mdev string o
device_id string o
vendor_id string o
sub_device_id string o
sub_vendor_id string o
";

const SMBIOS: &str = "
family string o
manufacturer string o
product string o
serial string o
sku string o
uuid string oc
version string o
";

const RNG: &str = "
limit number o =1024
period number o
source string o =\"/dev/urandom\"
";

const STARTUP: &str = "
order number o =-1
shutdown_timeout number o =-1
startup_delay number o =-1
";

const NET_OF_CONTAINER: &str = "
name string r
bridge string o
firewall bool o
gw string o
gw6 string o
hwaddr string oc
ip string o
ip6 string o
mtu number o
rate number o
tag number o
trunks string o
type string oc
";

const MOUNT: &str = "
key string o
slot number o
storage string o
mp string r
size string o
volume string o
acl bool o
backup bool o
quota bool o
replicate bool o
shared bool o
";

const IMAGE: &str = "
storage string r !
pve_node string r !
url string r !
filename string r !
checksum string o !
checksum_algorithm string o !
";

const DRIVE: &str = "
name string r !
pve_node string r !
storage string r !
meta_data string o !
network_config string o !
user_data string o !
vendor_data string o !
sha256 string c
size number c
";

const VOLUME: &str = "
container string r !
slot number r !
storage string r !
mp string r
size string r
acl bool o
backup bool o
quota bool o
read_only bool o
replicate bool o
shared bool o
volume string c
";

/// The data source, which tells of one group in spite of its name.
const HA_GROUP: &str = "
group_name string r
nodes list_of_string c
type string c
restricted bool c
nofailback bool c
comment string c
";

/// The buses of disks and how many each has.
pub(super) const BUSES: [(&str, usize); 4] =
    [("ide", 4), ("sata", 6), ("scsi", 31), ("virtio", 16)];

/// Takes lines apart.
fn read(text: &str) -> Map<String, Json> {
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_default();
        let (name, ty, presence) = (next(), next(), next());
        let mut arg = json!({ "t": ty.replace('_', " "), "p": presence });
        for word in words {
            match word.strip_prefix('=') {
                Some(usual) => arg["d"] = serde_json::from_str(usual).unwrap_or_default(),
                None if word == "!" => arg["f"] = json!(1),
                None if word.starts_with('<') => arg["was"] = json!(word[1..]),
                None => arg[word] = json!(1),
            }
        }
        (name.to_owned(), arg)
    });
    lines.collect()
}

fn block(args: Map<String, Json>, most: u64) -> Json {
    let mut block = json!({ "t": "list", "p": "o", "b": args });
    if most > 0 {
        block["n"] = json!(most);
    }
    block
}

fn lines(text: &str, most: u64) -> Json {
    block(read(text), most)
}

/// How long each kind of call may take: a block that every resource has, once.
fn timeouts() -> Json {
    let calls = ["create", "read", "update", "delete", "default"];
    let calls = calls.map(|call| (call.to_owned(), json!({ "t": "string", "p": "o" })));
    json!({ "t": "block", "p": "o", "b": Map::from_iter(calls) })
}

/// The block `disks`: buses, slots, and what can be in a slot.
fn disks() -> Json {
    let mut buses = Map::new();
    for (bus, count) in BUSES {
        let mut slot = Map::new();
        slot.insert("disk".to_owned(), lines(DISK_OPTIONS, 1));
        slot.insert(
            "cdrom".to_owned(),
            lines("iso string o\npassthrough bool o =false", 1),
        );
        slot.insert("cloudinit".to_owned(), lines("storage string r", 1));
        let slots = (0..count).map(|number| (format!("{bus}{number}"), block(slot.clone(), 1)));
        buses.insert(bus.to_owned(), block(slots.collect(), 1));
    }
    block(buses, 1)
}

/// A block of numbered slots, each with one of several kinds of device.
fn in_slots((_, prefix, count): (&str, &str, usize), kinds: &Map<String, Json>) -> Json {
    let slots = (0..count).map(|number| (format!("{prefix}{number}"), block(kinds.clone(), 1)));
    block(slots.collect(), 1)
}

fn usb_kinds() -> Map<String, Json> {
    let kinds = [
        ("device", "device_id string r\nusb3 bool o"),
        ("mapping", "mapping_id string r\nusb3 bool o"),
        ("port", "port_id string r\nusb3 bool o"),
        ("spice", "usb3 bool o"),
    ];
    let kinds = kinds.map(|(name, members)| (name.to_owned(), lines(members, 1)));
    kinds.into_iter().collect()
}

/// A device by its address has no mapping, and the other way round.
fn pci_kinds() -> Map<String, Json> {
    let kinds = [
        ("raw", "raw_id", "mapping_id"),
        ("mapping", "mapping_id", "raw_id"),
    ];
    let kinds = kinds.map(|(name, needed, other)| {
        let mut members = read(PCI);
        members.remove(other);
        members[needed]["p"] = json!("r");
        (name.to_owned(), block(members, 1))
    });
    kinds.into_iter().collect()
}

fn machine() -> Map<String, Json> {
    let mut args = read(MACHINE);
    for number in 0..16 {
        args.insert(
            format!("ipconfig{number}"),
            json!({ "t": "string", "p": "o" }),
        );
    }
    args.insert("network".to_owned(), lines(NETWORK, 0));
    let mut disk = read(DISK_OPTIONS);
    disk.extend(read(DISK_PLACE));
    args.insert("disk".to_owned(), block(disk, 0));
    args.insert("disks".to_owned(), disks());
    args.insert(
        "cpu".to_owned(),
        lines(
            "cores number o =1\nsockets number o =1\ntype string o =\"host\"\nnuma bool o\nlimit number o =0\nunits number o =0\nvcores number o =0\naffinity string o",
            1,
        ),
    );
    args.insert(
        "vga".to_owned(),
        lines("type string o =\"std\"\nmemory number o", 1),
    );
    args.insert(
        "serial".to_owned(),
        lines("id number r\ntype string o =\"socket\"", 4),
    );
    args.insert(
        "efidisk".to_owned(),
        lines(
            "storage string r\nefitype string o =\"4m\"\npre_enrolled_keys bool o",
            1,
        ),
    );
    args.insert(
        "tpm_state".to_owned(),
        lines("storage string r\nversion string o =\"v2.0\"", 1),
    );
    args.insert(
        "usb".to_owned(),
        lines(
            "id number o\nhost string o\ndevice_id string o\nport_id string o\nmapping_id string o\nusb3 bool o",
            0,
        ),
    );
    args.insert("usbs".to_owned(), in_slots(SLOTS[0], &usb_kinds()));
    args.insert("pcis".to_owned(), in_slots(SLOTS[1], &pci_kinds()));
    args.insert("smbios".to_owned(), lines(SMBIOS, 1));
    args.insert("rng".to_owned(), lines(RNG, 1));
    args.insert("startup_shutdown".to_owned(), lines(STARTUP, 1));
    args.insert(
        "hostpci".to_owned(),
        lines("host string r\nrombar number o =1\npcie number o =0", 0),
    );
    args.insert("pci".to_owned(), lines(&format!("id number r{PCI}"), 16));
    args
}

fn container() -> Map<String, Json> {
    let mut args = read(CONTAINER);
    args.insert("network".to_owned(), lines(NET_OF_CONTAINER, 0));
    args.insert(
        "rootfs".to_owned(),
        lines("storage string r !\nsize string r\nvolume string oc", 1),
    );
    args.insert("mountpoint".to_owned(), lines(MOUNT, 0));
    args.insert(
        "features".to_owned(),
        lines(
            "fuse bool o =false\nkeyctl bool o =false\nmount string o\nnesting bool o =false",
            1,
        ),
    );
    args
}

/// The facts of all types.
pub(crate) fn facts() -> Vec<Facts> {
    let all = [
        ("proxmox_vm_qemu", machine()),
        ("proxmox_lxc", container()),
        ("proxmox_pool", read("poolid string r !\ncomment string o")),
        ("proxmox_storage_iso", read(IMAGE)),
        ("proxmox_cloud_init_disk", read(DRIVE)),
        ("proxmox_lxc_disk", read(VOLUME)),
    ];
    let id = || json!({ "t": "string", "p": "c" });
    let facts = |name: &str, mut args: Map<String, Json>, is_data: bool| {
        args.insert("id".to_owned(), id());
        if !is_data {
            args.insert("timeouts".to_owned(), timeouts());
        }
        Facts::telmate(name, args, is_data)
    };
    let resources = all.into_iter().map(|(name, args)| facts(name, args, false));
    let data = facts("proxmox_ha_groups", read(HA_GROUP), true);
    resources.chain([data]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_argument() {
        let args = read("vmid number oc !\ncipassword string o s\nmemory number o =512");
        assert_eq!(args["vmid"], json!({ "t": "number", "p": "oc", "f": 1 }));
        assert_eq!(args["cipassword"]["s"], 1);
        assert_eq!(args["memory"]["d"], 512);
        let args = read("emulatessd bool o =false switch <ssd");
        let told = json!({ "t": "bool", "p": "o", "d": false, "switch": 1, "was": "ssd" });
        assert_eq!(args["emulatessd"], told);
    }

    #[test]
    fn every_slot_of_a_bus_is_there() {
        let args = machine();
        let scsi = &args["disks"]["b"]["scsi"]["b"];
        assert_eq!(scsi["scsi30"]["b"]["disk"]["b"]["size"]["t"], "string");
        assert!(scsi["scsi31"].is_null());
    }
}
