//! Whether an image is on another remote, asked while planning: once in a run for each image, and for each list of a
//! server of images.
//!
//! A remote that does not answer in time is no reason for a plan to fail, since the Incus server may reach it: a
//! warning says so, once. Of registries that want a login nothing is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use tokio::{sync::OnceCell, time::timeout};

use super::{registry, streams};
use crate::{
    client::{ApiPath, Client, ClientError, web},
    provider::session::{is_fingerprint, look_for},
    remote::{Address, Remote},
};

/// How long a remote has to answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Something that is asked once, by what it is asked of.
type Once<Key, Answer> = Mutex<BTreeMap<Key, Arc<OnceCell<Answer>>>>;

/// Whether an image is there, or why that is not known.
type Found = Result<bool, String>;

/// What was asked of other remotes in this run.
#[derive(Default)]
pub(crate) struct Elsewhere {
    images: Once<(String, String), Found>,
    lists: Once<String, Result<Arc<Vec<Json>>, String>>,
    /// Remotes of which a warning was given.
    silent: Mutex<BTreeSet<String>>,
}

/// An image on another remote.
pub(crate) struct Sought<'a> {
    /// How configuration names it: `images:debian/12`.
    pub(crate) image: &'a str,
    pub(crate) remote: &'a Client,
    /// Its alias there, or the beginning of its fingerprint.
    pub(crate) name: &'a str,
    /// The architectures that will do; none if that is not known.
    pub(crate) architectures: &'a [String],
}

impl Elsewhere {
    /// Fails if an image is surely not there; warns if nobody answered.
    pub(crate) async fn check(&self, sought: &Sought<'_>) -> Result<Diagnostics, Diagnostics> {
        let remote = sought.remote.remote();
        let key = (remote.name.clone(), sought.name.to_owned());
        let cell = cell(&self.images, key);
        let found = cell.get_or_init(async || match timeout(PATIENCE, self.look(sought)).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer in {} seconds", PATIENCE.as_secs())),
        });
        match found.await {
            Ok(true) => Ok(Diagnostics::new()),
            Ok(false) => Err(no_image(sought).into()),
            Err(reason) => Ok(self.unknown(sought, reason)),
        }
    }

    /// True if the remote has the image; where that cannot be told, why.
    async fn look(&self, sought: &Sought<'_>) -> Result<bool, String> {
        let remote = sought.remote.remote();
        let (url, protocol) = match &remote.address {
            Address::Images { url, protocol } => (url.as_str(), protocol.as_str()),
            _ => {
                let found = look_for(sought.remote, &remote.project, sought.name).await;
                return found.map_err(|error| why(&error));
            }
        };
        let found = match protocol {
            "simplestreams" => {
                let cell = cell(&self.lists, remote.name.clone());
                let lists = cell.get_or_init(async || {
                    let lists = streams::lists(remote, url).await;
                    lists.map(Arc::new).map_err(|error| why(&error))
                });
                let lists = lists.await.as_ref().map_err(String::clone)?;
                return Ok(streams::has(lists, sought.name, sought.architectures));
            }
            "incus" => on_incus(remote, url, sought.name).await,
            // Who may see an image of such a registry only its helper tells, which is run when it is pulled.
            _ if remote.credentials_helper.is_some() => Ok(true),
            _ => registry::has(remote, url, sought.name).await,
        };
        found.map_err(|error| why(&error))
    }

    /// A warning for the first image of a remote that did not tell.
    fn unknown(&self, sought: &Sought<'_>, reason: &str) -> Diagnostics {
        let remote = &sought.remote.remote().name;
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if !silent.insert(remote.clone()) {
            return Diagnostics::new();
        }
        let summary = format!("image `{}` was not looked for", sought.image);
        Diagnostic::warning("incus-image-unknown", summary)
            .detail(format!("Remote `{remote}` did not tell: {reason}."))
            .hint("the plan goes on; the Incus server fetches the image when it is needed")
            .into()
    }
}

/// Why a server of images did not tell: it is no Incus daemon, of which the error would speak.
fn why(error: &ClientError) -> String {
    match error {
        ClientError::NoDaemon { endpoint, reason } => {
            format!("{endpoint} does not answer: {reason}")
        }
        ClientError::Exchange(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// The cell of a key, which is locked no longer than it takes to find it.
fn cell<Key: Ord, Answer>(all: &Once<Key, Answer>, key: Key) -> Arc<OnceCell<Answer>> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(key).or_default().clone()
}

/// True if a public Incus server shows an image.
async fn on_incus(remote: &Remote, url: &str, name: &str) -> Result<bool, ClientError> {
    let path = match is_fingerprint(name) {
        true => ApiPath::new(&["images", name]),
        false => ApiPath::new(&["images", "aliases", name]),
    };
    match web::get(remote, &format!("{url}{}", path.into_text())).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn no_image(sought: &Sought<'_>) -> Diagnostic {
    let remote = sought.remote.remote();
    let place = match &remote.address {
        Address::Images { url, .. } => format!("Remote `{}` ({url})", remote.name),
        _ => format!("Remote `{}`", remote.name),
    };
    let of = match sought.architectures {
        [] => String::new(),
        all => format!(" for {}", all.join(", ")),
    };
    let summary = format!("there is no image `{}`", sought.image);
    Diagnostic::error("incus-image-not-found", summary)
        .detail(format!(
            "{place} has no image of this alias or fingerprint{of}."
        ))
        .hint(format!(
            "`incus image list {}:` shows what is there",
            remote.name
        ))
}
