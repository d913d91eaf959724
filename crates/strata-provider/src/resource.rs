//! A managed resource type, and how it serves the engine's calls.

use std::{
    marker::PhantomData,
    sync::{Arc, LazyLock},
};

use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Value,
    provider::{
        ApplyRequest, ApplyResponse, FindRequest, Found, Object, PlanRequest, PlanResponse,
        Progress, ReadRequest,
    },
    schema::Resource,
};

use crate::{
    check,
    context::Context,
    merge,
    planning::Plan,
    spec::{BlockSpec, Schema},
    typed::{Misfit, Typed},
};

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The object is there, and is as the struct says now.
    Present,
    /// The object is gone.
    Gone,
}

/// A managed resource type.
///
/// The struct is the object: create, read and update change `self` into what is there. Values that were planned as
/// known are recorded as planned whatever `self` says; a read shows what is different. Only [`ResourceType::create`]
/// must be written for a type whose objects live in state alone.
pub trait ResourceType: Schema + Send + Sync + 'static {
    /// Its name in configuration.
    const NAME: &'static str;

    /// Version of its attributes in state.
    const VERSION: u64 = 0;

    /// What the provider's configuration makes for it.
    type Client: Send + Sync + 'static;

    /// Checks what declarations cannot; `config` may hold unknown values.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// Changes a plan that was made by the rules where the type knows better.
    fn plan(
        _plan: &mut Plan<'_, Self::Client>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        std::future::ready(Ok(()))
    }

    /// Makes the object and fills in what is computed.
    fn create(
        &mut self,
        context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send;

    /// Sees whether the object is there and what it is like.
    fn read(
        &mut self,
        _context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<Observed, Diagnostics>> + Send {
        std::future::ready(Ok(Observed::Present))
    }

    /// Changes the object from `prior` to `self`, and fills in what is computed.
    fn update(
        &mut self,
        _prior: &Self,
        _context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        std::future::ready(Ok(()))
    }

    /// Deletes the object; that it is gone already is well.
    fn delete(
        &mut self,
        _context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        std::future::ready(Ok(()))
    }

    /// The object that a user names; the engine does not read it again.
    fn import(
        _id: &str,
        _context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<Self, Diagnostics>> + Send {
        std::future::ready(Err(no_import(Self::NAME).into()))
    }

    /// Looks for what a create without an answer left behind; `self` is what was planned.
    ///
    /// For types whose objects live in state alone nothing is left behind, which is what happens if this is not written.
    fn find(
        self,
        _context: &mut Context<'_, Self::Client>,
    ) -> impl Future<Output = Result<Leftover<Self>, Diagnostics>> + Send {
        std::future::ready(Ok(Leftover::Nothing))
    }
}

/// What a create without an answer left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover<T> {
    /// Nothing.
    Nothing,
    /// The whole object, as the struct says.
    Complete(T),
    /// An object that is ours but not finished; it will be replaced.
    Unfinished(T),
    /// An object of that name that is not ours.
    Foreign,
}

fn no_import(name: &str) -> Diagnostic {
    Diagnostic::error("import-not-supported", "Resource Import Not Implemented")
        .detail(format!("`{name}` does not support import."))
}

/// A resource type without its Rust type.
pub(crate) trait AnyResource<C>: Send + Sync {
    fn schema(&self) -> Resource;
    fn validate(&self, config: &Value, diags: &mut Diagnostics);
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
        client: Option<&'a C>,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>>;
    fn apply<'a>(&'a self, request: ApplyRequest, client: &'a C) -> BoxFuture<'a, ApplyResponse>;
    fn read<'a>(
        &'a self,
        request: ReadRequest,
        client: &'a C,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>>;
    fn import<'a>(
        &'a self,
        id: String,
        client: &'a C,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>>;
    fn find<'a>(
        &'a self,
        request: FindRequest,
        client: &'a C,
    ) -> BoxFuture<'a, Result<Found, Diagnostics>>;
}

/// A resource type with its declaration, which is made when first needed.
pub(crate) struct Adapter<R> {
    spec: LazyLock<BlockSpec>,
    kind: PhantomData<fn() -> R>,
}

impl<R: ResourceType> Adapter<R> {
    pub(crate) fn shared() -> Arc<dyn AnyResource<R::Client>> {
        Arc::new(Self {
            spec: LazyLock::new(R::block),
            kind: PhantomData,
        })
    }

    async fn create(
        &self,
        request: &ApplyRequest,
        planned: &Value,
        client: &R::Client,
    ) -> ApplyResponse {
        let mut context = Context::new(client, &request.progress, false);
        context.config = request.config.as_ref();
        context.marker = &request.marker;
        context.private = request.private.clone();
        let mut object = match read::<R>(planned) {
            Ok(object) => object,
            Err(errors) => return failed(None, errors),
        };
        let result = object.create(&mut context).await;
        let made = |context: Context<'_, R::Client>| Object {
            value: merge::without_unknown(&merge::conform(planned, &object.write())),
            private: context.private,
        };
        match result {
            Ok(()) => failed(Some(made(context)), Diagnostics::new()),
            Err(errors) if context.exists() => failed(Some(made(context)), errors),
            Err(errors) => failed(None, errors),
        }
    }

    async fn update(
        &self,
        request: &ApplyRequest,
        prior: &Object,
        planned: &Value,
        client: &R::Client,
    ) -> ApplyResponse {
        let mut context = Context::new(client, &request.progress, true);
        context.config = request.config.as_ref();
        context.private = request.private.clone();
        let objects = read::<R>(&prior.value).and_then(|before| Ok((before, read::<R>(planned)?)));
        let (before, mut object) = match objects {
            Ok(objects) => objects,
            Err(errors) => return failed(Some(prior.clone()), errors),
        };
        match object.update(&before, &mut context).await {
            Ok(()) => {
                let value = merge::conform(planned, &object.write());
                let private = context.private;
                failed(Some(Object { value, private }), Diagnostics::new())
            }
            Err(errors) => failed(context.exists().then(|| prior.clone()), errors),
        }
    }

    async fn delete(
        &self,
        request: &ApplyRequest,
        prior: &Object,
        client: &R::Client,
    ) -> ApplyResponse {
        let mut context = Context::new(client, &request.progress, true);
        context.private = prior.private.clone();
        let mut object = match read::<R>(&prior.value) {
            Ok(object) => object,
            Err(errors) => return failed(Some(prior.clone()), errors),
        };
        match object.delete(&mut context).await {
            Ok(()) => failed(None, Diagnostics::new()),
            Err(errors) => failed(context.exists().then(|| prior.clone()), errors),
        }
    }
}

impl<R: ResourceType> AnyResource<R::Client> for Adapter<R> {
    fn schema(&self) -> Resource {
        Resource {
            version: R::VERSION,
            block: self.spec.schema(),
        }
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        check::check(&self.spec, config, diags);
        R::validate(config, diags);
    }

    fn plan<'a>(
        &'a self,
        request: PlanRequest,
        client: Option<&'a R::Client>,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        Box::pin(async move {
            let mut plan = Plan::new(&self.spec, &request, client);
            R::plan(&mut plan).await?;
            Ok(plan.response())
        })
    }

    fn apply<'a>(
        &'a self,
        request: ApplyRequest,
        client: &'a R::Client,
    ) -> BoxFuture<'a, ApplyResponse> {
        Box::pin(async move {
            match (&request.prior, &request.planned) {
                (None, Some(planned)) => self.create(&request, planned, client).await,
                (Some(prior), Some(planned)) => self.update(&request, prior, planned, client).await,
                (Some(prior), None) => self.delete(&request, prior, client).await,
                (None, None) => failed(None, Diagnostics::new()),
            }
        })
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
        client: &'a R::Client,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        Box::pin(async move {
            let progress = Progress::ignored();
            let mut context = Context::new(client, &progress, true);
            context.private = request.object.private.clone();
            let mut object = read::<R>(&request.object.value)?;
            let as_read = object.write();
            match object.read(&mut context).await? {
                Observed::Gone => Ok(None),
                Observed::Present => Ok(Some(Object {
                    value: merge::unchanged_unless(
                        &request.object.value,
                        &as_read,
                        &object.write(),
                    ),
                    private: context.private,
                })),
            }
        })
    }

    fn import<'a>(
        &'a self,
        id: String,
        client: &'a R::Client,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            let progress = Progress::ignored();
            let mut context = Context::new(client, &progress, true);
            let object = R::import(&id, &mut context).await?;
            Ok(Object {
                value: object.write(),
                private: context.private,
            })
        })
    }

    fn find<'a>(
        &'a self,
        request: FindRequest,
        client: &'a R::Client,
    ) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(async move {
            let progress = Progress::ignored();
            let mut context = Context::new(client, &progress, false);
            context.marker = &request.marker;
            let found = read::<R>(&request.planned)?.find(&mut context).await?;
            let ours = |object: R, complete| Found::Ours {
                object: Object {
                    value: merge::without_unknown(&merge::conform(
                        &request.planned,
                        &object.write(),
                    )),
                    private: context.private.clone(),
                },
                complete,
            };
            Ok(match found {
                Leftover::Nothing => Found::Nothing,
                Leftover::Complete(object) => ours(object, true),
                Leftover::Unfinished(object) => ours(object, false),
                Leftover::Foreign => Found::Foreign,
            })
        })
    }
}

fn failed(object: Option<Object>, diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse {
        object,
        diagnostics,
    }
}

/// Reads an object into its struct.
pub(crate) fn read<T: Typed>(value: &Value) -> Result<T, Diagnostics> {
    T::read(value).map_err(|misfit| misfit.diagnostic().into())
}

impl Misfit {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(
            "invalid-attribute-value",
            format!("Invalid attribute value in `{}`", self.path.join(".")),
        )
        .detail(self.message)
    }
}
