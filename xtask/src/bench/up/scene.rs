//! What both sides make: one profile, and containers from it.

use serde_json::{Value, json};

/// The containers and what they stand on.
#[derive(Debug)]
pub(super) struct Scene {
    /// Begins the name of everything that either side makes, and of nothing else: only what has one of
    /// the names below is deleted.
    pub(super) prefix: String,
    pub(super) instances: usize,
    pub(super) image: &'static str,
    pub(super) network: String,
    pub(super) pool: &'static str,
}

impl Scene {
    /// A prefix that no other run on this machine has now.
    pub(super) fn prefix_of_this_run() -> String {
        format!("strata-bench-{}-", std::process::id())
    }

    /// Names the profile.
    pub(super) fn profile(&self) -> String {
        format!("{}profile", self.prefix)
    }

    /// Names the containers.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.instances)
            .map(|at| format!("{}{at}", self.prefix))
            .collect()
    }

    /// Gives the profile's devices as the API takes them.
    pub(super) fn devices(&self) -> Value {
        json!({
            "root": { "type": "disk", "path": "/", "pool": self.pool },
            "eth0": { "type": "nic", "network": self.network },
        })
    }

    /// Gives the root module that describes the same.
    pub(super) fn root_module(&self) -> String {
        let Scene {
            prefix,
            instances,
            image,
            network,
            pool,
        } = self;
        let profile = self.profile();
        format!(
            r#"terraform {{
  required_providers {{
    incus = {{ source = "lxc/incus" }}
  }}
}}

resource "incus_profile" "bench" {{
  name = "{profile}"

  device {{
    name       = "root"
    type       = "disk"
    properties = {{ path = "/", pool = "{pool}" }}
  }}

  device {{
    name       = "eth0"
    type       = "nic"
    properties = {{ network = "{network}" }}
  }}
}}

resource "incus_instance" "bench" {{
  count    = {instances}
  name     = "{prefix}${{count.index}}"
  image    = "{image}"
  profiles = [incus_profile.bench.name]

  wait_for {{
    type = "ipv4"
  }}
}}
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_make_things_of_the_same_names() {
        let network = "br0".to_owned();
        let scene = Scene {
            prefix: "run-".to_owned(),
            instances: 2,
            image: "debian/12",
            network,
            pool: "default",
        };
        assert_eq!(scene.names(), ["run-0", "run-1"]);
        let module = scene.root_module();
        assert!(
            module.contains(r#"name     = "run-${count.index}""#),
            "{module}"
        );
        assert!(module.contains(r#"name = "run-profile""#), "{module}");
        assert_eq!(scene.devices()["eth0"]["network"], "br0");
    }
}
