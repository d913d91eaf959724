//! A configured provider: its remotes, and what it has learned of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Value};
use tokio::sync::OnceCell;

use super::{
    attributes::Attributes,
    check::{Tally, host},
    declared::Declared,
    image::{Elsewhere, ImageSource, Sought},
    instance::HardwareAddresses,
};
use crate::{
    client::{ApiPath, Client, ClientError},
    platform::{Platform, Timeouts},
    remote::Remotes,
};

/// What all objects of one `provider` block share.
pub(crate) struct Session {
    platform: Arc<Platform>,
    /// None while the provider block has values that are known only after apply.
    remotes: Option<Remotes>,
    /// Whether an image is there, by remote, project and image; asked once.
    images: Mutex<BTreeMap<ImageKey, Arc<OnceCell<bool>>>>,
    /// What other remotes told of images.
    elsewhere: Elsewhere,
    /// What state knows, by remote and path; of instances, with their hardware addresses.
    known: Mutex<BTreeMap<Place, HardwareAddresses>>,
    /// What is planned so far.
    pub(super) plan: Mutex<Tally>,
}

/// Where an object is: its remote and its path there.
pub(crate) type Place = (String, String);

type ImageKey = (String, String, String);

impl Session {
    pub(crate) fn new(platform: Arc<Platform>, remotes: Option<Remotes>) -> Self {
        Self {
            platform,
            remotes,
            images: Mutex::default(),
            elsewhere: Elsewhere::default(),
            known: Mutex::default(),
            plan: Mutex::default(),
        }
    }

    /// Remembers that state has an object.
    pub(crate) fn know(&self, place: Place, addresses: HardwareAddresses) {
        let mut known = self.known.lock().expect("no panic holds this");
        known.insert(place, addresses);
    }

    /// What is remembered of an object; none if state does not have it.
    pub(crate) fn known(&self, place: &Place) -> Option<HardwareAddresses> {
        let known = self.known.lock().expect("no panic holds this");
        known.get(place).cloned()
    }

    /// How many objects of a remote state knows whose path is as wanted.
    pub(super) fn known_paths(&self, remote: &str, is_wanted: impl Fn(&str) -> bool) -> usize {
        let known = self.known.lock().expect("no panic holds this");
        let paths = known
            .keys()
            .filter(|(other, path)| other == remote && is_wanted(path));
        paths.count()
    }

    /// Names that the configuration declares.
    pub(crate) fn declared(&self) -> &Declared {
        &self.platform.declared
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.platform.timeouts
    }

    /// The client for an object's `remote`.
    pub(crate) fn client(&self, object: Attributes<'_>) -> Result<Arc<Client>, Diagnostics> {
        let name = object.some_text("remote");
        let client = self.platform.client(self.remotes()?, name);
        client.map_err(|error| unusable(name, &error))
    }

    fn remotes(&self) -> Result<&Remotes, Diagnostics> {
        let remotes = self.remotes.as_ref();
        remotes.ok_or_else(|| not_known_yet().into())
    }

    /// Where the create call finds the image.
    pub(crate) async fn image_source(
        &self,
        client: &Client,
        object: Attributes<'_>,
    ) -> Result<Json, Diagnostics> {
        let Some(image) = object.some_text("image") else {
            return Ok(json!({ "type": "none" }));
        };
        match self.image(client, image)? {
            Image::Here(image) if is_fingerprint(&image) => {
                Ok(json!({ "type": "image", "fingerprint": image }))
            }
            Image::Here(image) => Ok(json!({ "type": "image", "alias": image })),
            Image::There(remote, alias) => {
                let source = ImageSource {
                    remote: &remote,
                    name: &alias,
                };
                source.pulled().await.map_err(|error| {
                    let summary = format!("cannot use image `{image}`");
                    error.diagnostic(summary).into()
                })
            }
        }
    }

    /// The project that the provider block names for objects that name none.
    pub(crate) fn project(&self) -> Option<&str> {
        self.remotes.as_ref()?.project()
    }

    /// The client of a remote by name.
    pub(crate) fn client_of(&self, name: &str) -> Result<Arc<Client>, Diagnostics> {
        let named = Value::object([("remote", Value::from(name))]);
        self.client(Attributes(&named))
    }

    /// The client of a remote that images come from, by name.
    pub(crate) fn image_client(&self, name: &str) -> Result<Arc<Client>, Diagnostics> {
        if name.is_empty() {
            return self.client_of(name);
        }
        let client = self.platform.image_client(self.remotes()?, name);
        client.map_err(|error| unusable(Some(name), &error))
    }

    /// The host of the other server that an image comes from, if it comes from one.
    pub(super) fn image_server(&self, client: &Client, image: &str) -> Option<String> {
        match self.image(client, image).ok()? {
            Image::Here(_) => None,
            Image::There(remote, _) => host(&remote.remote().address),
        }
    }

    /// Fails if an instance's image is surely not there; gives warnings.
    pub(crate) async fn check_image(
        &self,
        object: Attributes<'_>,
    ) -> Result<Diagnostics, Diagnostics> {
        let fine = Ok(Diagnostics::new());
        let Some(image) = object.some_text("image") else {
            return fine;
        };
        let open = |name| object.0.get(name).is_some_and(|value| !value.is_known());
        if self.remotes.is_none() || open("project") || open("remote") {
            return fine;
        }
        let client = self.client(object)?;
        let local = match self.image(&client, image)? {
            Image::Here(local) => local,
            Image::There(remote, name) => {
                let there = (&*remote, name.as_str());
                return self.check_elsewhere(&client, object, image, there).await;
            }
        };
        if self.declared().has("incus_image", "") || self.is_rehearsal() {
            // It may be about to be made, and a model has whatever image is asked of it.
            return fine;
        }
        let project = object.text("project").unwrap_or(&client.remote().project);
        let there = self.is_there(&client, project, &local).await;
        match there.map_err(|error| error.diagnostic(format!("cannot look for image `{image}`")))? {
            true => fine,
            false => Err(no_image(&client, project, image, &local).into()),
        }
    }

    /// Fails if an image that is copied from another remote is surely not there; gives warnings.
    pub(crate) async fn check_copied(
        &self,
        planned: Attributes<'_>,
    ) -> Result<Diagnostics, Diagnostics> {
        let fine = Ok(Diagnostics::new());
        let open = |object: Attributes<'_>, name: &str| {
            object.0.get(name).is_some_and(|value| !value.is_known())
        };
        let Some(image) = planned.object("source_image") else {
            return fine;
        };
        let is_open = open(planned, "remote")
            || ["remote", "name", "architecture"]
                .iter()
                .any(|name| open(image, name));
        let (Some(remote), Some(name)) = (image.some_text("remote"), image.some_text("name"))
        else {
            return fine;
        };
        if self.remotes.is_none() || is_open {
            return fine;
        }
        let (client, remote) = (self.client(planned)?, self.image_client(remote)?);
        let full = format!("{}:{name}", remote.remote().name);
        self.check_elsewhere(&client, image, &full, (&remote, name))
            .await
    }

    /// True if models stand for all servers.
    pub(crate) fn is_rehearsal(&self) -> bool {
        self.platform.rehearses
    }

    /// Looks for an image on another remote. In a rehearsal nothing but the models is asked.
    async fn check_elsewhere(
        &self,
        client: &Client,
        object: Attributes<'_>,
        image: &str,
        (remote, name): (&Client, &str),
    ) -> Result<Diagnostics, Diagnostics> {
        if self.is_rehearsal() || remote.remote() == client.remote() {
            return Ok(Diagnostics::new());
        }
        let architectures = match object.some_text("architecture") {
            Some(one) => vec![one.to_owned()],
            None => self.architectures(client).await,
        };
        let sought = Sought {
            image,
            remote,
            name,
            architectures: &architectures,
        };
        self.elsewhere.check(&sought).await
    }

    /// The architectures of a server; none if it does not tell.
    async fn architectures(&self, client: &Client) -> Vec<String> {
        let server = client.find::<Json>(&ApiPath::new(&[])).await;
        let server = server.ok().flatten().map(|answer| answer.value);
        let told = server.unwrap_or_default();
        let told = told["environment"]["architectures"].as_array();
        let names = told.into_iter().flatten().filter_map(Json::as_str);
        names.map(str::to_owned).collect()
    }

    async fn is_there(
        &self,
        client: &Client,
        project: &str,
        image: &str,
    ) -> Result<bool, ClientError> {
        let key = (
            client.remote().name.clone(),
            project.to_owned(),
            image.to_owned(),
        );
        let cell = self
            .images
            .lock()
            .expect("no panic holds this")
            .entry(key)
            .or_default()
            .clone();
        cell.get_or_try_init(|| look_for(client, project, image))
            .await
            .copied()
    }

    /// Where an image is, seen from the server that is to run the instance.
    fn image(&self, client: &Client, image: &str) -> Result<Image, Diagnostics> {
        if let Some(alias) = self.platform.image_aliases.get(image) {
            return Ok(Image::Here(alias.clone()));
        }
        match image.split_once(':') {
            None => Ok(Image::Here(image.to_owned())),
            Some((remote, alias)) if remote == client.remote().name => {
                Ok(Image::Here(alias.to_owned()))
            }
            Some((remote, alias)) => Ok(Image::There(self.image_client(remote)?, alias.to_owned())),
        }
    }
}

/// Where an image is.
enum Image {
    /// On the server that needs it, under this alias or fingerprint.
    Here(String),
    /// On another remote.
    There(Arc<Client>, String),
}

fn unusable(name: Option<&str>, error: &ClientError) -> Diagnostics {
    let remote = name.map_or("the default remote".to_owned(), |name| {
        format!("remote `{name}`")
    });
    error.diagnostic(format!("cannot use {remote}")).into()
}

fn not_known_yet() -> Diagnostic {
    let summary = "the configuration of provider `incus` is not known yet";
    Diagnostic::error("incus-provider-unknown", summary)
        .detail("It depends on values that are known only after apply, but the server must be asked now.")
        .hint("apply what the provider block depends on first, with `-target`")
}

/// True if an Incus server has an image.
pub(super) async fn look_for(
    client: &Client,
    project: &str,
    image: &str,
) -> Result<bool, ClientError> {
    let path = match is_fingerprint(image) {
        true => ApiPath::new(&["images", image]),
        false => ApiPath::new(&["images", "aliases", image]),
    };
    let found = client.find::<Json>(&path.project(project)).await?;
    if found.is_some() || project == "default" {
        return Ok(found.is_some());
    }
    // A project that does not exist yet may be planned, and may well share the images of `default`.
    let there = client
        .find::<Json>(&ApiPath::new(&["projects", project]))
        .await?;
    Ok(there.is_none())
}

/// True if an image is named by its fingerprint, or by the beginning of it.
pub(crate) fn is_fingerprint(image: &str) -> bool {
    (12..=64).contains(&image.len()) && image.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn no_image(client: &Client, project: &str, image: &str, local: &str) -> Diagnostic {
    let place = match project {
        "default" => format!("Remote `{}`", client.remote().name),
        project => format!("Project `{project}` on remote `{}`", client.remote().name),
    };
    let known_as = if image == local {
        String::new()
    } else {
        format!(" (`{local}` here)")
    };
    Diagnostic::error(
        "incus-image-not-found",
        format!("there is no image `{image}`{known_as}"),
    )
    .detail(format!(
        "{place} has no image of this alias or fingerprint."
    ))
    .hint("`incus image list` shows what is there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_told_from_aliases_by_their_look() {
        assert!(is_fingerprint("5d2e24c01926"));
        assert!(!is_fingerprint("debian/12"));
        assert!(!is_fingerprint("cafe"));
    }
}
