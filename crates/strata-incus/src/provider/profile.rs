//! `incus_profile`: configuration and devices that instances share.

use strata_core::{
    Diagnostics, Type, Value,
    schema::{Presence, Resource},
};

use super::{
    attributes::{Attributes, Texts, map},
    devices,
    entity::Entity,
    schemas::{config, defaulted, optional, required, resource},
    validate,
};

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

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::devices(config, diags);
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["profiles", object.text("name").unwrap_or_default()]
    }

    fn is_given(&self, object: Attributes<'_>) -> bool {
        object.text("name") == Some("default")
    }

    fn has_devices(&self) -> bool {
        true
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("instances that use a profile must be removed, or changed, before it")
    }
}
