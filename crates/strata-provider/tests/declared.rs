//! A provider of one declared type, asked as the engine asks.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, Type, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, Object, ObjectKind, PlanRequest,
        PlanResponse, Progress, Provider, ReadRequest,
    },
};
use strata_provider::{
    Context, NoConfiguration, Observed, Plan, Presence, ResourceType, Schema, Typed, provider,
};

/// A guest
/// with disks.
///
/// And more.
#[derive(Clone, Default, Schema)]
#[schema(conflicts("image", "clone_of"))]
struct Guest {
    /// Its name.
    #[schema(replace, length(1..=8))]
    name: String,
    /// What it is made from.
    image: Option<String>,
    /// What it is a copy of.
    clone_of: Option<String>,
    /// How many cores it has.
    #[schema(default = 2, live, range(1..=64))]
    cores: i64,
    /// Its kind.
    #[schema(name = "type", default = "vm", one_of("vm", "container"))]
    kind: String,
    /// Its keys.
    keys: Option<BTreeMap<String, Option<String>>>,
    #[schema(block(max = 2))]
    disk: Vec<Disk>,
    #[schema(flatten)]
    found: Found,
    /// Its machine type.
    #[schema(optional_computed)]
    machine: Option<String>,
}

/// What a guest is found by.
#[derive(Clone, Default, Schema)]
struct Found {
    /// Its id.
    #[schema(computed, stable)]
    id: String,
    /// Its address.
    #[schema(computed, sensitive)]
    address: String,
}

/// A disk.
#[derive(Clone, Default, Schema)]
struct Disk {
    /// How large it is.
    #[schema(replace)]
    size: i64,
    /// Where it is.
    #[schema(default = "local")]
    storage: String,
    /// What it is called.
    #[schema(computed)]
    volume: String,
}

impl ResourceType for Guest {
    const NAME: &'static str = "guest";
    type Client = ();

    async fn plan(plan: &mut Plan<'_, ()>) -> Result<(), Diagnostics> {
        if plan.changes("type") {
            plan.replace("type");
        }
        Ok(())
    }

    async fn create(&mut self, context: &mut Context<'_, ()>) -> Result<(), Diagnostics> {
        if self.name == "refused" {
            return Err(Diagnostic::error("x", "no").into());
        }
        context.created();
        self.found.id = "7".to_owned();
        self.found.address = "10.0.0.7".to_owned();
        self.machine = Some("q35".to_owned());
        for disk in &mut self.disk {
            disk.volume = format!("{}:{}", disk.storage, disk.size);
        }
        match self.name.as_str() {
            "half" => Err(Diagnostic::error("x", "half made").into()),
            _ => Ok(()),
        }
    }

    async fn read(&mut self, _: &mut Context<'_, ()>) -> Result<Observed, Diagnostics> {
        if self.name == "gone" {
            return Ok(Observed::Gone);
        }
        self.cores = 4;
        Ok(Observed::Present)
    }

    async fn update(&mut self, prior: &Self, _: &mut Context<'_, ()>) -> Result<(), Diagnostics> {
        self.found.address = format!("{} was {}", self.cores, prior.cores);
        Ok(())
    }

    async fn import(id: &str, _: &mut Context<'_, ()>) -> Result<Self, Diagnostics> {
        let id = id.to_owned();
        let found = Found {
            id,
            ..Found::default()
        };
        Ok(Self {
            found,
            ..Self::default()
        })
    }
}

fn sample() -> Arc<dyn Provider> {
    provider(
        "sample",
        "example.org/a/sample",
        |_: NoConfiguration| Ok(()),
    )
    .resource::<Guest>()
    .build()
}

fn configured() -> Arc<dyn ConfiguredProvider> {
    sample().configure(Value::object::<&str>([])).unwrap()
}

/// A configuration with these attributes; the rest is null.
fn config(attributes: &[(&str, Value)]) -> Value {
    let mut entries = Guest::block()
        .schema()
        .empty_value()
        .as_entries()
        .unwrap()
        .clone();
    entries.extend(
        attributes
            .iter()
            .map(|(name, value)| (*name, value.clone())),
    );
    Value::object(entries)
}

fn disks(sizes: &[i64]) -> Value {
    let disk = |size: &i64| {
        Value::object([
            ("size", Value::from(*size)),
            ("storage", Value::Null(Type::String)),
            ("volume", Value::Null(Type::String)),
        ])
    };
    Value::list(Disk::ty(), sizes.iter().map(disk).collect())
}

async fn plan(prior: Option<&Object>, config: Value) -> PlanResponse {
    let entries = config.as_entries().unwrap().clone();
    let proposed = entries.into_iter().map(|(name, value)| {
        let open = ["cores", "type", "id", "address", "machine"].contains(&&*name);
        let value = match prior.and_then(|prior| prior.value.get(&name)) {
            _ if !(open && value.is_null()) => value,
            Some(prior) => prior.clone(),
            None => Value::unknown(value.ty()),
        };
        (name, value)
    });
    let request = PlanRequest {
        address: strata_core::addr::parse_resource_instance("test.one").unwrap(),
        type_name: "guest".into(),
        prior: prior.cloned(),
        proposed: Value::object(proposed),
        config,
    };
    configured().plan(request).await.unwrap()
}

async fn apply(prior: Option<Object>, planned: Option<Value>) -> ApplyResponse {
    let request = ApplyRequest {
        type_name: "guest".into(),
        prior,
        config: planned.clone(),
        planned,
        private: Vec::new(),
        marker: "mark".to_owned(),
        progress: Progress::ignored(),
    };
    configured().apply(request).await
}

async fn made(config: Value) -> Object {
    apply(None, Some(plan(None, config).await.planned))
        .await
        .object
        .unwrap()
}

fn problems(attributes: &[(&str, Value)]) -> Vec<String> {
    let diags = sample().validate(ObjectKind::Resource, "guest", &config(attributes));
    diags
        .iter()
        .map(|diag| format!("{}: {}", diag.summary, diag.detail))
        .collect()
}

#[test]
fn the_schema_follows_from_the_struct() {
    let block = Guest::block().schema();
    assert_eq!(block.description, "A guest with disks.\n\nAnd more.");
    let attribute = |name: &str| &block.attributes[name];
    assert_eq!(attribute("name").presence, Presence::Required);
    assert_eq!(attribute("image").presence, Presence::Optional);
    assert_eq!(attribute("cores").presence, Presence::OptionalComputed);
    assert_eq!(
        attribute("cores").description,
        "How many cores it has. Default: `2`."
    );
    assert_eq!(
        attribute("type").description,
        "Its kind. Default: `\"vm\"`. One of `vm`, `container`."
    );
    assert_eq!(attribute("id").presence, Presence::Computed);
    assert!(attribute("address").sensitive);
    assert_eq!(attribute("keys").ty, Type::map(Type::String));
    let disk = &block.blocks["disk"];
    assert_eq!((disk.max_items, disk.block.description), (2, "A disk."));
}

#[test]
fn a_wrong_configuration_is_told_without_its_values() {
    let name = ("name", Value::from("a"));
    assert!(problems(std::slice::from_ref(&name)).is_empty());
    assert_eq!(
        problems(&[
            ("name", Value::from("far-too-long")),
            ("cores", Value::from(65))
        ]),
        [
            "Invalid attribute value in `name`: `name` must have between 1 and 8 characters.",
            "Invalid attribute value in `cores`: `cores` must be between 1 and 64."
        ]
    );
    assert_eq!(
        problems(&[
            name.clone(),
            ("type", Value::from("x")),
            ("image", Value::from("i")),
            ("clone_of", Value::from("c"))
        ]),
        [
            "Invalid attribute value in `type`: `type` must be one of: `vm`, `container`.",
            "Invalid combination of arguments: `image`, `clone_of` cannot be specified together."
        ]
    );
    let half = Value::Number("1.5".parse().unwrap());
    assert_eq!(
        problems(&[name.clone(), ("cores", half)]),
        ["Invalid attribute value in `cores`: `cores` must be a whole number."]
    );
    assert!(problems(&[name, ("cores", Value::unknown(Type::Number))]).is_empty());
}

#[tokio::test]
async fn a_create_is_planned_with_defaults_and_unknowns_and_filled_in() {
    let planned = plan(
        None,
        config(&[("name", Value::from("a")), ("disk", disks(&[10]))]),
    )
    .await
    .planned;
    assert_eq!(planned.get("cores"), Some(&Value::from(2)));
    assert!(!planned.get("id").unwrap().is_known());
    let object = apply(None, Some(planned)).await.object.unwrap().value;
    assert_eq!(object.get("id"), Some(&Value::from("7")));
    assert_eq!(object.get("image"), Some(&Value::Null(Type::String)));
    let disk = &object.get("disk").unwrap().as_sequence().unwrap()[0];
    assert_eq!(disk.get("storage"), Some(&Value::from("local")));
}

#[tokio::test]
async fn a_second_plan_is_empty_and_a_change_leaves_only_what_is_stable_known() {
    let configuration = [("name", Value::from("a"))];
    let object = made(config(&configuration)).await;
    assert_eq!(
        plan(Some(&object), config(&configuration)).await.planned,
        object.value
    );
    let changed = config(&[configuration[0].clone(), ("cores", Value::from(8))]);
    let response = plan(Some(&object), changed).await;
    assert_eq!(response.planned.get("id"), Some(&Value::from("7")));
    assert_eq!(response.planned.get("machine"), Some(&Value::from("q35")));
    assert!(!response.planned.get("address").unwrap().is_known());
    assert!(response.requires_replace.is_empty());
    assert_eq!(response.effects[0].reason, "cores is applied live");
    let object = apply(Some(object), Some(response.planned))
        .await
        .object
        .unwrap();
    assert_eq!(object.value.get("address"), Some(&Value::from("8 was 2")));
}

#[tokio::test]
async fn what_needs_a_new_object_is_named_also_inside_blocks() {
    let object = made(config(&[
        ("name", Value::from("a")),
        ("disk", disks(&[10])),
    ]))
    .await;
    let changed = [
        ("name", Value::from("b")),
        ("type", Value::from("container")),
        ("disk", disks(&[20])),
    ];
    let replace = plan(Some(&object), config(&changed)).await.requires_replace;
    let replace: Vec<String> = replace.iter().map(AttributePath::to_string).collect();
    assert_eq!(replace, ["name", "disk[0].size", "type"]);
}

#[tokio::test]
async fn a_failed_create_records_only_what_is_there() {
    for (name, there) in [("refused", false), ("half", true)] {
        let planned = plan(None, config(&[("name", Value::from(name))]))
            .await
            .planned;
        let response = apply(None, Some(planned)).await;
        assert!(response.diagnostics.has_errors());
        assert_eq!(response.object.is_some(), there, "{name}");
    }
}

#[tokio::test]
async fn a_read_changes_only_what_is_different() {
    let object = made(config(&[("name", Value::from("a"))])).await;
    let request = |object| ReadRequest {
        type_name: "guest".into(),
        object,
    };
    let read = configured()
        .read(request(object.clone()))
        .await
        .unwrap()
        .unwrap();
    let mut expected = object.value.as_entries().unwrap().clone();
    expected.insert("cores".into(), Value::from(4));
    assert_eq!(read.value, Value::object(expected));
    let gone = made(config(&[("name", Value::from("gone"))])).await;
    assert!(configured().read(request(gone)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_delete_and_an_import_go_to_the_type() {
    let object = made(config(&[("name", Value::from("a"))])).await;
    assert!(apply(Some(object), None).await.object.is_none());
    let imported = configured()
        .import("guest".into(), "9".to_owned())
        .await
        .unwrap();
    assert_eq!(imported.value.get("id"), Some(&Value::from("9")));
}

#[tokio::test]
async fn a_default_that_an_old_state_lacks_is_filled_in_without_a_new_object() {
    let mut object = made(config(&[
        ("name", Value::from("a")),
        ("disk", disks(&[10])),
    ]))
    .await;
    let mut entries = object.value.as_entries().unwrap().clone();
    entries.insert("cores".into(), Value::Null(Type::Number));
    object.value = Value::object(entries);
    let configuration = config(&[("name", Value::from("a")), ("disk", disks(&[10]))]);
    let response = plan(Some(&object), configuration).await;
    assert_eq!(response.planned.get("cores"), Some(&Value::from(2)));
    assert!(response.requires_replace.is_empty() && response.effects.is_empty());
    assert_eq!(response.planned.get("id"), Some(&Value::from("7")));
}
