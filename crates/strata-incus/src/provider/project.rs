//! `incus_project`: a room of its own for instances and what belongs to them.

use serde_json::Value as Json;
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    lifecycle::{Entity, ServerObject},
    schemas::{config, defaulted, optional, required, resource},
};
use crate::client::ApiPath;

pub(crate) struct Project;

impl Entity for Project {
    fn type_name(&self) -> &'static str {
        "incus_project"
    }

    fn noun(&self) -> &'static str {
        "project"
    }

    fn schema(&self) -> Resource {
        let force = "Whether everything in it is deleted with it.";
        let attributes = [
            required("name", "Its name."),
            defaulted("description", Type::String, "What it is for."),
            optional("remote", "The remote that it is on."),
            defaulted("force_destroy", Type::Bool, force),
            config(),
        ];
        resource("A project.", attributes, [])
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("force_destroy", Value::from(false)),
            ("config", map(&Texts::new())),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    fn validate(&self, _: Attributes<'_>, _: &mut Diagnostics) {}

    fn collection(&self, _: Attributes<'_>, _: &str) -> ApiPath {
        ApiPath::new(&["projects"])
    }

    fn path(&self, object: Attributes<'_>, _: &str) -> ApiPath {
        ApiPath::new(&["projects", object.text("name").unwrap_or_default()])
    }

    fn is_computed(&self) -> IsComputed {
        |key| key.starts_with("features.")
    }

    fn create_fields(&self, _: Attributes<'_>) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    fn read_fields(&self, _: Attributes<'_>, _: &ServerObject) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn delete_path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let path = self.path(object, project);
        match object.flag("force_destroy") {
            Some(true) => path.query("force", "1"),
            _ => path,
        }
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some(
            "a project must be empty; `force_destroy = true`, applied before, deletes all that is in it",
        )
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        Ok(vec![
            ("name", Value::from(id)),
            ("force_destroy", Value::from(false)),
        ])
    }
}
