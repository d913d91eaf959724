//! The nouns that all layers of Strata share, and the contracts that the outside implements.
//!
//! Both halves of Strata are one loop: read what is desired, observe what is, decide the changes as
//! plain data, make them, record them. What travels through that loop is defined here:
//!
//! - what configuration computes with: [`Value`], [`Type`], [`Number`], [`Marks`], [`AttributePath`];
//! - what things are called: [`addr`];
//! - what a platform's objects look like: [`schema`];
//! - what is wrong ([`Diagnostic`]) and what is happening ([`Event`]), the only two things that travel upward;
//! - what the outside must offer: [`Provider`](provider::Provider), [`Connection`](connection::Connection),
//!   [`InventorySource`](inventory::InventorySource), [`Files`](files::Files).
//!
//! This crate must never know I/O, an async runtime, HCL or YAML. Start reading at [`value`].

#![warn(missing_docs)]

pub mod addr;
pub mod connection;
mod diagnostic;
mod event;
pub mod files;
pub mod hash;
pub mod inventory;
pub mod provider;
pub mod schema;
mod span;
pub mod value;

pub use diagnostic::{Diagnostic, Diagnostics, Label, NamedValue, Severity, Subject};
pub use event::{
    Action, ApplyPhase, ChangeCounts, Event, Events, FileDiff, HostCounts, JobState, OperationKind,
    ProvisionPhase, ResultKind, StageKind, StageOutcome, TaskOutcome,
};
pub use span::{Position, Source, Span};
pub use value::{AttributePath, Marks, Number, PathStep, Text, Type, Value};

use std::{future::Future, pin::Pin};

/// A boxed future, as every asynchronous contract of this crate returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
