//! What tests of several crates need: a platform in memory with faults on request.
//!
//! Only for tests; nothing that ships may use it. Start reading at [`Platform`].

mod platform;
mod provider;
mod schema;

pub use platform::{Fault, Operation, Platform, Thing};
