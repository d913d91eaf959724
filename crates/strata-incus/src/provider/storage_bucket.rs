//! `incus_storage_bucket`: objects that are read and written over S3.

use strata_core::{Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    entity::{Entity, ServerObject},
    schemas::{computed, config, defaulted, optional, place, required, resource},
    source::SourceFile,
};

pub(crate) struct StorageBucket;

impl Entity for StorageBucket {
    fn type_name(&self) -> &'static str {
        "incus_storage_bucket"
    }

    fn noun(&self) -> &'static str {
        "storage bucket"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            required("pool", "The storage pool that it is in."),
            defaulted("description", Type::String, "What it is for."),
            defaulted("target", Type::String, "The cluster member that it is on."),
            optional("source_file", "A backup of a bucket that it is made from."),
            computed(
                "location",
                Type::String,
                "The cluster member that it is on.",
            ),
            config(),
        ];
        resource(
            "Objects that are read and written over S3.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("target", Value::Null(Type::String)),
            ("config", map(&Texts::new())),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "pool", "source_file", "target", "project", "remote"]
    }

    // Buckets take no keys but those of their pool's driver.
    fn is_markable(&self, _: Attributes<'_>) -> bool {
        false
    }

    fn source_file<'a>(&self, object: Attributes<'a>) -> Option<SourceFile<'a>> {
        SourceFile::of(object, "bucket")
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec!["storage-pools", text("pool"), "buckets", text("name")]
    }

    fn is_computed(&self) -> IsComputed {
        |key| key.starts_with("volatile.") || key == "size"
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        vec![("location", Value::from(server.location.as_str()))]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["pool", "name"]
    }
}
