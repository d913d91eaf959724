//! The provider of the platform in memory.

use std::sync::Arc;

use strata_core::{
    AttributePath, BoxFuture, Diagnostic, Diagnostics, Type, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, Effect, EffectKind, FindRequest, Found,
        Object, ObjectKind, Opened, PlanRequest, PlanResponse, Provider, ReadRequest, Renewed,
        Settled,
    },
    schema::ProviderSchema,
};

use crate::{
    platform::{Fault, Operation, Platform, Thing},
    schema::provider_schema,
};

pub(crate) struct TestProvider {
    platform: Platform,
    schema: ProviderSchema,
}

struct Configured {
    platform: Platform,
    /// What the `provider` block says.
    endpoint: String,
}

impl TestProvider {
    pub(crate) fn new(platform: Platform) -> Self {
        Self {
            platform,
            schema: provider_schema(),
        }
    }
}

impl Provider for TestProvider {
    fn name(&self) -> &'static str {
        "test"
    }

    fn source(&self) -> &'static str {
        "example.com/test/test"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn lost_with(&self, _type_name: &str, object: &Value) -> Option<&'static str> {
        let holds_data = object.get("kind").and_then(Value::as_str) == Some("volume");
        holds_data.then_some("what is in it")
    }

    fn validate(&self, _kind: ObjectKind, _type_name: &str, config: &Value) -> Diagnostics {
        match config.get("name").and_then(Value::as_str) {
            Some("") => Diagnostic::error("test-no-name", "a thing needs a name").into(),
            _ => Diagnostics::new(),
        }
    }

    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        let endpoint = config.get("endpoint").and_then(Value::as_str);
        Ok(Arc::new(Configured {
            platform: self.platform.clone(),
            endpoint: endpoint.map(|at| format!(" at {at}")).unwrap_or_default(),
        }))
    }
}

impl ConfiguredProvider for Configured {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        Box::pin(async move {
            let name = text(&request.proposed, "name");
            self.may_fail(Operation::Plan, &name).await?;
            Ok(plan(&request))
        })
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        let call = async move {
            let response = match (&request.prior, &request.planned) {
                (None, Some(planned)) => self.create(planned, &request.marker).await,
                (Some(prior), Some(planned)) => self.update(prior, planned).await,
                (Some(prior), None) => self.delete(prior).await,
                (None, None) => answer(None, None),
            };
            self.platform.work(&request.progress).await;
            response
        };
        Box::pin(self.platform.answer(call))
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        Box::pin(async move {
            let name = text(&request.object.value, "name");
            self.may_fail(Operation::Read, &name).await?;
            Ok(self.read_now(&request.object))
        })
    }

    fn read_data<'a>(
        &'a self,
        _type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        Box::pin(async move {
            let name = text(&config, "name");
            self.may_fail(Operation::ReadData, &name).await?;
            match self.platform.things().get(&name) {
                None => Err(refused(Operation::Read, &name).into()),
                Some(thing) => Ok(Value::object([
                    ("id", Value::string(&*thing.id)),
                    ("name", Value::string(name)),
                    ("size", Value::number(thing.size)),
                ])),
            }
        })
    }

    fn open<'a>(
        &'a self,
        _type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Opened, Diagnostics>> {
        let name = text(&config, "name");
        if self.platform.fault(Operation::Read, &name).is_some() {
            let refused = refused(Operation::Read, &name);
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        self.platform.tell(format!("open {name}"));
        let token = format!("{name}-{}", self.platform.new_id());
        let value = Value::object([
            ("name", Value::string(name.as_str())),
            ("token", Value::string(token)),
        ]);
        let renewed = Renewed {
            // At once, so that each next use renews it.
            renew_after: (name == "short").then_some(std::time::Duration::ZERO),
            private: name.into_bytes(),
        };
        Box::pin(std::future::ready(Ok(Opened { value, renewed })))
    }

    fn renew<'a>(
        &'a self,
        _type_name: Arc<str>,
        private: Vec<u8>,
    ) -> BoxFuture<'a, Result<Renewed, Diagnostics>> {
        let name = String::from_utf8_lossy(&private).into_owned();
        self.platform.tell(format!("renew {name}"));
        let renewed = Renewed {
            renew_after: Some(std::time::Duration::ZERO),
            private,
        };
        Box::pin(std::future::ready(Ok(renewed)))
    }

    fn close<'a>(
        &'a self,
        _type_name: Arc<str>,
        private: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Diagnostics>> {
        let name = String::from_utf8_lossy(&private).into_owned();
        self.platform.tell(format!("close {name}"));
        Box::pin(std::future::ready(Ok(())))
    }

    fn import<'a>(
        &'a self,
        _type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            self.may_fail(Operation::Import, &id).await?;
            self.import_now(&id)
        })
    }

    fn settle<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Settled>, Diagnostics>> {
        Box::pin(async move {
            let known = request.object.clone();
            let object = self.read(request).await?;
            let thing = self.thing(&known);
            Ok(object.zip(thing).map(|(object, thing)| Settled {
                object,
                complete: thing.complete,
            }))
        })
    }

    fn import_id(&self, _type_name: &str, object: &Value) -> Option<String> {
        let things = self.platform.things();
        Some(things.get(&text(object, "name"))?.id.clone())
    }

    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(async move {
            let name = text(&request.planned, "name");
            self.may_fail(Operation::Find, &name).await?;
            Ok(match self.platform.things().get(&name) {
                None => Found::Nothing,
                Some(thing) if thing.marker != request.marker => Found::Foreign,
                Some(thing) => Found::Ours {
                    object: object(&request.planned, thing),
                    complete: thing.complete,
                },
            })
        })
    }
}

impl Configured {
    /// Goes wrong, if that is wanted: what asks only can hang or be refused.
    async fn may_fail(&self, operation: Operation, name: &str) -> Result<(), Diagnostics> {
        match self.platform.fault(operation, name) {
            None => Ok(()),
            Some(Fault::Refused | Fault::HalfDone) => Err(refused(operation, name).into()),
            Some(Fault::Hangs | Fault::DoneThenHangs) => {
                self.platform.hang().await;
                Ok(())
            }
        }
    }

    fn import_now(&self, id: &str) -> Result<Object, Diagnostics> {
        let things = self.platform.things();
        let Some((name, thing)) = things.iter().find(|(_, thing)| thing.id == id) else {
            return Err(Diagnostic::error("test-import", format!("cannot import `{id}`")).into());
        };
        let known = Value::object([
            ("name", Value::string(name.as_str())),
            ("note", Value::Null(Type::String)),
            ("secret", Value::Null(Type::String)),
            ("needs", Value::Null(Type::list(Type::String))),
        ]);
        Ok(object(&known, thing))
    }

    /// Before something is done: it may hang.
    async fn may_hang_before(&self, fault: Option<Fault>) {
        if fault == Some(Fault::Hangs) {
            self.platform.hang().await;
        }
    }

    /// After something was done: it may hang.
    async fn may_hang_after(&self, fault: Option<Fault>) {
        if fault == Some(Fault::DoneThenHangs) {
            self.platform.hang().await;
        }
    }

    async fn create(&self, planned: &Value, marker: &str) -> ApplyResponse {
        let name = text(planned, "name");
        self.platform.moment().await;
        let fault = self.platform.fault(Operation::Create, &name);
        self.may_hang_before(fault).await;
        if fault == Some(Fault::Refused) || self.platform.things().contains_key(&name) {
            return answer(None, Some(refused(Operation::Create, &name)));
        }
        let complete = fault != Some(Fault::HalfDone);
        let kind = planned
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or("plain");
        let thing = Thing {
            id: self.platform.new_id(),
            size: number(planned, "size"),
            kind: kind.to_owned(),
            marker: marker.to_owned(),
            complete,
        };
        self.platform
            .note(Operation::Create, &format!("{name}{}", self.endpoint));
        self.platform.set(&name, Some(thing.clone()));
        self.may_hang_after(fault).await;
        self.platform.moment().await;
        let error = (!complete).then(|| half_done(Operation::Create, &name));
        answer(Some(object(planned, &thing)), error)
    }

    async fn update(&self, prior: &Object, planned: &Value) -> ApplyResponse {
        let name = text(&prior.value, "name");
        self.platform.moment().await;
        let fault = self.platform.fault(Operation::Update, &name);
        self.may_hang_before(fault).await;
        let Some(mut thing) = self.platform.things().remove(&name) else {
            return answer(None, Some(refused(Operation::Update, &name)));
        };
        if fault == Some(Fault::Refused) {
            return answer(Some(prior.clone()), Some(refused(Operation::Update, &name)));
        }
        thing.size = number(planned, "size");
        self.platform.note(Operation::Update, &name);
        self.platform.set(&name, Some(thing.clone()));
        self.may_hang_after(fault).await;
        self.platform.moment().await;
        let error = fault.map(|_| half_done(Operation::Update, &name));
        answer(Some(object(planned, &thing)), error)
    }

    async fn delete(&self, prior: &Object) -> ApplyResponse {
        let name = text(&prior.value, "name");
        self.platform.moment().await;
        let fault = self.platform.fault(Operation::Delete, &name);
        self.may_hang_before(fault).await;
        if fault == Some(Fault::Refused) {
            return answer(Some(prior.clone()), Some(refused(Operation::Delete, &name)));
        }
        // An object that was replaced under the same name is not ours to delete any more.
        let left = self.thing(prior).map(|thing| Thing {
            complete: false,
            ..thing
        });
        if fault == Some(Fault::HalfDone) {
            self.platform.set(&name, left);
            self.platform.moment().await;
            return answer(
                Some(prior.clone()),
                Some(half_done(Operation::Delete, &name)),
            );
        }
        if left.is_some() {
            self.platform
                .note(Operation::Delete, &format!("{name}{}", self.endpoint));
            self.platform.set(&name, None);
        }
        self.may_hang_after(fault).await;
        self.platform.moment().await;
        answer(None, None)
    }

    fn thing(&self, known: &Object) -> Option<Thing> {
        let thing = self.platform.things().remove(&text(&known.value, "name"));
        thing.filter(|thing| thing.id == text(&known.value, "id"))
    }

    fn read_now(&self, known: &Object) -> Option<Object> {
        let thing = self.thing(known)?;
        Some(object(&known.value, &thing))
    }
}

fn plan(request: &PlanRequest) -> PlanResponse {
    let planned = &request.proposed;
    let mut requires_replace = Vec::new();
    let mut effects = Vec::new();
    if let Some(prior) = &request.prior {
        for name in ["name", "kind"] {
            if prior.value.get(name) != planned.get(name) {
                requires_replace.push(AttributePath::attribute(name));
            }
        }
        if prior.value.get("size") != planned.get("size") {
            effects.push(Effect {
                kind: EffectKind::Live,
                reason: "size is applied live".to_owned(),
            });
        }
    }
    PlanResponse {
        planned: planned.clone(),
        requires_replace,
        effects,
        private: Vec::new(),
        warnings: Diagnostics::new(),
    }
}

/// A thing as an object, with what only state keeps.
fn object(known: &Value, thing: &Thing) -> Object {
    let keep = |name: &str| {
        known
            .get(name)
            .cloned()
            .unwrap_or(Value::Null(Type::String))
    };
    let size = match known.get("size") {
        Some(size) if size.is_null() && thing.size == 0 => size.clone(),
        _ => Value::number(thing.size),
    };
    Object {
        value: Value::object([
            ("id", Value::string(&*thing.id)),
            ("name", keep("name")),
            ("size", size),
            ("kind", Value::string(&*thing.kind)),
            ("note", keep("note")),
            ("secret", keep("secret")),
            ("needs", keep("needs")),
        ]),
        private: b"test".to_vec(),
    }
}

fn text(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn number(value: &Value, name: &str) -> i64 {
    value
        .get(name)
        .and_then(Value::as_number)
        .and_then(strata_core::Number::as_i64)
        .unwrap_or_default()
}

fn answer(object: Option<Object>, error: Option<Diagnostic>) -> ApplyResponse {
    ApplyResponse {
        object,
        diagnostics: error.map(Diagnostics::from).unwrap_or_default(),
    }
}

fn refused(operation: Operation, name: &str) -> Diagnostic {
    Diagnostic::error(
        "test-refused",
        format!("{operation:?} of `{name}` is refused"),
    )
}

fn half_done(operation: Operation, name: &str) -> Diagnostic {
    Diagnostic::error(
        "test-half-done",
        format!("{operation:?} of `{name}` broke off"),
    )
}
