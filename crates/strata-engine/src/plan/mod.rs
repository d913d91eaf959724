//! Planning: what has to be done, as plain data.

mod delete;
mod finish;
pub(crate) mod import;
mod instance;
mod moves;
mod order;
mod outputs;
mod read;
mod refresh;
mod sort;
mod targets;
mod walk;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use strata_config::ProviderAddress;
use strata_core::{
    Action, AttributePath, ChangeCounts, Diagnostics, Value,
    addr::{self, Target},
    hash::HashMap,
    provider::Effect,
};
use strata_state::State;

use crate::{apply::Stop, checks::CheckResult, environment::Environment, objects::Template};

pub(crate) use instance::ask_provider;
pub(crate) use moves::removed;
pub(crate) use order::edges;
pub(crate) use refresh::{about, as_warnings};

pub use finish::announce_saved;
pub use order::{Graph, Node, Work};
pub use walk::{plan, plan_with_errors};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanMode {
    /// Makes everything as configuration has it.
    Normal,
    /// Only takes into state what has changed on the platforms.
    RefreshOnly,
    /// Deletes everything.
    Destroy,
}

/// How to plan.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// What for.
    pub mode: PlanMode,
    /// Whether objects are read first; if not, state is believed.
    pub refresh: bool,
    /// What to narrow the plan to, with all that it depends on; everything if empty.
    pub targets: Vec<Target>,
    /// What to leave out of the plan, with all that depends on it; nothing if empty. Not together with `targets`.
    pub exclude: Vec<Target>,
    /// What to replace even if nothing asks for it.
    pub replace: Vec<addr::ResourceInstance>,
    /// How many calls to providers may run at once.
    pub parallelism: usize,
    /// Ends it early: gently, what is being read is waited for; at once, it is left.
    pub stop: Stop,
}

/// What has to be done.
#[derive(Debug)]
pub struct Plan {
    /// What it was made of; apply evaluates it again with what is known then.
    pub environment: Environment,
    /// What it is for.
    pub mode: PlanMode,
    /// The state as it is after reading all objects.
    pub prior: State,
    /// What happened behind our back since the last apply.
    pub drift: Vec<Change>,
    /// What will become of each instance, those without change included, by address.
    pub changes: Vec<Change>,
    /// What will become of the root module's outputs.
    pub outputs: BTreeMap<Arc<str>, OutputChange>,
    /// In which order.
    pub graph: Graph,
    /// What conditions have found so far.
    pub checks: Vec<CheckResult>,
    /// What is not wrong enough to stop.
    pub warnings: Diagnostics,
    /// What is: such a plan can be looked at, and not applied.
    pub(crate) errors: Diagnostics,
    /// True if something is that wrong.
    pub(crate) errored: bool,
    /// The file with configuration that was written for this plan; whoever wrote it says so.
    pub generated_in: Option<Arc<str>>,
    /// True if outputs are to be left as they are, since only a part is planned.
    pub(crate) targeted: bool,
    /// Instances that have another address in configuration than in state, since `count` came or went.
    pub moves: Vec<(addr::ResourceInstance, addr::ResourceInstance)>,
    /// For each instance that moved, where it was first; made when somebody asks.
    pub(crate) origins: OnceLock<HashMap<addr::ResourceInstance, addr::ResourceInstance>>,
    /// True if reading made a difference to the state.
    pub(crate) refreshed: bool,
}

/// What will become of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which instance.
    pub address: addr::ResourceInstance,
    /// Which of its objects that were set aside; none for the current one.
    pub deposed: Option<Arc<str>>,
    /// What will be done.
    pub action: Action,
    /// Why, where it is not just that configuration changed.
    pub reason: Option<Reason>,
    /// The id under which it is taken over.
    pub importing: Option<Arc<str>>,
    /// The object before, with marks; none if there is none.
    pub before: Option<Value>,
    /// The object after, with marks and with unknown values; none if there will be none.
    pub after: Option<Value>,
    /// Which attributes need a new object.
    pub requires_replace: Vec<AttributePath>,
    /// What it does to what is running.
    pub effects: Vec<Effect>,
    /// The provider configuration that does it.
    pub provider: ProviderAddress,
    /// What the provider remembered while planning.
    pub(crate) private: Vec<u8>,
    /// What state will keep besides the attributes.
    pub(crate) template: Template,
    /// True if all of the configuration was known.
    pub(crate) config_known: bool,
}

/// Why a change is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Attributes cannot change in place.
    CannotUpdate,
    /// Its creation failed, or a user said so.
    Tainted,
    /// The user asked for it.
    Requested,
    /// Something in `replace_triggered_by` changes.
    Triggered,
    /// It is not in configuration any more.
    NotInConfiguration,
    /// It was moved to where configuration has nothing.
    NoMoveTarget,
    /// Its module is not in configuration any more.
    NoModule,
    /// Its index is beyond `count`.
    CountIndex,
    /// Its key is not in `for_each` any more.
    EachKey,
    /// `count` or `for_each` came or went.
    WrongRepetition,
    /// It was set aside by a replacement that did not finish.
    Deposed,
    /// Its configuration holds values that are not known yet.
    ConfigUnknown,
    /// What it depends on changes first.
    DependencyPending,
}

/// What will become of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputChange {
    /// `NoOp`, `Create`, `Update` or `Delete`.
    pub action: Action,
    /// The value in state.
    pub before: Option<Value>,
    /// The value after, with unknown values; none if it goes away.
    pub after: Option<Value>,
    /// True if it must not be shown.
    pub sensitive: bool,
}

impl Plan {
    /// Where an instance was before it got its address, through all its moves; of what is destroyed that is no news.
    pub fn moved_from(&self, address: &addr::ResourceInstance) -> Option<&addr::ResourceInstance> {
        if self.mode == PlanMode::Destroy {
            return None;
        }
        let find = || {
            let mut origins = HashMap::default();
            for (from, to) in &self.moves {
                let origin = origins.remove(from).unwrap_or_else(|| from.clone());
                origins.insert(to.clone(), origin);
            }
            origins
        };
        self.origins.get_or_init(find).get(address)
    }

    /// Objects that are no longer tracked, but stay.
    pub fn forgotten(&self) -> impl Iterator<Item = &addr::ResourceInstance> {
        let forgotten = |change: &&Change| change.action == Action::Forget;
        self.changes
            .iter()
            .filter(forgotten)
            .map(|change| &change.address)
    }

    /// How much there is to do.
    pub fn counts(&self) -> ChangeCounts {
        let mut counts = ChangeCounts::default();
        self.changes
            .iter()
            .for_each(|change| count(&mut counts, change.action));
        let imported = |change: &&Change| change.importing.is_some();
        counts.import = self.changes.iter().filter(imported).count();
        counts
    }

    /// True if applying it would change neither an object nor an output.
    pub fn is_empty(&self) -> bool {
        let still = |action: Action| action == Action::NoOp;
        self.moves.is_empty()
            && self
                .changes
                .iter()
                .all(|change| still(change.action) && change.importing.is_none())
            && self.outputs.values().all(|output| still(output.action))
    }

    /// True if only a part of the configuration was planned.
    pub fn is_partial(&self) -> bool {
        self.targeted
    }

    /// True if something went wrong while planning, so that it is not whole.
    pub fn is_errored(&self) -> bool {
        self.errored
    }

    /// What went wrong while planning.
    pub fn into_errors(self) -> Diagnostics {
        self.errors
    }

    /// True if it makes sense to apply it. To write down what was read does so only for who asked for just that, as in
    /// Terraform: otherwise `-detailed-exitcode` would report changes, and `apply` ask, for what nobody wants changed.
    pub fn is_applyable(&self) -> bool {
        // An output that cannot be told before something is made is not written down by who only reads.
        let known =
            |output: &OutputChange| output.after.as_ref().is_none_or(Value::is_wholly_known);
        let told = |output: &OutputChange| output.action != Action::NoOp && known(output);
        let changes = match self.mode {
            PlanMode::RefreshOnly => self.refreshed || self.outputs.values().any(told),
            PlanMode::Normal | PlanMode::Destroy => !self.is_empty(),
        };
        changes && !self.errored
    }
}

impl Change {
    /// True if anything is done.
    pub(crate) fn is_made(&self) -> bool {
        self.action != Action::NoOp
    }
}

pub(crate) fn count(counts: &mut ChangeCounts, action: Action) {
    match action {
        Action::Create => counts.add += 1,
        Action::Update => counts.change += 1,
        Action::Delete => counts.destroy += 1,
        Action::DeleteThenCreate | Action::CreateThenDelete => {
            counts.add += 1;
            counts.destroy += 1;
        }
        Action::NoOp
        | Action::Read
        | Action::Forget
        | Action::Open
        | Action::Renew
        | Action::Close => {}
    }
}

/// What is known while planning, besides the session.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a PlanOptions,
    pub(crate) dependencies: &'a strata_config::Dependencies,
    /// Resources that are replaced by making the new object first, since they or what depends on them say so.
    pub(crate) create_before_destroy: &'a std::collections::BTreeSet<addr::ConfigResource>,
    /// With all instances where configuration has them.
    pub(crate) state: &'a State,
    /// What was moved for that.
    pub(crate) moves: &'a [(addr::ResourceInstance, addr::ResourceInstance)],
    /// What is to be taken over.
    pub(crate) imports: &'a import::Imports,
}

/// What planning one instance gave.
#[derive(Default)]
pub(crate) struct Planned {
    pub(crate) changes: Vec<Change>,
    pub(crate) drift: Vec<Change>,
    /// What state shall have after reading: none to take the object out.
    pub(crate) refreshed: Vec<Refreshed>,
    pub(crate) diagnostics: Diagnostics,
}

/// What reading did to one object of the state.
pub(crate) struct Refreshed {
    pub(crate) address: addr::ResourceInstance,
    pub(crate) deposed: Option<Arc<str>>,
    pub(crate) provider: Arc<str>,
    pub(crate) object: Option<strata_state::StoredObject>,
}
