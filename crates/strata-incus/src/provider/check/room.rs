//! Room in storage pools.

use strata_core::{Diagnostic, Diagnostics};

use super::{Planned, network::number, units::amount};

/// Fails if a volume is larger than its whole pool.
pub(super) async fn check(object: &Planned<'_>, found: &mut Diagnostics) {
    if object.type_name == "incus_storage_volume" && !object.is_there {
        pool(object, found).await;
    }
}

async fn pool(object: &Planned<'_>, found: &mut Diagnostics) {
    let Some(size) = amount(object.attributes(), "size") else {
        return;
    };
    let pool = object.attributes().text("pool").unwrap_or_default();
    let Some(resources) = object.look(&["storage-pools", pool, "resources"]).await else {
        return;
    };
    let space = &resources["space"];
    let (Some(total), Some(used)) = (number(&space["total"]), number(&space["used"])) else {
        return;
    };
    // Many pools promise more than they have; more than all of it is never right.
    if total > 0 && size > total {
        let name = object.attributes().text("name").unwrap_or_default();
        let summary = format!("storage volume `{name}` is larger than its pool `{pool}`");
        let detail =
            format!("It asks for {size} bytes; the pool has {total}, of which {used} are used.");
        found.push(Diagnostic::error("incus-limit", summary).detail(detail));
    }
}
