//! `incus_storage_volume`: a custom volume in a storage pool.

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Nesting, Presence, Resource},
};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    entity::{Entity, ServerObject},
    instance,
    schemas::{computed, config, defaulted, optional, place, required, resource},
    source::{self, SourceFile},
    validate,
};
use crate::client::{ApiPath, Holder};

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
            "The volume to copy.",
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
            defaulted(
                "content_type",
                Type::String,
                "`filesystem`, `block` or `iso`.",
            ),
            defaulted(
                "target",
                Type::String,
                "The cluster member that it is on; another one makes it anew.",
            ),
            optional(
                "source_file",
                "A backup of a volume, or with `content_type = \"iso\"` an image of a disc.",
            ),
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
        &[
            "name",
            "pool",
            "type",
            "content_type",
            "target",
            "source_volume",
            "source_file",
            "project",
            "remote",
        ]
    }

    fn derived(&self, planned: Attributes<'_>) -> Vec<(&'static str, Value)> {
        let files = instance::with_file_defaults(planned.0);
        files
            .get("file")
            .cloned()
            .map(|files| ("file", files))
            .into_iter()
            .collect()
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "type", &["custom"], diags);
        validate::one_of(
            config,
            "content_type",
            &["filesystem", "block", "iso"],
            diags,
        );
        source::at_most_one(config, &["source_volume", "source_file"], diags);
        if config.text("content_type") == Some("iso") {
            validate::present(config, "source_file", diags);
        }
        if config.is_set("file")
            && config
                .text("content_type")
                .is_some_and(|kind| kind != "filesystem")
        {
            let summary = "files go only into volumes with `content_type = \"filesystem\"`";
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
        instance::validate_files(config, diags);
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec![
            "storage-pools",
            text("pool"),
            "volumes",
            "custom",
            text("name"),
        ]
    }

    fn is_computed(&self) -> IsComputed {
        is_computed
    }

    // A backup brings the mark of another volume along, or none.
    fn is_markable(&self, object: Attributes<'_>) -> bool {
        !object.is_set("source_file")
    }

    fn source_file<'a>(&self, object: Attributes<'a>) -> Option<SourceFile<'a>> {
        match object.text("content_type") {
            Some("iso") => SourceFile::of(object, "iso"),
            _ => SourceFile::of(object, "backup"),
        }
    }

    fn source_remote<'a>(&self, object: Attributes<'a>) -> Option<&'a str> {
        let from = object.object("source_volume")?.some_text("remote")?;
        (object.some_text("remote") != Some(from)).then_some(from)
    }

    fn files(&self, object: Attributes<'_>, project: &str) -> Option<Holder> {
        let mut segments = self.segments(object);
        segments.push("files");
        let path = self.placed(ApiPath::new(&segments), object, project);
        object.is_set("file").then_some(Holder(path))
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let kind = object.text("content_type").unwrap_or("filesystem");
        let mut fields = vec![("content_type", json!(kind))];
        if let Some(source) = object.object("source_volume") {
            let text = |name| source.text(name).unwrap_or_default();
            let copy = json!({ "type": "copy", "pool": text("pool"), "name": text("name"), "volume_only": true });
            fields.push(("source", copy));
        }
        fields
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        vec![
            ("type", Value::from(server.kind.as_str())),
            ("content_type", Value::from(server.content_type.as_str())),
            ("location", Value::from(server.location.as_str())),
        ]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("instances that have the volume attached must be removed, or changed, before it")
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["pool", "name"]
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
