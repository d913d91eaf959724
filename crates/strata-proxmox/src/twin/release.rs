//! What an older Proxmox VE does not have: paths, parameters, and words that they may be.
//!
//! The published description is of one release; this says of the few things that Strata uses when they came.

use serde_json::{Map, Value as Json};

use super::{answer::Refusal, api::Method};

/// The release that the description is of.
pub(super) const NEWEST: (u32, u32) = (9, 1);

/// The first release in which there are highly available rules in place of groups.
pub(super) const RULES: (u32, u32) = (9, 0);

/// How a path begins, a parameter, a word of it, and since when: nothing stands for all.
const SINCE: [(&str, &str, &str, (u32, u32)); 7] = [
    ("/cluster/ha/rules", "", "", RULES),
    ("/cluster/sdn/fabrics", "", "", (9, 0)),
    ("/cluster/mapping/dir", "", "", (8, 4)),
    ("/cluster/mapping", "", "", (8, 0)),
    ("/nodes/{node}/qemu", "ciupgrade", "", (8, 0)),
    (
        "/nodes/{node}/storage/{storage}/download-url",
        "content",
        "import",
        (8, 4),
    ),
    (
        "/nodes/{node}/storage/{storage}/upload",
        "content",
        "import",
        (8, 4),
    ),
];

/// What `/version` tells of a release.
pub(super) fn told((major, minor): (u32, u32)) -> Json {
    match (major, minor) {
        NEWEST => serde_json::json!({ "version": "9.1.8", "release": "9.1", "repoid": "a8e257e1" }),
        _ => serde_json::json!({
            "version": format!("{major}.{minor}.1"), "release": format!("{major}.{minor}"), "repoid": "00000000",
        }),
    }
}

/// Refuses what a release does not have, in the words in which any unknown thing is refused.
pub(super) fn check(
    release: (u32, u32),
    method: &Method,
    given: &Map<String, Json>,
) -> Result<(), Refusal> {
    let later = SINCE
        .iter()
        .filter(|(start, _, _, since)| method.path.starts_with(start) && release < *since);
    for (_, name, word, _) in later {
        match (given.get(*name), *word) {
            _ if name.is_empty() => {
                let text = format!("Method '{} {}' not implemented", method.verb, method.path);
                return Err(Refusal::status(501, text));
            }
            (Some(_), "") => {
                let text = "property is not defined in schema and the schema does not allow additional properties";
                return Err(Refusal::parameter(name, text));
            }
            (Some(text), word) if text == word => {
                let text = format!(
                    "value '{word}' does not have a value in the enumeration 'iso, vztmpl'"
                );
                return Err(Refusal::parameter(name, &text));
            }
            _ => {}
        }
    }
    Ok(())
}
