//! `incus_cluster_group`: members of a cluster under one name.

use serde_json::{Value as Json, json};
use strata_core::{
    Type, Value,
    schema::{Attribute, Presence, Resource},
};

use super::{
    attributes::{self, Attributes},
    entity::{Entity, ServerObject},
    schemas::{config, defaulted, optional, required, resource},
};

pub(crate) struct ClusterGroup;

impl Entity for ClusterGroup {
    fn type_name(&self) -> &'static str {
        "incus_cluster_group"
    }

    fn noun(&self) -> &'static str {
        "cluster group"
    }

    fn schema(&self) -> Resource {
        let members = Type::set(Type::String);
        let members = Attribute::new(members, Presence::Optional, "Its members.");
        let attributes = [
            required("name", "Its name."),
            defaulted("description", Type::String, "What it is for."),
            optional("remote", "The remote that it is on."),
            ("members", members),
            config(),
        ];
        resource("Members of a cluster.", attributes, [])
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "remote"]
    }

    // Servers before 6.3 keep no keys of a group.
    fn is_markable(&self, _: Attributes<'_>) -> bool {
        false
    }

    fn has_project(&self) -> bool {
        false
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let name = object.text("name").unwrap_or_default();
        vec!["cluster", "groups", name]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![(
            "members",
            json!(object.texts("members").unwrap_or_default()),
        )]
    }

    fn update_fields(
        &self,
        object: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Json)> {
        // Whoever names no members leaves them to others.
        let members = object.texts("members");
        let members = members.unwrap_or_else(|| server.texts("members"));
        vec![("members", json!(members))]
    }

    fn read_fields(
        &self,
        known: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        let found = server.texts("members");
        let members = match known.0.get("members") {
            Some(Value::Null(ty)) => Value::Null(ty.clone()),
            _ => attributes::set(&found),
        };
        vec![("members", members)]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("a group must have no members: each member needs another group first")
    }
}
