//! Looks at a machine's configuration and plan: what cannot be, and what a change does to the guest.

use serde_json::Value as Json;
use strata_core::{
    Diagnostic, Diagnostics,
    provider::{Effect, EffectKind},
};

use super::{
    QEMU, attach, cannot, disks, import, is_clone,
    on_change::{OnChange, differs},
    settings,
    sizes::{print_size, wanted_size},
    update,
};
use crate::provider::{
    OPEN,
    ahead::{self, Network, Wanted},
    guest::{self, all, first, positive, text},
    kind::{Outcome, Planned},
    value,
};

/// Settings that a running machine takes at once.
const LIVE: [&str; 12] = [
    "name",
    "description",
    "tags",
    "onboot",
    "startup",
    "protection",
    "cpulimit",
    "cpuunits",
    "hotplug",
    "balloon",
    "hookscript",
    "digest",
];

pub(super) fn validate(config: &Json, diags: &mut Diagnostics) {
    let mut seen = std::collections::BTreeSet::new();
    for (interface, _) in disks(config) {
        // A number alone is one on a bus that is not known yet.
        if interface.bytes().all(|byte| byte.is_ascii_digit()) && config[OPEN] == true {
            continue;
        }
        if !settings::is_drive(interface) {
            diags.push(Diagnostic::error(
                "proxmox-invalid-value",
                format!("`{interface}` is no interface of a disk: it is `scsi0`, `virtio0`, `sata0` or the like"),
            ));
        }
        if !seen.insert(interface) {
            diags.push(Diagnostic::error(
                "proxmox-invalid-value",
                format!("two disks have the interface `{interface}`"),
            ));
        }
    }
    let init = first(config, "initialization");
    let account = !first(init, "user_account").is_null();
    if account && text(init, "user_data_file_id").is_some() {
        diags.push(
            Diagnostic::warning(
                "proxmox-no-effect",
                "`initialization.user_account` has no effect beside `user_data_file_id`",
            )
            .detail("The file takes the place of all that PVE would write for cloud-init's user."),
        );
    }
    OnChange::validate(config, diags);
    if config["template"] == true && config["started"] == true {
        diags.push(Diagnostic::error(
            "proxmox-invalid-value",
            "a template cannot be started",
        ));
    }
}

pub(super) async fn plan(planned: &mut Planned<'_>) -> Outcome<()> {
    let object = planned.planned;
    let init = first(object, "initialization");
    let networks = all(object, "network_device").iter().enumerate();
    let networks = networks.map(|(at, device)| {
        let config = all(init, "ip_config").get(at).unwrap_or(&Json::Null);
        Network::of(device, config)
    });
    let networks = networks.collect();
    match planned.prior {
        None => {
            let wanted = wanted(object, planned.said, networks);
            ahead::new_guest(planned, &wanted).await?;
            import::say(planned);
            cloud_init(planned).await
        }
        Some(prior) => {
            ahead::addresses(planned, &networks)?;
            look(planned, prior)
        }
    }
}

/// Looks whether somebody will read the settings for cloud-init: without a drive nobody does.
async fn cloud_init(planned: &mut Planned<'_>) -> Outcome<()> {
    let object = planned.planned;
    let init = first(object, "initialization");
    let template =
        value::number(&first(object, "clone")["vm_id"]).and_then(|id| u32::try_from(id).ok());
    let nowhere = init["(no drive)"] == true;
    let (Some(session), false) = (planned.session, init.is_null()) else {
        return Ok(());
    };
    let config = match template {
        Some(id) => session.template(id).await,
        None => None,
    };
    let has_drive = config.as_deref().and_then(settings::cloud_init_interface);
    let unknown = template.is_some() && config.is_none();
    if has_drive.is_some() || unknown {
        return Ok(());
    }
    let of = template.map_or("The VM".to_owned(), |id| format!("The template {id}"));
    if nowhere && template.is_none() {
        // Whether it is made from another may be what only apply can tell.
        return Ok(());
    }
    if nowhere {
        return Err(cannot(
            "proxmox-no-cloud-init",
            format!("{of} has no cloud-init drive"),
            "so nobody would read the user, keys, addresses and name servers that are set: give it one by a disk of the type `cloudinit`, which names a storage",
        ));
    }
    let interface = text(init, "interface").unwrap_or("ide2");
    let taken = config
        .as_deref()
        .and_then(|config| config[interface].as_str());
    if let Some(taken) = taken {
        return Err(cannot(
            "proxmox-no-cloud-init",
            format!("{of} has no cloud-init drive, and its `{interface}` is taken"),
            format!(
                "`{}` is there: free it in the template, or choose another `initialization.interface`",
                taken.split(',').next().unwrap_or_default()
            ),
        ));
    }
    if template.is_some() {
        planned.effects.push(Effect {
            kind: EffectKind::Live,
            reason: format!("{of} has no cloud-init drive: the VM is given one as `{interface}`; its system must have cloud-init to read it"),
        });
    }
    Ok(())
}

/// What a new machine wants of its node; what only apply can tell is left out.
fn wanted(object: &Json, said: Option<&Json>, networks: Vec<Network>) -> Wanted {
    let mut storages: Vec<(String, &'static str, i64)> = Vec::new();
    for (interface, disk) in disks(object) {
        if let Some(storage) = text(disk, "datastore_id") {
            let is_there = said.is_some_and(|said| attach::is_attached(said, interface));
            let size = positive(disk, "size").filter(|_| !is_there).unwrap_or(0);
            storages.push((storage.to_owned(), "images", size));
        }
    }
    for block in ["initialization", "efi_disk", "tpm_state"] {
        if let Some(storage) = text(first(object, block), "datastore_id") {
            storages.push((storage.to_owned(), "images", 0));
        }
    }
    let memory = positive(first(object, "memory"), "dedicated");
    let starts = object["started"] != false && object["template"] != true;
    Wanted {
        kind: QEMU,
        memory: memory.filter(|_| starts),
        storages,
        networks,
    }
}

fn look(planned: &mut Planned<'_>, prior: &Json) -> Outcome<()> {
    let object = planned.planned;
    for (interface, disk) in disks(object) {
        let was = disks(prior)
            .into_iter()
            .find(|(name, _)| *name == interface);
        let before = was.and_then(|(_, was)| wanted_size(was));
        if let (Some(before), Some(after)) = (before, wanted_size(disk))
            && after < before
        {
            let (before, after) = (print_size(before), print_size(after));
            return Err(cannot(
                "proxmox-shrink",
                format!("The disk `{interface}` cannot be made smaller"),
                format!("it has {before}, {after} are wanted: disks only grow"),
            ));
        }
    }
    if prior["node_name"] != object["node_name"] && object["migrate"] != true {
        planned.replace.push("node_name");
    }
    for (interface, disk) in disks(object) {
        let was = disks_named(prior, interface).map_or(&Json::Null, |was| &was["import_from"]);
        if !was.is_null() && *was != disk["import_from"] {
            planned.warnings.push(
                Diagnostic::warning("proxmox-once", format!("The disk `{interface}` stays as it was made"))
                    .detail("`import_from` counts when a disk is made: replace the machine, or take the disk out and put it in again, to have it made of another image."),
            );
        }
    }
    import::say(planned);
    OnChange::of(object).plan(planned, prior);
    // Its kind is settled when such a drive is made; another storage is a move.
    for (block, kinds) in [
        ("efi_disk", &["type", "pre_enrolled_keys"][..]),
        ("tpm_state", &["version"][..]),
    ] {
        let (was, is) = (first(prior, block), first(object, block));
        let both = !was.is_null() && !is.is_null();
        if both && kinds.iter().any(|name| was[*name] != is[*name]) {
            planned.replace.push(block);
        }
    }
    let mut difference = update::difference(prior, object, &Json::Null);
    let same_drives = disks(prior) == disks(object);
    let quiet = [
        "started",
        "template",
        "node_name",
        "clone",
        "vm_id",
        "reboot",
        "migrate",
        "stop_on_destroy",
        "purge_on_destroy",
        "delete_unreferenced_disks_on_destroy",
        "reboot_after_update",
    ];
    let same_rest = quiet
        .iter()
        .all(|name| prior[*name] == object[*name] || object[*name].is_null());
    let same_rest = same_rest && text(prior, "pool_id") == text(object, "pool_id");
    let same_times = object
        .as_object()
        .into_iter()
        .flatten()
        .all(|(name, value)| !name.starts_with("timeout_") || prior[name.as_str()] == *value);
    difference.remove("delete");
    planned.nothing = difference.is_empty()
        && same_drives
        && same_rest
        && same_times
        && first(prior, "agent")["timeout"] == first(object, "agent")["timeout"]
        && nothing_gone(prior, object);
    if planned.nothing {
        return Ok(());
    }
    effects(planned, prior, &difference);
    reopen(planned, prior);
    Ok(())
}

/// True if no setting that was there is to go.
fn nothing_gone(prior: &Json, object: &Json) -> bool {
    let clone = is_clone(object);
    let after = settings::settings(object, clone);
    settings::settings(prior, clone)
        .iter()
        .all(|(name, _)| after.get(name).is_some())
}

fn effects(planned: &mut Planned<'_>, prior: &Json, difference: &crate::client::Params) {
    let object = planned.planned;
    let running = prior["started"] != false && prior["template"] != true;
    let stays_on = running && object["started"] != false;
    let mut effects = Vec::new();
    if differs(prior, object) {
        let change = OnChange::of(object);
        let kind = match change.reboots() && stays_on {
            true => EffectKind::Restart,
            false => EffectKind::Live,
        };
        let reason = change.reason(stays_on).to_owned();
        effects.push(Effect { kind, reason });
    }
    if running && object["started"] == false {
        effects.push(Effect {
            kind: EffectKind::Restart,
            reason: "the VM is shut down".to_owned(),
        });
    }
    let cold = cold(prior, object, difference);
    if stays_on && !cold.is_empty() {
        let names = cold.join(", ");
        let (kind, reason) = match object["reboot_after_update"] != false {
            true => (
                EffectKind::Restart,
                format!("{names}: a running VM takes this only when it starts again"),
            ),
            false => (
                EffectKind::Live,
                format!("{names}: waits for the next start, since `reboot_after_update` is false"),
            ),
        };
        effects.push(Effect { kind, reason });
    }
    for (interface, disk) in disks(object) {
        let was = disks(prior)
            .into_iter()
            .find(|(name, _)| *name == interface);
        if let Some((_, was)) = was
            && was["datastore_id"] != disk["datastore_id"]
        {
            effects.push(Effect {
                kind: EffectKind::Live,
                reason: format!(
                    "the disk `{interface}` is moved to `{}`",
                    disk["datastore_id"].as_str().unwrap_or_default()
                ),
            });
        }
    }
    let kept: Vec<&str> = disks(object).into_iter().map(|(name, _)| name).collect();
    for (interface, _) in disks(prior)
        .into_iter()
        .filter(|(name, _)| !kept.contains(name))
    {
        planned.warnings.push(
            Diagnostic::warning("proxmox-disk-detached", format!("The disk `{interface}` is taken from the VM"))
                .detail("Its content stays in the storage as an unused disk of the VM; delete it there if it is not needed."),
        );
    }
    planned.effects.extend(effects);
}

/// What of a change a running machine takes only when it starts again, by the names of its settings.
pub(super) fn cold(prior: &Json, object: &Json, difference: &crate::client::Params) -> Vec<String> {
    let hotplug = text(object, "hotplug").unwrap_or("network,disk,usb");
    let clone = is_clone(object);
    let after = settings::settings(object, clone);
    let before = settings::settings(prior, clone);
    let changed = difference.iter().map(|(name, _)| name);
    let gone = before.iter().map(|(name, _)| name);
    let gone = gone.filter(|name| after.get(name).is_none());
    let mut names: Vec<String> = changed
        .chain(gone)
        .filter(|name| *name != "delete" && *name != "digest" && !is_live(name, hotplug))
        .map(str::to_owned)
        .collect();
    let disks = disks(object).into_iter().filter(|(interface, disk)| {
        let was = disks_named(prior, interface);
        was.is_some_and(|was| is_cold_disk(was, disk))
    });
    names.extend(disks.map(|(interface, _)| interface.to_owned()));
    names
}

fn disks_named<'a>(object: &'a Json, interface: &str) -> Option<&'a Json> {
    let mut all = disks(object).into_iter();
    all.find(|(name, _)| *name == interface)
        .map(|(_, disk)| disk)
}

/// True if an option differs that a disk takes only when the machine starts again: limits of speed, backups and
/// replication it takes at once.
fn is_cold_disk(was: &Json, is: &Json) -> bool {
    let cold = |disk: &Json| {
        let mut parts = guest::parts(&settings::disk_options(disk));
        parts.retain(|name, _| {
            !["mbps", "iops", "backup", "replicate"]
                .iter()
                .any(|start| name.starts_with(start))
        });
        parts
    };
    cold(was) != cold(is)
}

fn is_live(name: &str, hotplug: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let plugged = |what: &str| hotplug == "1" || hotplug.split(',').any(|own| own == what);
    LIVE.contains(&name)
        || match stem {
            "scsi" | "virtio" => plugged("disk"),
            "net" => plugged("network"),
            "usb" => plugged("usb"),
            "ipconfig" => true,
            _ => name.starts_with("ci"),
        }
        || matches!(name, "nameserver" | "searchdomain" | "sshkeys")
}

/// What the guest tells is open again once it is started anew or plugged differently.
fn reopen(planned: &mut Planned<'_>, prior: &Json) {
    let object = planned.planned;
    let touched = [
        "started",
        "network_device",
        "initialization",
        "agent",
        "template",
    ];
    if touched.iter().any(|name| prior[*name] != object[*name]) {
        let told = [
            "ipv4_addresses",
            "ipv6_addresses",
            "network_interface_names",
            "mac_addresses",
        ];
        planned.reopen.extend(told);
    }
    if all(prior, "disk").len() != all(object, "disk").len() {
        planned.reopen.push("boot_order");
    }
    // Volumes of a template have other names, and so has one that is moved or new.
    let places = |object| -> Vec<_> {
        let disks = disks(object).into_iter();
        disks
            .map(|(name, disk)| (name, &disk["datastore_id"], &disk["file_format"]))
            .collect()
    };
    if prior["template"] != object["template"] || places(prior) != places(object) {
        planned.reopen.push("disk.path_in_datastore");
    }
}
