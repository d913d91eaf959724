//! What the calls of the API do, one file for each kind of object.

mod access;
mod cluster;
mod content;
mod firewall;
mod lxc;
mod network;
mod node;
mod objects;
mod pools;
mod qemu;
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
    let families: [fn(&mut Store, &Call) -> Option<Answered>; 13] = [
        task::answer,
        qemu::answer,
        lxc::answer,
        storage::answer,
        content::answer,
        access::answer,
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

/// Reading a folder of the API gives what is below it.
fn folder(call: &Call) -> Option<Answered> {
    let segments: Vec<&str> = call
        .method
        .path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let below = api::below(&segments);
    let key = match call.method.path.as_str() {
        "/"
        | "/access"
        | "/nodes/{node}/qemu/{vmid}"
        | "/nodes/{node}/lxc/{vmid}"
        | "/nodes/{node}/qemu/{vmid}/status"
        | "/nodes/{node}/lxc/{vmid}/status" => "subdir",
        "/nodes/{node}/scan" => "method",
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
