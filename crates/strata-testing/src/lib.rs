//! What tests of several crates need: a platform in memory with faults on request, a server that keeps states,
//! and commands in containers.
//!
//! Only for tests; nothing that ships may use it. Start reading at [`Platform`] or [`states::Server`].

pub mod container;
mod platform;
mod provider;
mod schema;
pub mod states;

pub use platform::{Fault, Load, Operation, Platform, Thing};
