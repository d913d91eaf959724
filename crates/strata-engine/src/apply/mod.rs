//! Applying: doing what a plan says, in the order that it says.
//!
//! One loop owns the state and the journal. A step has two halves: it is prepared (its configuration evaluated
//! with what is known now), then begun in the journal, and only then does the call go out. All steps that become
//! ready together share one sync of the journal.

mod begin;
mod end;
mod finish;
mod outputs;
mod places;
mod prepare;
mod provision;
mod run;
mod stop;

use std::{sync::Arc, time::Duration};

use strata_core::{ChangeCounts, Diagnostics};
use strata_state::State;

pub use provision::{NoProvisioners, Provision, Provisioners};
pub use run::apply;
pub use stop::Stop;

/// How to apply.
#[derive(Clone)]
pub struct ApplyOptions {
    /// How many calls to providers may run at once. One whose provider only waits for its platform does not count, so that from
    /// 10 on up to five times as many steps are under way; below as many as this says.
    pub parallelism: usize,
    /// How often the state is written while it goes on.
    pub fold_every: Duration,
    /// What runs provisioners.
    pub provisioners: Arc<dyn Provisioners>,
}

/// What came of an apply.
#[derive(Debug)]
pub struct Applied {
    /// The state with everything that was done, also where something failed.
    pub state: State,
    /// What went wrong.
    pub diagnostics: Diagnostics,
    /// How much was done.
    pub counts: ChangeCounts,
    /// True if it was stopped before everything was done.
    pub stopped: bool,
    /// True if calls were left without waiting for their end: the journal must then stay as it is.
    pub abandoned: bool,
}
