//! `incus_storage_bucket_key`: who may read a bucket, or write it.

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Type, Value,
    schema::{Attribute, Presence, Resource},
};

use super::{
    attributes::{self, Attributes},
    entity::{Entity, ServerObject},
    schemas::{defaulted, place, required, resource},
    validate,
};

/// What only the server makes: the field there, and the attribute.
const SECRETS: [(&str, &str); 2] = [("access-key", "access_key"), ("secret-key", "secret_key")];

pub(crate) struct StorageBucketKey;

impl Entity for StorageBucketKey {
    fn type_name(&self) -> &'static str {
        "incus_storage_bucket_key"
    }

    fn noun(&self) -> &'static str {
        "storage bucket key"
    }

    fn schema(&self) -> Resource {
        let secret = |name, description| {
            let attribute = Attribute::new(Type::String, Presence::Computed, description);
            (name, attribute.sensitive())
        };
        let attributes = [
            required("name", "Its name."),
            required("pool", "The storage pool of the bucket."),
            required("storage_bucket", "The bucket."),
            defaulted("description", Type::String, "What it is for."),
            defaulted("role", Type::String, "`admin` or `read-only`."),
            secret("access_key", "The name to log in with."),
            secret("secret_key", "The secret to log in with."),
        ];
        resource(
            "A key to a bucket.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("role", Value::from("read-only")),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &[
            "name",
            "pool",
            "storage_bucket",
            "role",
            "project",
            "remote",
        ]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "role", &["admin", "read-only"], diags);
    }

    fn has_config(&self) -> bool {
        false
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        let (pool, bucket) = (text("pool"), text("storage_bucket"));
        vec![
            "storage-pools",
            pool,
            "buckets",
            bucket,
            "keys",
            text("name"),
        ]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![("role", json!(object.text("role")))]
    }

    fn update_fields(
        &self,
        object: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Json)> {
        // What an update leaves out the server would make anew.
        let kept = SECRETS.map(|(field, _)| (field, json!(server.rest.get(field))));
        [("role", json!(object.text("role")))]
            .into_iter()
            .chain(kept)
            .collect()
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        let text = |field| server.rest.get(field).and_then(Json::as_str);
        let secrets = SECRETS.map(|(field, name)| (name, attributes::text(text(field))));
        let role = ("role", attributes::text(text("role")));
        secrets.into_iter().chain([role]).collect()
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["pool", "storage_bucket", "name"]
    }
}
