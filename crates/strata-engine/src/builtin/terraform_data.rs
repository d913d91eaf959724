//! `terraform_data`: keeps a value, and is replaced when another one changes.

use std::sync::Arc;

use strata_core::{
    AttributePath, BoxFuture, Diagnostic, Diagnostics, Type, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        PlanRequest, PlanResponse, Provider, ReadRequest,
    },
    schema::{Attribute, Block, Presence, ProviderSchema, Resource},
};

use super::{RemoteStates, SOURCE, remote_state};

/// The builtin provider.
pub(crate) struct Terraform {
    schema: ProviderSchema,
    states: RemoteStates,
}

struct Configured {
    states: RemoteStates,
}

impl Terraform {
    /// Takes what reading states of other root modules needs.
    pub(crate) fn new(states: RemoteStates) -> Self {
        let attribute = |name: &str, ty, presence, description| {
            (Arc::from(name), Attribute::new(ty, presence, description))
        };
        let attributes = [
            attribute("id", Type::String, Presence::Computed, "A random id."),
            attribute(
                "input",
                Type::Dynamic,
                Presence::Optional,
                "The value to keep.",
            ),
            attribute(
                "output",
                Type::Dynamic,
                Presence::Computed,
                "What `input` was at the last apply.",
            ),
            attribute(
                "triggers_replace",
                Type::Dynamic,
                Presence::Optional,
                "A value whose change replaces the resource.",
            ),
        ];
        let block = Block {
            attributes: attributes.into_iter().collect(),
            blocks: Default::default(),
            description: "Keeps a value in state.",
        };
        let resource = Resource { version: 0, block };
        Self {
            schema: ProviderSchema {
                resources: [("terraform_data".into(), resource)].into(),
                data_sources: [(remote_state::NAME.into(), remote_state::schema())].into(),
                ..ProviderSchema::default()
            },
            states,
        }
    }
}

impl Provider for Terraform {
    fn name(&self) -> &'static str {
        "terraform"
    }

    fn source(&self) -> &'static str {
        SOURCE
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, _kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics {
        match type_name {
            remote_state::NAME => remote_state::validate(config),
            _ => Diagnostics::new(),
        }
    }

    fn configure(&self, _config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        Ok(Arc::new(Configured {
            states: self.states.clone(),
        }))
    }
}

impl ConfiguredProvider for Configured {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        Box::pin(std::future::ready(Ok(plan(request))))
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        Box::pin(std::future::ready(ApplyResponse {
            object: request.planned.map(apply),
            diagnostics: Diagnostics::new(),
        }))
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        Box::pin(std::future::ready(Ok(Some(request.object))))
    }

    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        let states = self.states.clone();
        Box::pin(async move {
            match &*type_name {
                // Servers are waited for there, so that all else goes on.
                remote_state::NAME => {
                    let read = move || remote_state::read(&config, &states);
                    let read = tokio::task::spawn_blocking(read).await;
                    read.expect("reading a state does not panic")
                }
                _ => Err(Diagnostic::error(
                    "unsupported-data-source",
                    format!("the data source `{type_name}` is not supported"),
                )
                .into()),
            }
        })
    }

    fn import<'a>(
        &'a self,
        _type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        let null = || Value::Null(Type::Dynamic);
        let value = Value::object([
            ("id", Value::string(id)),
            ("input", null()),
            ("output", null()),
            ("triggers_replace", null()),
        ]);
        Box::pin(std::future::ready(Ok(Object {
            value,
            private: Vec::new(),
        })))
    }

    /// Nothing is left behind anywhere: what is not in state does not exist.
    fn find<'a>(&'a self, _request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(std::future::ready(Ok(Found::Nothing)))
    }
}

fn plan(request: PlanRequest) -> PlanResponse {
    let null = &Value::Null(Type::Dynamic);
    let proposed = |name| request.proposed.get(name).unwrap_or(null);
    let before = |name| {
        request
            .prior
            .as_ref()
            .and_then(|prior| prior.value.get(name))
    };
    let input = proposed("input");
    let output = match (before("input"), before("output")) {
        (Some(prior), Some(output)) if prior == input => output.clone(),
        (None, _) if input.is_null() => Value::Null(Type::Dynamic),
        _ if input.is_null() => Value::unknown(Type::Dynamic),
        _ => Value::unknown(input.ty()),
    };
    let triggers = before("triggers_replace");
    let requires_replace = match triggers.is_some_and(|prior| prior != proposed("triggers_replace"))
    {
        true => vec![AttributePath::attribute("triggers_replace")],
        false => Vec::new(),
    };
    PlanResponse {
        // What is proposed is the prior id, or an unknown one.
        planned: match proposed("output") == &output {
            true => request.proposed,
            false => with_output(request.proposed, output),
        },
        requires_replace,
        effects: Vec::new(),
        private: Vec::new(),
        warnings: Diagnostics::new(),
    }
}

fn with_output(mut object: Value, output: Value) -> Value {
    if let Value::Object(entries) = &mut object {
        Arc::make_mut(entries).insert("output".into(), output);
    }
    object
}

fn apply(planned: Value) -> Object {
    let get = |name| {
        planned
            .get(name)
            .cloned()
            .unwrap_or(Value::Null(Type::Dynamic))
    };
    let id = match get("id") {
        id if id.is_known() => id,
        _ => Value::string(uuid::Uuid::new_v4().to_string()),
    };
    let value = Value::object([
        ("id", id),
        ("input", get("input")),
        ("output", get("input")),
        ("triggers_replace", get("triggers_replace")),
    ]);
    Object {
        value,
        private: Vec::new(),
    }
}
