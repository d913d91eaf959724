//! `incus_server`: keys of the server itself, or of one cluster member. All other keys are left alone.

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyRequest, ApplyResponse, Object, PlanRequest, PlanResponse},
    schema::Resource,
};

use super::{
    attributes::{self, Attributes, Texts},
    lifecycle::{changed, with_defaults},
    schemas::{config, optional, resource},
    session::Session,
};
use crate::client::{Answer, ApiPath, Client, ClientError, Notes};

/// The type in configuration.
pub(crate) const TYPE: &str = "incus_server";

/// The schema of `incus_server`.
pub(crate) fn schema() -> Resource {
    let attributes = [
        optional("remote", "The remote whose server it is."),
        optional("target", "The cluster member whose keys these are."),
        config(),
    ];
    resource("Keys of the server.", attributes, [])
}

/// Decides what the keys will be.
pub(crate) fn plan(request: &PlanRequest) -> PlanResponse {
    let defaults = vec![("config", attributes::map(&Texts::new()))];
    let planned = with_defaults(&request.config, &request.proposed, defaults);
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    PlanResponse {
        requires_replace: changed(prior, &planned, &["remote", "target"]),
        planned,
        effects: Vec::new(),
        private: Vec::new(),
        warnings: Diagnostics::new(),
    }
}

/// Sets, changes or takes back keys.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    let keys = |object: Option<&Value>| {
        object
            .map(|object| Attributes(object).map("config"))
            .unwrap_or_default()
    };
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    let before = keys(prior);
    let after = keys(request.planned.as_ref());
    let outcome = async {
        let Some(object) = request.planned.as_ref().or(prior) else {
            return Ok(());
        };
        let client = session.client(Attributes(object))?;
        let set = set(&client, Attributes(object), &before, &after).await;
        set.map_err(|error| {
            Diagnostics::from(error.diagnostic("cannot change the keys of the server"))
        })
    };
    let private = Vec::new();
    match outcome.await {
        Ok(()) => ApplyResponse {
            object: request.planned.map(|value| Object { value, private }),
            diagnostics: Diagnostics::new(),
        },
        Err(diagnostics) => ApplyResponse {
            object: request.prior,
            diagnostics,
        },
    }
}

async fn set(
    client: &Client,
    object: Attributes<'_>,
    before: &Texts,
    after: &Texts,
) -> Result<(), ClientError> {
    let revised = |server: &Json| {
        let config = server["config"].as_object();
        let mut config = config.cloned().unwrap_or_default();
        // A key that is only left out stays if it begins with `user.`: one that is empty goes.
        config.extend(before.keys().map(|key| (key.clone(), json!(""))));
        config.extend(after.iter().map(|(key, value)| (key.clone(), json!(value))));
        json!({ "config": config })
    };
    client.revise(&path(object), Notes::Nobody, revised).await
}

fn path(object: Attributes<'_>) -> ApiPath {
    let path = ApiPath::new(&[]);
    match object.some_text("target") {
        Some(member) => path.query("target", member),
        None => path,
    }
}

/// Reads those keys that state has.
pub(crate) async fn read(session: &Session, object: Object) -> Result<Option<Object>, Diagnostics> {
    let attributes = Attributes(&object.value);
    let client = session.client(attributes)?;
    let server: Result<Answer<Json>, _> = client.get(&path(attributes)).await;
    let server = server.map_err(|error| error.diagnostic("cannot read the keys of the server"))?;
    let mut keys = attributes.map("config");
    keys.retain(|key, value| match &server.value["config"][key.as_str()] {
        Json::String(found) => {
            value.clone_from(found);
            true
        }
        _ => false,
    });
    let config = attributes::map_with_nulls(object.value.get("config"), &keys);
    let value = attributes::with(&object.value, [("config", config)]);
    let private = object.private;
    Ok(Some(Object { value, private }))
}
