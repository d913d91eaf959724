//! The create of a plain object: one call, and finding out what a call without an answer left behind.

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostic, Value,
    provider::{ApplyRequest, ApplyResponse, Found, Object},
};

use super::{
    super::{
        attributes::{self, Attributes},
        config::{self, MARKER_KEY},
        devices,
        entity::ServerObject,
        import,
        source::SourceFile,
    },
    Lifecycle, migrate,
};
use crate::client::{Answer, ClientError, Notes};

impl Lifecycle<'_> {
    pub(super) async fn create(&self, planned: &Value, request: &ApplyRequest) -> ApplyResponse {
        let object = Attributes(planned);
        if let Some(taken) = self.is_taken(planned).await {
            return nothing(taken);
        }
        let path = self.entity.collection(object, self.project(object));
        let mut body = self.create_body(planned, &request.marker);
        if let Some(other) = self.source {
            match migrate::offered(other, object).await {
                Ok(source) => body["source"] = source,
                Err(error) => {
                    let summary = format!("cannot read what {} is copied from", self.name(planned));
                    return nothing(error.diagnostic(summary));
                }
            }
        }
        let notes = Notes::Engine(&request.progress);
        let created = match self.entity.source_file(object) {
            Some(file) => self.restore(&file, planned, request).await,
            None => {
                let call = self.client.change(Method::POST, &path, &body, None, notes);
                call.await
            }
        };
        let error = match created {
            Err(error) => error,
            Ok(()) => return self.finish(planned, request).await,
        };
        let reason = error.server_message().unwrap_or_default();
        let known = self.entity.create_hint(object, reason);
        let is_taken = known.is_none() && says_taken(reason);
        let there = match is_taken {
            true => None,
            false => self.left_behind(planned, &request.marker, &error).await,
        };
        let taken = is_taken.then(|| import::hint(self.entity.type_name(), None, object));
        let summary = format!("cannot create {}", self.name(planned));
        let diagnostic = error.diagnostic(summary);
        ApplyResponse {
            object: there,
            diagnostics: match known.or(taken) {
                Some(hint) => diagnostic.hint(hint).into(),
                None => diagnostic.into(),
            },
        }
    }

    /// Of a kind that cannot carry our mark nobody could tell afterwards whose it is: what is there under
    /// the name already is another's, and nothing is made.
    async fn is_taken(&self, planned: &Value) -> Option<Diagnostic> {
        let object = Attributes(planned);
        if self.entity.is_markable(object) || self.entity.is_part(object) {
            return None;
        }
        // A server that does not answer has something to say to the call that follows.
        self.get(planned).await.ok()??;
        let summary = format!("{} is there already", self.name(planned));
        let told = Diagnostic::error("incus-name-taken", summary)
            .detail("It was made by somebody else after the plan, or state has lost it.");
        Some(told.hint(import::hint(self.entity.type_name(), None, object)))
    }

    /// Fills what was made with its files, and reads it back.
    async fn finish(&self, planned: &Value, request: &ApplyRequest) -> ApplyResponse {
        let notes = Notes::Engine(&request.progress);
        let files = self.guest_files(planned);
        let written = match &files {
            Some(files) => files.write(planned, notes).await,
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
        let notes = Notes::Engine(&request.progress);
        let path = self.entity.collection(object, self.project(object));
        file.send(self.client, &path, notes).await?;
        let path = self.entity.path(object, self.project(object));
        let configured = async {
            let server: Answer<ServerObject> = self.client.get(&path).await?;
            let mut body = self.update_body(planned, planned, &server.value);
            // What the backup had, and configuration does not, goes; so does the mark of another.
            if let Some(config) = body["config"].as_object_mut() {
                config.remove(MARKER_KEY);
            }
            let change = self.client.change(Method::PUT, &path, &body, None, notes);
            change.await
        };
        // It is there, whatever comes now.
        let configured = configured.await;
        configured.map_err(|error| ClientError::OutcomeUnknown(error.to_string()))
    }

    /// What a create that failed left behind: a server may fail when it has made the object already, or
    /// nobody heard how it ended. If that cannot be told, what was planned, so that the next run looks
    /// again and nothing is forgotten.
    async fn left_behind(
        &self,
        planned: &Value,
        marker: &str,
        error: &ClientError,
    ) -> Option<Object> {
        if !error.is_ambiguous() && error.server_message().is_none() {
            return None;
        }
        match self.find(planned, marker).await {
            Ok(Found::Ours { object, .. }) => Some(object),
            Ok(Found::Nothing | Found::Foreign) => None,
            Err(_) => error.is_ambiguous().then(|| as_planned(planned)),
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
}

fn nothing(diagnostic: Diagnostic) -> ApplyResponse {
    ApplyResponse {
        object: None,
        diagnostics: diagnostic.into(),
    }
}

/// True if a server refuses a create because of another object of that name.
fn says_taken(message: &str) -> bool {
    let words = [
        "already exists",
        "already in use",
        "already trusted",
        "UNIQUE constraint",
    ];
    words.iter().any(|words| message.contains(words))
}

/// What was planned, where it cannot be told what is there.
fn as_planned(planned: &Value) -> Object {
    Object {
        value: attributes::without_unknown(planned),
        private: Vec::new(),
    }
}
