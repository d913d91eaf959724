//! The images that every twin has: those that the examples and many others start from.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const NAMES: [&str; 12] = [
    "alpine/3.22",
    "debian/12",
    "debian/12/cloud",
    "debian/13",
    "debian/13/cloud",
    "debian/bookworm",
    "debian/bookworm/cloud",
    "debian/trixie",
    "debian/trixie/cloud",
    "ubuntu/24.04",
    "ubuntu/24.04/cloud",
    "ubuntu/noble",
];

/// Alias and image of each.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Value)> {
    NAMES.into_iter().map(|name| (name, image(name)))
}

/// An image by a name.
pub(super) fn image(name: &str) -> Value {
    let fingerprint: String = Sha256::digest(name)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let system = name.split('/').next().unwrap_or_default();
    json!({
        "fingerprint": fingerprint,
        "aliases": [{ "name": name, "description": "" }],
        "architecture": "x86_64",
        "type": "container",
        "properties": { "os": system, "description": name },
        "public": false,
        "size": 100_000_000,
    })
}
