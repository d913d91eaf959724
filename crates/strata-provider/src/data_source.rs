//! A data source, and how it serves the engine's calls.

use std::{
    marker::PhantomData,
    sync::{Arc, LazyLock},
};

use strata_core::{
    BoxFuture, Diagnostics, Value,
    provider::Progress,
    schema::{Presence, Resource},
};

use crate::{
    check,
    context::Context,
    merge, planning,
    resource::read,
    spec::{BlockSpec, FieldSpec, Schema},
};

/// A data source: `self` comes with what configuration says, and `read` fills in the rest.
pub trait DataSourceType: Schema + Send + Sync + 'static {
    /// Its name in configuration.
    const NAME: &'static str;

    /// What the provider's configuration makes for it.
    type Client: Send + Sync + 'static;

    /// Checks what declarations cannot; `config` may hold unknown values.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// Reads.
    fn read(
        &mut self,
        context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send;
}

/// A data source without its Rust type.
pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn schema(&self) -> Resource;
    fn validate(&self, config: &Value, diags: &mut Diagnostics);
    fn read<'a>(
        &'a self,
        config: Value,
        client: &'a C,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>>;
}

/// A data source with its declaration, which is made when first needed.
pub(crate) struct Adapter<D> {
    spec: LazyLock<BlockSpec>,
    kind: PhantomData<fn() -> D>,
}

impl<D: DataSourceType> Adapter<D> {
    pub(crate) fn shared() -> Arc<dyn AnyDataSource<D::Client>> {
        Arc::new(Self {
            spec: LazyLock::new(D::block),
            kind: PhantomData,
        })
    }
}

impl<D: DataSourceType> AnyDataSource<D::Client> for Adapter<D> {
    fn schema(&self) -> Resource {
        Resource {
            version: 0,
            block: self.spec.schema(),
        }
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        check::check(&self.spec, config, diags);
        D::validate(config, diags);
    }

    fn read<'a>(
        &'a self,
        config: Value,
        client: &'a D::Client,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        Box::pin(async move {
            let progress = Progress::ignored();
            let mut context = Context::new(client, &progress, true);
            context.config = Some(&config);
            let given = planning::with_defaults(&self.spec, &config, &config);
            let mut object = read::<D>(&given)?;
            let as_given = object.write();
            object.read(&mut context).await?;
            let read = object.write();
            let value = merge::unchanged_unless(&given, &as_given, &read);
            // What only the type sets is as it says, also where that is nothing.
            let computed = |name: &str| {
                let field = self.spec.fields.iter().find(|field| field.name == name);
                field.and_then(FieldSpec::presence) == Some(Presence::Computed)
            };
            Ok(merge::choose(&value, &read, computed))
        })
    }
}
