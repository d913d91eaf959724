//! Virtual machines: `proxmox_virtual_environment_vm`.
//!
//! [`settings`] turns arguments into parameters; [`create`] makes a machine new or from a template,
//! [`update`] compares parameters and changes what differs, [`observe`] puts what is there into the
//! object, [`import`] fills disks that the API cannot fill, [`attach`] takes some that are there, [`wait`] tells what a guest is waited for, [`on_change`] what an edit for cloud-init does.

mod attach;
mod create;
mod devices;
mod import;
mod look;
mod observe;
mod on_change;
mod settings;
mod sizes;
mod update;
mod wait;

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic, Diagnostics};

use super::{
    guest::{self, all, first},
    kind::{Doing, Failure, Kind, Outcome, Planned, Work},
    value,
};
use crate::client::Params;

pub(crate) use settings::{addresses, startup};
pub(crate) use sizes::{gigabytes, in_gigabytes, print_size};
pub(crate) use wait::{is_duration, patience};

/// Virtual machines.
pub(crate) struct Vm;

/// The word for them in paths.
const QEMU: &str = "qemu";

/// What a half-made machine carries in its description.
fn mark(marker: &str) -> String {
    format!("{MARK}{marker})")
}

const MARK: &str = "strata is still making this machine (";

/// True if a machine was never finished.
fn is_half_made(config: &Json) -> bool {
    config["description"]
        .as_str()
        .is_some_and(|text| text.contains(MARK))
}

impl Kind for Vm {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_vm"
    }

    fn noun(&self) -> &'static str {
        "VM"
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        look::validate(config, diags);
    }

    fn hear(&self, object: &mut Json, said: &Json) {
        attach::hear(object, said);
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(look::plan(planned))
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(create::create(work, object))
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let found = guest::locate(work.session, QEMU, object).await;
            let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
            let Some((place, row)) = found else {
                return Ok(false);
            };
            if object["node_name"].is_null() {
                object["node_name"] = json!(place.node);
            }
            if guest::is_unchanged(work.session, object, &row).await {
                return Ok(true);
            }
            let config = work.session.client.find(&place.path(&["config"])).await;
            let config = config.doing(|| format!("The VM {} cannot be read", place.id))?;
            let Some(config) = config else {
                return Ok(false);
            };
            observe::observe(object, &config, &row);
            if row["status"] == "running" {
                wait::addresses(work, &place, object).await;
            }
            object[super::PRIVATE]["row"] = guest::fingerprint(&row);
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(update::update(work, prior, object))
    }

    fn continues(&self) -> bool {
        true
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(delete(work, object))
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        import_id(id)
    }

    fn imported(&self, object: &mut Json) {
        object["stop_on_destroy"] = json!(false);
    }

    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(find(work, object))
    }
}

/// `node/vmid`.
pub(crate) fn import_id(id: &str) -> Result<Json, String> {
    let parts = id
        .split_once('/')
        .and_then(|(node, id)| Some((node, id.parse::<u32>().ok()?)));
    match parts {
        Some((node, id)) if !node.is_empty() => {
            Ok(json!({ "node_name": node, "vm_id": id, "id": id.to_string() }))
        }
        _ => Err("an id looks like `node/vmid`, such as `pve/100`".to_owned()),
    }
}

async fn delete(work: &Work<'_>, object: &Json) -> Outcome<()> {
    let found = guest::locate(work.session, QEMU, object).await;
    let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    let Some((place, row)) = found else {
        return Ok(());
    };
    if row["status"] == "running" {
        stop(work, object, &place).await?;
    }
    let flag = |name: &str| u8::from(object[name] != false);
    let params = Params::new().with("purge", flag("purge_on_destroy")).with(
        "destroy-unreferenced-disks",
        flag("delete_unreferenced_disks_on_destroy"),
    );
    let gone = work.delete(&place.path(&[]), &params).await;
    gone.doing(|| format!("The VM {} was not deleted", place.id))
        .map_err(|failure| guest::protected(failure, object))
}

/// Switches a machine off before it is deleted: asks its system, unless the user said to stop it.
async fn stop(work: &Work<'_>, object: &Json, place: &guest::Place) -> Outcome<()> {
    let (action, params) = match object["stop_on_destroy"] == true {
        true => ("stop", Params::new()),
        false => {
            let seconds = guest::limit(object, "timeout_shutdown_vm", 1800).as_secs();
            // A guest that does not answer is stopped in the end: it is to go anyway.
            (
                "shutdown",
                Params::new().with("timeout", seconds).with("forceStop", 1),
            )
        }
    };
    let stopped = work.post(&place.path(&["status", action]), &params).await;
    stopped
        .map(drop)
        .doing(|| format!("The VM {} was not stopped", place.id))
}

/// Looks for what a create without an answer left: by its mark, by the id if the user chose one, else by name.
async fn find(work: &Work<'_>, object: &mut Json) -> Outcome<Option<bool>> {
    work.session.forget().await;
    let cluster = work.session.cluster().await;
    let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    let wanted = guest::id_of(object);
    let name = guest::text(object, "name").map(str::to_owned);
    let mut foreign = false;
    for (id, row) in &cluster.guests {
        let fits = match wanted {
            Some(wanted) => *id == wanted,
            None => row["type"] == QEMU && row["name"].as_str().map(str::to_owned) == name,
        };
        if !fits {
            continue;
        }
        let node = row["node"].as_str().unwrap_or_default().to_owned();
        let place = guest::Place {
            id: *id,
            node,
            kind: QEMU,
        };
        let config = work.session.client.find(&place.path(&["config"])).await;
        let config = config.doing(|| format!("The VM {id} cannot be read"))?;
        let ours = config.is_some_and(|config| {
            config["description"]
                .as_str()
                .is_some_and(|text| text.contains(work.marker))
        });
        if ours {
            object["vm_id"] = json!(id);
            object["id"] = json!(id.to_string());
            return Ok(Some(true));
        }
        foreign |= wanted.is_some();
    }
    Ok(foreign.then_some(false))
}

/// Says that a machine of a given state cannot be had.
fn cannot(code: &'static str, summary: String, detail: impl Into<String>) -> Box<Failure> {
    Failure::new(Diagnostic::error(code, summary).detail(detail.into()))
}

/// True if the machine is made from another.
fn is_clone(object: &Json) -> bool {
    !first(object, "clone").is_null()
}

/// The disks of an object by their interface.
fn disks(object: &Json) -> Vec<(&str, &Json)> {
    let disks = all(object, "disk").iter();
    disks
        .filter_map(|disk| Some((disk["interface"].as_str()?, disk)))
        .collect()
}

/// A number that PVE may give as text.
fn number(value: &Json) -> Option<i64> {
    value::number(value)
}
