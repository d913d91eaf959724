//! Disks that are there already, another machine's or the node's own, and are attached instead of made.
//!
//! Every disk tells its `path_in_datastore`; only where the configuration names one is it this volume that is wanted.
//! An empty `datastore_id` beside it means a path of the node, which root alone may use.

use serde_json::{Value as Json, json};

use crate::provider::guest::{all, text};

/// The volume of a disk that is attached and not made.
pub(super) fn volume(disk: &Json) -> Option<&str> {
    text(disk, "(attached)")
}

/// True if the configuration names the volume of the disk at this interface.
pub(super) fn is_attached(said: &Json, interface: &str) -> bool {
    let mut disks = all(said, "disk").iter();
    disks.any(|disk| {
        text(disk, "interface") == Some(interface) && text(disk, "path_in_datastore").is_some()
    })
}

/// Notes the volumes that the configuration names.
pub(super) fn hear(object: &mut Json, said: &Json) {
    let disks = object["disk"].as_array_mut().into_iter().flatten();
    for disk in disks {
        let interface = text(disk, "interface").unwrap_or_default();
        let path = text(disk, "path_in_datastore").filter(|_| is_attached(said, interface));
        let volume = path.map(|path| match text(disk, "datastore_id") {
            Some(storage) => format!("{storage}:{path}"),
            None => path.to_owned(),
        });
        if volume.is_some() {
            disk["(attached)"] = json!(volume);
        }
    }
}
