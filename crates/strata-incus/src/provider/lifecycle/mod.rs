//! The life of the plain objects: profile, network, volume, project.
//!
//! They are all made by one call ([`create`]), changed by one call with the state they were read in
//! ([`update`]), and removed by one call ([`delete`]). What tells them apart is an [`Entity`].

mod create;
mod delete;
mod given;
mod migrate;
mod settle;
mod update;

use strata_core::{
    AttributePath, Diagnostics, Value,
    provider::{ApplyRequest, ApplyResponse, Found, Object, PlanRequest, PlanResponse},
};

use super::{
    attributes::{self, Attributes, Texts},
    config::{self, IsComputed, MARKER_KEY},
    devices::{self, Devices},
    entity::{Entity, ServerObject},
    instance::GuestFiles,
    session::Session,
};
use crate::client::{Answer, Client, ClientError};
use settle::PATIENCE;

/// One plain object's type on one remote.
pub(crate) struct Lifecycle<'a> {
    pub(crate) entity: &'a dyn Entity,
    pub(crate) client: &'a Client,
    /// The remote of what it is copied from, if that is another one.
    pub(crate) source: Option<&'a Client>,
}

/// Decides what the object will look like, and checks that against its server.
pub(crate) async fn plan(
    session: &Session,
    entity: &dyn Entity,
    request: &PlanRequest,
) -> Result<PlanResponse, Diagnostics> {
    let mut defaults = entity.defaults();
    for (name, value) in &mut defaults {
        if let ("project", Some(project)) = (*name, session.project()) {
            *value = Value::from(project);
        }
    }
    let planned = with_defaults(&request.config, &request.proposed, defaults);
    let tables = entity.tables().iter();
    let planned = attributes::with(
        &planned,
        tables.map(|table| (table.name, table.planned(&planned))),
    );
    let planned = attributes::with(&planned, entity.derived(Attributes(&planned)));
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    let requires_replace = changed(prior, &planned, entity.replacing());
    let warnings = session.check(request, &planned).await?;
    Ok(PlanResponse {
        requires_replace,
        effects: Vec::new(),
        private: Vec::new(),
        warnings,
        planned,
    })
}

/// Fills in defaults where configuration says nothing.
pub(crate) fn with_defaults(
    config: &Value,
    proposed: &Value,
    defaults: Vec<(&'static str, Value)>,
) -> Value {
    let unset = |name: &str| config.get(name).is_none_or(Value::is_null);
    attributes::with(
        proposed,
        defaults.into_iter().filter(|(name, _)| unset(name)),
    )
}

/// The attributes among `names` that differ from what is there.
pub(crate) fn changed(
    prior: Option<&Value>,
    planned: &Value,
    names: &[&'static str],
) -> Vec<AttributePath> {
    let Some(prior) = prior else {
        return Vec::new();
    };
    let differing = names
        .iter()
        .filter(|name| prior.get(name) != planned.get(name));
    differing
        .map(|name| AttributePath::attribute(*name))
        .collect()
}

impl Lifecycle<'_> {
    /// Creates, updates or deletes.
    pub(crate) async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let is_given = |object: &Value| self.entity.is_given(Attributes(object));
        let outcome = match (&request.prior, &request.planned) {
            (None, Some(planned)) if is_given(planned) => self.take(planned, &request).await,
            (Some(prior), None) if is_given(&prior.value) => {
                self.give_back(&prior.value, &request).await
            }
            (None, Some(planned)) => return self.create(planned, &request).await,
            (Some(prior), Some(planned)) => self.update(prior, planned, &request).await,
            (Some(prior), None) => self.delete(&prior.value, &request).await,
            (None, None) => Ok(None),
        };
        match outcome {
            Ok(object) => made(object),
            Err(diagnostics) => ApplyResponse {
                object: request.prior,
                diagnostics,
            },
        }
    }

    /// Reads it as it is now.
    pub(crate) async fn read(&self, object: Object) -> Result<Option<Object>, Diagnostics> {
        let found = self.get(&object.value).await.map_err(|error| {
            error.diagnostic(format!("cannot read {}", self.name(&object.value)))
        })?;
        let Some(server) = found else {
            return Ok(None);
        };
        let value = self.state(&object.value, &server.value);
        let value = match self.guest_files(&value) {
            Some(files) => files.without_drifted(&value).await,
            None => value,
        };
        let private = object.private;
        Ok(Some(Object { value, private }))
    }

    /// The files that it is to hold.
    fn guest_files(&self, object: &Value) -> Option<GuestFiles<'_>> {
        let attributes = Attributes(object);
        let holder = self.entity.files(attributes, self.project(attributes))?;
        Some(GuestFiles {
            client: self.client,
            holder,
            what: self.name(object),
        })
    }

    /// Looks for what a create without an answer left behind.
    pub(crate) async fn find(&self, planned: &Value, marker: &str) -> Result<Found, Diagnostics> {
        let complete = self.end(planned, true, &PATIENCE).await?;
        let found = self.get(planned).await;
        let found = found
            .map_err(|error| error.diagnostic(format!("cannot look for {}", self.name(planned))))?;
        let Some(server) = found else {
            return Ok(Found::Nothing);
        };
        let is_ours = match self.entity.is_markable(Attributes(planned)) {
            true => is_marked(server.value.config.as_ref(), marker),
            false => self.is_as_planned(planned, &server.value),
        };
        if !is_ours && self.entity.is_given(Attributes(planned)) {
            return Ok(Found::Nothing);
        }
        if !is_ours {
            return Ok(Found::Foreign);
        }
        Ok(Found::Ours {
            object: Object {
                value: attributes::conform(planned, &self.state(planned, &server.value)),
                private: Vec::new(),
            },
            complete,
        })
    }

    /// True if what is there is what a create of ours would have made: all that can be told of what cannot
    /// carry our mark. A backup brings settings of its own along, so nothing is asked of what it makes.
    fn is_as_planned(&self, planned: &Value, server: &ServerObject) -> bool {
        if self.entity.source_file(Attributes(planned)).is_some() {
            return true;
        }
        let found = self.state(planned, server);
        let planned = planned.as_entries().into_iter().flatten();
        let mut planned = planned.filter(|(_, value)| value.is_wholly_known());
        planned.all(|(name, value)| found.get(name) == Some(value))
    }

    /// The object after a change; asks the server only if something was left open.
    async fn result(&self, planned: &Value) -> Result<Object, ClientError> {
        let value = if planned.is_wholly_known() {
            planned.clone()
        } else {
            let object = Attributes(planned);
            let path = self.entity.path(object, self.project(object));
            let server: Answer<ServerObject> = self.client.get(&path).await?;
            attributes::conform(planned, &self.state(planned, &server.value))
        };
        Ok(Object {
            value,
            private: Vec::new(),
        })
    }

    async fn get(&self, object: &Value) -> Result<Option<Answer<ServerObject>>, ClientError> {
        let object = Attributes(object);
        self.client
            .find(&self.entity.path(object, self.project(object)))
            .await
    }

    /// The object as state has it: `known` brings what the server does not tell.
    fn state(&self, known: &Value, server: &ServerObject) -> Value {
        let keys = server.config.clone().unwrap_or_default();
        let written = Attributes(known).map("config");
        let mut config = config::visible(&keys, &written, self.is_computed(known));
        self.entity.as_written(&written, &keys, &mut config);
        let mut changes = Vec::new();
        // A cluster member's part is told with that of the whole.
        if self.entity.has_description() && !self.entity.is_part(Attributes(known)) {
            changes.push(("description", Value::from(server.description.as_str())));
        }
        if self.entity.has_config() {
            let config = attributes::map_with_nulls(known.get("config"), &config);
            changes.push(("config", config));
        }
        if self.entity.has_devices() {
            changes.push((
                "device",
                devices::value(server.devices.as_ref().unwrap_or(&Devices::new())),
            ));
        }
        let tables = self.entity.tables().iter();
        changes
            .extend(tables.map(|table| (table.name, table.read(Attributes(known), &server.rest))));
        changes.extend(self.entity.read_fields(Attributes(known), server));
        attributes::with(known, changes)
    }

    /// Tells the keys that are not the user's: in a cluster member's part all that were not written there,
    /// since those of the whole show in it, too.
    fn is_computed(&self, object: &Value) -> IsComputed {
        match self.entity.is_part(Attributes(object)) {
            true => |_| true,
            false => self.entity.is_computed(),
        }
    }

    fn project<'a>(&'a self, object: Attributes<'a>) -> &'a str {
        object
            .text("project")
            .unwrap_or(&self.client.remote().project)
    }

    fn name(&self, object: &Value) -> String {
        let name = Attributes(object).text(self.entity.name_attribute());
        format!("{} `{}`", self.entity.noun(), name.unwrap_or_default())
    }
}

fn made(object: Option<Object>) -> ApplyResponse {
    ApplyResponse {
        object,
        diagnostics: Diagnostics::new(),
    }
}

/// True if a server's keys carry our mark.
pub(crate) fn is_marked(config: Option<&Texts>, marker: &str) -> bool {
    let mark = config.and_then(|config| config.get(MARKER_KEY));
    !marker.is_empty() && mark.is_some_and(|mark| mark == marker)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strata_core::provider::Progress;

    use super::*;
    use crate::{
        client::{Scripted, object, refusal},
        provider::{attributes::with, profile::Profile},
    };

    fn profile(config: &[(&str, &str)]) -> Value {
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        with(
            &Profile.schema().block.empty_value(),
            [
                ("name", Value::from("a")),
                ("project", Value::from("default")),
                ("description", Value::from("")),
                ("config", attributes::map(&config.collect())),
            ],
        )
    }

    fn request(prior: Option<Value>, planned: Option<Value>) -> ApplyRequest {
        ApplyRequest {
            type_name: Arc::from("incus_profile"),
            prior: prior.map(|value| Object {
                value,
                private: Vec::new(),
            }),
            config: planned.clone(),
            planned,
            private: Vec::new(),
            marker: "mark".to_owned(),
            progress: Progress::ignored(),
        }
    }

    async fn apply(daemon: &Scripted, request: ApplyRequest) -> ApplyResponse {
        let client = daemon.client();
        let lifecycle = Lifecycle {
            entity: &Profile,
            client: &client,
            source: None,
        };
        lifecycle.apply(request).await
    }

    #[tokio::test]
    async fn a_create_is_one_call_with_our_mark() {
        let daemon = Scripted::start([("POST /1.0/profiles", object("null"))]);
        let planned = profile(&[("limits.cpu", "1")]);
        let response = apply(&daemon, request(None, Some(planned.clone()))).await;
        assert_eq!(response.object.map(|object| object.value), Some(planned));
        assert_eq!(
            daemon.seen(),
            [
                r#"POST /1.0/profiles {"name":"a","description":"","config":{"limits.cpu":"1","user.strata.marker":"mark"},"devices":{}}"#
            ]
        );
    }

    #[tokio::test]
    async fn the_profile_that_every_project_has_is_changed_and_emptied_again() {
        let there =
            r#"{"description":"old","config":{"x":"y"},"devices":{"root":{"type":"disk"}}}"#;
        let daemon = Scripted::start([
            ("GET /1.0/profiles/default", object(there).etag("1")),
            ("PUT /1.0/profiles/default", object("null")),
        ]);
        let planned = with(
            &profile(&[("limits.cpu", "1")]),
            [("name", Value::from("default"))],
        );
        let made = apply(&daemon, request(None, Some(planned.clone()))).await;
        assert_eq!(
            made.object.map(|object| object.value),
            Some(planned.clone())
        );
        assert_eq!(
            daemon.seen()[1],
            r#"PUT /1.0/profiles/default [1] {"description":"","config":{"limits.cpu":"1"},"devices":{}}"#
        );
        for (features, devices) in [
            (r#"{"config":{}}"#, "{}"),
            (
                r#"{"config":{"features.profiles":"false"}}"#,
                r#"{"root":{"type":"disk"}}"#,
            ),
        ] {
            let daemon = Scripted::start([
                ("GET /1.0/projects/default", object(features)),
                ("GET /1.0/profiles/default", object(there).etag("2")),
                ("PUT /1.0/profiles/default", object("null")),
            ]);
            let gone = apply(&daemon, request(Some(planned.clone()), None)).await;
            assert!(gone.object.is_none() && gone.diagnostics.is_empty());
            let emptied = format!(
                r#"PUT /1.0/profiles/default [2] {{"description":"old","config":{{}},"devices":{devices}}}"#
            );
            assert_eq!(daemon.seen()[2], emptied);
        }
    }

    #[tokio::test]
    async fn a_create_without_an_answer_is_looked_for() {
        let mine = r#"{"config":{"user.strata.marker":"mark"}}"#;
        for (found, recorded) in [
            (object(mine), true),
            (object(r#"{"config":{}}"#), false),
            (refusal(404, "not found"), false),
            (refusal(500, "the database is locked"), true),
        ] {
            let daemon = Scripted::start([
                ("POST /1.0/profiles", object("null").and_break_off()),
                ("GET /1.0/profiles/a", found),
            ]);
            let response = apply(&daemon, request(None, Some(profile(&[])))).await;
            assert!(response.diagnostics.has_errors());
            assert_eq!(response.object.is_some(), recorded);
        }
    }

    #[tokio::test]
    async fn an_update_that_meets_anothers_starts_again_from_what_is_there() {
        let daemon = Scripted::start([
            (
                "GET /1.0/profiles/a",
                object(r#"{"config":{"user.strata.marker":"m"}}"#).etag("1"),
            ),
            ("PUT /1.0/profiles/a", refusal(412, "ETag doesn't match")),
            (
                "GET /1.0/profiles/a",
                object(r#"{"config":{"user.strata.marker":"m","x":"y"}}"#).etag("2"),
            ),
            ("PUT /1.0/profiles/a", object("null")),
        ]);
        let (prior, planned) = (profile(&[]), profile(&[("limits.cpu", "1")]));
        let response = apply(&daemon, request(Some(prior), Some(planned))).await;
        assert!(response.diagnostics.is_empty());
        assert_eq!(
            daemon.seen()[3],
            r#"PUT /1.0/profiles/a [2] {"description":"","config":{"limits.cpu":"1","user.strata.marker":"m"},"devices":{}}"#
        );
    }

    #[tokio::test]
    async fn a_refused_delete_keeps_the_object_and_says_what_to_do() {
        let daemon = Scripted::start([("DELETE /1.0/profiles/a", refusal(400, "in use"))]);
        let response = apply(&daemon, request(Some(profile(&[])), None)).await;
        assert!(response.object.is_some());
        let told: Vec<_> = response.diagnostics.iter().collect();
        assert_eq!(
            (told[0].detail.as_str(), told[0].hints.len()),
            ("in use", 1)
        );
    }
}
