//! Instances as hosts: which connection fits them.

use std::sync::Arc;

use strata_core::{
    Value,
    inventory::{InventoryHost, InventorySource},
};

/// Makes hosts of `incus_instance` objects.
pub(crate) struct Inventory;

impl InventorySource for Inventory {
    fn host(&self, type_name: &str, object: &Value) -> Option<InventoryHost> {
        if type_name != "incus_instance" {
            return None;
        }
        let name: Arc<str> = object.get("name")?.as_str()?.into();
        let text = |attribute: &str| object.get(attribute).and_then(Value::as_str);
        let known = [
            ("ansible_connection", Some("incus")),
            ("ansible_host", Some(&*name)),
            (
                "ansible_incus_project",
                Some(text("project").unwrap_or("default")),
            ),
            ("ansible_incus_remote", text("remote")),
        ];
        let variables = known
            .into_iter()
            .filter_map(|(variable, value)| Some((variable.into(), Value::from(value?))));
        Some(InventoryHost {
            variables: variables.collect(),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    #[test]
    fn an_instance_is_a_host_that_is_reached_by_exec() {
        let object = Value::object([
            ("name", Value::from("web")),
            ("project", Value::from("lab")),
            ("remote", Value::Null(Type::String)),
        ]);
        let host = Inventory.host("incus_instance", &object).unwrap();
        let variables: Vec<_> = host
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        assert_eq!(
            variables,
            [
                "ansible_connection=incus",
                "ansible_host=web",
                "ansible_incus_project=lab"
            ]
        );
        assert_eq!(Inventory.host("incus_profile", &object), None);
    }
}
