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
    // A daemon that is busy starting a guest answers with an error now and then.
    let state = || api.get(&format!("/1.0/instances/{name}/state"));
    while !state().is_ok_and(|state| has_address(&state)) {
        if start.elapsed() > PATIENCE {
            return Err(Failure::new(format!("`{name}` got no address")));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Tells whether a guest has an IPv4 address that others reach.
pub(super) fn has_address(state: &Value) -> bool {
    let interfaces = state["network"].as_object().into_iter().flatten();
    interfaces
        .flat_map(|(_, interface)| interface["addresses"].as_array().into_iter().flatten())
        .any(|address| address["family"] == "inet" && address["scope"] == "global")
}

/// Deletes whatever a run made, all of it or half.
pub(super) fn delete(api: &Api, prefix: &str) -> Result<(), Failure> {
    let ours = |kind: &str| -> Result<Vec<String>, Failure> {
        let urls = api.get(kind)?;
        let names = urls.as_array().into_iter().flatten();
        let names = names.filter_map(|url| url.as_str()?.rsplit('/').next());
        Ok(names
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect())
    };
    each(&ours("/1.0/instances")?, |name| {
        let path = format!("/1.0/instances/{name}");
        if api.get(&path)?["status"] == "Running" {
            let stop = json!({ "action": "stop", "force": true, "timeout": 30 });
            api.done("PUT", &format!("{path}/state"), Some(&stop))?;
        }
        api.done("DELETE", &path, None)
    })?;
    for name in ours("/1.0/profiles")? {
        api.done("DELETE", &format!("/1.0/profiles/{name}"), None)?;
    }
    Ok(())
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
