//! Disks filled from images of the content type `iso`, over ssh.
//!
//! The API fills disks from images of the types `import` and `images` alone. An image that lies among those of
//! CDs, as on servers before 8.4, is taken by the node's own `qm`, which root may give any path.

use serde_json::Value as Json;
use strata_core::provider::{Effect, EffectKind};

use super::{create, disks, settings};
use crate::{
    client::Params,
    provider::{
        guest::{Place, all, text, texts},
        kind::{Doing, Outcome, Planned, Work},
        ssh,
    },
};

/// The image of a disk that only a node's own program takes.
fn image(disk: &Json) -> Option<&str> {
    let source = text(disk, "import_from").or_else(|| text(disk, "file_id"))?;
    let (_, volume) = source.split_once(':')?;
    volume.starts_with("iso/").then_some(source)
}

/// True for a disk that the API cannot fill. A rehearsal has no nodes to reach: its API fills all.
pub(super) fn is_over_ssh(work: &Work<'_>, disk: &Json) -> bool {
    image(disk).is_some() && !ssh::is_rehearsal(work)
}

/// Says in the plan which disks are filled over ssh.
pub(super) fn say(planned: &mut Planned<'_>) {
    let there = planned.prior.map(disks).unwrap_or_default();
    for (interface, disk) in disks(planned.planned) {
        let is_new = !there.iter().any(|(known, _)| *known == interface);
        if let Some(image) = image(disk).filter(|_| is_new) {
            planned.effects.push(Effect {
                kind: EffectKind::Live,
                reason: format!(
                    "`{interface}` is filled from `{image}` over ssh: the API takes images of the content type `import` alone"
                ),
            });
        }
    }
}

/// Fills the disks of a machine that are not there yet and that the API cannot fill.
pub(super) async fn missing(
    work: &Work<'_>,
    object: &Json,
    place: &Place,
    config: &Json,
) -> Outcome<()> {
    let wanted = disks(object).into_iter();
    let wanted: Vec<_> = wanted
        .filter(|(interface, disk)| config[*interface].is_null() && is_over_ssh(work, disk))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    for (interface, disk) in wanted {
        let storage = text(disk, "datastore_id").unwrap_or("local-lvm");
        let _turn = work.session.turn(storage).await;
        ssh::run(work, &place.node, &script(place.id, interface, disk), b"").await?;
    }
    boot(work, object, place).await
}

/// What the node runs: where the image is only it can tell.
fn script(id: u32, interface: &str, disk: &Json) -> String {
    let setting = settings::new_disk(disk);
    let source = image(disk).unwrap_or_default();
    let (volume, options) = setting
        .split_once(&format!("import-from={source}"))
        .unwrap_or((&setting, ""));
    format!(
        "set -e; image=$(pvesm path {source}); qm set {id} --{interface} {volume}import-from=\"$image\"{options}",
        source = ssh::quoted(source),
        volume = ssh::quoted(volume),
        options = ssh::quoted(options),
    )
}

/// Gives a machine the order that it was to boot in, which could not name a disk that was not there; if nobody says,
/// the one that PVE chooses: a disk, a CD, the network.
async fn boot(work: &Work<'_>, object: &Json, place: &Place) -> Outcome<()> {
    let config = create::read(work, place).await?;
    let mut order = texts(object, "boot_order");
    if order.is_empty() {
        let is_there = |name: &&str| !config[*name].is_null();
        let disk = disks(object).into_iter().map(|(interface, _)| interface);
        let cdrom = all(object, "cdrom")
            .iter()
            .filter_map(|cdrom| text(cdrom, "interface"));
        let chosen = [disk.min(), cdrom.min(), Some("net0")];
        let there = chosen.into_iter().flatten().filter(is_there);
        order = there.map(str::to_owned).collect();
    }
    let params = Params::new().with("boot", format!("order={}", order.join(";")));
    let set = work.put(&place.path(&["config"]), &params).await;
    set.map(drop)
        .doing(|| format!("The VM {} was not given its boot order", place.id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_told_the_image_s_own_path() {
        let disk = json!({
            "interface": "virtio0", "datastore_id": "local-lvm", "file_id": "local:iso/it's.img", "discard": "on",
        });
        let script = script(100, "virtio0", &disk);
        assert!(
            script.contains(r"pvesm path 'local:iso/it'\''s.img'"),
            "{script}"
        );
        assert!(
            script.contains(r#"--virtio0 'local-lvm:0,'import-from="$image"',"#),
            "{script}"
        );
        assert!(script.contains("discard=on"), "{script}");
    }

    #[test]
    fn only_images_among_those_of_cds_need_the_node() {
        let image = |source: &str| image(&json!({ "file_id": source })).is_some();
        assert!(image("local:iso/debian.img"));
        assert!(!image("local:import/debian.qcow2"));
        assert!(!image("local:9000/base-9000-disk-0.raw"));
        assert!(!image("local-lvm:vm-100-disk-0"));
    }
}
