//! The daemon under test, and short words for what the engine asks of a provider.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use strata_core::{
    Diagnostics, Type, Value,
    addr::parse_resource_instance,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, Object, PlanRequest, PlanResponse,
        Progress, ReadRequest,
    },
    schema::Block,
    value::ObjectAttribute,
};
use strata_incus::{Incus, Settings, Timeouts};

/// A real daemon, with what the tests use of it.
pub(crate) struct Testbed {
    pub(crate) incus: Incus,
    pub(crate) provider: Arc<dyn ConfiguredProvider>,
    pub(crate) network: String,
    pub(crate) image: String,
    pub(crate) cloud_image: String,
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// The daemon's socket; none, with a line of print, if there is no daemon and none is demanded.
pub(crate) fn socket() -> Option<PathBuf> {
    let socket = PathBuf::from(variable(
        "STRATA_TEST_INCUS_SOCKET",
        "/var/lib/incus/unix.socket",
    ));
    if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
        return Some(socket);
    }
    assert!(
        std::env::var("STRATA_TEST_INCUS_REQUIRED").is_err(),
        "no Incus daemon at {}",
        socket.display()
    );
    println!("skipped: no Incus daemon at {}", socket.display());
    None
}

pub(crate) fn settings(environment: &[(&str, &str)], timeouts: Timeouts) -> Settings {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings {
        environment: environment.collect(),
        image_aliases: BTreeMap::from([("images:debian/12".to_owned(), "debian/12".to_owned())]),
        rehearses: true,
        timeouts,
    }
}

pub(crate) fn short() -> Timeouts {
    Timeouts {
        address: Duration::from_secs(60),
        cloud_init: Duration::from_secs(240),
        ready: Duration::from_secs(60),
    }
}

pub(crate) fn testbed() -> Option<Testbed> {
    testbed_with(short())
}

/// The testbed for who does not rehearse: images are looked for.
pub(crate) fn testbed_in_earnest() -> Option<Testbed> {
    testbed_of(short(), false)
}

pub(crate) fn testbed_with(timeouts: Timeouts) -> Option<Testbed> {
    testbed_of(timeouts, true)
}

fn testbed_of(timeouts: Timeouts, rehearses: bool) -> Option<Testbed> {
    let socket = socket()?;
    let socket = socket.display().to_string();
    let environment = [
        ("INCUS_SOCKET", socket.as_str()),
        ("INCUS_CONF", "/nonexistent"),
    ];
    let incus = Incus::new(Settings {
        rehearses,
        ..settings(&environment, timeouts)
    });
    let provider = incus.provider();
    let block = provider.schema().provider.empty_value();
    let configured = provider.configure(block).unwrap();
    Some(Testbed::of(incus, configured))
}

/// A name that no other test has.
pub(crate) fn name(what: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("inc-{what}-{}", &id[..8])
}

pub(crate) fn texts(entries: &[(&str, &str)]) -> Value {
    Value::map(
        Type::String,
        entries
            .iter()
            .map(|(key, value)| (*key, Value::from(*value))),
    )
}

/// A resource that is applied and removed again.
pub(crate) struct Resource<'a> {
    pub(crate) testbed: &'a Testbed,
    pub(crate) type_name: &'static str,
    /// What it is called in configuration.
    pub(crate) address: &'static str,
    pub(crate) object: Option<Object>,
    pub(crate) marker: String,
}

impl Testbed {
    pub(crate) fn of(incus: Incus, provider: Arc<dyn ConfiguredProvider>) -> Self {
        Self {
            incus,
            provider,
            network: variable("STRATA_TEST_INCUS_NETWORK", "br0"),
            image: variable("STRATA_TEST_INCUS_IMAGE", "debian/12"),
            cloud_image: variable("STRATA_TEST_INCUS_CLOUD_IMAGE", "debian/12/cloud"),
            notes: Arc::default(),
        }
    }

    pub(crate) fn resource(&self, type_name: &'static str) -> Resource<'_> {
        Resource {
            testbed: self,
            type_name,
            address: "test.one",
            object: None,
            marker: uuid::Uuid::new_v4().to_string(),
        }
    }

    pub(crate) fn block(&self, type_name: &str) -> Block {
        self.incus.provider().schema().resources[type_name]
            .block
            .clone()
    }

    fn progress(&self) -> Progress {
        let notes = self.notes.clone();
        Progress::new(move |note: &str| notes.lock().unwrap().push(note.to_owned()))
    }
}

impl Resource<'_> {
    /// The configuration with these attributes, all others null.
    pub(crate) fn config(&self, attributes: &[(&str, Value)]) -> Value {
        let block = self.testbed.block(self.type_name);
        let mut entries = block.empty_value().as_entries().unwrap().clone();
        for (name, value) in attributes {
            let ty = block.implied_type().attribute(name).unwrap().clone();
            entries.insert((*name).into(), value.convert(&open(&ty)).unwrap());
        }
        Value::object(entries)
    }

    /// What the engine proposes: configuration, with computed attributes as they were or unknown.
    fn proposed(&self, config: &Value) -> Value {
        let block = self.testbed.block(self.type_name);
        let mut entries = config.as_entries().unwrap().clone();
        for (name, attribute) in &block.attributes {
            if attribute.presence.is_computed() && entries[name].is_null() {
                let prior = self
                    .object
                    .as_ref()
                    .and_then(|object| object.value.get(name));
                let unknown = Value::unknown(attribute.ty.clone());
                entries.insert((**name).into(), prior.cloned().unwrap_or(unknown));
            }
        }
        Value::object(entries)
    }

    pub(crate) async fn plan(&self, config: &Value) -> PlanResponse {
        self.try_plan(config).await.unwrap()
    }

    /// What is planned for a create, whatever is there.
    pub(crate) async fn unchecked_plan(&self, config: &Value) -> Value {
        match self.try_plan(config).await {
            Ok(plan) => plan.planned,
            Err(_) => self.proposed(config),
        }
    }

    pub(crate) async fn try_plan(&self, config: &Value) -> Result<PlanResponse, Diagnostics> {
        let request = PlanRequest {
            address: parse_resource_instance(self.address).unwrap(),
            type_name: self.type_name.into(),
            prior: self.object.clone(),
            config: config.clone(),
            proposed: self.proposed(config),
        };
        self.testbed.provider.plan(request).await
    }

    /// Plans and applies; what is known of the plan must come true.
    pub(crate) async fn apply(&mut self, attributes: &[(&str, Value)]) -> PlanResponse {
        let config = self.config(attributes);
        let plan = self.plan(&config).await;
        let response = self.try_apply(&config, &plan).await;
        assert!(
            response.diagnostics.is_empty(),
            "{:?}",
            response.diagnostics
        );
        let object = response.object.expect("the object is there");
        assert!(object.value.is_wholly_known(), "{:?}", object.value);
        for (name, planned) in plan.planned.as_entries().unwrap() {
            if planned.is_wholly_known() {
                assert_eq!(object.value.get(name), Some(planned), "{name}");
            }
        }
        self.object = Some(object);
        plan
    }

    pub(crate) async fn try_apply(&self, config: &Value, plan: &PlanResponse) -> ApplyResponse {
        let request = ApplyRequest {
            type_name: self.type_name.into(),
            prior: self.object.clone(),
            planned: Some(plan.planned.clone()),
            config: Some(config.clone()),
            private: plan.private.clone(),
            marker: self.marker.clone(),
            progress: self.testbed.progress(),
        };
        self.testbed.provider.apply(request).await
    }

    /// Reads it anew; true if it is still there.
    pub(crate) async fn refresh(&mut self) -> bool {
        let request = ReadRequest {
            type_name: self.type_name.into(),
            object: self.object.clone().unwrap(),
        };
        self.object = self.testbed.provider.read(request).await.unwrap();
        self.object.is_some()
    }

    /// Refreshes and plans again; nothing may be left to do.
    pub(crate) async fn settled(&mut self, attributes: &[(&str, Value)]) {
        assert!(self.refresh().await, "it is gone");
        let plan = self.plan(&self.config(attributes)).await;
        assert_eq!(plan.planned, self.object.as_ref().unwrap().value);
        assert!(plan.requires_replace.is_empty() && plan.effects.is_empty());
    }

    pub(crate) fn get(&self, name: &str) -> Value {
        self.object
            .as_ref()
            .unwrap()
            .value
            .get(name)
            .unwrap()
            .clone()
    }

    pub(crate) async fn delete(&mut self) {
        if self.object.is_none() {
            return;
        }
        let response = self.try_delete().await;
        self.object = None;
        assert!(
            response.diagnostics.is_empty(),
            "{:?}",
            response.diagnostics
        );
        assert!(response.object.is_none());
    }

    pub(crate) async fn try_delete(&self) -> ApplyResponse {
        let prior = self.object.clone().expect("something is there");
        let request = ApplyRequest {
            type_name: self.type_name.into(),
            prior: Some(prior),
            planned: None,
            config: None,
            private: Vec::new(),
            marker: String::new(),
            progress: self.testbed.progress(),
        };
        self.testbed.provider.apply(request).await
    }
}

/// The type with attributes that may be left out, which the engine does by the schema.
fn open(ty: &Type) -> Type {
    match ty {
        Type::List(element) => Type::list(open(element)),
        Type::Set(element) => Type::set(open(element)),
        Type::Map(element) => Type::map(open(element)),
        Type::Object(attributes) => {
            let attributes = attributes.iter().map(|(name, attribute)| {
                let ty = open(&attribute.ty);
                (name.clone(), ObjectAttribute { ty, optional: true })
            });
            Type::Object(Arc::new(attributes.collect()))
        }
        other => other.clone(),
    }
}
