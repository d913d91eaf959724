//! The provider: what Incus offers, and who does what is asked.
//!
//! [`lifecycle`] serves the plain objects ([`profile`], [`network`], [`volume`], [`project`]), each
//! described by an `Entity`; [`instance`] has a life of its own. [`config`] tells a user's keys from
//! those of the server; [`data`] reads for data sources. [`session`] is a configured provider.

mod attributes;
mod block;
mod config;
mod data;
mod devices;
mod import;
mod instance;
mod lifecycle;
mod network;
mod network_acl;
mod network_forward;
mod network_zone;
mod network_zone_record;
mod profile;
mod project;
mod schemas;
mod session;
mod storage_pool;
mod table;
mod validate;
mod volume;

use std::sync::Arc;

use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        PlanRequest, PlanResponse, Provider, ReadRequest,
    },
    schema::ProviderSchema,
};

use self::{
    attributes::Attributes,
    lifecycle::{Entity, Lifecycle},
    session::Session,
};
use crate::{platform::Platform, remote::Remotes};

/// The plain objects.
static ENTITIES: [&dyn Entity; 9] = [
    &profile::Profile,
    &network::Network,
    &network_acl::NetworkAcl,
    &network_forward::NetworkForward,
    &network_zone::NetworkZone,
    &network_zone_record::NetworkZoneRecord,
    &storage_pool::StoragePool,
    &volume::Volume,
    &project::Project,
];

fn entity(type_name: &str) -> Option<&'static dyn Entity> {
    ENTITIES
        .iter()
        .copied()
        .find(|entity| entity.type_name() == type_name)
}

fn unknown_type(type_name: &str) -> Diagnostic {
    Diagnostic::error(
        "incus-not-supported",
        format!("`{type_name}` is not supported yet"),
    )
}

/// The provider before its block is known.
pub(crate) struct IncusProvider {
    platform: Arc<Platform>,
    schema: ProviderSchema,
}

impl IncusProvider {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        let plain = ENTITIES
            .iter()
            .map(|entity| (entity.type_name().into(), entity.schema()));
        let schema = ProviderSchema {
            provider: block::schema(),
            resources: plain
                .chain([(instance::TYPE.into(), instance::schema())])
                .collect(),
            data_sources: data::schemas(),
            ..ProviderSchema::default()
        };
        Self { platform, schema }
    }
}

impl Provider for IncusProvider {
    fn name(&self) -> &'static str {
        "incus"
    }

    fn source(&self) -> &'static str {
        "registry.terraform.io/lxc/incus"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics {
        let mut diags = Diagnostics::new();
        let config = Attributes(config);
        match (kind, entity(type_name)) {
            (ObjectKind::DataSource, _) => data::validate(type_name, config, &mut diags),
            (ObjectKind::Resource, Some(entity)) => {
                validate::unsupported(type_name, config, entity.refused(), &mut diags);
                entity.validate(config, &mut diags);
                let tables = entity.tables().iter();
                tables.for_each(|table| table.validate(config, &mut diags));
            }
            (ObjectKind::Resource, None) if type_name == instance::TYPE => {
                instance::validate(config, &mut diags);
            }
            (ObjectKind::Resource, None) | (ObjectKind::Ephemeral, _) => {
                diags.push(unknown_type(type_name));
            }
        }
        diags
    }

    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        let block = block::read(&config)?;
        let remotes = config.is_wholly_known().then(|| {
            let remotes = Remotes::new(self.platform.environment.clone(), block);
            self.platform.use_remotes(remotes.clone());
            remotes
        });
        Ok(Arc::new(Configured(Session::new(
            self.platform.clone(),
            remotes,
        ))))
    }
}

/// The provider at work.
struct Configured(Session);

impl Configured {
    async fn lifecycle<T>(
        &self,
        type_name: &str,
        object: &Value,
        work: impl AsyncFnOnce(Lifecycle<'_>) -> T,
    ) -> Result<T, Diagnostics> {
        let entity = entity(type_name).ok_or_else(|| unknown_type(type_name))?;
        let client = self.0.client(Attributes(object))?;
        Ok(work(Lifecycle {
            entity,
            client: &client,
        })
        .await)
    }

    async fn plan(&self, request: PlanRequest) -> Result<PlanResponse, Diagnostics> {
        match entity(&request.type_name) {
            Some(entity) => Ok(lifecycle::plan(entity, &request)),
            None if &*request.type_name == instance::TYPE => instance::plan(&self.0, request).await,
            None => Err(unknown_type(&request.type_name).into()),
        }
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        if &*request.type_name == instance::TYPE {
            return instance::apply(&self.0, request).await;
        }
        let type_name = request.type_name.clone();
        let prior = request.prior.clone();
        let place = request
            .planned
            .clone()
            .or(prior.as_ref().map(|prior| prior.value.clone()));
        let Some(place) = place else {
            return ApplyResponse {
                object: None,
                diagnostics: Diagnostics::new(),
            };
        };
        let done = self
            .lifecycle(&type_name, &place, async |lifecycle| {
                lifecycle.apply(request).await
            })
            .await;
        done.unwrap_or_else(|diagnostics| ApplyResponse {
            object: prior,
            diagnostics,
        })
    }

    async fn read(&self, request: ReadRequest) -> Result<Option<Object>, Diagnostics> {
        let ReadRequest { type_name, object } = request;
        if &*type_name == instance::TYPE {
            return import::read_instance(&self.0, object).await;
        }
        let place = object.value.clone();
        let read = self
            .lifecycle(&type_name, &place, async |lifecycle| {
                lifecycle.read(object).await
            })
            .await??;
        Ok(read)
    }

    async fn find(&self, request: FindRequest) -> Result<Found, Diagnostics> {
        let FindRequest {
            type_name,
            planned,
            marker,
        } = request;
        if &*type_name == instance::TYPE {
            let found = instance::find(&self.0, &planned, &marker).await;
            return found;
        }
        let found = self
            .lifecycle(&type_name, &planned, async |lifecycle| {
                lifecycle.find(&planned, &marker).await
            })
            .await??;
        Ok(found)
    }

    async fn import(&self, type_name: &str, id: &str) -> Result<Object, Diagnostics> {
        let empty = import::empty(type_name, id)?;
        let request = ReadRequest {
            type_name: type_name.into(),
            object: Object {
                value: empty,
                private: Vec::new(),
            },
        };
        match self.read(request).await? {
            Some(object) => Ok(object),
            None => Err(Diagnostic::error(
                "import-not-found",
                format!("there is no `{type_name}` with the id `{id}`"),
            )
            .into()),
        }
    }
}

impl ConfiguredProvider for Configured {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        Box::pin(self.plan(request))
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        Box::pin(self.apply(request))
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        Box::pin(self.read(request))
    }

    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        Box::pin(async move { data::read(&self.0, &type_name, config).await })
    }

    fn import<'a>(
        &'a self,
        type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move { self.import(&type_name, &id).await })
    }

    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(self.find(request))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use strata_core::{Type, schema::Presence};

    use super::*;
    use crate::{Incus, Settings, Timeouts};

    fn incus() -> Incus {
        Incus::new(Settings {
            environment: BTreeMap::new(),
            image_aliases: BTreeMap::new(),
            timeouts: Timeouts::usual(),
        })
    }

    fn check(type_name: &str, set: &[(&'static str, Value)]) -> Vec<String> {
        let provider = incus().provider();
        let empty = provider.schema().resources[type_name].block.empty_value();
        let config = attributes::with(&empty, set.iter().cloned());
        let diags = provider.validate(ObjectKind::Resource, type_name, &config);
        diags
            .iter()
            .map(|diagnostic| diagnostic.summary.clone())
            .collect()
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        assert_eq!(
            check(
                "incus_instance",
                &[
                    ("target", Value::from("node1")),
                    ("source_file", Value::from("x"))
                ]
            ),
            [
                "`target` of `incus_instance` is not supported yet",
                "`source_file` of `incus_instance` is not supported yet"
            ]
        );
        assert_eq!(
            check(
                "incus_instance",
                &[("type", Value::from("virtual-machine"))]
            ),
            ["virtual machines on Incus are not supported yet"]
        );
        // What is not known yet may be set: better refused now than ignored later.
        assert_eq!(
            check("incus_network", &[("target", Value::unknown(Type::String))]),
            ["`target` of `incus_network` is not supported yet"]
        );
        assert_eq!(
            check("incus_storage_volume", &[("type", Value::from("custom"))]),
            [""; 0]
        );
        assert_eq!(
            check(
                "incus_storage_volume",
                &[("content_type", Value::from("iso"))]
            ),
            ["`iso` is not a valid `content_type`"]
        );
    }

    #[test]
    fn every_attribute_is_described_and_settable_ones_are_not_computed_alone() {
        let provider = incus().provider();
        let schema = provider.schema();
        for resource in schema
            .resources
            .values()
            .chain(schema.data_sources.values())
        {
            assert!(!resource.block.description.is_empty());
            for (name, attribute) in &resource.block.attributes {
                assert!(attribute.description.ends_with('.'), "{name}");
            }
            let named = |name: &str| resource.block.attributes.get(name);
            let name = named("name").or(named("listen_address")).unwrap();
            assert_eq!(name.presence, Presence::Required);
        }
    }

    #[tokio::test]
    async fn a_provider_block_that_is_not_known_yet_asks_no_server() {
        let provider = incus().provider();
        let empty = provider.schema().provider.empty_value();
        let open = [("default_remote", Value::unknown(Type::String))];
        let configured = provider
            .configure(attributes::with(&empty, open))
            .ok()
            .unwrap();
        let empty = provider.schema().resources["incus_instance"]
            .block
            .empty_value();
        let config = attributes::with(&empty, [("image", Value::from("debian/12"))]);
        let request = PlanRequest {
            type_name: instance::TYPE.into(),
            prior: None,
            proposed: config.clone(),
            config: config.clone(),
        };
        assert!(configured.plan(request).await.is_ok());
        let object = Object {
            value: config,
            private: Vec::new(),
        };
        let read = ReadRequest {
            type_name: instance::TYPE.into(),
            object,
        };
        let diags = configured.read(read).await.unwrap_err();
        let codes: Vec<_> = diags.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, ["incus-provider-unknown"]);
    }
}
