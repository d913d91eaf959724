//! Virtual machines.

pub(super) mod agent;
pub(super) mod clone;
mod cloudinit;
pub(super) mod config;
pub(super) mod create;
mod disks;
pub(super) mod power;
mod snapshot;
mod status;

use super::super::{answer::Answered, call::Call, store::Store};

pub(super) use self::status::row;

/// Answers what is below `/nodes/{node}/qemu`.
pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.strip_prefix("/nodes/{node}/qemu")?;
    let verb = call.method.verb.as_str();
    Some(match (verb, path) {
        ("GET", "") => status::list(store, call),
        ("POST", "") => create::create(store, call),
        ("DELETE", "/{vmid}") => create::delete(store, call),
        ("GET", "/{vmid}/config") => config::read(store, call),
        ("PUT" | "POST", "/{vmid}/config") => config::change(store, call),
        ("GET", "/{vmid}/pending") => config::pending(store, call),
        ("PUT", "/{vmid}/unlink") => config::unlink(store, call),
        ("GET", "/{vmid}/status/current") => status::current(store, call),
        ("POST", "/{vmid}/clone") => clone::clone(store, call),
        ("POST", "/{vmid}/template") => clone::template(store, call),
        ("PUT", "/{vmid}/resize") => disks::resize(store, call),
        ("POST", "/{vmid}/move_disk") => disks::move_disk(store, call),
        ("GET", "/{vmid}/migrate") => disks::can_migrate(store, call),
        ("POST", "/{vmid}/migrate") => disks::migrate(store, call),
        ("GET", "/{vmid}/feature") => disks::feature(store, call),
        _ => {
            return power::answer(store, call, path)
                .or_else(|| snapshot::answer(store, call, path))
                .or_else(|| cloudinit::answer(store, call, path))
                .or_else(|| agent::answer(store, call, path));
        }
    })
}

/// Snapshots of either kind of guest.
pub(super) fn snapshots(
    store: &mut Store,
    call: &Call,
    kind: super::super::store::Kind,
    rest: &str,
) -> Option<Answered> {
    snapshot::answer_for(store, call, kind, rest)
}
