//! A machine is changed: settings, disks, power; only what differs is sent.

use hyper::Method;
use serde_json::Value as Json;

use super::{
    QEMU, attach, create, disks, import, is_clone, is_half_made, look, observe,
    on_change::{OnChange, differs},
    settings::{
        cloud_init_interface, disk_options, disk_options_over, new_disk, settings, special_drives,
    },
    wait,
};
use crate::{
    client::Params,
    provider::{
        guest::{self, Place, all, first, text},
        kind::{Doing, Outcome, Work},
    },
};

pub(super) async fn update(work: &Work<'_>, prior: &Json, object: &mut Json) -> Outcome<()> {
    let mut place = guest::place(work, QEMU, prior).await?;
    migrate(work, object, &mut place).await?;
    let config = create::read(work, &place).await?;
    create::settle_smbios(object, &config);
    let half_made = is_half_made(&config);
    if half_made && is_clone(object) {
        // Which of its settings came before it broke is not told: it is given all.
        return create::finish(work, object, &place).await;
    }
    change_disks(work, prior, object, &place, &config).await?;
    free_cloud_init(work, object, &place, &config).await?;
    let config = create::read(work, &place).await?;
    let mut params = difference(prior, object, &config);
    let announced = !look::cold(prior, object, &params).is_empty();
    let before = config;
    import::missing(work, object, &place, &before).await?;
    let config = create::read(work, &place).await?;
    disk_settings(prior, object, &config, &mut params);
    send(work, object, &place, &config, params).await?;
    for (interface, disk) in disks(object) {
        // One that is new is as large as what it was filled from.
        if before[interface].is_null() {
            create::grow(work, object, &place, (interface, disk)).await?;
        }
    }
    guest::change_pool(work, place.id, &prior["pool_id"], &object["pool_id"]).await?;
    if prior["initialization"] != object["initialization"]
        && cloud_init_interface(&config).is_some()
    {
        write_cloud_init(work, &place).await?;
    }
    let rereads = differs(prior, object) && OnChange::of(object).reboots();
    let reboot = Reboot {
        announced: announced || half_made,
        now: rereads && prior["started"] != false,
    };
    power(work, prior, object, &place, &reboot).await?;
    if half_made && object["started"] != false && object["template"] != true {
        wait::guest(work, object, &place).await?;
    }
    let config = create::read(work, &place).await?;
    let row = work
        .session
        .client
        .get(&place.path(&["status", "current"]))
        .await;
    observe::made(object, &config, &row.unwrap_or_default());
    work.session.forget().await;
    guest::remember(work.session, QEMU, object).await;
    Ok(())
}

/// Moves the machine to the node that the configuration names, if it is to move.
async fn migrate(work: &Work<'_>, object: &Json, place: &mut Place) -> Outcome<()> {
    let node = text(object, "node_name").filter(|node| *node != place.node);
    let Some(node) = node.filter(|_| object["migrate"] == true) else {
        return Ok(());
    };
    let params = Params::new()
        .with("target", node)
        .with("online", 1)
        .with("with-local-disks", 1);
    let limit = guest::limit(object, "timeout_migrate", 1800);
    let path = place.path(&["migrate"]);
    let moved = work.change(Method::POST, &path, &params, limit).await;
    moved.doing(|| format!("The VM {} was not moved to node `{node}`", place.id))?;
    place.node = node.to_owned();
    Ok(())
}

/// Sends the settings that differ, unless somebody changed the machine since `config` was read.
async fn send(
    work: &Work<'_>,
    object: &Json,
    place: &Place,
    config: &Json,
    mut params: Params,
) -> Outcome<()> {
    if params.is_empty() {
        return Ok(());
    }
    if let Some(digest) = config["digest"].as_str() {
        params.set("digest", digest);
    }
    let limit = guest::limit(object, "timeout_create", 1800);
    let path = place.path(&["config"]);
    let changed = work.change(Method::POST, &path, &params, limit).await;
    changed.doing(|| format!("The VM {} was not changed", place.id))?;
    Ok(())
}

async fn write_cloud_init(work: &Work<'_>, place: &Place) -> Outcome<()> {
    let written = work.put(&place.path(&["cloudinit"]), &Params::new()).await;
    written.doing(|| {
        format!(
            "The cloud-init drive of VM {} was not written anew",
            place.id
        )
    })?;
    Ok(())
}

/// Settings that are to differ, and those that are to go.
pub(super) fn difference(prior: &Json, object: &Json, config: &Json) -> Params {
    let clone = super::is_clone(object);
    let (before, after) = (settings(prior, clone), settings(object, clone));
    let mut params = Params::new();
    for (name, value) in after
        .iter()
        .filter(|(name, value)| before.get(name) != Some(value))
    {
        params.set(name, value);
    }
    let gone: Vec<&str> = before
        .iter()
        .map(|(name, _)| name)
        .filter(|name| after.get(name).is_none() && !config[*name].is_null())
        .collect();
    let mut drives = (Params::new(), Params::new());
    special_drives(prior, &Json::Null, &mut drives.0);
    special_drives(object, config, &mut drives.1);
    for (name, value) in drives
        .1
        .iter()
        .filter(|(name, value)| drives.0.get(name) != Some(value))
    {
        params.set(name, value);
    }
    let mut gone: Vec<&str> = gone;
    gone.extend(cdroms_gone(prior, object, config));
    if !gone.is_empty() {
        params.set("delete", gone.join(","));
    }
    params
}

/// Drives for CDs that are not to be any more, and are there.
fn cdroms_gone<'a>(prior: &'a Json, object: &Json, config: &Json) -> Vec<&'a str> {
    let interface = |cdrom: &'a Json| text(cdrom, "interface").unwrap_or("ide3");
    let kept: Vec<&str> = all(object, "cdrom")
        .iter()
        .map(|cdrom| text(cdrom, "interface").unwrap_or("ide3"))
        .collect();
    let before = all(prior, "cdrom").iter().map(interface);
    let there = |name: &&str| {
        let setting = config[*name].as_str().unwrap_or_default();
        setting.contains("media=cdrom") && !setting.contains("cloudinit")
    };
    before
        .filter(|name| !kept.contains(name) && there(name))
        .collect()
}

/// Disks that moved, grew, are new or are gone.
async fn change_disks(
    work: &Work<'_>,
    prior: &Json,
    object: &Json,
    place: &Place,
    config: &Json,
) -> Outcome<()> {
    for (interface, disk) in disks(object) {
        if let Some(now) = config[interface].as_str() {
            let was = disks(prior)
                .into_iter()
                .find(|(name, _)| *name == interface);
            if was.is_some_and(|(_, was)| was != disk) {
                move_disk(work, object, place, (interface, disk), now).await?;
                create::grow(work, object, place, (interface, disk)).await?;
            }
        }
    }
    for (block, interface) in [("efi_disk", "efidisk0"), ("tpm_state", "tpmstate0")] {
        let (was, disk) = (first(prior, block), first(object, block));
        if let Some(now) = config[interface].as_str()
            && (was["datastore_id"] != disk["datastore_id"]
                || was["file_format"] != disk["file_format"])
            && !disk.is_null()
        {
            move_disk(work, object, place, (interface, disk), now).await?;
        }
    }
    Ok(())
}

/// Takes a cloud-init drive off that is to be at another interface: there can be one alone.
pub(super) async fn free_cloud_init(
    work: &Work<'_>,
    object: &Json,
    place: &Place,
    config: &Json,
) -> Outcome<()> {
    let wanted = text(first(object, "initialization"), "interface");
    let Some(there) =
        cloud_init_interface(config).filter(|there| wanted.is_some_and(|wanted| wanted != there))
    else {
        return Ok(());
    };
    let row = work
        .session
        .client
        .get(&place.path(&["status", "current"]))
        .await;
    let row = row.doing(|| format!("The VM {} cannot be read", place.id))?;
    if row["status"] == "running" {
        // A machine that runs keeps the drive until it is off.
        wait::shutdown(work, object, place).await?;
    }
    let params = Params::new().with("delete", &there);
    let gone = work.post(&place.path(&["config"]), &params).await;
    gone.map(drop).doing(|| {
        format!(
            "The cloud-init drive `{there}` of VM {} was not taken off",
            place.id
        )
    })
}

fn disk_settings(prior: &Json, object: &Json, config: &Json, params: &mut Params) {
    for (interface, disk) in disks(object) {
        match config[interface].as_str() {
            None => drop(params.set(interface, new_disk(disk))),
            Some(now) => {
                let was = disks(prior)
                    .into_iter()
                    .find(|(name, _)| *name == interface);
                let wanted = disk_options_over(disk, now);
                let there = now.split(',').next().unwrap_or_default();
                let volume = attach::volume(disk).unwrap_or(there);
                let is_other = was.is_some_and(|(_, was)| disk_options(was) != disk_options(disk));
                if is_other || volume != there {
                    params.set(interface, format!("{volume}{wanted}"));
                }
            }
        }
    }
    let kept: Vec<&str> = disks(object).into_iter().map(|(name, _)| name).collect();
    let gone = disks(prior).into_iter().map(|(name, _)| name);
    let gone: Vec<&str> = gone
        .filter(|name| !kept.contains(name) && !config[*name].is_null())
        .collect();
    if !gone.is_empty() {
        let known = params
            .remove("delete")
            .map(|known| format!("{known},"))
            .unwrap_or_default();
        params.set("delete", format!("{known}{}", gone.join(",")));
    }
}

/// True for a disk in a file that is to have another format; elsewhere disks have none of their own.
fn is_of_other_format(disk: &Json, now: &str) -> bool {
    let file = now.split(',').next().unwrap_or_default();
    let format = file.rsplit_once('.').map(|(_, format)| format);
    let format = format.filter(|format| matches!(*format, "raw" | "qcow2" | "vmdk"));
    let wanted = text(disk, "file_format");
    format.is_some() && wanted.is_some() && wanted != format
}

/// Moves a disk to the storage where it is to be, or to a file of another format.
pub(super) async fn move_disk(
    work: &Work<'_>,
    object: &Json,
    place: &Place,
    (interface, disk): (&str, &Json),
    now: &str,
) -> Outcome<()> {
    if attach::volume(disk).is_some() {
        // It is another volume that is wanted, and not this one in another place.
        return Ok(());
    }
    let storage = now.split(':').next().unwrap_or_default();
    let Some(wanted) = text(disk, "datastore_id") else {
        return Ok(());
    };
    if wanted == storage && !is_of_other_format(disk, now) {
        return Ok(());
    }
    let mut params = Params::new()
        .with("disk", interface)
        .with("storage", wanted)
        .with("delete", 1);
    params.maybe("format", text(disk, "file_format"));
    let _turn = work.session.turn(wanted).await;
    let limit = guest::limit(object, "timeout_move_disk", 1800);
    let path = place.path(&["move_disk"]);
    let moved = work.change(Method::POST, &path, &params, limit).await;
    moved
        .map(drop)
        .doing(|| format!("The disk `{interface}` of VM {} was not moved", place.id))
}

/// Whether a machine that runs is to be started again.
struct Reboot {
    /// The plan said so, should something wait for it.
    announced: bool,
    /// The guest is to read its drive for cloud-init.
    now: bool,
}

/// Switches a machine on or off, or restarts it for what waits for that. What others left waiting goes on waiting:
/// no plan has said that the machine reboots for it.
async fn power(
    work: &Work<'_>,
    prior: &Json,
    object: &mut Json,
    place: &Place,
    reboot: &Reboot,
) -> Outcome<()> {
    if object["template"] == true {
        if prior["template"] != true {
            let made = work.post(&place.path(&["template"]), &Params::new()).await;
            made.doing(|| format!("The VM {} was not made a template", place.id))?;
        }
        return Ok(());
    }
    let row = work
        .session
        .client
        .get(&place.path(&["status", "current"]))
        .await;
    let running =
        row.doing(|| format!("The VM {} cannot be read", place.id))?["status"] == "running";
    match (running, object["started"] != false) {
        (true, false) => wait::shutdown(work, object, place).await,
        (false, true) => {
            wait::start(work, object, place).await?;
            wait::guest(work, object, place).await
        }
        (true, true) if reboot.now => {
            if OnChange::of(object) == OnChange::Rerun {
                wait::begin_again(work, place).await?;
            }
            wait::reboot(work, object, place).await?;
            wait::guest(work, object, place).await
        }
        (true, true) if object["reboot_after_update"] != false && waits(work, place).await => {
            if !reboot.announced {
                work.note("something waits for the next start");
                return Ok(());
            }
            wait::reboot(work, object, place).await?;
            wait::guest(work, object, place).await
        }
        _ => Ok(()),
    }
}

/// True if something waits for the next start.
async fn waits(work: &Work<'_>, place: &Place) -> bool {
    let rows = work
        .session
        .client
        .get(&place.path(&["pending"]))
        .await
        .unwrap_or_default();
    let mut rows = rows.as_array().into_iter().flatten();
    rows.any(|row| !row["pending"].is_null() || !row["delete"].is_null())
}
