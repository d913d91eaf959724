//! Providers that are only played: what nobody sets is made up.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_config::{Config, Mock, Run, TestFile, mock_files, module::ProviderKey};
use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Type, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        PlanRequest, PlanResponse, Provider, ReadRequest,
    },
    schema::{Attribute, Block, Presence, ProviderSchema},
};
use strata_engine::Providers;
use strata_hcl::{Scope, evaluate};

use crate::files::Disk;

/// What a played type gives where nobody sets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// An object with values of some attributes.
    pub(super) values: Option<Value>,
    /// True if it is known while planning.
    pub(super) during_plan: bool,
}

/// A provider that makes nothing.
pub(super) struct Played {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) schema: ProviderSchema,
    pub(super) resources: Arc<BTreeMap<Arc<str>, Made>>,
    pub(super) data: Arc<BTreeMap<Arc<str>, Made>>,
    pub(super) other: bool,
}

/// The providers of a run, those that its file plays in the place of the real ones.
pub(super) fn providers(
    config: &Config,
    file: &TestFile,
    run: &Run,
    real: &Providers,
    scope: &dyn Scope,
) -> Result<Providers, Diagnostics> {
    let mut diags = Diagnostics::new();
    let mut played: Vec<Arc<dyn Provider>> = Vec::new();
    for address in config.providers() {
        let own = ProviderKey {
            name: address.local_name.clone(),
            alias: address.alias.clone(),
        };
        let key = run
            .providers
            .get(&own)
            .map_or(&own, |reference| &reference.key);
        let Some(mock) = file.mocks.get(key) else {
            continue;
        };
        let Some(provider) = real.get(&address.source) else {
            continue;
        };
        let mut mock = mock.clone();
        mock_files(&Disk, Path::new("."), &mut mock, &mut diags);
        played.push(Arc::new(play(&mock, provider, scope, &mut diags)));
    }
    let others = real.all().cloned();
    diags.into_result(match played.is_empty() {
        true => real.clone(),
        false => Providers::new(others.chain(played)),
    })
}

fn play(
    mock: &Mock,
    provider: &Arc<dyn Provider>,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Played {
    let mut made = |types: &BTreeMap<Arc<str>, strata_config::MockType>| {
        let mut all = BTreeMap::new();
        for (name, played) in types {
            let values = played.defaults.as_ref();
            let values = values.map(|values| object(evaluate(values, scope, diags), values, diags));
            let during_plan = played.during_plan;
            all.insert(
                name.clone(),
                Made {
                    values,
                    during_plan,
                },
            );
        }
        Arc::new(all)
    };
    Played {
        name: provider.name(),
        source: provider.source(),
        // A provider that is played needs no arguments.
        schema: ProviderSchema {
            provider: undemanding(&provider.schema().provider),
            ..provider.schema().clone()
        },
        resources: made(&mock.resources),
        data: made(&mock.data),
        other: mock.during_plan,
    }
}

/// The same arguments and blocks, none of which needs to be there.
fn undemanding(block: &Block) -> Block {
    let mut block = block.clone();
    for attribute in block.attributes.values_mut() {
        if attribute.presence == Presence::Required {
            attribute.presence = Presence::Optional;
        }
    }
    for nested in block.blocks.values_mut() {
        nested.min_items = 0;
        nested.block = undemanding(&nested.block);
    }
    block
}

/// Values of attributes must be an object.
pub(super) fn object(
    value: Value,
    expression: &strata_hcl::Expression,
    diags: &mut Diagnostics,
) -> Value {
    if value.as_entries().is_none() && value.is_known() {
        diags.push(
            Diagnostic::error("invalid-override", "Invalid attribute override")
                .detail("An object is required: names of attributes and their values.")
                .at(expression.span()),
        );
    }
    value
}

impl Provider for Played {
    fn name(&self) -> &'static str {
        self.name
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, _kind: ObjectKind, _type_name: &str, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    fn configure(&self, _config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        Ok(Arc::new(Player {
            schema: self.schema.clone(),
            resources: self.resources.clone(),
            data: self.data.clone(),
            other: Made {
                values: None,
                during_plan: self.other,
            },
        }))
    }
}

struct Player {
    schema: ProviderSchema,
    resources: Arc<BTreeMap<Arc<str>, Made>>,
    data: Arc<BTreeMap<Arc<str>, Made>>,
    /// What types get of which nothing is said.
    other: Made,
}

impl Player {
    fn made(&self, type_name: &str) -> &Made {
        self.resources.get(type_name).unwrap_or(&self.other)
    }

    fn filled(&self, type_name: &str, value: &Value) -> Result<Value, Diagnostics> {
        let schema = self.schema.resources.get(type_name);
        let values = self.made(type_name).values.as_ref();
        match schema {
            Some(schema) => fill(&schema.block, value, values, &|_, value| !value.is_known()),
            None => Ok(value.clone()),
        }
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl ConfiguredProvider for Player {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        let planned = match self.made(&request.type_name).during_plan {
            true => self.filled(&request.type_name, &request.proposed),
            false => Ok(request.proposed),
        };
        ready(planned.map(|planned| PlanResponse {
            planned,
            requires_replace: Vec::new(),
            effects: Vec::new(),
            private: Vec::new(),
            warnings: Diagnostics::new(),
        }))
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        let planned = request
            .planned
            .map(|planned| self.filled(&request.type_name, &planned));
        ready(match planned.transpose() {
            Ok(value) => ApplyResponse {
                object: value.map(|value| Object {
                    value,
                    private: Vec::new(),
                }),
                diagnostics: Diagnostics::new(),
            },
            Err(diagnostics) => ApplyResponse {
                object: request.prior,
                diagnostics,
            },
        })
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        ready(Ok(Some(request.object)))
    }

    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        let values = self
            .data
            .get(&type_name)
            .and_then(|made| made.values.as_ref());
        let is_open = |attribute: &Attribute, value: &Value| {
            !value.is_known() || value.is_null() && attribute.presence.is_computed()
        };
        ready(match self.schema.data_sources.get(&type_name) {
            Some(schema) => fill(&schema.block, &config, values, &is_open),
            None => Ok(config),
        })
    }

    fn import<'a>(
        &'a self,
        type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        let schema = self.schema.resources.get(&type_name);
        let block = schema.map(|schema| &schema.block);
        let value = block.map_or(Ok(Value::Null(Type::Dynamic)), |block| {
            let computed = |attribute: &Attribute, _: &Value| attribute.presence.is_computed();
            fill(
                block,
                &block.empty_value(),
                self.made(&type_name).values.as_ref(),
                &computed,
            )
        });
        ready(value.map(|value| Object {
            value: value.map_children(|step, child| match step {
                strata_core::PathStep::Attribute(name)
                    if &*name == "id" && self.made(&type_name).values.is_none() =>
                {
                    Value::from(id.as_str())
                }
                _ => child.clone(),
            }),
            private: Vec::new(),
        }))
    }

    fn find<'a>(&'a self, _request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        ready(Ok(Found::Nothing))
    }
}

/// Gives the open attributes of a block values: those that are said, and made up ones.
fn fill(
    block: &Block,
    value: &Value,
    said: Option<&Value>,
    is_open: &dyn Fn(&Attribute, &Value) -> bool,
) -> Result<Value, Diagnostics> {
    let mut wrong = Diagnostics::new();
    let said = |name: &str| said.and_then(|said| said.get(name)).cloned();
    let filled = value.map_children(|step, child| {
        let strata_core::PathStep::Attribute(name) = &step else {
            return child.clone();
        };
        if let Some(attribute) = block.attributes.get(&**name) {
            return match is_open(attribute, child) {
                true => open(attribute, name, said(name), &mut wrong),
                false => child.clone(),
            };
        }
        let Some(nested) = block.blocks.get(&**name) else {
            return child.clone();
        };
        let inside = |child: &Value, wrong: &mut Diagnostics| match fill(
            &nested.block,
            child,
            said(name).as_ref(),
            is_open,
        ) {
            Ok(filled) => filled,
            Err(found) => {
                wrong.append(found);
                child.clone()
            }
        };
        match nested.nesting {
            strata_core::schema::Nesting::Single if child.is_null() => child.clone(),
            strata_core::schema::Nesting::Single => inside(child, &mut wrong),
            _ => child.map_children(|_, item| inside(item, &mut wrong)),
        }
    });
    wrong.into_result(filled)
}

fn open(attribute: &Attribute, name: &str, said: Option<Value>, diags: &mut Diagnostics) -> Value {
    let Some(said) = said else {
        return made_up(&attribute.ty);
    };
    said.convert(&attribute.ty).unwrap_or_else(|error| {
        diags.push(
            Diagnostic::error("invalid-override", "Failed to compute attribute").detail(format!(
                "The value that the test gives for `{name}` does not fit: {error}."
            )),
        );
        made_up(&attribute.ty)
    })
}

/// A value of a type, as Terraform makes it up: eight letters for text, nothing for collections.
fn made_up(ty: &Type) -> Value {
    match ty {
        Type::String => Value::string(uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()),
        Type::Number => Value::number(0_i64),
        Type::Bool => Value::Bool(false),
        Type::List(element) => Value::list((**element).clone(), Vec::new()),
        Type::Set(element) => Value::set((**element).clone(), []),
        Type::Map(element) => Value::map::<&str>((**element).clone(), []),
        Type::Tuple(elements) => Value::tuple(elements.iter().map(made_up).collect()),
        Type::Object(attributes) => Value::object(
            attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), made_up(&attribute.ty))),
        ),
        Type::Dynamic => Value::Null(Type::Dynamic),
    }
}
