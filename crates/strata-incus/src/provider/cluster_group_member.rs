//! `incus_cluster_group_member`: one member of a cluster in one of its groups.
//!
//! Versions 1.0 of the provider `lxc/incus` have it; later ones have the `members` of `incus_cluster_group`
//! instead. It is no object of its own on the server: to make it is to add a name to the group, and nothing can
//! tell afterwards who did.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use strata_core::{
    Diagnostic, Diagnostics, Value,
    provider::{ApplyRequest, ApplyResponse, Found, Object, PlanRequest, PlanResponse},
    schema::Resource,
};

use super::{
    attributes::Attributes,
    import,
    lifecycle::changed,
    schemas::{optional, required, resource},
    session::Session,
};
use crate::client::{ApiPath, Client, ClientError, Notes};

/// The type in configuration.
pub(crate) const TYPE: &str = "incus_cluster_group_member";

/// What names it, in the order of an import id.
pub(crate) const NAMES: [&str; 2] = ["cluster_group", "member"];

/// The schema of `incus_cluster_group_member`.
pub(crate) fn schema() -> Resource {
    let attributes = [
        required("cluster_group", "The group."),
        required("member", "The cluster member that is in it."),
        optional("remote", "The remote of the cluster."),
    ];
    resource("A cluster member in a group.", attributes, [])
}

/// Decides what it will be: anything else is another one.
pub(crate) fn plan(request: &PlanRequest) -> PlanResponse {
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    let planned = request.proposed.clone();
    PlanResponse {
        requires_replace: changed(prior, &planned, &["cluster_group", "member", "remote"]),
        planned,
        effects: Vec::new(),
        private: Vec::new(),
        warnings: Diagnostics::new(),
    }
}

/// Adds the member to its group, or takes it out.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    match (request.prior, request.planned) {
        (None, Some(planned)) => join(session, planned).await,
        (Some(prior), None) => leave(session, prior).await,
        (_, planned) => response(planned.map(object), Diagnostics::new()),
    }
}

/// Reads it; none if the group has no such member any more.
pub(crate) async fn read(session: &Session, object: Object) -> Result<Option<Object>, Diagnostics> {
    let place = Place::of(session, &object.value)?;
    let found = place.is_joined().await;
    let found = found.map_err(|error| failed(&error, format!("cannot read {}", place.name())))?;
    Ok(found.then_some(object))
}

/// Looks for what a call without an answer left behind: as far as anybody can tell, a member that is in the
/// group was put there by it.
pub(crate) async fn find(session: &Session, planned: &Value) -> Result<Found, Diagnostics> {
    let found = read(session, object(planned.clone())).await?;
    Ok(found.map_or(Found::Nothing, |object| Found::Ours {
        object,
        complete: true,
    }))
}

async fn join(session: &Session, planned: Value) -> ApplyResponse {
    let place = match Place::of(session, &planned) {
        Ok(place) => place,
        Err(diagnostics) => return response(None, diagnostics),
    };
    // A server that does not answer has something to say to the call that follows.
    if place.is_joined().await.unwrap_or(false) {
        let summary = format!("{} is in the group already", place.name());
        let told = Diagnostic::error("incus-name-taken", summary);
        let told = told.hint(import::hint(TYPE, None, Attributes(&planned)));
        return response(None, told.into());
    }
    let Err(error) = place.add().await else {
        return response(Some(object(planned)), Diagnostics::new());
    };
    let is_there = match place.is_joined().await {
        Ok(joined) => joined,
        Err(_) => error.is_ambiguous(),
    };
    let told = failed(&error, format!("cannot add {}", place.name()));
    response(is_there.then(|| object(planned)), told)
}

async fn leave(session: &Session, prior: Object) -> ApplyResponse {
    let outcome = async {
        let place = Place::of(session, &prior.value)?;
        let removed = place.remove().await;
        removed.map_err(|error| {
            let told = error.diagnostic(format!("cannot remove {}", place.name()));
            Diagnostics::from(
                told.hint("a cluster member must be in some group: give it another one first"),
            )
        })
    };
    match outcome.await {
        Ok(()) => response(None, Diagnostics::new()),
        Err(diagnostics) => response(Some(prior), diagnostics),
    }
}

/// A member of a group, and the cluster that they are of.
struct Place<'a> {
    client: Arc<Client>,
    group: &'a str,
    member: &'a str,
}

impl<'a> Place<'a> {
    fn of(session: &Session, object: &'a Value) -> Result<Self, Diagnostics> {
        let object = Attributes(object);
        Ok(Self {
            client: session.client(object)?,
            group: object.text("cluster_group").unwrap_or_default(),
            member: object.text("member").unwrap_or_default(),
        })
    }

    fn path(&self) -> ApiPath {
        ApiPath::new(&["cluster", "groups", self.group])
    }

    /// What messages call it.
    fn name(&self) -> String {
        format!("member `{}` of cluster group `{}`", self.member, self.group)
    }

    async fn is_joined(&self) -> Result<bool, ClientError> {
        let group = self.client.find::<Map<String, Json>>(&self.path()).await?;
        Ok(group.is_some_and(|group| members(&group.value).any(|name| name == self.member)))
    }

    async fn add(&self) -> Result<(), ClientError> {
        let revised = |group: &_| with_members(group, members(group).chain([self.member]));
        self.client
            .revise(&self.path(), Notes::Nobody, revised)
            .await
    }

    async fn remove(&self) -> Result<(), ClientError> {
        if !self.is_joined().await? {
            return Ok(());
        }
        let others = |name: &&str| *name != self.member;
        let revised = |group: &_| with_members(group, members(group).filter(others));
        self.client
            .revise(&self.path(), Notes::Nobody, revised)
            .await
    }
}

/// The names of a group's members.
fn members(group: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let members = group.get("members").and_then(Json::as_array);
    members.into_iter().flatten().filter_map(Json::as_str)
}

/// A group with these members, and all else as it is. Servers before 6.3 know no `config` of a group.
fn with_members<'a>(group: &Map<String, Json>, members: impl Iterator<Item = &'a str>) -> Json {
    let kept = ["description", "config"];
    let kept = group
        .iter()
        .filter(|(name, _)| kept.contains(&name.as_str()));
    let mut body: Map<_, _> = kept
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    body.insert("members".to_owned(), members.collect());
    Json::Object(body)
}

fn object(value: Value) -> Object {
    Object {
        value,
        private: Vec::new(),
    }
}

fn failed(error: &ClientError, summary: String) -> Diagnostics {
    error.diagnostic(summary).into()
}

fn response(object: Option<Object>, diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse {
        object,
        diagnostics,
    }
}
