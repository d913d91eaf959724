//! The provider: what Incus offers, and who does what is asked.
//!
//! [`lifecycle`] serves the plain objects ([`profile`], [`network`], [`volume`] and most others), each
//! described by an [`Entity`]; [`instance`], [`image`], [`server`] and [`cluster_group_member`] have lives of their own. [`config`]
//! tells a user's keys from those of the server; [`check`] asks the server while planning; [`data`]
//! reads for data sources. [`session`] is a configured provider.

mod attributes;
mod block;
mod certificate;
mod check;
mod cluster_group;
mod cluster_group_member;
mod config;
mod data;
mod declared;
mod devices;
mod entity;
mod former;
mod image;
mod import;
mod instance;
mod instance_snapshot;
mod lifecycle;
mod network;
mod network_acl;
mod network_address_set;
mod network_forward;
mod network_integration;
mod network_load_balancer;
mod network_peer;
mod network_zone;
mod network_zone_record;
mod profile;
mod project;
mod schemas;
mod server;
mod session;
mod source;
mod storage_bucket;
mod storage_bucket_key;
mod storage_pool;
mod table;
mod time;
mod validate;
mod volume;

use std::sync::{Arc, OnceLock};

use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        PlanRequest, PlanResponse, Provider, ReadRequest, Settled,
    },
    schema::ProviderSchema,
};

use self::{attributes::Attributes, entity::Entity, lifecycle::Lifecycle, session::Session};
use crate::{platform::Platform, remote::Remotes};

/// The plain objects.
static ENTITIES: [&dyn Entity; 19] = [
    &profile::Profile,
    &network::Network,
    &network_acl::NetworkAcl,
    &network_forward::NetworkForward,
    &network_zone::NetworkZone,
    &network_zone_record::NetworkZoneRecord,
    &storage_pool::StoragePool,
    &volume::Volume,
    &project::Project,
    &certificate::Certificate,
    &cluster_group::ClusterGroup,
    &instance_snapshot::InstanceSnapshot,
    &network_address_set::NetworkAddressSet,
    &network_integration::NetworkIntegration,
    &network_load_balancer::NetworkLoadBalancer(network_load_balancer::TYPE),
    &network_load_balancer::NetworkLoadBalancer(network_load_balancer::LONG),
    &network_peer::NetworkPeer,
    &storage_bucket::StorageBucket,
    &storage_bucket_key::StorageBucketKey,
];

pub(crate) use self::declared::Declared;

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
    schema: OnceLock<ProviderSchema>,
}

impl IncusProvider {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        Self {
            platform,
            schema: OnceLock::new(),
        }
    }

    fn offered() -> ProviderSchema {
        let plain = ENTITIES
            .iter()
            .map(|entity| (entity.type_name().into(), entity.schema()));
        let others = [
            (instance::TYPE, instance::schema()),
            (image::TYPE, image::schema()),
            (server::TYPE, server::schema()),
            (cluster_group_member::TYPE, cluster_group_member::schema()),
        ];
        let others = others.map(|(name, schema)| (name.into(), schema));
        ProviderSchema {
            provider: block::schema(),
            resources: plain.chain(others).collect(),
            data_sources: data::schemas(),
            absent: former::FORMER
                .map(|(name, instead)| (name.into(), instead))
                .into(),
            ..ProviderSchema::default()
        }
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
        self.schema.get_or_init(Self::offered)
    }

    fn lost_with(&self, type_name: &str, _object: &Value) -> Option<&'static str> {
        Some(match type_name {
            "incus_instance" => "its root disk and its snapshots",
            "incus_instance_snapshot" => "the snapshot",
            "incus_storage_volume" => "what is in the volume, its snapshots too,",
            "incus_storage_bucket" => "what is in the bucket",
            _ => return None,
        })
    }

    fn validate(&self, kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics {
        let mut diags = Diagnostics::new();
        let config = Attributes(config);
        if kind == ObjectKind::Resource {
            check::validate_name(type_name, config, &mut diags);
        }
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
            (ObjectKind::Resource, None) if type_name == image::TYPE => {
                image::validate(config, &mut diags);
            }
            (ObjectKind::Resource, None)
                if [server::TYPE, cluster_group_member::TYPE].contains(&type_name) => {}
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
        let source = entity.source_remote(Attributes(object));
        let source = source.map(|remote| self.0.client_of(remote)).transpose()?;
        Ok(work(Lifecycle {
            entity,
            client: &client,
            source: source.as_deref(),
        })
        .await)
    }

    async fn plan(&self, request: PlanRequest) -> Result<PlanResponse, Diagnostics> {
        if let Some(prior) = &request.prior {
            self.know(&request.type_name, &prior.value);
        }
        match (&*request.type_name, entity(&request.type_name)) {
            (_, Some(entity)) => lifecycle::plan(&self.0, entity, &request).await,
            (instance::TYPE, None) => instance::plan(&self.0, request).await,
            (image::TYPE, None) => {
                self.0
                    .declared()
                    .add(image::TYPE, Attributes(&request.config));
                let mut plan = image::plan(&request);
                if request.prior.is_none() || !plan.requires_replace.is_empty() {
                    let copied = Attributes(&plan.planned);
                    plan.warnings.extend(self.0.check_copied(copied).await?);
                }
                Ok(plan)
            }
            (server::TYPE, None) => Ok(server::plan(&request)),
            (cluster_group_member::TYPE, None) => Ok(cluster_group_member::plan(&request)),
            _ => Err(unknown_type(&request.type_name).into()),
        }
    }

    /// Remembers that state has an object; an instance is remembered when it is read.
    fn know(&self, type_name: &str, object: &Value) {
        if entity(type_name).is_some() {
            let nothing = instance::HardwareAddresses::default();
            self.0.learn(type_name, object, nothing);
        }
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        if let (Some(prior), None) = (&request.prior, &request.planned) {
            self.0.has_deleted(&prior.value);
        }
        match &*request.type_name {
            instance::TYPE => return instance::apply(&self.0, request).await,
            image::TYPE => return image::apply(&self.0, request).await,
            server::TYPE => return server::apply(&self.0, request).await,
            cluster_group_member::TYPE => {
                return cluster_group_member::apply(&self.0, request).await;
            }
            _ => {}
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
        match &*type_name {
            instance::TYPE => return import::read_instance(&self.0, object).await,
            image::TYPE => return image::read(&self.0, object).await,
            server::TYPE => return server::read(&self.0, object).await,
            cluster_group_member::TYPE => return cluster_group_member::read(&self.0, object).await,
            _ => self.know(&type_name, &object.value),
        }
        let place = object.value.clone();
        let read = self
            .lifecycle(&type_name, &place, async |lifecycle| {
                lifecycle.read(object).await
            })
            .await??;
        Ok(read)
    }

    async fn settle(&self, request: ReadRequest) -> Result<Option<Settled>, Diagnostics> {
        if entity(&request.type_name).is_some() {
            let ReadRequest { type_name, object } = request;
            self.know(&type_name, &object.value);
            let place = object.value.clone();
            return self
                .lifecycle(&type_name, &place, async |lifecycle| {
                    lifecycle.settle(object).await
                })
                .await?;
        }
        if &*request.type_name == instance::TYPE {
            instance::settle(&self.0, &request.object.value).await?;
        }
        let read = self.read(request).await?;
        Ok(read.map(|object| Settled {
            object,
            complete: true,
        }))
    }

    async fn find(&self, request: FindRequest) -> Result<Found, Diagnostics> {
        let FindRequest {
            type_name,
            planned,
            marker,
        } = request;
        match &*type_name {
            instance::TYPE => return instance::find(&self.0, &planned, &marker).await,
            image::TYPE => return image::find(&self.0, &planned, &marker).await,
            // Setting keys again does no harm.
            server::TYPE => return Ok(Found::Nothing),
            cluster_group_member::TYPE => {
                return cluster_group_member::find(&self.0, &planned).await;
            }
            _ => {}
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

    fn settle<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Settled>, Diagnostics>> {
        Box::pin(self.settle(request))
    }

    fn import_id(&self, type_name: &str, object: &Value) -> Option<String> {
        // The id of an image is what it holds, and that of a server its remote.
        let is_named = ![image::TYPE, server::TYPE].contains(&type_name);
        is_named.then(|| import::id(type_name, Attributes(object)))
    }

    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(self.find(request))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use strata_core::Type;

    use super::*;
    use crate::{Incus, Settings, Timeouts};

    fn incus() -> Incus {
        Incus::new(Settings {
            environment: BTreeMap::new(),
            image_aliases: BTreeMap::new(),
            rehearses: true,
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
    fn what_cannot_be_is_refused() {
        let both = [
            ("image", Value::from("debian/12")),
            ("source_file", Value::from("backup.tar.gz")),
        ];
        assert_eq!(
            check("incus_instance", &both),
            ["only one of `image`, `source_file` may be set"]
        );
        assert_eq!(
            check(
                "incus_storage_volume",
                &[("content_type", Value::from("tape"))]
            ),
            ["`tape` is not a valid `content_type`"]
        );
        assert_eq!(
            check(
                "incus_storage_volume",
                &[("content_type", Value::from("iso"))]
            ),
            ["`source_file` is missing"]
        );
        assert_eq!(check("incus_image", &[]), ["`source_image` is missing"]);
        assert_eq!(
            check("incus_network", &[("target", Value::unknown(Type::String))]),
            [""; 0]
        );
    }

    #[test]
    fn every_attribute_is_described() {
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
            address: strata_core::addr::parse_resource_instance("test.one").unwrap(),
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
