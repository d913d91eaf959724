//! Instances that only got another address because `count` came or went.
//!
//! As in Terraform, `a` becomes `a[0]` when its block gets `count`, and `a[0]` becomes `a` when it loses it; the
//! same holds for calls of modules.

use strata_config::{Config, module::Repeat};
use strata_core::addr::{InstanceKey, Module, ResourceInstance};
use strata_state::State;

/// Finds what has moved; nothing moves to where something is already.
pub(crate) fn implied_moves(
    config: &Config,
    state: &State,
) -> Vec<(ResourceInstance, ResourceInstance)> {
    let moved = |from: ResourceInstance| {
        let to = expected(config, &from);
        (to != from && state.instance(&to).is_none()).then_some((from, to))
    };
    state
        .instances()
        .filter_map(|(address, _, _)| moved(address))
        .collect()
}

/// The address that configuration has for an instance.
fn expected(config: &Config, address: &ResourceInstance) -> ResourceInstance {
    let mut expected = address.clone();
    let mut caller = Module::root();
    for step in &mut expected.resource.module.0 {
        let call = config
            .module(&caller)
            .and_then(|module| module.calls.get(&step.name));
        if let Some(call) = call {
            follow(&call.repeat, &mut step.key);
        }
        caller = caller.child(step.name.clone());
    }
    if let Some(block) = config.resource(&address.resource.config()) {
        follow(&block.repeat, &mut expected.key);
    }
    expected
}

fn follow(repeat: &Repeat, key: &mut Option<InstanceKey>) {
    match (repeat, &key) {
        (Repeat::Count(_), None) => *key = Some(InstanceKey::Int(0)),
        (Repeat::Once, Some(InstanceKey::Int(0))) => *key = None,
        _ => {}
    }
}
