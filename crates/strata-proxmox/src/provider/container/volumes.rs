//! A container's volumes: what of them differs, and how it is brought about.

use serde_json::{Value as Json, json};

use super::settings::{mount, root_options};
use crate::{
    client::Params,
    provider::{
        guest::{self, Place, all, first, text},
        kind::{Doing, Outcome, Work},
        vm,
    },
};

/// The mount points as they are set, without what is told of them.
fn points(object: &Json) -> Vec<String> {
    all(object, "mount_point").iter().map(mount).collect()
}

pub(super) fn volumes_differ(prior: &Json, object: &Json) -> bool {
    points(prior) != points(object)
        || root_options(first(prior, "disk")) != root_options(first(object, "disk"))
}

/// Moves volumes to the storages where they are to be, and makes them as large as they are to be; those of which
/// that may be done where they are.
pub(super) async fn move_volumes(work: &Work<'_>, place: &Place, object: &Json) -> Outcome<()> {
    let config = work.session.client.get(&place.path(&["config"])).await;
    let config = config.doing(|| format!("The container {} cannot be read", place.id))?;
    let points = all(object, "mount_point").iter().enumerate();
    for (at, point) in points.filter(|(_, point)| point["(in place)"] == true) {
        let name = format!("mp{at}");
        let Some(now) = config[name.as_str()].as_str() else {
            continue;
        };
        let storage = text(point, "volume").unwrap_or_default();
        if !storage.contains([':', '/']) && now.split(':').next() != Some(storage) {
            switch_off(work, place).await?;
            let params = Params::new()
                .with("volume", &name)
                .with("storage", storage)
                .with("delete", 1);
            let moved = work.post(&place.path(&["move_volume"]), &params).await;
            moved.doing(|| {
                format!(
                    "The volume `{name}` of container {} was not moved",
                    place.id
                )
            })?;
        }
        let size =
            text(point, "size").and_then(|size| size.trim_end_matches(['G', 'g']).parse().ok());
        let had = vm::gigabytes(now).unwrap_or(0);
        if let Some(size) = size.filter(|size: &i64| *size > had) {
            let params = Params::new()
                .with("disk", &name)
                .with("size", format!("{size}G"));
            let grown = work.put(&place.path(&["resize"]), &params).await;
            grown.doing(|| {
                format!(
                    "The volume `{name}` of container {} was not made larger",
                    place.id
                )
            })?;
        }
    }
    Ok(())
}

/// Switches a container off if it runs: its volumes cannot be moved while it does.
pub(super) async fn switch_off(work: &Work<'_>, place: &Place) -> Outcome<()> {
    let row = work
        .session
        .client
        .get(&place.path(&["status", "current"]))
        .await;
    let row = row.doing(|| format!("The container {} cannot be read", place.id))?;
    if row["status"] != "running" {
        return Ok(());
    }
    let params = Params::new().with("timeout", 60).with("forceStop", 1);
    let stopped = work
        .post(&place.path(&["status", "shutdown"]), &params)
        .await;
    stopped
        .map(drop)
        .doing(|| format!("The container {} was not stopped", place.id))
}

/// Volumes that are new, gone, or have other options; each that stays is named as it is there.
pub(super) fn change_volumes(
    (prior, object): (&Json, &Json),
    config: &Json,
    params: &mut Params,
    gone: &mut Vec<String>,
) {
    let (before, after) = (points(prior), points(object));
    for at in 0..before.len().max(after.len()) {
        let name = format!("mp{at}");
        let now = config[name.as_str()].as_str();
        match (after.get(at), now) {
            (wanted, _) if wanted == before.get(at) => {}
            (None, Some(_)) => gone.push(name),
            (None, None) => {}
            (Some(wanted), None) => drop(params.set(name, wanted)),
            (Some(_), Some(now)) => {
                let mut point = all(object, "mount_point")[at].clone();
                point["volume"] = json!(now.split(',').next());
                params.set(name, mount(&point));
            }
        }
    }
    let disk = first(object, "disk");
    if root_options(first(prior, "disk")) != root_options(disk)
        && let Some(now) = config["rootfs"].as_str()
    {
        let size = guest::parts(now).remove("size");
        let size = size.map_or_else(String::new, |size| format!(",size={size}"));
        let volume = now.split(',').next().unwrap_or_default();
        params.set("rootfs", format!("{volume}{}{size}", root_options(disk)));
    }
}
