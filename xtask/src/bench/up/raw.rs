//! The peer: the shortest program that makes the containers, with nothing but API calls.
//!
//! It plans nothing, records nothing and asks for no state beforehand. What it needs for the
//! containers is what anybody needs.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Scene, api::Api};
use crate::failure::Failure;

/// Incus tells nobody when a guest gets its address: one has to ask again and again.
const PAUSE: Duration = Duration::from_millis(50);

/// A container without an address by then gets none.
const PATIENCE: Duration = Duration::from_secs(180);

/// Makes the profile and the containers, and returns when each has an address.
pub(super) fn up(api: &Api, scene: &Scene) -> Result<(), Failure> {
    let profile = json!({ "name": scene.profile(), "devices": scene.devices() });
    api.done("POST", "/1.0/profiles", Some(&profile))?;
    each(&scene.names(), |name| {
        api.done("POST", "/1.0/instances", Some(&instance(scene, name)))?;
        await_address(api, name)
    })
}

fn instance(scene: &Scene, name: &str) -> Value {
    json!({
        "name": name,
        "type": "container",
        "profiles": [scene.profile()],
        "source": { "type": "image", "alias": scene.image },
        "start": true,
    })
}

fn await_address(api: &Api, name: &str) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        // A daemon that is busy starting a guest answers with an error now and then.
        let state = api.get(&format!("/1.0/instances/{name}/state"));
        match state {
            Ok(state) if has_address(&state) => return Ok(()),
            Ok(state) if state["status"] == "Stopped" => {
                return Err(Failure::new(format!("`{name}` ended by itself")));
            }
            _ if start.elapsed() > PATIENCE => {
                return Err(Failure::new(format!("`{name}` got no address")));
            }
            _ => thread::sleep(PAUSE),
        }
    }
}

/// Tells whether a guest has an IPv4 address that others reach.
pub(super) fn has_address(state: &Value) -> bool {
    let interfaces = state["network"].as_object().into_iter().flatten();
    interfaces
        .flat_map(|(_, interface)| interface["addresses"].as_array().into_iter().flatten())
        .any(|address| address["family"] == "inet" && address["scope"] == "global")
}

/// Deletes what a run made, all of it or half; what is not there is passed over.
pub(super) fn delete(api: &Api, scene: &Scene) -> Result<(), Failure> {
    each(&scene.names(), |name| {
        let path = format!("/1.0/instances/{name}");
        let Some(instance) = api.find(&path)? else {
            return Ok(());
        };
        if instance["status"] == "Running" {
            let stop = json!({ "action": "stop", "force": true, "timeout": 30 });
            api.done("PUT", &format!("{path}/state"), Some(&stop))?;
        }
        api.done("DELETE", &path, None)
    })?;
    let path = format!("/1.0/profiles/{}", scene.profile());
    match api.find(&path)? {
        Some(_) => api.done("DELETE", &path, None),
        None => Ok(()),
    }
}

/// Does the same for every name at once; of several failures the first is told.
fn each(
    names: &[String],
    work: impl Fn(&str) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(move || work(name)))
            .collect();
        let ended: Vec<_> = running
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        ended
            .into_iter()
            .try_for_each(|ended| ended.expect("the work does not panic"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ipv4_address_that_others_reach_counts() {
        let state = |family: &str, scope: &str| {
            let address = json!({ "family": family, "scope": scope, "address": "x" });
            json!({ "network": { "eth0": { "addresses": [address] } } })
        };
        assert!(has_address(&state("inet", "global")));
        assert!(!has_address(&state("inet", "local")));
        assert!(!has_address(&state("inet6", "global")));
        assert!(!has_address(&json!({ "network": null })));
    }
}
