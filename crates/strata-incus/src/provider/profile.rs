//! `incus_profile`: configuration and devices that instances share.

use serde_json::Value as Json;
use strata_core::{
    Diagnostics, Type, Value,
    schema::{Presence, Resource},
};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    devices,
    lifecycle::{Entity, ServerObject},
    schemas::{config, defaulted, optional, required, resource},
    validate,
};
use crate::client::ApiPath;

pub(crate) struct Profile;

impl Entity for Profile {
    fn type_name(&self) -> &'static str {
        "incus_profile"
    }

    fn noun(&self) -> &'static str {
        "profile"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            defaulted("description", Type::String, "What it is for."),
            defaulted(
                "project",
                Type::String,
                "The project that it is in; `default` if not set.",
            ),
            optional("remote", "The remote that it is on."),
            config(),
        ];
        let device = ("device", devices::schema(Presence::Required));
        resource(
            "Configuration and devices that instances share.",
            attributes,
            [device],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("project", Value::from("default")),
            ("config", map(&Texts::new())),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "project", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::devices(config, diags);
    }

    fn collection(&self, _: Attributes<'_>, project: &str) -> ApiPath {
        ApiPath::new(&["profiles"]).project(project)
    }

    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        ApiPath::new(&["profiles", object.text("name").unwrap_or_default()]).project(project)
    }

    fn is_computed(&self) -> IsComputed {
        |_| false
    }

    fn has_devices(&self) -> bool {
        true
    }

    fn create_fields(&self, _: Attributes<'_>) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    fn read_fields(&self, _: Attributes<'_>, _: &ServerObject) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("instances that use a profile must be removed, or changed, before it")
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        Ok(vec![("name", Value::from(id))])
    }
}
