//! `incus_storage_pool`: where instances, images and volumes are kept.

use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts},
    config::IsComputed,
    entity::{Entity, ServerObject},
    schemas::{config, defaulted, optional, place, required, resource},
    validate,
};
use crate::client::ApiPath;

pub(crate) struct StoragePool;

/// The drivers that Incus 7 knows; which of them work depends on what the server has.
const DRIVERS: [&str; 10] = [
    "dir",
    "zfs",
    "lvm",
    "lvmcluster",
    "btrfs",
    "ceph",
    "cephfs",
    "cephobject",
    "linstor",
    "truenas",
];

impl Entity for StoragePool {
    fn type_name(&self) -> &'static str {
        "incus_storage_pool"
    }

    fn noun(&self) -> &'static str {
        "storage pool"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            required(
                "driver",
                "How it stores, such as `dir`, `zfs`, `btrfs` or `lvm`.",
            ),
            defaulted("description", Type::String, "What it is for."),
            optional("target", "The cluster member whose part of it this is."),
            config(),
        ];
        resource("A storage pool.", attributes.into_iter().chain(place()), [])
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "driver", "project", "remote", "target"]
    }

    fn is_part(&self, object: Attributes<'_>) -> bool {
        object.some_text("target").is_some()
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "driver", &DRIVERS, diags);
    }

    /// A server has its pools for all projects, whichever is asked for: one that is not there yet is no obstacle.
    fn placed(&self, path: ApiPath, object: Attributes<'_>, _project: &str) -> ApiPath {
        match object.some_text("target") {
            Some(member) => path.query("target", member),
            None => path,
        }
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["storage-pools", object.text("name").unwrap_or_default()]
    }

    fn is_computed(&self) -> IsComputed {
        is_computed
    }

    /// A server replaces the `source` that a pool was made from by what it made of it, and remembers the first.
    fn as_written(&self, known: &Texts, server: &Texts, shown: &mut Texts) {
        let initial = server.get("volatile.initial_source");
        if let Some(source) = known
            .get("source")
            .filter(|source| Some(*source) == initial)
        {
            shown.insert("source".to_owned(), source.clone());
        }
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![("driver", json!(object.text("driver").unwrap_or_default()))]
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        let driver = server.rest.get("driver").and_then(Json::as_str);
        vec![("driver", Value::from(driver.unwrap_or_default()))]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some(
            "instances, images, volumes and profiles that use a pool must be removed, or changed, before it",
        )
    }
}

/// Keys that a driver sets by itself.
fn is_computed(key: &str) -> bool {
    key.starts_with("volatile.")
        || matches!(
            key,
            "source"
                | "size"
                | "zfs.pool_name"
                | "lvm.vg_name"
                | "lvm.thinpool_name"
                | "btrfs.mount_options"
        )
        || key.starts_with("volume.")
            && matches!(
                key,
                "volume.zfs.remove_snapshots" | "volume.zfs.use_refquota"
            )
}
