//! What tests of several crates need: a platform in memory with faults on request, a server that keeps states,
//! commands in containers, and programs of others.
//!
//! Only for tests; nothing that ships may use it. Start reading at [`Platform`] or [`states::Server`].

pub mod container;
pub mod peers;
mod platform;
mod provider;
mod schema;
pub mod states;

pub use platform::{Fault, Load, Operation, Platform, Thing};
