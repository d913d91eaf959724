//! Lives of objects against the twin: made, read, changed, imported, drifted, deleted.

mod ahead;
mod bad_input;
mod changes;
mod cluster;
mod complete;
mod fakepve;
mod faults;
mod lives;
mod machines;
mod objects;
mod over_ssh;
mod reach;
mod releases;
mod telmate;

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{
        ApplyRequest, ConfiguredProvider, EffectKind, Object, PlanRequest, PlanResponse, Progress,
        Provider, ReadRequest,
    },
    schema::{Attribute, Block, NestedBlock, Nesting},
};

use super::value::{from_json, to_json};
use crate::{
    Models, Proxmox, Settings,
    twin::{Fault, FaultKind, Options, Twin},
};

struct World {
    twin: Twin,
    provider: Arc<dyn Provider>,
    configured: Arc<dyn ConfiguredProvider>,
    _folder: tempfile::TempDir,
    /// Where the provider leads if not to the twin.
    elsewhere: Option<Elsewhere>,
}

/// A cluster that is no twin: how it is reached, and what ends it.
struct Elsewhere {
    config: Json,
    _process: Box<dyn std::any::Any + Send + Sync>,
}

fn options() -> Options {
    Options {
        nodes: vec!["pve".to_owned(), "pve2".to_owned()],
        lenient: false,
        ..Options::rehearsal()
    }
}

async fn world(options: Options) -> World {
    world_with(options, |_| Settings::default()).await
}

async fn world_with(options: Options, settings: impl FnOnce(&Twin) -> Settings) -> World {
    let folder = tempfile::tempdir().unwrap();
    let twin = Twin::on_loopback(options).await.unwrap();
    let provider = Proxmox::new(settings(&twin)).provider();
    let block = provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": twin.endpoint(), "fingerprint": twin.fingerprint(), "api_token": "root@pam!twin=twin",
        }),
    );
    let configured = provider.configure(config).unwrap();
    World {
        twin,
        provider,
        configured,
        _folder: folder,
        elsewhere: None,
    }
}

fn config_of(block: &Block, given: &Json) -> Value {
    let mut whole = to_json(&block.empty_value());
    for (name, value) in given.as_object().unwrap() {
        whole[name] = value.clone();
    }
    from_json(&whole, &block.implied_type())
}

/// What the engine proposes: the configuration, and what is computed from before or unknown.
fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let attributes = block.attributes.iter().map(|(name, attribute)| {
        (
            name.clone(),
            propose_one(
                attribute,
                prior.and_then(|prior| prior.get(name)),
                config.get(name),
            ),
        )
    });
    let blocks = block.blocks.iter().map(|(name, nested)| {
        (
            name.clone(),
            propose_block(
                nested,
                prior.and_then(|prior| prior.get(name)),
                config.get(name).unwrap(),
            ),
        )
    });
    Value::object(attributes.chain(blocks))
}

fn propose_one(attribute: &Attribute, prior: Option<&Value>, config: Option<&Value>) -> Value {
    match config.filter(|config| !config.is_null()) {
        Some(config) => config.clone(),
        None if attribute.presence.is_computed() => prior
            .cloned()
            .unwrap_or_else(|| Value::unknown(attribute.ty.clone())),
        None => Value::Null(attribute.ty.clone()),
    }
}

fn propose_block(nested: &NestedBlock, prior: Option<&Value>, config: &Value) -> Value {
    match (nested.nesting, config) {
        (Nesting::List, Value::List(ty, items)) => {
            let before = prior.and_then(Value::as_sequence).unwrap_or_default();
            let items = items
                .iter()
                .enumerate()
                .map(|(at, item)| propose(&nested.block, before.get(at), item));
            Value::list(ty.clone(), items.collect())
        }
        (Nesting::Set, Value::Set(ty, items)) => Value::set(
            ty.clone(),
            items
                .iter()
                .map(|item| propose(&nested.block, None, item))
                .collect::<Vec<_>>(),
        ),
        _ => config.clone(),
    }
}

impl World {
    async fn plan(
        &self,
        name: &str,
        prior: Option<&Object>,
        config: &Json,
    ) -> Result<PlanResponse, Diagnostics> {
        let block = &self.provider.schema().resources[name].block;
        let config = config_of(block, config);
        let request = PlanRequest {
            address: strata_core::addr::parse_resource_instance("test.one").unwrap(),
            type_name: name.into(),
            prior: prior.cloned(),
            proposed: propose(block, prior.map(|prior| &prior.value), &config),
            config,
        };
        self.configured.plan(request).await
    }

    async fn apply(
        &self,
        name: &str,
        prior: Option<&Object>,
        config: &Json,
    ) -> Result<Object, String> {
        let block = &self.provider.schema().resources[name].block;
        let plan = self
            .plan(name, prior, config)
            .await
            .map_err(|diags| shown(&diags))?;
        let response = self
            .configured
            .apply(ApplyRequest {
                type_name: name.into(),
                prior: prior.cloned(),
                planned: Some(plan.planned),
                config: Some(config_of(block, config)),
                private: plan.private,
                marker: format!("m-{}", uuid::Uuid::new_v4()),
                progress: Progress::ignored(),
            })
            .await;
        match response.diagnostics.is_empty() {
            true => {
                let object = response.object.unwrap();
                assert!(
                    object.value.is_wholly_known(),
                    "unknown after apply: {:?}",
                    object.value
                );
                Ok(object)
            }
            false => Err(shown(&response.diagnostics)),
        }
    }

    async fn read(&self, name: &str, object: &Object) -> Option<Object> {
        let request = ReadRequest {
            type_name: name.into(),
            object: object.clone(),
        };
        self.configured
            .read(request)
            .await
            .map_err(|diags| shown(&diags))
            .unwrap()
    }

    async fn delete(&self, name: &str, object: &Object) -> Result<(), String> {
        let response = self
            .configured
            .apply(ApplyRequest {
                type_name: name.into(),
                prior: Some(object.clone()),
                planned: None,
                config: None,
                private: Vec::new(),
                marker: String::new(),
                progress: Progress::ignored(),
            })
            .await;
        match response.diagnostics.is_empty() {
            true => Ok(()),
            false => Err(shown(&response.diagnostics)),
        }
    }

    /// Makes, reads, plans again (nothing), changes, plans again (nothing), deletes.
    async fn life(&self, name: &str, first: Json, second: Json) -> Object {
        let made = self
            .apply(name, None, &first)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = self
            .read(name, &made)
            .await
            .unwrap_or_else(|| panic!("{name} is gone"));
        self.nothing(name, &read, &first).await;
        let changed = self
            .apply(name, Some(&read), &second)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = self.read(name, &changed).await.unwrap();
        self.nothing(name, &read, &second).await;
        self.delete(name, &read)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        read
    }

    async fn nothing(&self, name: &str, object: &Object, config: &Json) {
        let plan = self
            .plan(name, Some(object), config)
            .await
            .map_err(|diags| shown(&diags))
            .unwrap();
        let (before, after) = (to_json(&object.value), to_json(&plan.planned));
        for (key, value) in before.as_object().unwrap() {
            assert_eq!(
                &after[key], value,
                "{name}.{key}: a second plan is not empty"
            );
        }
    }
}

fn shown(diags: &Diagnostics) -> String {
    format!("{diags:?}")
}

const VM: &str = "proxmox_virtual_environment_vm";

fn machine() -> Json {
    json!({
        "name": "web", "node_name": "pve", "tags": ["b", "a"], "description": "first",
        "cpu": [{ "cores": 2, "type": "x86-64-v2-AES" }],
        "memory": [{ "dedicated": 1024 }],
        "agent": [{ "enabled": true }],
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 8, "discard": "on", "ssd": true }],
        "network_device": [{ "bridge": "vmbr0" }],
        "operating_system": [{ "type": "l26" }],
        "initialization": [{
            "datastore_id": "local",
            "ip_config": [{ "ipv4": [{ "address": "10.0.0.5/24", "gateway": "10.0.0.1" }] }],
            "user_account": [{ "username": "debian", "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"] }],
        }],
    })
}
