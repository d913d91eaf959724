//! What a plan can tell from the server before anything is made: that a name is taken, that something
//! is not there, that an address does not fit, that a limit or a pool is too small.
//!
//! A server that does not answer is no reason to fail here: apply will tell.

mod limits;
mod listed;
mod names;
mod network;
mod restricted;
mod room;
mod tally;
mod units;

use std::sync::{MutexGuard, PoisonError};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Value, provider::PlanRequest};

use self::tally::{Demand, ProjectState, Room};
pub(crate) use self::{listed::host, names::validate as validate_name, tally::Tally};
use super::{
    attributes::Attributes,
    config::MARKER_KEY,
    devices::{self, Devices},
    entity,
    entity::PENDING,
    import, instance,
    instance::HardwareAddresses,
    session::{Place, Session},
};
use crate::{
    client::{Answer, ApiPath, Client},
    twin,
};

/// The API extension of servers that read and write files of custom volumes.
const VOLUME_FILES: &str = "file_storage_volume";

/// One object that is about to be made or changed.
struct Planned<'a> {
    /// The resource that describes it.
    address: &'a str,
    type_name: &'a str,
    value: &'a Value,
    client: &'a Client,
    project: &'a str,
    session: &'a Session,
    /// True if state has it already.
    is_there: bool,
}

impl Session {
    /// Checks a planned object against its server. Gives warnings; fails with what surely cannot be.
    pub(crate) async fn check(
        &self,
        request: &PlanRequest,
        planned: &Value,
    ) -> Result<Diagnostics, Diagnostics> {
        let type_name = &*request.type_name;
        let prior = request.prior.as_ref().map(|prior| &prior.value);
        let mut found = Diagnostics::new();
        let attributes = Attributes(planned);
        self.declared().add(type_name, attributes);
        let open = |name: &str| planned.get(name).is_some_and(|value| !value.is_known());
        let names = entity(type_name).map_or(&["name"] as &[_], |entity| entity.import_names());
        if ["remote", "project"]
            .iter()
            .chain(names)
            .any(|name| open(name))
        {
            return Ok(found);
        }
        let Ok(client) = self.client(attributes) else {
            return Ok(found);
        };
        let project = attributes
            .text("project")
            .unwrap_or(&client.remote().project);
        let address = request.address.to_string();
        let object = Planned {
            address: &address,
            type_name,
            value: planned,
            client: &client,
            project,
            session: self,
            is_there: prior.is_some(),
        };
        object.is_of_one_resource(&mut found);
        if prior.is_none() && !found.has_errors() {
            object.is_free(&mut found).await;
        }
        if prior.is_some() {
            // It stays, and is counted already by the server.
            let path = object.path();
            self.tally()
                .add(&object.room(), path.as_str(), Demand::new());
        }
        if prior != Some(planned) {
            object.refers_to_what_is_there(&mut found).await;
            object.is_within_what_the_server_does(&mut found).await;
            network::check(&object, &mut found).await;
            room::check(&object, &mut found).await;
            object.fits_its_project(prior, &mut found).await;
        }
        match found.has_errors() {
            true => Err(found),
            false => Ok(found),
        }
    }

    /// Remembers what state has.
    pub(crate) fn learn(&self, type_name: &str, object: &Value, addresses: HardwareAddresses) {
        if let Ok(client) = self.client(Attributes(object)) {
            let project = Attributes(object).text("project");
            let project = project.unwrap_or(&client.remote().project);
            self.know(place(type_name, object, &client, project), addresses);
        }
    }

    /// What is planned so far.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was planned in the project of an object that is deleted now.
    pub(crate) fn has_deleted(&self, object: &Value) {
        if let Ok(client) = self.client(Attributes(object)) {
            let project = Attributes(object).text("project");
            let project = project.unwrap_or(&client.remote().project).to_owned();
            self.tally()
                .forget(&(client.remote().name.clone(), project));
        }
    }

    /// How many objects state has beside one that were not planned so far: they may go.
    fn may_go(&self, room: &Room, beside: &ApiPath) -> usize {
        let planned = self.tally().planned(room);
        let (collection, query) = around(beside.as_str());
        self.known_paths(&room.0, |path| {
            around(path) == (collection, query) && !planned.contains(path)
        })
    }

    /// The hardware addresses of the instance that state has under the name of a planned one.
    pub(crate) fn known_addresses(&self, planned: &Value) -> HardwareAddresses {
        let Ok(client) = self.client(Attributes(planned)) else {
            return HardwareAddresses::default();
        };
        let project = Attributes(planned).text("project");
        let project = project.unwrap_or(&client.remote().project);
        let place = place(instance::TYPE, planned, &client, project);
        self.known(&place).unwrap_or_default()
    }
}

fn path(type_name: &str, object: &Value, project: &str) -> ApiPath {
    let attributes = Attributes(object);
    match entity(type_name) {
        Some(entity) => entity.path(attributes, project),
        None => {
            let name = attributes.text("name").unwrap_or_default();
            ApiPath::new(&["instances", name]).project(project)
        }
    }
}

/// What stands before the name in a path, and its query.
fn around(path: &str) -> (&str, &str) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (
        path.rsplit_once('/').map_or("", |(before, _)| before),
        query,
    )
}

fn place(type_name: &str, object: &Value, client: &Client, project: &str) -> Place {
    let path = path(type_name, object, project);
    (client.remote().name.clone(), path.as_str().to_owned())
}

impl Planned<'_> {
    fn room(&self) -> Room {
        (self.client.remote().name.clone(), self.project.to_owned())
    }

    fn path(&self) -> ApiPath {
        path(self.type_name, self.value, self.project)
    }

    /// True if state has an object under its name: it is replaced.
    fn is_known(&self) -> bool {
        let place = place(self.type_name, self.value, self.client, self.project);
        self.session.known(&place).is_some()
    }

    /// What it is, and its name.
    fn name(&self) -> String {
        let (noun, attribute) = match entity(self.type_name) {
            Some(entity) => (entity.noun(), entity.name_attribute()),
            None => ("instance", "name"),
        };
        let name = self.attributes().text(attribute).unwrap_or_default();
        format!("{noun} `{name}`")
    }

    /// Fails for what the project forbids, or has no room for.
    async fn fits_its_project(&self, prior: Option<&Value>, found: &mut Diagnostics) {
        let cell = self.session.tally().state(&self.room());
        let project = cell.get_or_init(|| self.project_state()).await;
        if let Some(project) = project {
            restricted::check(self, project, found).await;
            limits::check(self, project, prior, found).await;
        }
    }

    /// True if the server has the project and lets us see it.
    async fn has_project(&self) -> bool {
        let cell = self.session.tally().state(&self.room());
        cell.get_or_init(|| self.project_state()).await.is_some()
    }

    /// What the server says of the project.
    async fn project_state(&self) -> Option<ProjectState> {
        let project = self
            .fetch(&ApiPath::new(&["projects", self.project]))
            .await?;
        let config = project["config"].clone();
        // Most projects have no limits, and to count what is used costs the server time.
        let keys = config.as_object().into_iter().flatten();
        let is_limited = keys.into_iter().any(|(key, _)| key.starts_with("limits."));
        let resources = match is_limited {
            true => self
                .fetch(&ApiPath::new(&["projects", self.project, "state"]))
                .await?["resources"]
                .take(),
            false => Json::Null,
        };
        Some(ProjectState { config, resources })
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes(self.value)
    }

    /// An object of the server's, if it has one there and answers.
    async fn look(&self, segments: &[&str]) -> Option<Json> {
        self.fetch(&ApiPath::new(segments).project(self.project))
            .await
    }

    async fn fetch(&self, path: &ApiPath) -> Option<Json> {
        let answer: Answer<Json> = self.client.find(path).await.ok()??;
        Some(answer.value)
    }

    /// True if the server surely does not have something.
    async fn is_missing(&self, segments: &[&str]) -> bool {
        let path = ApiPath::new(segments).project(self.project);
        let found = self.client.find::<Json>(&path).await;
        matches!(found, Ok(None))
    }

    /// Fails if another resource of the same plan describes the same object.
    fn is_of_one_resource(&self, found: &mut Diagnostics) {
        let place = place(self.type_name, self.value, self.client, self.project);
        let Some(other) = self.session.tally().describe(place, self.address) else {
            return;
        };
        let mut both = [self.address, &other];
        both.sort_unstable();
        let summary = format!(
            "`{}` and `{}` are the same {}",
            both[0],
            both[1],
            self.name()
        );
        let detail = format!(
            "Both describe it in project `{}` of remote `{}`: each would change what the other has made.",
            self.project,
            self.client.remote().name
        );
        let told = match self.is_there {
            false => Diagnostic::error("incus-name-taken", summary),
            // It is so already, and may be on its way to be one.
            true => Diagnostic::warning("incus-name-taken", summary),
        };
        found.push(
            told.detail(detail)
                .hint("give one of them another name, or remove it"),
        );
    }

    /// Fails if an object of this name is there that state does not have.
    async fn is_free(&self, found: &mut Diagnostics) {
        if entity(self.type_name).is_some_and(|entity| entity.is_part(self.attributes())) {
            return;
        }
        let place = place(self.type_name, self.value, self.client, self.project);
        if self.session.known(&place).is_some() {
            return;
        }
        if entity(self.type_name).is_some_and(|entity| entity.is_given(self.attributes())) {
            found.push(self.given());
            return;
        }
        let path = path(self.type_name, self.value, self.project);
        let Some(there) = self.fetch(&path).await else {
            return;
        };
        if there["status"] == PENDING || self.is_lent() {
            return;
        }
        // What carries a mark of Strata's may belong to a resource that goes in this very run.
        let is_marked = there["config"][MARKER_KEY].is_string();
        found.push(self.taken(is_marked));
    }

    /// Refuses what this release of the server has no API for.
    async fn is_within_what_the_server_does(&self, found: &mut Diagnostics) {
        if self.type_name != "incus_storage_volume" || !self.attributes().is_set("file") {
            return;
        }
        let Some(server) = self.look(&[]).await else {
            return;
        };
        let extensions = server["api_extensions"].as_array();
        if extensions.is_some_and(|all| !all.iter().any(|one| one == VOLUME_FILES)) {
            let version = server["environment"]["server_version"].as_str();
            let name = self.attributes().text("name").unwrap_or_default();
            let summary = format!("no file can be written into storage volume `{name}`");
            let lack = format!(
                "Remote `{}` runs Incus {}, which lacks the API extension `{VOLUME_FILES}`.",
                self.client.remote().name,
                version.unwrap_or("of an unknown version")
            );
            let told = Diagnostic::error("incus-not-supported", summary).detail(lack);
            found.push(told.hint(
                "write the files through an instance that has the volume, or use a newer server",
            ));
        }
    }

    /// True in a rehearsal for what a model has of its own accord and hands over to the first who makes it.
    fn is_lent(&self) -> bool {
        let name = self.attributes().text("name").unwrap_or_default();
        self.session.is_rehearsal() && twin::LENT.contains(&(self.type_name, name))
    }

    /// What is said of an object that every project has.
    fn given(&self) -> Diagnostic {
        let summary = format!("{} is there already", self.name());
        Diagnostic::warning("incus-given", summary).detail(
            "Every project has it: it is changed to what is written here, and emptied when this resource goes.",
        )
    }

    fn taken(&self, is_marked: bool) -> Diagnostic {
        let summary = format!("{} is there already", self.name());
        let told = match is_marked {
            true => Diagnostic::warning("incus-name-taken", summary),
            false => Diagnostic::error("incus-name-taken", summary),
        };
        told.detail(format!(
            "Remote `{}` has it, but this state does not.",
            self.client.remote().name
        ))
        .hint(import::hint(
            self.type_name,
            Some(self.address),
            self.attributes(),
        ))
    }

    /// Warns of names that neither the server has nor anything declares so far.
    async fn refers_to_what_is_there(&self, found: &mut Diagnostics) {
        for (type_name, name, segments) in self.references() {
            let declared = self.session.declared().has(type_name, &name);
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            // Of a project that is not there yet only the server knows what it will have by itself.
            if !declared && self.is_missing(&segments).await && self.has_project().await {
                let noun = entity(type_name).map_or("instance", |entity| entity.noun());
                found.push(self.missing(noun, &name));
            }
        }
    }

    fn missing(&self, noun: &str, name: &str) -> Diagnostic {
        let remote = &self.client.remote().name;
        Diagnostic::warning("incus-not-there", format!("there is no {noun} `{name}`"))
            .detail(format!(
                "Remote `{remote}` does not have it, and nothing that this depends on makes it."
            ))
            .hint("if another resource makes it, refer to that resource, so that it is made first")
    }

    /// What the object names: type, name, and where that is.
    fn references(&self) -> Vec<(&'static str, String, Vec<String>)> {
        let object = self.attributes();
        let mut all = Vec::new();
        let mut add = |type_name: &'static str, name: &str, segments: &[&str]| {
            let segments = segments.iter().map(|segment| (*segment).to_owned());
            all.push((type_name, name.to_owned(), segments.collect()));
        };
        for profile in object.texts("profiles").unwrap_or_default() {
            add("incus_profile", &profile, &["profiles", &profile]);
        }
        for attribute in ["pool", "storage_pool"] {
            if let Some(pool) = object.some_text(attribute) {
                add("incus_storage_pool", pool, &["storage-pools", pool]);
            }
        }
        if let Some(network) = object.some_text("network") {
            add("incus_network", network, &["networks", network]);
        }
        if let Some(zone) = object.some_text("zone") {
            add("incus_network_zone", zone, &["network-zones", zone]);
        }
        if let Some(instance) = object.some_text("instance") {
            add("incus_instance", instance, &["instances", instance]);
        }
        for device in self.devices().values() {
            let text = |name: &str| device.get(name).map(String::as_str);
            if let Some(network) = text("network") {
                add("incus_network", network, &["networks", network]);
            }
            let Some(pool) = text("pool") else { continue };
            add("incus_storage_pool", pool, &["storage-pools", pool]);
            if let Some(volume) = text("source").filter(|source| !source.starts_with('/')) {
                let segments = ["storage-pools", pool, "volumes", "custom", volume];
                add("incus_storage_volume", volume, &segments);
            }
        }
        all
    }

    fn devices(&self) -> Devices {
        devices::of(self.value)
    }
}
