//! The contract of an infrastructure platform: how the engine plans, makes and reads its objects.
//!
//! It is Terraform's resource lifecycle (plugin protocol 6) with two additions: a create carries a
//! marker by which an object can be found again after a crash ([`ConfiguredProvider::find`]), and a
//! plan says what a change does to a running guest ([`Effect`]).

use std::{sync::Arc, time::Duration};

use crate::{
    BoxFuture, addr,
    diagnostic::{Diagnostic, Diagnostics},
    schema::ProviderSchema,
    value::{AttributePath, Value},
};

/// A platform before its `provider` block is known.
pub trait Provider: Send + Sync {
    /// The provider's name in configuration, such as `incus`.
    fn name(&self) -> &'static str;

    /// The address other tools know it by, such as `registry.terraform.io/lxc/incus`.
    fn source(&self) -> &'static str;

    /// What it offers.
    fn schema(&self) -> &ProviderSchema;

    /// Checks a resource's or data source's configuration, which may hold unknown values, beyond what the schema says.
    fn validate(&self, kind: ObjectKind, type_name: &str, config: &Value) -> Diagnostics;

    /// What is lost for good when an object is deleted, in a few words; none where it can be made anew as it was.
    fn lost_with(&self, _type_name: &str, _object: &Value) -> Option<&'static str> {
        None
    }

    /// Takes the `provider` block (unknown values only while planning) and makes a provider that can work.
    ///
    /// It connects when first asked to do something, so that configuring without a platform at hand succeeds.
    fn configure(&self, config: Value) -> Result<Arc<dyn ConfiguredProvider>, Diagnostics>;
}

/// Which family a type name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A managed resource.
    Resource,
    /// A data source.
    DataSource,
    /// An ephemeral resource.
    Ephemeral,
}

/// A provider that can work. All values are unmarked and of the schema's implied type.
pub trait ConfiguredProvider: Send + Sync {
    /// Decides what a resource will look like after apply. May ask the platform, changes nothing there.
    fn plan<'a>(&'a self, request: PlanRequest)
    -> BoxFuture<'a, Result<PlanResponse, Diagnostics>>;

    /// Creates, updates or deletes one object.
    fn apply<'a>(&'a self, request: ApplyRequest) -> BoxFuture<'a, ApplyResponse>;

    /// Reads one object; none if it is no longer there.
    fn read<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Object>, Diagnostics>>;

    /// Reads a data source.
    fn read_data<'a>(
        &'a self,
        type_name: Arc<str>,
        config: Value,
    ) -> BoxFuture<'a, Result<Value, Diagnostics>>;

    /// Takes over an object that is there under the id a user gives.
    fn import<'a>(
        &'a self,
        type_name: Arc<str>,
        id: String,
    ) -> BoxFuture<'a, Result<Object, Diagnostics>>;

    /// The id under which [`Self::import`] would take over an object; none if it cannot be said.
    fn import_id(&self, _type_name: &str, _object: &Value) -> Option<String> {
        None
    }

    /// Looks for the object that a create without an answer may have left behind.
    fn find<'a>(&'a self, request: FindRequest) -> BoxFuture<'a, Result<Found, Diagnostics>>;

    /// Reads an object whose change or delete has no answer, as it is once the platform works on it no more;
    /// none if it is no longer there.
    ///
    /// A platform that has ended with a call as soon as its caller is gone needs no more than a read.
    fn settle<'a>(
        &'a self,
        request: ReadRequest,
    ) -> BoxFuture<'a, Result<Option<Settled>, Diagnostics>> {
        Box::pin(async move {
            let object = self.read(request).await?;
            Ok(object.map(|object| Settled {
                object,
                complete: true,
            }))
        })
    }

    /// True if an object of this type that a create left half made is not to be made anew: its next
    /// read tells that something is missing, and an update makes it whole.
    fn continues(&self, _type_name: &str) -> bool {
        false
    }

    /// Opens an ephemeral resource: what it gives is used in this run, and kept nowhere.
    fn open<'a>(
        &'a self,
        type_name: Arc<str>,
        _config: Value,
    ) -> BoxFuture<'a, Result<Opened, Diagnostics>> {
        Box::pin(std::future::ready(Err(no_ephemeral(&type_name))))
    }

    /// Makes what was opened last longer: gives when to ask again, if ever, and what to remember.
    fn renew<'a>(
        &'a self,
        type_name: Arc<str>,
        _private: Vec<u8>,
    ) -> BoxFuture<'a, Result<Renewed, Diagnostics>> {
        Box::pin(std::future::ready(Err(no_ephemeral(&type_name))))
    }

    /// Closes what was opened: nobody uses it any more.
    fn close<'a>(
        &'a self,
        _type_name: Arc<str>,
        _private: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Diagnostics>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn no_ephemeral(type_name: &str) -> Diagnostics {
    let summary = format!("there is no ephemeral resource `{type_name}`");
    Diagnostic::error("unknown-resource-type", summary).into()
}

/// What came of opening an ephemeral resource.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it gives, of the schema's implied type.
    pub value: Value,
    /// How long it lasts, and what to remember of it.
    pub renewed: Renewed,
}

/// How long something that was opened lasts.
#[derive(Clone, Debug, Default)]
pub struct Renewed {
    /// After how long it must be renewed; none if it lasts.
    pub renew_after: Option<Duration>,
    /// What the provider wants to remember, until it is closed.
    pub private: Vec<u8>,
}

/// An object as state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its attributes, of the schema's implied type.
    pub value: Value,
    /// What the provider wants to remember, opaque to all others.
    pub private: Vec<u8>,
}

/// What a change or delete without an answer left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The object as it is.
    pub object: Object,
    /// False if only parts of it are left: it must be made anew.
    pub complete: bool,
}

/// What [`ConfiguredProvider::plan`] is asked.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The resource instance.
    pub address: addr::ResourceInstance,
    /// The resource type.
    pub type_name: Arc<str>,
    /// The object as it is; none for a create.
    pub prior: Option<Object>,
    /// The configuration; unset attributes are null.
    pub config: Value,
    /// The configuration over the prior: computed attributes keep their prior value, or are unknown for a create.
    pub proposed: Value,
}

/// What will become of a resource.
#[derive(Clone, Debug)]
pub struct PlanResponse {
    /// The object after apply, with unknown values where only apply can tell.
    pub planned: Value,
    /// Attributes whose change needs a new object. Only paths that really change count.
    pub requires_replace: Vec<AttributePath>,
    /// What the change does to what is running; empty when nothing does.
    pub effects: Vec<Effect>,
    /// What the provider wants to remember.
    pub private: Vec<u8>,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// What a change does to a running guest, in the words of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// How far it reaches.
    pub kind: EffectKind,
    /// Why, for example `limits.cpu is applied live`.
    pub reason: String,
}

/// How far a change reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectKind {
    /// Nothing that runs is touched.
    None,
    /// The guest goes on running.
    Live,
    /// The guest is restarted.
    Restart,
    /// The guest is made anew; its root disk is lost.
    Rebuild,
    /// What cannot be made again is lost.
    DataLoss,
}

impl EffectKind {
    /// All of them, from the least to the worst.
    pub const ALL: [EffectKind; 5] = [
        EffectKind::None,
        EffectKind::Live,
        EffectKind::Restart,
        EffectKind::Rebuild,
        EffectKind::DataLoss,
    ];

    /// The label that plans show.
    pub fn label(self) -> &'static str {
        match self {
            EffectKind::None => "none",
            EffectKind::Live => "live",
            EffectKind::Restart => "restart",
            EffectKind::Rebuild => "rebuild",
            EffectKind::DataLoss => "data loss",
        }
    }
}

/// What [`ConfiguredProvider::apply`] is asked: no prior creates, no planned deletes.
pub struct ApplyRequest {
    /// The resource type.
    pub type_name: Arc<str>,
    /// The object as it is.
    pub prior: Option<Object>,
    /// The object as it shall be, with unknown values left open.
    pub planned: Option<Value>,
    /// The configuration; null for a delete.
    pub config: Option<Value>,
    /// What `plan` wanted to remember.
    pub private: Vec<u8>,
    /// Marks what is created, so that [`ConfiguredProvider::find`] can tell it from others' objects.
    pub marker: String,
    /// Tells how far the work is, in a few words; never with sensitive values.
    pub progress: Progress,
}

/// By what one call tells how it goes: in short notes, and by saying when it only waits.
#[derive(Clone)]
pub struct Progress {
    notes: Arc<dyn Fn(&str) + Send + Sync>,
    place: Option<Arc<dyn Place>>,
}

/// The place of one call among those that may run at once.
pub trait Place: Send + Sync {
    /// Gives it to others. Whoever has none gives none.
    fn leave(&self);

    /// Takes one again, as soon as one is free. Whoever has one keeps it.
    fn take<'a>(&'a self) -> BoxFuture<'a, ()>;
}

impl Progress {
    /// Hands notes on.
    pub fn new(notes: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            notes: Arc::new(notes),
            place: None,
        }
    }

    /// Drops all notes.
    pub fn ignored() -> Self {
        Self::new(|_| {})
    }

    /// The same, of a call that has this place.
    #[must_use]
    pub fn with_place(self, place: Arc<dyn Place>) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// Notes what is under way.
    pub fn note(&self, text: &str) {
        (self.notes)(text);
    }

    /// Waits for what the platform works on by itself, such as an operation it has begun: other calls have their turn
    /// meanwhile. When it is over the call goes on as soon as there is room for it.
    ///
    /// Nothing may be asked of the platform in `event`. A limit of time belongs inside it: a wait that is dropped half way
    /// leaves the call without a place.
    pub async fn wait<T>(&self, event: impl Future<Output = T>) -> T {
        let Some(place) = &self.place else {
            return event.await;
        };
        place.leave();
        let came = event.await;
        place.take().await;
        came
    }
}

/// What came of an apply.
///
/// `object` is what is there now, also after a failure: none if there is nothing. An object that
/// is there although `diagnostics` has errors is recorded, and tainted if it was being created,
/// unless its type [continues](ConfiguredProvider::continues).
#[derive(Clone, Debug)]
pub struct ApplyResponse {
    /// What is there now.
    pub object: Option<Object>,
    /// What went wrong.
    pub diagnostics: Diagnostics,
}

/// What [`ConfiguredProvider::read`] is asked.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The resource type.
    pub type_name: Arc<str>,
    /// The object as state has it.
    pub object: Object,
}

/// The block by which configuration takes an object over under an id.
pub fn import_block(address: &str, id: &str) -> String {
    format!("import {{\n  to = {address}\n  id = {id:?}\n}}")
}

/// What [`ConfiguredProvider::find`] is asked.
#[derive(Clone, Debug)]
pub struct FindRequest {
    /// The resource type.
    pub type_name: Arc<str>,
    /// What was to be created.
    pub planned: Value,
    /// The marker that the create carried.
    pub marker: String,
}

/// What a search for a half-made object gave.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing is there: the create did not happen.
    Nothing,
    /// This is ours. It may not be finished: it is recorded as tainted unless `complete`.
    Ours {
        /// The object as it is.
        object: Object,
        /// True if nothing is left to do.
        complete: bool,
    },
    /// An object of that name is there, but does not carry our marker.
    Foreign,
}
