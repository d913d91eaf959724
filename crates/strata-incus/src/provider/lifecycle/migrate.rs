//! Volumes that are copied from another remote: that one offers it, and the server that is to have it pulls.

use serde_json::{Value as Json, json};

use super::super::{attributes::Attributes, image::reachable};
use crate::client::{ApiPath, Client, ClientError};

/// Has a remote offer the volume that an object's `source_volume` names; gives the source for the create call.
pub(super) async fn offered(from: &Client, object: Attributes<'_>) -> Result<Json, ClientError> {
    let source = object.object("source_volume");
    let text = |name| {
        source
            .and_then(|source| source.text(name))
            .unwrap_or_default()
    };
    let (pool, name) = (text("pool"), text("name"));
    let (address, certificate) = reachable(from).await?;
    let path = ApiPath::new(&["storage-pools", pool, "volumes", "custom", name]);
    let path = path.project(&from.remote().project);
    let body = json!({ "name": name, "pool": pool, "migration": true, "volume_only": true });
    let offer = from.start(&path, &body).await?;
    Ok(json!({
        "type": "migration",
        "mode": "pull",
        "operation": format!("{address}/1.0/operations/{}", offer.id),
        "certificate": certificate,
        "secrets": offer.metadata,
        "volume_only": true,
    }))
}
