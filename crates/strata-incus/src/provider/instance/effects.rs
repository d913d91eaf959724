//! What a change does to a running instance.

use std::collections::BTreeSet;

use strata_core::{
    AttributePath, Value,
    provider::{Effect, EffectKind},
};

use crate::provider::{attributes::Attributes, devices};

/// Keys of containers that take hold only at the next start, by prefix.
const AT_NEXT_START: [&str; 12] = [
    "security.privileged",
    "security.idmap.",
    "security.guestapi",
    "security.syscalls.",
    "raw.lxc",
    "raw.idmap",
    "raw.seccomp",
    "linux.sysctl.",
    "limits.kernel.",
    "nvidia.",
    "cloud-init.",
    "user.user-data",
];

/// Keys of virtual machines that take hold only at the next start, by prefix.
const AT_NEXT_START_OF_VM: [&str; 9] = [
    "security.",
    "agent.",
    "raw.",
    "migration.",
    "cloud-init.",
    "user.user-data",
    "limits.memory.hugepages",
    "limits.cpu.nodes",
    "smbios11.",
];

/// Names the effects of a change.
pub(crate) fn effects(prior: &Value, planned: &Value, replaced: &[AttributePath]) -> Vec<Effect> {
    let before = Attributes(prior);
    let after = Attributes(planned);
    if !replaced.is_empty() {
        let names: Vec<String> = replaced.iter().map(|path| format!("`{path}`")).collect();
        let reason = format!(
            "{} changes: a new instance is made, the root disk is lost; hardware addresses and volumes stay",
            names.join(", ")
        );
        return vec![effect(EffectKind::Rebuild, reason)];
    }
    if prior == planned {
        return Vec::new();
    }
    if before.flag("running") != Some(true) {
        let reason = "the instance does not run".to_owned();
        return vec![effect(EffectKind::None, reason)];
    }
    if after.flag("running") == Some(false) {
        return vec![effect(
            EffectKind::Restart,
            "the instance is stopped".to_owned(),
        )];
    }
    let mut effects = Vec::new();
    if before.text("name") != after.text("name") {
        let reason = "the instance is stopped to be renamed, and started again".to_owned();
        effects.push(effect(EffectKind::Restart, reason));
    }
    effects.extend(config_effects(before, after));
    effects.extend(device_effects(prior, planned));
    if prior.get("profiles") != planned.get("profiles") {
        effects.push(effect(
            EffectKind::Live,
            "`profiles` are applied live".to_owned(),
        ));
    }
    effects
}

fn config_effects(before: Attributes<'_>, after: Attributes<'_>) -> Vec<Effect> {
    let at_next_start: &[&str] = match after.text("type") {
        Some("virtual-machine") => &AT_NEXT_START_OF_VM,
        _ => &AT_NEXT_START,
    };
    let (before, after) = (before.map("config"), after.map("config"));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let waits = at_next_start.iter().any(|prefix| key.starts_with(prefix));
            let when = if waits {
                "is stored now and takes hold at the next start"
            } else {
                "is applied live"
            };
            effect(EffectKind::Live, format!("`{key}` {when}"))
        })
        .collect()
}

fn device_effects(prior: &Value, planned: &Value) -> Vec<Effect> {
    let (before, after) = (devices::of(prior), devices::of(planned));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let what = match (before.contains_key(name), after.contains_key(name)) {
                (false, _) => "is plugged in",
                (true, false) => "is unplugged",
                (true, true) => "is changed",
            };
            effect(EffectKind::Live, format!("device `{name}` {what} live"))
        })
        .collect()
}

fn effect(kind: EffectKind, reason: String) -> Effect {
    Effect { kind, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{
        attributes::{map, with},
        instance::schema,
    };

    fn object(running: bool, config: &[(&str, &str)]) -> Value {
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        with(
            &schema().block.empty_value(),
            [
                ("name", Value::from("a")),
                ("running", Value::from(running)),
                ("config", map(&config.collect())),
            ],
        )
    }

    fn check(prior: &Value, planned: &Value, replaced: &[AttributePath]) -> Vec<String> {
        let effects = effects(prior, planned, replaced);
        effects
            .iter()
            .map(|effect| format!("{:?}: {}", effect.kind, effect.reason))
            .collect()
    }

    #[test]
    fn limits_are_live_and_privileges_wait() {
        let prior = object(true, &[("limits.cpu", "1")]);
        let planned = object(
            true,
            &[("limits.cpu", "2"), ("security.privileged", "true")],
        );
        assert_eq!(
            check(&prior, &planned, &[]),
            [
                "Live: `limits.cpu` is applied live",
                "Live: `security.privileged` is stored now and takes hold at the next start"
            ]
        );
    }

    #[test]
    fn a_new_image_is_a_rebuild_and_a_stopped_instance_feels_nothing() {
        let running = object(true, &[]);
        assert_eq!(
            check(&running, &running, &[AttributePath::attribute("image")]),
            [
                "Rebuild: `image` changes: a new instance is made, the root disk is lost; hardware addresses and volumes stay"
            ]
        );
        let stopped = object(false, &[("limits.cpu", "1")]);
        assert_eq!(
            check(&stopped, &object(true, &[]), &[]),
            ["None: the instance does not run"]
        );
    }
}
