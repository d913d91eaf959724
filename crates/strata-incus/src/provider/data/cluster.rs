//! Data source `incus_cluster`: whether the server is in a cluster, and with whom.

use serde_json::Value as Json;
use strata_core::{
    Diagnostics, Type, Value,
    schema::{Attribute, Nesting, Presence, Resource},
};

use crate::{
    client::{Answer, ApiPath, Client, ClientError},
    provider::{
        attributes,
        schemas::{computed, optional, resource},
    },
};

pub(super) const TYPE: &str = "incus_cluster";

/// Texts that a member tells, under another name on the server.
const TEXTS: [(&str, &str, &str); 5] = [
    ("address", "url", "Where it speaks with the others."),
    ("architecture", "architecture", "Its architecture."),
    ("description", "description", "What it is for."),
    (
        "failure_domain",
        "failure_domain",
        "What it may fail together with.",
    ),
    ("status", "status", "Its status."),
];

/// Lists of texts that a member tells.
const LISTS: [(&str, &str); 2] = [
    ("groups", "The groups that it is in."),
    ("roles", "What it does for the others."),
];

pub(super) fn schema() -> Resource {
    let texts = TEXTS.map(|(name, _, text)| computed(name, Type::String, text));
    let lists = LISTS.map(|(name, text)| computed(name, Type::list(Type::String), text));
    let member = texts.into_iter().chain(lists);
    let members = "The members of the cluster by name.";
    let members = Attribute::nested(Nesting::Map, member, Presence::Computed, members);
    let clustered = "Whether the server is in a cluster.";
    let attributes = [
        optional("remote", "The remote to ask."),
        computed("is_clustered", Type::Bool, clustered),
        ("members", members),
    ];
    resource("The cluster of a server.", attributes, [])
}

pub(super) async fn read(client: &Client, config: &Value) -> Result<Value, Diagnostics> {
    let (clustered, members) = ask(client)
        .await
        .map_err(|error| error.diagnostic("cannot read the cluster"))?;
    let members = members.iter().map(|member| {
        let name = member["server_name"].as_str().unwrap_or_default();
        (name.to_owned(), value(member))
    });
    let members = Value::map(member_type(), members);
    let told = [
        ("is_clustered", Value::from(clustered)),
        ("members", members),
    ];
    Ok(attributes::with(config, told))
}

async fn ask(client: &Client) -> Result<(bool, Vec<Json>), ClientError> {
    let server: Answer<Json> = client.get(&ApiPath::new(&[])).await?;
    let clustered = &server.value["environment"]["server_clustered"];
    if clustered.as_bool() != Some(true) {
        return Ok((false, Vec::new()));
    }
    let path = ApiPath::new(&["cluster", "members"]).query("recursion", "1");
    let members: Answer<Vec<Json>> = client.get(&path).await?;
    Ok((true, members.value))
}

fn value(member: &Json) -> Value {
    let texts = TEXTS.map(|(name, field, _)| {
        let text = member[field].as_str().unwrap_or_default();
        (name, Value::from(text))
    });
    let lists = LISTS.map(|(name, _)| {
        let items = member[name].as_array().into_iter().flatten();
        (name, attributes::list(items.filter_map(Json::as_str)))
    });
    Value::object(texts.into_iter().chain(lists))
}

fn member_type() -> Type {
    let texts = TEXTS.map(|(name, ..)| (name, Type::String));
    let lists = LISTS.map(|(name, _)| (name, Type::list(Type::String)));
    Type::object(texts.into_iter().chain(lists))
}
