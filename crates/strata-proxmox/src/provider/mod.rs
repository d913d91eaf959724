//! The provider: what it offers, and who does what is asked.
//!
//! Types and their arguments come from published facts ([`schema`]); what a kind of object does is
//! its [`kind::Kind`]. Most are plain: [`plain`] makes, reads, changes and removes them by a table
//! ([`tables`]). Guests have a life of their own: [`vm`], [`container`]. [`planning`] decides by the
//! facts alone; a kind may look at the plan. [`session`] is a configured provider.

mod access;
mod acme;
mod ahead;
mod alias;
mod apt;
mod block;
mod cluster_options;
mod cluster_tables;
mod container;
mod data;
mod file;
mod firewall;
mod form;
mod former;
mod guest;
mod image;
mod intended;
mod ip_set;
mod kind;
mod lists;
mod membership;
mod newer;
mod node;
mod plain;
mod planning;
mod schema;
mod sdn;
mod session;
mod since;
mod ssh;
mod tables;
mod telmate;
#[cfg(test)]
mod tests;
mod value;
mod vm;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde_json::Value as Json;
use strata_core::{
    AttributePath, BoxFuture, Diagnostic, Diagnostics, Type, Value,
    provider::{
        ApplyRequest, ApplyResponse, ConfiguredProvider, FindRequest, Found, Object, ObjectKind,
        PlanRequest, PlanResponse, Progress, Provider, ReadRequest,
    },
    schema::ProviderSchema,
};

use self::{
    kind::{Failure, Kind, Outcome, Planned, Work},
    schema::Facts,
    session::Session,
};
use crate::platform::Platform;

/// Where a kind keeps what it remembers, inside an object's JSON.
pub(crate) const PRIVATE: &str = "(private)";

/// What is remembered of an object that was imported, until it is changed: nobody told what it was made of.
const IMPORTED: &str = "imported";

/// Says of a configuration that its disks are not wholly known.
pub(crate) const OPEN: &str = "(open)";

/// All kinds by each of their names.
fn kinds() -> &'static BTreeMap<&'static str, &'static dyn Kind> {
    static KINDS: OnceLock<BTreeMap<&'static str, &'static dyn Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut all: Vec<&'static dyn Kind> = vec![&vm::Vm, &container::Container];
        all.extend(tables::ALL.iter().map(|kind| kind as &dyn Kind));
        all.extend(access::ALL);
        all.extend(file::ALL);
        all.extend(firewall::ALL);
        all.extend(ip_set::ALL);
        all.extend(node::ALL);
        all.extend(apt::ALL);
        all.extend(cluster_options::ALL);
        all.extend(cluster_tables::ALL.iter().map(|kind| kind as &dyn Kind));
        all.extend(acme::ALL);
        all.extend(alias::ALL);
        all.extend(membership::ALL);
        all.extend(image::ALL);
        all.extend(sdn::ALL);
        all.extend(newer::ALL);
        all.extend(telmate::ALL);
        let mut by_name = BTreeMap::new();
        for kind in all {
            let facts = schema::find(kind.name(), false).expect("every kind has facts");
            by_name.extend(facts.names.iter().map(|name| (name.as_str(), kind)));
        }
        by_name
    })
}

fn unknown_type(name: &str) -> Diagnostic {
    Diagnostic::error(
        "proxmox-not-supported",
        format!("`{name}` is not supported yet"),
    )
}

/// The provider before its block is known.
pub(crate) struct ProxmoxProvider {
    platform: Arc<Platform>,
    schema: OnceLock<ProviderSchema>,
    /// True if it speaks telmate's names.
    telmate: bool,
}

impl ProxmoxProvider {
    /// With the types of `bpg/proxmox`, or with those of `telmate/proxmox`.
    pub(crate) fn new(platform: Arc<Platform>, telmate: bool) -> Self {
        Self {
            platform,
            schema: OnceLock::new(),
            telmate,
        }
    }

    fn offered(telmate: bool) -> ProviderSchema {
        let mut offered = ProviderSchema {
            provider: match telmate {
                true => telmate::block::schema(),
                false => block::schema(),
            },
            absent: former::of(telmate),
            ..ProviderSchema::default()
        };
        for facts in schema::all()
            .iter()
            .filter(|facts| facts.telmate == telmate)
        {
            for name in &facts.names {
                if facts.is_data && data::has(name) {
                    offered
                        .data_sources
                        .insert(name.as_str().into(), schema::resource(facts));
                } else if !facts.is_data && kinds().contains_key(name.as_str()) {
                    offered
                        .resources
                        .insert(name.as_str().into(), schema::resource(facts));
                }
            }
        }
        offered
    }
}

impl Provider for ProxmoxProvider {
    fn name(&self) -> &'static str {
        "proxmox"
    }

    fn source(&self) -> &'static str {
        match self.telmate {
            true => telmate::SOURCE,
            false => "registry.terraform.io/bpg/proxmox",
        }
    }

    fn schema(&self) -> &ProviderSchema {
        self.schema.get_or_init(|| Self::offered(self.telmate))
    }

    fn lost_with(&self, type_name: &str, _object: &Value) -> Option<&'static str> {
        Some(match type_name {
            "proxmox_virtual_environment_vm" | "proxmox_vm" | "proxmox_vm_qemu" => {
                "its disks and its snapshots"
            }
            "proxmox_virtual_environment_container" | "proxmox_lxc" => {
                "its volumes and its snapshots"
            }
            _ => return None,
        })
    }

    fn validate(&self, kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics {
        let mut diags = Diagnostics::new();
        if kind == ObjectKind::DataSource {
            return diags;
        }
        match kinds().get(type_name) {
            Some(kind) => {
                let mut json = value::to_json(config);
                // JSON does not tell what is unknown from what is not there.
                if config
                    .get("disk")
                    .is_some_and(|disk| !disk.is_wholly_known())
                {
                    json[OPEN] = Json::Bool(true);
                }
                refuse(type_name, kind.refused(), &json, &mut diags);
                want_versions(type_name, config, &mut diags);
                kind.validate(&json, &mut diags);
            }
            None => diags.push(unknown_type(type_name)),
        }
        diags
    }

    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics> {
        let session = match config.is_wholly_known() {
            false => None,
            true => {
                let read = match self.telmate {
                    true => telmate::block::read,
                    false => block::read,
                };
                let (access, mut manner) = read(
                    &config,
                    &self.platform.settings.environment,
                    self.platform.settings.models.as_ref(),
                )
                .map_err(|diagnostic| Diagnostics::from(*diagnostic))?;
                manner.ssh.askpass = self.platform.settings.askpass;
                let client = self.platform.client(access).map_err(|error| {
                    Diagnostics::from(error.diagnostic("The provider `proxmox` cannot be used"))
                })?;
                Some(Session::new(client, manner))
            }
        };
        let directory = self.platform.settings.directory.clone();
        Ok(Arc::new(Configured { session, directory }))
    }
}

/// Refuses a secret that is only written where nothing tells when it is another: no state has it.
fn want_versions(type_name: &str, config: &Value, diags: &mut Diagnostics) {
    let facts = schema::find(type_name, false);
    for name in facts.into_iter().flat_map(Facts::write_only) {
        let version = format!("{name}_version");
        let is_given = |name: &str| config.get(name).is_some_and(|value| !value.is_null());
        if is_given(name) && !is_given(&version) {
            let summary = format!("`{name}` of `{type_name}` needs `{version}`");
            diags.push(
                Diagnostic::error("proxmox-invalid-value", summary)
                    .detail("it is kept nowhere, so only another number tells that it is another"),
            );
        }
    }
}

/// Refuses arguments that are there but not supported, by name.
fn refuse(type_name: &str, refused: &[&str], config: &Json, diags: &mut Diagnostics) {
    for name in refused {
        let mut parts = name.split('.');
        let mut values = vec![&config[parts.next().unwrap_or_default()]];
        for part in parts {
            values = values
                .iter()
                .flat_map(|value| match value {
                    Json::Array(items) => items.iter().map(|item| &item[part]).collect(),
                    other => vec![&other[part]],
                })
                .collect();
        }
        let set = |value: &&Json| match value {
            Json::Null => false,
            Json::Array(items) => !items.is_empty(),
            Json::String(text) => !text.is_empty(),
            _ => true,
        };
        if values.iter().any(set) {
            let summary = format!("`{name}` of `{type_name}` is not supported yet");
            diags.push(Diagnostic::error("proxmox-not-supported", summary));
        }
    }
}

/// The provider at work.
struct Configured {
    /// None while planning with a block that is not known yet.
    session: Option<Session>,
    directory: std::path::PathBuf,
}

impl Configured {
    fn session(&self) -> Result<&Session, Diagnostics> {
        self.session.as_ref().ok_or_else(|| {
            Diagnostics::from(Diagnostic::error(
                "proxmox-setup",
                "The provider `proxmox` is configured with values that are not known yet",
            ))
        })
    }
}

fn found(type_name: &str) -> Result<(&'static dyn Kind, &'static Facts), Diagnostics> {
    let kind = kinds().get(type_name).copied();
    let facts = schema::find(type_name, false);
    kind.zip(facts)
        .ok_or_else(|| Diagnostics::from(unknown_type(type_name)))
}

/// An object as JSON with what its kind remembers.
fn open(object: &Value, private: &[u8]) -> Json {
    let mut json = value::to_json(object);
    if let Ok(private) = serde_json::from_slice::<Json>(private) {
        json[PRIVATE] = private;
    }
    json
}

fn close(mut json: Json, ty: &Type) -> Object {
    let private = json.get_mut(PRIVATE).map(Json::take).unwrap_or_default();
    let private = if private.is_null() {
        Vec::new()
    } else {
        private.to_string().into_bytes()
    };
    Object {
        value: value::from_json(&json, ty),
        private,
    }
}

/// What was planned where it was known, and what came of it where it was not.
fn settle(planned: &Value, got: &Value) -> Value {
    if !planned.is_known() {
        return got.clone();
    }
    match (planned, got) {
        (Value::Object(planned), Value::Object(got)) => {
            Value::object(planned.iter().map(|(name, value)| {
                (
                    name.clone(),
                    got.get(name)
                        .map_or_else(|| value.clone(), |got| settle(value, got)),
                )
            }))
        }
        (Value::List(ty, planned), Value::List(_, got)) if planned.len() == got.len() => {
            let items = planned
                .iter()
                .zip(got.iter())
                .map(|(planned, got)| settle(planned, got));
            Value::list(ty.clone(), items.collect())
        }
        (Value::Map(ty, planned), Value::Map(_, got)) => {
            let entries = planned.iter().map(|(name, value)| {
                (
                    name.clone(),
                    got.get(name)
                        .map_or_else(|| value.clone(), |got| settle(value, got)),
                )
            });
            Value::map(ty.clone(), entries)
        }
        _ if planned.is_wholly_known() => planned.clone(),
        _ => got.clone(),
    }
}

/// Puts into an object what is sent and not kept, when it is made or the version says that it is another.
fn write_secrets(facts: &Facts, request: &ApplyRequest, json: &mut Json) {
    for name in facts.write_only() {
        let version = format!("{name}_version");
        let before = request.prior.as_ref().map(|prior| &prior.value);
        let was = before.and_then(|before| before.get(&version));
        let is_same = was.is_some_and(|was| value::to_json(was) == json[version.as_str()]);
        let given = request.config.as_ref().and_then(|config| config.get(name));
        if let Some(given) = given.filter(|_| !is_same) {
            json[name] = value::to_json(given);
        }
    }
}

fn failed(failure: &Failure) -> Diagnostics {
    Diagnostics::from(failure.diagnostic.clone())
}

impl Configured {
    async fn plan_one(&self, request: PlanRequest) -> Result<PlanResponse, Diagnostics> {
        let (kind, facts) = found(&request.type_name)?;
        let planned = planning::with_defaults(&facts.args, &request.config, &request.proposed);
        let mut planned = planning::without_secrets(facts, planned);
        let prior = request
            .prior
            .as_ref()
            .map(|prior| open(&prior.value, &prior.private));
        let json = value::to_json(&planned);
        let is_as_it_was =
            prior.is_some() && request.prior.as_ref().map(|prior| &prior.value) == Some(&planned);
        if let Some(session) = self.session.as_ref().filter(|_| !is_as_it_was) {
            let checked = since::check(session, kind.name(), &json).await;
            checked.map_err(|failure| failed(&failure))?;
        }
        let said = value::to_json(&request.config);
        let mut look = Planned::new(
            self.session.as_ref(),
            prior.as_ref(),
            &json,
            Some(&self.directory),
        );
        look.said = Some(&said);
        kind.plan(&mut look)
            .await
            .map_err(|failure| failed(&failure))?;
        let Planned {
            reopen,
            effects,
            warnings,
            nothing,
            changed,
            replace,
            keep,
            ..
        } = look;
        if let Some(session) = &self.session {
            session.intended().note(kind.name(), &json);
        }
        let before = prior.as_ref();
        let mut requires_replace = Vec::new();
        if let Some(prior) = &request.prior {
            let before = before.unwrap_or(&Json::Null);
            let imported = before[PRIVATE][IMPORTED] == true;
            let told = match imported {
                true => planning::without_untold(&facts.args, &prior.value, &planned),
                false => planned.clone(),
            };
            if nothing || (imported && told == prior.value) {
                planned = prior.value.clone();
            }
            requires_replace = planning::replaced(&facts.args, &prior.value, &told);
            let kept: Vec<_> = keep.into_iter().map(AttributePath::attribute).collect();
            requires_replace.retain(|path| !kept.iter().any(|kept| kept.is_prefix_of(path)));
            let renamed = |name: &&&str| before[**name] != json[**name];
            requires_replace.extend(
                kind.naming()
                    .iter()
                    .filter(renamed)
                    .map(|name| AttributePath::attribute(*name)),
            );
            requires_replace.extend(replace.into_iter().map(AttributePath::attribute));
            if changed || planned != prior.value {
                planned = reopened(planned, &reopen, &request.config);
            }
        }
        let private = request.prior.map(|prior| prior.private).unwrap_or_default();
        Ok(PlanResponse {
            planned,
            requires_replace,
            effects,
            private,
            warnings,
        })
    }

    async fn apply_one(&self, request: ApplyRequest) -> ApplyResponse {
        let prior = request.prior.clone();
        let outcome = self.apply_inner(request).await;
        outcome.unwrap_or_else(|diagnostics| ApplyResponse {
            object: prior,
            diagnostics,
        })
    }

    async fn apply_inner(&self, request: ApplyRequest) -> Result<ApplyResponse, Diagnostics> {
        let (kind, facts) = found(&request.type_name)?;
        let session = self.session()?;
        let work = Work {
            session,
            progress: &request.progress,
            marker: &request.marker,
            directory: &self.directory,
        };
        let ty = facts.ty();
        let done = |object, diagnostics| ApplyResponse {
            object,
            diagnostics,
        };
        match (&request.prior, &request.planned) {
            (prior, Some(planned)) => {
                let private = prior
                    .as_ref()
                    .map(|prior| prior.private.clone())
                    .unwrap_or_default();
                let mut json = open(planned, &private);
                if let Some(remembered) = json[PRIVATE].as_object_mut() {
                    remembered.remove(IMPORTED);
                }
                write_secrets(facts, &request, &mut json);
                if let Some(config) = &request.config {
                    kind.hear(&mut json, &value::to_json(config));
                }
                let outcome = match prior {
                    None => kind.create(&work, &mut json).await,
                    Some(prior) => {
                        let before = open(&prior.value, &prior.private);
                        kind.update(&work, &before, &mut json).await
                    }
                };
                session.forget().await;
                for name in facts.write_only() {
                    json[name] = Json::Null;
                }
                let mut object = close(json, ty);
                object.value = settle(planned, &object.value);
                Ok(match outcome {
                    Ok(()) => done(Some(object), Diagnostics::new()),
                    Err(failure) if prior.is_none() && failure.made => {
                        done(Some(object), failed(&failure))
                    }
                    Err(failure) => done(prior.clone(), failed(&failure)),
                })
            }
            (Some(prior), None) => {
                let outcome = kind
                    .delete(&work, &open(&prior.value, &prior.private))
                    .await;
                session.forget().await;
                Ok(match outcome {
                    Ok(()) => done(None, Diagnostics::new()),
                    Err(failure) => done(Some(prior.clone()), failed(&failure)),
                })
            }
            (None, None) => Ok(done(None, Diagnostics::new())),
        }
    }

    async fn quietly<T>(
        &self,
        work: impl AsyncFnOnce(&Work<'_>) -> Outcome<T>,
        marker: &str,
    ) -> Result<T, Diagnostics> {
        let progress = Progress::ignored();
        let context = Work {
            session: self.session()?,
            progress: &progress,
            marker,
            directory: &self.directory,
        };
        work(&context).await.map_err(|failure| failed(&failure))
    }

    async fn read_one(&self, request: ReadRequest) -> Result<Option<Object>, Diagnostics> {
        let (kind, facts) = found(&request.type_name)?;
        let mut json = open(&request.object.value, &request.object.private);
        let there = self
            .quietly(async |work| kind.read(work, &mut json).await, "")
            .await?;
        Ok(there.then(|| close(json, facts.ty())))
    }

    async fn import_one(&self, type_name: &str, id: &str) -> Result<Object, Diagnostics> {
        let (kind, facts) = found(type_name)?;
        let wrong = |reason: String| {
            let summary = format!("`{id}` is not an id of `{type_name}`");
            Diagnostics::from(Diagnostic::error("proxmox-import-id", summary).detail(reason))
        };
        let block = schema::resource(facts).block;
        let empty = value::to_json(&block.empty_value());
        let mut json = empty.clone();
        let known = kind.import(id).map_err(wrong)?;
        for (name, value) in value::members(&known) {
            json[name] = value.clone();
        }
        json["(imported)"] = Json::Bool(true);
        let there = self
            .quietly(async |work| kind.read(work, &mut json).await, "")
            .await?;
        if !there {
            let summary = "Cannot import non-existent remote object";
            let detail = format!("there is no {} `{id}`", kind.noun());
            return Err(Diagnostics::from(
                Diagnostic::error("proxmox-import", summary).detail(detail),
            ));
        }
        for (name, arg) in &facts.args {
            if json[name].is_null() && !arg["d"].is_null() && !arg["b"].is_object() {
                json[name] = arg["d"].clone();
            }
        }
        kind.imported(&mut json);
        json[PRIVATE][IMPORTED] = Json::Bool(true);
        Ok(close(json, &block.implied_type()))
    }

    async fn find_one(&self, request: FindRequest) -> Result<Found, Diagnostics> {
        let (kind, facts) = found(&request.type_name)?;
        let mut json = value::to_json(&request.planned);
        let marker = request.marker.clone();
        let outcome = self
            .quietly(async |work| kind.find(work, &mut json).await, &marker)
            .await?;
        Ok(match outcome {
            None => Found::Nothing,
            Some(false) => Found::Foreign,
            Some(true) => {
                let mut object = close(json, facts.ty());
                object.value = settle(&request.planned, &object.value);
                Found::Ours {
                    object,
                    // What is missing is told by its next read.
                    complete: kind.continues(),
                }
            }
        })
    }
}

/// Leaves open what only apply can tell, but for what the configuration says.
fn reopened(planned: Value, names: &[&str], config: &Value) -> Value {
    let Some(entries) = planned.as_entries() else {
        return planned;
    };
    Value::object(entries.iter().map(|(name, value)| {
        let written = config.as_entries().and_then(|entries| entries.get(name));
        let is_written = written.is_some_and(|value| !value.is_null());
        let inside = names.iter().filter_map(|path| {
            let (block, member) = path.split_once('.')?;
            (block == &**name).then_some(member)
        });
        let inside: Vec<&str> = inside.collect();
        let value = match value {
            _ if names.contains(&&**name) && !is_written => Value::unknown(value.ty()),
            Value::List(ty, items) if !inside.is_empty() => {
                let nothing = Value::Null(ty.clone());
                let written = written.and_then(Value::as_sequence).unwrap_or_default();
                let items = items.iter().enumerate().map(|(at, item)| {
                    reopened(item.clone(), &inside, written.get(at).unwrap_or(&nothing))
                });
                Value::list(ty.clone(), items.collect())
            }
            value => value.clone(),
        };
        (name.clone(), value)
    }))
}

impl ConfiguredProvider for Configured {
    fn plan<'a>(
        &'a self,
        request: PlanRequest,
    ) -> BoxFuture<'a, Result<PlanResponse, Diagnostics>> {
        Box::pin(self.plan_one(request))
    }

    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse> {
        Box::pin(self.apply_one(request))
    }

    fn continues(&self, type_name: &str) -> bool {
        kinds().get(type_name).is_some_and(|kind| kind.continues())
    }

    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>> {
        Box::pin(self.read_one(request))
    }

    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        Box::pin(async move {
            let facts = schema::find(&type_name, true)
                .ok_or_else(|| Diagnostics::from(unknown_type(&type_name)))?;
            let mut json = value::to_json(&config);
            self.quietly(async |work| data::read(work, facts, &mut json).await, "")
                .await?;
            Ok(value::from_json(&json, facts.ty()))
        })
    }

    fn import<'a>(
        &'a self,
        type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move { self.import_one(&type_name, &id).await })
    }

    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(self.find_one(request))
    }
}
