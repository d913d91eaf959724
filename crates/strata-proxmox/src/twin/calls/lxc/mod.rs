//! Containers.

mod change;
mod create;
mod power;
mod status;

use super::super::{
    answer::Answered,
    call::Call,
    store::{Kind, Store},
};

pub(super) use self::{change::detach, status::row};

/// Answers what is below `/nodes/{node}/lxc`.
pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.strip_prefix("/nodes/{node}/lxc")?;
    let verb = call.method.verb.as_str();
    Some(match (verb, path) {
        ("GET", "") => status::list(store, call),
        ("POST", "") => create::create(store, call),
        ("DELETE", "/{vmid}") => create::delete(store, call),
        ("GET", "/{vmid}/config") => change::read(store, call),
        ("PUT", "/{vmid}/config") => change::change(store, call),
        ("GET", "/{vmid}/pending") => change::pending(store, call),
        ("PUT", "/{vmid}/resize") => change::resize(store, call),
        ("POST", "/{vmid}/move_volume") => change::move_volume(store, call),
        ("GET", "/{vmid}/status/current") => status::current(store, call),
        ("GET", "/{vmid}/interfaces") => status::interfaces(store, call),
        ("POST", "/{vmid}/clone") => create::clone(store, call),
        ("POST", "/{vmid}/template") => create::template(store, call),
        ("GET", "/{vmid}/feature") => status::feature(store, call),
        ("GET", "/{vmid}/migrate") => status::can_migrate(store, call),
        ("POST", "/{vmid}/migrate") => create::migrate(store, call),
        _ => {
            let rest = path.strip_prefix("/{vmid}/snapshot");
            return power::answer(store, call, path)
                .or_else(|| super::qemu::snapshots(store, call, Kind::Lxc, rest?));
        }
    })
}
