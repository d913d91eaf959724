//! The data sources of guests: how they are shown, which pass the filters, and which a rehearsal lends.

use serde_json::{Value as Json, json};
use strata_core::Diagnostic;

use crate::provider::{
    guest::{text, texts},
    kind::{Failure, Outcome},
    value,
};

/// The guest that a rehearsal lets be there where one is looked for by its name or as a template; its id follows
/// from what is looked for.
pub(super) fn lent_guest(node: &str, tags: &[String], filters: &[Json]) -> Option<Json> {
    let wanted = |name: &str| {
        let filter = filters.iter().find(|filter| filter["name"] == name)?;
        let first = || value::text(filter["values"].get(0)?);
        (filter["regex"] != true).then(first).flatten()
    };
    let is_template = wanted("template");
    if wanted("name").is_none() && is_template.as_deref() != Some("true") {
        return None;
    }
    let looked_for = format!("{node} {tags:?} {filters:?}");
    let number = |sum: u32, byte: u8| sum.wrapping_mul(31).wrapping_add(byte.into());
    let id = 9000 + looked_for.bytes().fold(0, number) % 1000;
    Some(json!({
        "name": wanted("name").unwrap_or_else(|| format!("template-{id}")),
        "node_name": if node.is_empty() { "pve" } else { node },
        "status": wanted("status").unwrap_or_else(|| "stopped".to_owned()),
        "vm_id": id, "template": is_template.is_none_or(|text| text == "true"), "tags": tags,
    }))
}

/// A guest as data sources show it.
pub(super) fn shown_guest(row: &Json) -> Json {
    let tags = row["tags"]
        .as_str()
        .unwrap_or_default()
        .split(';')
        .filter(|tag| !tag.is_empty());
    json!({
        "name": row["name"], "node_name": row["node"], "status": row["status"], "vm_id": row["vmid"],
        "template": value::truth(&row["template"]).unwrap_or(false), "tags": tags.collect::<Vec<_>>(),
    })
}

/// True if a guest passes all filters; a filter passes by any of its values.
pub(super) fn passes(guest: &Json, filters: &[Json]) -> Outcome<bool> {
    for filter in filters {
        let name = text(filter, "name").unwrap_or_default();
        let own = value::text(&guest[name]).unwrap_or_default();
        let mut any = false;
        for wanted in texts(filter, "values") {
            any |= match filter["regex"] == true {
                false => own == wanted,
                true => regex::Regex::new(&wanted)
                    .map_err(|error| {
                        Failure::new(
                            Diagnostic::error(
                                "proxmox-invalid-value",
                                "a filter's value is no regular expression",
                            )
                            .detail(error.to_string()),
                        )
                    })?
                    .is_match(&own),
            };
        }
        if !any {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_lends_the_template_that_is_looked_for_by_name() {
        let filter = |name: &str, value: &str| json!({ "name": name, "values": [value] });
        let tags = ["k3s".to_owned()];
        let lent = |filters: &[Json]| lent_guest("attic", &tags, filters);
        let found = lent(&[filter("name", "ubuntu")]).unwrap();
        assert_eq!(Some(&found), lent(&[filter("name", "ubuntu")]).as_ref());
        assert_eq!(
            (&found["name"], &found["template"], &found["node_name"]),
            (&json!("ubuntu"), &json!(true), &json!("attic"))
        );
        let found = lent(&[filter("template", "true")]).unwrap();
        assert_eq!(found["tags"], json!(["k3s"]));
        assert_eq!(lent(&[filter("status", "running")]), None);
        let pattern = json!({ "name": "name", "regex": true, "values": ["^ubuntu"] });
        assert_eq!(lent(&[pattern]), None);
    }
}
