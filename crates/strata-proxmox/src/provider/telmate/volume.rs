//! `proxmox_lxc_disk`: a volume of a container that is there already.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::disks::gigabytes;
use crate::{
    client::Params,
    provider::{
        container::mount,
        guest::{self, Place, parts, text},
        kind::{Doing, Kind, Outcome, Work},
        value, vm,
    },
};

pub(super) struct Volume;

/// The flags of a mount point: theirs, and in the API.
const FLAGS: [(&str, &str); 5] = [
    ("acl", "acl"),
    ("backup", "backup"),
    ("quota", "quota"),
    ("read_only", "ro"),
    ("shared", "shared"),
];

/// The setting of the container.
fn slot(object: &Json) -> String {
    format!("mp{}", value::number(&object["slot"]).unwrap_or(0))
}

/// The number in `node/lxc/100`.
fn container(object: &Json) -> Json {
    let id = text(object, "container").and_then(|id| id.rsplit('/').next());
    json!({ "id": id })
}

/// The mount point in our words; `volume` is one that is there.
fn point(object: &Json, volume: Option<&str>) -> Json {
    let mut point = json!({
        "path": object["mp"], "replicate": object["replicate"] != false,
        "volume": volume.or_else(|| text(object, "storage")),
        "size": volume.is_none().then(|| object["size"].clone()),
    });
    for (name, _) in FLAGS {
        point[name] = json!(object[name] == true);
    }
    point
}

async fn place(work: &Work<'_>, object: &Json) -> Outcome<Place> {
    guest::place(work, "lxc", &container(object)).await
}

async fn config(work: &Work<'_>, place: &Place) -> Outcome<Json> {
    let config = work.session.client.get(&place.path(&["config"])).await;
    config.doing(|| format!("The container {} cannot be read", place.id))
}

async fn change(work: &Work<'_>, place: &Place, params: &Params) -> Outcome<()> {
    let changed = work.put(&place.path(&["config"]), params).await;
    changed
        .map(drop)
        .doing(|| format!("The container {} was not changed", place.id))
}

impl Kind for Volume {
    fn name(&self) -> &'static str {
        "proxmox_lxc_disk"
    }

    fn noun(&self) -> &'static str {
        "volume of a container"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let place = place(work, object).await?;
            let slot = slot(object);
            if let Some(taken) = config(work, &place).await?[slot.as_str()].as_str() {
                return Err(crate::provider::kind::Failure::new(
                    strata_core::Diagnostic::error(
                        "proxmox-taken",
                        format!("`{slot}` of container {} is taken", place.id),
                    )
                    .detail(format!(
                        "`{}` is there",
                        taken.split(',').next().unwrap_or_default()
                    )),
                ));
            }
            let params = Params::new().with(&slot, mount(&point(object, None)));
            change(work, &place, &params).await?;
            let id = text(object, "container").unwrap_or_default();
            object["id"] = json!(format!("{id}/{slot}"));
            self.read(work, object)
                .await
                .map(drop)
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let found = guest::locate(work.session, "lxc", &container(object)).await;
            let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
            let Some((place, _)) = found else {
                return Ok(false);
            };
            let config = config(work, &place).await?;
            let Some(setting) = config[slot(object)].as_str() else {
                return Ok(false);
            };
            let told = parts(setting);
            let volume = told
                .get("")
                .or_else(|| told.get("volume"))
                .cloned()
                .unwrap_or_default();
            object["storage"] = json!(volume.split(':').next());
            object["volume"] = json!(volume);
            object["mp"] = json!(told.get("mp"));
            let size = vm::gigabytes(setting);
            if text(object, "size").and_then(gigabytes) != size {
                object["size"] = json!(size.map(|size| format!("{size}G")));
            }
            for (name, part) in FLAGS {
                let truth = told.get(part).is_some_and(|text| text == "1");
                if truth || object[name] == true {
                    object[name] = json!(truth);
                }
            }
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let place = place(work, object).await?;
            let slot = slot(object);
            let volume = text(prior, "volume").unwrap_or_default();
            let (before, after) = (point(prior, Some(volume)), point(object, Some(volume)));
            if before != after {
                change(work, &place, &Params::new().with(&slot, mount(&after))).await?;
            }
            let sizes = [prior, &*object].map(|object| text(object, "size").and_then(gigabytes));
            if let [Some(was), Some(size)] = sizes
                && size > was
            {
                let params = Params::new()
                    .with("disk", &slot)
                    .with("size", format!("{size}G"));
                let grown = work.put(&place.path(&["resize"]), &params).await;
                grown
                    .doing(|| format!("`{slot}` of container {} was not made larger", place.id))?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let found = guest::locate(work.session, "lxc", &container(object)).await;
            let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
            let Some((place, _)) = found else {
                return Ok(());
            };
            change(work, &place, &Params::new().with("delete", slot(object))).await?;
            // What is taken off stays as unused: it goes, too.
            let config = config(work, &place).await?;
            let volume = text(object, "volume").unwrap_or_default();
            let unused = value::members(&config).iter().find(|(name, setting)| {
                name.starts_with("unused") && setting.as_str() == Some(volume)
            });
            match unused {
                Some((name, _)) => change(work, &place, &Params::new().with("delete", name)).await,
                None => Ok(()),
            }
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parsed = id.rsplit_once("/mp").and_then(|(container, slot)| {
            Some(json!({ "container": container, "slot": slot.parse::<u32>().ok()?, "id": id }))
        });
        parsed.ok_or_else(|| "an id looks like `node/lxc/100/mp0`".to_owned())
    }
}
