//! `hastate` and `hagroup` of a guest: whether the cluster keeps it running, and where.
//!
//! The cluster has an object of its own for that, which goes by the guest's number.

use serde_json::{Value as Json, json};

use crate::provider::{
    guest::text,
    kind::{Kind, Outcome, Work},
    kinds,
};

/// The kind of that object, which users may write by themselves, too.
fn resource() -> &'static dyn Kind {
    kinds()["proxmox_haresource"]
}

/// What a guest asks for; none if it says nothing. A group alone leaves the state to the server, which starts it.
/// `word` is `qemu` or `lxc`.
fn wanted(object: &Json, word: &str) -> Option<Json> {
    let (state, group) = (text(object, "hastate"), text(object, "hagroup"));
    state.or(group)?;
    Some(json!({ "resource_id": name(object, word), "state": state, "group": group }))
}

/// `vm:100` or `ct:100`.
fn name(object: &Json, word: &str) -> String {
    let kind = if word == "qemu" { "vm" } else { "ct" };
    format!("{kind}:{}", object["vmid"])
}

/// Has the cluster do what a guest asks for, after what it asked for `prior`.
pub(super) async fn settle(
    work: &Work<'_>,
    word: &str,
    prior: Option<&Json>,
    object: &Json,
) -> Outcome<()> {
    let Some(mut wanted) = wanted(object, word) else {
        return match prior {
            Some(prior) => release(work, word, prior).await,
            None => Ok(()),
        };
    };
    let mut there = json!({ "resource_id": wanted["resource_id"], "(imported)": true });
    if !resource().read(work, &mut there).await? {
        return resource().create(work, &mut wanted).await;
    }
    // What others said of it besides stays.
    let mut changed = there.clone();
    changed["group"] = wanted["group"].take();
    if !wanted["state"].is_null() && there["state"] != *told(&wanted["state"]) {
        changed["state"] = wanted["state"].take();
    }
    match changed == there {
        true => Ok(()),
        false => resource().update(work, &there, &mut changed).await,
    }
}

/// The state that a server tells for one that was asked for.
fn told(state: &Json) -> &Json {
    static STARTED: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| json!("started"));
    match state == "enabled" {
        true => &STARTED,
        false => state,
    }
}

/// Takes a guest out of the cluster's care, if it asked for that.
pub(super) async fn release(work: &Work<'_>, word: &str, object: &Json) -> Outcome<()> {
    match wanted(object, word) {
        Some(wanted) => resource().delete(work, &wanted).await,
        None => Ok(()),
    }
}

/// Tells what the cluster does with a guest, if the guest asks for anything, or nobody knows yet.
pub(super) async fn tell(work: &Work<'_>, word: &str, object: &mut Json) -> Outcome<()> {
    let asked = wanted(object, word);
    if asked.is_none() && object["(imported)"] != true {
        return Ok(());
    }
    let mut there = json!({ "resource_id": name(object, word), "(imported)": true });
    if !resource().read(work, &mut there).await? {
        for name in ["hastate", "hagroup"] {
            if text(object, name).is_some() {
                object[name] = json!("");
            }
        }
        return Ok(());
    }
    let says_state = asked.is_none() || text(object, "hastate").is_some();
    if says_state && there["state"] != *told(&object["hastate"]) {
        object["hastate"] = there["state"].clone();
    }
    if text(&there, "group") != text(object, "hagroup") {
        object["hagroup"] = there["group"].clone();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_asks_for_what_it_says() {
        let object = json!({ "vmid": 100, "hastate": "started", "hagroup": "" });
        let asked = json!({ "resource_id": "vm:100", "state": "started", "group": null });
        assert_eq!(wanted(&object, "qemu"), Some(asked));
        assert_eq!(wanted(&json!({ "vmid": 100, "hastate": "" }), "lxc"), None);
        let group = wanted(&json!({ "vmid": 100, "hagroup": "g" }), "lxc").unwrap();
        assert_eq!(
            (&group["resource_id"], &group["state"]),
            (&json!("ct:100"), &Json::Null)
        );
        assert_eq!(told(&json!("enabled")), "started");
    }
}
