//! `incus_project`: a room of its own for instances and what belongs to them.

use strata_core::{Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    entity::Entity,
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

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["projects", object.text("name").unwrap_or_default()]
    }

    fn is_computed(&self) -> IsComputed {
        |key| key.starts_with("features.")
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

    fn imported(&self) -> Vec<(&'static str, Value)> {
        vec![("force_destroy", Value::from(false))]
    }

    fn has_project(&self) -> bool {
        false
    }
}
