//! What the calls of the API do, one file for each kind of object.

mod access;
mod acme;
mod cluster;
mod content;
mod disk_pools;
mod firewall;
mod lxc;
mod network;
mod node;
mod objects;
mod pools;
mod qemu;
mod realms;
mod sdn;
mod storage;

use serde_json::json;

use super::{
    answer::{Answered, Refusal, data},
    api, auth,
    call::Call,
    store::Store,
    task,
};

/// Answers a checked call.
pub(super) fn answer(store: &mut Store, call: &Call) -> Answered {
    if (call.method.verb.as_str(), call.method.path.as_str()) == ("POST", "/access/ticket") {
        return auth::ticket(store, call);
    }
    let families: [fn(&mut Store, &Call) -> Option<Answered>; 15] = [
        task::answer,
        disk_pools::answer,
        qemu::answer,
        lxc::answer,
        storage::answer,
        content::answer,
        access::answer,
        realms::answer,
        pools::answer,
        cluster::answer,
        firewall::answer,
        network::answer,
        node::answer,
        sdn::answer,
        objects::answer,
    ];
    for family in families {
        if let Some(answered) = family(store, call) {
            return answered;
        }
    }
    if call.method.verb == "GET"
        && let Some(answered) = folder(call)
    {
        return answered;
    }
    let (verb, path) = (&call.method.verb, &call.method.path);
    Err(Refusal::status(
        501,
        format!("the twin has no {verb} {path}"),
    ))
}

/// What the server itself leaves out of a folder, and what it says besides.
const FOLDERS: [(&str, &[&str], &[&str]); 8] = [
    ("/cluster/sdn", &["dry-run", "lock", "rollback"], &[]),
    ("/nodes/{node}", &["execute", "vncwebsocket"], &[]),
    (
        "/nodes/{node}/lxc/{vmid}",
        &[
            "feature",
            "move_volume",
            "mtunnel",
            "mtunnelwebsocket",
            "remote_migrate",
            "template",
        ],
        &[],
    ),
    (
        "/nodes/{node}/lxc/{vmid}/status",
        &["resume", "suspend"],
        &["migrate"],
    ),
    (
        "/nodes/{node}/qemu/{vmid}",
        &[
            "clone",
            "dbus-vmstate",
            "feature",
            "move_disk",
            "mtunnelwebsocket",
            "template",
            "vncwebsocket",
        ],
        &["move"],
    ),
    ("/nodes/{node}/qemu/{vmid}/status", &["resume"], &[]),
    ("/nodes/{node}/qemu/{vmid}/firewall", &["log"], &[]),
    ("/nodes/{node}/scan", &["lvmthin"], &[]),
];

/// Reading a folder of the API gives what is below it.
fn folder(call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let mut below = api::below(&segments);
    if let Some((_, hidden, more)) = FOLDERS.iter().find(|(folder, ..)| *folder == path) {
        below.retain(|name| !hidden.contains(name));
        below.extend(more.iter());
    }
    let key = match path {
        "/"
        | "/access"
        | "/access/openid"
        | "/nodes/{node}/qemu/{vmid}"
        | "/nodes/{node}/lxc/{vmid}"
        | "/nodes/{node}/qemu/{vmid}/status"
        | "/nodes/{node}/lxc/{vmid}/status" => "subdir",
        "/nodes/{node}/scan" => "method",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}"
        | "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}" => "cmd",
        "/cluster/sdn" | "/cluster/ha" => "id",
        _ => "name",
    };
    if below.is_empty() {
        return None;
    }
    Some(data(
        below.iter().map(|name| json!({ key: name })).collect(),
    ))
}
