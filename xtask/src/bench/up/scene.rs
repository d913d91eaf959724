//! What both sides make: one profile, and containers from it.

use serde_json::{Value, json};

/// Everything either side makes has a name that begins so, and everything with such a name is
/// deleted: nothing else may be called that.
pub(super) const PREFIX: &str = "strata-bench-";

/// The containers and what they stand on.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) instances: usize,
    pub(super) image: &'static str,
    pub(super) network: String,
    pub(super) pool: &'static str,
}

impl Scene {
    /// Names the profile.
    pub(super) fn profile(&self) -> String {
        format!("{PREFIX}profile")
    }

    /// Names the containers.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.instances)
            .map(|at| format!("{PREFIX}{at}"))
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
  name     = "{PREFIX}${{count.index}}"
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
            instances: 2,
            image: "debian/12",
            network,
            pool: "default",
        };
        assert_eq!(scene.names(), ["strata-bench-0", "strata-bench-1"]);
        let module = scene.root_module();
        assert!(
            module.contains(r#"name     = "strata-bench-${count.index}""#),
            "{module}"
        );
        assert!(
            module.contains(r#"name = "strata-bench-profile""#),
            "{module}"
        );
        assert_eq!(scene.devices()["eth0"]["network"], "br0");
    }
}
