//! `incus_storage_volume`: a custom volume in a storage pool.

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Type, Value,
    schema::{Attribute, Nesting, Presence, Resource},
};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    instance,
    lifecycle::{Entity, ServerObject},
    schemas::{computed, config, defaulted, optional, place, required, resource},
    validate,
};
use crate::client::ApiPath;

pub(crate) struct Volume;

impl Entity for Volume {
    fn type_name(&self) -> &'static str {
        "incus_storage_volume"
    }

    fn noun(&self) -> &'static str {
        "storage volume"
    }

    fn schema(&self) -> Resource {
        let source = [
            required("pool", "The pool of the volume to copy."),
            required("name", "The volume to copy."),
            optional("remote", "The remote of the volume to copy."),
        ];
        let source = Attribute::nested(
            Nesting::Single,
            source,
            Presence::Optional,
            "The volume to copy. Not supported.",
        );
        let attributes = [
            required("name", "Its name."),
            required("pool", "The storage pool that it is in."),
            defaulted("description", Type::String, "What it is for."),
            defaulted(
                "type",
                Type::String,
                "`custom`, the only type that can be made.",
            ),
            defaulted("content_type", Type::String, "`filesystem` or `block`."),
            defaulted(
                "target",
                Type::String,
                "The cluster member that it is on. Not supported.",
            ),
            optional("source_file", "A backup to restore. Not supported."),
            ("source_volume", source),
            computed(
                "location",
                Type::String,
                "The cluster member that it is on.",
            ),
            config(),
        ];
        let file = ("file", instance::file_schema());
        resource(
            "A storage volume.",
            attributes.into_iter().chain(place()),
            [file],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("type", Value::from("custom")),
            ("content_type", Value::from("filesystem")),
            ("target", Value::Null(Type::String)),
            ("config", map(&Texts::new())),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "pool", "type", "content_type", "project", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["target", "source_volume", "source_file", "file"]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "type", &["custom"], diags);
        validate::one_of(config, "content_type", &["filesystem", "block"], diags);
    }

    fn collection(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let pool = object.text("pool").unwrap_or_default();
        ApiPath::new(&["storage-pools", pool, "volumes", "custom"]).project(project)
    }

    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let pool = object.text("pool").unwrap_or_default();
        let name = object.text("name").unwrap_or_default();
        ApiPath::new(&["storage-pools", pool, "volumes", "custom", name]).project(project)
    }

    fn is_computed(&self) -> IsComputed {
        is_computed
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![(
            "content_type",
            json!(object.text("content_type").unwrap_or("filesystem")),
        )]
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        vec![
            ("content_type", Value::from(server.content_type.as_str())),
            ("location", Value::from(server.location.as_str())),
        ]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("instances that have the volume attached must be removed, or changed, before it")
    }

    fn import_parts(&self) -> usize {
        2
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        let (pool, name) = id.split_once('/').ok_or("`POOL/NAME` is wanted")?;
        Ok(vec![
            ("pool", Value::from(pool)),
            ("name", Value::from(name)),
        ])
    }
}

/// Keys that a pool's driver, or its `volume.*` defaults, give every volume.
fn is_computed(key: &str) -> bool {
    key.starts_with("volatile.")
        || key.starts_with("block.")
        || key.starts_with("zfs.")
        || key.starts_with("lvm.")
        || key.starts_with("security.")
        || matches!(
            key,
            "size" | "snapshots.expiry" | "snapshots.schedule" | "snapshots.pattern"
        )
}
