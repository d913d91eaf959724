//! `incus_image`: an image, known by its fingerprint, with aliases that may change.
//!
//! The same content is the same image: one that is there already is taken over, not made again.
//! [`source`] says where it comes from, [`elsewhere`] whether it is there, [`streams`] what servers of images call it, [`schema()`] what can be said of it.

mod elsewhere;
mod registry;
mod schema;
mod source;
mod streams;

use std::{collections::BTreeMap, sync::Arc};

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Type, Value,
    provider::{ApplyRequest, ApplyResponse, Found, Object, PlanRequest, PlanResponse, Progress},
};

use self::source::text;
pub(crate) use self::{
    elsewhere::{Elsewhere, Sought},
    schema::{schema, validate},
    source::{ImageSource, reachable},
};
use super::{
    attributes::{self, Attributes},
    lifecycle::changed,
    session::Session,
    time,
};
use crate::{
    client::{Answer, ApiPath, Client, ClientError, Notes},
    remote::{Address, Remote},
};

/// The type in configuration.
pub(crate) const TYPE: &str = "incus_image";

/// The property by which an image made from an instance is found again.
const MARKER: &str = "strata.marker";

/// Attributes whose change needs a new image.
const REPLACING: [&str; 5] = [
    "source_image",
    "source_file",
    "source_instance",
    "project",
    "remote",
];

/// Decides what an image will look like.
pub(crate) fn plan(request: &PlanRequest) -> PlanResponse {
    let planned = schema::with_defaults(&request.proposed);
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    // Where an image came from nobody can tell: one that was imported takes the source that is written.
    let is_imported = prior.is_some_and(|prior| {
        let prior = Attributes(prior);
        !schema::SOURCES.iter().any(|source| prior.is_set(source))
    });
    let replacing = match is_imported {
        true => &["project", "remote"],
        false => &REPLACING[..],
    };
    PlanResponse {
        requires_replace: changed(prior, &planned, replacing),
        planned,
        effects: Vec::new(),
        private: Vec::new(),
        warnings: Diagnostics::new(),
    }
}

/// One image that is worked on.
struct Work<'a> {
    session: &'a Session,
    client: Arc<Client>,
    project: String,
    progress: &'a Progress,
}

impl<'a> Work<'a> {
    fn new(
        session: &'a Session,
        object: &Value,
        progress: &'a Progress,
    ) -> Result<Self, Diagnostics> {
        let client = session.client(Attributes(object))?;
        let project = Attributes(object).text("project");
        Ok(Self {
            session,
            project: project.unwrap_or(&client.remote().project).to_owned(),
            client,
            progress,
        })
    }

    fn path(&self, segments: &[&str]) -> ApiPath {
        let segments = [&["images"], segments].concat();
        ApiPath::new(&segments).project(&self.project)
    }

    async fn call(&self, method: Method, path: &ApiPath, body: &Json) -> Result<(), ClientError> {
        let notes = Notes::Engine(self.progress);
        self.client.change(method, path, body, None, notes).await
    }

    async fn read(&self, known: &Value) -> Result<Option<Value>, ClientError> {
        let fingerprint = Attributes(known).text("fingerprint").unwrap_or_default();
        let image: Option<Answer<Json>> = self.client.find(&self.path(&[fingerprint])).await?;
        Ok(image.map(|image| self.state(known, &image.value)))
    }

    /// The image as state has it.
    fn state(&self, known: &Value, image: &Json) -> Value {
        let copied = Attributes(known)
            .texts("copied_aliases")
            .unwrap_or_default();
        let theirs = aliases_of(image);
        let ours = theirs.iter().filter(|(name, _)| !copied.contains(name));
        let fingerprint = text(&image["fingerprint"]);
        let id = format!("{}:{fingerprint}", self.client.remote().name);
        attributes::with(
            known,
            [
                ("fingerprint", Value::from(fingerprint)),
                ("resource_id", Value::from(id)),
                ("created_at", time::unix_value(image.get("created_at"))),
                ("copied_aliases", attributes::set(&copied)),
                ("alias", alias_value(ours)),
            ],
        )
    }

    /// Waits for all that makes images now. The server goes on with what a killed run began, and does not
    /// tell of which instance or for whom.
    async fn wait_for_images(&self) -> Result<(), ClientError> {
        for operation in self.client.running(&self.project).await? {
            if operation.makes_an_image() {
                // Its failure shows in what is there.
                self.client.wait(operation, Notes::Nobody).await.ok();
            }
        }
        Ok(())
    }

    /// The image that carries our mark, as state has it.
    async fn marked(&self, planned: &Value, marker: &str) -> Result<Option<Value>, ClientError> {
        let path = self.path(&[]).query("recursion", "1");
        let all: Answer<Vec<Json>> = self.client.get(&path).await?;
        let ours = |image: &&Json| !marker.is_empty() && image["properties"][MARKER] == marker;
        let closed = attributes::without_unknown(planned);
        Ok(all
            .value
            .iter()
            .find(ours)
            .map(|image| self.state(&closed, image)))
    }

    async fn make(&self, planned: &Value, marker: &str) -> Result<String, Diagnostics> {
        let object = Attributes(planned);
        let failed =
            |error: ClientError| Diagnostics::from(error.diagnostic("cannot make the image"));
        let notes = Notes::Engine(self.progress);
        if let Some(files) = object.object("source_file") {
            let sent = source::send_files(&self.client, &self.project, files, notes).await;
            return sent.map_err(failed);
        }
        let body = match object.object("source_image") {
            Some(image) => self.copied(image).await?,
            None => self.published(planned, marker).await.map_err(failed)?,
        };
        let made = self.client.post(&self.path(&[]), &body, notes).await;
        Ok(text(&made.map_err(failed)?["fingerprint"]))
    }

    async fn copied(&self, image: Attributes<'_>) -> Result<Json, Diagnostics> {
        let remote = self
            .session
            .image_client(image.text("remote").unwrap_or_default())?;
        let name = image.text("name").unwrap_or_default();
        let source = ImageSource {
            remote: &remote,
            name,
        };
        let source = source.pulled().await;
        let mut source = source.map_err(|error| {
            Diagnostics::from(error.diagnostic(format!("cannot use image `{name}`")))
        })?;
        source["image_type"] = json!(image.text("type"));
        if let Some(architecture) = image.some_text("architecture") {
            source["architecture"] = json!(architecture);
        }
        Ok(json!({ "source": source }))
    }

    /// The call that publishes an instance. The aliases go along, so that what a killed run leaves is whole.
    async fn published(&self, planned: &Value, marker: &str) -> Result<Json, ClientError> {
        let names = aliases(planned);
        for name in names.keys() {
            let path = self.path(&["aliases", name]);
            let there: Option<Answer<Json>> = self.client.find(&path).await?;
            if let Some(alias) = there {
                return Err(taken(name, &alias.value));
            }
        }
        let instance = Attributes(planned).object("source_instance");
        let text = |name: &str| instance.and_then(|instance| instance.some_text(name));
        let name = text("name").unwrap_or_default();
        let source = match text("snapshot") {
            Some(snapshot) => json!({ "type": "snapshot", "name": format!("{name}/{snapshot}") }),
            None => json!({ "type": "instance", "name": name }),
        };
        let names: Vec<Json> = names
            .iter()
            .map(|(name, description)| json!({ "name": name, "description": description }))
            .collect();
        Ok(json!({ "source": source, "properties": { MARKER: marker }, "aliases": names }))
    }

    /// The aliases that an image has on the remote that it is copied from, where they are wanted.
    async fn aliases_there(&self, planned: &Value) -> Result<Vec<String>, Diagnostics> {
        let image = Attributes(planned).object("source_image");
        let Some(image) = image.filter(|image| image.flag("copy_aliases") == Some(true)) else {
            return Ok(Vec::new());
        };
        let remote = self
            .session
            .image_client(image.text("remote").unwrap_or_default())?;
        let read = match &remote.remote().address {
            Address::Images { url, protocol } => {
                self.aliases_on(remote.remote(), url, protocol, image).await
            }
            _ => aliases_on_incus(&remote, image).await,
        };
        read.map_err(|error| {
            let name = image.text("name").unwrap_or_default();
            let summary = format!("cannot read the aliases of image `{name}`");
            error.diagnostic(summary).into()
        })
    }

    /// The aliases that an image has on a server of images only.
    async fn aliases_on(
        &self,
        remote: &Remote,
        url: &str,
        protocol: &str,
        image: Attributes<'_>,
    ) -> Result<Vec<String>, ClientError> {
        let server: Answer<Json> = self.client.get(&ApiPath::new(&[])).await?;
        let usual = server.value["environment"]["architectures"][0].as_str();
        let usual = usual.unwrap_or(std::env::consts::ARCH);
        let architecture = image.some_text("architecture").unwrap_or(usual);
        let wanted = streams::Wanted {
            name: image.text("name").unwrap_or_default(),
            architecture,
            is_usual: architecture == usual,
        };
        streams::aliases(remote, url, protocol, &wanted).await
    }

    /// Gives an image the aliases that it is to have, and takes those away that state had.
    async fn name(
        &self,
        fingerprint: &str,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) -> Result<(), ClientError> {
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            let path = self.path(&["aliases", name]);
            match self.call(Method::DELETE, &path, &Json::Null).await {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        for (name, description) in after {
            if before.get(name) != Some(description) {
                self.alias(fingerprint, name, description).await?;
            }
        }
        Ok(())
    }

    async fn alias(
        &self,
        fingerprint: &str,
        name: &str,
        description: &str,
    ) -> Result<(), ClientError> {
        let path = self.path(&["aliases", name]);
        let there: Option<Answer<Json>> = self.client.find(&path).await?;
        let body = json!({ "name": name, "description": description, "target": fingerprint });
        match there {
            None => {
                self.call(Method::POST, &self.path(&["aliases"]), &body)
                    .await
            }
            Some(alias) if alias.value["target"] == fingerprint => {
                if alias.value["description"] == description {
                    return Ok(());
                }
                let etag = alias.etag.as_deref();
                self.client
                    .change(Method::PUT, &path, &body, etag, Notes::Nobody)
                    .await
            }
            Some(alias) => Err(taken(name, &alias.value)),
        }
    }

    async fn create(&self, planned: &Value, marker: &str) -> ApplyResponse {
        let nothing = |diagnostics| ApplyResponse {
            object: None,
            diagnostics,
        };
        let copied = match self.aliases_there(planned).await {
            Ok(copied) => copied,
            Err(diagnostics) => return nothing(diagnostics),
        };
        let fingerprint = match self.make(planned, marker).await {
            Ok(fingerprint) => fingerprint,
            // It may be there all the same: the next run deletes it then, and makes it anew.
            Err(diagnostics) => {
                let left = self.marked(planned, marker).await.ok().flatten();
                let private = Vec::new();
                return ApplyResponse {
                    object: left.map(|value| Object { value, private }),
                    diagnostics,
                };
            }
        };
        let made = attributes::with(
            planned,
            [
                ("fingerprint", Value::from(fingerprint.as_str())),
                ("copied_aliases", attributes::set(&copied)),
            ],
        );
        let mut names = aliases(&made);
        names.extend(copied.into_iter().map(|name| (name, String::new())));
        let named = self.name(&fingerprint, &BTreeMap::new(), &names).await;
        self.outcome(&made, planned, named).await
    }

    async fn update(&self, prior: &Value, planned: &Value) -> ApplyResponse {
        let fingerprint = Attributes(prior).text("fingerprint").unwrap_or_default();
        let named = self
            .name(fingerprint, &aliases(prior), &aliases(planned))
            .await;
        self.outcome(planned, planned, named).await
    }

    /// What is there now, and what went wrong.
    async fn outcome(
        &self,
        made: &Value,
        planned: &Value,
        outcome: Result<(), ClientError>,
    ) -> ApplyResponse {
        let summary = "cannot name the image, or read it back";
        let (object, error) = match (self.read(made).await, outcome) {
            (Ok(object), Ok(())) => (
                object.map(|value| attributes::conform(planned, &value)),
                None,
            ),
            (Ok(object), Err(error)) => (object, Some(error)),
            (Err(error), _) => (Some(attributes::without_unknown(made)), Some(error)),
        };
        let private = Vec::new();
        ApplyResponse {
            object: object.map(|value| Object { value, private }),
            diagnostics: error
                .map_or_else(Diagnostics::new, |error| error.diagnostic(summary).into()),
        }
    }

    async fn delete(&self, prior: &Object) -> ApplyResponse {
        let fingerprint = Attributes(&prior.value)
            .text("fingerprint")
            .unwrap_or_default();
        match self
            .call(Method::DELETE, &self.path(&[fingerprint]), &Json::Null)
            .await
        {
            Err(error) if !error.is_not_found() => ApplyResponse {
                object: Some(prior.clone()),
                diagnostics: error.diagnostic("cannot delete the image").into(),
            },
            _ => ApplyResponse {
                object: None,
                diagnostics: Diagnostics::new(),
            },
        }
    }
}

/// The aliases that an image has on another Incus server.
async fn aliases_on_incus(
    remote: &Client,
    image: Attributes<'_>,
) -> Result<Vec<String>, ClientError> {
    let name = image.text("name").unwrap_or_default();
    let fingerprint = ImageSource { remote, name }.fingerprint().await?;
    let path = ApiPath::new(&["images", &fingerprint]);
    let image: Answer<Json> = remote.get(&path.project(&remote.remote().project)).await?;
    Ok(aliases_of(&image.value).into_keys().collect())
}

/// Creates, updates or deletes an image.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    let object = request.planned.as_ref();
    let object = object.or(request.prior.as_ref().map(|prior| &prior.value));
    let object = object
        .cloned()
        .unwrap_or_else(|| schema().block.empty_value());
    let work = match Work::new(session, &object, &request.progress) {
        Ok(work) => work,
        Err(diagnostics) => {
            return ApplyResponse {
                object: request.prior,
                diagnostics,
            };
        }
    };
    match (&request.prior, &request.planned) {
        (None, Some(planned)) => work.create(planned, &request.marker).await,
        (Some(prior), Some(planned)) => work.update(&prior.value, planned).await,
        (Some(prior), None) => work.delete(prior).await,
        (None, None) => ApplyResponse {
            object: None,
            diagnostics: Diagnostics::new(),
        },
    }
}

/// Reads an image as it is now; none if it is gone.
pub(crate) async fn read(session: &Session, object: Object) -> Result<Option<Object>, Diagnostics> {
    let progress = Progress::ignored();
    let work = Work::new(session, &object.value, &progress)?;
    let value = work.read(&object.value).await;
    let value = value.map_err(|error| error.diagnostic("cannot read the image"))?;
    let private = object.private;
    Ok(value.map(|value| Object { value, private }))
}

/// Looks for an image that was made from an instance; others are simply made again, which costs nothing.
pub(crate) async fn find(
    session: &Session,
    planned: &Value,
    marker: &str,
) -> Result<Found, Diagnostics> {
    let progress = Progress::ignored();
    let work = Work::new(session, planned, &progress)?;
    let found = async {
        work.wait_for_images().await?;
        work.marked(planned, marker).await
    };
    let found = found.await;
    let found = found.map_err(|error| error.diagnostic("cannot look for the image"))?;
    Ok(match found {
        None => Found::Nothing,
        Some(value) => {
            let complete = aliases(&value) == aliases(planned);
            let private = Vec::new();
            let object = Object { value, private };
            Found::Ours { object, complete }
        }
    })
}

/// The aliases that an object's blocks name, with their descriptions.
fn aliases(object: &Value) -> BTreeMap<String, String> {
    let blocks = Attributes(object).blocks("alias");
    let named = blocks.filter_map(|alias| {
        let description = alias.text("description").unwrap_or_default();
        Some((alias.text("name")?.to_owned(), description.to_owned()))
    });
    named.collect()
}

/// The aliases that the server tells.
fn aliases_of(image: &Json) -> BTreeMap<String, String> {
    let all = image["aliases"].as_array().into_iter().flatten();
    all.map(|alias| (text(&alias["name"]), text(&alias["description"])))
        .collect()
}

fn taken(name: &str, alias: &Json) -> ClientError {
    let owner = text(&alias["target"]);
    ClientError::Setup(format!(
        "the alias `{name}` belongs to another image already: {owner}"
    ))
}

fn alias_value<'a>(aliases: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    let element = Type::object([("name", Type::String), ("description", Type::String)]);
    let aliases = aliases.map(|(name, description)| {
        Value::object([
            ("name", Value::from(name.as_str())),
            ("description", Value::from(description.as_str())),
        ])
    });
    Value::set(element, aliases)
}
