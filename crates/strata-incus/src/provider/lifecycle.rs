//! The life of the plain objects: profile, network, volume, project.
//!
//! They are all made by one call, changed by one call with the state they were read in, and
//! removed by one call. What tells them apart is an [`Entity`].

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use strata_core::{
    AttributePath, Diagnostics, Value,
    provider::{ApplyRequest, ApplyResponse, Found, Object, PlanRequest, PlanResponse},
    schema::Resource,
};

use super::{
    attributes::{self, Attributes, Texts},
    config::{self, IsComputed, MARKER_KEY},
    devices::{self, Devices},
    instance::GuestFiles,
    session::Session,
    source::SourceFile,
    table::Table,
};
use crate::client::{Answer, ApiPath, Client, ClientError, Holder};

/// How often an update starts again because someone else changed the object in between.
const CONFLICT_RETRIES: usize = 5;

/// The status of what is announced on some cluster members, but not made yet.
pub(crate) const PENDING: &str = "Pending";

/// What tells one kind of plain object from the others.
pub(crate) trait Entity: Send + Sync {
    /// The type in configuration.
    fn type_name(&self) -> &'static str;

    /// The word for it in messages.
    fn noun(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Resource;

    /// What computed attributes are if configuration does not say.
    fn defaults(&self) -> Vec<(&'static str, Value)> {
        let description = ("description", Value::from(""));
        let config = ("config", attributes::map(&Texts::new()));
        let description = self.has_description().then_some(description);
        let config = self.has_config().then_some(config);
        description.into_iter().chain(config).collect()
    }

    /// Attributes whose change needs a new object.
    fn replacing(&self) -> &'static [&'static str];

    /// Attributes that the schema has but that are refused if set.
    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    /// Further checks of a configuration.
    fn validate(&self, _config: Attributes<'_>, _diags: &mut Diagnostics) {}

    /// Computed attributes that follow from what is planned.
    fn derived(&self, _planned: Attributes<'_>) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Where it is, below `/1.0`; without the last segment, where its kind is made.
    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str>;

    /// Where its kind is made.
    fn collection(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let segments = self.segments(object);
        let (_, above) = segments.split_last().unwrap_or((&"", &[]));
        self.placed(ApiPath::new(above), object, project)
    }

    /// Where it is.
    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        self.placed(ApiPath::new(&self.segments(object)), object, project)
    }

    /// The path with its project, and with the cluster member if one is named.
    fn placed(&self, path: ApiPath, object: Attributes<'_>, project: &str) -> ApiPath {
        let path = match self.has_project() {
            true => path.project(project),
            false => path,
        };
        match object.some_text("target") {
            Some(member) => path.query("target", member),
            None => path,
        }
    }

    /// Keys that the server adds to its `config`.
    fn is_computed(&self) -> IsComputed {
        |_| false
    }

    /// True if it has a `description`.
    fn has_description(&self) -> bool {
        true
    }

    /// True if it has a `config`.
    fn has_config(&self) -> bool {
        true
    }

    /// True if its `config` may carry our mark. Where it cannot, what is found after a create without
    /// an answer is taken for ours: the name was free when the create was planned.
    fn is_markable(&self, object: Attributes<'_>) -> bool {
        self.has_config() && !self.is_part(object)
    }

    /// True if it is only a cluster member's part of an object, which is made and removed as a whole.
    fn is_part(&self, _object: Attributes<'_>) -> bool {
        false
    }

    /// True if another `name` renames it.
    fn is_renamed(&self) -> bool {
        false
    }

    /// True if it has `device` blocks.
    fn has_devices(&self) -> bool {
        false
    }

    /// Sets of small objects that it has.
    fn tables(&self) -> &'static [Table] {
        &[]
    }

    /// The attribute that names it in messages, and in the create call if that is `name`.
    fn name_attribute(&self) -> &'static str {
        "name"
    }

    /// Brings back keys that the server keeps in other words than the user's.
    fn as_written(&self, _known: &Texts, _server: &Texts, _shown: &mut Texts) {}

    /// What the create call says beside name, description, config, devices and tables.
    fn create_fields(&self, _object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    /// The backup that it is made from, if it is.
    fn source_file<'a>(&self, _object: Attributes<'a>) -> Option<SourceFile<'a>> {
        None
    }

    /// Where its `file` blocks go, if it has some.
    fn files(&self, _object: Attributes<'_>, _project: &str) -> Option<Holder> {
        None
    }

    /// What the update call says beside description, config, devices and tables.
    fn update_fields(
        &self,
        _object: Attributes<'_>,
        _server: &ServerObject,
    ) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    /// Attributes beside name, description, config, devices and tables that the server tells.
    fn read_fields(
        &self,
        _known: Attributes<'_>,
        _server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The path for the delete call, if it says more than where the object is.
    fn delete_path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        match self.is_part(object) {
            true => ApiPath::new(&self.segments(object)).project(project),
            false => self.path(object, project),
        }
    }

    /// What to do when a delete is refused.
    fn delete_hint(&self) -> Option<&'static str> {
        None
    }

    /// The attributes that an import id names, after remote and project.
    fn import_names(&self) -> &'static [&'static str] {
        &["name"]
    }

    /// Attributes that an imported object has although no server tells them.
    fn imported(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// True if it is in a project.
    fn has_project(&self) -> bool {
        true
    }
}

/// A plain object as the server describes it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ServerObject {
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) config: Option<Texts>,
    #[serde(default)]
    pub(crate) devices: Option<Devices>,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) managed: bool,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) locations: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) content_type: String,
    /// All else that it is told with.
    #[serde(flatten)]
    pub(crate) rest: serde_json::Map<String, Json>,
}

impl ServerObject {
    /// A list of texts that it has.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.rest.get(name).and_then(Json::as_array);
        let texts = texts.into_iter().flatten().filter_map(Json::as_str);
        texts.map(str::to_owned).collect()
    }
}

/// One plain object's type on one remote.
pub(crate) struct Lifecycle<'a> {
    pub(crate) entity: &'a dyn Entity,
    pub(crate) client: &'a Client,
}

/// Decides what the object will look like, and checks that against its server.
pub(crate) async fn plan(
    session: &Session,
    entity: &dyn Entity,
    request: &PlanRequest,
) -> Result<PlanResponse, Diagnostics> {
    let planned = with_defaults(&request.config, &request.proposed, entity.defaults());
    let tables = entity.tables().iter();
    let planned = attributes::with(
        &planned,
        tables.map(|table| (table.name, table.planned(&planned))),
    );
    let planned = attributes::with(&planned, entity.derived(Attributes(&planned)));
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    let requires_replace = changed(prior, &planned, entity.replacing());
    let warnings = session.check(entity.type_name(), prior, &planned).await?;
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
        let outcome = match (&request.prior, &request.planned) {
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
        let found = self.get(planned).await;
        let found = found
            .map_err(|error| error.diagnostic(format!("cannot look for {}", self.name(planned))))?;
        let Some(server) = found else {
            return Ok(Found::Nothing);
        };
        if self.entity.is_markable(Attributes(planned))
            && !is_marked(server.value.config.as_ref(), marker)
        {
            return Ok(Found::Foreign);
        }
        Ok(Found::Ours {
            object: Object {
                value: attributes::conform(planned, &self.state(planned, &server.value)),
                private: Vec::new(),
            },
            complete: true,
        })
    }

    async fn create(&self, planned: &Value, request: &ApplyRequest) -> ApplyResponse {
        let object = Attributes(planned);
        let path = self.entity.collection(object, self.project(object));
        let body = self.create_body(planned, &request.marker);
        let notes = |text: &str| request.progress.note(text);
        let created = match self.entity.source_file(object) {
            Some(file) => self.restore(&file, planned, request).await,
            None => {
                let call = self.client.change(Method::POST, &path, &body, None, &notes);
                call.await
            }
        };
        let (error, there) = match created {
            Err(error) if error.is_ambiguous() => {
                let there = self.left_behind(planned, &request.marker).await;
                (error, there)
            }
            Err(error) => (error, None),
            Ok(()) => return self.finish(planned, request).await,
        };
        let summary = format!("cannot create {}", self.name(planned));
        ApplyResponse {
            object: there,
            diagnostics: error.diagnostic(summary).into(),
        }
    }

    /// Fills what was made with its files, and reads it back.
    async fn finish(&self, planned: &Value, request: &ApplyRequest) -> ApplyResponse {
        let notes = |text: &str| request.progress.note(text);
        let files = self.guest_files(planned);
        let written = match &files {
            Some(files) => files.write(planned, &notes).await,
            None => Ok(()),
        };
        let summary = format!("cannot read {} back", self.name(planned));
        let read = self.result(planned).await;
        let read = read.map_err(|error| error.diagnostic(summary).into());
        let (object, read) = match read {
            Ok(object) => (object, Ok(())),
            Err(error) => (as_planned(planned), Err(error)),
        };
        ApplyResponse {
            object: Some(object),
            diagnostics: written.and(read).err().unwrap_or_default(),
        }
    }

    /// Makes it from a backup, then gives it what configuration says.
    async fn restore(
        &self,
        file: &SourceFile<'_>,
        planned: &Value,
        request: &ApplyRequest,
    ) -> Result<(), ClientError> {
        let object = Attributes(planned);
        let notes = |text: &str| request.progress.note(text);
        let path = self.entity.collection(object, self.project(object));
        file.send(self.client, &path, &notes).await?;
        let path = self.entity.path(object, self.project(object));
        let configured = async {
            let server: Answer<ServerObject> = self.client.get(&path).await?;
            let mut body = self.update_body(planned, planned, &server.value);
            // What the backup had, and configuration does not, goes; so does the mark of another.
            if let Some(config) = body["config"].as_object_mut() {
                config.remove(MARKER_KEY);
            }
            let change = self.client.change(Method::PUT, &path, &body, None, &notes);
            change.await
        };
        // It is there, whatever comes now.
        let configured = configured.await;
        configured.map_err(|error| ClientError::OutcomeUnknown(error.to_string()))
    }

    /// What a create whose outcome is not known left behind; if that cannot be told, what was planned,
    /// so that the next run looks again and nothing is forgotten.
    async fn left_behind(&self, planned: &Value, marker: &str) -> Option<Object> {
        match self.find(planned, marker).await {
            Ok(Found::Ours { object, .. }) => Some(object),
            Ok(Found::Nothing | Found::Foreign) => None,
            Err(_) => Some(as_planned(planned)),
        }
    }

    fn create_body(&self, planned: &Value, marker: &str) -> Json {
        let object = Attributes(planned);
        let mut body = json!({});
        if self.entity.name_attribute() == "name" {
            body["name"] = json!(object.text("name"));
        }
        if self.entity.has_description() {
            body["description"] = json!(object.text("description").unwrap_or_default());
        }
        if self.entity.has_config() {
            let markable = self.entity.is_markable(object);
            let marker = if markable { marker } else { "" };
            body["config"] = json!(config::marked(object.map("config"), marker));
        }
        if self.entity.has_devices() {
            body["devices"] = json!(devices::of(planned));
        }
        let tables = self.entity.tables().iter().map(|table| table.json(object));
        for (name, value) in tables.chain(self.entity.create_fields(object)) {
            body[name] = value;
        }
        body
    }

    async fn update(
        &self,
        prior: &Object,
        planned: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let failed = |error: ClientError| {
            Diagnostics::from(error.diagnostic(format!("cannot update {}", self.name(planned))))
        };
        let object = Attributes(planned);
        self.rename(&prior.value, planned).await.map_err(failed)?;
        let path = self.entity.path(object, self.project(object));
        let notes = |text: &str| request.progress.note(text);
        for attempt in 0.. {
            let server: Answer<ServerObject> = self.client.get(&path).await.map_err(failed)?;
            let body = self.update_body(&prior.value, planned, &server.value);
            let etag = server.etag.as_deref();
            match self
                .client
                .change(Method::PUT, &path, &body, etag, &notes)
                .await
            {
                Err(error) if error.is_conflict() && attempt < CONFLICT_RETRIES => {}
                outcome => {
                    outcome.map_err(failed)?;
                    break;
                }
            }
        }
        if prior.value.get("file") != planned.get("file")
            && let Some(files) = self.guest_files(planned)
        {
            files.write(planned, &notes).await?;
        }
        self.result(planned).await.map(Some).map_err(failed)
    }

    /// Gives it its new name, if that is how its kind takes one.
    async fn rename(&self, prior: &Value, planned: &Value) -> Result<(), ClientError> {
        let attribute = self.entity.name_attribute();
        let new = Attributes(planned).text(attribute);
        if !self.entity.is_renamed() || Attributes(prior).text(attribute) == new {
            return Ok(());
        }
        let object = Attributes(prior);
        let path = self.entity.path(object, self.project(object));
        let body = json!({ "name": new });
        let renamed = self
            .client
            .change(Method::POST, &path, &body, None, &|_| {})
            .await;
        match renamed {
            // An earlier try may have come this far.
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    }

    fn update_body(&self, prior: &Value, planned: &Value, server: &ServerObject) -> Json {
        let config = config::merged(
            server.config.as_ref().unwrap_or(&Texts::new()),
            &Attributes(prior).map("config"),
            &Attributes(planned).map("config"),
            self.entity.is_computed(),
        );
        let mut body = json!({});
        if self.entity.has_description() {
            let description = Attributes(planned).text("description");
            body["description"] = json!(description.unwrap_or_default());
        }
        if self.entity.has_config() {
            body["config"] = json!(config);
        }
        if self.entity.has_devices() {
            body["devices"] = json!(devices::of(planned));
        }
        for table in self.entity.tables() {
            let (field, rows) = table.json(Attributes(planned));
            body[field] = rows;
        }
        for (name, value) in self.entity.update_fields(Attributes(planned), server) {
            body[name] = value;
        }
        body
    }

    async fn delete(
        &self,
        prior: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let object = Attributes(prior);
        if self.entity.is_part(object) && self.is_whole(prior).await? {
            return Ok(None);
        }
        let path = self.entity.delete_path(object, self.project(object));
        let notes = |text: &str| request.progress.note(text);
        match self
            .client
            .change(Method::DELETE, &path, &Json::Null, None, &notes)
            .await
        {
            Ok(()) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => {
                let diagnostic = error.diagnostic(format!("cannot delete {}", self.name(prior)));
                Err(Diagnostics::from(match self.entity.delete_hint() {
                    Some(hint) if error.server_message().is_some() => diagnostic.hint(hint),
                    _ => diagnostic,
                }))
            }
        }
    }

    /// True if the object that this is a part of was made: then the part goes with it, and cannot before.
    async fn is_whole(&self, prior: &Value) -> Result<bool, Diagnostics> {
        let found = self.get(prior).await.map_err(|error| {
            error.diagnostic(format!("cannot read {} before", self.name(prior)))
        })?;
        Ok(found.is_none_or(|server| server.value.status != PENDING))
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
        let mut config = config::visible(&keys, &written, self.entity.is_computed());
        self.entity.as_written(&written, &keys, &mut config);
        let mut changes = Vec::new();
        if self.entity.has_description() {
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

/// What was planned, where it cannot be told what is there.
fn as_planned(planned: &Value) -> Object {
    Object {
        value: attributes::without_unknown(planned),
        private: Vec::new(),
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
