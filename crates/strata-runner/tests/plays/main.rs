//! Whole plays over hosts that are models: what they do to the hosts, and what the user sees.

#![expect(clippy::unwrap_used, reason = "tests may")]

mod collections;
mod debugger;
mod differential;
mod failures;
mod pace;
mod record;
mod rehearsal;
mod resume;
mod shown;
mod world;
