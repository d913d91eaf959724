//! Puts types together into a provider.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, LazyLock, OnceLock},
};

use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        Opened, PlanRequest, PlanResponse, Provider, ReadRequest, Renewed,
    },
    schema::ProviderSchema,
};

use crate::{
    check,
    data_source::{self, AnyDataSource, DataSourceType},
    resource::{self, AnyResource, ResourceType, read},
    spec::{BlockSpec, Schema},
};

/// A `provider` block without arguments.
#[derive(crate::Schema)]
pub struct NoConfiguration {}

type Connect<P, C> = dyn Fn(P) -> Result<C, Diagnostics> + Send + Sync;

/// A provider in the making: `P` is its `provider` block, `C` what that makes for its types.
pub struct ProviderBuilder<P, C> {
    name: &'static str,
    source: &'static str,
    block: LazyLock<BlockSpec>,
    connect: Arc<Connect<P, C>>,
    types: Types<C>,
    absent: BTreeMap<Arc<str>, &'static str>,
}

struct Types<C> {
    resources: BTreeMap<&'static str, Arc<dyn AnyResource<C>>>,
    data_sources: BTreeMap<&'static str, Arc<dyn AnyDataSource<C>>>,
    ephemerals: BTreeMap<&'static str, Arc<dyn AnyDataSource<C>>>,
}

/// Starts a provider; `connect` makes what its types work with, and must not yet speak to the platform.
pub fn provider<P: Schema + 'static, C: Send + Sync + 'static>(
    name: &'static str,
    source: &'static str,
    connect: impl Fn(P) -> Result<C, Diagnostics> + Send + Sync + 'static,
) -> ProviderBuilder<P, C> {
    ProviderBuilder {
        name,
        source,
        block: LazyLock::new(P::block),
        connect: Arc::new(connect),
        types: Types {
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
        },
        absent: BTreeMap::new(),
    }
}

/// Starts a provider whose block has no arguments.
pub fn provider_without_configuration<C: Clone + Send + Sync + 'static>(
    name: &'static str,
    source: &'static str,
    client: C,
) -> ProviderBuilder<NoConfiguration, C> {
    provider(name, source, move |_| Ok(client.clone()))
}

impl<P: Schema + 'static, C: Send + Sync + 'static> ProviderBuilder<P, C> {
    /// Adds a resource type.
    #[must_use]
    pub fn resource<R: ResourceType<Client = C>>(mut self) -> Self {
        self.types
            .resources
            .insert(R::NAME, resource::Adapter::<R>::shared());
        self
    }

    /// Adds a data source.
    #[must_use]
    pub fn data_source<D: DataSourceType<Client = C>>(mut self) -> Self {
        self.types
            .data_sources
            .insert(D::NAME, data_source::Adapter::<D>::shared());
        self
    }

    /// Adds an ephemeral resource: declared as a data source is, and read anew in each run.
    #[must_use]
    pub fn ephemeral<D: DataSourceType<Client = C>>(mut self) -> Self {
        self.types
            .ephemerals
            .insert(D::NAME, data_source::Adapter::<D>::shared());
        self
    }

    /// Names a resource of the original, or an argument or block (`provider.NAME`), that is not there, and what to do instead.
    #[must_use]
    pub fn absent(mut self, type_name: &str, instead: &'static str) -> Self {
        self.absent.insert(type_name.into(), instead);
        self
    }

    /// The provider.
    pub fn build(self) -> Arc<dyn Provider> {
        Arc::new(Declared {
            name: self.name,
            source: self.source,
            schema: OnceLock::new(),
            block: self.block,
            connect: self.connect,
            types: Arc::new(self.types),
            absent: self.absent,
            configuration: PhantomData,
        })
    }
}

/// A provider made of declared types.
struct Declared<P, C> {
    name: &'static str,
    source: &'static str,
    schema: OnceLock<ProviderSchema>,
    block: LazyLock<BlockSpec>,
    connect: Arc<Connect<P, C>>,
    types: Arc<Types<C>>,
    absent: BTreeMap<Arc<str>, &'static str>,
    configuration: PhantomData<fn(P)>,
}

impl<P, C> Declared<P, C> {
    fn offered(&self) -> ProviderSchema {
        let resources = self.types.resources.iter();
        let data_sources = self.types.data_sources.iter();
        let ephemerals = self.types.ephemerals.iter();
        ProviderSchema {
            provider: self.block.schema(),
            resources: resources
                .map(|(name, kind)| ((*name).into(), kind.schema()))
                .collect(),
            data_sources: data_sources
                .map(|(name, kind)| ((*name).into(), kind.schema()))
                .collect(),
            ephemerals: ephemerals
                .map(|(name, kind)| ((*name).into(), kind.schema()))
                .collect(),
            absent: self.absent.clone(),
        }
    }
}

impl<P: Schema + 'static, C: Send + Sync + 'static> Provider for Declared<P, C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn schema(&self) -> &ProviderSchema {
        self.schema.get_or_init(|| self.offered())
    }

    fn validate(&self, kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics {
        let mut diags = Diagnostics::new();
        let found = match kind {
            ObjectKind::Resource => {
                let found = self.types.resources.get(type_name);
                found.map(|kind| kind.validate(config, &mut diags))
            }
            ObjectKind::DataSource => {
                let found = self.types.data_sources.get(type_name);
                found.map(|kind| kind.validate(config, &mut diags))
            }
            ObjectKind::Ephemeral => {
                let found = self.types.ephemerals.get(type_name);
                found.map(|kind| kind.validate(config, &mut diags))
            }
        };
        if found.is_none() {
            diags.push(unknown_type(type_name));
        }
        diags
    }

    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        let mut diags = Diagnostics::new();
        check::check(&self.block, &config, &mut diags);
        diags.into_result(())?;
        let client = match config.is_wholly_known() {
            true => Some((self.connect)(read::<P>(&config)?)?),
            false => None,
        };
        Ok(Arc::new(Configured {
            name: self.name,
            client,
            types: self.types.clone(),
        }))
    }
}

fn unknown_type(type_name: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-resource-type",
        format!("`{type_name}` is not supported"),
    )
}

/// A provider at work; without a client while its configuration is not wholly known.
struct Configured<C> {
    name: &'static str,
    client: Option<C>,
    types: Arc<Types<C>>,
}

impl<C> Configured<C> {
    fn client(&self) -> Result<&C, Diagnostics> {
        self.client.as_ref().ok_or_else(|| {
            let summary = format!(
                "the configuration of the provider `{}` is not known yet",
                self.name
            );
            Diagnostic::error("provider-not-configured", summary)
                .detail("An argument of its `provider` block depends on what apply will make.")
                .hint("apply what it depends on first, with `-target`")
                .into()
        })
    }

    fn resource(&self, type_name: &str) -> Result<&dyn AnyResource<C>, Diagnostics> {
        let found = self.types.resources.get(type_name);
        found
            .map(|kind| &**kind)
            .ok_or_else(|| unknown_type(type_name).into())
    }

    fn ready(&self, type_name: &str) -> Result<(&dyn AnyResource<C>, &C), Diagnostics> {
        Ok((self.resource(type_name)?, self.client()?))
    }
}

impl<C: Send + Sync> ConfiguredProvider for Configured<C> {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        match self.resource(&request.type_name) {
            Ok(kind) => kind.plan(request, self.client.as_ref()),
            Err(errors) => now(Err(errors)),
        }
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        match self.ready(&request.type_name) {
            Ok((kind, client)) => kind.apply(request, client),
            Err(diagnostics) => now(ApplyResponse {
                object: request.prior,
                diagnostics,
            }),
        }
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        match self.ready(&request.type_name) {
            Ok((kind, client)) => kind.read(request, client),
            Err(errors) => now(Err(errors)),
        }
    }

    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        let Some(kind) = self.types.data_sources.get(&*type_name) else {
            return now(Err(unknown_type(&type_name).into()));
        };
        match self.client() {
            Ok(client) => kind.read(config, client),
            Err(errors) => now(Err(errors)),
        }
    }

    fn import<'a>(
        &'a self,
        type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        match self.ready(&type_name) {
            Ok((kind, client)) => kind.import(id, client),
            Err(errors) => now(Err(errors)),
        }
    }

    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        match self.ready(&request.type_name) {
            Ok((kind, client)) => kind.find(request, client),
            Err(errors) => now(Err(errors)),
        }
    }

    fn open<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Opened, Diagnostics>> {
        let Some(kind) = self.types.ephemerals.get(&*type_name) else {
            return now(Err(unknown_type(&type_name).into()));
        };
        match self.client() {
            Ok(client) => Box::pin(async move {
                let value = kind.read(config, client).await?;
                let renewed = Renewed::default();
                Ok(Opened { value, renewed })
            }),
            Err(errors) => now(Err(errors)),
        }
    }
}

fn now<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}
