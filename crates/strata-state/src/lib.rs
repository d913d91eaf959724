//! State: what Strata knows of the objects it made.
//!
//! A [`State`] is read from a file of Terraform's format, version 4, and written back to it whole. While an
//! apply runs, nothing is written there: a [`Journal`] beside the file says before each call what is begun and
//! after it what came of it, and the state file is the journal folded up. [`Store::open`] does that folding for a
//! run that was killed, and says which calls had no answer.
//!
//! A state may also be kept in a [`Backend`](backend::Backend): then its journal and a lock between the runs of this machine are in a
//! local folder still, and what is read, written and locked besides is a [`backend::Remote`].
//!
//! This crate must never know configuration or providers; attributes stay JSON text until somebody brings a type
//! ([`json`]). Start reading at [`State`], then [`Store`].

mod address;
pub mod backend;
mod carried;
pub mod encryption;
mod error;
mod file;
mod files;
mod held;
mod instances;
mod journal;
pub mod json;
mod listing;
mod lock;
mod record;
mod state;
mod store;

pub use carried::{carries_over, is_carried_from};
pub use error::StateError;
pub use files::write_private;
pub use instances::Instances;
pub use journal::{Begun, Journal};
pub use lock::{Lock, LockInfo, LockRequest};
pub use record::{Begin, Call, InFlight, Outcome};
pub use state::{Instance, Output, Resource, State, StoredObject};
pub use store::{Backup, Base, Opened, Store};
