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
mod profile;
mod project;
mod schemas;
mod session;
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
static ENTITIES: [&dyn Entity; 4] = [
    &profile::Profile,
    &network::Network,
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
            }
            (ObjectKind::Resource, None) if type_name == instance::TYPE => {
                instance::validate(config, &mut diags);
            }
            (ObjectKind::Resource, None) => diags.push(unknown_type(type_name)),
        }
        diags
    }

    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        let block = block::read(&config)?;
        let remotes = Remotes::new(self.platform.environment.clone(), block);
        self.platform.use_remotes(remotes.clone());
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
    ) -> Result<T, Diagnostic> {
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
        done.unwrap_or_else(|diagnostic| ApplyResponse {
            object: prior,
            diagnostics: diagnostic.into(),
        })
    }

    async fn read(&self, request: ReadRequest) -> Result<Option<Object>, Diagnostics> {
        let ReadRequest { type_name, object } = request;
        if &*type_name == instance::TYPE {
            return Ok(import::read_instance(&self.0, object)
                .await
                .map_err(|diagnostic| *diagnostic)?);
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
            return Ok(found.map_err(|diagnostic| *diagnostic)?);
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
