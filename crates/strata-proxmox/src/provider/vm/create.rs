//! A machine is made: new, or from a template.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value as Json, json};

use super::{
    QEMU, disks, import, is_clone, mark, number, observe,
    settings::{new_disk, settings, special_drives},
    sizes::{kibibytes, print_size, wanted_size},
    update, wait,
};
use crate::{
    client::{ClientError, Params},
    provider::{
        guest::{self, Making, Place, first, positive, text, texts},
        kind::{Doing, Outcome, Work},
    },
};

pub(super) async fn create(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    settle_smbios(object, &Json::Null);
    let place = match is_clone(object) {
        true => clone(work, object).await?,
        false => make(work, object).await?,
    };
    work.session.forget().await;
    object["vm_id"] = json!(place.id);
    object["id"] = json!(place.id.to_string());
    finish(work, object, &place)
        .await
        .map_err(|failure| failure.half_made())
}

/// Gives the firmware's block its id: the machine's own, or a new one, since one without is none.
pub(super) fn settle_smbios(object: &mut Json, config: &Json) {
    let own = guest::parts(config["smbios1"].as_str().unwrap_or_default()).remove("uuid");
    if let Some(smbios) = object["smbios"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
        && text(smbios, "uuid").is_none()
    {
        smbios["uuid"] = json!(own.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()));
    }
}

/// Makes a machine without a template, with all its disks.
async fn make(work: &Work<'_>, object: &mut Json) -> Outcome<Place> {
    let node = text(object, "node_name").unwrap_or_default().to_owned();
    let mut params = settings(object, false);
    special_drives(object, &Json::Null, &mut params);
    for (interface, disk) in disks(object) {
        match import::is_over_ssh(work, disk) {
            // An order may name no disk that is not there; it comes with the disk.
            true => drop(params.remove("boot")),
            false => drop(params.set(interface, new_disk(disk))),
        }
    }
    params.set("description", mark(work.marker));
    params.maybe("pool", text(object, "pool_id"));
    let limit = guest::limit(object, "timeout_create", 1800);
    let imports = disks(object)
        .iter()
        .any(|(_, disk)| !disk["file_id"].is_null() || !disk["import_from"].is_null());
    let storage = disks(object)
        .first()
        .and_then(|(_, disk)| text(disk, "datastore_id"))
        .map(str::to_owned);
    let _turn = match storage.filter(|_| imports) {
        Some(storage) => work.session.turn(&storage).await,
        None => None,
    };
    let path = crate::client::path(&["nodes", &node, QEMU]);
    let making = Making {
        path,
        params,
        id: "vmid",
        limit,
        what: "VM",
    };
    let id = guest::with_id(work, object, &making).await?;
    Ok(Place {
        id,
        node,
        kind: QEMU,
    })
}

/// Makes a machine from another one, on the node where that is, and moves it if need be.
async fn clone(work: &Work<'_>, object: &mut Json) -> Outcome<Place> {
    let node = text(object, "node_name").unwrap_or_default().to_owned();
    let source = first(object, "clone").clone();
    let template = number(&source["vm_id"]).unwrap_or_default();
    let cluster = work.session.cluster().await;
    let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    let known = u32::try_from(template)
        .ok()
        .and_then(|id| cluster.guests.get(&id));
    let from = known
        .and_then(|row| row["node"].as_str())
        .or_else(|| text(&source, "node_name"));
    let from = from.unwrap_or(&node).to_owned();
    let full = source["full"] != false;
    let mut params = Params::new()
        .with("full", u8::from(full))
        .with("description", mark(work.marker));
    params
        .maybe("name", text(object, "name"))
        .maybe("pool", text(object, "pool_id"));
    if full {
        params
            .maybe("storage", text(&source, "datastore_id"))
            .maybe("format", text(&source, "format"));
    }
    params
        .maybe("snapname", text(&source, "snapshot_name"))
        .maybe("bwlimit", positive(&source, "bandwidth_limit"));
    if from != node {
        params.set("target", &node);
    }
    let turns = text(&source, "datastore_id")
        .map_or_else(|| format!("of template {template}"), str::to_owned);
    let _turn = work.session.turn(&turns).await;
    let limit = guest::limit(object, "timeout_clone", 1800);
    let path = crate::client::path(&["nodes", &from, QEMU, &template.to_string(), "clone"]);
    let making = Making {
        path,
        params,
        id: "newid",
        limit,
        what: "VM",
    };
    let id = guest::with_id(work, object, &making).await?;
    Ok(Place {
        id,
        node,
        kind: QEMU,
    })
}

/// Starts a task and waits for it; locks are waited for.
async fn start(
    work: &Work<'_>,
    path: &str,
    params: &Params,
    limit: Duration,
) -> Result<(), ClientError> {
    work.change(Method::POST, path, params, limit)
        .await
        .map(drop)
}

/// Gives a machine that is there all that is wanted, and switches it on.
pub(super) async fn finish(work: &Work<'_>, object: &mut Json, place: &Place) -> Outcome<()> {
    let config = read(work, place).await?;
    if is_clone(object) {
        update::free_cloud_init(work, object, place, &config).await?;
        let config = read(work, place).await?;
        adapt(work, object, place, &config).await?;
    }
    let config = read(work, place).await?;
    import::missing(work, object, place, &config).await?;
    for (interface, disk) in disks(object) {
        grow(work, object, place, (interface, disk)).await?;
    }
    if object["template"] == true {
        let made = work.post(&place.path(&["template"]), &Params::new()).await;
        made.doing(|| format!("The VM {} was not made a template", place.id))?;
    } else if object["started"] != false {
        wait::start(work, object, place).await?;
        if object["reboot"] == true {
            wait::reboot(work, object, place).await?;
        }
        wait::guest(work, object, place).await?;
    }
    unmark(work, object, place).await?;
    let config = read(work, place).await?;
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

pub(super) async fn read(work: &Work<'_>, place: &Place) -> Outcome<Json> {
    let config = work.session.client.get(&place.path(&["config"])).await;
    config.doing(|| format!("The VM {} cannot be read", place.id))
}

/// Gives a clone its own settings, drives and disks.
async fn adapt(work: &Work<'_>, object: &Json, place: &Place, config: &Json) -> Outcome<()> {
    let gone = texts(object, "(gone)");
    if !gone.is_empty() {
        let params = Params::new().with("delete", gone.join(","));
        let limit = guest::limit(object, "timeout_create", 1800);
        start(work, &place.path(&["config"]), &params, limit)
            .await
            .doing(|| {
                format!(
                    "The devices that VM {} is not to have were not removed",
                    place.id
                )
            })?;
    }
    let mut params = settings(object, true);
    special_drives(object, config, &mut params);
    params.remove("description");
    for (interface, disk) in disks(object) {
        match config[interface].as_str() {
            None if import::is_over_ssh(work, disk) => drop(params.remove("boot")),
            None => drop(params.set(interface, new_disk(disk))),
            Some(now) => {
                update::move_disk(work, object, place, (interface, disk), now).await?;
            }
        }
    }
    let config = read(work, place).await?;
    for (interface, disk) in disks(object) {
        if let Some(now) = config[interface].as_str() {
            let volume = now.split(',').next().unwrap_or_default();
            params.set(
                interface,
                format!("{volume}{}", super::settings::disk_options_over(disk, now)),
            );
        }
    }
    let path = place.path(&["config"]);
    start(
        work,
        &path,
        &params,
        guest::limit(object, "timeout_create", 1800),
    )
    .await
    .doing(|| format!("The VM {} was not given its settings", place.id))
}

/// Makes a disk as large as it is to be.
pub(super) async fn grow(
    work: &Work<'_>,
    object: &Json,
    place: &Place,
    (interface, disk): (&str, &Json),
) -> Outcome<()> {
    let config = read(work, place).await?;
    let now = config[interface].as_str().and_then(kibibytes).unwrap_or(0);
    let Some(wanted) = wanted_size(disk).filter(|wanted| *wanted > now) else {
        return Ok(());
    };
    let params = Params::new()
        .with("disk", interface)
        .with("size", print_size(wanted));
    let limit = guest::limit(object, "timeout_create", 1800);
    let path = place.path(&["resize"]);
    let grown = work.change(Method::PUT, &path, &params, limit).await;
    grown.map(drop).doing(|| {
        format!(
            "The disk `{interface}` of VM {} was not made larger",
            place.id
        )
    })
}

/// Takes the mark of a half-made machine away: it is complete.
async fn unmark(work: &Work<'_>, object: &Json, place: &Place) -> Outcome<()> {
    let params = match text(object, "description") {
        Some(description) => Params::new().with("description", description),
        None => Params::new().with("delete", "description"),
    };
    let done = work.put(&place.path(&["config"]), &params).await;
    done.map(drop)
        .doing(|| format!("The VM {} was not given its description", place.id))
}
